"""Subtraction of a smooth background."""

from __future__ import annotations

import math

import attrs
import numpy as np

from rendergateway.errors import FilterError
from rendergateway.number_text import truncated
from rendergateway.rendering.base.recipe import MOST_PIXELS
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, grey_only, to_int
from rendergateway.rendering.filters.rank import median
from rendergateway.rendering.filters.smoothing import blurred, mirrored, resized

__all__ = ["BackgroundCorrectionFilter"]

_BYTE = 255
_ACCURACY = 2e-4


def _upper(text: str) -> str:
    return text.upper()


def _known_method(instance: object, attribute: object, value: str) -> None:
    if value not in ("GAUSSIAN", "MEDIAN"):
        raise FilterError(f"Unknown smooth method: {value}")


@attrs.frozen
class BackgroundCorrectionFilter(Filter):
    """
    Subtract the smoothed image, and stretch the difference to 0 … 255, whatever the type of the pixels.

    Parameters
    ----------
    radius : float
        Of the smoothing.
    down_sampling_factor : float
        Size of the image that is smoothed.
    smooth_method : str
        GAUSSIAN or MEDIAN, in any case.
    """

    radius: float
    down_sampling_factor: float
    smooth_method: str = attrs.field(converter=_upper, validator=_known_method)

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        values = grey_only(self, pixels).astype(np.float32)
        factor = self.down_sampling_factor / context.scale
        height, width = pixels.shape
        radius = self.radius * factor
        small_width, small_height = truncated(factor * width), truncated(factor * height)
        margin = math.ceil(radius) if 0 <= radius < MOST_PIXELS else MOST_PIXELS
        area = (small_width + 2 * margin) * (small_height + 2 * margin)
        if min(width, height, small_width, small_height) < 2 or area > MOST_PIXELS:
            raise FilterError(
                f"background of BackgroundCorrectionFilter too small or too large: got {small_width} × {small_height} "
                f"pixels with radius {radius:g}; change radius and downSamplingFactor"
            )
        small = mirrored(resized(values, small_width, small_height), margin)
        smooth = blurred(small, radius, _ACCURACY) if self.smooth_method == "GAUSSIAN" else median(small, radius)
        inner = smooth[margin : margin + small_height, margin : margin + small_width]
        difference = values - resized(np.ascontiguousarray(inner), width, height)
        low, high = difference.min(), difference.max()
        return to_int((difference - low) * _BYTE / (high - low) + 0.5).astype(pixels.dtype)
