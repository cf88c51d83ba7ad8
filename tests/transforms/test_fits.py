"""Fits: worked numbers, other implementations, recovery of known transforms, degenerate points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.transforms import (
    AffineModel2D,
    HomographyModel2D,
    LeafTransform,
    PolynomialTransform2D,
    RigidModel2D,
    SimilarityModel2D,
    ThinPlateSplineTransform,
    Transform,
    TranslationModel2D,
    fit_affine,
    fit_affines,
    fit_homography,
    fit_lens,
    fit_polynomial,
    fit_ransac,
    fit_rigid,
    fit_similarity,
    fit_thin_plate_spline,
    fit_translation,
)

# Relative: other programs sum in another order.
RELATIVE = 1e-9
# Pixels: fits to coordinates of a few thousand.
RECOVERED_PX = 1e-8

Fit = Callable[..., Transform]

SOURCE = np.array([(0, 0), (100, 0), (100, 100), (0, 100), (37, 61)], dtype=float)
TARGET = np.array([(10, -5), (95, 7), (108, 112), (3, 94), (33.5, 70.25)])
MIRRORED = SOURCE * [-1, 1]
WEIGHTS = [1, 2, 3, 4, 5]
LINE = np.array([(0, 0), (1, 1), (2, 2), (3, 3)], dtype=float)


def scattered(count: int = 60, seed: int = 5) -> FloatArray:
    return 3000 * np.random.default_rng(seed).random((count, 2)) + [1e4, 2e4]


def numbers_of(transform: LeafTransform) -> list[float]:
    return [float(word) for word in transform.data_string.split()]


def rms_px(transform: Transform) -> float:
    return float(np.sqrt(((transform.apply(SOURCE) - TARGET) ** 2).sum(axis=1).mean()))


@pytest.mark.parametrize(
    ("fit", "expected", "rms"),
    [
        (
            fit_affine,
            [
                *(0.9586192337763879, 0.1408725566849105, 0.02270680218921052, 1.0277232212666143),
                *(3.276153244722437, -4.674511336982019),
            ],
            6.75682610280751,
        ),
        (fit_rigid, [0.059241739840283, 5.673763097625, 0.735157111624], 8.814716657783153),
        (
            fit_similarity,
            [0.992180703835508, 0.058847370502175, 5.942467378410, 1.068801897983],
            8.80623992435918,
        ),
        (fit_translation, [2.5, 3.45], 9.581753492967767),
    ],
)
def test_fit__worked_example(fit: Callable[..., LeafTransform], expected: list[float], rms: float) -> None:
    """A fit of five points without weights has the reference's parameters and residual."""
    transform = fit(SOURCE, TARGET)
    np.testing.assert_allclose(numbers_of(transform), expected, rtol=RELATIVE)
    assert rms_px(transform) == pytest.approx(rms, rel=RELATIVE)


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        (
            fit_affine,
            [
                *(1.0076496708007965, 0.1439151737865564, 0.06244781299443681, 1.008413208799061),
                *(-3.300005103863639, -2.6524779257898246),
            ],
        ),
        (fit_rigid, [0.050698934931386636, 4.687384788300083, 2.2551630452677642]),
        (fit_similarity, [0.9876832740213523, 0.05011743772241992, 5.153665480427049, 3.019857651245559]),
        (fit_translation, [1.2333333333333343, 4.483333333333334]),
    ],
)
def test_fit__weighted_worked_example(fit: Callable[..., LeafTransform], expected: list[float]) -> None:
    """A fit of the same points with weights 1 to 5 has the reference's parameters."""
    np.testing.assert_allclose(numbers_of(fit(SOURCE, TARGET, WEIGHTS)), expected, rtol=RELATIVE)


@pytest.mark.parametrize(
    ("fit", "expected", "squared"),
    [
        (fit_rigid, [-1.7370787905717804], 40000),
        (fit_similarity, [-0.0018979833926, -0.0113088177145], 20229.3396599446),
    ],
)
def test_fit__mirrored_target(fit: Callable[..., LeafTransform], expected: list[float], squared: float) -> None:
    """The fit to a mirrored target is the best rotation, not a reflection."""
    transform = fit(SOURCE, MIRRORED)
    np.testing.assert_allclose(numbers_of(transform)[: len(expected)], expected, rtol=1e-8)
    assert ((transform.apply(SOURCE) - MIRRORED) ** 2).sum() == pytest.approx(squared, rel=RELATIVE)


def test_fit__collinear_points() -> None:
    """Collinear points determine a rigid transform and a similarity, like in the service."""
    np.testing.assert_allclose(numbers_of(fit_rigid(LINE, 2 * LINE)), [0, 1.5, 1.5], atol=1e-15)
    np.testing.assert_allclose(numbers_of(fit_similarity(LINE, 2 * LINE)), [2, 0, 0, 0], atol=1e-14)


def test_fit_homography__worked_example() -> None:
    """The fit of four corners is the reference's matrix."""
    fit = fit_homography(SOURCE[:4], [(10, 5), (110, 0), (120, 130), (-5, 95)])
    expected = [
        [0.714622641509434, -0.1410377358490566, 10.0],
        [-0.05, 0.7297169811320755, 5.0],
        [-0.0025943396226415093, -0.0017924528301886792, 1.0],
    ]
    np.testing.assert_allclose(fit.matrix, expected, rtol=1e-10)
    np.testing.assert_allclose(fit.apply([50, 50]), (49.546827794561935, 49.93957703927492), rtol=1e-12)


def test_fit_polynomial__worked_example() -> None:
    """Twelve points of a coarse grid recover the coefficients they were made with."""
    made = PolynomialTransform2D([[5, 1.01, -0.02, 1e-4, -2e-5, 3e-5], [-7, 0.03, 0.98, 1e-5, 5e-5, -4e-5]])
    grid = np.stack(np.meshgrid([0, 50, 100, 150], [0, 60, 120]), axis=-1).reshape(-1, 2)
    fit = fit_polynomial(grid, made.apply(grid), order=2)
    np.testing.assert_allclose(fit.coefficients, made.coefficients, rtol=0, atol=1e-11)
    np.testing.assert_allclose(fit.apply([30, 70]), (34.095, 62.418), rtol=1e-12)


def test_fit_polynomial__noise() -> None:
    """The fit of points with one pixel of noise is closer to the truth than the noise."""
    rng = np.random.default_rng(1)
    source = 2000 * rng.random((400, 2))
    truth = PolynomialTransform2D([[5, 1.01, -0.02, 1e-5, -2e-6, 3e-6], [-7, 0.03, 0.98, 1e-6, 5e-6, -4e-6]])
    fit = fit_polynomial(source, truth.apply(source) + rng.normal(size=source.shape), order=2)
    distance = np.linalg.norm(fit.apply(source) - truth.apply(source), axis=1)
    assert 0 < np.sqrt((distance**2).mean()) < 0.3


@pytest.mark.parametrize("order", range(1, 6))
def test_fit_polynomial__far_from_the_origin(order: int) -> None:
    """Fits of high order stay accurate at coordinates of ten thousand pixels."""
    source = scattered(200)
    local = (source - [1e4, 2e4]) / 3000
    target = source + 20 * np.stack([local[:, 0] ** order, local[:, 0] * local[:, 1] ** (order - 1)], axis=1)
    fit = fit_polynomial(source, target, order=order)
    # Pixels: powers of 2e4 cancel to a few pixels, which costs 1.5 digits per power.
    np.testing.assert_allclose(fit.apply(source), target, rtol=0, atol=10 ** (2.2 * order - 11))


@pytest.mark.parametrize(
    ("fit", "truth"),
    [
        (fit_translation, TranslationModel2D(12.5, -7)),
        (fit_rigid, RigidModel2D(0.3, 12.5, -7)),
        (fit_similarity, SimilarityModel2D(1.2, 0.3, 12.5, -7)),
        (fit_affine, AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]])),
        (fit_homography, HomographyModel2D([[1, 0.1, 5], [0.02, 0.95, -3], [1e-5, 2e-5, 1]])),
        (fit_polynomial, PolynomialTransform2D([[3, 1, 0.1, 1e-5, 0, 0], [-4, 0.2, 1, 0, 1e-5, 0]])),
        (fit_lens, PolynomialTransform2D([[3, 1, 0.1, 1e-5, 0, 0], [-4, 0.2, 1, 0, 1e-5, 0]])),
    ],
)
@pytest.mark.parametrize("weights", [None, "random"])
def test_fit__recovers(fit: Fit, truth: Transform, weights: str | None) -> None:
    """Points made by a transform of the class are fitted exactly, with any weights."""
    source = scattered() - [1e4, 2e4]
    weight = None if weights is None else np.random.default_rng(2).random(len(source))
    fitted = fit(source, truth.apply(source), weight)
    np.testing.assert_allclose(fitted.apply(source), truth.apply(source), rtol=0, atol=RECOVERED_PX)


@pytest.mark.parametrize(
    "fit", [fit_translation, fit_rigid, fit_similarity, fit_affine, fit_homography, fit_polynomial]
)
def test_fit__weight_zero_leaves_out(fit: Fit) -> None:
    """A pair of weight 0 does not influence the fit."""
    source = scattered(20)
    target = source + 5
    target[7] += 1000
    weights = np.ones(20)
    weights[7] = 0
    np.testing.assert_allclose(fit(source, target, weights).apply(source), source + 5, rtol=0, atol=1e-6)


def test_fit_thin_plate_spline__meets_all() -> None:
    """The spline maps each landmark to its target; the spline of three landmarks is affine."""
    source = scattered(40)
    target = source + np.random.default_rng(3).normal(size=source.shape)
    np.testing.assert_allclose(fit_thin_plate_spline(source, target).apply(source), target, rtol=0, atol=RECOVERED_PX)
    three = fit_thin_plate_spline(SOURCE[:3], TARGET[:3])
    expected = fit_affine(SOURCE[:3], TARGET[:3])
    np.testing.assert_allclose(three.apply(SOURCE), expected.apply(SOURCE), rtol=0, atol=1e-10)


def test_fit_thin_plate_spline__without_affine_part() -> None:
    """The spline without an affine part has the reference's values and writes ``null`` for that part."""
    source = np.array([(0, 0), (100, 0), (0, 100), (100, 100), (50, 50)])
    target = source + np.array([(1, 2), (-3, 4), (5, -6), (7, 8), (0, 10)])
    spline = fit_thin_plate_spline(source, target, affine=False)
    np.testing.assert_allclose(spline.apply([25, 75]), (26.964727409062498, 80.39927501887921), rtol=1e-12)
    assert spline.data_string.split()[3] == "null"


def test_fit_thin_plate_spline__stiffness() -> None:
    """A very stiff spline equals the affine fit."""
    source = scattered(40)
    target = source + np.random.default_rng(3).normal(size=source.shape)
    stiff = fit_thin_plate_spline(source, target, stiffness=1e15)
    np.testing.assert_allclose(stiff.apply(source), fit_affine(source, target).apply(source), rtol=0, atol=1e-4)


def test_thin_plate__reduced() -> None:
    """The reduced spline has fewer landmarks and is within the tolerance at all original ones."""
    grid = np.stack(np.meshgrid(np.linspace(0, 2000, 15), np.linspace(0, 2000, 15)), axis=-1).reshape(-1, 2)
    spline = fit_thin_plate_spline(grid, grid + 30 * np.sin(grid / 700))
    reduced = spline.reduced(tolerance_px=0.5)
    assert len(reduced.landmarks) < len(grid) / 2
    assert np.linalg.norm(reduced.apply(grid) - spline.apply(grid), axis=1).max() <= 0.5


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_fit_lens__is_the_polynomial_fit(dimension: int) -> None:
    """A lens correction equals the polynomial fit of its order."""
    source = scattered(100) - [1e4, 2e4]
    target = source + 40 * np.sin(source / 1500)
    lens = fit_lens(source, target, dimension=dimension, width=3000, height=3000)
    polynomial = fit_polynomial(source, target, order=dimension)
    np.testing.assert_allclose(lens.apply(source), polynomial.apply(source), rtol=0, atol=1e-5)
    assert (lens.dimension, lens.width, lens.height) == (dimension, 3000, 3000)


def test_fit_lens__ridge() -> None:
    """A large ridge damps the weights towards zero."""
    source = scattered(100)
    assert np.abs(fit_lens(source, source, dimension=2, ridge=1e12).beta).max() < 1


def test_fit_affines__many_sets() -> None:
    """The affine of each set equals its single fit, weighted or not; NaN for a degenerate set."""
    rng = np.random.default_rng(4)
    counts = rng.integers(3, 30, size=50)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    source, weights = 5000 * rng.random((offsets[-1], 2)), rng.random(offsets[-1])
    target = source @ [[1, 0.1], [-0.1, 1]] + rng.normal(size=source.shape)
    source[offsets[20] : offsets[21]] = np.arange(counts[20])[:, np.newaxis] * [1, 2]

    for given in (None, weights):
        fits = fit_affines(source, target, offsets, given)
        assert np.isnan(fits[20]).all()
        for number in set(range(50)) - {20}:
            part = slice(offsets[number], offsets[number + 1])
            single = fit_affine(source[part], target[part], None if given is None else given[part])
            np.testing.assert_allclose(fits[number], single.matrix, rtol=0, atol=1e-6)


def test_fit_affines__small_sets() -> None:
    """Two points yield NaN, no sets yield no rows, and the final offset is optional."""
    fits = fit_affines(SOURCE, TARGET, [0, 2])
    assert np.isnan(fits[0]).all()
    np.testing.assert_allclose(fits[1], fit_affine(SOURCE[2:], TARGET[2:]).matrix, rtol=1e-9)
    assert fit_affines(np.empty((0, 2)), np.empty((0, 2)), []).shape == (0, 2, 3)


@pytest.mark.parametrize("offsets", [[1, 3], [0, 3, 3], [0, 9], [0, 2, 1], [], [[0]]])
def test_fit_affines__bad_offsets(offsets: Any) -> None:
    """Offsets that do not increase from zero are rejected."""
    with pytest.raises(FitError, match="offsets must increase from 0"):
        fit_affines(SOURCE, TARGET, offsets)


RANSAC: dict[Fit, Transform] = {
    fit_translation: TranslationModel2D(12.5, -7),
    fit_rigid: RigidModel2D(0.3, 12.5, -7),
    fit_similarity: SimilarityModel2D(1.2, 0.3, 12.5, -7),
    fit_affine: AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]]),
    fit_homography: HomographyModel2D([[1, 0.1, 5], [0.02, 0.95, -3], [1e-6, 2e-6, 1]]),
}


@pytest.mark.parametrize("fit", RANSAC)
def test_fit_ransac__outliers(fit: Fit) -> None:
    """A third of the pairs may be outliers."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    source = scattered(90)
    target = RANSAC[fit].apply(source)
    target[::3] += 500 + 300 * np.random.default_rng(6).random((30, 2))
    transform, inliers = fit_ransac(fit, source, target, tolerance_px=2.0)
    assert inliers.tolist() == [position % 3 != 0 for position in range(90)]
    np.testing.assert_allclose(transform.apply(source), RANSAC[fit].apply(source), rtol=0, atol=1e-5)


def test_fit_ransac__searched_as_similarity() -> None:
    """Pairs consistent with a similarity but not with a rigid transform are not inliers of the rigid fit."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    source = scattered(90)
    target = SimilarityModel2D(1.01, 0, 5, 6).apply(source)
    transform, inliers = fit_ransac(fit_rigid, source, target, tolerance_px=10.0)
    assert 2 < inliers.sum() < 90
    assert transform == fit_rigid(source[inliers], target[inliers])


def test_fit_ransac__no_consensus() -> None:
    """Unrelated pairs have no consensus."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    with pytest.raises(FitError, match=r"no consensus: fewer than 3 of 4 pairs agree within 0\.01 px"):
        fit_ransac(fit_affine, LINE, LINE[::-1] ** 2, tolerance_px=0.01)


def test_fit_ransac__other_fit() -> None:
    """Fits without a search function are rejected, and the supported ones listed."""
    with pytest.raises(FitError, match=r"fit must be one of fit_translation, .*fit_homography: got <function fit_poly"):
        fit_ransac(fit_polynomial, SOURCE, TARGET)


ALL_FITS = [
    *(fit_translation, fit_rigid, fit_similarity, fit_affine, fit_homography, fit_polynomial),
    *(fit_thin_plate_spline, fit_lens),
]


@pytest.mark.parametrize("fit", ALL_FITS)
@pytest.mark.parametrize(
    ("source", "target", "weights", "message"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), None, r"too few points with a weight: got 0; at least \d+ are needed"),
        (scattered(30), scattered(29), None, "source and target must have equal length: got 30 and 29"),
        (scattered(30).T, scattered(30), None, r"source points must have shape \(N, 2\): got \(2, 30\)"),
        (scattered(30), [[1, 2, 3]] * 30, None, r"target points must have shape \(N, 2\): got \(30, 3\)"),
        (scattered(30), scattered(30), [1, 2], r"weights must have shape \(30,\), one per point: got \(2,\)"),
        (scattered(30), scattered(30), [1] * 29 + [-1], r"weights must not be negative: got -1\.0 at index 29"),
        (scattered(30), [[0, 0]] * 29 + [[0, np.nan]], None, r"target must be finite: got nan at index \[29, 1\]"),
        (scattered(30), [[0, 0], [1]], None, "target must be numbers in rows of equal length"),
        (scattered(30), scattered(30), [0] * 30, "too few points with a weight: got 0"),
    ],
)
def test_fit__bad_input(fit: Fit, source: Any, target: Any, weights: Any, message: str) -> None:
    """Errors name wrong shapes, lengths, numbers and counts."""
    with pytest.raises(FitError, match=message):
        fit(source, target, weights)


CONIC = 100 * np.array([(np.cos(angle), np.sin(angle)) for angle in np.linspace(0, 6, 20)])


@pytest.mark.parametrize(
    ("fit", "source", "message"),
    [
        (fit_affine, LINE, "source points do not determine an affine transform: they are collinear"),
        (fit_affine, LINE * [1, 0] + [1e5, 1e5], "they are collinear"),
        (fit_rigid, np.ones((4, 2)), "points do not determine an angle: all coincide"),
        (fit_rigid, np.full((4, 2), 1e5 + 0.1), "all coincide"),
        (fit_similarity, np.ones((4, 2)), "source points do not determine scale and angle: all coincide"),
        (fit_homography, LINE, "three of four are collinear"),
        (fit_polynomial, CONIC, "do not determine a polynomial of order 2"),
        (fit_thin_plate_spline, LINE, "landmarks do not determine a thin-plate spline .*: they are collinear"),
        (fit_thin_plate_spline, [(0, 0), (5, 7), (9, 0), (5, 7)], r"landmarks: 1 and 3 coincide at \(5\.0, 7\.0\)"),
        (
            fit_lens,
            np.tile([[3.0, 4.0]], (30, 1)) * [[1, 0]] + np.c_[np.zeros(30), np.arange(30)],
            "all have the same x or y",
        ),
        (fit_lens, np.tile(LINE, (8, 1)), "they do not vary enough"),
    ],
)
def test_fit__degenerate(fit: Fit, source: npt.ArrayLike, message: str) -> None:
    """Errors state why points do not determine the transform."""
    points = np.asarray(source, dtype=float)
    with pytest.raises(FitError, match=message):
        fit(points, points @ [[1, 0.5], [-0.5, 1]] + [1, 2])


def test_fit_rigid__no_angle() -> None:
    """A square and its mirror image determine no angle, nor do coincident targets; the errors differ."""
    with pytest.raises(FitError, match="do not determine an angle: target is a mirror image of source"):
        fit_rigid(SOURCE[:4], MIRRORED[:4])
    with pytest.raises(FitError, match="do not determine an angle: all coincide"):
        fit_rigid(SOURCE, np.ones_like(SOURCE))


def test_thin_plate__reduced_on_a_line() -> None:
    """A spline with collinear extreme landmarks is returned unchanged."""
    spline = ThinPlateSplineTransform([(0, 0), (100, 30), (50, 15)], [(0, 0)] * 3, np.zeros((2, 3)))
    assert spline.reduced() is spline


def test_fit_thin_plate_spline__no_solution() -> None:
    """Two landmarks one pixel apart determine no spline without affine part, because ln 1 is zero."""
    with pytest.raises(FitError, match="landmarks do not determine a thin-plate spline: the system is singular"):
        fit_thin_plate_spline([(0, 0), (1, 0)], [(0, 1), (1, 1)], affine=False)


def test_fit__wrong_order() -> None:
    """Negative orders and lens corrections of order zero are rejected."""
    with pytest.raises(FitError, match=r"order of a polynomial must be >= 0: got -1"):
        fit_polynomial(SOURCE, TARGET, order=-1)
    with pytest.raises(FitError, match="dimension of a lens correction must be >= 1: got 0"):
        fit_lens(SOURCE, TARGET, dimension=0)


def test_fit_affine__opencv() -> None:
    """The fit of three pairs equals OpenCV's affine."""
    cv2 = pytest.importorskip("cv2")
    source, target = scattered(3), scattered(3, seed=8)
    expected = cv2.getAffineTransform(source.astype(np.float32), target.astype(np.float32))
    ours = fit_affine(source.astype(np.float32), target.astype(np.float32))
    np.testing.assert_allclose(ours.matrix, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("fit", "name"),
    [(fit_rigid, "EuclideanTransform"), (fit_similarity, "SimilarityTransform"), (fit_affine, "AffineTransform")],
)
def test_fit__scikit_image(fit: Fit, name: str) -> None:
    """Fits of noisy pairs equal scikit-image's least-squares transforms."""
    transform = pytest.importorskip("skimage.transform")
    source = scattered(30) - [1e4, 2e4]
    target = RigidModel2D(0.4, 10, 20).apply(source) + np.random.default_rng(9).normal(size=source.shape)
    theirs = getattr(transform, name).from_estimate(source, target)
    # Pixels: scikit-image's affine minimizes another, algebraic error on normalized coordinates.
    np.testing.assert_allclose(
        fit(source, target).apply(source), theirs(source), rtol=0, atol=1e-2 if "Aff" in name else 1e-8
    )


def test_fit_thin_plate_spline__scipy() -> None:
    """The spline equals scipy's interpolator ``thin_plate_spline``."""
    interpolate = pytest.importorskip("scipy.interpolate")
    source, points = scattered(50) - [1e4, 2e4], scattered(200, seed=11) - [1e4, 2e4]
    target = source + np.random.default_rng(12).normal(size=source.shape)
    theirs = interpolate.RBFInterpolator(source, target, kernel="thin_plate_spline")
    np.testing.assert_allclose(fit_thin_plate_spline(source, target).apply(points), theirs(points), rtol=0, atol=1e-7)
