"""One field of many records, read from their texts without a record for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import Member, Record

__all__ = ["Path", "field_paths", "field_values"]

Path: TypeAlias = tuple[str, ...]

_PLAIN = (str, float, int, bool)
# Made once for each class and field.
_paths: dict[type[Record], dict[str, Path]] = {}
_row_types: dict[tuple[type[Record], Path], type[msgspec.Struct]] = {}


def field_paths(record_class: type[Record]) -> dict[str, Path]:
    """
    Return where the fields of a record stand, those of the records in it included; the outer of two alike counts.

    Examples
    --------
    >>> from rendergateway import TileRecord
    >>> paths = field_paths(TileRecord)
    >>> paths["z"], paths["image_row"]
    (('z',), ('layout', 'image_row'))
    """
    if record_class not in _paths:
        inner = {
            name: (outer, name)
            for outer, member in record_class.FIELDS.items()
            if issubclass(member.kind, Record)
            for name in member.kind.FIELDS
        }
        _paths[record_class] = {**inner, **{name: (name,) for name in record_class.FIELDS}}
    return _paths[record_class]


def field_values(record_class: type[Record], path: Path, texts: Sequence[Text]) -> list[Any]:
    """
    Return one field of each record; its default, usually None, where it is missing.

    Parameters
    ----------
    record_class : type
        What the texts are.
    path : tuple of str
        As `field_paths` gives it.
    texts : sequence of JSON text
        One a record.

    Raises
    ------
    RecordError
        If a text is no such record, or the field is of the wrong type.
    """
    member = _member(record_class, path)
    if member.kind not in _PLAIN or member.is_required:
        return [_read(record_class, path, text) for text in texts]
    decode = msgspec.json.Decoder(_row_type(record_class, path)).decode
    values = []
    for text in texts:
        try:
            row: Any = decode(text)
            for _ in path:
                row = row.value
        except msgspec.DecodeError:
            # What the strict reading refuses, "NaN" for one, the record may take.
            row = _read(record_class, path, text)
        values.append(row)
    return values


def _member(record_class: type[Record], path: Path) -> Member[Any]:
    for name in path[:-1]:
        record_class = record_class.FIELDS[name].kind
    return record_class.FIELDS[path[-1]]


def _row_type(record_class: type[Record], path: Path) -> type[msgspec.Struct]:
    if (record_class, path) not in _row_types:
        _row_types[record_class, path] = _new_row_type(record_class, path)
    return _row_types[record_class, path]


def _new_row_type(record_class: type[Record], path: Path) -> type[msgspec.Struct]:
    member = record_class.FIELDS[path[0]]
    if len(path) == 1:
        kind, default = member.kind, member.default
    else:
        kind = _row_type(member.kind, path[1:])
        default = kind()
    field = msgspec.field(name=member.wire_name, default=default)
    return msgspec.defstruct("Row", [("value", kind, field)], frozen=True, gc=False)


def _read(record_class: type[Record], path: Path, text: Text) -> Any:
    value: Any = record_class.from_json(text)
    for name in path:
        value = getattr(value, name)
        if value is None:
            return _member(record_class, path).default
    return value
