"""Statistics of residuals, the distances of the two points of matches in the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray

__all__ = ["ResidualSums", "Residuals"]


@attrs.frozen
class Residuals:
    """
    Statistics of residuals, in world pixels.

    Attributes
    ----------
    pair_count, point_count : int
        Numbers of pairs and points.
    mean_px, sd_px, rms_px, max_px : float
        Of the residuals; NaN if there are none.
    error_px : (float, float)
        Norm of all differences in x, and in y.
    """

    pair_count: int
    point_count: int
    mean_px: float
    sd_px: float
    rms_px: float
    max_px: float
    error_px: tuple[float, float]

    @classmethod
    def of(cls, away: FloatArray, pair_count: int) -> Residuals:
        """Return the statistics of differences (M, 2)."""
        distance = np.hypot(*away.T)
        by_axis = np.einsum("md,md->d", away, away)
        return cls.of_sums(pair_count, len(away), distance.sum(), by_axis.sum(), distance.max(initial=0.0), by_axis)

    @classmethod
    def of_sums(
        cls, pair_count: int, point_count: int, total: float, squares: float, highest: float, by_axis: FloatArray
    ) -> Residuals:
        """Return the statistics of residuals with that sum, sum of squares and maximum."""
        x, y = np.sqrt(by_axis).tolist()
        count = int(point_count)
        if not count:
            nan = float("nan")
            return cls(pair_count, 0, nan, nan, nan, nan, (x, y))
        mean = float(total) / count
        square = float(squares) / count
        return cls(pair_count, count, mean, max(square - mean**2, 0.0) ** 0.5, square**0.5, float(highest), (x, y))

    @classmethod
    def joined(cls, parts: Sequence[Residuals]) -> Residuals:
        """Return the statistics of the residuals of all parts."""
        some = [part for part in parts if part.point_count]
        return cls.of_sums(
            sum(part.pair_count for part in parts),
            sum(part.point_count for part in some),
            sum(part.mean_px * part.point_count for part in some),
            sum(part.rms_px**2 * part.point_count for part in some),
            max((part.max_px for part in some), default=0.0),
            np.sum([np.square(part.error_px) for part in parts], axis=0),
        )

    def __str__(self) -> str:
        if not self.point_count:
            return "no residuals"
        return f"{self.mean_px:.3g} ± {self.sd_px:.3g} px, rms {self.rms_px:.3g}, max {self.max_px:.3g}"


class ResidualSums:
    """
    Sums of residuals per group, filled part by part.

    Parameters
    ----------
    count : int
        Number of groups.
    """

    def __init__(self, count: int) -> None:
        self._points, self._pairs, self._sum, self._squares, self._max = np.zeros((5, count))

    def add(
        self, group: IntArray, points: IntArray, sums: FloatArray, squares: FloatArray, highest: FloatArray
    ) -> None:
        """Add pairs (N,) of groups: numbers of points; sum, sum of squares and maximum of their residuals."""
        count = len(self._points)
        self._pairs += np.bincount(group, minlength=count)
        self._points += np.bincount(group, points, minlength=count)
        self._sum += np.bincount(group, sums, minlength=count)
        self._squares += np.bincount(group, squares, minlength=count)
        np.maximum.at(self._max, group, highest)

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of a table; NaN without points."""
        some = np.where(self._points > 0, self._points, np.nan)
        return {
            "pair_count": self._pairs.astype(np.int64),
            "point_count": self._points.astype(np.int64),
            "mean_px": self._sum / some,
            "rms_px": np.sqrt(self._squares / some),
            "max_px": np.where(self._points > 0, self._max, np.nan),
        }
