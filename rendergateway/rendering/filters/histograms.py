"""Histogram equalization of a whole image."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels

__all__ = ["EqualizeHistogram", "grey_mean"]


@attrs.frozen
class EqualizeHistogram(Filter):
    """
    Equalize the square roots of the histogram; images of fractions are unchanged.

    Parameters
    ----------
    saturated_pixels : float
        Required, without effect.

    References
    ----------
    .. [1] ImageJ, ``ContrastEnhancer.equalize``.
    """

    saturated_pixels: float

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        if pixels.dtype.kind == "f":
            return pixels
        table = _table(np.bincount(grey_mean(pixels).ravel(), minlength=np.iinfo(pixels.dtype).max + 1))
        return table.astype(pixels.dtype)[pixels]


def _table(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the new value of each grey level."""
    most = len(histogram) - 1
    weights = np.sqrt(histogram)
    # Each level is mapped to the middle of its weight; the ends count once.
    halves = np.repeat(weights, 2)[1:-1]
    running = np.cumsum(halves)
    table: npt.NDArray[np.float64] = np.zeros(most + 1)
    table[1:most] = np.floor(running[1:-1:2] * (most / running[-1]) + 0.5)
    table[most] = most
    return table


def grey_mean(pixels: Pixels) -> Pixels:
    """Return the rounded mean of red, green and blue; grey images are unchanged."""
    if pixels.ndim == 2:
        return pixels
    mean: Pixels = ((pixels.sum(axis=2, dtype=np.uint16) + 1) // 3).astype(np.uint8)
    return mean
