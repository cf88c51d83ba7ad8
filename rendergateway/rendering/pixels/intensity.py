"""Display values: stretching of intensities, background, opacity and grey levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["grey_of", "over_background", "stretched", "to_8bit", "unmultiplied"]

_BYTE = 255
_STEPS = 256.0
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
        Values displayed black and white. A minimum above the maximum counts as 0 … 255.

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
    low, high = _ordered(value_range)
    if (low, high) == (0.0, 0.0) and values.size:
        low, high = float(values.min()), float(values.max())
    span = high - low + 1.0 if values.dtype == np.uint16 else (high - low) or 1.0
    seen = (values.astype(np.float64) - low) * ((_STEPS if values.dtype == np.uint16 else _BYTE) / span) + 0.5
    clipped: npt.NDArray[np.uint8] = np.clip(np.trunc(seen), 0, _BYTE).astype(np.uint8)
    return clipped


def stretched(values: npt.NDArray[np.uint8], value_range: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Stretch 8-bit values, grey or colour, between those displayed black and white."""
    low, high = _ordered(value_range)
    return values if (low, high) == (0.0, float(_BYTE)) else _table(low, high)[values]


def _ordered(value_range: tuple[float, float]) -> tuple[float, float]:
    low, high = value_range
    return (0.0, float(_BYTE)) if low > high else (low, high)


def _table(low: float, high: float) -> npt.NDArray[np.uint8]:
    """Return the lookup table of stretched 8-bit values."""
    values = np.arange(_STEPS)
    low, high = np.floor(low + 0.5), np.floor(high + 0.5)
    between = np.trunc(_STEPS * (values - low) / max(high - low, 1.0))
    seen = np.where(values < low, 0, np.where(values > high, _BYTE, between))
    if low == high:
        seen = np.where(values < low, 0, _BYTE)
    return np.clip(seen, 0, _BYTE).astype(np.uint8)


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
