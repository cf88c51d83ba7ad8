"""The bounding box of a tile from its size and transforms (contract, 7.3)."""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from rendergateway.geometry import FloatArray, border_points, service_box
from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.domain.tile_transforms import Affine, last_affine, matrices_of, transform_of
from rendergateway.transforms.base.matrices import apply_matrix
from rendergateway.transforms.meshes.boxes import boxes_around
from rendergateway.wire import Spec, SpecList, TileSpec, encode

__all__ = ["derive_boxes"]

# Boxes within this distance need not be limited to 32-bit integers.
_FAR = 2.0**30


def derive_boxes(tiles: Sequence[TileSpec], shared: Mapping[str, Spec]) -> None:
    """
    Set the bounding boxes of *tiles* from their sizes and transforms; those behind one lens are mapped together.

    Raises
    ------
    IllegalState
        If a tile has no width or height.
    IllegalArgument
        If one of the transforms is malformed or cannot be applied.
    """
    borders: dict[Hashable, _Border] = {}
    for tile in tiles:
        if tile.width is None or tile.height is None:
            raise IllegalState("width and height must be set to create a bounding box")
        width, height = float(tile.width), float(tile.height)
        specs = tile.transforms.specList if tile.transforms else []
        numbers = last_affine(specs)
        if numbers is not None and len(specs) == 1:
            box = _affine_box(numbers, width, height)
            if box is not None:
                tile.minX, tile.minY, tile.maxX, tile.maxY = box
                continue
        head = specs if numbers is None else specs[:-1]
        size = width, height, float(tile.meshCellSize or 0.0)
        key = encode(head), size
        if key not in borders:
            # Without cells, as in the real service, there are no points, and the box is that of a side of NaN alone.
            borders[key] = _Border(transform_of(SpecList(specList=head), shared).apply(_border(*size)))
        borders[key].add(tile, numbers)
    for border in borders.values():
        border.set_boxes()


class _Border:
    """The border of tiles of one size, mapped with the transforms that they share, and the affines that follow."""

    def __init__(self, points: FloatArray) -> None:
        self._points = points
        self._tiles: list[TileSpec] = []
        self._affines: list[Affine] = []

    def add(self, tile: TileSpec, affine: Affine | None) -> None:
        """Add a tile."""
        if affine is None:
            tile.minX, tile.minY, tile.maxX, tile.maxY = service_box(self._points)
            return
        self._tiles.append(tile)
        self._affines.append(affine)

    def set_boxes(self) -> None:
        """Set the boxes of all tiles with an affine."""
        if not self._tiles:
            return
        affines = matrices_of(self._affines)
        with np.errstate(over="ignore", invalid="ignore"):
            boxes = boxes_around(self._points, affines) if len(self._points) else np.full((len(affines), 4), np.nan)
        for tile, box in zip(self._tiles, boxes.tolist(), strict=True):
            tile.minX, tile.minY, tile.maxX, tile.maxY = box
        for row in np.flatnonzero(~np.isfinite(boxes).all(axis=1)).tolist():
            tile, box = self._tiles[row], service_box(apply_matrix(affines[row], self._points))
            tile.minX, tile.minY, tile.maxX, tile.maxY = box


def _affine_box(affine: tuple[float, ...], width: float, height: float) -> tuple[float, float, float, float] | None:
    """
    Return `service_box` of the mapped `border_points`; None beyond integers.

    Under an affine, the outermost points are the extremes.
    """
    m00, m10, m01, m11, tx, ty = affine
    x, y = _outermost(m00, m01, tx, width, height), _outermost(m10, m11, ty, width, height)
    min_x, min_y = min(x), min(y)
    if not (sum(map(abs, x)) < _FAR and sum(map(abs, y)) < _FAR):
        return None
    left, top = math.trunc(min_x), math.trunc(min_y)
    return float(left), float(top), float(left + math.ceil(max(x) - min_x)), float(top + math.ceil(max(y) - min_y))


def _outermost(by_x: float, by_y: float, shift: float, width: float, height: float) -> tuple[float, ...]:
    """Return one coordinate of the outermost border points; unrolled, because every saved tile needs it."""
    right, far_right = by_x * (width - 1), by_x * width
    bottom, far_bottom = by_y * (height - 1), by_y * height
    return (
        shift, right + shift, far_bottom + shift, right + far_bottom + shift,
        bottom + shift, far_right + shift, far_right + bottom + shift,
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _border(width: float, height: float, cell_size: float) -> FloatArray:
    if cell_size == 0:
        return np.empty((0, 2))
    return border_points(width, height, cell_size)
