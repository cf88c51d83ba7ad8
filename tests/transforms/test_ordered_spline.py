"""The spline of the service's own clients, and how far maps are from rigid ones."""

from __future__ import annotations

import numpy as np
import pytest

from rendergateway.errors import FitError
from rendergateway.transforms import AffineModel2D, NonLinearCoordinateTransform, RigidModel2D, fit_thin_plate_spline
from rendergateway.transforms.classes.thin_plate import radial_values
from rendergateway.transforms.fitting.linear import fit_rigid, rigid_deviations
from rendergateway.transforms.fitting.ordered_spline import fit_ordered_spline

RANDOM = np.random.default_rng(7)


@pytest.mark.parametrize("count", [3, 4, 30, 200])
def test_ordered_spline__interpolates(count: int) -> None:
    """The spline maps source points to target points, like the accurate fit of the same points."""
    source = RANDOM.uniform(0, 100_000, (count, 2))
    target = source + RANDOM.normal(0, 100, (count, 2))

    spline = fit_ordered_spline(source, target)

    np.testing.assert_allclose(spline.apply(source), target, atol=1e-3)
    between = source.mean(axis=0)
    np.testing.assert_allclose(spline.apply(between), fit_thin_plate_spline(source, target).apply(between), atol=1e-3)


@pytest.mark.parametrize(
    "source", [[[0, 0], [1, 1]], [[0, 0], [1, 1], [2, 2], [3, 3]], [[0, 0], [0, 0], [1, 0], [0, 1]]]
)
def test_ordered_spline__undetermined(source: list[list[float]]) -> None:
    """Too few, collinear or coincident points are errors."""
    with pytest.raises(FitError):
        fit_ordered_spline(source, source)


def test_rigid_deviations__like_single_fits() -> None:
    """The deviation of each map is the largest distance from its own best rigid fit."""
    points = RANDOM.uniform(0, 1000, (50, 2))
    maps = [AffineModel2D(np.column_stack([RANDOM.normal(0, 1, (2, 2)), [5, 6]])) for _ in range(4)]
    maps = [one for one in maps if np.linalg.det(one.matrix[:, :2]) > 0] + [RigidModel2D(1.0, 3.0, 4.0).as_affine()]
    mapped = np.stack([one.apply(points) for one in maps])

    found = rigid_deviations(points, mapped)

    wanted = [np.linalg.norm(fit_rigid(points, one).apply(points) - one, axis=1).max() for one in mapped]
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    assert found[-1] < 1e-9


def test_lens__few_points_like_many() -> None:
    """Few points are summed in the order of the service, many as a polynomial: equal but for rounding."""
    lens = NonLinearCoordinateTransform(
        RANDOM.normal(0, 50, (6, 2)), [1000, 900, 1e6, 9e5, 8e5, 100], [600, 500, 1e6, 1e6, 1e6, 0], 2560, 2160
    )
    points = RANDOM.uniform(0, 2000, (1500, 2))

    many = lens.apply(points)

    np.testing.assert_allclose(lens.apply(points[:1000]), many[:1000], atol=1e-9)
    np.testing.assert_allclose(lens.apply(points[7]), many[7], atol=1e-9)


def test_lens__equals_java() -> None:
    """A point is mapped with the same operations in the same order as by the service."""
    beta, mean, deviation = [[3.5, 0.25], [0.125, 4.75], [70.0, -3.0]], [10.1, 20.3, 100], [3.7, 5.9, 0]
    lens = NonLinearCoordinateTransform(beta, mean, deviation, 100, 100)
    x, y = 12.345, 67.891
    terms = [(x - mean[0]) / deviation[0], (y - mean[1]) / deviation[1], 100.0]

    wanted = [0.0, 0.0]
    for term, row in zip(terms, beta, strict=True):
        wanted = [total + term * weight for total, weight in zip(wanted, row, strict=True)]

    assert lens.apply([x, y]).tolist() == wanted


def test_ordered_spline__sums_term_by_term() -> None:
    """The parameters equal those of plain loops, for more points than numpy adds in order by itself."""
    source = RANDOM.uniform(0, 10_000, (40, 2))
    target = source + RANDOM.normal(0, 100, (40, 2))

    spline = fit_ordered_spline(source, target)

    wanted = np.array(_solved_by_loops(source.tolist(), target.tolist()))
    assert spline.weights.tolist() == wanted[:40].tolist()
    assert spline.affine is not None
    assert spline.affine.tolist() == [*np.column_stack([wanted[40:42].T, wanted[42]]).tolist()]


def _solved_by_loops(source: list[list[float]], target: list[list[float]]) -> list[list[float]]:
    """Solve for weights, linear part and translation by Crout's decomposition, in Python."""
    kernel = radial_values(np.array(source), np.array(source), exact=True).tolist()
    rows = [[*kernel[row], *source[row], 1.0] for row in range(len(source))]
    rows += [[*column, 0.0, 0.0, 0.0] for column in zip(*source, strict=True)] + [[1.0] * len(source) + [0.0] * 3]
    right = [[v - u for u, v in zip(p, q, strict=True)] for p, q in zip(source, target, strict=True)] + [[0.0] * 2] * 3
    count = len(rows)
    for step in range(count):
        for row in range(count):
            total = 0.0
            for place in range(min(row, step)):
                total += rows[row][place] * rows[place][step]
            rows[row][step] -= total
        pivot = max(range(step, count), key=lambda row: abs(rows[row][step]))
        for matrix in (rows, right):
            matrix[step], matrix[pivot] = matrix[pivot], matrix[step]
        for row in range(step + 1, count):
            rows[row][step] /= rows[step][step]
    solved = [list(row) for row in right]
    for row in range(count):
        for place in range(row):
            solved[row] = [a - rows[row][place] * b for a, b in zip(solved[row], solved[place], strict=True)]
    for row in reversed(range(count)):
        for place in range(row + 1, count):
            solved[row] = [a - rows[row][place] * b for a, b in zip(solved[row], solved[place], strict=True)]
        solved[row] = [a / rows[row][row] for a in solved[row]]
    return solved
