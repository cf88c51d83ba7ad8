"""
The service's own inverse: a mesh of triangles over the tile, each inverted as an affine.

It is less exact than `Transform.inverse` and ends one pixel before the tile does; it is here to give the service's
answers.
"""

from __future__ import annotations

import functools
import math
from typing import NoReturn

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, NotInvertibleError, TransformError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base import Transform

__all__ = ["MeshInverse", "mesh_inverse", "mesh_triangles", "mesh_vertices"]

# Pairs of a point and a triangle looked at together.
_PAIRS_AT_ONCE = 1 << 18


def _columns_and_rows(width: float, height: float, cell_size: float) -> tuple[int, int]:
    """Return the number of vertices in a row, and of rows with vertices at both ends."""
    columns = max(2, int(width / cell_size + 0.5))
    spacing = width / (columns - 1)
    # Rows of equilateral triangles: two rows are √3 of a spacing apart.
    return columns, max(2, int(height / (2.0 * math.sqrt(0.75 * spacing * spacing)) + 0.5) + 1)


def mesh_vertices(width: float, height: float, cell_size: float = 64.0) -> FloatArray:
    """
    Return the vertices of a tile's mesh.

    Parameters
    ----------
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``: about how wide a triangle is.

    Returns
    -------
    ndarray, shape (N, 2)
        Local pixels, 0 … width − 1 and 0 … height − 1: a row, then in turn the shifted row below it and the next row.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``TransformMesh.java``.
    """
    columns, rows = _columns_and_rows(width, height, cell_size)
    step_x, step_y = (width - 1) / (columns - 1), (height - 1) / (rows - 1)
    x = np.arange(columns) * step_x
    lines = [np.column_stack([x, np.zeros(columns)])]
    for row in range(1, rows):
        y = row * step_y
        lines.append(np.column_stack([x[1:] - step_x / 2, np.full(columns - 1, y - step_y / 2)]))
        lines.append(np.column_stack([x, np.full(columns, y)]))
    return np.concatenate(lines)


@functools.lru_cache(maxsize=32)
def mesh_triangles(width: float, height: float, cell_size: float = 64.0) -> npt.NDArray[np.intp]:
    """
    Return the triangles of a tile's mesh as rows of three indices into `mesh_vertices`.

    Their order matters where triangles touch or overlap: the first one counts.
    """
    columns, rows = _columns_and_rows(width, height, cell_size)
    triangles: list[tuple[int, int, int]] = []
    for row in range(1, rows):
        top = (row - 1) * (2 * columns - 1)
        triangles += _triangles_of_row(columns, top)
    indices = np.array(triangles, dtype=np.intp)
    indices.setflags(write=False)
    return indices


def _triangles_of_row(columns: int, top: int) -> list[tuple[int, int, int]]:
    middle, bottom = top + columns, top + 2 * columns - 1
    triangles = []
    for i in range(columns - 1):
        triangles.append((top + i, top + i + 1, middle + i))
        if i:
            triangles.append((top + i, middle + i, middle + i - 1))
    triangles.append((top, middle, bottom))
    for i in range(columns - 2):
        triangles.append((middle + i, bottom + i + 1, bottom + i))
        triangles.append((middle + i, middle + i + 1, bottom + i + 1))
    last = columns - 2
    triangles.append((bottom + last, middle + last, bottom + last + 1))
    triangles.append((middle + last, top + last + 1, bottom + last + 1))
    return triangles


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

    Exact for affine transforms; others are straightened within each triangle. Nothing outside 0 … width − 1 and
    0 … height − 1 is found, and nothing at all behind a mirror.

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
    _corners: FloatArray = attrs.field(init=False, eq=False)
    _inverses: FloatArray = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not (self.width > 1 and self.height > 1 and self.cell_size > 0):
            raise TransformError(
                "a mesh needs width and height above 1 and a cell size above 0, not "
                f"{self.width}, {self.height} and {self.cell_size}"
            )
        vertices, triangles = self._mesh()
        corners = self.forward.apply(vertices)[triangles]
        object.__setattr__(self, "_corners", corners)
        object.__setattr__(self, "_inverses", _inverse_affines(vertices[triangles], corners))

    def _mesh(self) -> tuple[FloatArray, npt.NDArray[np.intp]]:
        if not self.forward.is_affine:
            size = self.width, self.height, self.cell_size
            return mesh_vertices(*size), mesh_triangles(*size)
        # Inside an affine tile the finest mesh gives nothing that two triangles do not.
        right, bottom = self.width - 1, self.height - 1
        return np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]]), np.array([[0, 1, 2], [0, 2, 3]])

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """
        Map world points (..., 2) to local ones.

        Raises
        ------
        NotInvertibleError
            If a point lies in no triangle; the message names the first.
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

    def find(self, points: npt.ArrayLike) -> FloatArray:
        """Map world points (..., 2) to local ones; NaN for those in no triangle."""
        array = as_points(points)
        flat = array.reshape(-1, 2)
        local = np.empty_like(flat)
        rows = max(1, _PAIRS_AT_ONCE // len(self._corners))
        for start in range(0, len(flat), rows):
            local[start : start + rows] = self._find(flat[start : start + rows])
        return local.reshape(array.shape)

    def _find(self, points: FloatArray) -> FloatArray:
        inside = self._inside(points)
        first = inside.argmax(axis=1)
        affine = self._inverses[first]
        local = np.einsum("nij,nj->ni", affine[:, :, :2], points) + affine[:, :, 2]
        return np.where(inside.any(axis=1, keepdims=True) & np.isfinite(local), local, np.nan)

    def _inside(self, points: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which points lie in which triangles, borders included: on the left of no edge."""
        inside = np.ones((len(points), len(self._corners)), dtype=bool)
        x, y = points[:, 0, np.newaxis], points[:, 1, np.newaxis]
        for corner in range(3):
            (x0, y0), (x1, y1) = self._corners[:, corner].T, self._corners[:, (corner + 1) % 3].T
            inside &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
        return inside

    def inverse(self) -> Transform:
        """Return the transform that this inverts."""
        return self.forward

    def to_spec(self) -> NoReturn:
        """Refuse: the service has no class for it."""
        raise ConversionError(f"the mesh inverse of {type(self.forward).__name__} has no class on the service")


def _inverse_affines(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return the affines (N, 2, 3) that carry triangles *target* to triangles *source* (N, 3, 2); NaN for flat ones."""
    source_center, target_center = source.mean(axis=1), target.mean(axis=1)
    source_sides, target_sides = source[:, 1:] - source[:, :1], target[:, 1:] - target[:, :1]
    (a, b), (c, d) = np.moveaxis(target_sides, 0, -1)
    adjugate = np.moveaxis(np.array([[d, -b], [-c, a]]), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        solved = adjugate / (a * d - b * c)[:, np.newaxis, np.newaxis] @ source_sides
    linear = solved.transpose(0, 2, 1)
    translation = source_center - np.einsum("nij,nj->ni", linear, target_center)
    return np.concatenate([linear, translation[:, :, np.newaxis]], axis=2)
