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

# Relative: other programs add in another order.
RELATIVE = 1e-9
# Pixels: fits to coordinates of some thousand.
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
    """Five points fitted without weights give the reference's parameters and distance."""
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
    """The same points with weights 1 to 5."""
    np.testing.assert_allclose(numbers_of(fit(SOURCE, TARGET, WEIGHTS)), expected, rtol=RELATIVE)


@pytest.mark.parametrize(
    ("fit", "expected", "squared"),
    [
        (fit_rigid, [-1.7370787905717804], 40000),
        (fit_similarity, [-0.0018979833926, -0.0113088177145], 20229.3396599446),
    ],
)
def test_fit__mirrored_target(fit: Callable[..., LeafTransform], expected: list[float], squared: float) -> None:
    """A mirrored target gets the best rotation there is, not a mirror."""
    transform = fit(SOURCE, MIRRORED)
    np.testing.assert_allclose(numbers_of(transform)[: len(expected)], expected, rtol=1e-8)
    assert ((transform.apply(SOURCE) - MIRRORED) ** 2).sum() == pytest.approx(squared, rel=RELATIVE)


def test_fit__collinear_points() -> None:
    """Points on a line determine a rigid transform and a similarity, as they do for the service."""
    np.testing.assert_allclose(numbers_of(fit_rigid(LINE, 2 * LINE)), [0, 1.5, 1.5], atol=1e-15)
    np.testing.assert_allclose(numbers_of(fit_similarity(LINE, 2 * LINE)), [2, 0, 0, 0], atol=1e-14)


def test_fit_homography__worked_example() -> None:
    """Four corners give the matrix of the reference."""
    fit = fit_homography(SOURCE[:4], [(10, 5), (110, 0), (120, 130), (-5, 95)])
    expected = [
        [0.714622641509434, -0.1410377358490566, 10.0],
        [-0.05, 0.7297169811320755, 5.0],
        [-0.0025943396226415093, -0.0017924528301886792, 1.0],
    ]
    np.testing.assert_allclose(fit.matrix, expected, rtol=1e-10)
    np.testing.assert_allclose(fit.apply([50, 50]), (49.546827794561935, 49.93957703927492), rtol=1e-12)


def test_fit_polynomial__worked_example() -> None:
    """Twelve points of a coarse grid give back the coefficients that made them."""
    made = PolynomialTransform2D([[5, 1.01, -0.02, 1e-4, -2e-5, 3e-5], [-7, 0.03, 0.98, 1e-5, 5e-5, -4e-5]])
    grid = np.stack(np.meshgrid([0, 50, 100, 150], [0, 60, 120]), axis=-1).reshape(-1, 2)
    fit = fit_polynomial(grid, made.apply(grid), order=2)
    np.testing.assert_allclose(fit.coefficients, made.coefficients, rtol=0, atol=1e-11)
    np.testing.assert_allclose(fit.apply([30, 70]), (34.095, 62.418), rtol=1e-12)


def test_fit_polynomial__noise() -> None:
    """Real data with a pixel of noise are fitted, and the fit is nearer to the truth than the noise."""
    rng = np.random.default_rng(1)
    source = 2000 * rng.random((400, 2))
    truth = PolynomialTransform2D([[5, 1.01, -0.02, 1e-5, -2e-6, 3e-6], [-7, 0.03, 0.98, 1e-6, 5e-6, -4e-6]])
    fit = fit_polynomial(source, truth.apply(source) + rng.normal(size=source.shape), order=2)
    distance = np.linalg.norm(fit.apply(source) - truth.apply(source), axis=1)
    assert 0 < np.sqrt((distance**2).mean()) < 0.3


@pytest.mark.parametrize("order", range(1, 6))
def test_fit_polynomial__far_from_the_origin(order: int) -> None:
    """Pixels of ten thousands do not spoil high powers."""
    source = scattered(200)
    local = (source - [1e4, 2e4]) / 3000
    target = source + 20 * np.stack([local[:, 0] ** order, local[:, 0] * local[:, 1] ** (order - 1)], axis=1)
    fit = fit_polynomial(source, target, order=order)
    # Pixels: powers of 2e4 in the coefficients cancel down to pixels, one digit and a half each.
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
    """Points made by a transform of the class are met, with any weights."""
    source = scattered() - [1e4, 2e4]
    weight = None if weights is None else np.random.default_rng(2).random(len(source))
    fitted = fit(source, truth.apply(source), weight)
    np.testing.assert_allclose(fitted.apply(source), truth.apply(source), rtol=0, atol=RECOVERED_PX)


@pytest.mark.parametrize(
    "fit", [fit_translation, fit_rigid, fit_similarity, fit_affine, fit_homography, fit_polynomial]
)
def test_fit__weight_zero_leaves_out(fit: Fit) -> None:
    """A pair of weight 0 does not count, however wrong."""
    source = scattered(20)
    target = source + 5
    target[7] += 1000
    weights = np.ones(20)
    weights[7] = 0
    np.testing.assert_allclose(fit(source, target, weights).apply(source), source + 5, rtol=0, atol=1e-6)


def test_fit_thin_plate_spline__meets_all() -> None:
    """The spline carries each landmark to its target, and three landmarks give an affine."""
    source = scattered(40)
    target = source + np.random.default_rng(3).normal(size=source.shape)
    np.testing.assert_allclose(fit_thin_plate_spline(source, target).apply(source), target, rtol=0, atol=RECOVERED_PX)
    three = fit_thin_plate_spline(SOURCE[:3], TARGET[:3])
    expected = fit_affine(SOURCE[:3], TARGET[:3])
    np.testing.assert_allclose(three.apply(SOURCE), expected.apply(SOURCE), rtol=0, atol=1e-10)


def test_fit_thin_plate_spline__without_affine_part() -> None:
    """The worked example without an affine part."""
    source = np.array([(0, 0), (100, 0), (0, 100), (100, 100), (50, 50)])
    target = source + np.array([(1, 2), (-3, 4), (5, -6), (7, 8), (0, 10)])
    spline = fit_thin_plate_spline(source, target, affine=False)
    np.testing.assert_allclose(spline.apply([25, 75]), (26.964727409062498, 80.39927501887921), rtol=1e-12)
    assert spline.data_string.split()[3] == "null"


def test_fit_thin_plate_spline__stiffness() -> None:
    """Very stiff, the spline is the affine fit."""
    source = scattered(40)
    target = source + np.random.default_rng(3).normal(size=source.shape)
    stiff = fit_thin_plate_spline(source, target, stiffness=1e15)
    np.testing.assert_allclose(stiff.apply(source), fit_affine(source, target).apply(source), rtol=0, atol=1e-4)


def test_thin_plate__reduced() -> None:
    """A spline with fewer landmarks is within the tolerance at all the old ones."""
    grid = np.stack(np.meshgrid(np.linspace(0, 2000, 15), np.linspace(0, 2000, 15)), axis=-1).reshape(-1, 2)
    spline = fit_thin_plate_spline(grid, grid + 30 * np.sin(grid / 700))
    reduced = spline.reduced(tolerance_px=0.5)
    assert len(reduced.landmarks) < len(grid) / 2
    assert np.linalg.norm(reduced.apply(grid) - spline.apply(grid), axis=1).max() <= 0.5


@pytest.mark.parametrize("dimension", [1, 3, 5])
def test_fit_lens__is_the_polynomial_fit(dimension: int) -> None:
    """A lens correction is the polynomial of its order in other terms."""
    source = scattered(100) - [1e4, 2e4]
    target = source + 40 * np.sin(source / 1500)
    lens = fit_lens(source, target, dimension=dimension, width=3000, height=3000)
    polynomial = fit_polynomial(source, target, order=dimension)
    np.testing.assert_allclose(lens.apply(source), polynomial.apply(source), rtol=0, atol=1e-5)
    assert (lens.dimension, lens.width, lens.height) == (dimension, 3000, 3000)


def test_fit_lens__ridge() -> None:
    """A large ridge pulls the terms towards nothing."""
    source = scattered(100)
    assert np.abs(fit_lens(source, source, dimension=2, ridge=1e12).beta).max() < 1


def test_fit_affines__many_sets() -> None:
    """Each set gets the affine that a fit of its own gives, weighted or not; those that cannot, NaN."""
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
    """Two points are too few, no sets give no rows, offsets without the end are understood."""
    fits = fit_affines(SOURCE, TARGET, [0, 2])
    assert np.isnan(fits[0]).all()
    np.testing.assert_allclose(fits[1], fit_affine(SOURCE[2:], TARGET[2:]).matrix, rtol=1e-9)
    assert fit_affines(np.empty((0, 2)), np.empty((0, 2)), []).shape == (0, 2, 3)


@pytest.mark.parametrize("offsets", [[1, 3], [0, 3, 3], [0, 9], [0, 2, 1], [], [[0]]])
def test_fit_affines__bad_offsets(offsets: Any) -> None:
    """Offsets that do not rise from zero through the points are refused."""
    with pytest.raises(FitError, match="offsets rise from 0"):
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
    """A third of the pairs may be wrong."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    source = scattered(90)
    target = RANSAC[fit].apply(source)
    target[::3] += 500 + 300 * np.random.default_rng(6).random((30, 2))
    transform, inliers = fit_ransac(fit, source, target, tolerance_px=2.0)
    assert inliers.tolist() == [position % 3 != 0 for position in range(90)]
    np.testing.assert_allclose(transform.apply(source), RANSAC[fit].apply(source), rtol=0, atol=1e-5)


def test_fit_ransac__searched_as_similarity() -> None:
    """Pairs that agree with a similarity but with no rigid transform are no inliers of one."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    source = scattered(90)
    target = SimilarityModel2D(1.01, 0, 5, 6).apply(source)
    transform, inliers = fit_ransac(fit_rigid, source, target, tolerance_px=10.0)
    assert 2 < inliers.sum() < 90
    assert transform == fit_rigid(source[inliers], target[inliers])


def test_fit_ransac__no_consensus() -> None:
    """Pairs that have nothing to do with each other have no consensus."""
    pytest.importorskip("cv2", reason="OpenCV searches the consensus")
    with pytest.raises(FitError, match=r"no 3 of 4 pairs agree within 0\.01 px"):
        fit_ransac(fit_affine, LINE, LINE[::-1] ** 2, tolerance_px=0.01)


def test_fit_ransac__other_fit() -> None:
    """There is no search with polynomials."""
    with pytest.raises(FitError, match=r"fit_ransac searches with fit_translation, .*fit_homography, not with"):
        fit_ransac(fit_polynomial, SOURCE, TARGET)


ALL_FITS = [
    *(fit_translation, fit_rigid, fit_similarity, fit_affine, fit_homography, fit_polynomial),
    *(fit_thin_plate_spline, fit_lens),
]


@pytest.mark.parametrize("fit", ALL_FITS)
@pytest.mark.parametrize(
    ("source", "target", "weights", "message"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), None, r"not enough points: need \d+, got 0"),
        (scattered(30), scattered(29), None, "source and target differ in length: 30 and 29"),
        (scattered(30).T, scattered(30), None, r"source points are \(N, 2\), these are \(2, 30\)"),
        (scattered(30), [[1, 2, 3]] * 30, None, r"target points are \(N, 2\), these are \(30, 3\)"),
        (scattered(30), scattered(30), [1, 2], r"weights are \(30,\), one for each point; these are \(2,\)"),
        (scattered(30), scattered(30), [-1] * 30, "weights are not negative, weight 0 is -1"),
        (scattered(30), [[0, 0]] * 29 + [[0, np.nan]], None, r"target at index \[29, 1\] is nan"),
        (scattered(30), [[0, 0], [1]], None, "target are numbers in rows of equal length"),
        (scattered(30), scattered(30), [0] * 30, "not enough points: need"),
    ],
)
def test_fit__bad_input(fit: Fit, source: Any, target: Any, weights: Any, message: str) -> None:
    """Wrong shapes, lengths, numbers and counts are named."""
    with pytest.raises(FitError, match=message):
        fit(source, target, weights)


CONIC = 100 * np.array([(np.cos(angle), np.sin(angle)) for angle in np.linspace(0, 6, 20)])


@pytest.mark.parametrize(
    ("fit", "source", "message"),
    [
        (fit_affine, LINE, "source points are collinear"),
        (fit_affine, LINE * [1, 0] + [1e5, 1e5], "source points are collinear"),
        (fit_rigid, np.ones((4, 2)), "points coincide"),
        (fit_rigid, np.full((4, 2), 1e5 + 0.1), "points coincide"),
        (fit_similarity, np.ones((4, 2)), "source points coincide"),
        (fit_homography, LINE, "three of four lie on a line"),
        (fit_polynomial, CONIC, "do not determine a polynomial of order 2"),
        (fit_thin_plate_spline, LINE, "landmarks are collinear"),
        (fit_thin_plate_spline, [(0, 0), (5, 7), (9, 0), (5, 7)], r"landmarks 1 and 3 coincide at \(5\.0, 7\.0\)"),
        (
            fit_lens,
            np.tile([[3.0, 4.0]], (30, 1)) * [[1, 0]] + np.c_[np.zeros(30), np.arange(30)],
            "do not vary enough",
        ),
        (fit_lens, np.tile(LINE, (8, 1)), "do not vary enough"),
    ],
)
def test_fit__degenerate(fit: Fit, source: npt.ArrayLike, message: str) -> None:
    """Points that do not determine the transform are named by what is wrong with them."""
    points = np.asarray(source, dtype=float)
    with pytest.raises(FitError, match=message):
        fit(points, points @ [[1, 0.5], [-0.5, 1]] + [1, 2])


def test_fit_rigid__no_angle() -> None:
    """A square and its mirror image: every angle is as good as another."""
    with pytest.raises(FitError, match="no angle fits better than another"):
        fit_rigid(SOURCE[:4], MIRRORED[:4])


def test_thin_plate__reduced_on_a_line() -> None:
    """Landmarks whose outermost ones lie on a line are left as they are."""
    spline = ThinPlateSplineTransform([(0, 0), (100, 30), (50, 15)], [(0, 0)] * 3, np.zeros((2, 3)))
    assert spline.reduced() is spline


def test_fit_thin_plate_spline__no_solution() -> None:
    """Without an affine part, two landmarks a pixel apart do not pull: the logarithm of one is zero."""
    with pytest.raises(FitError, match="landmarks determine no thin-plate spline"):
        fit_thin_plate_spline([(0, 0), (1, 0)], [(0, 1), (1, 1)], affine=False)


def test_fit__wrong_order() -> None:
    """Orders that mean nothing are refused."""
    with pytest.raises(FitError, match=r"0 or more, not -1"):
        fit_polynomial(SOURCE, TARGET, order=-1)
    with pytest.raises(FitError, match="1 or more, not 0"):
        fit_lens(SOURCE, TARGET, dimension=0)


def test_fit_affine__opencv() -> None:
    """Three pairs give OpenCV's affine."""
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
    """Noisy pairs give scikit-image's least-squares transform."""
    transform = pytest.importorskip("skimage.transform")
    source = scattered(30) - [1e4, 2e4]
    target = RigidModel2D(0.4, 10, 20).apply(source) + np.random.default_rng(9).normal(size=source.shape)
    theirs = getattr(transform, name).from_estimate(source, target)
    # Pixels: the affine of scikit-image minimises another (algebraic) error, on normalised coordinates.
    np.testing.assert_allclose(
        fit(source, target).apply(source), theirs(source), rtol=0, atol=1e-2 if "Aff" in name else 1e-8
    )


def test_fit_thin_plate_spline__scipy() -> None:
    """The spline is the interpolator that scipy calls thin_plate_spline."""
    interpolate = pytest.importorskip("scipy.interpolate")
    source, points = scattered(50) - [1e4, 2e4], scattered(200, seed=11) - [1e4, 2e4]
    target = source + np.random.default_rng(12).normal(size=source.shape)
    theirs = interpolate.RBFInterpolator(source, target, kernel="thin_plate_spline")
    np.testing.assert_allclose(fit_thin_plate_spline(source, target).apply(points), theirs(points), rtol=0, atol=1e-7)
