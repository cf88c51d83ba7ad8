"""The base of all wrappers: identity, lazy loading, caching and navigation."""

from __future__ import annotations

import copyreg
import functools
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rendergateway.errors import NoGatewayError, NotFoundError, RenderGatewayError
from rendergateway.forks import new_lock
from rendergateway.geometry import Bounds
from rendergateway.model.records.record import Record
from rendergateway.mutators import changes_data, keep_marks
from rendergateway.type_hints import resolvable_hints
from rendergateway.visible_text import visible
from rendergateway.wrappers.core import display, labels
from rendergateway.wrappers.core.arguments import check_parts
from rendergateway.wrappers.core.blitz import OBJECT_ALIASES, add_aliases
from rendergateway.wrappers.core.bound import Bound, Client
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.epochs import NOTHING_HELD, OVER, Epoch, Held
from rendergateway.wrappers.core.keys import Key, Scope, scope_of
from rendergateway.wrappers.core.listing import Listing

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.wrappers.core.blitz import HasChildren, HasParent

__all__ = ["ObjectWrapper", "changes_data"]

RecordT = TypeVar("RecordT", bound=Record)
V = TypeVar("V")

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})
_NO_MEMORY: tuple[Epoch, dict[Any, Any]] = (OVER, {})
# The epoch of detached records: nothing is written below them.
_DETACHED = Epoch()
# Held for nanoseconds: one state is compared and replaced by another.
_exchange = new_lock()
# Documented although private: users of Blitz Gateway look for them.
_RAW_NAMES = ("_conn", "_obj")


@resolvable_hints
class ObjectWrapper(Generic[RecordT]):
    """
    An object of the service: identified by a key, loaded on first use.

    Parameters
    ----------
    conn : Gateway, optional
        The gateway of the object; a wrapper of a detached record needs none.
    obj : Record, optional
        The record, if it is known already.
    key : tuple, optional
        Identifies the object; read from *obj* unless given.
    **extra
        Passed to ``__prepare__``, the hook for fields of subclasses.

    Notes
    -----
    Building, ``repr``, ``==``, ``hash``, ``dir`` and pickling make no request. Two wrappers are equal if server, kind
    and key are. Within one gateway there is one live object per class and key, in whatever thread. An object keeps
    the objects alive that it was reached from.
    """

    KIND: ClassVar[str]
    CHILD_KIND: ClassVar[str | None] = None
    RECORD: ClassVar[type[Record]]
    MARSHALLED: ClassVar[Sequence[str]] = ()

    # Django calls every callable; a class in a template context is there for comparison, not to be called.
    do_not_call_in_templates = True

    # With slots a misspelt attribute cannot be assigned; subclasses of users have a __dict__ for fields of their own.
    __slots__ = (
        "__weakref__",
        "_above",
        "_extra",
        "_gateway",
        "_held",
        "_key",
        "_memory",
        "_own_lock",
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Mark overridden mutators."""
        super().__init_subclass__(**options)
        keep_marks(cls)
        if not cls.__module__.startswith("rendergateway."):
            display.guard_properties(cls)

    def __init__(
        self, conn: Client | None = None, obj: RecordT | None = None, *, key: Key | None = None, **extra: Any
    ) -> None:
        check_parts(type(self), obj, key)
        key = key if key is not None else self._key_of(obj)
        epoch = conn.objects.epoch(scope_of(key)) if conn is not None else _DETACHED
        self._set_up(conn, key, NOTHING_HELD if obj is None else (epoch, {}, obj, 0), extra, ())

    def _set_up(self, conn: Client | None, key: Key, held: Held, extra: dict[str, Any], above: tuple[Any, ...]) -> None:
        """Initialise the slots; the many objects of a listing are made by this alone."""
        self._gateway = conn
        self._key = key
        self._held = held
        # The objects that this one was reached from, so that their caches stay.
        self._above = above
        self._memory = _NO_MEMORY
        self._own_lock: threading.RLock | None = None
        self._extra = extra
        # A call that does nothing costs a tenth of wrapping a tile.
        if extra or type(self).__prepare__ is not _prepare_nothing:
            self.__prepare__(**extra)

    def __prepare__(self, **extra: Any) -> None:
        """Do nothing; subclasses take their own fields from *extra* here."""

    # Identity

    @property
    def id(self) -> Any:
        """The last part of the key: identifies the object among its siblings."""
        return self._key[-1]

    @property
    def name(self) -> str:
        """The id as text."""
        return str(self.id)

    @property
    def _identity(self) -> tuple[str, str, Key]:
        return (self._gateway.service_id if self._gateway is not None else "", self.KIND, self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectWrapper) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        # Parts of the key of a detached record may be empty.
        return visible(f"<{type(self).__name__} {'/'.join(str(part) for part in self._key if part != '')}>")

    def __reduce__(self) -> tuple[Any, ...]:
        is_loaded = not self._held[0].is_over
        epoch = self._held[0] if is_loaded else self._current_epoch
        text = self._obj.to_json() if is_loaded else None
        made_of = (type(self), self._gateway, self._key, text, self._extra, self._carried(), epoch.number)
        return _revive, made_of, self._added()

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        """Return what identifies the object and its epoch, in any process, for ``dask.tokenize``."""
        shown = type(self)
        return f"{shown.__module__}.{shown.__qualname__}", *self._identity, self._current_epoch.number

    def __copy__(self) -> Self:
        # A wrapper represents an object of the service; there is no second one.
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    # Loading

    @property
    def _conn(self) -> Any:
        """The gateway; not typed, because wrappers are below it."""
        if self._gateway is None:
            raise NoGatewayError(
                f"{self!r} wraps a detached record (no gateway) and has only the fields of the record; "
                f"{type(self).__name__}(conn=gateway, key=...) wraps an object of a service"
            )
        return self._gateway

    @property
    def _bound(self) -> Bound[Any]:
        """The key and the gateway, as features take them."""
        return Bound(self._conn, self._key)

    @property
    def is_loaded(self) -> bool:
        """Whether the record was read and no write through this gateway has invalidated it."""
        return not self._held[0].is_over

    @property
    def exists(self) -> bool:
        """
        Whether the service has this object.

        Notes
        -----
        The request that loads the object, unless it is loaded.
        """
        return self._exists

    @property
    def _exists(self) -> bool:
        try:
            _ = self._obj
        except NotFoundError:
            return False
        return True

    @property
    def _scope(self) -> Scope:
        """The stack or match collection whose writes invalidate this object."""
        return scope_of(self._key)

    @property
    def _current_epoch(self) -> Epoch:
        return self._gateway.objects.epoch(self._scope) if self._gateway is not None else _DETACHED

    @property
    def _record(self) -> RecordT | None:
        """The loaded record, stale or not; no request."""
        _, _, record, _ = held = self._held
        return self._made(held, record) if isinstance(record, bytes) else record  # type: ignore[return-value]

    def _made(self, held: Held, text: bytes) -> Record:
        """Make the record from its text, and keep it in place of the text."""
        record = self.RECORD.from_json(text)
        with _exchange:
            if self._held is held:
                self._held = held[0], held[1], record, held[3]
        return record

    @property
    def _serial(self) -> int:
        """The serial of the last read, see `Held`."""
        return self._held[3]

    @property
    def _lock(self) -> threading.RLock:
        """Held while this object loads; made on demand, because few of many objects ever load alone."""
        if self._own_lock is None:
            with _exchange:
                self._own_lock = self._own_lock or new_lock()
        return self._own_lock

    @property
    def _obj(self) -> RecordT:
        """The record, loaded on first use and again after a write through this gateway."""
        epoch, _, record, _ = held = self._held
        if epoch.is_over:
            with self._lock:
                if self._held[0].is_over:
                    self._load()
                _, _, record, _ = held = self._held
        return self._made(held, record) if isinstance(record, bytes) else record  # type: ignore[return-value]

    def load(self) -> Self:
        """Load the object if it is not loaded; return it."""
        _ = self._obj
        return self

    @changes_data
    def reload(self) -> Self:
        """
        Load the object again, to see what others wrote.

        Everything else that was read of its stack or match collection, and listings above, is read again on next use:
        the facts of an object are partly those of others.
        """
        with self._lock:
            self._conn.objects.epochs.end(self._scope, written=False)
            self._load()
        return self

    def _load(self) -> None:
        # Epoch and serial from before the request: a write in between makes the record stale, not fresh.
        epoch, serial = self._current_epoch, self._conn.objects.next_serial()
        with self._reading:
            record = self._fetch()
        self._take(record, epoch, serial)

    @property
    def _reading(self) -> AbstractContextManager[None]:
        return display.not_missing(lambda: f"loading of {self!r}")

    def _fetch(self) -> RecordT:
        """Request the record."""
        raise NotImplementedError

    def _take(self, record: Record | bytes, epoch: Epoch, serial: int, known: Mapping[str, Any] = _NO_FACTS) -> None:
        """Accept *record* as the last answer of the service; *known* are values of `fact` properties."""
        with _exchange:
            self._held = epoch, known, record, serial

    def _fact(self, name: str, read: Callable[[Any], Any]) -> Any:
        """Return the value of the `fact` property *name*, and cache it with the record that it was read from."""
        _ = self._obj
        epoch, facts, record, serial = held = self._held
        value = read(self)
        with _exchange:
            if self._held is held:
                self._held = epoch, {**facts, name: value}, record, serial
        return value

    def _carried(self) -> dict[Any, Any]:
        """Return the cached values that are pickled with the object: small ones that are needed elsewhere."""
        return {}

    def _added(self) -> tuple[dict[str, Any] | None, dict[str, Any]] | None:
        """Return the attributes that a subclass or its users added, as pickle takes them: by dict, and by slots."""
        slots = set(copyreg._slotnames(type(self))).difference(ObjectWrapper.__slots__)  # type: ignore[attr-defined]
        by_slots = {name: getattr(self, name) for name in sorted(slots) if hasattr(self, name)}
        # Not an empty dict: pickle would set it on an object without one.
        by_dict = getattr(self, "__dict__", None) or None
        return (by_dict, by_slots) if by_dict or by_slots else None

    @classmethod
    def _table_of(cls, objects: Collection[Any], units: str) -> Any:
        """Return a table of objects of this class; see `Collection.table`."""
        from rendergateway.wrappers.core.rows import row_table

        return row_table(objects, cls.MARSHALLED, units)

    @classmethod
    def _key_of(cls, record: RecordT | None) -> Key:
        """Return the key of a record."""
        raise TypeError(f"{cls.__name__} needs key=, or obj= with a record that has one")

    # Memory: values made once per epoch, by name

    def _remembered(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return a cached value; made by *make* on first use and again after a write."""
        epoch, memory = self._memory
        if not epoch.is_over and name in memory:
            return memory[name]
        with self._lock:
            if self._memory[0].is_over:
                self._memory = (self._current_epoch, {})
            memory = self._memory[1]
            if name not in memory:
                with self._reading:
                    memory[name] = make()
            return memory[name]

    def _recalled(self, name: Any) -> Any:
        """Return a cached value; None if it is missing or stale."""
        epoch, memory = self._memory
        return None if epoch.is_over else memory.get(name)

    def _while_held(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return a value cached by weak reference: as long as it is used elsewhere and nothing is written."""
        with self._lock:
            held = self._remembered("weakly held", weakref.WeakValueDictionary)
            found = held.get(name)
            if found is None:
                found = held[name] = make()
            return found

    # Related objects

    def _wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        return self._conn.objects.wrap(kind, key, record, **extra)

    def _child(self, kind: str, key: Key) -> Any:
        """Return an object below this one, which keeps this one alive."""
        child = self._wrap(kind, key)
        child._keep_above(self)
        return child

    def _parent(self, kind: str, key: Key) -> Any:
        """Return an object above this one, and keep it alive."""
        parent = self._wrap(kind, key)
        self._keep_above(parent)
        return parent

    def _keep_above(self, parent: ObjectWrapper[Any]) -> None:
        above = self._above
        if not any(known is parent for known in above):
            self._above = (*(known for known in above if known.KIND != parent.KIND), parent)

    def _children(self, kind: str, what: str, load: Callable[[], Listing]) -> Any:
        """Return the collection of this object that is named *what*, loaded by *load*; cached."""
        return self._remembered(what, lambda: self._listed(kind, what, load, lambda: self))

    def _selection(self, kind: str, what: str, load: Callable[[], Listing]) -> Any:
        """
        Return the collection that is named *what*, loaded by *load*: one of any number.

        Unlike children it is cached only while it is used elsewhere or was listed just now: reading one box after
        another must not fill the memory.
        """

        def make() -> Collection[Any]:
            selection = self._listed(kind, what, load, lambda: this())
            this = weakref.ref(selection)
            return selection

        return self._while_held(what, make)

    def _listed(
        self, kind: str, what: str, load: Callable[[], Listing], holder: Callable[[], object]
    ) -> Collection[Any]:
        """Return a collection loaded by *load*; *holder* is then kept alive for a while."""

        def loaded() -> Listing:
            listing = load()
            self._conn.objects.recent.keep_listed(holder(), listing.size)
            return listing

        name = f"{what} of {self.KIND} {self}"
        return Collection(self._conn, kind, loaded, scope=self._scope, what=name, above=self)

    # Navigation

    @property
    def parent(self) -> ObjectWrapper[Any] | None:
        """The object that this one belongs to; None at the top."""
        return None

    def children(self) -> Collection[Any]:
        """
        Return the objects that belong to this one.

        Raises
        ------
        RenderGatewayError
            If objects of this kind have no children.
        """
        raise RenderGatewayError(f"a {self.KIND} has no children")

    def count_children(self) -> int:
        """Return the number of children."""
        return len(self.children())

    def ancestry(self) -> list[ObjectWrapper[Any]]:
        """Return parent, grandparent and so on, nearest first; no request."""
        above = []
        parent = self.parent
        while parent is not None:
            above.append(parent)
            parent = parent.parent
        return above

    def simple_marshal(self, *, parents: bool = False) -> dict[str, Any]:
        """
        Return plain values for JSON: type, id, name and the attributes listed in ``MARSHALLED``.

        Parameters
        ----------
        parents : bool
            Whether to add the ancestry, each object without its own.
        """
        values = {"type": self.KIND, "id": self.id, "name": self.name}
        values.update((name, _plain(getattr(self, name))) for name in self.MARSHALLED)
        if parents:
            values["parents"] = [parent.simple_marshal() for parent in self.ancestry()]
        return values

    if TYPE_CHECKING:
        # Names of Blitz Gateway, added from the table in blitz.py.

        def countChildren(self) -> int:  # noqa: N802
            """Return `count_children`."""
            ...

        def getAncestry(self) -> list[ObjectWrapper[Any]]:  # noqa: N802
            """Return `ancestry`."""
            ...

        def getId(self) -> Any:  # noqa: N802
            """Return `id`."""

        def getName(self) -> str:  # noqa: N802
            """Return `name`."""
            ...

        def getParent(self: HasParent[V]) -> V:  # noqa: N802
            """Return `parent`, of the type that it has in the object's own class."""
            ...

        def listChildren(self: HasChildren[V]) -> Collection[V]:  # noqa: N802
            """Return `children`, of the type that they have in the object's own class."""
            ...

        def simpleMarshal(self, *, parents: bool = False) -> dict[str, Any]:  # noqa: N802
            """Return `simple_marshal`."""
            ...

    # Display

    @property
    def short_name(self) -> str:
        """The name in at most 24 letters, without the middle of a longer one."""
        return labels.short_name(self.name)

    @property
    def sort_key(self) -> tuple[str | int, ...]:
        """Natural sort key of the name: ``t9`` before ``t10``."""
        return labels.natural_order(self.name)

    @property
    def css_class(self) -> str:
        """CSS class for the kind of the object: ``match-pair``."""
        return labels.css_class(self.KIND)

    def __dir__(self) -> Iterable[str]:
        names = (name for name in super().__dir__() if not re.match("_[^_]", name) or name in _RAW_NAMES)
        return sorted(set(names) - set(OBJECT_ALIASES))

    def _repr_html_(self) -> str:
        return display.html_of_object(self)

    def __rich_repr__(self) -> Iterator[tuple[str, Any]]:
        yield from display.facts_of(self)

    def __rich__(self) -> Any:
        return display.tree_of_object(self)

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report missing names.

        def __getattr__(self, name: str) -> Any:
            """Suggest a name; repeat a property that failed, so that its own error shows."""
            return display.missing_attribute(self, name, display.no_attribute_of_object)


_prepare_nothing = ObjectWrapper.__prepare__
add_aliases(ObjectWrapper, OBJECT_ALIASES)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    from rendergateway.model.tables.json_text import bounds_members, json_default

    # A box that is not finite is shown, not refused.
    return bounds_members(value) if isinstance(value, Bounds) else json_default(value)


def _revive(
    wrapper_class: type[ObjectWrapper[Any]],
    gateway: Client | None,
    key: Key,
    text: bytes | None,
    extra: Mapping[str, Any],
    carried: Mapping[Any, Any],
    epoch: int,
) -> ObjectWrapper[Any]:
    record = wrapper_class.RECORD.from_json(text) if text is not None else None
    if gateway is None:
        return wrapper_class(obj=record, key=key, **extra)
    wrapper: ObjectWrapper[Any] = gateway.objects.wrap_as(wrapper_class, key, **extra)
    if not gateway.objects.epochs.adopt(wrapper._scope, epoch):
        # Written since it was pickled.
        return wrapper
    if record is not None:
        gateway.objects.wrap_as(wrapper_class, key, record)
    for name in carried:
        wrapper._remembered(name, functools.partial(carried.__getitem__, name))
    return wrapper
