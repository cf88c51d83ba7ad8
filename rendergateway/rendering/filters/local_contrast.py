"""Local contrast normalization by mean and standard deviation of blocks."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, by_plane, rounded

__all__ = ["NormalizeLocalContrast"]

_FEW_ROWS = 128


@attrs.frozen
class NormalizeLocalContrast(Filter):
    """
    Centre and stretch each pixel by mean and standard deviation of the block around it.

    Parameters
    ----------
    block_radius_x, block_radius_y : int
    mean_factor : float
        Standard deviations between the middle of the window and its ends.
    center, stretch : bool

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``NormalizeLocalContrast``.
    """

    block_radius_x: int
    block_radius_y: int
    mean_factor: float
    center: bool
    stretch: bool

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        if not (self.center or self.stretch):
            return pixels
        radii = context.radius(self.block_radius_x), context.radius(self.block_radius_y)
        if min(radii) < 0:
            raise FilterError(f"negative block radius of NormalizeLocalContrast: got {radii}; use 0 or more")
        limits = context.limits(pixels)
        return by_plane(lambda plane: self._of_plane(plane, *radii, limits), pixels)

    def _of_plane(self, plane: Pixels, radius_x: int, radius_y: int, limits: tuple[float, float]) -> Pixels:
        height, width = plane.shape
        values = plane.astype(np.float32)
        squares = (values * values).astype(np.float64)
        # The service rounds squares to single precision, except in the first column.
        squares[:, 0] = values[:, 0].astype(np.float64) ** 2
        sums, square_sums = _integral(values), _integral(squares)
        left, right = _reach(width, radius_x)
        top, bottom = _reach(height, radius_y)
        result = np.empty_like(plane)
        for start in range(0, height, _FEW_ROWS):
            rows = slice(start, start + _FEW_ROWS)
            blocks = _Blocks(top[rows], bottom[rows], left, right)
            seen = self._seen(values[rows].astype(np.float64), blocks, sums, square_sums, limits)
            result[rows] = rounded(seen.astype(np.float32), plane.dtype)
        return result

    def _seen(
        self,
        values: FloatArray,
        blocks: _Blocks,
        sums: FloatArray,
        square_sums: FloatArray,
        limits: tuple[float, float],
    ) -> FloatArray:
        low, high = limits
        length, middle = high - low, (high - low) / 2 + low
        total, count = blocks.sum(sums), blocks.count
        mean: FloatArray = total * (1.0 / count)
        if not self.stretch:
            return values - mean + middle
        squares = blocks.sum(square_sums)
        variance = 1.0 / (count - 1) * squares - 1.0 / (count * count - count) * total * total
        reach = float(np.float32(self.mean_factor)) * np.sqrt(np.where(variance < 0, 0.0, variance))
        if self.center:
            return (values - (mean - reach)) / 2 / reach * length + low
        stretched: FloatArray = (values - middle) / 2 / reach * length + middle
        return stretched


@attrs.frozen(eq=False)
class _Blocks:
    """The blocks around the pixels of some rows: first row and column, and those after the last."""

    top: npt.NDArray[np.intp]
    bottom: npt.NDArray[np.intp]
    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]

    @property
    def count(self) -> FloatArray:
        """Number of pixels of each block."""
        return np.outer(self.bottom - self.top, self.right - self.left).astype(np.float64)

    def sum(self, integral: FloatArray) -> FloatArray:
        """Return the sum over each block, in the order of additions of the service."""
        above, below = integral[self.top], integral[self.bottom]
        total: FloatArray = above[:, self.left] + below[:, self.right] - above[:, self.right] - below[:, self.left]
        return total


def _integral(values: npt.NDArray[np.floating]) -> FloatArray:
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    inner = table[1:, 1:]
    np.cumsum(values, axis=1, dtype=np.float64, out=inner)
    np.cumsum(inner, axis=0, out=inner)
    return table


def _reach(length: int, radius: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    at = np.arange(length)
    return np.maximum(at - radius, 0), np.minimum(at + radius + 1, length)
