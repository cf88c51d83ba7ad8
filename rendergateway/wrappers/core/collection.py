"""Lazy sequences of wrappers: a list of 100 000 tiles costs its bytes and a pointer each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rendergateway.errors import MultipleFoundError, NotFoundError
from rendergateway.forks import new_lock
from rendergateway.wrappers.core.bulk import AllAtOnce
from rendergateway.wrappers.core.display import ShownCollection
from rendergateway.wrappers.core.freshness import Seen
from rendergateway.wrappers.core.keys import Scope
from rendergateway.wrappers.core.listing import Listing, Loaded
from rendergateway.wrappers.core.pages import Page, Pages
from rendergateway.wrappers.core.selection import in_words, places_in_order, places_that_fit
from rendergateway.wrappers.core.templates import changes_data

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Collection", "Listing"]

R = TypeVar("R")
W = TypeVar("W", bound="ObjectWrapper[Any]")


class Collection(AllAtOnce[W], ShownCollection, Generic[W]):
    """
    Objects of one kind, in order, loaded when first read and again after a write through the same gateway.

    Building one makes no request. The first of ``len``, an index, a loop and a look-up makes the requests of the
    listing, once; objects are wrapped when they are reached. Slices, `filter` and `order_by` give collections over the
    same listing, which make no request of their own.

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
    above : ObjectWrapper, optional
        What the listing was reached from; its objects keep it alive.
    """

    do_not_call_in_templates = True

    def __init__(
        self,
        conn: Gateway,
        kind: str,
        load: Callable[[], Listing],
        *,
        scope: Scope,
        what: str,
        above: ObjectWrapper[Any] | None = None,
    ) -> None:
        self._conn = conn
        self._above = () if above is None else (above,)
        self._kind = kind
        self._load = load
        self._scope = scope
        self._what = what
        self._loaded: Loaded | None = None
        self._lock = new_lock()

    # Loading

    @property
    def is_loaded(self) -> bool:
        """Whether the listing is here, and no write through this gateway has made it old."""
        loaded = self._loaded
        return loaded is not None and not loaded.seen.epoch.is_over

    @property
    def _current(self) -> Loaded:
        loaded = self._loaded
        if loaded is None or loaded.seen.epoch.is_over:
            with self._lock:
                loaded = self._loaded
                if loaded is None or loaded.seen.epoch.is_over:
                    loaded = self._loaded = self._read()
        return loaded

    @property
    def _now(self) -> Listing:
        return self._current.listing

    def _read(self) -> Loaded:
        # The epoch from before the request: a write that comes between makes the listing old, not fresh.
        epoch, serial = self._conn.epoch(self._scope), self._conn.next_serial()
        listing = self._load()
        return Loaded(listing, Seen(epoch, serial, listing.known, self._above))

    def load(self) -> Collection[W]:
        """Load the listing if it is not loaded; return the collection."""
        _ = self._current
        return self

    @changes_data
    def reload(self) -> Collection[W]:
        """Load the listing again: what others wrote shows."""
        with self._lock:
            self._loaded = self._read()
        return self

    # A sequence

    def __len__(self) -> int:
        return len(self._now.ids)

    @overload
    def __getitem__(self, place: int) -> W: ...
    @overload
    def __getitem__(self, place: slice) -> Collection[W]: ...
    def __getitem__(self, place: int | slice) -> W | Collection[W]:
        if isinstance(place, slice):
            return _Part(self, lambda loaded: loaded.listing.part(place), self._what)
        if isinstance(place, str):  # type: ignore[unreachable]
            # Django asks so for every dotted name, before it asks for the attribute; it must cost no request.
            raise TypeError(f"{self!r} is indexed by place; get({place!r}) finds an id")
        loaded = self._current
        listing = loaded.listing
        try:
            id = listing.ids[place]
        except (IndexError, TypeError) as error:
            raise type(error)(f"{place!r} is no place in {self!r}: {error}") from None
        text = listing.texts[place] if listing.texts is not None else None
        wrapper: W = self._conn.wrap_listed(self._class, listing.key_of(id), text, loaded.seen)
        return wrapper

    def __iter__(self) -> Iterator[W]:
        return self._objects(self._current)

    def _objects(self, loaded: Loaded) -> Iterator[W]:
        listing, seen, key_of = loaded.listing, loaded.seen, loaded.listing.key_of
        wrap, wrapper_class = self._conn.wrap_listed, self._class
        if listing.texts is None:
            return (wrap(wrapper_class, key_of(id), None, seen) for id in listing.ids)
        return (
            wrap(wrapper_class, key_of(id), text, seen) for id, text in zip(listing.ids, listing.texts, strict=True)
        )

    def __contains__(self, item: object) -> bool:
        key = getattr(item, "_key", None)
        return item in self._place_of_id if key is None else key in self._place_of_key

    @property
    def _class(self) -> type[Any]:
        return self._conn.registry[self._kind]

    @property
    def _place_of_id(self) -> dict[Any, int]:
        return self._current.index("ids", lambda listing: listing.ids)

    @property
    def _place_of_key(self) -> dict[Any, int]:
        return self._current.index("keys", lambda listing: map(listing.key_of, listing.ids))

    def count(self, item: object = ...) -> int:
        """Return how many objects there are, or how often *item* is among them; templates call it without."""
        return len(self) if item is ... else int(item in self)

    def index(self, item: object, start: int = 0, stop: int | None = None) -> int:
        """Return the place of an object, or of an id."""
        key = getattr(item, "_key", None)
        place = self._place_of_id.get(item) if key is None else self._place_of_key.get(key)
        if place is None or place not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{item!r} is not among the {self._what}")
        return place

    @property
    def total(self) -> int:
        """How many objects the whole listing has, of which slices, filters and pages show a part."""
        return len(self)

    # Choosing

    @property
    def ids(self) -> list[Any]:
        """The ids of all objects, in order: what `get` takes."""
        return list(self._now.ids)

    @property
    def first(self) -> W | None:
        """The first object; None where there is none."""
        return self[0] if len(self) else None

    @property
    def last(self) -> W | None:
        """The last object; None where there is none."""
        return self[-1] if len(self) else None

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

    def filter(self, **fields: Any) -> Collection[W]:
        """
        Return the objects whose fields have these values; chosen here, without a request beyond the listing's.

        Parameters
        ----------
        **fields
            By name: fields of the record, of the records in it (``image_row`` of a tile's layout), and properties of
            the class. A value is compared, None stands for a field that is missing; a list, tuple, set, range or array
            means one of its values; a function is given each value that there is, and tells.

        Raises
        ------
        TypeError
            If there is no such field; the message names those that there are.

        Examples
        --------
        ``tiles.filter(camera_id="cam2", image_col=[0, 2], image_row=lambda row: row > 3)``
        """
        choose = places_that_fit(self._class, fields)
        words = [f"{name} {in_words(value)}" for name, value in fields.items()]
        what = f"{self._what} with {' and '.join(words)}" if words else self._what
        return _Part(self, lambda loaded: loaded.listing.chosen(choose(self, loaded)), what)

    def order_by(self, *fields: str) -> Collection[W]:
        """
        Return the objects in the order of fields; what is missing comes last.

        Parameters
        ----------
        *fields : str
            Names as `filter` takes them; with ``-`` before it, from the largest.

        Raises
        ------
        TypeError
            If there is no such field; when the collection is read, if its values have no order.
        """
        order = places_in_order(self._class, fields)
        return _Part(self, lambda loaded: loaded.listing.chosen(order(self, loaded)), self._what)

    def pages(self, size: int) -> Pages[W]:
        """Return this collection cut into pages of *size* objects: a sequence of collections."""
        return Pages(self, size)

    def page(self, number: int, size: int) -> Page[W]:
        """Return one page of at most *size* objects, counted from 1, with the numbers of those beside it."""
        return self.pages(size).page(number)

    def __reduce__(self) -> tuple[Any, ...]:
        # It would travel with the requests that it has yet to make; objects travel with what they hold.
        raise TypeError(f"{self!r} does not travel to another process; list() of it does, and so does table()")

    def __copy__(self) -> Collection[W]:
        # It stands for what the service lists; there is no second one.
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Collection[W]:
        return self

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        loaded = self._loaded
        count = str(len(loaded.listing.ids)) if loaded is not None and self.is_loaded else "not loaded"
        return f"<Collection of {self._what}: {count}>"


class _Part(Collection[W]):
    """Objects chosen from another collection: fresh and old with it."""

    def __init__(self, source: Collection[W], choose: Callable[[Loaded], Listing], what: str) -> None:
        super().__init__(source._conn, source._kind, source._load, scope=source._scope, what=what)
        self._source = source
        self._choose = choose

    def _read(self) -> Loaded:
        source = self._source._current
        return Loaded(self._choose(source), source.seen, held=source.held)

    @property
    def total(self) -> int:
        """How many objects the whole listing has, of which this is a part."""
        return self._source.total

    @changes_data
    def reload(self) -> Collection[W]:
        """Load the collection that this was chosen from again."""
        self._source.reload()
        return super().reload()
