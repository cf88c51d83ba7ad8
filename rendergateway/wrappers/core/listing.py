"""What a listing holds, before anything in it is wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from rendergateway.model.records.json_slices import Raw
from rendergateway.wrappers.core.freshness import Seen
from rendergateway.wrappers.core.keys import Key

__all__ = ["Listing", "Loaded"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen
class Listing:
    """
    An id for each object and, where the answer had it, the text of each record.

    Attributes
    ----------
    ids : sequence
        In the order of the collection.
    key_of : callable
        Makes the key of an id; keys are made when objects are reached.
    texts : sequence of JSON text, optional
        One an id; views into the answer.
    known : mapping
        Facts that all objects share because they were asked for, such as ``z`` of the tiles of a section. They need
        not be read from each record then.
    """

    ids: Sequence[Any]
    key_of: Callable[[Any], Key]
    texts: Sequence[Raw | bytes] | None = None
    known: Mapping[str, Any] = _NOTHING

    def part(self, chosen: slice) -> Listing:
        """Return a part of the listing; the texts are shared."""
        return attrs.evolve(self, ids=self.ids[chosen], texts=self.texts[chosen] if self.texts is not None else None)

    def chosen(self, places: Iterable[int]) -> Listing:
        """Return the objects at these places, in this order."""
        places = list(places)
        texts = [self.texts[place] for place in places] if self.texts is not None else None
        return attrs.evolve(self, ids=[self.ids[place] for place in places], texts=texts)


@attrs.define(eq=False)
class Loaded:
    """
    A listing that was read, and what was made of it since.

    Attributes
    ----------
    listing : Listing
        As it was read.
    seen : Seen
        When it was read.
    places : dict
        Look-up tables by name: from id or key to place; made when asked for.
    held : list
        Objects that the collection keeps alive, because their children were fetched for it.
    """

    listing: Listing
    seen: Seen
    places: dict[str, dict[Any, int]] = attrs.field(factory=dict)
    held: list[Any] = attrs.field(factory=list)

    def index(self, name: str, read: Callable[[Listing], Iterable[Any]]) -> dict[Any, int]:
        """Return the look-up table *name*, of what *read* makes of the listing."""
        if name not in self.places:
            self.places[name] = {item: place for place, item in enumerate(read(self.listing))}
        return self.places[name]
