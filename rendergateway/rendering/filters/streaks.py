"""Removal of streaks by a mask in the frequency domain."""

from __future__ import annotations

import re
from typing import ClassVar

import attrs
import numpy as np

from rendergateway.errors import FilterError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import parse_double
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, grey_only, rounded
from rendergateway.rendering.filters.smoothing import blurred, mirrored

__all__ = [
    "ConfigurableMaskStreakCorrector",
    "ConfigurableMaskStreakExtractor",
    "LocalConfigurableMaskStreakCorrector",
    "LocalSmoothMaskStreakCorrector",
    "SmoothMaskStreakCorrector",
]

_BYTE = 255
_ACCURACY = 2e-4
_LEAST_MARGIN = 12
_LARGEST = 10_000
# Lengths of the service's prime-factor transform that are faster than all longer ones up to twice their size.
_FAST = (
    12, 15, 16, 18, 20, 24, 28, 30, 36, 40, 45, 48, 60, 72, 80, 84, 90, 105, 120, 126, 144, 168, 180, 210, 240, 252,
    280, 315, 360, 420, 440, 504, 560, 630, 720, 840, 880, 1008, 1040, 1260, 1320, 1386, 1680, 1848, 1980, 2520, 2640,
    2772, 3080, 3120, 3276, 3465, 3696, 3960, 4095, 4368, 4620, 5040, 5544, 6160, 6552, 6930, 7280, 7920, 8190, 9240,
    9360, 10920, 11088, 11440, 12012, 13104, 13860, 16380, 18480, 21840, 24024, 27720, 32760, 34320, 36036, 40040,
    45045, 48048, 55440, 60060, 65520, 72072, 80080, 90090,
)  # fmt: skip


def _numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a data string; the first two are positive integers."""
    words = text.split(",")
    try:
        numbers = tuple(parse_double(word) for word in words)
        if not all(re.fullmatch("[1-9][0-9]{0,8}", word) for word in words[:2]) or not np.isfinite(numbers).all():
            raise ValueError(text)
        return numbers
    except ValueError as error:
        raise FilterError("dataString must have pattern <fftWidth>,<fftHeight>,…") from error


def _above_0(name: str, value: float) -> None:
    if not 0 < value <= _LARGEST:
        raise FilterError(f"{name} of a streak corrector must be above 0 and at most {_LARGEST}: got {value:g}")


def _complete(instance: _StreakCorrector, attribute: object, value: tuple[float, ...]) -> None:
    if not instance.is_complete(len(value)):
        raise FilterError(f"dataString must have pattern {instance.PATTERN}")


@attrs.frozen
class _StreakCorrector(Filter):
    PATTERN: ClassVar[str]

    data_string: tuple[float, ...] = attrs.field(converter=_numbers, validator=_complete)

    def is_complete(self, count: int) -> bool:
        """Whether a data string may have so many numbers."""
        return count == self.PATTERN.count(",") + 1

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        if context.scale != 1:
            raise FilterError("this filter only supports full scale images")
        if grey_only(self, pixels).dtype.kind == "f":
            raise FilterError(f"{type(self).__name__} needs an image of integers: got fractions; use another filter")
        return self._of_integers(pixels)

    def _of_integers(self, pixels: Pixels) -> Pixels:
        return self._corrected(pixels)

    def _corrected(self, pixels: Pixels) -> Pixels:
        raise NotImplementedError

    def _band(self, values: FloatArray) -> FloatArray:
        """Return the part of an image that passes the mask."""
        height, width = values.shape
        wide, high = 2 * _fast((_enlarged(width) + 1) // 2), _fast(_enlarged(height))
        mask_width, mask_height = (int(number) for number in self.data_string[:2])
        if (mask_width, mask_height) != (wide // 2 + 1, high):
            raise FilterError(
                f"mask is hard-coded for an FFT size of {mask_width} x {mask_height} but requested FFT size is "
                f"{wide // 2 + 1} x {high}"
            )
        left, top = (wide - width) // 2, (high - height) // 2
        extended = np.pad(values, ((top, high - height - top), (left, wide - width - left)), mode="reflect")
        extended *= np.outer(_fade(height, top, high), _fade(width, left, wide))
        # The mask has frequency 0 in its last column and middle row.
        mask = np.roll(self._mask(mask_width, mask_height)[:, ::-1], -(high // 2), axis=0)
        passed = np.fft.irfft2(np.fft.rfft2(extended) * mask, s=(high, wide))
        band: FloatArray = passed[top : top + height, left : left + width]
        return band

    def _mask(self, width: int, height: int) -> FloatArray:
        raise NotImplementedError


def _enlarged(length: int) -> int:
    return max(int(np.floor(1.25 * length + 0.5)), length + _LEAST_MARGIN)


def _fast(length: int) -> int:
    found = next((fast for fast in _FAST if fast >= length), None)
    if found is None:
        raise FilterError(f"image too large for streak correction: got {length} pixels, the limit is {_FAST[-1]}")
    return found


def _fade(length: int, before: int, extended: int) -> FloatArray:
    """Return factors that are 1 inside and fall to 0 outside of the image."""
    reach = max(6, int(np.floor(length / 4 + 0.5)) // 2)
    at = np.arange(extended) - before
    distance = np.where(at < 0, -at - 1, at - length)
    falling = (1 - 10.0 ** -(1 - distance / (reach - 1))) * (1 + 1 / 9)
    factors: FloatArray = np.where(distance < 0, 1.0, np.where(distance < reach, falling, 0.0))
    return factors


# -- masks -----------------------------------------------------------------------------------------------------------


@attrs.frozen
class SmoothMaskStreakCorrector(_StreakCorrector):
    """
    Suppress a band of frequencies that ends smoothly.

    Parameters
    ----------
    data_string : str
        Size of the mask, inner cutoff, width of the band, angle in degrees.
    """

    PATTERN = "<fftWidth>,<fftHeight>,<innerCutoff>,<bandWidth>,<angle>"

    def _corrected(self, pixels: Pixels) -> Pixels:
        return rounded(self._band(pixels.astype(np.float64)), pixels.dtype)

    def _mask(self, width: int, height: int) -> FloatArray:
        cutoff, band, degrees = self.data_string[2:5]
        _above_0("innerCutoff", cutoff)
        _above_0("bandWidth", band)
        angle_rad = np.radians(degrees)
        y, x = np.ogrid[:height, :width]
        x, y = x - width + 1.0, y - (height - 1) / 2
        along = x * np.cos(angle_rad) - y * np.sin(angle_rad)
        across = x * np.sin(angle_rad) + y * np.cos(angle_rad)
        mask: FloatArray = 1 - (1 - np.exp(-(along**2) / (2 * cutoff**2))) * np.exp(-(across**2) / (2 * band**2))
        return mask


@attrs.frozen
class ConfigurableMaskStreakCorrector(_StreakCorrector):
    """
    Suppress rectangles of frequencies, in 8-bit images.

    Parameters
    ----------
    data_string : str
        Size of the mask, margin of the rectangles in x and y, then x, y, width and height of each.
    """

    PATTERN = "<fftWidth>,<fftHeight>,<extraX>,<extraY>,<x>,<y>,<w>,<h>[,<x>,<y>,<w>,<h>]..."
    LAST: ClassVar[int | None] = None

    def is_complete(self, count: int) -> bool:
        """Whether a data string may have so many numbers."""
        count += self.LAST or 0
        return count >= 8 and count % 4 == 0

    def _of_integers(self, pixels: Pixels) -> Pixels:
        if pixels.dtype != np.uint8:
            raise FilterError(f"{type(self).__name__} needs an 8-bit image: got {pixels.dtype}; use another filter")
        return super()._of_integers(pixels)

    def _corrected(self, pixels: Pixels) -> Pixels:
        mean = pixels.mean()
        uneven = self._band(np.ones(pixels.shape)) * mean - mean
        return rounded(self._band(pixels.astype(np.float64)) - uneven, pixels.dtype)

    def _mask(self, width: int, height: int) -> FloatArray:
        mask = np.ones((height, width))
        extra_x, extra_y, *sides = (int(number) for number in self.data_string[2 : self.LAST])
        for x, y, w, h in zip(*[iter(sides)] * 4, strict=True):
            rows = slice(max(y - extra_y, 0), max(y + h + extra_y, 0))
            mask[rows, max(x - extra_x, 0) : max(x + w + extra_x, 0)] = 0
        return mask


@attrs.frozen
class ConfigurableMaskStreakExtractor(ConfigurableMaskStreakCorrector):
    """Show what `ConfigurableMaskStreakCorrector` would remove, stretched to 0 … 255."""

    def _of_integers(self, pixels: Pixels) -> Pixels:
        removed = pixels.astype(np.float64) - super()._of_integers(pixels)
        low, high = removed.min(), removed.max()
        return rounded((removed - low) * (_BYTE / (high - low or 1.0)), pixels.dtype)


# -- where streaks are -----------------------------------------------------------------------------------------------


def _only_there(pixels: Pixels, corrected: Pixels, radius: int, first: float, second: float) -> Pixels:
    """Return the corrected pixels near large corrections, and the others as they were."""
    _above_0("blurRadius", radius)
    weight = np.abs(pixels.astype(np.float32) - corrected.astype(np.float32))
    weight = mirrored(weight, radius)
    for threshold in (first, second):
        weight = blurred((weight > threshold).astype(np.float32), radius, _ACCURACY)
    weight = weight[radius : radius + len(pixels), radius : radius + pixels.shape[1]]
    return (corrected * weight + pixels * (1 - weight)).astype(pixels.dtype)


@attrs.frozen
class LocalSmoothMaskStreakCorrector(SmoothMaskStreakCorrector):
    """`SmoothMaskStreakCorrector` where its corrections are large; adds blur radius and two thresholds."""

    PATTERN = f"{SmoothMaskStreakCorrector.PATTERN},<blurRadius>,<initialThreshold>,<finalThreshold>"

    def _of_integers(self, pixels: Pixels) -> Pixels:
        radius, first, second = self.data_string[-3:]
        return _only_there(pixels, super()._of_integers(pixels), int(radius), first, second)


@attrs.frozen
class LocalConfigurableMaskStreakCorrector(ConfigurableMaskStreakCorrector):
    """`ConfigurableMaskStreakCorrector` where its corrections are large; adds blur radius and two thresholds."""

    PATTERN = f"{ConfigurableMaskStreakCorrector.PATTERN},<blurRadius>,<initialThreshold>,<finalThreshold>"
    LAST = -3

    def _of_integers(self, pixels: Pixels) -> Pixels:
        radius, first, second = self.data_string[-3:]
        return _only_there(pixels, super()._of_integers(pixels), int(radius), first, second)
