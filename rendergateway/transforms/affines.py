"""Columns of affines: one matrix a tile."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, as_points

__all__ = ["affines_apply", "affines_undo", "as_affines", "inverse_affines"]


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


def inverse_affines(source: FloatArray, target: FloatArray) -> FloatArray:
    """
    Return the affines that carry triangles back to where they came from.

    Each is the best affine of the three corners, inverted: step by step as the service computes it, because the last
    digit decides whether a pixel lies on the border of an image or beyond it.

    Parameters
    ----------
    source, target : ndarray, shape (N, 3, 2)
        Corners of the triangles before and after.

    Returns
    -------
    ndarray, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each; not finite for flat triangles.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``AffineModel2D.java``, ``fit`` and ``invert``.
    """
    (px, py), (qx, qy) = (np.moveaxis(corners, (2, 1), (0, 1)) for corners in (source, target))
    centers = [_three(values) / 3.0 for values in (px, py, qx, qy)]
    px, py, qx, qy = (values - center for values, center in zip((px, py, qx, qy), centers, strict=True))
    a00, a01, a11 = _three(px * px), _three(px * py), _three(py * py)
    b00, b01, b10, b11 = _three(px * qx), _three(px * qy), _three(py * qx), _three(py * qy)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        det = a00 * a11 - a01 * a01
        m00, m01 = (a11 * b00 - a01 * b10) / det, (a00 * b10 - a01 * b00) / det
        m10, m11 = (a11 * b01 - a01 * b11) / det, (a00 * b11 - a01 * b01) / det
        m02 = centers[2] - m00 * centers[0] - m01 * centers[1]
        m12 = centers[3] - m10 * centers[0] - m11 * centers[1]
        det = m00 * m11 - m01 * m10
        rows = (
            (m11 / det, -m01 / det, (m01 * m12 - m02 * m11) / det),
            (-m10 / det, m00 / det, (m02 * m10 - m00 * m12) / det),
        )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=1)


def _three(values: FloatArray) -> FloatArray:
    total: FloatArray = values[0] + values[1] + values[2]
    return total
