"""The content of a listing, before anything in it is wrapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from rendergateway.model.records.json_slices import Raw
from rendergateway.wrappers.core.epochs import Epoch, Seen
from rendergateway.wrappers.core.keys import Key

__all__ = ["Listing", "Loaded"]

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})
# Memory per item of a listing, in addition to its text.
_ITEM_BYTES = 150


@attrs.frozen
class Listing:
    """
    The id of each object and, if the answer had it, the text of each record.

    Attributes
    ----------
    ids : sequence
        In the order of the collection.
    key_of : callable
        Makes the key of an id; keys are made when objects are reached.
    texts : sequence of JSON text, optional
        One per id; views into the answer.
    known : mapping
        Facts that all objects share because they were asked for, such as ``z`` of the tiles of a section; they need
        not be read from each record.
    """

    ids: Sequence[Any]
    key_of: Callable[[Any], Key]
    texts: Sequence[Raw | bytes] | None = None
    known: Mapping[str, Any] = _NO_FACTS

    def part(self, chosen: slice) -> Listing:
        """Return a part of the listing; the texts are shared."""
        return attrs.evolve(self, ids=self.ids[chosen], texts=self.texts[chosen] if self.texts is not None else None)

    def chosen(self, places: Iterable[int]) -> Listing:
        """Return the objects at these positions, in this order."""
        places = list(places)
        texts = [self.texts[place] for place in places] if self.texts is not None else None
        return attrs.evolve(self, ids=[self.ids[place] for place in places], texts=texts)

    @property
    def size(self) -> int:
        """Approximate memory in bytes, from the first text: records of one listing are much alike."""
        first = len(bytes(self.texts[0])) if self.texts else 0
        return len(self.ids) * (_ITEM_BYTES + first)


@attrs.define(eq=False)
class Loaded:
    """
    A listing that was read, and the values derived from it since.

    Attributes
    ----------
    listing : Listing
        As it was read.
    seen : Seen
        When it was read.
    also : tuple of Epoch
        The epochs of other objects that selected its objects.
    places : dict
        Look-up tables by name, from id or key to position; made on demand.
    held : list
        Objects that the collection keeps alive, because their children were fetched for it.
    """

    listing: Listing
    seen: Seen
    also: tuple[Epoch, ...] = ()
    places: dict[str, dict[Any, int]] = attrs.field(factory=dict)
    held: list[Any] = attrs.field(factory=list)

    @property
    def is_stale(self) -> bool:
        """Whether a write has invalidated the listing."""
        # Checked at each index: no generator for the many listings that nothing selects.
        return self.seen.epoch.is_over or (bool(self.also) and any(epoch.is_over for epoch in self.also))

    def index(self, name: str, read: Callable[[Listing], Iterable[Any]]) -> dict[Any, int]:
        """Return the look-up table *name*, made from *read* of the listing on first use."""
        if name not in self.places:
            self.places[name] = {item: place for place, item in enumerate(read(self.listing))}
        return self.places[name]
