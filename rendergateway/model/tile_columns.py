"""Columns of many tiles, read from their texts: only what is asked for, and no object that outlives the reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.last_transforms import Leaf, last_leaf, read_affines
from rendergateway.model.record import Record
from rendergateway.model.slices import Text
from rendergateway.model.tiles import Layout, MipmapLevel, TileRecord

__all__ = ["COLUMN_NAMES", "Column", "read_columns"]

Column: TypeAlias = npt.NDArray[Any]

_NAN = float("nan")


class _Place(msgspec.Struct, gc=False):
    tile_id: str = msgspec.field(name="tileId")
    z: float = _NAN
    min_x: float = msgspec.field(name="minX", default=_NAN)
    min_y: float = msgspec.field(name="minY", default=_NAN)
    max_x: float = msgspec.field(name="maxX", default=_NAN)
    max_y: float = msgspec.field(name="maxY", default=_NAN)
    width: float = _NAN
    height: float = _NAN


class _Layout(msgspec.Struct, gc=False):
    section_id: str | None = msgspec.field(name="sectionId", default=None)
    scope_id: str | None = msgspec.field(name="temca", default=None)
    camera_id: str | None = msgspec.field(name="camera", default=None)
    stage_x: float = msgspec.field(name="stageX", default=_NAN)
    stage_y: float = msgspec.field(name="stageY", default=_NAN)
    image_row: float = msgspec.field(name="imageRow", default=_NAN)
    image_col: float = msgspec.field(name="imageCol", default=_NAN)


class _WithLayout(msgspec.Struct, gc=False):
    layout: _Layout = _Layout()


class _Level(msgspec.Struct, gc=False):
    image_url: str | None = msgspec.field(name="imageUrl", default=None)
    mask_url: str | None = msgspec.field(name="maskUrl", default=None)


class _Pyramid(msgspec.Struct, gc=False):
    full_size: _Level = msgspec.field(name="0", default=_Level())


class _WithImages(msgspec.Struct, gc=False):
    mipmaps: _Pyramid = msgspec.field(name="mipmapLevels", default=_Pyramid())


def _numbers(rows: Sequence[Any], *names: str) -> FloatArray:
    """Return one attribute of all rows (N,), or several (N, count)."""
    values = map(attrgetter(*names), rows)
    if len(names) == 1:
        return np.fromiter(values, np.float64, len(rows))
    # One flat iterator: numpy would look at each tuple twice.
    flat = (number for row in values for number in row)
    return np.fromiter(flat, np.float64, len(rows) * len(names)).reshape(len(rows), len(names))


def _words(rows: Sequence[Any], name: str) -> Column:
    words = np.empty(len(rows), dtype=object)
    words[:] = list(map(attrgetter(name), rows))
    return words


def _places(texts: Sequence[Text]) -> dict[str, Column]:
    rows = _rows(texts, msgspec.json.Decoder(_Place).decode, _place_of)
    numbers = _numbers(rows, *_Place.__struct_fields__[1:])
    return {"tile_id": _words(rows, "tile_id"), "z": numbers[:, 0], "box": numbers[:, 1:5], "size": numbers[:, 5:]}


def _place_of(record: TileRecord) -> _Place:
    return _filled(_Place, record)


def _layouts(texts: Sequence[Text]) -> dict[str, Column]:
    decode = msgspec.json.Decoder(_WithLayout).decode
    rows = _rows(texts, lambda text: decode(text).layout, lambda record: _filled(_Layout, record.layout or Layout()))
    words = {name: _words(rows, name) for name in ("section_id", "scope_id", "camera_id")}
    places = {name: _numbers(rows, name) for name in ("image_row", "image_col")}
    return {**words, **places, "stage": _numbers(rows, "stage_x", "stage_y")}


def _images(texts: Sequence[Text]) -> dict[str, Column]:
    decode = msgspec.json.Decoder(_WithImages).decode
    rows = _rows(texts, lambda text: decode(text).mipmaps.full_size, _level_of)
    return {name: _words(rows, name) for name in ("image_url", "mask_url")}


def _level_of(record: TileRecord) -> _Level:
    return _filled(_Level, record.mipmaps.get(0, MipmapLevel()))


def _last_transforms(texts: Sequence[Text]) -> dict[str, Column]:
    leaves: list[Leaf] = _rows(texts, last_leaf, lambda record: last_leaf(record.to_json()))
    affines, problems = read_affines(leaves)
    if problems:
        row, problem = problems[0]
        tile = TileRecord.from_json(texts[row])
        raise RecordError(f"row {row}: last transform of {tile!r}: {problem}")
    return {"last_affine": affines, "last_class": _words(leaves, "class_name")}


# Each reader decodes every text once and gives all of its columns.
_READERS: dict[Callable[[Sequence[Text]], dict[str, Column]], tuple[str, ...]] = {
    _places: ("tile_id", "z", "box", "size"),
    _layouts: ("section_id", "scope_id", "camera_id", "stage", "image_row", "image_col"),
    _images: ("image_url", "mask_url"),
    _last_transforms: ("last_affine", "last_class"),
}
_READER_OF = {name: reader for reader, names in _READERS.items() for name in names}
COLUMN_NAMES = tuple(_READER_OF)


def read_columns(texts: Sequence[Text], name: str) -> dict[str, Column]:
    """
    Read the column *name* of tile specs, and those that come with it in the same pass.

    Raises
    ------
    RecordError
        If a text is no tile spec, or a member is of the wrong type; the message names the row and the tile.
    """
    columns = _READER_OF[name](texts)
    for column in columns.values():
        column.setflags(write=False)
    return columns


def _rows(texts: Iterable[Text], decode: Callable[[Text], Any], read_slowly: Callable[[TileRecord], Any]) -> list[Any]:
    """Decode all texts strictly; where that fails, those that need it by way of their records."""
    texts = list(texts)
    try:
        return list(map(decode, texts))
    except msgspec.DecodeError:
        return [_row(number, text, decode, read_slowly) for number, text in enumerate(texts)]


def _row(number: int, text: Text, decode: Callable[[Text], Any], read_slowly: Callable[[TileRecord], Any]) -> Any:
    try:
        return decode(text)
    except msgspec.DecodeError:
        pass
    try:
        return read_slowly(TileRecord.from_json(text))
    except RecordError as error:
        raise RecordError(f"row {number}: {error}") from error


def _filled(kind: type[Any], record: Record) -> Any:
    """Return a row made of a record's fields: what is missing is as the strict reading has it."""
    found = {name: getattr(record, name) for name in kind.__struct_fields__}
    return kind(**{name: value for name, value in found.items() if value is not None})
