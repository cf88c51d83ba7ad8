"""Consensus of point pairs, against the algorithm sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rendergateway.errors import FitError
from rendergateway.transforms import fit_affine, fit_rigid, fit_similarity, fit_translation
from rendergateway.transforms.fitting.consensus import (
    MODELS,
    ConsensusRule,
    FitModel,
    RandomSamples,
    consensus,
    consensus_sets,
)

FITS: dict[str, Any] = {
    "TRANSLATION": fit_translation,
    "RIGID": fit_rigid,
    "SIMILARITY": fit_similarity,
    "AFFINE": fit_affine,
}


def noisy(count: int = 200, wrong: float = 0.5, seed: int = 1) -> tuple[Any, Any, Any]:
    """Pairs that agree on an affine but for noise, and others at random; and which are right."""
    random = np.random.default_rng(seed)
    p = random.uniform(0, 1000, (count, 2))
    q = p @ np.array([[1, 0.05], [-0.04, 1.01]]).T + [30, 5] + random.normal(0, 0.7, (count, 2))
    bad = random.random(count) < wrong
    q[bad] = random.uniform(0, 1000, (int(bad.sum()), 2))
    return p, q, ~bad


def by_samples(p: Any, q: Any, rule: ConsensusRule) -> Any:
    """The inliers of the best sample, one sample after another."""
    best, most = None, 0
    limit = np.float32(rule.epsilon_px)

    def inside(rows: Any) -> Any:
        try:
            moved = rule.model.fit(p[rows], q[rows]).apply(p)
        except FitError:
            return np.zeros(len(p), dtype=bool)
        return np.linalg.norm(moved - q, axis=1) < limit

    def is_enough(found: Any, least: int) -> bool:
        return bool(found.sum() >= least and found.mean() > rule.min_inlier_ratio)

    for sample in RandomSamples().samples(rule.iterations, rule.model.least, len(p)):
        found, count = inside(sample), 0
        good = is_enough(found, rule.model.least)
        while good and count < found.sum():
            count = found.sum()
            found = inside(np.flatnonzero(found))
            good = is_enough(found, rule.min_inliers)
        if good and found.sum() >= rule.min_inliers and found.sum() > most:
            best, most = found, found.sum()
    return best


@pytest.mark.parametrize("model", MODELS)
def test_consensus__as_sample_by_sample(model: str) -> None:
    """All samples at once find the inliers that one after another finds."""
    p, q, _ = noisy()
    rule = ConsensusRule(model=FitModel(model), epsilon_px=6, iterations=120, min_inliers=8, max_trust=1e9)

    found = consensus(p, q, rule)

    assert found is not None
    assert found.tolist() == by_samples(p, q, rule).tolist()


def test_consensus__finds_the_right_pairs() -> None:
    """The inliers are the pairs that agree."""
    p, q, right = noisy()

    found = consensus(p, q, ConsensusRule(epsilon_px=4, max_trust=1e9))

    assert found is not None
    assert np.array_equal(found, right)


def test_consensus__drops_what_is_not_trusted() -> None:
    """Inliers far from their partners, compared with the median, are dropped."""
    p, q, _ = noisy(wrong=0)
    q[0] += 10

    kept = consensus(p, q, ConsensusRule(epsilon_px=50))

    assert kept is not None
    assert not kept[0]
    assert kept.sum() > 150
    assert consensus(p, q, ConsensusRule(epsilon_px=50, max_trust=1e9)).all()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "rule",
    [ConsensusRule(epsilon_px=4, min_inliers=150), ConsensusRule(epsilon_px=4, min_inlier_ratio=0.7)],
)
def test_consensus__too_few(rule: ConsensusRule) -> None:
    """Too few inliers, or too small a share of them, are none."""
    p, q, _ = noisy()

    assert consensus(p, q, rule) is None


def test_consensus__fewer_than_the_model_needs() -> None:
    """Two pairs do not determine an affine."""
    assert consensus([[0, 0], [1, 1]], [[0, 0], [1, 1]], ConsensusRule(min_inliers=1)) is None


def test_consensus_sets__two_motions() -> None:
    """Two groups of pairs that move differently are two sets, the larger one first."""
    p, _, _ = noisy(100)
    q = p + np.where(np.arange(100)[:, np.newaxis] < 60, [50, 0], [0, -80])

    sets = consensus_sets(p, q, ConsensusRule(model=FitModel("TRANSLATION"), epsilon_px=2))

    assert [np.flatnonzero(one).tolist() for one in sets] == [list(range(60)), list(range(60, 100))]


@pytest.mark.parametrize("model", MODELS)
def test_fit__as_the_public_fits(model: str) -> None:
    """A model is fitted as by the function of its name."""
    p, q, _ = noisy(40, wrong=0)

    found = FitModel(model.lower()).fit(p, q)

    assert found.matrix == pytest.approx(FITS[model](p, q).as_affine().matrix, abs=1e-9)


def test_fit__with_a_regularizer() -> None:
    """The matrix is the weighted mean of both models."""
    p, q, _ = noisy(40, wrong=0)

    found = FitModel("AFFINE", "RIGID", 0.25).fit(p, q)

    expected = 0.75 * fit_affine(p, q).matrix + 0.25 * fit_rigid(p, q).as_affine().matrix
    assert found.matrix == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "values", [("BENT",), ("AFFINE", "RIGID"), ("AFFINE", None, 0.5), ("AFFINE", "RIGID", 1.5), (7,)]
)
def test_model__bad_values(values: Any) -> None:
    """Unknown names, and half a regularizer, are refused."""
    with pytest.raises(FitError):
        FitModel(*values)


def test_fit__collinear() -> None:
    """Points on a line do not determine an affine."""
    line = np.array([[0, 0], [1, 1], [2, 2.0]])
    with pytest.raises(FitError, match="collinear"):
        FitModel("AFFINE").fit(line, line)
