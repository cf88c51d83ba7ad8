"""
The service's numerical inverse: a triangle mesh over the tile, with one inverse affine per triangle.

It is less exact than `Transform.inverse` and excludes the last row and column of pixels, but agrees with the service.
"""

from __future__ import annotations

import functools
import math
from typing import NoReturn

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, NotInvertibleError, TransformError
from rendergateway.geometry import FloatArray, as_points, boxes_under
from rendergateway.number_text import truncated
from rendergateway.transforms.base.matrices import affines_apply, affines_undo, inverse_affines
from rendergateway.transforms.classes.transform import Transform

__all__ = [
    "MeshInverse",
    "find_in_triangles",
    "mesh_inverse",
    "mesh_lattice",
    "mesh_triangles",
    "mesh_vertices",
    "tile_mesh",
]

_IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
_MOST_VERTICES = 4_000_000
# The triangles of a mesh with more full rows times columns are not kept: a mesh of this size takes about 2 MB.
_MOST_KEPT = 20_000
# Margin around triangles when candidates are selected; much larger than rounding errors.
_MARGIN_PX = 1e-3
_ROUNDING = 8 * np.finfo(np.float64).eps


def _columns_and_rows(width: float, height: float, cell_size: float) -> tuple[int, int]:
    """
    Return the number of vertices per row, and of rows with vertices at both ends.

    A cell size below 0, or NaN, results in the coarsest mesh, as in the service.
    """
    cells = math.copysign(math.inf, cell_size) if cell_size == 0 else width / cell_size
    columns = max(2, truncated(cells + 0.5))
    spacing = width / (columns - 1)
    # Equilateral triangles: the distance between every other row is √3 times the spacing.
    return columns, max(2, truncated(height / (2.0 * math.sqrt(0.75 * spacing * spacing)) + 0.5) + 1)


def mesh_lattice(width: float, height: float, cell_size: float = 64.0) -> tuple[int, int, float, float]:
    """
    Return the lattice of a tile's mesh.

    Its edges are on two borders, on horizontal lines half a step apart, and on the diagonals of the steps.

    Parameters
    ----------
    width, height, cell_size : float
        As of `mesh_vertices`.

    Returns
    -------
    columns, rows : int
        Vertices per full row, and full rows.
    step_x, step_y : float
        Distance between them, in local pixels.
    """
    columns, rows = _columns_and_rows(width, height, cell_size)
    return columns, rows, (width - 1) / (columns - 1), (height - 1) / (rows - 1)


def mesh_vertices(width: float, height: float, cell_size: float = 64.0) -> FloatArray:
    """
    Return the vertices of a tile's mesh.

    Parameters
    ----------
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``: approximate width of a triangle.

    Returns
    -------
    ndarray, shape (N, 2)
        Local pixels, 0 … width − 1 and 0 … height − 1: a full row, then shifted and full rows alternately.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``TransformMesh.java``.
    """
    columns, rows, step_x, step_y = mesh_lattice(width, height, cell_size)
    x, y = np.arange(columns) * step_x, np.arange(rows)[:, np.newaxis] * step_y
    # One row per pair: the vertices of the shifted row, then those of the full row below it.
    lines = np.empty((rows, 2 * columns - 1, 2))
    lines[:, : columns - 1, 0], lines[:, : columns - 1, 1] = x[1:] - step_x / 2, y - step_y / 2
    lines[:, columns - 1 :, 0], lines[:, columns - 1 :, 1] = x, y
    # No shifted row lies above the first full row.
    return lines.reshape(-1, 2)[columns - 1 :]


def mesh_triangles(width: float, height: float, cell_size: float = 64.0) -> npt.NDArray[np.intp]:
    """
    Return the triangles of a tile's mesh as rows of three indices into `mesh_vertices`.

    The order matters: a point in several triangles is mapped by the first one.
    """
    columns, rows = _columns_and_rows(width, height, cell_size)
    return (_kept_triangles if columns * rows <= _MOST_KEPT else _triangles)(columns, rows)


def _triangles(columns: int, rows: int) -> npt.NDArray[np.intp]:
    tops = np.arange(rows - 1, dtype=np.intp) * (2 * columns - 1)
    indices = (tops[:, np.newaxis, np.newaxis] + _triangles_of_row(columns)).reshape(-1, 3)
    indices.setflags(write=False)
    return indices


_kept_triangles = functools.lru_cache(maxsize=32)(_triangles)


def _triangles_of_row(columns: int) -> npt.NDArray[np.intp]:
    """Return the triangles between the first two full rows, and the shifted row between them."""
    top = np.arange(columns - 1, dtype=np.intp)
    middle = top + columns
    bottom = middle + columns - 1
    upper = np.stack([top, top + 1, middle, top, middle, middle - 1], axis=1).reshape(-1, 3)
    lower = np.stack([middle, bottom + 1, bottom, middle, middle + 1, bottom + 1], axis=1)[:-1].reshape(-1, 3)
    left = [[top[0], middle[0], bottom[0]]]
    right = [[bottom[-1], middle[-1], bottom[-1] + 1], [middle[-1], top[-1] + 1, bottom[-1] + 1]]
    # The first point of the shifted row has no neighbour on its left.
    return np.concatenate([np.delete(upper, 1, axis=0), left, lower, right])


def tile_mesh(
    width: float, height: float, cell_size: float = 64.0, *, is_affine: bool = False
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """
    Return the vertices (N, 2) and triangles (T, 3) of a tile's mesh; only two triangles for an affine tile.

    Raises
    ------
    TransformError
        If the tile has no area, or the mesh would have more than four million vertices.
    """
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise TransformError(f"width and height of a mesh must be above 0 and finite: got {width} and {height}")
    columns, rows = _columns_and_rows(width, height, cell_size)
    if 2 * columns * rows > _MOST_VERTICES:
        raise TransformError(f"mesh too fine: got cells of {cell_size} pixels for a tile of {width:g} × {height:g}")
    if not is_affine:
        return mesh_vertices(width, height, cell_size), mesh_triangles(width, height, cell_size)
    # For an affine tile two triangles are as exact as the finest mesh.
    right, bottom = width - 1, height - 1
    return np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]]), np.array([[0, 1, 2], [0, 2, 3]])


def find_in_triangles(
    points: FloatArray, source: FloatArray, target: FloatArray, affines: FloatArray | None = None
) -> FloatArray:
    """
    Map points back with the inverse affine of the first triangle that contains each.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        x, y in output pixels.
    source, target : ndarray, shape (T, 3, 2)
        Corners of the triangles before and after the transform.
    affines : ndarray, shape (N, 2, 3), optional
        A further affine per point, applied to the triangles: tiles that share a lens share *target*.

    Returns
    -------
    ndarray, shape (N, 2)
        NaN for points in no triangle or in one that is degenerate after the transform; a point in a triangle that is
        degenerate before it, of a tile one pixel wide or high, is not mapped. Borders belong to a triangle; a reflected
        triangle contains no point.
    """
    if affines is None:
        return _find(points, points, source, target, None)
    near = affines_undo(affines, points)
    found = _find(points, near, source, target, affines)
    for row in np.flatnonzero(~(_undo_error(affines, points, near) < _MARGIN_PX / 2)):
        corners = affines_apply(affines[[row]], target.reshape(-1, 2)).reshape(target.shape)
        found[row] = find_in_triangles(points[[row]], source, corners)[0]
    return found


def _undo_error(affines: FloatArray, points: FloatArray, near: FloatArray) -> FloatArray:
    """Return bounds of the rounding errors of points that `affines_undo` maps to *near*, in its pixels."""
    (a, b, tx), (c, d, ty) = np.abs(affines).transpose(1, 2, 0)
    x, y = np.abs(points).T
    with np.errstate(all="ignore"):
        terms = np.maximum(d * (x + tx) + b * (y + ty), a * (y + ty) + c * (x + tx))
        size = np.abs(affines[:, 0, 0] * affines[:, 1, 1] - affines[:, 0, 1] * affines[:, 1, 0])
        error: FloatArray = _ROUNDING * (terms + (a * d + b * c) * np.abs(near).max(axis=1)) / size
    return error


def _find(
    points: FloatArray, near: FloatArray, source: FloatArray, target: FloatArray, affines: FloatArray | None
) -> FloatArray:
    """Map *points* back as `find_in_triangles` does; *near* are the points before the affines."""
    # Select the few triangles near each point by bounding box, then test them exactly.
    a, b, c = target[:, 0], target[:, 1], target[:, 2]
    low, high = np.minimum(np.minimum(a, b), c) - _MARGIN_PX, np.maximum(np.maximum(a, b), c) + _MARGIN_PX
    point, triangle = boxes_under(near, np.concatenate([low, high], axis=1))
    corners = target[triangle] if affines is None else affines_apply(affines[point], target[triangle])
    inside = _are_inside(points[point], corners)
    point, first = np.unique(point[inside], return_index=True)
    triangle, corners = triangle[inside][first], corners[inside][first]
    affine = inverse_affines(source[triangle], corners)
    affine[_are_flat(corners)] = np.nan
    affine[_are_flat(source[triangle])] = _IDENTITY
    found = np.full_like(points, np.nan)
    found[point] = np.einsum("nij,nj->ni", affine[:, :, :2], points[point]) + affine[:, :, 2]
    return np.where(np.isfinite(found).all(axis=1, keepdims=True), found, np.nan)


def _are_inside(points: FloatArray, corners: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points (N, 2) lie in their triangles (N, 3, 2), borders included: on no edge's left side."""
    inside = np.ones(len(points), dtype=bool)
    x, y = points.T
    for corner in range(3):
        (x0, y0), (x1, y1) = corners[:, corner].T, corners[:, (corner + 1) % 3].T
        inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    return inside


def _are_flat(corners: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which triangles (N, 3, 2) are degenerate; rounding may hide that in their affines."""
    (a, b), (c, d) = np.moveaxis(corners[:, 1:] - corners[:, :1], 0, -1)
    flat: npt.NDArray[np.bool_] = a * d == b * c
    return flat


def mesh_inverse(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> MeshInverse:
    """
    Return the inverse of *transform* as the service computes it for a tile.

    Parameters
    ----------
    transform : Transform
        The whole map of the tile, from local to world pixels.
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``.

    Examples
    --------
    >>> from rendergateway.transforms import PolynomialTransform2D
    >>> bend = PolynomialTransform2D([[0, 1, 0, -1e-4, 0, 1e-4], [0, 0, 1, 0, 1e-4, 0]])
    >>> mesh_inverse(bend, 2048, 2048).apply([795.42604, 1284.785021]).round(6).tolist()
    [700.298975, 1200.684042]
    """
    return MeshInverse(transform, width, height, cell_size)


@attrs.frozen(repr=False)
class MeshInverse(Transform):
    """
    The inverse of a tile's transform as the service computes it.

    Exact for affine transforms; others are linearized in each triangle. Points outside 0 … width − 1 and
    0 … height − 1 have no inverse, and no point has one under a reflection.

    Parameters
    ----------
    forward : Transform
        The whole map of the tile, from local to world pixels.
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``.
    """

    forward: Transform
    width: float = attrs.field(converter=float)
    height: float = attrs.field(converter=float)
    cell_size: float = attrs.field(default=64.0, converter=float)
    _source: FloatArray = attrs.field(init=False, eq=False)
    _target: FloatArray = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        size = self.width, self.height, self.cell_size
        vertices, triangles = tile_mesh(*size, is_affine=self.forward.is_affine)
        object.__setattr__(self, "_source", vertices[triangles])
        object.__setattr__(self, "_target", self.forward.apply(vertices)[triangles])

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Map world points (..., 2) to local ones.

        Raises
        ------
        NotInvertibleError
            If a point lies in no triangle; the message names the first such point.
        """
        array = as_points(points)
        local = self.find(array)
        missing = np.isnan(local).any(axis=-1)
        if missing.any():
            x, y = array[missing][0].tolist()
            raise NotInvertibleError(
                f"({x}, {y}) lies in no triangle of the mesh of {type(self.forward).__name__} "
                f"({int(missing.sum())} of {missing.size} points do)"
            )
        return local

    def find(self, points: npt.ArrayLike, affines: FloatArray | None = None) -> FloatArray:
        """
        Map world points to local ones; NaN for points in no triangle.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            World pixels.
        affines : ndarray, shape (N, 2, 3), optional
            A further affine per point, for tiles whose maps are *forward* and then an affine of their own.
        """
        array = as_points(points)
        # A point lies in each triangle whose corners are one point, which maps it to itself.
        if self.width == self.height == 1:
            return array
        return find_in_triangles(array.reshape(-1, 2), self._source, self._target, affines).reshape(array.shape)

    def inverse(self) -> Transform:
        """Return the transform that this is the inverse of."""
        return self.forward

    def to_spec(self) -> NoReturn:
        """Raise `ConversionError`: the service has no class for a mesh inverse."""
        raise ConversionError(f"the mesh inverse of {type(self.forward).__name__} has no class in the service")
