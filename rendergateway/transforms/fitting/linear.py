"""
Least-squares fits of the affine family to pairs of points.

All are weighted and in closed form, on coordinates relative to the weighted centers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.linear import RigidModel2D, SimilarityModel2D, TranslationModel2D

__all__ = [
    "fit_affine",
    "fit_affines",
    "fit_rigid",
    "fit_similarity",
    "fit_translation",
    "point_pairs",
    "rigid_deviations",
]

# Determinant relative to the squared trace: points deviate from a line by less than 1e-7 of their extent, which may be
# rounding.
_COLLINEAR = 1e-14
_NO_ANGLE = 1e-10


def point_pairs(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None, least: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Return validated arrays for a fit: source (N, 2), target (N, 2) and weights (N,).

    Raises
    ------
    FitError
        If shapes or lengths are wrong, a number is not finite, a weight is negative, or fewer than *least* points
        have a nonzero weight.
    """
    source_points, target_points = _numbers(source, "source"), _numbers(target, "target")
    for name, points in (("source", source_points), ("target", target_points)):
        if points.ndim != 2 or points.shape[1] != 2:
            raise FitError(f"{name} points must have shape (N, 2): got {points.shape}")
    if len(source_points) != len(target_points):
        raise FitError(f"source and target must have equal length: got {len(source_points)} and {len(target_points)}")
    weight = np.ones(len(source_points)) if weights is None else _numbers(weights, "weights")
    if weight.shape != (len(source_points),):
        raise FitError(f"weights must have shape ({len(source_points)},), one per point: got {weight.shape}")
    if (weight < 0).any():
        negative = int(np.argmax(weight < 0))
        raise FitError(f"weights must not be negative: got {weight[negative]} at index {negative}")
    count = int(np.count_nonzero(weight))
    if count < least:
        raise FitError(f"too few points with a weight: got {count}; at least {least} are needed")
    return source_points, target_points, weight


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FitError(f"{name} must be numbers in rows of equal length: {error}") from error
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        raise FitError(f"{name} must be finite: got {array[tuple(bad)]} at index {bad.tolist()}")
    return array


def fit_translation(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> TranslationModel2D:
    """
    Fit the translation that maps source points to target points.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 1.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.

    Raises
    ------
    FitError
        If no point has a nonzero weight.

    Examples
    --------
    >>> fit_translation([[0, 0], [10, 0]], [[5, 7], [15, 7]])
    TranslationModel2D(5.0, 7.0)
    """
    p, q, w = point_pairs(source, target, weights, least=1)
    return TranslationModel2D(*(w @ (q - p) / w.sum()))


def fit_rigid(source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> RigidModel2D:
    """
    Fit the rotation and translation that map source points to target points; never a reflection.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 2, not all coincident.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.

    Raises
    ------
    FitError
        If there are too few points, or they do not determine an angle.
    """
    p, q, w = point_pairs(source, target, weights, least=2)
    p_center, q_center, a, b = _centered(p, q, w)
    cosine, sine = _turn(a, b, w)
    spreads = _spread(a, w), _spread(b, w)
    if spreads[0] <= _same_place(p) or spreads[1] <= _same_place(q):
        raise FitError("points do not determine an angle: all coincide")
    if np.hypot(cosine, sine) <= _NO_ANGLE * np.sqrt(spreads[0] * spreads[1]):
        raise FitError("points do not determine an angle: target is a mirror image of source")
    turned = RigidModel2D(np.arctan2(sine, cosine))
    return RigidModel2D(turned.angle_rad, *(q_center - turned.apply(p_center)))


def fit_similarity(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> SimilarityModel2D:
    """
    Fit the rotation, uniform scale and translation that map source points to target points; never a reflection.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 2, source points not all coincident.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.

    Raises
    ------
    FitError
        If there are too few points, or all source points coincide.
    """
    p, q, w = point_pairs(source, target, weights, least=2)
    p_center, q_center, a, b = _centered(p, q, w)
    spread = _spread(a, w)
    if spread <= _same_place(p):
        raise FitError("source points do not determine scale and angle: all coincide")
    scos, ssin = (value / spread for value in _turn(a, b, w))
    turned = SimilarityModel2D(scos, ssin)
    return SimilarityModel2D(scos, ssin, *(q_center - turned.apply(p_center)))


def fit_affine(source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> AffineModel2D:
    """
    Fit the affine transform that maps source points to target points.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 3, source points not collinear.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.

    Raises
    ------
    FitError
        If there are too few points, or the source points are collinear.

    Examples
    --------
    >>> fit_affine([[0, 0], [100, 0], [0, 100]], [[10, -5], [100, 5], [-10, 105]]).matrix.round(9).tolist()
    [[0.9, -0.2, 10.0], [0.1, 1.1, -5.0]]
    """
    p, q, w = point_pairs(source, target, weights, least=3)
    p_center, q_center, a, b = _centered(p, q, w)
    weighted = w[:, np.newaxis] * a
    spread = weighted.T @ a
    if on_a_line(spread[0, 0], spread[0, 1], spread[1, 1]):
        raise FitError("source points do not determine an affine transform: they are collinear")
    linear = np.linalg.solve(spread, weighted.T @ b).T
    return AffineModel2D(np.column_stack([linear, q_center - linear @ p_center]))


def _centered(p: FloatArray, q: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return both weighted centers, and the points relative to them."""
    p_center, q_center = w @ p / w.sum(), w @ q / w.sum()
    return p_center, q_center, p - p_center, q - q_center


def _turn(a: FloatArray, b: FloatArray, w: FloatArray) -> tuple[float, float]:
    """Return Σ w (a·b) and Σ w (a × b): cosine and sine of the best angle, times a common factor."""
    moments = (w[:, np.newaxis] * a).T @ b
    return float(moments[0, 0] + moments[1, 1]), float(moments[0, 1] - moments[1, 0])


def _spread(a: FloatArray, w: FloatArray) -> float:
    return float(w @ (a**2).sum(axis=1))


def _same_place(p: FloatArray) -> float:
    """Return the spread that rounding alone can cause for coincident points."""
    return float(len(p) * (np.abs(p).max() * 1e-14) ** 2)


def on_a_line(xx: FloatArray, xy: FloatArray, yy: FloatArray) -> npt.NDArray[np.bool_]:
    """Return from second moments which sets of points are collinear."""
    return xx * yy - xy * xy <= _COLLINEAR * (xx + yy) ** 2


def fit_affines(
    source: npt.ArrayLike, target: npt.ArrayLike, offsets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """
    Fit one affine to each of many sets of point pairs, vectorized.

    Parameters
    ----------
    source, target : array_like, shape (M, 2)
        Input and output pixels of all sets, concatenated.
    offsets : array_like of int, shape (S,) or (S + 1,)
        Start of each set, increasing from 0; a final element M is allowed.
    weights : array_like, shape (M,), optional
        Weight of each pair, 0 or more; equal by default.

    Returns
    -------
    ndarray, shape (S, 2, 3)
        Matrices; NaN for a set with fewer than three points or collinear ones.

    Raises
    ------
    FitError
        If shapes, lengths and offsets are inconsistent, or a number is not finite.

    Examples
    --------
    >>> square = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])
    >>> fits = fit_affines(np.tile(square, (2, 1)), np.vstack([square + 5, 2 * square]), [0, 4])
    >>> fits.round(9).tolist()
    [[[1.0, 0.0, 5.0], [0.0, 1.0, 5.0]], [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]]
    """
    p, q, w = point_pairs(source, target, weights, least=0)
    starts, counts = _sets(offsets, len(p))
    if not starts.size:
        return np.empty((0, 2, 3))
    # One contiguous array per coordinate speeds up the sums over sets.
    columns = [np.ascontiguousarray(column) for column in (*p.T, *q.T)]
    with np.errstate(divide="ignore", invalid="ignore"):
        total = _sums(w, starts)
        centers = np.array([_sums(w * column, starts) / total for column in columns])
        x, y, u, v = (column - np.repeat(center, counts) for column, center in zip(columns, centers, strict=True))
        wx, wy = w * x, w * y
        xx, xy, yy, xu, yu, xv, yv = (
            _sums(product, starts) for product in (wx * x, wx * y, wy * y, wx * u, wy * u, wx * v, wy * v)
        )
        determinant = np.where(on_a_line(xx, xy, yy), np.nan, xx * yy - xy * xy)
        rows = [(xu * yy - yu * xy, yu * xx - xu * xy), (xv * yy - yv * xy, yv * xx - xv * xy)]
        linear = np.moveaxis(np.array(rows) / determinant, -1, 0)
    matrices = np.empty((len(starts), 2, 3))
    matrices[:, :, :2] = linear
    matrices[:, :, 2] = centers[2:].T - np.einsum("sij,js->si", linear, centers[:2])
    return matrices


def rigid_deviations(source: FloatArray, targets: FloatArray) -> FloatArray:
    """
    Return how far maps of the same points are from the rigid maps that fit them best.

    Parameters
    ----------
    source : ndarray, shape (P, 2)
        Points, not all coincident.
    targets : ndarray, shape (N, P, 2)
        The same points as mapped by each of N maps.

    Returns
    -------
    ndarray, shape (N,)
        The largest distance; NaN if a mapped point is not finite. A mirrored map has no best angle and is compared
        with a translation.
    """
    a = source - source.mean(axis=0)
    b = targets - targets.mean(axis=1, keepdims=True)
    moments = a.T @ b
    angles = np.arctan2(moments[:, 0, 1] - moments[:, 1, 0], moments[:, 0, 0] + moments[:, 1, 1])
    cosine, sine = np.cos(angles), np.sin(angles)
    # Row vectors times the transposed rotations.
    turns = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)
    deviations: FloatArray = np.sqrt(((b - a @ turns) ** 2).sum(axis=2)).max(axis=1)
    return deviations


def _sums(values: FloatArray, starts: npt.NDArray[np.intp]) -> FloatArray:
    """Return the sum of each set."""
    return np.add.reduceat(values, starts)


def _sets(offsets: npt.ArrayLike, length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return start and length of each set; reject empty sets, which ``reduceat`` cannot sum."""
    starts = np.asarray(offsets, dtype=np.intp)
    if starts.ndim == 1 and starts.size and starts[-1] == length:
        starts = starts[:-1]
    counts = np.diff(starts, append=length)
    if starts.ndim != 1 or (counts <= 0).any() or (starts.size and starts[0] != 0) or (length and not starts.size):
        raise FitError(f"offsets must increase from 0 to below the number of points ({length}): got {starts.tolist()}")
    return starts, counts
