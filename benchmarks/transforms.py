"""
Speed of coordinate transforms, as ratios against renderapi (render-python).

Both sides run in this process, in turn, without the garbage collector; a ratio is that of the best times.

    python benchmarks/transforms.py
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import attrs
import numpy as np
import renderapi.transform as theirs
from renderapi.tilespec import TileSpec

from rendergateway import transforms as ours
from rendergateway.geometry import FloatArray

ROUNDS = 7
# A round repeats a call until it has taken this long.
ROUND_S = 0.02

AFFINE = np.array([[0.9, -0.2, 10.0], [0.1, 1.1, -5.0]])


@attrs.frozen
class Comparison:
    """One line of the table: the same work by both, and how many times faster ours should be."""

    name: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    goal: float
    # How often the work of `theirs` has to be done to amount to that of `ours`.
    times: int = 1

    def row(self) -> str:
        """Measure, and return the line."""
        best_ours, best_theirs = best_times(self.ours, self.theirs)
        ratio = best_theirs * self.times / best_ours
        verdict = "" if ratio >= self.goal else "  below"
        times = f"{1e3 * best_ours:9.3f} {1e3 * best_theirs * self.times:11.3f}"
        return f"{self.name:46} {times} {ratio:8.1f} {self.goal:6g}{verdict}"


def best_times(*calls: Callable[[], object]) -> list[float]:
    """Return the shortest time of each call in seconds, measured in turn."""
    repeats = [max(1, int(ROUND_S / seconds(call, 1))) for call in calls]
    rounds = [[seconds(call, count) for call, count in zip(calls, repeats, strict=True)] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def seconds(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def evaluations(rng: np.random.Generator) -> list[Comparison]:
    few, some, many, most = (2000 * rng.random((count, 2)) for count in (10, 10_000, 100_000, 1_000_000))
    our_affine, their_affine = ours.AffineModel2D(AFFINE), theirs.AffineModel(0.9, -0.2, 0.1, 1.1, 10, -5)

    coefficients = rng.normal(size=(2, 21)) * 1e-3
    our_curve = ours.PolynomialTransform2D(coefficients)
    their_curve = theirs.Polynomial2DTransform(params=coefficients)

    our_lens = lens(rng)
    their_lens = theirs.NonLinearCoordinateTransform(dataString=our_lens.data_string.strip())

    landmarks = 2000 * rng.random((100, 2))
    our_spline = ours.fit_thin_plate_spline(landmarks, landmarks + 5 * rng.normal(size=(100, 2)))
    their_spline = theirs.ThinPlateSplineTransform()
    their_spline.estimate(landmarks, our_spline.apply(landmarks))
    return [
        Comparison("affine, 10 points", lambda: our_affine.apply(few), lambda: their_affine.tform(few), 2),
        Comparison("affine, 1,000,000 points", lambda: our_affine.apply(most), lambda: their_affine.tform(most), 3),
        Comparison(
            "polynomial order 5, 100,000 points", lambda: our_curve.apply(many), lambda: their_curve.tform(many), 9
        ),
        Comparison(
            "polynomial order 5, 1,000,000 points", lambda: our_curve.apply(most), lambda: their_curve.tform(most), 9
        ),
        Comparison(
            "lens dimension 5, 100,000 points", lambda: our_lens.apply(many), lambda: their_lens.tform(many), 20
        ),
        Comparison(
            "lens dimension 5, 1,000,000 points", lambda: our_lens.apply(most), lambda: their_lens.tform(most), 20
        ),
        Comparison(
            "thin plate, 100 landmarks, 10,000 points",
            lambda: our_spline.apply(some),
            lambda: their_spline.tform(some),
            2,
        ),
    ]


def lens(rng: np.random.Generator) -> ours.NonLinearCoordinateTransform:
    points = 2000 * rng.random((500, 2))
    return ours.fit_lens(points, points + 1e-6 * points**2, dimension=5, width=2000, height=2000)


def fits(rng: np.random.Generator) -> list[Comparison]:
    p = 2000 * rng.random((1000, 2))
    q = ours.PolynomialTransform2D(rng.normal(size=(2, 10)) * 1e-3).apply(p)
    q_affine = ours.AffineModel2D(AFFINE).apply(p)
    landmarks, moved = p[:100], p[:100] + rng.normal(size=(100, 2))
    return [
        Comparison(
            "fit affine, 1,000 pairs",
            lambda: ours.fit_affine(p, q_affine),
            lambda: theirs.AffineModel().estimate(p, q_affine),
            20,
        ),
        Comparison(
            "fit polynomial order 3, 1,000 pairs",
            lambda: ours.fit_polynomial(p, q, order=3),
            lambda: theirs.Polynomial2DTransform().estimate(p, q, order=3, test_coords=False),
            20,
        ),
        Comparison(
            "fit thin plate, 100 pairs",
            lambda: ours.fit_thin_plate_spline(landmarks, moved),
            lambda: theirs.ThinPlateSplineTransform().estimate(landmarks, moved),
            20,
        ),
    ]


def columns(rng: np.random.Generator) -> list[Comparison]:
    pairs, each = 5_000, 20
    p = 2000 * rng.random((pairs * each, 2))
    q = ours.AffineModel2D(AFFINE).apply(p) + rng.normal(size=p.shape)
    offsets = np.arange(0, pairs * each, each)

    tiles, sample = 100_000, 50
    matrices = AFFINE + 1e-3 * rng.normal(size=(tiles, 2, 3))
    matrices[:, :, 2] += 1e5 * rng.random((tiles, 2))
    shared = lens(rng)
    plain = [their_tile([their_affine(matrix)]) for matrix in matrices[:sample]]
    their_lens = theirs.NonLinearCoordinateTransform(dataString=shared.data_string.strip())
    curved = [their_tile([their_lens, their_affine(matrix)]) for matrix in matrices[:sample]]
    return [
        Comparison(
            "one affine for each of 5,000 match pairs",
            lambda: ours.fit_affines(p, q, offsets),
            lambda: [theirs.AffineModel().estimate(p[a : a + each], q[a : a + each]) for a in offsets[:sample]],
            50,
            times=pairs // sample,
        ),
        Comparison(
            "boxes and corners of 100,000 affine tiles",
            lambda: (ours.affine_boxes(matrices, 2048, 2048), ours.affine_corners(matrices, 2048, 2048)),
            lambda: [their_box(tile, halvings=0) for tile in plain],
            200,
            times=tiles // sample,
        ),
        Comparison(
            "boxes of 100,000 tiles, one lens, own affines",
            lambda: ours.lens_boxes(shared, matrices, 2048, 2048),
            lambda: [their_box(tile, halvings=5) for tile in curved],
            200,
            times=tiles // sample,
        ),
    ]


def their_affine(matrix: FloatArray) -> theirs.AffineModel:
    (m00, m01, tx), (m10, m11, ty) = matrix.tolist()
    return theirs.AffineModel(m00, m01, m10, m11, tx, ty)


def their_tile(transforms: list[object]) -> TileSpec:
    return TileSpec(tileId="tile", z=1.0, width=2048, height=2048, tforms=transforms)


def their_box(tile: TileSpec, halvings: int) -> FloatArray:
    """Return corners of the polygon, and its box; five halvings match the service's ~32 points per edge."""
    polygon = tile.bbox_transformed(ndiv_inner=halvings)
    return np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])


def main() -> None:
    rng = np.random.default_rng(7)
    print(f"{'':46} {'ours ms':>9} {'theirs ms':>11} {'ratio':>8} {'goal':>6}")
    gc.disable()
    for comparisons in (evaluations, fits, columns):
        for comparison in comparisons(rng):
            print(comparison.row(), flush=True)


if __name__ == "__main__":
    main()
