"""
Fits of the affine family to pairs of points.

All are weighted least squares in closed form, on coordinates relative to the weighted centres.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.transforms.affine import AffineModel2D
from rendergateway.transforms.linear import RigidModel2D, SimilarityModel2D, TranslationModel2D

__all__ = ["fit_affine", "fit_affines", "fit_rigid", "fit_similarity", "fit_translation", "point_pairs"]

# Of the determinant against the square of the trace: points leave their line by less than 1e-7 of their extent, and
# rounding could be the reason.
_COLLINEAR = 1e-14
_NO_ANGLE = 1e-10


def point_pairs(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None, least: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """
    Return checked arrays for a fit: (N, 2), (N, 2) and weights (N,).

    Raises
    ------
    FitError
        If shapes or lengths are wrong, a number is not finite, a weight is negative, or fewer than *least* points
        have a weight.
    """
    source_points, target_points = _numbers(source, "source"), _numbers(target, "target")
    for name, points in (("source", source_points), ("target", target_points)):
        if points.ndim != 2 or points.shape[1] != 2:
            raise FitError(f"{name} points are (N, 2), these are {points.shape}")
    if len(source_points) != len(target_points):
        raise FitError(f"source and target differ in length: {len(source_points)} and {len(target_points)}")
    weight = np.ones(len(source_points)) if weights is None else _numbers(weights, "weights")
    if weight.shape != (len(source_points),):
        raise FitError(f"weights are ({len(source_points)},), one for each point; these are {weight.shape}")
    if (weight < 0).any():
        raise FitError(f"weights are not negative, weight {int(np.argmax(weight < 0))} is {weight.min()}")
    count = int(np.count_nonzero(weight))
    if count < least:
        raise FitError(f"not enough points: need {least}, got {count}")
    return source_points, target_points, weight


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise FitError(f"{name} are numbers in rows of equal length: {error}") from error
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        raise FitError(f"{name} at index {bad.tolist()} is {array[tuple(bad)]}; a fit needs finite numbers")
    return array


def fit_translation(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> TranslationModel2D:
    """
    Fit the shift that carries source points to target points.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 1.
    weights : array_like, shape (N,), optional
        Influence of each pair, 0 or more; the same for all if left out.

    Raises
    ------
    FitError
        If there is no point with a weight.

    Examples
    --------
    >>> fit_translation([[0, 0], [10, 0]], [[5, 7], [15, 7]])
    TranslationModel2D(5.0, 7.0)
    """
    p, q, w = point_pairs(source, target, weights, least=1)
    return TranslationModel2D(*(w @ (q - p) / w.sum()))


def fit_rigid(source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> RigidModel2D:
    """
    Fit the rotation and shift that carry source points to target points; never a mirror.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 2, not all the same.
    weights : array_like, shape (N,), optional
        Influence of each pair, 0 or more; the same for all if left out.

    Raises
    ------
    FitError
        If there are too few points, or they determine no angle.
    """
    p, q, w = point_pairs(source, target, weights, least=2)
    p_center, q_center, a, b = _centered(p, q, w)
    cosine, sine = _turn(a, b, w)
    spreads = _spread(a, w), _spread(b, w)
    if spreads[0] <= _same_place(p) or spreads[1] <= _same_place(q):
        raise FitError("points coincide: they determine no angle")
    if np.hypot(cosine, sine) <= _NO_ANGLE * np.sqrt(spreads[0] * spreads[1]):
        raise FitError("no angle fits better than another: target is a mirror image of source")
    turned = RigidModel2D(np.arctan2(sine, cosine))
    return RigidModel2D(turned.angle_rad, *(q_center - turned.apply(p_center)))


def fit_similarity(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> SimilarityModel2D:
    """
    Fit the rotation, uniform scale and shift that carry source points to target points; never a mirror.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 2, the source not all the same.
    weights : array_like, shape (N,), optional
        Influence of each pair, 0 or more; the same for all if left out.

    Raises
    ------
    FitError
        If there are too few points, or all source points coincide.
    """
    p, q, w = point_pairs(source, target, weights, least=2)
    p_center, q_center, a, b = _centered(p, q, w)
    spread = _spread(a, w)
    if spread <= _same_place(p):
        raise FitError("source points coincide: they determine neither scale nor angle")
    scos, ssin = (value / spread for value in _turn(a, b, w))
    turned = SimilarityModel2D(scos, ssin)
    return SimilarityModel2D(scos, ssin, *(q_center - turned.apply(p_center)))


def fit_affine(source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> AffineModel2D:
    """
    Fit the affine transform that carries source points to target points.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 3, the source spanning the plane.
    weights : array_like, shape (N,), optional
        Influence of each pair, 0 or more; the same for all if left out.

    Raises
    ------
    FitError
        If there are too few points, or the source points lie on one line.

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
        raise FitError("source points are collinear: they determine no affine transform")
    linear = np.linalg.solve(spread, weighted.T @ b).T
    return AffineModel2D(np.column_stack([linear, q_center - linear @ p_center]))


def _centered(p: FloatArray, q: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return both weighted centres, and the points relative to them."""
    p_center, q_center = w @ p / w.sum(), w @ q / w.sum()
    return p_center, q_center, p - p_center, q - q_center


def _turn(a: FloatArray, b: FloatArray, w: FloatArray) -> tuple[float, float]:
    """Return Σ w (a·b) and Σ w (a × b): cosine and sine of the best angle, times a common factor."""
    moments = (w[:, np.newaxis] * a).T @ b
    return float(moments[0, 0] + moments[1, 1]), float(moments[0, 1] - moments[1, 0])


def _spread(a: FloatArray, w: FloatArray) -> float:
    return float(w @ (a**2).sum(axis=1))


def _same_place(p: FloatArray) -> float:
    """Return what rounding can make of a spread of zero."""
    return float(len(p) * (np.abs(p).max() * 1e-14) ** 2)


def on_a_line(xx: FloatArray, xy: FloatArray, yy: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell from the second moments which sets of points span no plane."""
    return xx * yy - xy * xy <= _COLLINEAR * (xx + yy) ** 2


def fit_affines(
    source: npt.ArrayLike, target: npt.ArrayLike, offsets: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """
    Fit one affine to each of many sets of point pairs, all at once.

    Parameters
    ----------
    source, target : array_like, shape (M, 2)
        Input and output pixels of all sets, set after set.
    offsets : array_like of int, shape (S,) or (S + 1,)
        Where each set begins, rising from 0; a last element M is allowed.
    weights : array_like, shape (M,), optional
        Influence of each pair, 0 or more; the same for all if left out.

    Returns
    -------
    ndarray, shape (S, 2, 3)
        Matrices; NaN for a set that determines none: fewer than three points, or points on one line.

    Raises
    ------
    FitError
        If shapes, lengths or offsets do not fit together, or a number is not finite.

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
    # One array per coordinate: sums over sets then run along memory.
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


def _sums(values: FloatArray, starts: npt.NDArray[np.intp]) -> FloatArray:
    """Return the sum over each set."""
    return np.add.reduceat(values, starts)


def _sets(offsets: npt.ArrayLike, length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return start and length of each set; sets without points are refused, since sums cannot start there."""
    starts = np.asarray(offsets, dtype=np.intp)
    if starts.ndim == 1 and starts.size and starts[-1] == length:
        starts = starts[:-1]
    counts = np.diff(starts, append=length)
    if starts.ndim != 1 or (counts <= 0).any() or (starts.size and starts[0] != 0) or (length and not starts.size):
        raise FitError(f"offsets rise from 0 to below the number of points ({length}), each set having at least one")
    return starts, counts
