"""Interpolation of image values, with the rounding of the service."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import SINGLE, Band, Box, Pixels, RoughPlaces

__all__ = ["Pixels", "bilinear", "nearest", "sampled"]

# Bound of the rounding errors of one interpolation in single precision and of a sum, relative to the largest value.
_ARITHMETIC = 10 * SINGLE
# If more values are doubtful, computing all of them exactly is faster.
_MOST_DOUBT = 0.1
# If more than one pixel in this many is doubtful, most lie halfway between two integers.
_TIED = 20
# OpenCV's limit for the sides of an image.
_MOST_SIDE = 1 << 15
_FEW_PIXELS = 1 << 14


def sampled(images: Sequence[Pixels], band: Band, *, interpolate: bool = True) -> list[Pixels]:
    """
    Return the values of images, all of one size, in a band.

    Values equal those computed in double precision. Integers are first interpolated by OpenCV in single precision;
    its error is bounded, and if it could change the rounded value, or a position may lie on either side of the
    border, the value is computed again.

    Parameters
    ----------
    images : sequence of ndarray, shape (H, W) or (H, W, 3)
    band : Band
    interpolate : bool
        Bilinear interpolation, 0 outside 0 ≤ x < width − 1 and 0 ≤ y < height − 1; otherwise the nearest pixel.

    Returns
    -------
    list of ndarray, shape (h, w) or (h, w, 3)
        In the types of the images; undefined for pixels outside of the shape.
    """
    size = band.box.height, band.box.width
    samples: list[Pixels] = [np.empty((*size, *image.shape[2:]), dtype=image.dtype) for image in images]
    doubtful: list[list[IntArray]] = [[band.border] for _ in images]
    if not interpolate:
        doubtful = [[_all_of(block) for block in band.blocks]] * len(images)
    elif band.shift is not None:
        for sample, image in zip(samples, images, strict=True):
            _copy(sample, image, band.shift)
    else:
        for number, block in enumerate(band.blocks):
            rough = band.rough(number) if _opencv_is_precise() else None
            left, top = block.x - band.box.x, block.y - band.box.y
            for sample, image, pixels in zip(samples, images, doubtful, strict=True):
                part = sample[top : top + block.height, left : left + block.width]
                some = None if rough is None or image.dtype.kind == "f" else _interpolate(part, image, rough)
                pixels.append(_all_of(block) if some is None else _pixels(block, some))
    for sample, image, pixels in zip(samples, images, doubtful, strict=True):
        many = _TIED * sum(part.shape[1] for part in pixels) > band.box.width * band.box.height
        compute = _nearest if not interpolate else _settled if many else _interpolated
        for x, y in _pieces(pixels):
            sample[y - band.box.y, x - band.box.x] = compute(image, band, x, y)
    return samples


def _pixels(box: Box, number: IntArray) -> IntArray:
    """Return x and y of pixels of a box, counted by row."""
    y, x = np.divmod(number, box.width)
    return np.stack([x + box.x, y + box.y])


def _all_of(box: Box) -> IntArray:
    """Return x and y of all pixels of a box."""
    return _pixels(box, np.arange(box.width * box.height))


def _pieces(pixels: list[IntArray]) -> list[IntArray]:
    """Return lists of pixels, x and y, joined and cut to pieces of similar numbers."""
    if not pixels:
        return []
    joined = np.concatenate(pixels, axis=1)
    return [joined[:, first : first + _FEW_PIXELS] for first in range(0, joined.shape[1], _FEW_PIXELS)]


def _copy(values: Pixels, image: Pixels, shift: tuple[int, int]) -> None:
    """Set *values* to the pixels of an image from (*x*, *y*) = *shift*."""
    (left, top), (height, width) = shift, image.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + values.shape[1]), min(height, top + values.shape[0])
    values[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]


def _interpolate(values: Pixels, image: Pixels, rough: RoughPlaces) -> IntArray | None:
    """
    Set *values* to those of integers, interpolated in single precision; return which may be wrong, counted by row.

    None if too many may be: then the values are not set.
    """
    part = image[rough.top : rough.bottom + 2, rough.left : rough.right + 2]
    if max(part.shape) >= _MOST_SIDE:
        return None
    doubt = rough.error * _steepest(part) + _ARITHMETIC * float(np.iinfo(image.dtype).max)
    if doubt > _MOST_DOUBT:
        return None
    found = _remapped(part, rough)
    # If both ends of the interval that contains the exact value are rounded to one number, so is the value.
    _round(found, doubt, values)
    least = np.empty_like(found, dtype=image.dtype)
    _round(found, -doubt, least)
    doubtful = values != least
    return np.flatnonzero(doubtful.any(axis=2) if image.ndim == 3 else doubtful)


def _round(values: Pixels, shift: float, into: Pixels) -> None:
    """Set *into* to the integers nearest to *values* + *shift*, for values that are not negative."""
    from rendergateway.rendering.base.opencv import cv2

    if into.dtype == np.uint8:
        done = cv2.convertScaleAbs(values, dst=into, alpha=1.0, beta=shift)
        if done is not into:
            into[...] = done
    else:
        into[...] = np.rint(values + np.float32(shift))


def _remapped(part: Pixels, rough: RoughPlaces) -> Pixels:
    """Return the values of *part* at some positions, in single precision; beyond its border, those of the border."""
    from rendergateway.rendering.base.opencv import cv2

    x_y, y = rough.x_y if isinstance(rough.x_y, tuple) else (rough.x_y, None)
    source = part.astype(np.float32)
    return np.asarray(cv2.remap(source, x_y, cast("Any", y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _steepest(part: Pixels) -> float:
    """Return a bound of the change of value per pixel of distance along x and y together."""
    from rendergateway.rendering.base.opencv import cv2

    pairs = (part[:, 1:], part[:, :-1]), (part[1:], part[:-1])
    return sum(cv2.norm(one, other, cv2.NORM_INF) for one, other in pairs if one.size)


def _interpolated(image: Pixels, band: Band, x: IntArray, y: IntArray) -> Pixels:
    """Return the values of some pixels of a band, computed in double precision."""
    from rendergateway.rendering.base.opencv import cv2

    across, down = band.exact(x, y)
    values = bilinear(image, across, down)
    if band.tolerance:
        height, width = image.shape[:2]
        again = _is_near(across, band.tolerance, width - 1) | _is_near(down, band.tolerance, height - 1)
        largest = float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else cv2.norm(image, cv2.NORM_INF)
        least, most = (_as_type(values + sign * 4.0 * band.tolerance * largest, image.dtype) for sign in (-1, 1))
        tied = least != most
        some = np.flatnonzero(again | (tied.any(axis=1) if tied.ndim == 2 else tied))
        if len(some):
            values[some] = bilinear(image, *band.settled(x[some], y[some]))
    return _as_type(values, image.dtype)


def _settled(image: Pixels, band: Band, x: IntArray, y: IntArray) -> Pixels:
    """Return the values of some pixels of a band as `_interpolated`, which is slower for values that are halfway."""
    return _as_type(bilinear(image, *band.settled(x, y)), image.dtype)


def _as_type(values: FloatArray, dtype: npt.DTypeLike) -> Pixels:
    """Return values as pixels: integers rounded half up, fractions in single precision."""
    found: Pixels = (np.floor(values + 0.5) if np.dtype(dtype).kind == "u" else values).astype(dtype)
    return found


def _is_near(values: FloatArray, tolerance: float, last: int) -> npt.NDArray[np.bool_]:
    """Whether values are near 0 or near *last*."""
    half = last / 2.0
    return np.asarray(np.abs(np.abs(values - half) - half) <= tolerance)


def _nearest(image: Pixels, band: Band, x: IntArray, y: IntArray) -> Pixels:
    """Return the nearest pixels of some pixels of a band."""
    across, down = band.exact(x, y)
    if band.tolerance:
        parts = [np.abs(at - np.floor(at) - 0.5) for at in (across, down)]
        halfway = np.flatnonzero(np.minimum(*parts) <= band.tolerance)
        if len(halfway):
            across[halfway], down[halfway] = band.settled(x[halfway], y[halfway])
    return nearest(image, across, down)


def bilinear(image: Pixels, x: FloatArray, y: FloatArray) -> FloatArray:
    """
    Interpolate at *x*, *y* in double precision; 0 outside 0 ≤ x < width − 1 and 0 ≤ y < height − 1.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
    x, y : ndarray, shape (N,)
        Positions in image pixels.

    Returns
    -------
    ndarray of float64, shape (N,) or (N, 3)
    """
    height, width = image.shape[:2]
    if min(height, width) < 2:
        return np.zeros((len(x), *image.shape[2:]))
    left, top = np.floor(x), np.floor(y)
    valid = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
    at = np.where(valid, top * width + left, 0.0).astype(np.intp)
    across, down = x - left, y - top
    if image.ndim == 3:
        across, down, valid = across[:, np.newaxis], down[:, np.newaxis], valid[:, np.newaxis]
    flat = image.reshape(-1, *image.shape[2:])
    upper_left, upper_right, lower_left, lower_right = (
        flat.take(at + step, axis=0).astype(np.float64) for step in (0, 1, width, width + 1)
    )
    upper = upper_left + across * (upper_right - upper_left)
    lower = lower_left + across * (lower_right - lower_left)
    return np.where(valid, upper + down * (lower - upper), 0.0)


def nearest(image: Pixels, x: FloatArray, y: FloatArray) -> Pixels:
    """Return the pixels nearest to *x*, *y*; positions outside are clamped to the border."""
    height, width = image.shape[:2]
    column, row = (
        np.clip(np.floor(np.add(at, 0.5)), 0, side - 1).astype(np.intp) for at, side in ((x, width), (y, height))
    )
    return np.asarray(image[row, column])


@functools.cache
def _opencv_is_precise() -> bool:
    """Whether this build of OpenCV interpolates as precisely as assumed, and not with coarse tables."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (70, 90), dtype=np.uint8)
    x_y = random.uniform(0, (89, 69), (64, 64, 2)).astype(np.float32)
    x, y = x_y.reshape(-1, 2).T.astype(np.float64)
    found = _remapped(image, RoughPlaces(x_y, 0, 0, 89, 69, 0.0)).ravel()
    return bool(np.abs(found - bilinear(image, x, y)).max() <= _ARITHMETIC * np.iinfo(image.dtype).max)
