"""Bounding boxes of tiles as the service derives them, for one tile or vectorized."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import INTEGERS, Bounds, FloatArray, border_points, service_box
from rendergateway.transforms.base.matrices import as_affines
from rendergateway.transforms.classes.transform import Transform
from rendergateway.transforms.meshes.mesh import mesh_vertices

__all__ = ["affine_boxes", "affine_corners", "boxes_around", "lens_boxes", "mesh_box", "tile_box"]

# Tiles per pass: few enough that their border points stay in the processor's cache.
_AT_ONCE = 512


def tile_box(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> Bounds:
    """
    Return the bounding box of a tile as the service derives it today, from points of the border.

    Parameters
    ----------
    transform : Transform
        The whole map of the tile, from local to world pixels.
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``.

    Returns
    -------
    Bounds
        Whole numbers, minima truncated towards zero.

    Raises
    ------
    TransformError
        If a point of the border is mapped to numbers that are not finite.

    Examples
    --------
    >>> from rendergateway.transforms import AffineModel2D
    >>> list(tile_box(AffineModel2D([[1, 0, 100.5], [0, 1, -50.25]]), 2048, 2048))
    [100.0, -50.0, 2148.0, 1998.0]
    """
    points = transform.apply(border_points(width, height, cell_size))
    if not np.isfinite(points).all():
        raise TransformError("the border of the tile is mapped to numbers that are not finite; check its transforms")
    return service_box(points)


def mesh_box(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> Bounds:
    """
    Return the bounding box of a tile as the service derived it until October 2017, from the vertices of its mesh.

    Boxes stored before that date are of this kind, usually one pixel smaller than `tile_box`.

    Parameters
    ----------
    transform, width, height, cell_size
        Parameters of `tile_box`.
    """
    return service_box(transform.apply(mesh_vertices(width, height, cell_size)))


def affine_corners(matrices: npt.ArrayLike, widths: npt.ArrayLike, heights: npt.ArrayLike) -> FloatArray:
    """
    Return the corners of many affine tiles.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Affine of each tile, from local to world pixels.
    widths, heights : array_like, shape (N,) or a number
        Image sizes in local pixels.

    Returns
    -------
    ndarray, shape (N, 4, 2)
        World pixels of (0, 0), (w, 0), (w, h) and (0, h).
    """
    affines = as_affines(matrices)
    # Columns are contiguous in memory, so writing and reading them is fast.
    corners = np.empty((2, 4, len(affines))).transpose(2, 1, 0)
    for axis in range(2):
        m0, m1, offset = np.ascontiguousarray(affines[:, axis].T)
        right, down = m0 * widths, m1 * heights
        for corner, reach in enumerate((0.0, right, right + down, down)):
            np.add(reach, offset, out=corners[:, corner, axis])
    return corners


def affine_boxes(matrices: npt.ArrayLike, widths: npt.ArrayLike, heights: npt.ArrayLike) -> FloatArray:
    """
    Return the bounding boxes of many affine tiles, as the service derives them.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Affine of each tile, from local to world pixels.
    widths, heights : array_like, shape (N,) or a number
        Image sizes in local pixels.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y, equal to `tile_box` of each tile.

    Examples
    --------
    >>> affine_boxes([[[1, 0, 10.7], [0, 1, -3.2]]], 100, 50).tolist()
    [[10.0, -3.0, 110.0, 47.0]]
    """
    affines, sizes = as_affines(matrices), [np.asarray(size, dtype=np.float64) for size in (widths, heights)]
    boxes = np.empty((4, len(affines))).T
    for axis in range(2):
        m0, m1, offset = np.ascontiguousarray(affines[:, axis].T)
        right, down = m0 * sizes[0], m1 * sizes[1]
        # An affine takes its extremes over the border points at these; (w, h) is not a border point.
        reaches = (right, m0 * (sizes[0] - 1) + down, right + m1 * (sizes[1] - 1))
        low, high = np.minimum(0.0, down), np.maximum(0.0, down)
        for reach in reaches:
            np.minimum(low, reach, out=low)
            np.maximum(high, reach, out=high)
        boxes[:, axis], boxes[:, 2 + axis] = _service_extent(low + offset, high + offset)
    return boxes


def lens_boxes(
    lens: Transform, matrices: npt.ArrayLike, width: float, height: float, cell_size: float = 64.0
) -> FloatArray:
    """
    Return the bounding boxes of many tiles that share one lens correction and size, with one affine per tile.

    The lens correction is evaluated only once, on the border of one tile.

    Parameters
    ----------
    lens : Transform
        The first transform of every tile.
    matrices : array_like, shape (N, 2, 3)
        The affine of each tile, applied after the lens correction.
    width, height, cell_size : float
        Size and ``meshCellSize`` of every tile.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y.
    """
    return boxes_around(lens.apply(border_points(width, height, cell_size)), as_affines(matrices))


def boxes_around(points: FloatArray, affines: FloatArray) -> FloatArray:
    """
    Return the bounding boxes of the same points mapped with each of many affines, as the service derives them.

    Parameters
    ----------
    points : ndarray, shape (P, 2)
        x, y in input pixels of the affines; at least one.
    affines : ndarray, shape (N, 2, 3)

    Returns
    -------
    ndarray, shape (N, 4)
        Equal to `service_box` of the mapped points; NaN for both sides of an axis if one of them is not finite.
    """
    x, y = points.T[:, :, np.newaxis]
    boxes = np.empty((len(affines), 4))
    for start in range(0, len(affines), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        for axis in range(2):
            m0, m1, offset = np.ascontiguousarray(affines[some, axis].T)
            # Rounding is monotonic: adding the offset to the extremes only is enough.
            reach = m0 * x
            reach += m1 * y
            low, high = reach.min(axis=0) + offset, reach.max(axis=0) + offset
            boxes[some, axis], boxes[some, 2 + axis] = _service_extent(low, high)
    return boxes


def _service_extent(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sides that `service_box` derives from the extremes along one axis; NaN if one is not finite."""
    origin = np.trunc(low)
    origin += 0.0
    extent = high - low
    np.ceil(extent, out=extent)
    is_finite = np.isfinite(extent)
    for sides in (origin, extent):
        np.clip(sides, *INTEGERS, out=sides)
        sides[~is_finite] = np.nan
    extent += origin
    return origin, extent
