"""Subtraction of a smooth background."""

from __future__ import annotations

import math

import attrs
import numpy as np

from rendergateway.errors import FilterError
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, grey_only, to_int
from rendergateway.rendering.filters.rank import median
from rendergateway.rendering.filters.smoothing import blurred, mirrored, resized

__all__ = ["BackgroundCorrectionFilter"]

_BYTE = 255
_ACCURACY = 2e-4


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
    smooth_method: str = attrs.field(converter=str.upper, validator=_known_method)

    def apply(self, pixels: Pixels, context: FilterContext) -> Pixels:
        values = grey_only(self, pixels).astype(np.float32)
        factor = self.down_sampling_factor / context.scale
        height, width = pixels.shape
        radius = self.radius * factor
        small_width, small_height = int(factor * width), int(factor * height)
        if small_width < 2 or small_height < 2 or not radius >= 0:
            raise FilterError(
                f"image too small for BackgroundCorrectionFilter: got {width} × {height} pixels, reduced to "
                f"{small_width} × {small_height} with radius {radius:g}; use a larger downSamplingFactor"
            )
        margin = math.ceil(radius)
        small = mirrored(resized(values, small_width, small_height), margin)
        smooth = blurred(small, radius, _ACCURACY) if self.smooth_method == "GAUSSIAN" else median(small, radius)
        inner = smooth[margin : margin + small_height, margin : margin + small_width]
        difference = values - resized(np.ascontiguousarray(inner), width, height)
        low, high = difference.min(), difference.max()
        with np.errstate(divide="ignore", invalid="ignore"):
            return to_int((difference - low) * _BYTE / (high - low) + 0.5).astype(pixels.dtype)
