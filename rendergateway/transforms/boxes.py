"""The boxes that the service derives for tiles, of one tile or of a whole column of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points, border_points, service_box
from rendergateway.transforms.base import Transform
from rendergateway.transforms.mesh import mesh_vertices

__all__ = ["affine_boxes", "affine_corners", "affines_apply", "lens_boxes", "mesh_box", "tile_box"]


def tile_box(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> Bounds:
    """
    Return the box of a tile as the service derives it today: from points of the border.

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
        Whole numbers, minima cut towards zero.

    Examples
    --------
    >>> from rendergateway.transforms import AffineModel2D
    >>> list(tile_box(AffineModel2D([[1, 0, 100.5], [0, 1, -50.25]]), 2048, 2048))
    [100.0, -50.0, 2148.0, 1998.0]
    """
    return service_box(transform.apply(border_points(width, height, cell_size)))


def mesh_box(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> Bounds:
    """
    Return the box of a tile as the service derived it until October 2017: from the vertices of its mesh.

    Boxes stored before that date are of this kind, usually one pixel smaller than `tile_box`.

    Parameters
    ----------
    transform, width, height, cell_size
        As in `tile_box`.
    """
    return service_box(transform.apply(mesh_vertices(width, height, cell_size)))


def affines_apply(matrices: npt.ArrayLike, points: npt.ArrayLike) -> FloatArray:
    """
    Map points through one affine per tile.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each tile.
    points : array_like, shape (P, 2) or (N, P, 2)
        The same points for all tiles, or those of each.

    Returns
    -------
    ndarray, shape (N, P, 2)
    """
    affines, array = _affines(matrices), as_points(points)
    x, y = array[..., 0], array[..., 1]
    mapped = np.empty((len(affines), array.shape[-2], 2))
    for axis in range(2):
        m0, m1, offset = affines[:, axis, :, np.newaxis].transpose(1, 0, 2)
        np.add(m0 * x, m1 * y, out=mapped[..., axis])
        mapped[..., axis] += offset
    return mapped


def affine_corners(matrices: npt.ArrayLike, widths: npt.ArrayLike, heights: npt.ArrayLike) -> FloatArray:
    """
    Return the corners of many affine tiles.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Affine of each tile, from local to world pixels.
    widths, heights : array_like, shape (N,) or a number
        Sizes in local pixels.

    Returns
    -------
    ndarray, shape (N, 4, 2)
        World pixels of (0, 0), (w, 0), (w, h) and (0, h).
    """
    return _mapped_corners(
        _affines(matrices), widths, heights, [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0]]
    )


def affine_boxes(matrices: npt.ArrayLike, widths: npt.ArrayLike, heights: npt.ArrayLike) -> FloatArray:
    """
    Return the boxes of many affine tiles, as the service derives them.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Affine of each tile, from local to world pixels.
    widths, heights : array_like, shape (N,) or a number
        Sizes in local pixels.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y; `tile_box` gives the same for each.

    Examples
    --------
    >>> affine_boxes([[[1, 0, 10.7], [0, 1, -3.2]]], 100, 50).tolist()
    [[10.0, -3.0, 110.0, 47.0]]
    """
    # Under an affine the extremes of the border's points lie at the ends of its edges; (w, h) is not among them.
    ends = [[0, 0, 0, 0], [1, -1, 0, 0], [0, 0, 1, 0], [1, -1, 1, 0], [0, 0, 1, -1], [1, 0, 0, 0], [1, 0, 1, -1]]
    return _service_boxes(_mapped_corners(_affines(matrices), widths, heights, ends))


def lens_boxes(
    lens: Transform, matrices: npt.ArrayLike, width: float, height: float, cell_size: float = 64.0
) -> FloatArray:
    """
    Return the boxes of many tiles that share one lens correction and size, each followed by its own affine.

    The lens is evaluated once, on the border of one tile.

    Parameters
    ----------
    lens : Transform
        The first transform of every tile.
    matrices : array_like, shape (N, 2, 3)
        The affine of each tile behind the lens.
    width, height, cell_size : float
        Of every tile, as in `tile_box`.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y.
    """
    border = lens.apply(border_points(width, height, cell_size))
    return np.concatenate([_service_boxes(affines_apply(part, border)) for part in _parts(_affines(matrices))])


def _parts(affines: FloatArray) -> list[FloatArray]:
    """Cut into parts that fit the processor's cache with the points of a border."""
    return [affines[start : start + 1024] for start in range(0, max(1, len(affines)), 1024)]


def _affines(matrices: npt.ArrayLike) -> FloatArray:
    affines = np.asarray(matrices, dtype=np.float64)
    if affines.ndim != 3 or affines.shape[1:] != (2, 3):
        raise TransformError(f"affine matrices are (N, 2, 3), these are {affines.shape}")
    return affines


def _mapped_corners(
    affines: FloatArray, widths: npt.ArrayLike, heights: npt.ArrayLike, ends: list[list[int]]
) -> FloatArray:
    """Map points given as multiples of the width plus a number, and of the height plus a number."""
    factors = np.array(ends, dtype=np.float64)
    sizes = [np.broadcast_to(np.asarray(size, dtype=np.float64), len(affines)) for size in (widths, heights)]
    x = np.multiply.outer(sizes[0], factors[:, 0]) + factors[:, 1]
    y = np.multiply.outer(sizes[1], factors[:, 2]) + factors[:, 3]
    return affines_apply(affines, np.stack([x, y], axis=2))


def _service_boxes(points: FloatArray) -> FloatArray:
    """Return the box that `service_box` gives for each row of points (N, P, 2)."""
    low, high = points.min(axis=1), points.max(axis=1)
    origin = np.trunc(low) + 0.0
    return np.concatenate([origin, origin + np.ceil(high - low)], axis=1)
