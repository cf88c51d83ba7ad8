"""Columns of affines: one matrix a tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, as_points

__all__ = ["affines_apply", "affines_undo", "as_affines"]


def as_affines(matrices: npt.ArrayLike) -> FloatArray:
    """
    Return *matrices* as an array of float64.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each.

    Raises
    ------
    TransformError
        If they have another shape.
    """
    affines = np.asarray(matrices, dtype=np.float64)
    if affines.ndim != 3 or affines.shape[1:] != (2, 3):
        raise TransformError(f"affine matrices are (N, 2, 3), these are {affines.shape}")
    return affines


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
    affines, array = as_affines(matrices), as_points(points)
    x, y = array[..., 0], array[..., 1]
    mapped = np.empty((len(affines), array.shape[-2], 2))
    for axis in range(2):
        m0, m1, offset = affines[:, axis, :, np.newaxis].transpose(1, 0, 2)
        np.add(m0 * x + m1 * y, offset, out=mapped[..., axis])
    return mapped


def affines_undo(matrices: npt.ArrayLike, points: npt.ArrayLike) -> FloatArray:
    """
    Map points back, each through an affine of its own.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each.
    points : array_like, shape (N, 2)
        What they map to.

    Returns
    -------
    ndarray, shape (N, 2)
        NaN where an affine has no inverse.

    Examples
    --------
    >>> affines_undo([[[2, 0, 5], [0, 4, 7]], [[0, 0, 1], [0, 0, 1]]], [[7, 11], [1, 1]]).tolist()
    [[1.0, 1.0], [nan, nan]]
    """
    affines, array = as_affines(matrices), as_points(points)
    (a, b, tx), (c, d, ty) = affines.transpose(1, 2, 0)
    x, y = array[:, 0] - tx, array[:, 1] - ty
    determinant = a * d - b * c
    with np.errstate(all="ignore"):
        found: FloatArray = np.stack([d * x - b * y, a * y - c * x], axis=1) / determinant[:, np.newaxis]
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found
