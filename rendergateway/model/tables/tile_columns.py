"""Columns of many tiles, read from their texts: only what is asked for, and no object that outlives the reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

import attrs
import msgspec
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text, cut_list, decode
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.record import Record
from rendergateway.model.records.tiles import Layout, TileRecord
from rendergateway.model.tables.last_transforms import Transforms, last_leaf, read_affines
from rendergateway.model.tables.table import Column, read_only

__all__ = ["COLUMN_NAMES", "read_columns"]

_NAN = float("nan")


def _member(name: str) -> Any:
    """Declare a number that reads as NaN where it is missing, under its name on the wire."""
    return msgspec.field(name=TileRecord.FIELDS[name].wire_name, default=_NAN)


class _Layout(msgspec.Struct, frozen=True, gc=False):
    section_id: str | None = msgspec.field(name="sectionId", default=None)
    scope_id: str | None = msgspec.field(name="temca", default=None)
    camera_id: str | None = msgspec.field(name="camera", default=None)
    stage_x: float = msgspec.field(name="stageX", default=_NAN)
    stage_y: float = msgspec.field(name="stageY", default=_NAN)
    image_row: float = msgspec.field(name="imageRow", default=_NAN)
    image_col: float = msgspec.field(name="imageCol", default=_NAN)


class _Level(msgspec.Struct, frozen=True, gc=False):
    image_url: str | None = msgspec.field(name="imageUrl", default=None)
    mask_url: str | None = msgspec.field(name="maskUrl", default=None)


class _Pyramid(msgspec.Struct, frozen=True, gc=False):
    full_size: _Level = msgspec.field(name="0", default=_Level())


def _numbers(rows: Sequence[Any], *names: str) -> FloatArray:
    """Return one attribute of all rows (N,), or several (N, count)."""
    values = map(attrgetter(*names), rows)
    if len(names) == 1:
        return np.fromiter(values, np.float64, len(rows))
    # One flat iterator: numpy would look at each tuple twice.
    flat = chain.from_iterable(values)
    return np.fromiter(flat, np.float64, len(rows) * len(names)).reshape(len(rows), len(names))


def _words(rows: Sequence[Any], name: str) -> Column:
    words = np.empty(len(rows), dtype=object)
    words[:] = list(map(attrgetter(name), rows))
    return words


def _places(rows: Sequence[Any]) -> dict[str, Column]:
    numbers = _numbers(rows, *_PLACE[1:])
    return {"tile_id": _words(rows, "tile_id"), "z": numbers[:, 0], "box": numbers[:, 1:5], "size": numbers[:, 5:]}


def _layouts(rows: Sequence[Any]) -> dict[str, Column]:
    layouts = [row.layout for row in rows]
    words = {name: _words(layouts, name) for name in ("section_id", "scope_id", "camera_id")}
    places = {name: _numbers(layouts, name) for name in ("image_row", "image_col")}
    return {**words, **places, "stage": _numbers(layouts, "stage_x", "stage_y")}


def _images(rows: Sequence[Any]) -> dict[str, Column]:
    levels = [row.mipmaps.full_size for row in rows]
    return {name: _words(levels, name) for name in ("image_url", "mask_url")}


def _last_transforms(rows: Sequence[Any]) -> dict[str, Column]:
    leaves = [last_leaf(row.transforms) for row in rows]
    affines, problems = read_affines(leaves)
    if problems:
        raise RecordError("row {}: dataString of the last transform: {}".format(*problems[0]))
    return {"last_affine": affines, "last_class": _words(leaves, "class_name")}


@attrs.frozen(eq=False)
class _Group:
    """Columns that come from the same members."""

    names: tuple[str, ...]
    fields: tuple[tuple[str, Any, Any], ...]
    columns: Callable[[Sequence[Any]], dict[str, Column]]


_PLACE = ("tile_id", "z", "min_x", "min_y", "max_x", "max_y", "width", "height")
_GROUPS = (
    _Group(
        ("tile_id", "z", "box", "size"),
        (
            ("tile_id", str, msgspec.field(name="tileId")),
            *((name, float, _member(name)) for name in _PLACE[1:]),
        ),
        _places,
    ),
    _Group(
        ("section_id", "scope_id", "camera_id", "stage", "image_row", "image_col"),
        (("layout", _Layout, _Layout()),),
        _layouts,
    ),
    _Group(
        ("image_url", "mask_url"),
        (("mipmaps", _Pyramid, msgspec.field(name="mipmapLevels", default=_Pyramid())),),
        _images,
    ),
    _Group(("last_affine", "last_class"), (("transforms", Transforms | None, None),), _last_transforms),
)
COLUMN_NAMES = tuple(name for group in _GROUPS for name in group.names)


def read_columns(whole: bytes | None, texts: Sequence[Text] | None, names: Iterable[str]) -> dict[str, Column]:
    """
    Read the columns *names* of tile specs in one pass, with those that come from the same members.

    Parameters
    ----------
    whole : bytes or None
        The specs as one JSON array.
    texts : sequence of JSON text or None
        The specs one by one; needed where there is no *whole*.
    names : iterable of str
        Of `COLUMN_NAMES`.

    Raises
    ------
    RecordError
        If a text is no tile spec, or a member is of the wrong type; the message names the row and the tile.
    """
    wanted = set(names)
    groups = tuple(group for group in _GROUPS if wanted & set(group.names))
    rows = _rows(whole, texts, _row_type(groups))
    found = {name: column for group in groups for name, column in group.columns(rows).items()}
    return {name: read_only(column) for name, column in found.items()}


@lru_cache
def _row_type(groups: tuple[_Group, ...]) -> type[msgspec.Struct]:
    # Fields without a default come first.
    return msgspec.defstruct("Row", [field for group in groups for field in group.fields], gc=False)


def _rows(whole: bytes | None, texts: Sequence[Text] | None, kind: type[msgspec.Struct]) -> list[Any]:
    """Decode all texts strictly; where that fails, those that need it by way of their records."""
    try:
        if texts is None:
            return msgspec.json.decode(whole or b"[]", type=list[kind])  # type: ignore[valid-type]
        return list(map(msgspec.json.Decoder(kind).decode, texts))
    except msgspec.DecodeError:
        rows = cut_list(whole or b"[]") if texts is None else texts
        return [_row(number, text, kind) for number, text in enumerate(rows)]


def _row(number: int, text: Text, kind: type[msgspec.Struct]) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:
        pass
    try:
        return _row_of(TileRecord.from_json(text), kind)
    except RecordError as error:
        raise RecordError(f"row {number}: {error}") from error


def _row_of(record: TileRecord, kind: type[msgspec.Struct]) -> Any:
    slow: dict[str, Callable[[], Any]] = {
        "layout": lambda: _filled(_Layout, record.layout or Layout()),
        "mipmaps": lambda: _Pyramid(_filled(_Level, record.mipmaps.get(0, MipmapLevel()))),
        "transforms": lambda: decode(record.members.get("transforms", b"null"), Transforms | None),
    }
    found = {name: slow[name]() if name in slow else getattr(record, name) for name in kind.__struct_fields__}
    return kind(**{name: value for name, value in found.items() if value is not None})


def _filled(kind: type[Any], record: Record) -> Any:
    """Return a row made of a record's fields: what is missing is as the strict reading has it."""
    found = {name: getattr(record, name) for name in kind.__struct_fields__}
    return kind(**{name: value for name, value in found.items() if value is not None})
