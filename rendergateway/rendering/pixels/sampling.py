"""Interpolation of image values, with the rounding of the service."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray

__all__ = ["EXACT_PIXELS", "Pixels", "nearest", "sampled_affine", "sampled_at", "sampled_exactly"]

Pixels = npt.NDArray[Any]

# Images up to this size are sampled in double precision, as in the service. Larger ones use OpenCV, whose single
# precision changes the grey level of one pixel in two hundred.
EXACT_PIXELS = 1 << 16

_FIXED_ONE = 256
# Pixel fractions that occur regularly: sixteenths, the positions of downsampled images.
_REGULAR = 16.0


def _whole(values: Pixels, dtype: npt.DTypeLike) -> Pixels:
    """Convert values to the dtype of an image; integers round half up."""
    if np.dtype(dtype).kind == "f":
        return values.astype(dtype)
    whole: Pixels = np.floor(values + 0.5).astype(dtype)
    return whole


def sampled_exactly(image: Pixels, x: FloatArray, y: FloatArray) -> Pixels:
    """
    Interpolate at *x*, *y* in double precision; 0 outside 0 ≤ x < width − 1 and 0 ≤ y < height − 1.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
    x, y : ndarray, shape (h, w)
        Positions in image pixels.
    """
    height, width = image.shape[:2]
    if min(height, width) < 2:
        return np.zeros((*x.shape, *image.shape[2:]), dtype=image.dtype)
    left, top = (np.clip(np.floor(at), 0, side - 2).astype(np.intp) for at, side in ((x, width), (y, height)))
    across, down = _beside(x - left, image), _beside(y - top, image)
    upper, lower = (
        image[row, left] + across * (image[row, left + 1].astype(np.float64) - image[row, left])
        for row in (top, top + 1)
    )
    valid = (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1)
    return _whole(np.where(_beside(valid, image), upper + down * (lower - upper), 0.0), image.dtype)


def _beside(plane: npt.NDArray[Any], image: Pixels) -> npt.NDArray[Any]:
    return plane[..., np.newaxis] if image.ndim == 3 else plane


def nearest(image: Pixels, x: FloatArray, y: FloatArray) -> Pixels:
    """Return the pixels nearest to *x*, *y*; positions outside are clamped to the border."""
    height, width = image.shape[:2]
    column, row = (
        np.clip(np.floor(np.add(at, 0.5)), 0, side - 1).astype(np.intp) for at, side in ((x, width), (y, height))
    )
    return np.asarray(image[row, column])


def sampled_affine(image: Pixels, local_from_picture: FloatArray, width: int, height: int) -> Pixels:
    """
    Interpolate at the positions of an affine grid.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
    local_from_picture : ndarray, shape (2, 3)
        From pixels of the grid to image pixels.
    width, height : int
        Size of the grid.
    """
    from rendergateway.rendering.base.opencv import cv2

    part, matrix = _needed(image, local_from_picture, width, height)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if part.dtype == np.uint8 and not _meets_halves(local_from_picture):
        return np.asarray(cv2.warpAffine(part, matrix, (width, height), flags=flags))
    # OpenCV rounds half to even; with a wider dtype, values can be rounded half up.
    byte = part.dtype == np.uint8
    wide = np.left_shift(part, 8, dtype=np.uint16) if byte else part.astype(np.float32, copy=False)
    if byte:
        wide += np.uint16(_FIXED_ONE // 2)
    warped = cv2.warpAffine(wide, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _upper_bytes(np.asarray(warped)) if byte else _whole(np.asarray(warped), image.dtype)


def _meets_halves(matrix: FloatArray) -> bool:
    """Whether positions are at regular pixel fractions, so that means of exactly one half are common."""
    parts = [_REGULAR * number for number in matrix.ravel().tolist()]
    return all(abs(part - round(part)) < 1e-6 for part in parts)


def _upper_bytes(values: Pixels) -> Pixels:
    """Return 16-bit values divided by 256, truncated."""
    from rendergateway.rendering.base.opencv import cv2

    if values.ndim == 2:
        upper = 1 if sys.byteorder == "little" else 0
        return np.asarray(cv2.extractChannel(values.view(np.uint8).reshape(*values.shape, 2), upper))
    upper_bytes: Pixels = (values >> 8).astype(np.uint8)
    return upper_bytes


def _needed(image: Pixels, matrix: FloatArray, width: int, height: int) -> tuple[Pixels, FloatArray]:
    """Return the part of *image* that the grid covers, and the affine into this part."""
    (left, right), (top, bottom) = (
        _reach(row, width, height, side) for row, side in zip(matrix.tolist(), image.shape[1::-1], strict=True)
    )
    return image[top:bottom, left:right], matrix - [[0, 0, left], [0, 0, top]]


def _reach(row: list[float], width: int, height: int, side: int) -> tuple[int, int]:
    """Return the range of pixels along one axis that the grid covers; at least one."""
    across, down, offset = row
    ends = [offset + x + y for x in (0.0, across * width) for y in (0.0, down * height)]
    first = min(max(math.floor(min(ends)) - 1, 0), side - 1)
    return first, min(max(math.ceil(max(ends)) + 2, first + 1), side)


def sampled_at(image: Pixels, x: Pixels, y: Pixels) -> Pixels:
    """
    Interpolate at *x*, *y* (float32, shape (h, w)), through OpenCV.

    8-bit values round half to even; with nonlinear maps exact halves hardly ever occur.
    """
    from rendergateway.rendering.base.opencv import cv2

    source = image if image.dtype == np.uint8 else image.astype(np.float32, copy=False)
    found = cv2.remap(source, x, y, cv2.INTER_LINEAR)
    return np.asarray(found) if image.dtype == np.uint8 else _whole(np.asarray(found), image.dtype)
