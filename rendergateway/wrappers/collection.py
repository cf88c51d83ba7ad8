"""Lazy sequences of wrappers: a list of 100 000 tiles costs its bytes and a pointer each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import attrs

from rendergateway.errors import MultipleFoundError, NotFoundError
from rendergateway.model import Record
from rendergateway.model.slices import Text
from rendergateway.wrappers.keys import Key, Scope

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.object import ObjectWrapper

__all__ = ["Collection", "Listing"]

W = TypeVar("W", bound="ObjectWrapper[Any]")


@attrs.frozen
class Listing:
    """
    What a listing holds: an id for each object and, where the answer had it, the text of each record.

    Attributes
    ----------
    ids : sequence
        In the order of the collection.
    key_of : callable
        Makes the key of an id; keys are made when objects are reached.
    texts : sequence of JSON text, optional
        One an id; views into the answer.
    """

    ids: Sequence[Any]
    key_of: Callable[[Any], Key]
    texts: Sequence[Text] | None = None

    def part(self, chosen: slice) -> Listing:
        """Return a part of the listing; the texts are shared."""
        return Listing(self.ids[chosen], self.key_of, self.texts[chosen] if self.texts is not None else None)


class Collection(Sequence[W], Generic[W]):
    """
    Objects of one kind, in order, loaded when first read and again after a write through the same gateway.

    Building one makes no request. The first of ``len``, an index, a loop and a look-up makes the requests of the
    listing, once; objects are wrapped when they are reached.

    Parameters
    ----------
    conn : Gateway
        Where the objects live.
    kind : str
        What they are.
    load : callable
        Makes the requests and returns the `Listing`.
    scope : tuple of str
        What must be written to for the listing to be old.
    what : str
        Said in messages: "tiles of section 3.0".
    """

    do_not_call_in_templates = True

    def __init__(self, conn: Gateway, kind: str, load: Callable[[], Listing], *, scope: Scope, what: str) -> None:
        self._conn = conn
        self._kind = kind
        self._load = load
        self._scope = scope
        self._what = what
        self._listing: Listing | None = None
        self._epoch = conn.epoch(scope)
        self._serial = conn.next_serial()
        self._places: dict[str, dict[Any, int]] = {}
        self._lock = threading.RLock()

    @property
    def is_loaded(self) -> bool:
        """Whether the listing is here, and no write through this gateway has made it old."""
        return self._listing is not None and self._epoch == self._conn.epoch(self._scope)

    @property
    def _now(self) -> Listing:
        listing = self._listing
        if listing is not None and self._epoch == self._conn.epoch(self._scope):
            return listing
        with self._lock:
            return self._listing if self.is_loaded and self._listing is not None else self._read()

    def _read(self) -> Listing:
        # The epoch from before the request: a write that comes between makes the listing old, not fresh.
        epoch, serial = self._conn.epoch(self._scope), self._conn.next_serial()
        listing = self._load()
        self._listing, self._epoch, self._serial, self._places = listing, epoch, serial, {}
        return listing

    def load(self) -> Collection[W]:
        """Load the listing if it is not loaded; return the collection."""
        _ = self._now
        return self

    def reload(self) -> Collection[W]:
        """Load the listing again: what others wrote shows."""
        with self._lock:
            self._read()
        return self

    def __len__(self) -> int:
        return len(self._now.ids)

    @overload
    def __getitem__(self, place: int) -> W: ...
    @overload
    def __getitem__(self, place: slice) -> Collection[W]: ...
    def __getitem__(self, place: int | slice) -> W | Collection[W]:
        listing = self._now
        if isinstance(place, slice):
            return self._part(place)
        return self._wrapped(listing, place)

    def _part(self, place: slice) -> Collection[W]:
        def load() -> Listing:
            return self._now.part(place)

        part: Collection[W] = Collection(self._conn, self._kind, load, scope=self._scope, what=self._what)
        part._listing, part._epoch, part._serial = load(), self._epoch, self._serial
        return part

    def __iter__(self) -> Iterator[W]:
        listing = self._now
        return (self._wrapped(listing, place) for place in range(len(listing.ids)))

    def __contains__(self, item: object) -> bool:
        key = getattr(item, "_key", None)
        return item in self._place_of_id if key is None else key in self._place_of_key

    def _wrapped(self, listing: Listing, place: int) -> W:
        text = listing.texts[place] if listing.texts is not None else None
        key = listing.key_of(listing.ids[place])
        wrapper: W = self._conn.wrap_text(self._kind, key, text, self._serial)
        return wrapper

    @property
    def _place_of_id(self) -> dict[Any, int]:
        return self._index("ids", lambda listing: listing.ids)

    @property
    def _place_of_key(self) -> dict[Any, int]:
        return self._index("keys", lambda listing: map(listing.key_of, listing.ids))

    def _index(self, name: str, read: Callable[[Listing], Iterable[Any]]) -> dict[Any, int]:
        with self._lock:
            listing = self._now
            if name not in self._places:
                self._places[name] = {item: place for place, item in enumerate(read(listing))}
            return self._places[name]

    @property
    def ids(self) -> list[Any]:
        """The ids of all objects, in order: what `get` takes."""
        return list(self._now.ids)

    @property
    def first(self) -> W | None:
        """The first object; None where there is none."""
        return self[0] if len(self) else None

    def get(self, id: Any) -> W:
        """
        Return the object of that id.

        Raises
        ------
        NotFoundError
            If it is not in this collection.
        """
        place = self._place_of_id.get(id)
        if place is None:
            raise NotFoundError(f"{id!r} is not among the {len(self)} {self._what}")
        return self[place]

    def one(self) -> W:
        """
        Return the only object.

        Raises
        ------
        NotFoundError
            If there is none.
        MultipleFoundError
            If there are several.
        """
        if not len(self):
            raise NotFoundError(f"there are no {self._what}")
        if len(self) > 1:
            names = ", ".join(str(id) for id in self.ids[:3])
            raise MultipleFoundError(f"one was asked for, there are {len(self)} {self._what}: {names}, …")
        return self[0]

    def records(self) -> Iterator[Record]:
        """Yield the record of each object, without wrapping it."""
        listing = self._now
        if listing.texts is None:
            yield from (wrapper._obj for wrapper in self)
        else:
            yield from map(self._conn.registry[self._kind].RECORD.from_json, listing.texts)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        count = str(len(self._listing.ids)) if self.is_loaded and self._listing is not None else "not loaded"
        return f"<Collection of {self._what}: {count}>"
