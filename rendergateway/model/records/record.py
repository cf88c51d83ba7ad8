"""
What all records share: a JSON object kept as the text it came in, whose fields are read when asked for.

A record is a value: `Record.evolve` returns another one, in which only the members that changed were written anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.dates import date_text, parse_date
from rendergateway.model.records.json_slices import (
    Raw,
    Text,
    copy_of,
    cut_list,
    cut_object,
    decode,
    encode,
    join_list,
    join_object,
)
from rendergateway.transforms import Transform, from_spec

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.model.records.validation import Problem

__all__ = ["Member", "Record", "expectation", "list_of", "optional", "required", "to_text"]

T = TypeVar("T")
R = TypeVar("R", bound="Record")

_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_EXPECTED: dict[type[Any], str] = {
    str: "a text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    datetime: "a date like 2024-05-06T07:08:09.123Z",
}
# What is taken for a field of each kind when a record is made.
_TAKEN: dict[type[Any], tuple[type[Any], ...]] = {
    float: (int, float, np.integer, np.floating),
    int: (int, np.integer),
    bool: (bool, np.bool_),
    list: (list, tuple, np.ndarray),
    dict: (Mapping,),
}


def _read_number(text: Text) -> float:
    value: float | str = decode(text, float | str)
    if isinstance(value, str):
        if value not in _NOT_FINITE:
            raise RecordError(f"expected a number, not {value!r}")
        return float(value)
    return value


def _reader(kind: type[Any]) -> Callable[[Text], Any]:
    if issubclass(kind, Record):
        return kind.from_json
    if issubclass(kind, Transform):
        return lambda text: from_spec(decode(text, dict))
    if kind is float:
        return _read_number
    if kind is datetime:
        return lambda text: parse_date(decode(text, str))
    return lambda text: decode(text, kind)


def to_text(value: Any) -> bytes:
    """
    Return *value* as JSON text: a record as it came, a date as the service writes it, all else as JSON has it.

    Raises
    ------
    RecordError
        If a number is not finite: JSON has no such number.
    """
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, datetime):
        return encode(date_text(value))
    if isinstance(value, Transform):
        return encode(value.to_spec())
    if isinstance(value, list | tuple) and any(isinstance(item, Record) for item in value):
        return join_list(map(to_text, value))
    if hasattr(value, "tolist"):
        value = value.tolist()
    text = encode(value)
    if b"null" in text:
        _refuse_not_finite(value)
    return text


def _refuse_not_finite(value: Any) -> None:
    """Look for numbers that were written as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"JSON has no number {value}")
    if isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            _refuse_not_finite(item)


class Member(Generic[T]):
    """One field of a record: its name on the wire, what it reads as, and what stands in for it where it is missing."""

    def __init__(self, wire_name: str, kind: type[Any], *, is_required: bool, default: Any = None) -> None:
        self.wire_name = wire_name
        self.kind = kind
        self.is_required = is_required
        self.default = default

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self.name = name
        # A record class may name itself as the kind of a member only once it exists, so readers are made when used.
        self._read: Callable[[Text], T] | None = None

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> T: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | T:
        if record is None:
            return self
        values = record._values
        if self.name not in values:
            values[self.name] = self.read(record)
        value: T = values[self.name]
        return value

    def read(self, record: Record) -> T:
        """Read the field from the record's text."""
        text = record.members.get(self.wire_name)
        if text is None or copy_of(text) == b"null":
            if self.is_required:
                raise RecordError(f"{record!r} has no {self.wire_name}")
            missing: T = self.default
            return missing
        if self._read is None:
            self._read = _reader(self.kind)
        try:
            return self._read(text)
        except (RecordError, TransformError) as error:
            raise type(error)(f"{self.wire_name} of {record!r}: {error}") from error

    def written(self, value: Any, what: str) -> bytes:
        """
        Return the text of a value of this field.

        Raises
        ------
        RecordError
            If the value is of another kind, or a number is not finite; the message says of *what* it is the field.
        """
        if self.kind is int and isinstance(value, float | np.floating) and float(value).is_integer():
            value = int(value)
        kinds = _TAKEN.get(self.kind, (self.kind, Mapping) if issubclass(self.kind, Record) else self.kind)
        if not isinstance(value, kinds) or (isinstance(value, bool) and self.kind is not bool):
            raise RecordError(f"{self.name} of {what} is {value!r}; expected {expectation(self.kind)}")
        try:
            return to_text(value)
        except RecordError as error:
            raise RecordError(f"{self.name} of {what} is {value!r}: {error}") from error


def expectation(kind: type[Any]) -> str:
    """Return the words for what a field of this kind holds."""
    return _EXPECTED.get(kind) or f"a {kind.__name__}"


def required(wire_name: str, kind: type[T]) -> Member[T]:
    """Declare a field that every such record has; reading it where it is missing raises `RecordError`."""
    return Member(wire_name, kind, is_required=True)


@overload
def optional(wire_name: str, kind: type[T]) -> Member[T | None]: ...
@overload
def optional(wire_name: str, kind: type[T], default: T) -> Member[T]: ...
def optional(wire_name: str, kind: type[T], default: T | None = None) -> Member[T | None] | Member[T]:
    """Declare a field that reads as *default* where it is missing."""
    return Member(wire_name, kind, is_required=False, default=default)


class _ListMember(Member[list[T]]):
    """A field that is a list of records."""

    def __init__(self, wire_name: str, item: type[Record]) -> None:
        super().__init__(wire_name, list, is_required=False, default=[])
        self._item = item

    def __set_name__(self, owner: type[Record], name: str) -> None:
        super().__set_name__(owner, name)
        self._read = lambda text: [self._item.from_json(item) for item in cut_list(text)]  # type: ignore[misc]


def list_of(wire_name: str, item: type[R]) -> Member[list[R]]:
    """Declare a field that is a list of records, empty where it is missing."""
    return _ListMember(wire_name, item)


class Record:
    """
    A JSON object kept as text, with typed fields.

    Built from keywords (the names of the fields) or, with `from_json`, from text. Equal records hold equal JSON.

    Raises
    ------
    RecordError
        If a value is of the wrong kind, or a number is not finite.
    TypeError
        If a keyword is not a field of this record.
    """

    FIELDS: ClassVar[Mapping[str, Member[Any]]] = {}

    __slots__ = ("__weakref__", "_members", "_text", "_values")

    _text: bytes | None
    _members: dict[str, Raw | bytes] | None
    _values: dict[str, Any]

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Member)}
        cls.FIELDS = {**cls.FIELDS, **own}

    def __init__(self, **fields: Any) -> None:
        self._text = None
        self._members = self._written(fields, _named(type(self), fields))
        self._values = {}

    @classmethod
    def from_json(cls, text: Text) -> Self:
        """Return the record that *text* holds; it is copied out of what it is part of, and not read yet."""
        record = cls.__new__(cls)
        record._text = copy_of(text)
        record._members = None
        record._values = {}
        return record

    @property
    def members(self) -> Mapping[str, Raw | bytes]:
        """
        The JSON text of each member, in the order of the text; also of those that have no field here.

        Raises
        ------
        RecordError
            If the text is no JSON object.
        """
        if self._members is None:
            self._members = dict(cut_object(self._text or b""))
        return self._members

    def to_json(self) -> bytes:
        """Return the JSON text: to the byte what was read, where nothing was changed."""
        if self._text is None:
            self._text = join_object(self.members)
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object as plain Python values, under the names of the wire."""
        values: dict[str, Any] = decode(self.to_json())
        return values

    def evolve(self, **changes: Any) -> Self:
        """
        Return this record with some fields changed; None removes a member. All other text stays as it was.

        Raises
        ------
        RecordError
            If a value is of the wrong kind, or a number is not finite.
        TypeError
            If a keyword is not a field of this record.
        """
        record = type(self).__new__(type(self))
        record._text = None
        record._members = {**self.members, **self._written(changes, repr(self))}
        for name in [name for name, value in changes.items() if value is None]:
            record._members.pop(self.FIELDS[name].wire_name, None)
        record._values = {}
        return record

    @classmethod
    def _written(cls, fields: Mapping[str, Any], what: str) -> dict[str, Raw | bytes]:
        unknown = [name for name in fields if name not in cls.FIELDS]
        if unknown:
            raise TypeError(f"{cls.__name__} has no field {', '.join(unknown)}; it has {', '.join(cls.FIELDS)}")
        return {
            member.wire_name: member.written(fields[name], what)
            for name, member in cls.FIELDS.items()
            if fields.get(name) is not None
        }

    def validate(self) -> list[Problem]:
        """Return everything that is wrong with this record and those in it, each with its place; see `Problem`."""
        from rendergateway.model.records.validation import problems_of

        return list(problems_of(self))

    def _problems(self, path: str) -> Iterator[Problem]:
        """Yield what is wrong beyond the types of the fields; *path* is where the record stands."""
        yield from ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_json() == other.to_json() or self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _named(kind: type[Record], fields: Mapping[str, Any]) -> str:
    """Return words for a record that is not made yet: its class and the first text that it is given."""
    names = (f"({name}={fields[name]!r})" for name in kind.FIELDS if isinstance(fields.get(name), str))
    return kind.__name__ + next(names, "")
