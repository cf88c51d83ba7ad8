"""The thin-plate spline of the service's own clients, equal to the last digit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray
from rendergateway.transforms.classes.thin_plate import ThinPlateSplineTransform, radial_values
from rendergateway.transforms.fitting.curved import fit_thin_plate_spline
from rendergateway.transforms.fitting.linear import point_pairs

__all__ = ["fit_ordered_spline"]

# With fewer the clients use another method; with more it takes too long.
_FEWEST, _MOST = 4, 1000


def fit_ordered_spline(source: npt.ArrayLike, target: npt.ArrayLike) -> ThinPlateSplineTransform:
    """
    Fit the thin-plate spline through source and target points with the arithmetic of the service's own clients.

    Their system of equations is neither centred nor scaled, and is solved by LU decomposition with every sum in the
    order of its terms. For fewer than 4 or more than 1000 points, the result is that of `fit_thin_plate_spline`.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels; N >= 3, source points distinct and not collinear. Their order affects rounding.

    Raises
    ------
    FitError
        If there are too few points, two source points coincide, or all are collinear.
    """
    accurate = fit_thin_plate_spline(source, target)
    p, q, _ = point_pairs(source, target, None, least=3)
    count = len(p)
    if not _FEWEST <= count <= _MOST:
        return accurate
    system, right = np.zeros((count + 3, count + 3)), np.zeros((count + 3, 2))
    system[:count, :count] = radial_values(p, p, exact=True)
    system[:count, count:-1], system[:count, -1] = p, 1.0
    system[count:, :count] = system[:count, count:].T
    right[:count] = q - p
    with np.errstate(divide="ignore", invalid="ignore"):
        solved = _solved(system, right)
    if not np.isfinite(solved).all():
        return accurate
    return ThinPlateSplineTransform(p, solved[:count], np.column_stack([solved[count:-1].T, solved[-1]]))


def _solved(system: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution (N, M), by Crout's decomposition with partial pivoting; both arguments are overwritten."""
    count = len(system)
    for step in range(count):
        system[step:, step] -= _sums(system[step:, :step].T, system[:step, step, np.newaxis])
        pivot = step + int(np.abs(system[step:, step]).argmax())
        for matrix in (system, right):
            matrix[[step, pivot]] = matrix[[pivot, step]]
        system[step, step + 1 :] -= _sums(system[step, :step, np.newaxis], system[:step, step + 1 :])
        system[step + 1 :, step] /= system[step, step]
    for row in range(count):
        right[row] = _rest(right[row], system[row, :row], right[:row])
    for row in reversed(range(count)):
        right[row] = _rest(right[row], system[row, row + 1 :], right[row + 1 :]) / system[row, row]
    return right


def _sums(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the sums over the first axis of products, term by term."""
    products = np.multiply(left, right, order="C")
    # numpy adds the rows of an array in order, but pairs the numbers of a single column.
    if products.shape[1] == 1:
        products = np.repeat(products, 2, axis=1)
        return np.asarray(np.add.reduce(products, axis=0)[:1])
    sums: FloatArray = np.add.reduce(products, axis=0)
    return sums


def _rest(value: FloatArray, factors: FloatArray, solved: FloatArray) -> FloatArray:
    """Return *value* minus the products, one after another."""
    rest: FloatArray = np.subtract.reduce(np.vstack([value, factors[:, np.newaxis] * solved]), axis=0)
    return rest
