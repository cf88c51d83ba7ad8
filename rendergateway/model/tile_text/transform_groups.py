"""Tiles grouped by size and transforms but the last, if that is an affine: each group is transformed as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import attrs
import msgspec
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, decode
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.view import filled, view
from rendergateway.model.tables.last_transforms import LeafView, read_affines
from rendergateway.transforms import Transform, TransformList, from_spec

__all__ = ["TransformGroup", "TransformGroups"]

_CELL_SIZE = 64.0


class _Transforms(msgspec.Struct, frozen=True, gc=False):
    items: list[Raw] = msgspec.field(name="specList", default_factory=list)


_SIZE = (float | None, None)
_Tile = view(
    TileRecord,
    tile_id=(str, ""),
    width=_SIZE,
    height=_SIZE,
    mesh_cell_size=_SIZE,
    transforms=(_Transforms, _Transforms()),
)
_decode_tile = msgspec.json.Decoder(_Tile).decode
_decode_leaf = msgspec.json.Decoder(LeafView).decode


class _Key(NamedTuple):
    has_affine: bool
    head: tuple[bytes, ...]
    width: float
    height: float
    cell_size: float


@attrs.frozen(eq=False)
class TransformGroup:
    """
    Tiles of equal size and transforms, but for the numbers of an affine at the end.

    Attributes
    ----------
    rows : list of int
        The tiles.
    affines : ndarray, shape (N, 2, 3), or None
        The last transform of each; None if the last is not an affine.
    width, height, cell_size : float
        Size of the images and of mesh cells, in local pixels.
    """

    rows: list[int]
    affines: FloatArray | None
    width: float
    height: float
    cell_size: float
    _head: tuple[bytes, ...]

    @property
    def is_bare(self) -> bool:
        """Whether the tiles have no transform but the affine."""
        return not self._head

    def head(self, shared: Mapping[str, Transform]) -> TransformList:
        """
        Return the transforms before the affine; all if there is none.

        Raises
        ------
        TransformError, RecordError
            If one is malformed or refers to a missing shared transform.
        """
        return TransformList([from_spec(decode(text)) for text in self._head]).resolve(shared)


@attrs.frozen(eq=False)
class TransformGroups:
    """
    The groups of many tiles.

    Attributes
    ----------
    groups : list of TransformGroup
        The groups, by their first tiles.
    tile_ids : list of str
        Id of each tile; empty if the tile cannot be read.
    problems : dict of int to str
        Reason for each row that is in no group: the tile lacks its size, or is malformed.
    """

    groups: list[TransformGroup]
    tile_ids: list[str]
    problems: dict[int, str]

    @classmethod
    def of(cls, texts: Iterable[Text]) -> TransformGroups:
        """Group the tiles of *texts*, one per tile."""
        tiles, lasts, rows, ids = list[Any](), list[LeafView](), list[int](), list[str]()
        problems: dict[int, str] = {}
        for row, text in enumerate(texts):
            ids.append("")
            try:
                tile = _read(text)
                lasts.append(_last(tile))
            except RecordError as error:
                problems[row] = str(error)
                continue
            tiles.append(tile)
            rows.append(row)
            ids[row] = tile.tile_id
        affines, _ = read_affines(lasts)
        places: dict[_Key, list[int]] = {}
        for place, (tile, has_affine) in enumerate(zip(tiles, (~np.isnan(affines[:, 0, 0])).tolist(), strict=True)):
            places.setdefault(_key(tile, has_affine), []).append(place)
        groups = [
            TransformGroup(
                [rows[place] for place in some],
                affines[some] if key.has_affine else None,
                key.width,
                key.height,
                key.cell_size,
                key.head,
            )
            for key, some in places.items()
        ]
        return cls(groups, ids, problems)


def _key(tile: Any, has_affine: bool) -> _Key:
    head = tile.transforms.items[:-1] if has_affine else tile.transforms.items
    size = (float(tile.width or 0), float(tile.height or 0), tile.mesh_cell_size or _CELL_SIZE)
    return _Key(has_affine, tuple(map(bytes, head)), *size)


def _read(text: Text) -> Any:
    try:
        tile = _decode_tile(text)
    except msgspec.DecodeError:
        tile = _read_leniently(text)
    if tile.width is None or tile.height is None:
        raise RecordError(f"cannot derive the box of tile {tile.tile_id!r} without its size; set width and height")
    return tile


def _read_leniently(text: Text) -> Any:
    tile = TileRecord.from_json(text)
    try:
        return filled(_Tile, tile, {"transforms": lambda: decode(tile.members.get("transforms", b"{}"), _Transforms)})
    except RecordError as error:
        raise RecordError(f"cannot derive the box of a tile: {error}") from error


def _last(tile: Any) -> LeafView:
    try:
        return _decode_leaf(tile.transforms.items[-1]) if tile.transforms.items else LeafView(None)
    except msgspec.DecodeError as error:
        raise RecordError(f"the last transform of tile {tile.tile_id!r} is malformed: {error}") from error
