"""What all wrappers share: identity, loading once, freshness, navigation up."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rendergateway.errors import NoGatewayError, RenderGatewayError
from rendergateway.forks import new_lock
from rendergateway.model import Record
from rendergateway.model.records.json_slices import Text
from rendergateway.wrappers.core.arguments import check_parts
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.display import ShownObject
from rendergateway.wrappers.core.freshness import NOTHING_HELD, Epoch, Held
from rendergateway.wrappers.core.keys import Key, Scope, scope_of
from rendergateway.wrappers.core.labels import LabelledObject
from rendergateway.wrappers.core.memory import NO_MEMORY, Remembering
from rendergateway.wrappers.core.rows import row_table
from rendergateway.wrappers.core.templates import changes_data

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.gateway import Gateway

__all__ = ["ObjectWrapper", "changes_data"]

RecordT = TypeVar("RecordT", bound=Record)

_NOTHING_KNOWN: Mapping[str, Any] = MappingProxyType({})
# Nothing is written below an object of no gateway.
_LOOSE = Epoch()
# For steps of nanoseconds: one thing is looked at and put in the place of another.
_exchange = new_lock()


class ObjectWrapper(ShownObject, Remembering, LabelledObject, Generic[RecordT]):
    """
    An object of the service: named by a key, loaded when first read.

    Parameters
    ----------
    conn : Gateway, optional
        Where the object lives. A wrapper around a loose record needs none.
    obj : Record, optional
        What is known of the object already.
    key : tuple, optional
        What names it; taken from *obj* where it is not given.
    **extra
        Handed to ``__prepare__``, the hook for fields of one's own.

    Notes
    -----
    Building, ``repr``, ``==``, ``hash``, ``dir`` and pickling make no request. Two wrappers are equal when server, kind
    and key are. Within one gateway the same object comes back as long as it lives, in whatever thread.
    """

    KIND: ClassVar[str]
    CHILD_KIND: ClassVar[str | None] = None
    RECORD: ClassVar[type[Record]]
    MARSHALLED: ClassVar[Sequence[str]] = ()

    # Django calls what it can call; a class in a template context is there to be compared, not to be made.
    do_not_call_in_templates = True

    # With slots a misspelt attribute cannot be assigned; subclasses of users have a __dict__ for fields of their own.
    __slots__ = (
        "__weakref__",
        "_above",
        "_extra",
        "_gateway",
        "_held",
        "_key",
        "_own_lock",
    )

    def __init_subclass__(cls, **options: Any) -> None:
        """Mark what overrides a verb that changes something: who does need not know of the mark."""
        super().__init_subclass__(**options)
        members = [item for base in cls.__mro__ for item in vars(base).items()]
        for name in {name for name, member in members if getattr(member, "alters_data", False)}:
            own = inspect.getattr_static(cls, name)
            if inspect.isfunction(own):
                changes_data(own)

    def __init__(
        self, conn: Gateway | None = None, obj: RecordT | None = None, *, key: Key | None = None, **extra: Any
    ) -> None:
        check_parts(type(self), obj, key)
        key = key if key is not None else self._key_of(obj)
        epoch = conn.epoch(scope_of(key)) if conn is not None else _LOOSE
        self._set_up(conn, key, NOTHING_HELD if obj is None else (epoch, {}, obj, 0), extra, ())

    def _set_up(
        self,
        conn: Gateway | None,
        key: Key,
        held: Held,
        extra: dict[str, Any],
        above: tuple[ObjectWrapper[Any], ...],
    ) -> None:
        """Do what building does; tiles of a listing, which are many, are only set up."""
        self._gateway = conn
        self._key = key
        self._held = held
        # The objects that this one was reached from, kept alive: what they remember is read once.
        self._above = above
        self._memory = NO_MEMORY
        self._own_lock: threading.RLock | None = None
        self._extra = extra
        # A call that does nothing is a tenth of what wrapping a tile costs.
        if extra or type(self).__prepare__ is not _prepare_nothing:
            self.__prepare__(**extra)

    def __prepare__(self, **extra: Any) -> None:
        """Do nothing; subclasses take their own fields from *extra* here."""

    # Identity

    @property
    def id(self) -> Any:
        """The last part of the key: what names the object among its siblings."""
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
        # Parts of the key of a loose record may be empty.
        return f"<{type(self).__name__} {'/'.join(str(part) for part in self._key if part != '')}>"

    def __reduce__(self) -> tuple[Any, ...]:
        text = self._record.to_json() if self._record is not None else None
        return _revive, (type(self), self._gateway, self._key, text, self._extra, self._carried())

    def __copy__(self) -> Self:
        # A wrapper stands for a thing in the service; there is no second one.
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    # Loading

    @property
    def _conn(self) -> Gateway:
        if self._gateway is None:
            raise NoGatewayError(
                f"{self!r} stands around a loose record, of no gateway, and has only what is in it; "
                "with conn= and key= it stands for an object of a service"
            )
        return self._gateway

    @property
    def is_loaded(self) -> bool:
        """Whether the record is here, and no write through this gateway has made it old."""
        return not self._held[0].is_over

    @property
    def _scope(self) -> Scope:
        """What must be written to for this object to change."""
        return scope_of(self._key)

    @property
    def _present_epoch(self) -> Epoch:
        return self._gateway.epoch(self._scope) if self._gateway is not None else _LOOSE

    @property
    def _record(self) -> RecordT | None:
        """The record that is here, old or not; no request."""
        _, _, record, _ = held = self._held
        return self._made(held, record) if isinstance(record, bytes) else record  # type: ignore[return-value]

    def _made(self, held: Held, text: bytes) -> Record:
        """Make the record of its text, and keep it in the place of the text."""
        record = self.RECORD.from_json(text)
        with _exchange:
            if self._held is held:
                self._held = held[0], held[1], record, held[3]
        return record

    @property
    def _serial(self) -> int:
        """When that record was read; see `Held`."""
        return self._held[3]

    @property
    def _lock(self) -> threading.RLock:
        """Held while this object loads; made when first needed, because few of many objects ever load alone."""
        if self._own_lock is None:
            with _exchange:
                self._own_lock = self._own_lock or new_lock()
        return self._own_lock

    @property
    def _obj(self) -> RecordT:
        """The record underneath, loaded when first needed and again after a write through this gateway."""
        epoch, _, record, _ = held = self._held
        if epoch.is_over:
            with self._lock:
                if not self.is_loaded:
                    self._load()
                _, _, record, _ = held = self._held
        return self._made(held, record) if isinstance(record, bytes) else record  # type: ignore[return-value]

    def load(self) -> Self:
        """Load the object if it is not loaded; return it."""
        _ = self._obj
        return self

    @changes_data
    def reload(self) -> Self:
        """Load the object again, and its children when they are next read: what others wrote shows."""
        with self._lock:
            self._memory = NO_MEMORY
            self._load()
        return self

    def _load(self) -> None:
        # Epoch and serial from before the request: a write that comes between makes what is read old, not fresh.
        epoch, serial = self._present_epoch, self._conn.next_serial()
        self._take(self._fetch(), epoch, serial)

    def _fetch(self) -> RecordT:
        """Ask the service for the record."""
        raise NotImplementedError

    def _take(
        self, record: Record | bytes, epoch: Epoch, serial: int, known: Mapping[str, Any] = _NOTHING_KNOWN
    ) -> None:
        """Accept *record* as what the service said last; *known* are values of `fact` properties that go with it."""
        with _exchange:
            self._held = epoch, known, record, serial

    def _fact(self, name: str, read: Callable[[Any], Any]) -> Any:
        """Return the value of the `fact` property *name*, and remember it with the record that it was made of."""
        _ = self._obj
        epoch, told, record, serial = held = self._held
        value = read(self)
        with _exchange:
            if self._held is held:
                self._held = epoch, {**told, name: value}, record, serial
        return value

    def _carried(self) -> dict[Any, Any]:
        """Return what is remembered and travels to other processes: small things that the object is asked for there."""
        return {}

    @classmethod
    def _table_of(cls, objects: Collection[Any], units: str) -> Any:
        """Return a table of objects of this class; see `Collection.table`."""
        return row_table(objects, cls.MARSHALLED, units)

    @classmethod
    def _key_of(cls, record: RecordT | None) -> Key:
        """Return the key that stands in a record."""
        raise TypeError(f"{cls.__name__} needs a key, or an object that has one")

    # Requests

    def _call(self, endpoint: str, **values: Any) -> Any:
        return self._conn.call(endpoint, **self._key._asdict(), **values)

    def _text(self, endpoint: str, **values: Any) -> Text:
        return self._conn.fetch(endpoint, **self._key._asdict(), **values)

    def _wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        return self._conn.wrap(kind, key, record, **extra)

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

    # Navigation

    @property
    def parent(self) -> ObjectWrapper[Any] | None:
        """What this object belongs to; None at the top."""
        return None

    def children(self) -> Collection[Any]:
        """
        Return what belongs to this object.

        Raises
        ------
        RenderGatewayError
            If objects of this kind have no children.
        """
        raise RenderGatewayError(f"a {self.KIND} has no children")

    def count_children(self) -> int:
        """Return how many children there are."""
        return len(self.children())

    def ancestry(self) -> list[ObjectWrapper[Any]]:
        """Return parent, parent's parent and so on, nearest first; no request."""
        above = []
        parent = self.parent
        while parent is not None:
            above.append(parent)
            parent = parent.parent
        return above

    def simple_marshal(self, *, parents: bool = False) -> dict[str, Any]:
        """
        Return plain values for JSON: type, id, name and what the class marshals.

        Parameters
        ----------
        parents : bool
            Whether to add the ancestry, each marshalled without its own.
        """
        values = {"type": self.KIND, "id": self.id, "name": self.name}
        values.update((name, _plain(getattr(self, name))) for name in self.MARSHALLED)
        if parents:
            values["parents"] = [parent.simple_marshal() for parent in self.ancestry()]
        return values


_prepare_nothing = ObjectWrapper.__prepare__


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if hasattr(value, "__attrs_attrs__") else value


def _revive(
    wrapper_class: type[ObjectWrapper[Any]],
    gateway: Gateway | None,
    key: Key,
    text: bytes | None,
    extra: Mapping[str, Any],
    carried: Mapping[Any, Any],
) -> ObjectWrapper[Any]:
    record = wrapper_class.RECORD.from_json(text) if text is not None else None
    if gateway is None:
        return wrapper_class(obj=record, key=key, **extra)
    wrapper: ObjectWrapper[Any] = gateway.wrap_as(wrapper_class, key, record, **extra)
    for name in carried:
        wrapper._remembered(name, functools.partial(carried.__getitem__, name))
    return wrapper
