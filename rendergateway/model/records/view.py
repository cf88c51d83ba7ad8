"""Views: msgspec structs that decode some fields of a record and skip the rest of its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any

import msgspec

from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.record import Record

__all__ = ["filled", "view", "viewed"]


def view(record: type[Record], **fields: Any) -> Any:
    """
    Return a struct class of some fields of a record, for `msgspec.json.Decoder`.

    The fewer fields, the faster: skipping a member costs a fraction of decoding it. JSON names come from
    `Record.FIELDS`, their only declaration; types are per view, because users accept different values.

    Parameters
    ----------
    record : type
        The record class.
    **fields : type or (type, default)
        By field name: a type for a required field, a type and its default for an optional one.

    Examples
    --------
    >>> from rendergateway import TileRecord
    >>> size = view(TileRecord, width=float, height=(float, 0.0))
    >>> msgspec.json.decode('{"tileId": "a", "width": 7}', type=size)
    TileRecordView(width=7.0, height=0.0)
    """
    members = []
    for name, kind in fields.items():
        kind, default = kind if isinstance(kind, tuple) else (kind, msgspec.NODEFAULT)
        members.append((name, kind, msgspec.field(name=record.FIELDS[name].wire_name, default=default)))
    # Required fields first, as msgspec wants them. JSON has no cycles that the garbage collector would have to find.
    members.sort(key=lambda member: isinstance(fields[member[0]], tuple))
    return msgspec.defstruct(f"{record.__name__}View", members, frozen=True, gc=False)


def filled(kind: Any, record: Record, nested: Mapping[str, Callable[[], Any]] | None = None) -> Any:
    """
    Return a view filled from the fields of a record, which accept more than strict decoding does.

    Parameters
    ----------
    kind : type
        The view.
    record : Record
        The record; missing fields have the view's defaults.
    nested : mapping of str to callable, optional
        Makes the values of fields that are views themselves.

    Raises
    ------
    RecordError
        If a field has the wrong type, or is missing and has no default.
    """
    nested = nested or {}
    found = {name: nested[name]() if name in nested else getattr(record, name) for name in kind.__struct_fields__}
    return kind(**{name: value for name, value in found.items() if value is not None})


def viewed(kind: Any, record: type[Record], array: Text) -> list[Any]:
    """
    Return a view of each object of a JSON array.

    Parameters
    ----------
    kind : type
        The view, of plain fields.
    record : type
        Its record class, which accepts more than strict decoding does, for example "NaN".
    array : JSON text
        The array.

    Raises
    ------
    RecordError
        If an item is not such a record.
    """
    try:
        views: list[Any] = msgspec.json.decode(array, type=GenericAlias(list, (kind,)))
    except msgspec.DecodeError:
        views = [filled(kind, record.from_json(text)) for text in cut_list(array)]
    return views
