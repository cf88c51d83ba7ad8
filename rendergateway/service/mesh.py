"""
From the world back to a tile: through the triangle mesh that the real service uses.

References
----------
.. [1] axtimwalde/mpicbg, ``TransformMesh.java``; saalfeldlab/render, ``TileSpec.java``, ``getLocalCoordinates``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray
from rendergateway.model.wire import Interpolated, Leaf, Reference, Spec, SpecList, TileSpec
from rendergateway.service.boxes import Map, affine_numbers, instantiate, leaf_transform
from rendergateway.service.refusals import IllegalState

__all__ = ["LocalFromWorld"]

IntArray = npt.NDArray[np.int64]

_POINTS_AT_ONCE = 512


class LocalFromWorld:
    """
    The way back from world to local pixels of one tile.

    Parameters
    ----------
    tile : TileSpec
        With flat transforms.
    cell_size : float, optional
        How far apart the corners of the mesh lie; the tile's own without one.

    Raises
    ------
    IllegalState
        If the tile's size is not known.
    ServiceRefusal
        If one of its transforms cannot be made.
    """

    def __init__(self, tile: TileSpec, cell_size: float | None = None) -> None:
        self._unchanged = not (tile.transforms and tile.transforms.specList)
        if self._unchanged:
            return
        if tile.width is None or tile.height is None:
            raise IllegalState("width and height must be set to create transform mesh")
        width, height = float(tile.width), float(tile.height)
        forward = instantiate(tile)
        if _is_affine(tile.transforms):
            local, triangles = _two_triangles(width, height)
        else:
            local, triangles = _mesh(width, height, float(cell_size or tile.meshCellSize or 64.0))
        self._local = local[triangles]
        self._world = _mapped(forward, local)[triangles]

    def __call__(self, points: FloatArray) -> FloatArray:
        """Return local pixels, shape (N, 2); not a number where a point cannot be brought back."""
        if self._unchanged:
            return points
        chunks = [self._invert(points[at : at + _POINTS_AT_ONCE]) for at in range(0, len(points), _POINTS_AT_ONCE)]
        return np.concatenate(chunks) if chunks else points

    def _invert(self, points: FloatArray) -> FloatArray:
        a, b, c = (self._world[:, corner] for corner in range(3))
        # Twice the signed areas of the triangles that a point makes with each side: all are positive inside. Those of
        # a mirrored triangle are negative, so that a mirrored tile cannot be inverted, as in the real service.
        sides = np.stack([_area(b, c, points), _area(c, a, points), _area(a, b, points)])
        inside = (sides >= 0).all(axis=0) & (sides.sum(axis=0) > 0)
        first = inside.argmax(axis=1)
        row = np.arange(len(points))
        weights = sides[:, row, first]
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = weights / weights.sum(axis=0)
        local: FloatArray = np.einsum("kn,nkd->nd", weights, self._local[first])
        local[~inside[row, first]] = np.nan
        return local


def _area(one: FloatArray, other: FloatArray, points: FloatArray) -> FloatArray:
    """Return (other − one) × (point − one) for all points (rows) and triangles (columns)."""
    along = other - one
    x, y = points[:, None, 0] - one[None, :, 0], points[:, None, 1] - one[None, :, 1]
    area: FloatArray = along[None, :, 0] * y - along[None, :, 1] * x
    return area


def _mapped(forward: Map, local: FloatArray) -> FloatArray:
    return np.asarray(forward(local.copy()), dtype=np.float64)


def _is_affine(spec: Spec | None) -> bool:
    """Whether two triangles do: inside an affine tile the finest mesh gives nothing else."""
    if isinstance(spec, Leaf):
        return affine_numbers(spec) is not None or leaf_transform(spec.className, spec.dataString, spec.id).is_affine
    if isinstance(spec, SpecList):
        return all(map(_is_affine, spec.specList))
    if isinstance(spec, Interpolated):
        return _is_affine(spec.a) and _is_affine(spec.b)
    return not isinstance(spec, Reference)


def _two_triangles(width: float, height: float) -> tuple[FloatArray, IntArray]:
    right, bottom = width - 1, height - 1
    corners = np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    return corners, np.array([[0, 1, 2], [0, 2, 3]])


def _mesh(width: float, height: float, cell_size: float) -> tuple[FloatArray, IntArray]:
    """Return corners (N, 2) and triangles (M, 3): rows of corners, and between them rows of cell centres."""
    columns = max(2, int(width / cell_size + 0.5))
    spacing = math.sqrt(3.0) * width / (columns - 1)
    rows = max(2, int(height / spacing + 0.5) + 1)
    step_x, step_y = (width - 1) / (columns - 1), (height - 1) / (rows - 1)
    x, y = np.arange(columns) * step_x, np.arange(rows) * step_y
    corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    centres = np.stack(np.meshgrid(x[:-1] + step_x / 2, y[:-1] + step_y / 2), axis=-1).reshape(-1, 2)
    triangles = _rows_of_triangles(rows, columns)
    return np.concatenate([corners, centres]), triangles


def _rows_of_triangles(rows: int, columns: int) -> IntArray:
    """Return the triangles between rows of corners and of centres: neighbouring centres are joined."""
    corner = np.arange(rows * columns).reshape(rows, columns)
    centre = rows * columns + np.arange((rows - 1) * (columns - 1)).reshape(rows - 1, columns - 1)
    top, bottom = corner[:-1], corner[1:]
    fans = [
        (top[:, :-1], top[:, 1:], centre),
        (bottom[:, 1:], bottom[:, :-1], centre),
        (bottom[:, 0], top[:, 0], centre[:, 0]),
        (top[:, -1], bottom[:, -1], centre[:, -1]),
        (top[:, 1:-1], centre[:, 1:], centre[:, :-1]),
        (bottom[:, 1:-1], centre[:, :-1], centre[:, 1:]),
    ]
    return np.concatenate([np.stack(fan, axis=-1).reshape(-1, 3) for fan in fans])
