"""From the values of a canvas to what is seen: windows of grey levels, colours, background."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["grey_of", "over_background", "stretched", "to_8bit", "unmultiplied"]

_BYTE = 255
_STEPS = 256.0
# Shares of red, green and blue in a grey level, of 256.
_LUMINANCE = (77, 150, 29)
# Java's tables of products and quotients hold fractions of so many bits; one 255th, and a half, among them.
_BITS = 24
_UNIT, _HALF = 0x10101, 1 << 23


def to_8bit(values: npt.NDArray[Any], value_range: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """
    Return the values of a canvas as 8-bit ones.

    Parameters
    ----------
    values : ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32; colours come back as they are: they are stretched while they are drawn.
    value_range : (float, float)
        Values drawn black and white. A minimum above the maximum counts as 0 … 255.

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
    """Return 8-bit values, grey or coloured, stretched between those shown black and white."""
    low, high = _ordered(value_range)
    return values if (low, high) == (0.0, float(_BYTE)) else _table(low, high)[values]


def _ordered(value_range: tuple[float, float]) -> tuple[float, float]:
    low, high = value_range
    return (0.0, float(_BYTE)) if low > high else (low, high)


def _table(low: float, high: float) -> npt.NDArray[np.uint8]:
    """Return what becomes of each 8-bit value."""
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
    Return 8-bit pixels with what is transparent filled.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
    alpha : ndarray, shape (H, W)
    background : ndarray or int
        Of the shape of *pixels*, or one grey level.
    """
    share = alpha[..., np.newaxis] if pixels.ndim == 3 else alpha
    above, below = _multiplied(pixels, share), _multiplied(np.asarray(background, dtype=np.uint8), _BYTE - share)
    filled: npt.NDArray[np.uint8] = above + below
    return filled


def unmultiplied(pixels: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return 8-bit pixels multiplied by their opacity and divided by it again: what Java leaves of transparent ones."""
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
    """Return values · 255 / share, rounded by steps as Java's table is: a half is not always enough."""
    wide = share.astype(np.int64)
    step = (_BYTE * 2**_BITS + wide // 2) // np.maximum(wide, 1)
    quotient = (values * step + _HALF) >> _BITS
    return np.where(values >= share, np.where(share > 0, _BYTE, 0), quotient).astype(np.uint8)


def grey_of(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return colours (H, W, 3) as grey levels, by how bright they look; grey levels as they are."""
    if pixels.ndim == 2:
        return pixels
    weighted = (pixels.astype(np.uint32) * np.array(_LUMINANCE, dtype=np.uint32)).sum(axis=2)
    grey: npt.NDArray[np.uint8] = ((weighted + 128) >> 8).astype(np.uint8)
    return grey
