"""The bounding box of a tile from its size and transforms (contract, 7.3)."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np

from rendergateway.geometry import FloatArray, border_points, service_box
from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.domain.tile_transforms import transform_of
from rendergateway.transforms.base.matrices import apply_matrix
from rendergateway.wire import Leaf, Spec, TileSpec
from rendergateway.wire.to_transform import affine_numbers

__all__ = ["derive_box"]

# Boxes within this distance need not be limited to 32-bit integers.
_FAR = 2.0**30


def derive_box(tile: TileSpec, shared: Mapping[str, Spec]) -> None:
    """
    Set the bounding box of *tile* from its size and transforms.

    Raises
    ------
    IllegalState
        If the tile has no width or height.
    IllegalArgument
        If one of its transforms is malformed or cannot be applied.
    """
    if tile.width is None or tile.height is None:
        raise IllegalState("width and height must be set to create a bounding box")
    specs = tile.transforms.specList if tile.transforms else []
    affine = _plain_affine(specs[0]) if len(specs) == 1 else None
    box = _affine_box(affine, float(tile.width), float(tile.height)) if affine is not None else None
    if box is not None:
        tile.minX, tile.minY, tile.maxX, tile.maxY = box
        return
    # Without cells, as in the real service, there are no points, and the box is that of a side of NaN alone.
    points = _border(float(tile.width), float(tile.height), float(tile.meshCellSize or 0.0))
    for spec in specs:
        points = _mapped(spec, shared, points)
    tile.minX, tile.minY, tile.maxX, tile.maxY = service_box(points)


def _plain_affine(spec: Spec | None) -> tuple[float, ...] | None:
    return affine_numbers(spec.className, spec.dataString) if isinstance(spec, Leaf) else None


def _mapped(spec: Spec | None, shared: Mapping[str, Spec], points: FloatArray) -> FloatArray:
    """Return *points* mapped by one transform; a plain affine is applied without creating an object per saved tile."""
    affine = _plain_affine(spec)
    if affine is None:
        return transform_of(spec, shared).apply(points)
    m00, m10, m01, m11, tx, ty = affine
    return apply_matrix(np.array([[m00, m01, tx], [m10, m11, ty]]), points)


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
