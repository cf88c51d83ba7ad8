"""
Base class of records: a JSON object kept as text, with typed fields that decode when first read.

A record is a value: `Record.evolve` returns a new one and encodes only the changed members.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from rendergateway.display import call_text, html_table, plural, shortened
from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.dates import date_text, parse_date
from rendergateway.model.records.json_slices import (
    Raw,
    Text,
    copy_of,
    cut_list,
    cut_object,
    decode,
    decode_text,
    encode,
    join_list,
    join_object,
)
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.model.records.validation import Problem

__all__ = ["Member", "Record", "expectation", "list_of", "optional", "required", "to_text"]

T = TypeVar("T")
R = TypeVar("R", bound="Record")

# A longer list or object is displayed by its size.
_SHOWN_VALUE = 60
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_TEXTS = (bytes, str, Raw, bytearray, memoryview)
_EXPECTED: dict[type[Any], str] = {
    str: "a string",
    float: "a number",
    int: "an integer",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    datetime: "a date like 2024-05-06T07:08:09.123Z",
}
# Types accepted for a field of each kind when a record is built.
_TAKEN: dict[type[Any], tuple[type[Any], ...]] = {
    float: (int, float),
    list: (list, tuple),
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
    if hasattr(kind, "to_spec"):
        # Transforms compute with numpy, which is most of the time of an import.
        from rendergateway.transforms import from_spec

        return lambda text: from_spec(decode(text, dict))
    if kind is float:
        return _read_number
    if kind is str:
        return decode_text
    if kind is datetime:
        return lambda text: parse_date(decode(text, str))
    return lambda text: decode(text, kind)


def to_text(value: Any) -> bytes:
    """
    Encode *value* as JSON text: a record unchanged, a date in the service's format.

    Raises
    ------
    RecordError
        If a number is not finite, which JSON cannot represent.
    """
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, datetime):
        return encode(date_text(value))
    if hasattr(value, "to_spec"):
        return encode(value.to_spec())
    if isinstance(value, list | tuple) and any(isinstance(item, Record) for item in value):
        return join_list(map(to_text, value))
    value = _plain(value)
    try:
        text = encode(value)
    except UnicodeEncodeError as error:
        raise RecordError(f"text is not valid Unicode: {error.reason}") from error
    if b"null" in text:
        _refuse_not_finite(value)
    return text


def _plain(value: Any) -> Any:
    """Return a number or array of numpy as a plain Python value, others unchanged."""
    return getattr(value, "tolist", lambda: value)()


def _refuse_not_finite(value: Any) -> None:
    """Raise for numbers that were encoded as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"JSON has no number {value}; use None for a missing value")
    if isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            _refuse_not_finite(item)


class Member(Generic[T]):
    """One field of a record: its JSON name, its type and its default."""

    def __init__(self, wire_name: str, kind: type[Any], *, is_required: bool, default: Any = None) -> None:
        self.wire_name = wire_name
        self.kind = kind
        self.is_required = is_required
        self.default = default

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self.name = name
        # A record class can be the kind of its own member only after its definition: readers are created on first use.
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
        """Decode the field from the record's text."""
        text = record._cut.get(self.wire_name)
        if text is None or copy_of(text) == b"null":
            if self.is_required:
                raise RecordError(f"{record._label} has no {self.wire_name}")
            missing: T = self.default
            return missing
        if self._read is None:
            self._read = _reader(self.kind)
        try:
            return self._read(text)
        except (RecordError, TransformError) as error:
            raise type(error)(f"{self.wire_name} of {record._label}: {error}") from error

    def written(self, value: Any, what: object) -> bytes:
        """
        Encode a value of this field.

        Parameters
        ----------
        value : object
            The new value.
        what : object
            Description of the record, for error messages.

        Raises
        ------
        RecordError
            If the value has the wrong type, or a number is not finite.
        """
        if isinstance(value, os.PathLike) and self.name.endswith(("_url", "_path")):
            value = os.fspath(value)
        plain = _plain(value)
        if self.kind is int and isinstance(plain, float) and plain.is_integer():
            plain = int(plain)
        kinds = _TAKEN.get(self.kind, (self.kind, Mapping) if issubclass(self.kind, Record) else self.kind)
        if not isinstance(plain, kinds) or (isinstance(plain, bool) and self.kind is not bool):
            raise RecordError(f"{self.name} of {what} is {value!r}; expected {expectation(self.kind)}")
        try:
            return to_text(plain)
        except RecordError as error:
            raise RecordError(f"{self.name} of {what} is {value!r}: {error}") from error


def expectation(kind: type[Any]) -> str:
    """Return a description of the valid values of a kind, for error messages."""
    return _EXPECTED.get(kind) or f"a {kind.__name__}"


def required(wire_name: str, kind: type[T]) -> Member[T]:
    """Declare a required field; reading it raises `RecordError` if it is missing."""
    return _class_of(kind)(wire_name, kind, is_required=True)


@overload
def optional(wire_name: str, kind: type[T]) -> Member[T | None]: ...
@overload
def optional(wire_name: str, kind: type[T], default: T) -> Member[T]: ...
def optional(wire_name: str, kind: type[T], default: T | None = None) -> Member[T | None] | Member[T]:
    """Declare an optional field, which reads as *default* if it is missing."""
    return _class_of(kind)(wire_name, kind, is_required=False, default=default)


def _class_of(kind: type[Any]) -> type[Member[Any]]:
    return _CopiedMember if issubclass(kind, list | dict) else Member


class _CopiedMember(Member[T]):
    """A field that holds a list or a dict: each read returns a copy, because the value of a record does not change."""

    @overload
    def __get__(self, record: None, owner: type[Record]) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type[Record]) -> T: ...
    def __get__(self, record: Record | None, owner: type[Record]) -> Self | T:
        found: Any = super().__get__(record, owner)
        copied: Any = copy(found) if isinstance(found, list | dict) else found
        return copied  # type: ignore[no-any-return]


class _ListMember(_CopiedMember[list[T]]):
    """A field that holds a list of records."""

    def __init__(self, wire_name: str, item: type[Record]) -> None:
        super().__init__(wire_name, list, is_required=False, default=[])
        self._item = item

    def __set_name__(self, owner: type[Record], name: str) -> None:
        super().__set_name__(owner, name)
        self._read = lambda text: [self._item.from_json(item) for item in cut_list(text)]  # type: ignore[misc]


def list_of(wire_name: str, item: type[R]) -> Member[list[R]]:
    """Declare a field that holds a list of records; empty if it is missing."""
    return _ListMember(wire_name, item)


class _Label:
    """The label of a record for messages, made if an error is raised."""

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record

    def __str__(self) -> str:
        return self._record._label


@resolvable_hints
class Record:
    """
    A JSON object kept as text, with typed fields.

    Built from keywords (the field names), from JSON text with `from_json`, or from a dict of JSON members with
    `from_dict`. Records are equal if their JSON values are.

    Raises
    ------
    RecordError
        If a value has the wrong type, or a number is not finite.
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
        cls.FIELDS = MappingProxyType({**cls.FIELDS, **own})

    def __init__(self, **fields: Any) -> None:
        self._text = None
        self._members = self._written(fields, _named(type(self), fields))
        self._values = {}

    @classmethod
    def from_json(cls, text: Text) -> Self:
        """
        Return a record of JSON text, which is copied and decoded lazily.

        Raises
        ------
        TypeError
            If *text* is neither str nor bytes-like.
        """
        if not isinstance(text, _TEXTS):
            raise TypeError(
                f"{cls.__name__}.from_json takes JSON text: got {type(text).__name__}; "
                f"use {cls.__name__}.from_dict for a dict, {cls.__name__}(...) for fields"
            )
        record = cls.__new__(cls)
        record._text = copy_of(text)
        record._members = None
        record._values = {}
        return record

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Self:
        """
        Return a record of a dict of JSON members, under their names in the JSON: the inverse of `to_dict`.

        Raises
        ------
        RecordError
            If a number is not finite.
        TypeError
            If *members* is not a mapping, or contains a type without a JSON form.

        Examples
        --------
        >>> from rendergateway import TileRecord
        >>> TileRecord.from_dict({"tileId": "a", "layout": {"sectionId": "1.0"}}).layout.section_id
        '1.0'
        """
        if not isinstance(members, Mapping):
            raise TypeError(f"{cls.__name__}.from_dict takes a dict of JSON members: got {type(members).__name__}; "
                            f"use {cls.__name__}.from_json for text, {cls.__name__}(...) for fields")  # fmt: skip
        return cls.from_json(to_text(dict(members)))

    @property
    def members(self) -> Mapping[str, Raw | bytes]:
        """
        The JSON text of each member, in the original order, including members without a field.

        Raises
        ------
        RecordError
            If the text is not a JSON object.
        """
        return MappingProxyType(self._cut)

    @property
    def _cut(self) -> dict[str, Raw | bytes]:
        if self._members is None:
            self._members = dict(cut_object(self._text or b""))
        return self._members

    def to_json(self) -> bytes:
        """Return the JSON text, byte for byte as read if the record was not changed."""
        if self._text is None:
            self._text = join_object(self._cut)
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object as plain Python values, under the JSON member names."""
        values: dict[str, Any] = decode(self.to_json())
        return values

    def evolve(self, **changes: Any) -> Self:
        """
        Return a copy with some fields changed; None removes a member. The text of other members is preserved.

        Raises
        ------
        RecordError
            If a value has the wrong type, or a number is not finite.
        TypeError
            If a keyword is not a field of this record.
        """
        return self._changed(changes)

    def _changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with these fields changed and no others, whatever is derived from them."""
        record = type(self).__new__(type(self))
        record._text = None
        record._members = {**self._cut, **self._written(changes, _Label(self))}
        for name in [name for name, value in changes.items() if value is None]:
            record._members.pop(self.FIELDS[name].wire_name, None)
        record._values = {}
        return record

    @classmethod
    def _written(cls, fields: Mapping[str, Any], what: object) -> dict[str, Raw | bytes]:
        unknown = [name for name in fields if name not in cls.FIELDS]
        if unknown:
            raise TypeError(f"{cls.__name__} has no field {', '.join(unknown)}; it has {', '.join(cls.FIELDS)}")
        return {
            member.wire_name: member.written(fields[name], what)
            for name, member in cls.FIELDS.items()
            if fields.get(name) is not None
        }

    def validate(self) -> list[Problem]:
        """Return the problems of this record and of nested records; see `Problem`."""
        from rendergateway.model.records.validation import problems_of

        return list(problems_of(self))

    def _problems(self, path: str) -> Iterator[Problem]:
        """Yield problems beyond the types of the fields; *path* is the path of the record."""
        yield from ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.to_json() == other.to_json() or self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)

    @property
    def _label(self) -> str:
        """Short description for error messages."""
        return f"<{type(self).__name__}>"

    def _shown(self) -> dict[str, str]:
        """Return the values of the record for display: required fields, other fields, other members."""
        fields = sorted(self.FIELDS.values(), key=lambda member: not member.is_required)
        kinds = {member.wire_name: (member.name, member.kind) for member in fields}
        found = {wire: self.members[wire] for wire in (*kinds, *self.members) if wire in self.members}
        values = ((*kinds.get(wire, (wire, object)), copy_of(text)) for wire, text in found.items())
        return {name: _value_text(kind, text) for name, kind, text in values if text != b"null"}

    def __repr__(self) -> str:
        try:
            return call_text(type(self).__name__, self._shown(), str)
        except RecordError as error:
            # Displaying a record must not fail, whatever is wrong with its text.
            return f"<{type(self).__name__}: {error}>"

    def _repr_html_(self) -> str:
        try:
            return html_table(type(self).__name__, (), self._shown().items())
        except RecordError as error:
            return html_table(f"{type(self).__name__}: {error}", (), ())


def _value_text(kind: type[Any], text: bytes) -> str:
    """Return a member for display: nested records as such, long lists and objects by their size."""
    if issubclass(kind, Record):
        return repr(kind.from_json(text))
    if len(text) <= _SHOWN_VALUE or text[:1] == b'"':
        return shortened(repr(decode(text)))
    return f"[{plural(len(cut_list(text)), 'item')}]" if text[:1] == b"[" else "{…}"


def _named(kind: type[Record], fields: Mapping[str, Any]) -> str:
    """Describe a record under construction: its class and its first string field."""
    names = (f"({name}={fields[name]!r})" for name in kind.FIELDS if isinstance(fields.get(name), str))
    return kind.__name__ + next(names, "")
