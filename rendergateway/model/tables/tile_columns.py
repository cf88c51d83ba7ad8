"""Columns of many tiles, decoded from their texts: only the requested members, into short-lived views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from types import GenericAlias
from typing import Any

import attrs
import msgspec
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text, cut_list, decode
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.tiles import Layout, TileRecord
from rendergateway.model.records.view import filled, view
from rendergateway.model.tables.last_transforms import TransformsView, last_leaf, read_affines
from rendergateway.model.tables.table import Column, read_only

__all__ = ["COLUMN_NAMES", "JOINED", "read_columns"]

# Columns of several numbers and the fields they consist of.
JOINED = {"box": ("min_x", "min_y", "max_x", "max_y"), "size": ("width", "height"), "stage": ("stage_x", "stage_y")}

# Type and default of a missing member.
_NUMBER = (float, float("nan"))
_TEXT = (str | None, None)
_PLACE = ("z", *JOINED["box"], *JOINED["size"])
_LAYOUT = (*JOINED["stage"], "image_row", "image_col")
_IDS = ("section_id", "scope_id", "camera_id")
_URLS = ("image_url", "mask_url")
_Layout = view(Layout, **dict.fromkeys(_IDS, _TEXT), **dict.fromkeys(_LAYOUT, _NUMBER))
_Level = view(MipmapLevel, **dict.fromkeys(_URLS, _TEXT))
_Pyramid: Any = msgspec.defstruct(
    "PyramidView", [("full_size", _Level, msgspec.field(name="0", default=_Level()))], frozen=True, gc=False
)


def _numbers(rows: Sequence[Any], *names: str) -> FloatArray:
    """Return one attribute of all rows, shape (N,), or several, shape (N, count)."""
    values = map(attrgetter(*names), rows)
    if len(names) == 1:
        return np.fromiter(values, np.float64, len(rows))
    # One flat iterator: numpy would inspect each tuple twice.
    flat = chain.from_iterable(values)
    return np.fromiter(flat, np.float64, len(rows) * len(names)).reshape(len(rows), len(names))


def _texts(rows: Sequence[Any], name: str) -> Column:
    texts = np.empty(len(rows), dtype=object)
    texts[:] = list(map(attrgetter(name), rows))
    return texts


def _places(rows: Sequence[Any]) -> dict[str, Column]:
    numbers = _numbers(rows, *_PLACE)
    return {"tile_id": _texts(rows, "tile_id"), "z": numbers[:, 0], "box": numbers[:, 1:5], "size": numbers[:, 5:]}


def _layouts(rows: Sequence[Any]) -> dict[str, Column]:
    layouts = [row.layout for row in rows]
    texts = {name: _texts(layouts, name) for name in _IDS}
    numbers = {name: _numbers(layouts, name) for name in ("image_row", "image_col")}
    return {**texts, **numbers, "stage": _numbers(layouts, *JOINED["stage"])}


def _images(rows: Sequence[Any]) -> dict[str, Column]:
    levels = [row.mipmaps.full_size for row in rows]
    return {name: _texts(levels, name) for name in _URLS}


def _last_transforms(rows: Sequence[Any]) -> dict[str, Column]:
    leaves = [last_leaf(row.transforms) for row in rows]
    affines, problems = read_affines(leaves)
    if problems:
        raise RecordError("row {}: dataString of the last transform: {}".format(*problems[0]))
    return {"last_affine": affines, "last_class": _texts(leaves, "class_name")}


@attrs.frozen(eq=False)
class _Group:
    """Columns that are decoded from the same members."""

    names: tuple[str, ...]
    members: Mapping[str, Any]
    columns: Callable[[Sequence[Any]], dict[str, Column]]


_GROUPS = (
    _Group(("tile_id", "z", "box", "size"), {"tile_id": str, **dict.fromkeys(_PLACE, _NUMBER)}, _places),
    _Group((*_IDS, "stage", "image_row", "image_col"), {"layout": (_Layout, _Layout())}, _layouts),
    _Group(_URLS, {"mipmaps": (_Pyramid, _Pyramid())}, _images),
    _Group(("last_affine", "last_class"), {"transforms": (TransformsView | None, None)}, _last_transforms),
)
COLUMN_NAMES = tuple(name for group in _GROUPS for name in group.names)


def read_columns(whole: bytes | None, texts: Sequence[Text] | None, names: Iterable[str]) -> dict[str, Column]:
    """
    Decode columns of tile specs in one pass, together with the columns from the same members.

    Parameters
    ----------
    whole : bytes or None
        The specs as one JSON array.
    texts : sequence of JSON text or None
        The specs one by one; required if *whole* is None.
    names : iterable of str
        Names in `COLUMN_NAMES`.

    Raises
    ------
    RecordError
        If a text is not a tile spec, or a member has the wrong type; the message names the row and the tile.
    """
    wanted = set(names)
    groups = tuple(group for group in _GROUPS if wanted & set(group.names))
    rows = _rows(whole, texts, _view(groups))
    found = {name: column for group in groups for name, column in group.columns(rows).items()}
    return {name: read_only(column) for name, column in found.items()}


@lru_cache
def _view(groups: tuple[_Group, ...]) -> Any:
    return view(TileRecord, **{name: kind for group in groups for name, kind in group.members.items()})


def _rows(whole: bytes | None, texts: Sequence[Text] | None, kind: Any) -> list[Any]:
    """Decode all texts strictly; if one fails, decode the failing ones by their records."""
    try:
        if texts is None:
            rows: list[Any] = msgspec.json.decode(whole or b"[]", type=GenericAlias(list, (kind,)))
            return rows
        return list(map(msgspec.json.Decoder(kind).decode, texts))
    except msgspec.DecodeError:
        each = cut_list(whole or b"[]") if texts is None else texts
        return [_row(number, text, kind) for number, text in enumerate(each)]


def _row(number: int, text: Text, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError:
        pass
    try:
        return _row_of(TileRecord.from_json(text), kind)
    except RecordError as error:
        raise RecordError(f"row {number}: {error}") from error


def _row_of(record: TileRecord, kind: Any) -> Any:
    nested: dict[str, Callable[[], Any]] = {
        "layout": lambda: filled(_Layout, record.layout or Layout()),
        "mipmaps": lambda: _Pyramid(filled(_Level, record.mipmaps.get(0, MipmapLevel()))),
        "transforms": lambda: decode(record.members.get("transforms", b"null"), TransformsView | None),
    }
    return filled(kind, record, nested)
