"""Resizing of display values, as Java2D draws a scaled image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["resized"]

# Java2D weighs the four neighbours in 1/256.
_BITS = 8


def resized(pixels: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[Any]:
    """
    Return an image at another size: four neighbours are interpolated, however much smaller it becomes.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        uint8 or uint16.
    width, height : int
        New size in pixels.

    References
    ----------
    .. [1] OpenJDK, ``TransformHelper.c``, bilinear interpolation: positions are those of pixel centres, weights are
       truncated to 8 bits, beyond the border are the pixels of the border.

    Examples
    --------
    >>> import numpy
    >>> resized(numpy.array([[0, 100, 200, 100]], dtype=numpy.uint8), 2, 1).tolist()
    [[50, 150]]
    """
    (top, bottom, down), (left, right, across) = (
        _neighbours(side, new) for side, new in zip(pixels.shape[:2], (height, width), strict=True)
    )
    values: npt.NDArray[Any] = pixels.astype(np.int64)
    shape = [(-1, 1, 1), (1, -1, 1)] if pixels.ndim == 3 else [(-1, 1), (1, -1)]
    down, across = down.reshape(shape[0]), across.reshape(shape[1])
    upper, lower = (
        (values[row][:, left] << _BITS) + (values[row][:, right] - values[row][:, left]) * across
        for row in (top, bottom)
    )
    found: npt.NDArray[Any] = ((upper << _BITS) + (lower - upper) * down + (1 << 2 * _BITS - 1)) >> 2 * _BITS
    return found.astype(pixels.dtype)


def _neighbours(side: int, new: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the pixels before and after each new one, and the weight of the latter."""
    position = (np.arange(new) + 0.5) * (side / new) - 0.5
    before = np.floor(position)
    weight = np.floor((position - before) * 2**_BITS).astype(np.int64)
    first = before.astype(np.int64)
    return first.clip(0, side - 1), (first + 1).clip(0, side - 1), weight
