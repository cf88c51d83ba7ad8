"""Matches of a solve as columns: pairs of tile numbers and their points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray

_N = TypeVar("_N", bound=np.generic)

__all__ = ["Part", "TileMatches"]

# Points per pass over all matches: their intermediate results stay in the processor's cache.
_POINTS = 1 << 14


@attrs.frozen(eq=False)
class Part:
    """
    Consecutive pairs of `TileMatches`.

    Attributes
    ----------
    pairs, points : slice
        Which ones.
    starts, counts : ndarray, shape (N,)
        First point of each pair, counted from the first of the part, and their number.
    """

    pairs: slice
    points: slice
    starts: IntArray
    counts: IntArray


def _compact(weights: FloatArray) -> FloatArray:
    """Return equal weights, the usual ones, as a view of one of them; others as they are."""
    if len(weights) < 2 or not weights.strides[0] or not (weights == weights[0]).all():
        return weights
    compact: FloatArray = np.broadcast_to(weights[0], len(weights))
    return compact


@attrs.frozen(eq=False)
class TileMatches:
    """
    Points of pairs of tiles, which are numbered from 0.

    Attributes
    ----------
    tiles : ndarray, shape (N, 2)
        The numbers of the p and the q tile of each pair.
    offsets : ndarray, shape (N + 1,)
        First point of each pair, and the end of the last.
    p, q : ndarray, shape (M, 2)
        x, y in the two tiles, in the frame that the transform to be solved is applied to.
    weights : ndarray, shape (M,)
        Weights of the points; equal ones are in memory once, and read-only.
    """

    tiles: IntArray
    offsets: IntArray
    p: FloatArray
    q: FloatArray
    weights: FloatArray = attrs.field(converter=_compact)

    @classmethod
    def empty(cls) -> TileMatches:
        """Return matches without any pair."""
        none = np.empty((0, 2))
        return cls(np.empty((0, 2), np.int64), np.zeros(1, np.int64), none, none, np.empty(0))

    @classmethod
    def joined(cls, parts: Sequence[TileMatches]) -> TileMatches:
        """Return the pairs of all parts."""
        if len(parts) < 2:
            return parts[0] if parts else cls.empty()
        counts = np.concatenate([part.counts for part in parts])
        return cls(
            np.concatenate([part.tiles for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.p for part in parts]),
            np.concatenate([part.q for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.tiles)

    @property
    def counts(self) -> IntArray:
        """Number of points per pair: (N,)."""
        counts: IntArray = np.diff(self.offsets)
        return counts

    def by_point(self, of_pairs: npt.NDArray[_N]) -> npt.NDArray[_N]:
        """Return a value per pair as one per point."""
        return np.repeat(of_pairs, self.counts)

    def of_pairs(self, chosen: npt.NDArray[np.bool_], at_most: int | None = None) -> TileMatches:
        """Return the chosen pairs, of each at most that many first points."""
        counts = np.where(chosen, self.counts, 0)
        kept = counts if at_most is None else np.minimum(counts, at_most)
        offsets = np.concatenate([[0], np.cumsum(kept[chosen])])
        if kept.sum() == len(self.p):
            return attrs.evolve(self, tiles=self.tiles[chosen], offsets=offsets)
        place = np.arange(len(self.p)) - np.repeat(self.offsets[:-1], self.counts)
        return self._of_points(place < np.repeat(kept, self.counts), self.tiles[chosen], offsets)

    def of_points(self, chosen: npt.NDArray[np.bool_]) -> TileMatches:
        """Return the chosen points, and the pairs that have any."""
        if chosen.all():
            return self.of_pairs(self.counts > 0)
        ends = np.concatenate([[0], np.cumsum(chosen)])[self.offsets]
        left = np.diff(ends)
        return self._of_points(chosen, self.tiles[left > 0], np.concatenate([[0], np.cumsum(left[left > 0])]))

    def _of_points(self, chosen: npt.NDArray[np.bool_], tiles: IntArray, offsets: IntArray) -> TileMatches:
        return TileMatches(tiles, offsets, self.p[chosen], self.q[chosen], self.weights[chosen])

    def local(self, part: Part, side: int, origin: FloatArray, length: float) -> FloatArray:
        """Return the points (2, M) of a side, from the origins (N, 2) of their tiles, in units of a length."""
        points = (self.p, self.q)[side][part.points]
        local = np.empty((2, len(points)))
        for axis, of_tile in enumerate(origin[self.tiles[part.pairs, side]].T):
            # A value per pair, repeated: faster than looking it up for each point.
            np.subtract(points[:, axis], np.repeat(of_tile, part.counts), out=local[axis])
        local /= length
        return local

    def parts(self) -> Iterator[Part]:
        """Yield all pairs in parts; none of the pairs may be without points."""
        first = 0
        while first < len(self):
            limit = self.offsets[first] + _POINTS
            end = max(first + 1, int(np.searchsorted(self.offsets, limit, side="right")) - 1)
            start, stop = self.offsets[[first, end]].tolist()
            ends = self.offsets[first : end + 1] - start
            yield Part(slice(first, end), slice(start, stop), ends[:-1], np.diff(ends))
            first = end
