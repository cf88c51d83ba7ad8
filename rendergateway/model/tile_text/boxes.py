"""Bounding boxes of many tiles, derived from sizes and transforms with the algorithm of the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, decode
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.records.view import filled, view
from rendergateway.model.tables.last_transforms import LeafView, read_affines
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.transforms import Transform, TransformList, from_spec
from rendergateway.transforms.meshes.boxes import affine_boxes, lens_boxes, tile_box

__all__ = ["derivable_boxes", "derived_boxes", "wrong_boxes"]

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


class _Group(NamedTuple):
    """Common properties of tiles whose boxes are derived together."""

    has_affine: bool
    head: tuple[bytes, ...]
    width: float
    height: float
    cell_size: float


def derived_boxes(texts: Iterable[Text], shared: Mapping[str, Transform]) -> FloatArray:
    """
    Derive the bounding boxes that the service would derive.

    Tiles of equal size whose transforms differ only in the last one, an affine, are mapped together.

    Parameters
    ----------
    texts : iterable of JSON text
        One per tile.
    shared : mapping of str to Transform
        The shared transforms that the tiles refer to, by id.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y in world pixels: whole numbers.

    Raises
    ------
    RecordError
        If a tile has no size or a transform cannot be applied locally; the message names the tile.

    References
    ----------
    .. [1] saalfeldlab/render, ``TileSpec.java``, ``deriveBoundingBox``, the "sloppy" branch.
    """
    boxes, problems = derivable_boxes(texts, shared)
    if problems:
        raise RecordError(problems[min(problems)])
    return boxes


def derivable_boxes(texts: Iterable[Text], shared: Mapping[str, Transform]) -> tuple[FloatArray, dict[int, str]]:
    """
    Derive bounding boxes as `derived_boxes` does; return those of NaN with the reason, by row, instead of raising.

    Parameters
    ----------
    texts, shared
        As for `derived_boxes`.
    """
    tiles, lasts, rows = list[Any](), list[LeafView](), list[int]()
    problems: dict[int, str] = {}
    count = 0
    for count, text in enumerate(texts, 1):
        try:
            tile = _read(text)
            lasts.append(_last(tile))
        except RecordError as error:
            problems[count - 1] = str(error)
            continue
        tiles.append(tile)
        rows.append(count - 1)
    boxes = np.full((count, 4), np.nan)
    affines, _ = read_affines(lasts)
    is_affine = ~np.isnan(affines[:, 0, 0])
    for group, places in _groups(tiles, is_affine.tolist()).items():
        reason = "the box is not finite; check the transforms"
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = _boxes(group, affines[places], shared)
        except (TransformError, RecordError) as error:
            found, reason = np.full((len(places), 4), np.nan), str(error)
        boxes[[rows[place] for place in places]] = found
        for place in np.flatnonzero(~np.isfinite(found).all(axis=1)).tolist():
            tile_id = tiles[places[place]].tile_id
            problems[rows[places[place]]] = f"cannot derive the box of tile {tile_id!r}: {reason}"
    return boxes, problems


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


def _groups(tiles: Sequence[Any], has_affine: Sequence[bool]) -> dict[_Group, list[int]]:
    groups: dict[_Group, list[int]] = {}
    for row, (tile, is_affine) in enumerate(zip(tiles, has_affine, strict=True)):
        head = tile.transforms.items[:-1] if is_affine else tile.transforms.items
        size = (float(tile.width or 0), float(tile.height or 0), tile.mesh_cell_size or _CELL_SIZE)
        groups.setdefault(_Group(is_affine, tuple(map(bytes, head)), *size), []).append(row)
    return groups


def _boxes(group: _Group, affines: FloatArray, shared: Mapping[str, Transform]) -> FloatArray:
    size = (group.width, group.height)
    if group.has_affine and not group.head:
        return affine_boxes(affines, *size)
    lens = TransformList([from_spec(decode(text)) for text in group.head]).resolve(shared)
    if group.has_affine:
        return lens_boxes(lens, affines, *size, group.cell_size)
    return np.tile(list(tile_box(lens, *size, group.cell_size))[:4], (len(affines), 1))


def wrong_boxes(
    texts: Sequence[Text], shared: Mapping[str, Transform], tolerance_px: float = 1.0
) -> Iterator[tuple[str, float | None, float | None, str]]:
    """
    Yield the tiles whose stored bounding box is missing, differs from the derived one, or cannot be derived.

    Parameters
    ----------
    texts, shared
        As for `derived_boxes`.
    tolerance_px : float
        Allowed difference of each side, in world pixels.

    Yields
    ------
    tile_id : str
    z : float or None
    off_px : float or None
        The largest difference; None if it is unknown.
    problem : str
    """
    tiles = TileTable(texts)
    derived, problems = derivable_boxes(texts, shared)
    with np.errstate(invalid="ignore"):
        off = np.abs(tiles.box - derived).max(axis=1, initial=0.0)
    for row in np.flatnonzero(~(off <= tolerance_px)).tolist():
        missing = bool(np.isnan(tiles.box[row]).any())
        stored, right = tuple(tiles.box[row].tolist()), tuple(derived[row].tolist())
        reason = problems.get(row) or ("no box is stored" if missing else f"stored is {stored}, derived is {right}")
        distance = None if np.isnan(off[row]) else float(off[row])
        yield tiles.tile_id[row], None if np.isnan(tiles.z[row]) else float(tiles.z[row]), distance, reason
