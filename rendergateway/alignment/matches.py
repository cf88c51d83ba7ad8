"""Matches of two pictures: features that look alike, filtered by agreement on a transform."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.features import Features
from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.base import opencv
from rendergateway.transforms.fitting.consensus import ConsensusRule, FitModel, consensus, consensus_sets

__all__ = ["FILTERS", "Coverage", "MatchRule", "Matched", "candidates", "coverage", "filtered", "matched"]

Mask = npt.NDArray[np.bool_]

FILTERS = ("NONE", "SINGLE_SET", "CONSENSUS_SETS", "AGGREGATED_CONSENSUS_SETS")
_SEED = 69997
# Of plausible affine matches, in the direction of the least one.
_LEAST_STRETCH = 0.25


def _filter(value: Any) -> str:
    if not isinstance(value, str) or value.upper() not in FILTERS:
        raise FitError(f"filter of matches must be one of {', '.join(FILTERS)}: got {value!r}")
    return value.upper()


@attrs.frozen(kw_only=True)
class MatchRule:
    """
    Which features of two pictures match.

    Parameters
    ----------
    rod : float
        Ratio of distances: a feature matches if its nearest neighbour is nearer than *rod* times the second one.
    model : FitModel
        The transform that inliers agree on.
    epsilon_px : float
        Largest distance of an inlier from its partner, in pixels of the pictures.
    full_scale_epsilon_px : float, optional
        The same in pixels of full scale, in place of *epsilon_px*.
    iterations : int
        Number of samples of the search.
    min_inlier_ratio : float
        The share of inliers must be greater.
    min_inliers, max_inliers : int, int or None
        Least number of inliers; if there are more than *max_inliers*, some are chosen at random, the same each time.
    max_trust : float
        Inliers farther from their partners than this multiple of the median are dropped.
    filter : str
        ``NONE``: all candidates; ``SINGLE_SET``: the largest set that agrees; ``CONSENSUS_SETS``: all disjoint sets;
        ``AGGREGATED_CONSENSUS_SETS``: all of them as one.
    full_scale_coverage_radius_px : float
        Pixels of full scale around a match that count as covered.
    min_coverage_percentage : float, optional
        Least percentage of the overlap of both pictures that is covered.
    """

    rod: float = 0.92
    model: FitModel = attrs.field(factory=FitModel)
    epsilon_px: float = 20.0
    full_scale_epsilon_px: float | None = None
    iterations: int = 1000
    min_inlier_ratio: float = 0.0
    min_inliers: int = 4
    max_inliers: int | None = None
    max_trust: float = 3.0
    filter: str = attrs.field(default="SINGLE_SET", converter=_filter)
    full_scale_coverage_radius_px: float = 300.0
    min_coverage_percentage: float | None = None

    def consensus(self, scale: float) -> ConsensusRule:
        """Return the rule of the search for pictures of *scale*."""
        epsilon = self.epsilon_px if self.full_scale_epsilon_px is None else self.full_scale_epsilon_px * scale
        return ConsensusRule(
            model=self.model,
            epsilon_px=epsilon,
            iterations=self.iterations,
            min_inlier_ratio=self.min_inlier_ratio,
            min_inliers=self.min_inliers,
            max_trust=self.max_trust,
        )


@attrs.frozen(eq=False)
class Matched:
    """
    The matches of two pictures.

    Attributes
    ----------
    sets : tuple of (ndarray, ndarray)
        Points in p and in q, (N, 2) each, of each set: at most one set unless the filter is ``CONSENSUS_SETS``.
    covered : Coverage, optional
        Computed only if the rule has a least percentage.
    """

    sets: tuple[tuple[FloatArray, FloatArray], ...] = ()
    covered: Coverage | None = None

    def __len__(self) -> int:
        return sum(len(p) for p, _ in self.sets)


@attrs.frozen
class Coverage:
    """The overlap of two pictures, and what of it is near a match, in pixels."""

    overlap: int
    covered: int

    @property
    def percentage(self) -> float:
        """Covered part of the overlap, 0 … 100."""
        return 100.0 * self.covered / self.overlap if self.overlap else 0.0


def matched(p: Features, q: Features, rule: MatchRule, scale: float = 1.0) -> Matched:
    """
    Match the features of two pictures.

    Sets of affine matches that would flatten, shrink or enlarge a picture to less than a quarter or more than four
    times its size in any direction are left out: they are coincidences of few points.

    Parameters
    ----------
    p, q : Features
    rule : MatchRule
    scale : float
        Pixels of the pictures per pixel of full scale.
    """
    sets = [one for one in filtered(*candidates(p, q, rule.rod), rule, scale) if _is_plausible(*one, rule)]
    if not sets or rule.min_coverage_percentage is None:
        return Matched(tuple(sets))
    p_points, q_points = (np.concatenate([one[side] for one in sets]) for side in (0, 1))
    covered = coverage(p, q, p_points, q_points, rule.full_scale_coverage_radius_px * scale)
    return Matched(tuple(sets) if covered.percentage >= rule.min_coverage_percentage else (), covered)


def _is_plausible(p: FloatArray, q: FloatArray, rule: MatchRule) -> bool:
    if rule.filter not in ("SINGLE_SET", "CONSENSUS_SETS") or rule.model.name != "AFFINE":
        return True
    try:
        moved = rule.model.fit(p, q)
    except FitError:
        return False
    stretches = np.linalg.svd(moved.matrix[:, :2], compute_uv=False)
    return bool(stretches[1] >= _LEAST_STRETCH and stretches[0] <= 1 / _LEAST_STRETCH)


def candidates(p: Features, q: Features, rod: float) -> tuple[FloatArray, FloatArray]:
    """
    Return the points of features whose nearest neighbour is much nearer than the second one.

    Points of q that are the nearest of several features of p are left out.

    Returns
    -------
    p, q : ndarray, shape (N, 2)
    """
    if not len(p) or len(q) < 2:
        return np.empty((0, 2)), np.empty((0, 2))
    cv2 = opencv.cv2
    found = cv2.BFMatcher(cv2.NORM_L2).knnMatch(_rooted(p), _rooted(q), k=2)
    pairs = [(one.queryIdx, one.trainIdx) for one, other in found if one.distance < rod * other.distance]
    if not pairs:
        return np.empty((0, 2)), np.empty((0, 2))
    in_p, in_q = np.array(pairs, dtype=np.int64).T
    _, place, count = np.unique(q.points[in_q], axis=0, return_inverse=True, return_counts=True)
    once = count[place.reshape(-1)] == 1
    return p.points[in_p[once]], q.points[in_q[once]]


def _rooted(features: Features) -> npt.NDArray[np.float32]:
    """
    Return the square roots of normalized descriptors, which distinguish features better.

    References
    ----------
    .. [1] R. Arandjelović and A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.
    """
    values = features.descriptors.astype(np.float32)
    values /= np.maximum(values.sum(axis=1, keepdims=True), 1)
    return np.sqrt(values)


def filtered(p: FloatArray, q: FloatArray, rule: MatchRule, scale: float = 1.0) -> list[tuple[FloatArray, FloatArray]]:
    """
    Return the sets of candidates that pass the filter of the rule; see `MatchRule`.

    Parameters
    ----------
    p, q : ndarray, shape (N, 2)
        Candidates, in pixels of the pictures.
    rule : MatchRule
    scale : float
        Pixels of the pictures per pixel of full scale.
    """
    if rule.filter == "NONE":
        return [_limited(p, q, rule)] if len(p) else []
    search = rule.consensus(scale)
    if rule.filter == "SINGLE_SET":
        inliers = consensus(p, q, search)
        masks = [] if inliers is None else [inliers]
    else:
        masks = consensus_sets(p, q, search)
        if rule.filter == "AGGREGATED_CONSENSUS_SETS" and masks:
            masks = [np.any(masks, axis=0)]
    return [_limited(p[mask], q[mask], rule) for mask in masks]


def _limited(p: FloatArray, q: FloatArray, rule: MatchRule) -> tuple[FloatArray, FloatArray]:
    if not rule.max_inliers or len(p) <= rule.max_inliers:
        return p, q
    chosen = np.sort(np.random.default_rng(_SEED).permutation(len(p))[: rule.max_inliers])
    return p[chosen], q[chosen]


def coverage(p: Features, q: Features, p_points: FloatArray, q_points: FloatArray, radius_px: float) -> Coverage:
    """
    Return the overlap of two pictures under the affine fitted to matches, and what of it is near a match in p.

    Parameters
    ----------
    p, q : Features
        Sizes and masks of the pictures count.
    p_points, q_points : ndarray, shape (N, 2)
        The matches.
    radius_px : float
        Largest distance of a covered pixel from the nearest match, in pixels of the pictures.
    """
    try:
        moved = FitModel("AFFINE").fit(p_points, q_points)
    except FitError:
        return Coverage(0, 0)
    (width, height), (q_width, q_height) = p.size, q.size
    columns = np.arange(width)
    # Rows of discs: +1 at the beginning of each, -1 behind its end.
    edges = np.zeros((height, width + 1), dtype=np.int32)
    rows = np.arange(height)
    for x, y in p_points:
        half = np.sqrt(np.maximum(radius_px**2 - (rows - y) ** 2, 0.0))
        inside = np.flatnonzero(np.abs(rows - y) <= radius_px)
        first = np.clip(np.ceil(x - half[inside]), 0, width).astype(np.int64)
        last = np.clip(np.floor(x + half[inside]) + 1, 0, width).astype(np.int64)
        np.add.at(edges, (inside, first), 1)
        np.add.at(edges, (inside, last), -1)
    near = np.cumsum(edges, axis=1)[:, :width] > 0
    overlap = covered = 0
    for row in range(height):
        place = moved.apply(np.column_stack([columns, np.full(width, row)]))
        column, line = np.floor(place).astype(np.int64).T
        shared = (column >= 0) & (column < q_width) & (line >= 0) & (line < q_height)
        if p.mask is not None:
            shared &= p.mask[row]
        if q.mask is not None:
            shared[shared] = q.mask[line[shared], column[shared]]
        overlap += int(np.count_nonzero(shared))
        covered += int(np.count_nonzero(shared & near[row]))
    return Coverage(overlap, covered)
