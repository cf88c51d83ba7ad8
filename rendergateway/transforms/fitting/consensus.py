"""
Consensus of point pairs by random samples, in the manner of the service's matcher.

The samples, the repeated fits to all inliers and the filter by trust are those of mpicbg; all samples of a search are
fitted at once. Its random numbers are those of Java with one seed, so that a search has the same result each time.
"""

from __future__ import annotations

import functools

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FitError
from rendergateway.geometry import FloatArray
from rendergateway.java_random import JavaRandom
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.fitting.linear import on_a_line, point_pairs

__all__ = ["MODELS", "ConsensusRule", "FitModel", "RandomSamples", "consensus", "consensus_sets"]

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

# Model -> point pairs that determine it.
MODELS = {"TRANSLATION": 1, "RIGID": 2, "SIMILARITY": 2, "AFFINE": 3}
# Distances that are computed at once.
_BLOCK = 4_000_000
_SEED = 69997
# Distances of pairs that agree exactly, in pixels.
_ROUNDING = 1e-9
# Trust of the sets of a search for several.
_SET_TRUST = 4.0


class RandomSamples:
    """Samples of pairs from the doubles of a `JavaRandom`, the same ones in each search."""

    def __init__(self, seed: int = _SEED) -> None:
        self._known = _doubles_of(seed)
        self._next = 0

    def _double(self) -> float:
        value = self._known.at(self._next)
        self._next += 1
        return value

    def samples(self, count: int, size: int, of: int) -> Indices:
        """Return *count* samples of *size* distinct numbers below *of*."""
        rows = []
        for _ in range(count):
            chosen: list[int] = []
            while len(chosen) < size:
                number = int(self._double() * of)
                if number not in chosen:
                    chosen.append(number)
            rows.append(chosen)
        return np.array(rows, dtype=np.int64).reshape(count, size)


class _Doubles:
    """The doubles of a seed, computed once."""

    def __init__(self, seed: int) -> None:
        self._random = JavaRandom(seed)
        self._values: list[float] = []

    def at(self, index: int) -> float:
        while len(self._values) <= index:
            self._values.append(self._random.double())
        return self._values[index]


@functools.lru_cache(maxsize=4)
def _doubles_of(seed: int) -> _Doubles:
    return _Doubles(seed)


def _maybe_model(name: str | None) -> str | None:
    return None if name is None else _model(name)


def _model(name: str) -> str:
    if not isinstance(name, str) or name.upper() not in MODELS:
        raise FitError(f"model must be one of {', '.join(MODELS)}: got {name!r}")
    return name.upper()


@attrs.frozen
class FitModel:
    """
    A transform that is fitted to point pairs, optionally mixed with a more rigid one.

    Parameters
    ----------
    name : {'TRANSLATION', 'RIGID', 'SIMILARITY', 'AFFINE'}
        In any case of letters.
    regularizer : str, optional
        A second model of these.
    weight : float, optional
        Weight of the regularizer in the mean of both matrices, 0 … 1; needed with a regularizer only.

    Raises
    ------
    FitError
        If a name is unknown, or one of regularizer and weight is missing.
    """

    name: str = attrs.field(default="AFFINE", converter=_model)
    regularizer: str | None = attrs.field(default=None, converter=_maybe_model)
    weight: float | None = None

    def __attrs_post_init__(self) -> None:
        if (self.regularizer is None) != (self.weight is None):
            given = f"the weight {self.weight}" if self.regularizer is None else f"the regularizer {self.regularizer}"
            raise FitError(f"regularizer and its weight must be given together: got {given} alone")
        if self.weight is not None and not 0 <= self.weight <= 1:
            raise FitError(f"weight of a regularizer must be 0 … 1: got {self.weight}")

    @property
    def least(self) -> int:
        """Number of point pairs that determine it."""
        return max(MODELS[self.name], 0 if self.regularizer is None else MODELS[self.regularizer])

    def fit(self, source: npt.ArrayLike, target: npt.ArrayLike) -> AffineModel2D:
        """
        Fit it to point pairs, by least squares.

        Raises
        ------
        FitError
            If the points do not determine it.
        """
        p, q, _ = point_pairs(source, target, None, least=self.least)
        pairs = _Pairs(p, q, self)
        matrix = pairs.fitted(np.ones((1, len(p)), dtype=bool))[0]
        if not np.isfinite(matrix).all():
            raise FitError(f"points do not determine the {self.name.lower()} model: they coincide or are collinear")
        return AffineModel2D(pairs.uncentered(matrix))

    def matrices(self, moments: FloatArray) -> FloatArray:
        """Return the fits for rows of moments, (H, 2, 3); NaN for points that do not determine them."""
        found = _FITS[self.name](moments)
        if self.regularizer is None or self.weight is None:
            return found
        return (1 - self.weight) * found + self.weight * _FITS[self.regularizer](moments)


@attrs.frozen(kw_only=True)
class ConsensusRule:
    """
    What counts as consensus.

    Parameters
    ----------
    model : FitModel
    epsilon_px : float
        Inliers are nearer to their partners than this.
    iterations : int
        Number of samples.
    min_inlier_ratio : float
        The share of inliers must be greater.
    min_inliers : int
        Least number of inliers.
    max_trust : float
        Inliers farther from their partners than this multiple of the median are dropped, until there are none.
    """

    model: FitModel = attrs.field(factory=FitModel)
    epsilon_px: float = 20.0
    iterations: int = 1000
    min_inlier_ratio: float = 0.0
    min_inliers: int = 4
    max_trust: float = 3.0


def consensus(
    source: npt.ArrayLike, target: npt.ArrayLike, rule: ConsensusRule, random: RandomSamples | None = None
) -> Mask | None:
    """
    Return the largest set of point pairs that agree on a transform.

    Parameters
    ----------
    source, target : array_like, shape (N, 2)
        Input and output pixels.
    rule : ConsensusRule
    random : RandomSamples, optional
        Continues its numbers. Default: a new one, so that the result is always the same.

    Returns
    -------
    ndarray of bool, shape (N,), or None
        Mask of the inliers; None if there are too few.

    Raises
    ------
    FitError
        If shapes or lengths are wrong, or a number is not finite.
    """
    p, q, _ = point_pairs(source, target, None, least=0)
    if len(p) < rule.model.least:
        return None
    pairs = _Pairs(p, q, rule.model)
    best = _search(pairs, rule, random or RandomSamples())
    if best is None:
        return None
    trusted = _trusted(pairs, best, rule.max_trust)
    return trusted if np.count_nonzero(trusted) >= rule.min_inliers else None


def consensus_sets(source: npt.ArrayLike, target: npt.ArrayLike, rule: ConsensusRule) -> list[Mask]:
    """
    Return disjoint sets of point pairs; the pairs of a set agree on one transform.

    The filter by trust has the factor 4 between the searches, in place of the factor of the rule.
    """
    p, q, _ = point_pairs(source, target, None, least=0)
    rule = attrs.evolve(rule, max_trust=_SET_TRUST)
    random, left, found = RandomSamples(), np.arange(len(p)), []
    while (inliers := consensus(p[left], q[left], rule, random)) is not None:
        mask = np.zeros(len(p), dtype=bool)
        mask[left[inliers]] = True
        found.append(mask)
        left = left[~inliers]
    return found


class _Pairs:
    """Point pairs relative to their means, and the products whose sums determine all fits."""

    def __init__(self, p: FloatArray, q: FloatArray, model: FitModel) -> None:
        self.model = model
        self._centers = p.mean(axis=0), q.mean(axis=0)
        (x, y), (u, v) = (p - self._centers[0]).T, (q - self._centers[1]).T
        one = np.ones(len(p))
        self._source = np.stack([x, y, one])
        self._target = np.stack([u, v])
        self._products = np.stack([one, x, y, u, v, x * x, x * y, y * y, x * u, x * v, y * u, y * v], axis=1)

    def __len__(self) -> int:
        return len(self._products)

    def fitted(self, masks: Mask) -> FloatArray:
        """Return the fit to each set of pairs, (H, 2, 3)."""
        return self.model.matrices(masks.astype(np.float64) @ self._products)

    def of_samples(self, samples: Indices) -> FloatArray:
        """Return the fit to each sample of indices, (H, 2, 3)."""
        return self.model.matrices(self._products[samples].sum(axis=1))

    def distances(self, matrices: FloatArray) -> FloatArray:
        """Return the distance of each pair under each fit, (H, N); NaN if there is none."""
        mapped = (matrices.reshape(-1, 3) @ self._source).reshape(-1, 2, len(self))
        mapped -= self._target
        mapped *= mapped
        distances: FloatArray = np.sqrt(mapped[:, 0] + mapped[:, 1])
        return distances

    def uncentered(self, matrix: FloatArray) -> FloatArray:
        """Return the matrix for the original coordinates."""
        linear = matrix[:, :2]
        return np.column_stack([linear, matrix[:, 2] + self._centers[1] - linear @ self._centers[0]])


def _search(pairs: _Pairs, rule: ConsensusRule, random: RandomSamples) -> Mask | None:
    """Return the largest set of inliers; of equal ones that of the first sample."""
    samples = random.samples(rule.iterations, rule.model.least, len(pairs))
    size = max(1, _BLOCK // len(pairs))
    best: tuple[int, Mask] | None = None
    for start in range(0, len(samples), size):
        found = _grown(pairs, samples[start : start + size], rule)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    return None if best is None else best[1]


def _grown(pairs: _Pairs, samples: Indices, rule: ConsensusRule) -> tuple[int, Mask] | None:
    """Return size and mask of the largest set that grows from a sample; of equal ones that of the first sample."""
    least = rule.model.least
    inside, counts = _inliers(pairs, pairs.of_samples(samples), rule)
    good = (counts >= least) & (counts > rule.min_inlier_ratio * len(pairs))
    order = np.flatnonzero(good)
    masks, counts = inside[good], counts[good]
    best: tuple[int, int, Mask] | None = None
    while len(order):
        # Equal sets grow alike: only the first is followed.
        _, first = np.unique(np.packbits(masks, axis=1), axis=0, return_index=True)
        order, masks, counts = order[first], masks[first], counts[first]
        inside, grown = _inliers(pairs, pairs.fitted(masks), rule)
        good = (grown >= max(least, rule.min_inliers)) & (grown > rule.min_inlier_ratio * len(pairs))
        done = good & (grown <= counts)
        if done.any():
            largest = grown[done].max()
            ended = np.flatnonzero(done & (grown == largest))
            one = ended[np.argmin(order[ended])]
            if best is None or (largest, -order[one]) > (best[0], -best[1]):
                best = int(largest), int(order[one]), inside[one]
        on = good & (grown > counts)
        order, masks, counts = order[on], inside[on], grown[on]
    return None if best is None else (best[0], best[2])


def _inliers(pairs: _Pairs, matrices: FloatArray, rule: ConsensusRule) -> tuple[Mask, Indices]:
    # The Java code keeps the limit in 32 bits.
    inside = pairs.distances(matrices) < float(np.float32(rule.epsilon_px))
    return inside, np.count_nonzero(inside, axis=1).astype(np.int64)


def _trusted(pairs: _Pairs, inliers: Mask, max_trust: float) -> Mask:
    """Drop inliers that are far from their partners, compared with the median of all."""
    while inliers.any():
        distances = pairs.distances(pairs.fitted(inliers[np.newaxis]))[0]
        kept = inliers & (distances <= np.median(distances[inliers]) * max_trust + _ROUNDING)
        if (kept == inliers).all():
            return inliers
        inliers = kept
    return inliers


# Fits to moments: sums of 1, x, y, u, v, xx, xy, yy, xu, xv, yu, yv.


def _means(m: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return number, means (4, H) and central second moments xx, xy, yy, xu, xv, yu, yv (7, H)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = m[:, 1:5].T / m[:, 0]
        x, y, u, v = mean
        products = np.stack([x * x, x * y, y * y, x * u, x * v, y * u, y * v])
        return m[:, 0], mean, m[:, 5:].T / m[:, 0] - products


def _matrix(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, mean: FloatArray) -> FloatArray:
    """Return [[a, b, tx], [c, d, ty]] that maps the mean source to the mean target."""
    x, y, u, v = mean
    rows = [a, b, u - a * x - b * y, c, d, v - c * x - d * y]
    return np.stack(rows, axis=-1).reshape(-1, 2, 3)


def _translations(m: FloatArray) -> FloatArray:
    _, mean, _ = _means(m)
    one, zero = np.ones(len(m)), np.zeros(len(m))
    return _matrix(one, zero, zero, one, mean)


def _rigids(m: FloatArray) -> FloatArray:
    _, mean, (_, _, _, xu, xv, yu, yv) = _means(m)
    cosine, sine = xu + yv, xv - yu
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.hypot(cosine, sine)
        cosine, sine = cosine / size, sine / size
    return _matrix(cosine, -sine, sine, cosine, mean)


def _similarities(m: FloatArray) -> FloatArray:
    _, mean, (xx, _, yy, xu, xv, yu, yv) = _means(m)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine, sine = (xu + yv) / (xx + yy), (xv - yu) / (xx + yy)
    return _matrix(cosine, -sine, sine, cosine, mean)


def _affines(m: FloatArray) -> FloatArray:
    _, mean, (xx, xy, yy, xu, xv, yu, yv) = _means(m)
    determinant = np.where(on_a_line(xx, xy, yy), np.nan, xx * yy - xy * xy)
    a, b = (xu * yy - yu * xy) / determinant, (yu * xx - xu * xy) / determinant
    c, d = (xv * yy - yv * xy) / determinant, (yv * xx - xv * xy) / determinant
    return _matrix(a, b, c, d, mean)


_FITS = {"TRANSLATION": _translations, "RIGID": _rigids, "SIMILARITY": _similarities, "AFFINE": _affines}
