"""The least-squares solve: known truth, the dense equations, options, and what cannot be solved."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest

from rendergateway.alignment.solve import Solution, solve
from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_models import as_polynomials
from rendergateway.alignment.solve_options import MODELS, SolveOptions
from rendergateway.errors import SolveError
from rendergateway.geometry import FloatArray
from tests.alignment.volumes import SIZE, Volume, corner_error, corners, made_volume, with_outliers

# Regularization that leaves exact matches alone.
EXACT: dict[str, Any] = {"default_lambda": 1e-6, "passes": 2}


def solved(volume: Volume, *, fixed: Any = None, **options: Any) -> Solution:
    return solve(volume.templates, volume.z, volume.matches, SolveOptions(**options), fixed=fixed)


# Known truth


@pytest.mark.parametrize("sections", [1, 3])
@pytest.mark.parametrize("solver", ["direct", "iterative"])
def test_solve__exact_matches(sections: int, solver: str) -> None:
    """Exact matches lead to the true affines, up to one transform of all: 1e-6 px."""
    volume = made_volume(sections, 8, 8)

    found = solved(volume, solver=solver, **EXACT)

    assert found.before.mean_px > 5
    assert found.after.max_px < 1e-6
    assert corner_error(volume, found.coefficients) <= 1e-6


def test_solve__weights_decide_what_is_better() -> None:
    """Residuals are compared by their weights: many points of little weight may fit worse than before."""
    points = np.random.default_rng(1).uniform(0, 500, (30, 2))
    q, weights = points.copy(), np.full(30, 1e-9)
    q[:10] += 10.0
    weights[:10] = 1.0
    matches = TileMatches(np.array([[0, 1]]), np.array([0, 30]), points, q, weights)
    templates = as_polynomials(np.tile(np.eye(2, 3), (2, 1, 1)))

    found = solve(templates, np.zeros(2), matches, SolveOptions(model="translation"))

    assert found.after.rms_px > found.before.rms_px
    shift = found.coefficients[0, :, 0] - found.coefficients[1, :, 0]
    np.testing.assert_allclose(shift, 10, atol=0.1)


def test_solve__exact_matches_of_a_large_volume() -> None:
    """The multigrid of the iterative solver has several levels, and finds the same: 1e-6 px."""
    volume = made_volume(4, 20, 20, points=8)

    found = solved(volume, solver="iterative", **EXACT)

    assert found.iterations > 20
    assert corner_error(volume, found.coefficients) <= 1e-6


@pytest.mark.parametrize("linear", [0.003, 0.05])
def test_solve__outliers(linear: float) -> None:
    """With 20 % outliers the corners are within 0.05 px of the truth, also if shifts alone fit badly."""
    volume = with_outliers(made_volume(3, 6, 6, points=40, linear=linear))

    found = solved(volume, outliers_px=2.0, default_lambda=10.0)

    assert corner_error(volume, found.coefficients) <= 0.05
    assert found.outlier_count == pytest.approx(0.2 * len(volume.matches.p), rel=0.05)
    assert found.after.point_count == len(volume.matches.p) - found.outlier_count
    assert found.after.max_px <= 2.0


def test_solve__outliers_count_without_rejection() -> None:
    """Without a limit outliers spoil the result: the test above depends on it."""
    volume = with_outliers(made_volume(3, 6, 6, points=40))

    with pytest.raises(SolveError, match="the solve diverged: 108 tiles changed their scale"):
        solved(volume)


@pytest.mark.parametrize(
    ("model", "kind"),
    [("translation", "translation"), ("rigid", "rigid"), ("similarity", "similarity"), ("polynomial2", "affine")],
)
@pytest.mark.parametrize("solver", ["direct", "iterative"])
def test_solve__models_find_their_own_kind(model: str, kind: str, solver: str) -> None:
    """Each model finds transforms of its kind: matches fit to 1e-5 px."""
    found = solved(made_volume(2, 4, 4, kind=kind, linear=0.02), model=model, solver=solver, **EXACT)

    assert found.after.max_px < 1e-5


def test_solve__rigid_stays_rigid() -> None:
    """A rigid solve of sheared tiles yields rotations, better ones than those of the similarity solve."""
    linear = solved(made_volume(2, 4, 4, linear=0.02), model="rigid").coefficients[:, :, 1:3]

    assert linear @ linear.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(2), linear.shape), abs=1e-12)


def test_solve__rigid_keeps_reflections() -> None:
    """A tile whose template is reflected stays reflected."""
    volume = made_volume(1, 3, 3, kind="rigid")
    flip = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, SIZE]])
    templates, q, p = volume.templates.copy(), volume.matches.q.copy(), volume.matches.p.copy()
    templates[4, 1] = [templates[4, 1, 0] + SIZE, 0.0, -1.0]
    for side, points in ((0, p), (1, q)):
        rows = np.repeat(volume.matches.tiles[:, side] == 4, volume.matches.counts)
        points[rows] = points[rows] @ flip[:, :2].T + flip[:, 2]
    flipped = attrs.evolve(volume, templates=templates, matches=attrs.evolve(volume.matches, p=p, q=q))

    found = solved(flipped, model="rigid", **EXACT)

    assert found.after.max_px < 1e-5
    assert np.linalg.det(found.coefficients[:, :, 1:3]).round(6).tolist() == [1, 1, 1, 1, -1, 1, 1, 1, 1]


@pytest.mark.parametrize("solver", ["direct", "iterative"])
def test_solve__scale_per_section(solver: str) -> None:
    """Tiles of a section share one scale, which is found."""
    volume = made_volume(3, 3, 3, kind="translation")
    scale = np.array([1.0, 1.02, 0.97])[volume.z.astype(int)]
    parts = [
        points * np.repeat(1 / scale[volume.matches.tiles[:, side]], volume.matches.counts)[:, np.newaxis]
        for side, points in ((0, volume.matches.p), (1, volume.matches.q))
    ]
    scaled = attrs.evolve(volume, matches=attrs.evolve(volume.matches, p=parts[0], q=parts[1]))

    found = solved(scaled, model="scaled_translation", solver=solver, **EXACT)

    assert found.after.max_px < 1e-5
    found_scale = found.coefficients[:, 0, 1]
    assert found_scale / found_scale[0] == pytest.approx(scale, abs=1e-9)
    assert found.coefficients[:, 0, 2].tolist() == [0.0] * len(scale)


# The equations of BigFeta


def dense(volume: Volume, weights: FloatArray, default_lambda: float, translation_factor: float) -> FloatArray:
    """Solve K X = Λ X0 with K = AᵀWA + Λ, in plain coordinates."""
    count, matches = len(volume.z), volume.matches
    rows = np.zeros((len(matches.p), 3 * count))
    for row, (p, q) in enumerate(np.repeat(matches.tiles, matches.counts, axis=0).tolist()):
        rows[row, 3 * p : 3 * p + 3] = [*matches.p[row], 1]
        rows[row, 3 * q : 3 * q + 3] -= [*matches.q[row], 1]
    regularization = np.tile([default_lambda, default_lambda, default_lambda * translation_factor], count)
    start = volume.templates[:, :, [1, 2, 0]].transpose(0, 2, 1).reshape(-1, 2)
    whole = rows.T @ (rows * weights[:, np.newaxis]) + np.diag(regularization)
    found = np.asarray(np.linalg.solve(whole, regularization[:, np.newaxis] * start), dtype=np.float64)
    return found.reshape(count, 3, 2).transpose(0, 2, 1)[:, :, [2, 0, 1]]


@pytest.mark.parametrize("sections", [1, 3])
@pytest.mark.parametrize(("default_lambda", "translation_factor"), [(1000.0, 1e-5), (0.005, 0.005)])
@pytest.mark.parametrize("solver", ["direct", "iterative"])
def test_solve__equals_the_dense_equations(
    sections: int, default_lambda: float, translation_factor: float, solver: str
) -> None:
    """Montage and 3D are the solutions of the published equations, to 1e-6 of the image size."""
    volume = made_volume(sections, 5, 4)
    random = np.random.default_rng(3)
    q = volume.matches.q + random.normal(0, 0.1, volume.matches.q.shape)
    weights = random.uniform(0.5, 1, len(q))
    noisy = attrs.evolve(volume, matches=attrs.evolve(volume.matches, q=q, weights=weights))
    z = volume.z[volume.matches.tiles]
    factor = np.repeat(np.where(z[:, 0] == z[:, 1], 0.7, 0.9 / 2), volume.matches.counts)

    found = solved(
        noisy,
        solver=solver,
        default_lambda=default_lambda,
        translation_factor=translation_factor,
        montage_weight=0.7,
        cross_weight=0.9,
        scale_limits=None,
    )

    wanted = dense(noisy, weights * factor, default_lambda, translation_factor)
    assert np.abs(corners(found.coefficients) - corners(wanted)).max() < 1e-6 * SIZE


# Options


def test_options__weights_at_distances() -> None:
    """Weights are divided by the distance plus 1 up to the depth, or taken from a table."""
    distance = np.array([0.0, 1.0, 2.0, 3.0])

    assert SolveOptions(montage_weight=3).weights_at(distance).tolist() == [3, 0.5, 1 / 3, 0]
    assert SolveOptions(inverse_dz=False, cross_weight=2, depth=1).weights_at(distance).tolist() == [1, 2, 0, 0]
    assert SolveOptions(depth_weights={0: 1, 3: 0.25}).weights_at(distance).tolist() == [1, 0, 0, 0.25]
    assert SolveOptions(depth_weights={}).weights_at(distance).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"model": "thin"}, "model must be 'translation' or"),
        ({"default_lambda": -1}, "default_lambda must be a number >= 0: got -1"),
        ({"default_lambda": float("nan")}, "default_lambda must be a number"),
        ({"outliers_px": 0}, "outliers_px must be a number > 0: got 0"),
        ({"npts_min": 0}, "npts_min must be an integer >= 1: got 0"),
        ({"npts_min": 9, "npts_max": 8}, "npts_max must be >= npts_min: got 8 and 9"),
        ({"scale_limits": (2, 3)}, "scale_limits must be"),
        ({"poly_factors": (1, 1)}, None),
        ({"poly_factors": (1, 1, 1)}, "poly_factors of model 'affine' must be 2 factors"),
        ({"model": "rigid", "poly_factors": (1,)}, "must be none for this model"),
        ({"solver": "magic"}, "solver must be"),
    ],
)
def test_options__refused(options: dict[str, Any], problem: str | None) -> None:
    """A wrong option is refused with its name and value."""
    if problem is None:
        SolveOptions(**options)
        return
    with pytest.raises(ValueError, match=problem.replace("(", r"\(").replace("|", r"\|")):
        SolveOptions(**options)


def test_solve__points_of_a_pair() -> None:
    """Pairs with too few points are left out, and of many only the first ones count."""
    volume = made_volume(1, 3, 3, points=20)
    q = volume.matches.q.copy()
    q.reshape(-1, 20, 2)[:, 10:] += 50
    spoiled = attrs.evolve(volume, matches=attrs.evolve(volume.matches, q=q))

    assert solved(spoiled, npts_max=10, **EXACT).after.max_px < 1e-6
    assert solved(spoiled, npts_max=11).after.max_px > 1
    with pytest.raises(SolveError, match="got 12 pairs, 12 with fewer than npts_min=21 points"):
        solved(volume, npts_min=21)


def test_solve__fixed_tiles() -> None:
    """Fixed tiles keep their template exactly, and the others fit to them."""
    volume = made_volume(1, 3, 3)
    fixed = np.arange(9) == 4

    for model in MODELS:
        if model == "scaled_translation":
            continue
        found = solved(volume, model=model, fixed=fixed)
        assert found.coefficients[4, :, :3].tolist() == volume.templates[4].tolist(), model
        assert found.after.mean_px < found.before.mean_px / 2, model
    with pytest.raises(SolveError, match="all 9 tiles are fixed"):
        solved(volume, fixed=np.ones(9, dtype=bool))


@pytest.mark.parametrize("model", ["rigid", "similarity"])
def test_solve__fixed_tiles_of_other_kinds(model: str) -> None:
    """A fixed tile counts as it is, also if the model cannot have its transform."""
    volume = made_volume(1, 3, 3)
    templates = volume.templates.copy()
    templates[4, :, 1:] = [[1.05, 0.02], [0.0, 0.9]]
    sheared = attrs.evolve(volume, templates=templates)

    found = solved(sheared, model=model, fixed=np.arange(9) == 4)

    p, q = (
        np.einsum("mdk,mk->md", found.coefficients[np.repeat(tiles, 20)], np.insert(points, 0, 1.0, axis=1))
        for tiles, points in (
            (volume.matches.tiles[:, 0], volume.matches.p),
            (volume.matches.tiles[:, 1], volume.matches.q),
        )
    )
    assert found.after.rms_px == pytest.approx(np.sqrt(((p - q) ** 2).sum(axis=1).mean()))


def test_solve__template_with_a_scale() -> None:
    """Tiles without matches keep the scale of their template in a similarity solve."""
    volume = made_volume(1, 1, 3, kind="rigid")
    templates = volume.templates.copy()
    templates[:, :, 1:] *= 1.1
    scaled = attrs.evolve(volume, templates=templates, matches=volume.matches.of_pairs(np.array([True, False])))

    found = solved(scaled, model="similarity")

    assert found.coefficients[2] == pytest.approx(templates[2], abs=1e-9)


def test_solve__pair_of_one_tile() -> None:
    """A pair of a tile with itself does not count."""
    volume = made_volume(1, 2, 2)
    m = volume.matches
    itself = TileMatches(np.zeros((1, 2), np.int64), m.offsets[:2], m.p[:20], m.q[:20], m.weights[:20])
    more = attrs.evolve(volume, matches=TileMatches.joined([m, itself]))

    assert solved(more).after.pair_count == 4
    assert solved(more).coefficients == pytest.approx(solved(volume).coefficients, abs=1e-9)


def test_solve__passes_forget_the_template() -> None:
    """Each pass is regularized toward the one before, so residuals of exact matches shrink."""
    volume = made_volume(1, 4, 4)

    after = [solved(volume, default_lambda=1.0, passes=passes).after.rms_px for passes in (1, 2, 3)]

    assert after[0] > 10 * after[1] > 100 * after[2]


def test_solve__clusters() -> None:
    """Tiles without matches have cluster -1 and keep their template; others are numbered by size."""
    volume = made_volume(1, 1, 7)
    kept = np.array([True, True, False, True, False, False])
    parted = attrs.evolve(volume, matches=volume.matches.of_pairs(kept))

    found = solved(parted)

    assert found.cluster.tolist() == [0, 0, 0, 1, 1, -1, -1]
    assert found.coefficients[5:] == pytest.approx(volume.templates[5:], abs=1e-9)


def test_solve__collinear_points() -> None:
    """Tiles with points on one line are named; their other parameters come from the template."""
    volume = made_volume(1, 1, 2)
    p = np.column_stack([np.full(20, 900.0), np.linspace(0, 900, 20)])
    line = attrs.evolve(volume, matches=attrs.evolve(volume.matches, p=p, q=p - [850.0, 0.0]))

    assert solved(line).collinear.tolist() == [True, True]
    assert solved(line, model="translation").collinear.tolist() == [False, False]
    assert solved(volume).collinear.tolist() == [False, False]
    with pytest.raises(SolveError, match="1 tiles with points on one line are not determined, like tile 1: got a"):
        solved(line, default_lambda=0.0, fixed=np.array([True, False]))


# What cannot be solved


def test_solve__no_matches() -> None:
    """Without matches, or with weights of 0 only, there is a sentence about it."""
    volume = made_volume(1, 2, 2)

    with pytest.raises(SolveError, match="there are no matches between the tiles"):
        solved(attrs.evolve(volume, matches=TileMatches.empty()))
    with pytest.raises(SolveError, match="got 4 pairs, 4 with weights of 0"):
        solved(attrs.evolve(volume, matches=attrs.evolve(volume.matches, weights=np.zeros(80))))
    with pytest.raises(SolveError, match="got 4 pairs, 4 at distances in z that have no weight"):
        solved(attrs.evolve(volume, z=np.array([0.0, 5.0, 10.0, 15.0])))


def test_solve__pairs_without_points() -> None:
    """A pair of 0 points does not count, wherever it is."""
    volume = made_volume(1, 2, 2)
    m = volume.matches
    offsets = np.array([0, 0, 20, 20, 40, 40])
    tiles = np.array([[0, 3], m.tiles[0], [1, 2], m.tiles[1], [0, 3]])
    empty = attrs.evolve(volume, matches=TileMatches(tiles, offsets, m.p[:40], m.q[:40], m.weights[:40]))

    assert solved(empty).after.pair_count == 2
    none = TileMatches(tiles[:1], offsets[:2], m.p[:0], m.q[:0], m.weights[:0])
    with pytest.raises(SolveError, match="got 1 pairs, 1 without points"):
        solved(attrs.evolve(volume, matches=none))


@pytest.mark.parametrize(("name", "value"), [("p", np.nan), ("q", np.inf), ("weights", np.nan), ("weights", -1.0)])
def test_solve__bad_numbers(name: str, value: float) -> None:
    """Numbers that are not finite, and negative weights, are refused with the tiles of their pair."""
    volume = made_volume(1, 2, 2)
    column = getattr(volume.matches, name).copy()
    column[45] = value
    bad = attrs.evolve(volume.matches, **{name: column})

    with pytest.raises(SolveError, match="of the pair of tiles 'c0' and 'c2' must be finite"):
        solve(volume.templates, volume.z, bad, SolveOptions(), tile_ids=["c0", "c1", "c2", "c3"])


def test_solve__collapse() -> None:
    """Tiles that shrink, because outliers outweigh the template, are taken for a diverged solve."""
    volume = with_outliers(made_volume(1, 4, 4))

    with pytest.raises(SolveError, match=r"diverged: 16 tiles changed their scale by more than 0.5 … 2, tile 0 by 2"):
        solved(volume, default_lambda=1e-6)
    assert solved(volume, default_lambda=1e-6, scale_limits=None).after.max_px < 1


def test_solve__singular() -> None:
    """Without regularization and without a fixed tile nothing holds the tiles."""
    volume = made_volume(1, 2, 2)

    with pytest.raises(SolveError, match="4 tiles without matches to fixed tiles are not determined, like tile 0"):
        solved(volume, default_lambda=0.0)
    held = solved(volume, default_lambda=0.0, fixed=np.arange(4) == 0)
    assert corner_error(volume, held.coefficients) < 1e-6


def test_solve__order_of_sides_does_not_matter() -> None:
    """A pair in the other order, or in both, is the same pair."""
    volume = made_volume(1, 3, 3)
    m = volume.matches
    swapped = attrs.evolve(m, tiles=m.tiles[:, ::-1], p=m.q, q=m.p)
    both = TileMatches.joined([m, swapped])
    half = attrs.evolve(both, weights=both.weights / 2)

    found, other, doubled = (solved(attrs.evolve(volume, matches=one)).coefficients for one in (m, swapped, half))

    assert other == pytest.approx(found, abs=1e-8)
    assert doubled == pytest.approx(found, abs=1e-8)


def test_matches__parts() -> None:
    """All pairs are in one part each, also pairs of more points than a part should have."""
    counts = np.array([1, 40_000, 3, 40_000, 20_000])
    points = np.zeros((counts.sum(), 2))
    tiles = np.arange(10).reshape(5, 2)
    matches = TileMatches(tiles, np.concatenate([[0], np.cumsum(counts)]), points, points, points[:, 0])

    parts = [(part.pairs.start, part.pairs.stop) for part in matches.parts()]

    assert parts == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert as_polynomials(np.zeros((1, 2, 3)), 6).shape == (1, 2, 6)
