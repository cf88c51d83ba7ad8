"""What all wrappers share: identity, loading once, freshness, navigation up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from rendergateway.errors import ClosedGatewayError, RenderGatewayError
from rendergateway.model import Record
from rendergateway.model.slices import Text
from rendergateway.wrappers.collection import Collection, Listing
from rendergateway.wrappers.keys import Key, scope_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.gateway import Gateway

__all__ = ["ObjectWrapper", "changes_data"]

RecordT = TypeVar("RecordT", bound=Record)
F = TypeVar("F", bound=Callable[..., Any])


def changes_data(method: F) -> F:
    """Mark *method* as one that a template engine must not call."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method


class ObjectWrapper(Generic[RecordT]):
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

    def __init__(
        self, conn: Gateway | None = None, obj: RecordT | None = None, *, key: Key | None = None, **extra: Any
    ) -> None:
        self._gateway = conn
        self._key = key if key is not None else self._key_of(obj)
        self._record = obj
        self._epoch = self._memo_epoch = self._present_epoch
        self._serial = 0
        self._memo: dict[Any, Any] = {}
        self._lock = threading.RLock()
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
        return (self._gateway.server if self._gateway is not None else "", self.KIND, self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectWrapper) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'/'.join(map(str, self._key))}>"

    def __reduce__(self) -> tuple[Any, ...]:
        text = self._record.to_json() if self._record is not None else None
        return _revive, (type(self), self._gateway, self._key, text)

    # Loading

    @property
    def _conn(self) -> Gateway:
        if self._gateway is None:
            raise ClosedGatewayError(f"{self!r} belongs to no gateway; wrap it with conn=…")
        return self._gateway

    @property
    def is_loaded(self) -> bool:
        """Whether the record is here, and no write through this gateway has made it old."""
        return self._record is not None and self._is_fresh

    @property
    def _present_epoch(self) -> int:
        return self._gateway.epoch(scope_of(self._key)) if self._gateway is not None else 0

    @property
    def _is_fresh(self) -> bool:
        return self._epoch == self._present_epoch

    @property
    def _obj(self) -> RecordT:
        """The record underneath, loaded when first needed and again after a write through this gateway."""
        record = self._record
        if record is not None and self._is_fresh:
            return record
        with self._lock:
            if self._record is None or not self._is_fresh:
                self._take(self._fetch())
            assert self._record is not None
            return self._record

    def load(self) -> Self:
        """Load the object if it is not loaded; return it."""
        _ = self._obj
        return self

    @changes_data
    def reload(self) -> Self:
        """Load the object again, and its children when they are next read: what others wrote shows."""
        with self._lock:
            self._memo = {}
            self._take(self._fetch())
        return self

    def _fetch(self) -> RecordT:
        """Ask the service for the record."""
        raise NotImplementedError

    def _take(self, record: RecordT, serial: int | None = None) -> None:
        """Accept *record* as what the service said last; *serial* is that of the listing it came with."""
        with self._lock:
            self._epoch = self._present_epoch
            self._serial = serial if serial is not None else self._conn.next_serial()
            self._record = record

    def _remembered(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return what *make* makes, once until something is written."""
        with self._lock:
            if self._memo_epoch != self._present_epoch:
                self._memo = {}
                self._memo_epoch = self._present_epoch
            if name not in self._memo:
                self._memo[name] = make()
            return self._memo[name]

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

    def _children(self, kind: str, what: str, load: Callable[[], Listing]) -> Any:
        """Return the one collection of this object that *what* names, to be loaded by *load*."""

        def make() -> Collection[Any]:
            return Collection(self._conn, kind, load, scope=scope_of(self._key), what=f"{what} of {self.KIND} {self}")

        return self._remembered(what, make)

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


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if hasattr(value, "__attrs_attrs__") else value


def _revive(
    wrapper_class: type[ObjectWrapper[Any]], gateway: Gateway | None, key: Key, text: bytes | None
) -> ObjectWrapper[Any]:
    record = wrapper_class.RECORD.from_json(text) if text is not None else None
    if gateway is None:
        return wrapper_class(obj=record, key=key)
    wrapper: ObjectWrapper[Any] = gateway.wrap_as(wrapper_class, key, record)
    return wrapper
