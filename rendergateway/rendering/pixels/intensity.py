"""Display values: stretching of intensities, background, opacity and grey levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["grey_in_depth", "grey_of", "over_background", "stretched", "to_8bit", "unmultiplied", "window_of"]

_BYTE = 255
_STEPS = 256.0
_MOST_SHORT = 65535.0
_LEAST_INTEGER = -(2.0**31)
# Weights of red, green and blue in a grey level, in 1/256.
_LUMINANCE = (77, 150, 29)
# Fractional bits of Java's tables of products and quotients; the fixed-point values of 1/255 and 1/2.
_BITS = 24
_UNIT, _HALF = 0x10101, 1 << 23


def to_8bit(values: npt.NDArray[Any], value_range: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """
    Convert the values of a canvas to 8 bits.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32; colours are returned unchanged: they are stretched during drawing.
    value_range : (float, float)
        Values displayed black and white; (0, 0) is the range of *values*, unless they are uint8. A minimum above the
        maximum counts as 0 … 255 for uint8; for other types the result wraps around, as in the service.

    References
    ----------
    .. [1] ImageJ, ``ShortProcessor.setMinAndMax``, ``TypeConverter`` and ``FloatProcessor.create8BitImage``.

    Examples
    --------
    >>> import numpy
    >>> to_8bit(numpy.array([10, 60, 200], dtype=numpy.uint8), (20, 120)).tolist()
    [0, 102, 255]
    """
    if values.ndim == 3:
        return values
    if values.dtype == np.uint8:
        return stretched(values, value_range)
    low, high = window_of(values, value_range)
    steps, span = (_STEPS, high - low + 1.0) if values.dtype == np.uint16 else (float(_BYTE), high - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.maximum(values - low, 0.0) * np.divide(steps, span) + 0.5
    # Java truncates NaN to 0; of a number below 0, the last byte remains.
    whole = np.clip(np.trunc(np.nan_to_num(seen, nan=0.0)), _LEAST_INTEGER, _BYTE).astype(np.int64)
    return np.asarray(whole.astype(np.uint8))


def grey_in_depth(values: npt.NDArray[Any], value_range: tuple[float, float]) -> npt.NDArray[Any]:
    """
    Return grey values with the depth of a range: 8 bits if it ends below 256, else 16.

    Values of another depth are stretched; colours are averaged.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32.
    value_range : (float, float)
        Values displayed black and white.

    References
    ----------
    .. [1] ImageJ, ``TypeConverter``: 8 bits in 16 keep their values.
    """
    if values.ndim == 3:
        values = np.floor(values.astype(np.float64).sum(axis=2) / 3 + 0.5).astype(np.uint8)
    if value_range[1] < _STEPS:
        return to_8bit(values, value_range) if values.dtype != np.uint8 else values
    if values.dtype != np.float32:
        return values.astype(np.uint16)
    low, high = window_of(values, value_range)
    scaled = (values - low) * (_MOST_SHORT / (high - low) if high > low else 1.0) + 0.5
    return np.clip(scaled, 0, _MOST_SHORT).astype(np.uint16)


def window_of(values: npt.NDArray[Any], value_range: tuple[float, float]) -> tuple[float, float]:
    """Return the range that the service displays for an image of uint16 or float32."""
    low, high = value_range
    if low == high == 0.0:
        return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if values.dtype == np.uint16:
        return float(int(max(low, 0.0))), float(int(min(high, _MOST_SHORT)))
    return float(np.float32(low)), float(np.float32(high))


def stretched(values: npt.NDArray[np.uint8], value_range: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """
    Stretch 8-bit values, grey or colour, between those displayed black and white.

    References
    ----------
    .. [1] ImageJ, ``setMinAndMax`` of ``ByteProcessor`` and of ``ColorProcessor``: the limits of grey levels are
       rounded; of colours the lower one is truncated, but not their difference.
    """
    low, high = value_range
    if low > high or (low, high) == (0.0, float(_BYTE)):
        return values
    if values.ndim == 2:
        low, high = np.floor(low + 0.5), np.floor(high + 0.5)
        return _table(low, high - low)[values]
    return _table(np.trunc(low), high - low)[values]


def _table(low: float, span: float) -> npt.NDArray[np.uint8]:
    """Return the lookup table of 8-bit values stretched between *low* and *low* + *span*."""
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = _STEPS * (np.arange(_STEPS) - low) / span
    return np.clip(np.nan_to_num(seen, nan=0.0), 0, _BYTE).astype(np.uint8)


def over_background(
    pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], background: npt.NDArray[np.uint8] | int
) -> npt.NDArray[np.uint8]:
    """
    Composite 8-bit pixels over a background.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
    alpha : ndarray, shape (H, W)
    background : ndarray or int
        Same shape as *pixels*, or one grey level.
    """
    share = alpha[..., np.newaxis] if pixels.ndim == 3 else alpha
    above, below = _multiplied(pixels, share), _multiplied(np.asarray(background, dtype=np.uint8), _BYTE - share)
    filled: npt.NDArray[np.uint8] = above + below
    return filled


def unmultiplied(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return 8-bit pixels multiplied and divided by their opacity, with the rounding errors of Java."""
    partly = alpha < _BYTE
    opacity = alpha[partly][:, np.newaxis] if pixels.ndim == 3 else alpha[partly]
    left = pixels.copy()
    left[partly] = _divided(_multiplied(pixels[partly], opacity), opacity)
    return left


def _multiplied(values: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return values · share / 255, rounded."""
    product = values.astype(np.uint32) * share
    return ((product * _UNIT + _HALF) >> _BITS).astype(np.uint8)


def _divided(values: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return values · 255 / share, rounded like Java's table: sometimes down at one half."""
    wide = share.astype(np.int64)
    step = (_BYTE * 2**_BITS + wide // 2) // np.maximum(wide, 1)
    quotient = (values * step + _HALF) >> _BITS
    return np.where(values >= share, np.where(share > 0, _BYTE, 0), quotient).astype(np.uint8)


def grey_of(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the luminance of colours (H, W, 3); grey levels are unchanged."""
    if pixels.ndim == 2:
        return pixels
    weighted = (pixels.astype(np.uint32) * np.array(_LUMINANCE, dtype=np.uint32)).sum(axis=2)
    grey: npt.NDArray[np.uint8] = ((weighted + 128) >> 8).astype(np.uint8)
    return grey
