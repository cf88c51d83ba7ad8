"""Affine maps as plain matrices: one (2, 3), or a column of them (N, 2, 3), one per tile."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, as_points

__all__ = [
    "affines_apply",
    "affines_undo",
    "apply_matrix",
    "as_affines",
    "determinant",
    "inverse_affines",
    "inverse_matrix",
    "matrix_product",
]

# Up to this many coordinates the fixed cost of another numpy call exceeds that of the inner loops.
_FEW = 500
# Points per pass: few enough for the processor's cache.
_CHUNK = 8192


def apply_matrix(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """
    Map points (..., 2) with a matrix (2, 3).

    Sums are evaluated from left to right and rounded at each step, like the service's, not by a matrix product:
    a coordinate that is a whole number in the service is one here too, and boxes, which are truncated to whole
    numbers, agree.
    """
    if points.size > _FEW:
        return _apply_in_parts(matrix, points)
    mapped: FloatArray = points[..., :1] * matrix[:, 0]
    mapped += points[..., 1:] * matrix[:, 1]
    mapped += matrix[:, 2]
    return mapped


def _apply_in_parts(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Map coordinate by coordinate: slower for a few points, five times as fast for many."""
    flat = points.reshape(-1, 2)
    mapped = np.empty_like(flat)
    for start in range(0, len(flat), _CHUNK):
        x, y = np.ascontiguousarray(flat[start : start + _CHUNK].T)
        for axis, (m0, m1, offset) in enumerate(matrix.tolist()):
            np.add(x * m0 + y * m1, offset, out=mapped[start : start + _CHUNK, axis])
    return mapped.reshape(points.shape)


def matrix_product(after: FloatArray, before: FloatArray) -> FloatArray:
    """
    Return the matrix (2, 3) of *before* followed by *after*.

    Rounded at each step, like the service's; a product of arrays takes several times as long for so few numbers.
    """
    (a, b, c), (d, e, f) = after.tolist()
    (p, q, r), (s, t, u) = before.tolist()
    return np.array(
        [[a * p + b * s, a * q + b * t, a * r + b * u + c], [d * p + e * s, d * q + e * t, d * r + e * u + f]]
    )


def determinant(matrix: FloatArray) -> float:
    """Return the determinant of the linear part of a matrix (2, 3)."""
    (m00, m01, _), (m10, m11, _) = matrix.tolist()
    return float(m00 * m11 - m01 * m10)


def inverse_matrix(matrix: FloatArray) -> FloatArray | None:
    """
    Return the matrix (2, 3) of the inverse map; None if the determinant is zero or not finite.

    Examples
    --------
    >>> inverse_matrix(np.array([[2.0, 0, 10], [0, 4, -8]])).tolist()
    [[0.5, -0.0, -5.0], [-0.0, 0.25, 2.0]]
    """
    size = determinant(matrix)
    if size == 0 or not math.isfinite(size):
        return None
    (m00, m01, tx), (m10, m11, ty) = matrix.tolist()
    a, b, c, d = m11 / size, -m01 / size, -m10 / size, m00 / size
    return np.array([[a, b, -(a * tx + b * ty)], [c, d, -(c * tx + d * ty)]])


def as_affines(matrices: npt.ArrayLike) -> FloatArray:
    """
    Return *matrices* as an array of float64.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each matrix.

    Raises
    ------
    TransformError
        If they have another shape.
    """
    affines = np.asarray(matrices, dtype=np.float64)
    if affines.ndim != 3 or affines.shape[1:] != (2, 3):
        raise TransformError(f"affine matrices must have shape (N, 2, 3): got {affines.shape}")
    return affines


def affines_apply(matrices: npt.ArrayLike, points: npt.ArrayLike) -> FloatArray:
    """
    Map points with one affine per tile.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each tile.
    points : array_like, shape (P, 2) or (N, P, 2)
        The same points for all tiles, or points per tile.

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
    Map points with the inverse of one affine per point.

    Parameters
    ----------
    matrices : array_like, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each affine.
    points : array_like, shape (N, 2)
        Output pixels of the affines.

    Returns
    -------
    ndarray, shape (N, 2)
        Input pixels of the affines; NaN if an affine has no inverse.

    Examples
    --------
    >>> affines_undo([[[2, 0, 5], [0, 4, 7]], [[0, 0, 1], [0, 0, 1]]], [[7, 11], [1, 1]]).tolist()
    [[1.0, 1.0], [nan, nan]]
    """
    affines, array = as_affines(matrices), as_points(points)
    (a, b, tx), (c, d, ty) = affines.transpose(1, 2, 0)
    x, y = array[:, 0] - tx, array[:, 1] - ty
    size = a * d - b * c
    with np.errstate(all="ignore"):
        found: FloatArray = np.stack([d * x - b * y, a * y - c * x], axis=1) / size[:, np.newaxis]
    found[~np.isfinite(found).all(axis=1)] = np.nan
    return found


def inverse_affines(source: FloatArray, target: FloatArray) -> FloatArray:
    """
    Return the affines that map triangles from *target* back to *source*.

    Each is the least-squares affine of the three corners, inverted in the service's order of operations: the last
    digit decides whether a pixel lies on the border of an image or outside.

    Parameters
    ----------
    source, target : ndarray, shape (N, 3, 2)
        Corners of the triangles before and after the transform.

    Returns
    -------
    ndarray, shape (N, 2, 3)
        Rows ``m00 m01 tx`` and ``m10 m11 ty`` of each; not finite for degenerate triangles.

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
