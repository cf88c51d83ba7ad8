"""Noise in the place of one value."""

from __future__ import annotations

import attrs
import numpy as np

from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, half_up

__all__ = ["ValueToNoise"]


@attrs.frozen
class ValueToNoise(Filter):
    """
    Replace one value by uniform noise.

    Parameters
    ----------
    value : float
        In images of fractions, NaN selects NaN; in colour images, it is the packed pixel.
    min, max : float
        Range of the noise, inclusive for integers; a minimum above the maximum changes nothing.
    """

    value: float
    min: float
    max: float

    @property
    def is_repeatable(self) -> bool:
        """No: the noise is new each time."""
        return False

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        changed = pixels.copy()
        if pixels.dtype.kind == "f":
            there = np.isnan(pixels) if np.isnan(self.value) else pixels == np.float32(self.value)
            changed[there] = context.random.uniform(0.0, 1.0, int(there.sum())) * (self.max - self.min) + self.min
            return changed
        value, least, most = map(half_up, (self.value, self.min, self.max))
        if most < least:
            return pixels
        there = _packed(pixels) == value if pixels.ndim == 3 else pixels == value
        drawn = context.random.integers(least, most, (int(there.sum()), *pixels.shape[2:]), endpoint=True)
        # Values too large for the type keep their low bits.
        changed[there] = (drawn & np.iinfo(pixels.dtype).max).astype(pixels.dtype)
        return changed


def _packed(pixels: Pixels) -> Pixels:
    """Return colours as 0xRRGGBB."""
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), 2, 0)
    packed: Pixels = red << 16 | green << 8 | blue
    return packed
