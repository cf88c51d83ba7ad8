"""One field of many records, decoded from their texts without a record per text."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.record import Member, Record
from rendergateway.model.records.view import view

__all__ = ["Path", "field_paths", "field_values"]

Path: TypeAlias = tuple[str, ...]

_PLAIN = (str, float, int, bool)
# Plain caches: functools.lru_cache does not type-check with classes whose instances have no hash.
_paths: dict[type[Record], dict[str, Path]] = {}
_views: dict[tuple[type[Record], Path], Any] = {}


def field_paths(record_class: type[Record]) -> dict[str, Path]:
    """
    Return the paths of the fields of a record and of its nested records; an outer field hides a nested one.

    Examples
    --------
    >>> from rendergateway import TileRecord
    >>> paths = field_paths(TileRecord)
    >>> paths["z"], paths["image_row"]
    (('z',), ('layout', 'image_row'))
    """
    if record_class not in _paths:
        nested = {
            name: (outer, name)
            for outer, member in record_class.FIELDS.items()
            if issubclass(member.kind, Record)
            for name in member.kind.FIELDS
        }
        _paths[record_class] = {**nested, **{name: (name,) for name in record_class.FIELDS}}
    return _paths[record_class]


def field_values(record_class: type[Record], path: Path, texts: Sequence[Text]) -> list[Any]:
    """
    Return one field of each record; its default, usually None, if it is missing.

    Parameters
    ----------
    record_class : type
        Record class of the texts.
    path : tuple of str
        A value of `field_paths`.
    texts : sequence of JSON text
        One per record.

    Raises
    ------
    RecordError
        If a text is not such a record, or the field has the wrong type.
    """
    if _member(record_class, path).kind not in _PLAIN:
        return [_read(record_class, path, text) for text in texts]
    decode, get = msgspec.json.Decoder(_view(record_class, path)).decode, attrgetter(".".join(path))
    values = []
    for text in texts:
        try:
            value = get(decode(text))
        except msgspec.DecodeError:
            # The record accepts some values that strict decoding refuses, for example "NaN".
            value = _read(record_class, path, text)
        values.append(value)
    return values


def _member(record_class: type[Record], path: Path) -> Member[Any]:
    for name in path[:-1]:
        record_class = record_class.FIELDS[name].kind
    return record_class.FIELDS[path[-1]]


def _view(record_class: type[Record], path: Path) -> Any:
    if (record_class, path) not in _views:
        name, *rest = path
        kind: Any = _view(record_class.FIELDS[name].kind, tuple(rest)) if rest else record_class.FIELDS[name].kind
        member = _member(record_class, path)
        if not member.is_required:
            kind = kind, kind() if rest else member.default
        _views[record_class, path] = view(record_class, **{name: kind})
    return _views[record_class, path]


def _read(record_class: type[Record], path: Path, text: Text) -> Any:
    value: Any = record_class.from_json(text)
    for name in path:
        value = getattr(value, name)
        if value is None:
            return _member(record_class, path).default
    return value
