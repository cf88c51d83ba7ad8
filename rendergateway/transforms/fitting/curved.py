"""Least-squares fits of homographies, polynomials, thin-plate splines and lens corrections."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.homography import HomographyModel2D
from rendergateway.transforms.classes.lens import CONSTANT_FEATURE, NonLinearCoordinateTransform
from rendergateway.transforms.classes.polynomial import (
    PolynomialTransform2D,
    polynomial_terms,
    substituted,
    term_count,
)
from rendergateway.transforms.classes.thin_plate import ThinPlateSplineTransform, radial_values
from rendergateway.transforms.fitting.linear import on_a_line, point_pairs

__all__ = ["fit_homography", "fit_lens", "fit_polynomial", "fit_thin_plate_spline", "reduced_spline"]

# Singular values below this fraction of the largest one are zero.
_RANK_TOLERANCE = 1e-10


def fit_homography(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> HomographyModel2D:
    """
    Fit the projective transform that maps source points to target points.

    The fit is exact for four pairs and minimizes the algebraic error for more.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 4, no three of four on a line.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.

    Raises
    ------
    FitError
        If there are too few points, or they do not determine a homography.

    References
    ----------
    .. [1] R. Hartley and A. Zisserman, "Multiple View Geometry in Computer Vision", 2nd edition, algorithm 4.2.
    """
    p, q, w = point_pairs(source, target, weights, least=4)
    from_source, from_target = _to_unit(p, w), _to_unit(q, w)
    (x, y), (u, v) = from_source.apply(p).T, from_target.apply(q).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows_x = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=1)
    rows_y = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=1)
    equations = np.sqrt(np.tile(w, 2))[:, np.newaxis] * np.vstack([rows_x, rows_y])
    # The row of zeros makes the system of four points square, so that there is a ninth singular value.
    _, sizes, axes = np.linalg.svd(np.vstack([equations, np.zeros(9)]), full_matrices=False)
    if sizes[7] <= _RANK_TOLERANCE * sizes[0]:
        raise FitError("points do not determine a homography: three of four are collinear")
    unit = HomographyModel2D(axes[8].reshape(3, 3))
    whole = from_target.inverse() @ unit @ from_source
    matrix = whole.matrix if isinstance(whole, HomographyModel2D) else np.vstack([whole.as_affine().matrix, [0, 0, 1]])
    return HomographyModel2D(matrix / (matrix[2, 2] or 1.0))


def fit_polynomial(
    source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, order: int = 2
) -> PolynomialTransform2D:
    """
    Fit the polynomial that maps source points to target points, by least squares.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N at least the number of terms, (order + 1)(order + 2)/2.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.
    order : int
        Highest degree, 0 or more.

    Raises
    ------
    FitError
        If there are too few points, or they do not determine a polynomial of this order, like points on a conic for
        order 2.

    Examples
    --------
    >>> grid = np.stack(np.meshgrid(range(3), range(3)), axis=-1).reshape(-1, 2)
    >>> fit_polynomial(grid, grid**2 + [[5, 7]], order=2).apply([3, 4]).round(9).tolist()
    [14.0, 23.0]
    """
    if order < 0:
        raise FitError(f"order of a polynomial must be >= 0: got {order}")
    p, q, w = point_pairs(source, target, weights, least=term_count(order))
    # Powers of pixels span too many orders of magnitude: fit in normalized coordinates, then substitute back.
    unit = _to_unit(p, w)
    terms = polynomial_terms(unit.apply(p), order).T
    root = np.sqrt(w)[:, np.newaxis]
    coefficients, _, rank, _ = np.linalg.lstsq(root * terms, root * q, rcond=_RANK_TOLERANCE)
    if rank < terms.shape[1]:
        raise FitError(f"points do not determine a polynomial of order {order}: they lie on a curve of that order")
    return substituted(PolynomialTransform2D(coefficients.T), unit.as_polynomial())


def _to_unit(points: FloatArray, weights: FloatArray) -> AffineModel2D:
    """Return the affine that normalizes *points*: centered, with coordinates of about 1."""
    center = weights @ points / weights.sum()
    extent = np.abs(points - center).max(axis=0)
    scale = 1.0 / np.where(extent > 0, extent, 1.0)
    return AffineModel2D(np.column_stack([np.diag(scale), -scale * center]))


def fit_thin_plate_spline(
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    affine: bool = True,
    stiffness: float = 0.0,
) -> ThinPlateSplineTransform:
    """
    Fit the thin-plate spline through source and target points.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 3, source points distinct and not collinear.
    weights : array_like, shape (N,), optional
        Weight of each pair relative to *stiffness*; pairs of weight 0 are ignored. Without stiffness the spline
        interpolates all other pairs.
    affine : bool
        Whether the spline has an affine part. Without one it approaches the identity far from the points.
    stiffness : float
        Smoothing in pixels squared, added to the diagonal of the kernel matrix; 0 interpolates.

    Raises
    ------
    FitError
        If there are too few points, two source points coincide, or all are collinear.

    References
    ----------
    .. [1] F. L. Bookstein, "Principal Warps: Thin-Plate Splines and the Decomposition of Deformations", IEEE TPAMI 11,
       1989.
    """
    p, q, w = point_pairs(source, target, weights, least=3 if affine else 1)
    p, q, w = p[w > 0], q[w > 0], w[w > 0]
    _check_distinct(p)
    kernel = radial_values(p, p)
    if stiffness:
        kernel[np.diag_indices_from(kernel)] += stiffness / w
    if not affine:
        return ThinPlateSplineTransform(p, _solved(kernel, q - p))
    return _bordered_solution(p, q, kernel)


def _bordered_solution(p: FloatArray, q: FloatArray, kernel: FloatArray) -> ThinPlateSplineTransform:
    """Solve [[K, P], [Pᵀ, 0]]·[d; a] = [q − p; 0], scaled so that K and P are about 1."""
    count, center = len(p), p.mean(axis=0)
    offset = p - center
    extent, size = np.abs(offset).max() or 1.0, np.abs(kernel).max() or 1.0
    if on_a_line(*(offset.T @ offset)[[0, 0, 1], [0, 1, 1]]):
        raise FitError("landmarks do not determine a thin-plate spline with an affine part: they are collinear")
    system, right = np.zeros((count + 3, count + 3)), np.zeros((count + 3, 2))
    system[:count, :count] = kernel / size
    system[:count, count:-1] = offset / extent
    system[:count, -1] = 1.0
    system[count:, :count] = system[:count, count:].T
    right[:count] = q - p
    solved = _solved(system, right)
    linear = solved[count:-1].T / extent
    added = np.column_stack([linear, solved[-1] - linear @ center])
    return ThinPlateSplineTransform(p, solved[:count] / size, added)


def _solved(system: FloatArray, right: FloatArray) -> FloatArray:
    try:
        return np.linalg.solve(system, right).astype(np.float64, copy=False)
    except np.linalg.LinAlgError as error:
        raise FitError("landmarks do not determine a thin-plate spline: the system is singular") from error


def _check_distinct(points: FloatArray) -> None:
    order = np.lexsort(points.T)
    same = np.flatnonzero((points[order[1:]] == points[order[:-1]]).all(axis=1))
    if same.size:
        first, second = sorted(order[same[0] : same[0] + 2].tolist())
        raise FitError(f"duplicate landmarks: {first} and {second} coincide at {tuple(points[first].tolist())}")


def reduced_spline(spline: ThinPlateSplineTransform, tolerance_px: float) -> ThinPlateSplineTransform:
    """Return a spline through some of the landmarks of *spline*; see `ThinPlateSplineTransform.reduced`."""
    landmarks, target = spline.landmarks, spline.apply(spline.landmarks)
    # Start with the extremes along both axes and both diagonals.
    directions = np.array([(1, 0), (0, 1), (1, 1), (1, -1)]).T
    reach = landmarks @ directions
    chosen = np.unique([reach.argmin(axis=0), reach.argmax(axis=0)])
    offset = landmarks[chosen] - landmarks[chosen].mean(axis=0)
    if on_a_line(*(offset.T @ offset)[[0, 0, 1], [0, 1, 1]]):
        return spline
    while True:
        fit = fit_thin_plate_spline(landmarks[chosen], target[chosen])
        errors = np.linalg.norm(fit.apply(landmarks) - target, axis=1)
        errors[chosen] = 0.0
        worst = np.argsort(errors)[::-1][: max(3, len(chosen) // 4)]
        worst = worst[errors[worst] > tolerance_px]
        if not worst.size:
            return fit
        chosen = np.concatenate([chosen, worst])


def fit_lens(
    source: npt.ArrayLike,
    target: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    dimension: int = 5,
    width: int | None = None,
    height: int | None = None,
    ridge: float = 0.0,
) -> NonLinearCoordinateTransform:
    """
    Fit a lens correction that maps source points to target points.

    Terms are centered and divided by their sample standard deviation (n − 1), like in the service's calibration.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Raw and corrected pixels; N at least the number of terms, (dimension + 1)(dimension + 2)/2.
    weights : array_like, shape (N,), optional
        Weight of each pair, 0 or more; equal by default.
    dimension : int
        Order of the polynomial, 1 or more.
    width, height : int, optional
        Size of the images; the extent of the source points by default.
    ridge : float
        Regularization λ of β = (ΦᵀΦ + 2λI)⁻¹ Φᵀq.

    Raises
    ------
    FitError
        If there are too few points, or they do not vary enough.
    """
    if dimension < 1:
        raise FitError(f"dimension of a lens correction must be >= 1: got {dimension}")
    p, q, w = point_pairs(source, target, weights, least=term_count(dimension))
    terms = polynomial_terms(p, dimension)[1:].T
    mean, deviation = terms.mean(axis=0), terms.std(axis=0, ddof=1)
    if not (deviation > _RANK_TOLERANCE * np.abs(mean)).all():
        raise FitError("points do not determine a lens correction: all have the same x or y")
    features = np.column_stack([(terms - mean) / deviation, np.full(len(p), CONSTANT_FEATURE)])
    beta = _ridge_solution(features, q, w, ridge)
    right, lower = (int(np.ceil(extent)) for extent in p.max(axis=0))
    return NonLinearCoordinateTransform(
        beta,
        np.append(mean, CONSTANT_FEATURE),
        np.append(deviation, 0.0),
        right if width is None else width,
        lower if height is None else height,
    )


def _ridge_solution(features: FloatArray, q: FloatArray, w: FloatArray, ridge: float) -> FloatArray:
    root = np.sqrt(w)[:, np.newaxis]
    rows, right = root * features, root * q
    if ridge:
        count = features.shape[1]
        rows = np.vstack([rows, np.sqrt(2 * ridge) * np.eye(count)])
        right = np.vstack([right, np.zeros((count, 2))])
    beta, _, rank, _ = np.linalg.lstsq(rows, right, rcond=1e-13)
    if rank < features.shape[1]:
        raise FitError("points do not determine a lens correction of this dimension: they do not vary enough")
    return beta.astype(np.float64, copy=False)
