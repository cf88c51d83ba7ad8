"""Lazy sequences of wrappers: a list of 100 000 tiles costs its bytes and a pointer each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from rendergateway.errors import MultipleFoundError, NotFoundError
from rendergateway.forks import new_lock
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import Record
from rendergateway.mutators import changes_data, refuse_marked
from rendergateway.progress import Progress
from rendergateway.type_hints import resolvable_hints
from rendergateway.visible_text import visible
from rendergateway.wrappers.core import display
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.core.bulk import mapped
from rendergateway.wrappers.core.epochs import Seen
from rendergateway.wrappers.core.keys import Scope
from rendergateway.wrappers.core.listing import Listing, Loaded
from rendergateway.wrappers.core.pages import Page, Pages
from rendergateway.wrappers.core.selection import in_words, places_in_order, places_that_fit
from rendergateway.wrappers.core.space import ObjectSpace

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.model.records.matches import MatchRecord
    from rendergateway.model.records.tiles import TileRecord
    from rendergateway.model.tables.match_table import MatchTable
    from rendergateway.model.tables.row_table import RowTable
    from rendergateway.model.tables.tile_table import TileTable
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Collection", "Listing", "streamed"]

R = TypeVar("R")
RecordT = TypeVar("RecordT", bound=Record)
V = TypeVar("V")
W = TypeVar("W", covariant=True)


@resolvable_hints
class Collection(Sequence[W], Generic[W]):
    """
    Objects of one kind, in order, loaded on first use and again after a write through the same gateway.

    Building one makes no request. The first ``len``, index, loop or look-up makes the requests of the listing, once;
    objects are wrapped on access. Slices, `filter` and `order_by` return collections over the same listing, which make
    no request of their own.

    Parameters
    ----------
    conn : Gateway
        The gateway of the objects.
    kind : str
        The kind of the objects.
    load : callable
        Makes the requests and returns the `Listing`.
    scope : tuple of str
        The stack or match collection whose writes invalidate the listing.
    what : str
        For messages: "tiles of section 3.0".
    above : ObjectWrapper, optional
        What the listing was reached from; its objects keep it alive.
    selected_by : sequence of ObjectWrapper
        Objects of other scopes whose facts select the objects of this listing.
    """

    do_not_call_in_templates = True

    def __init__(
        self,
        conn: Client,
        kind: str,
        load: Callable[[], Listing],
        *,
        scope: Scope,
        what: str,
        above: Any = None,
        selected_by: Sequence[ObjectWrapper[Any]] = (),
    ) -> None:
        self._conn = conn
        self._above = () if above is None else (above,)
        self._kind = kind
        self._load = load
        self._scope = scope
        self._what = visible(what)
        self._selected_by = selected_by
        self._loaded: Loaded | None = None
        self._lock = new_lock()

    # Loading

    @property
    def is_loaded(self) -> bool:
        """Whether the listing was read and no write through this gateway has invalidated it."""
        loaded = self._loaded
        return loaded is not None and not loaded.is_stale

    @property
    def _current(self) -> Loaded:
        loaded = self._loaded
        if loaded is None or loaded.is_stale:
            with self._lock:
                loaded = self._loaded
                if loaded is None or loaded.is_stale:
                    loaded = self._loaded = self._read()
        return loaded

    @property
    def _now(self) -> Listing:
        return self._current.listing

    def _read(self) -> Loaded:
        # The epochs from before the request: a write in between makes the listing stale, not fresh.
        objects = self._conn.objects
        epoch, serial = objects.epoch(self._scope), objects.next_serial()
        also = tuple(one._current_epoch for one in self._selected_by)
        with display.not_missing(lambda: f"loading of {self!r}"):
            listing = self._load()
        return Loaded(listing, Seen(epoch, serial, listing.known, self._above), also)

    def load(self) -> Self:
        """Load the listing if it is not loaded; return the collection."""
        _ = self._current
        return self

    @changes_data
    def reload(self) -> Self:
        """Load the listing again, and its objects when they are next read, to see what others wrote."""
        with self._lock:
            self._conn.objects.epochs.end(self._scope, written=False)
            for one in self._selected_by:
                one._conn.objects.epochs.end(one._scope, written=False)
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
            # Django tries this for every dotted name, before the attribute; it must cost no request.
            raise TypeError(f"{self!r} is indexed by position; get({place!r}) finds an id")
        loaded = self._current
        listing = loaded.listing
        try:
            id = listing.ids[place]
        except (IndexError, TypeError) as error:
            raise type(error)(f"{place!r} is not a position in {self!r}: {error}") from None
        text = listing.texts[place] if listing.texts is not None else None
        wrapper: W = self._conn.objects.wrap_listed(self._class, listing.key_of(id), text, loaded.seen)
        return wrapper

    def __iter__(self) -> Iterator[W]:
        return self._objects(self._current)

    def _objects(self, loaded: Loaded) -> Iterator[W]:
        return _objects(self._conn.objects, self._kind, loaded)

    def __contains__(self, item: object) -> bool:
        key = getattr(item, "_key", None)
        return item in self._place_of_id if key is None else key in self._place_of_key

    @property
    def _class(self) -> type[Any]:
        return self._conn.objects.registry[self._kind]

    @property
    def _place_of_id(self) -> dict[Any, int]:
        return self._current.index("ids", lambda listing: listing.ids)

    @property
    def _place_of_key(self) -> dict[Any, int]:
        return self._current.index("keys", lambda listing: map(listing.key_of, listing.ids))

    def count(self, item: object = ...) -> int:
        """Return the number of objects, or how often *item* occurs; templates call it without an argument."""
        return len(self) if item is ... else int(item in self)

    def index(self, item: object, start: int = 0, stop: int | None = None) -> int:
        """Return the position of an object, or of an id."""
        key = getattr(item, "_key", None)
        place = self._place_of_id.get(item) if key is None else self._place_of_key.get(key)
        if place is None or place not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{item!r} is not among the {self._what}")
        return place

    @property
    def total(self) -> int:
        """Number of objects in the whole listing; slices, filters and pages show a part of it."""
        return len(self)

    # Choosing

    @property
    def ids(self) -> list[Any]:
        """The ids of all objects, in order, as `get` takes them."""
        return list(self._now.ids)

    @property
    def first(self) -> W | None:
        """The first object; None if the collection is empty."""
        return self[0] if len(self) else None

    @property
    def last(self) -> W | None:
        """The last object; None if the collection is empty."""
        return self[-1] if len(self) else None

    def get(self, id: Any) -> W:
        """
        Return the object with an id, or equal to an object.

        Raises
        ------
        NotFoundError
            If it is not in this collection.
        """
        key = getattr(id, "_key", None)
        place = self._place_of_id.get(id) if key is None else self._place_of_key.get(key)
        if place is None:
            like = f"; ids are like {self.ids[0]!r}" if len(self) and type(self.ids[0]) is not type(id) else ""
            raise NotFoundError(f"{id!r} is not among the {len(self)} {self._what}{like}")
        return self[place]

    def one(self) -> W:
        """
        Return the only object.

        Raises
        ------
        NotFoundError
            If the collection is empty.
        MultipleFoundError
            If it has several objects.
        """
        if not len(self):
            raise NotFoundError(f"there are no {self._what}")
        if len(self) > 1:
            names = ", ".join(str(id) for id in self.ids[:3])
            raise MultipleFoundError(f"expected one object, found {len(self)} {self._what}: {names}, …")
        return self[0]

    def of(self, wrapper_class: type[V]) -> Collection[V]:
        """
        Return this collection typed as objects of a registered subclass, for type checkers and editors.

        Parameters
        ----------
        wrapper_class : type
            The registered class of this kind, or a base of it.

        Raises
        ------
        TypeError
            If objects of this collection are of another class.

        Examples
        --------
        ``for tile in section.tiles().of(LabTile): tile.score``
        """
        if not issubclass(self._class, wrapper_class):
            raise TypeError(
                f"objects of {self!r} are {self._class.__name__}, not {wrapper_class.__name__}; "
                f"gateway.register({wrapper_class.__name__}) changes that"
            )
        return self  # type: ignore[return-value]

    def filter(self, **fields: Any) -> Collection[W]:
        """
        Return the objects whose fields have these values; no request beyond the listing's.

        Parameters
        ----------
        **fields
            By name: fields of the record and of nested records (``image_row`` of a tile's layout), and properties of
            the class. A value is compared; None matches a missing field; a list, tuple, set, range or array matches
            any of its values; a function is called with each value that is not missing and returns whether it matches.

        Raises
        ------
        TypeError
            If a field does not exist; the message lists those that do.

        Examples
        --------
        ``tiles.filter(camera_id="cam2", image_col=[0, 2], image_row=lambda row: row > 3)``
        """
        choose = places_that_fit(self._class, fields)
        words = [f"{name} {in_words(value)}" for name, value in fields.items()]
        return self._chosen(choose, f"{self._what} with {' and '.join(words)}" if words else self._what)

    def order_by(self, *fields: str) -> Collection[W]:
        """
        Return the objects ordered by fields; objects without a value come last.

        Parameters
        ----------
        *fields : str
            Names as `filter` takes them; a leading ``-`` reverses the order.

        Raises
        ------
        TypeError
            If a field does not exist; when the collection is read, if its values cannot be ordered.
        """
        return self._chosen(places_in_order(self._class, fields), self._what)

    def _chosen(self, choose: Callable[[Listing, Callable[[], Iterator[Any]]], list[int]], what: str) -> Collection[W]:
        def part(loaded: Loaded) -> Listing:
            return loaded.listing.chosen(choose(loaded.listing, lambda: self._objects(loaded)))

        return _Part(self, part, what)

    def pages(self, size: int) -> Pages[W]:
        """Return this collection in pages of *size* objects: a sequence of collections."""
        return Pages(self, size)

    def page(self, number: int, size: int) -> Page[W]:
        """Return one page of at most *size* objects, counted from 1, with the numbers of the pages beside it."""
        return self.pages(size).page(number)

    # All objects

    @property
    def texts(self) -> Sequence[Text]:
        """The JSON text of each record, as received; if the listing has none, objects are loaded one by one."""
        texts = self._now.texts
        # A copy: the listing must not change.
        return tuple(texts) if texts is not None else [wrapper._obj.to_json() for wrapper in self._items()]

    def records(self: Collection[ObjectWrapper[RecordT]]) -> Iterator[RecordT]:
        """Yield the record of each object, without wrapping it."""
        if self._now.texts is None:
            yield from (wrapper._obj for wrapper in self._items())
        else:
            yield from map(self._class.RECORD.from_json, self.texts)

    def _items(self) -> Iterator[Any]:
        return iter(self)

    @overload
    def table(  # type: ignore[overload-overlap]
        self: Collection[ObjectWrapper[TileRecord]], *, units: Literal["px"] = "px"
    ) -> TileTable: ...
    @overload
    def table(  # type: ignore[overload-overlap]
        self: Collection[ObjectWrapper[MatchRecord]], *, units: Literal["px"] = "px"
    ) -> MatchTable: ...
    @overload
    def table(self, *, units: str = "px") -> RowTable: ...
    def table(self, *, units: str = "px") -> Any:
        """
        Return the objects as columns: a `TileTable`, a `MatchTable` or, for other kinds, a `RowTable`.

        Parameters
        ----------
        units : {'px', 'nm'}
            With ``nm`` bounding boxes are in nanometres, in a `RowTable`: for analysis, not for writing back.

        Raises
        ------
        RenderGatewayError
            If nanometres are asked for and the stack has no resolution.
        """
        if units not in ("px", "nm"):
            raise ValueError(f"units must be 'px' or 'nm', got {units!r}")
        return self._class._table_of(self, units)

    def map(
        self,
        work: Callable[[W], R],
        *,
        workers: int | None = None,
        processes: int | None = None,
        progress: Progress = None,
    ) -> list[R]:
        """
        Return the results of a function on each object, in order.

        Parameters
        ----------
        work : callable
            Called with one object. With *processes* it must be picklable: a module-level function.
        workers : int, optional
            Number of threads.
        processes : int, optional
            Number of processes instead of threads, for CPU-bound work. Objects are sent with everything that they
            hold, without credentials.
        workers, progress
            Default: those of the gateway, see `Bulk`.

        Raises
        ------
        TypeError
            If *work* cannot be pickled for other processes, or both *workers* and *processes* are given.
        BaseException
            The first error in the order of the objects, with a note that names the object. Running work is finished
            (processes are terminated), no further work is started; the same on Ctrl-C.
        """
        if workers is not None and processes is not None:
            raise TypeError("workers= are threads and processes= are processes; pass one of them")
        refuse_marked(work, "the function of map()")
        bulk = self._conn.bulk.with_given(workers=workers, progress=progress)
        return mapped(work, self, bulk, what=self._what, processes=processes)

    def prefetch(self, *, workers: int | None = None, progress: Progress = None) -> Self:
        """
        Load the children of each object, or the object itself if it has none, several at a time; return self.

        The objects are kept alive as long as this listing, so that fetched objects are found again.
        """
        loaded = self._current
        loaded.held = list(self)
        self.map(_load_children, workers=workers, progress=progress)
        return self

    def simple_marshal(self) -> list[dict[str, Any]]:
        """Return plain values of each object for JSON, see `ObjectWrapper.simple_marshal`."""
        return [wrapper.simple_marshal() for wrapper in self._items()]

    # Identity, display

    def __reduce__(self) -> tuple[Any, ...]:
        # It would be pickled with the requests still to be made; objects are pickled with their loaded values.
        raise TypeError(f"{self!r} cannot be pickled; list() of it can, and so can table()")

    def __copy__(self) -> Self:
        # It represents a listing of the service; there is no second one.
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        loaded = self._loaded
        count = str(len(loaded.listing.ids)) if loaded is not None and self.is_loaded else "not loaded"
        return f"<Collection of {self._what}: {count}>"

    def _repr_html_(self) -> str:
        return display.html_of_collection(self)

    def __rich__(self) -> Any:
        return display.tree_of_collection(self)

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report missing names.

        def __getattr__(self, name: str) -> Any:
            """Suggest a name; repeat a property that failed, so that its own error shows."""
            return display.missing_attribute(self, name, display.no_attribute_of_collection)


class _Part(Collection[W]):
    """Objects chosen from another collection; stale when that one is."""

    def __init__(self, source: Collection[W], choose: Callable[[Loaded], Listing], what: str) -> None:
        super().__init__(source._conn, source._kind, source._load, scope=source._scope, what=what)
        self._source = source
        self._choose = choose

    def _read(self) -> Loaded:
        source = self._source._current
        return Loaded(self._choose(source), source.seen, source.also, held=source.held)

    @property
    def total(self) -> int:
        """Number of objects in the whole listing; this is a part of it."""
        return self._source.total

    @changes_data
    def reload(self) -> Self:
        """Load the collection that this one was chosen from again."""
        self._source.reload()
        return self.load()


def streamed(conn: Client, kind: str, listings: Iterable[Listing], *, scope: Scope, above: Any) -> Iterator[Any]:
    """Yield the objects of one listing after another; parameters are those of `Collection`."""
    objects, ahead = conn.objects, iter(listings)
    while True:
        # The epoch from before the request of the listing.
        epoch, serial = objects.epoch(scope), objects.next_serial()
        listing = next(ahead, None)
        if listing is None:
            return
        loaded = Loaded(listing, Seen(epoch, serial, listing.known, (above,)))
        yield from _objects(objects, kind, loaded)


def _objects(objects: ObjectSpace, kind: str, loaded: Loaded) -> Iterator[Any]:
    listing, seen, key_of = loaded.listing, loaded.seen, loaded.listing.key_of
    wrap, wrapper_class = objects.wrap_listed, objects.registry[kind]
    if listing.texts is None:
        return (wrap(wrapper_class, key_of(id), None, seen) for id in listing.ids)
    return (wrap(wrapper_class, key_of(id), text, seen) for id, text in zip(listing.ids, listing.texts, strict=True))


def _load_children(wrapper: Any) -> None:
    if wrapper.CHILD_KIND is not None:
        wrapper.children().load()
    else:
        wrapper.load()
