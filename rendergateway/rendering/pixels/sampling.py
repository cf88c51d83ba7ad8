"""Interpolation of image values, with the rounding of the service."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.base import opencv
from rendergateway.rendering.pixels.band import Band, Box
from rendergateway.rendering.pixels.places import SINGLE, AffinePlaces, MappedPlaces, Pixels, RoughPlaces

__all__ = ["Pixels", "bilinear", "nearest", "sampled"]

# Bound of the rounding errors of one interpolation in single precision and of a sum, relative to the largest value.
_ARITHMETIC = 10 * SINGLE
# If more values are doubtful, computing all of them exactly is faster.
_MOST_DOUBT = 0.1
_ALL_DOUBTFUL = math.inf, math.inf
# If more than one pixel in this many is doubtful, most lie halfway between two integers.
_TIED = 20
# OpenCV's limit for the sides of an image.
_MOST_SIDE = 1 << 15
_FEW_PIXELS = 1 << 15


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
    samples: list[Pixels] = [np.zeros((*size, *image.shape[2:]), dtype=image.dtype) for image in images]
    if interpolate and band.shift is not None:
        for sample, image in zip(samples, images, strict=True):
            _copy(sample, image, band.shift)
        doubtful = [_on_border(band)] * len(images)
    elif interpolate and band.halves is not None and all(image.dtype == np.uint8 for image in images):
        doubtful = [
            np.concatenate([_on_border(band), band.halves.set_values(sample, image)])
            for sample, image in zip(samples, images, strict=True)
        ]
    else:
        doubtful = _begun(samples, images, band, roughly=interpolate and _opencv_is_precise())
    for sample, image, number in zip(samples, images, doubtful, strict=True):
        many = image.dtype.kind == "f" or _TIED * len(number) > size[0] * size[1]
        compute = _nearest if not interpolate else _settled if many else _interpolated
        flat = sample.reshape(-1, *sample.shape[2:])
        for first in range(0, len(number), _FEW_PIXELS):
            some = number[first : first + _FEW_PIXELS]
            flat[some] = compute(image, band, *_pixels(band.box, some))
    return samples


def _begun(samples: list[Pixels], images: Sequence[Pixels], band: Band, *, roughly: bool) -> list[IntArray]:
    """Set *samples*, if *roughly* is set, to values in single precision; return which may be wrong, counted by row."""
    # Of the interval that contains a value, one end rounded is the sample, the other is here.
    others = [np.zeros_like(sample) for sample in samples]
    doubts = [_doubt(image, band.reach) if roughly and band.blocks else _ALL_DOUBTFUL for image in images]
    for number, block in enumerate(band.blocks):
        rough = band.rough(number) if roughly else None
        left, top = block.x - band.box.x, block.y - band.box.y
        part = slice(top, top + block.height), slice(left, left + block.width)
        for sample, other, image, doubt in zip(samples, others, images, doubts, strict=True):
            if rough is None or not _interpolate(sample[part], other[part], image, rough, doubt):
                other[part] = 1
    found = []
    for sample, other in zip(samples, others, strict=True):
        differs = sample != other
        found.append(np.flatnonzero(differs.any(axis=2) if differs.ndim == 3 else differs))
    return [np.concatenate([_on_border(band), number]) for number in found]


def _on_border(band: Band) -> IntArray:
    """Return the pixels that may be on a border of the image, counted by row."""
    x, y = band.border
    return np.asarray((y - band.box.y) * band.box.width + (x - band.box.x))


def _pixels(box: Box, number: IntArray) -> tuple[IntArray, IntArray]:
    """Return x and y of pixels of a box, counted by row."""
    y = number // box.width
    return number - y * box.width + box.x, y + box.y


def _copy(values: Pixels, image: Pixels, shift: tuple[int, int]) -> None:
    """Set *values* to the pixels of an image from (*x*, *y*) = *shift*."""
    (left, top), (height, width) = shift, image.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + values.shape[1]), min(height, top + values.shape[0])
    values[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]


def _doubt(image: Pixels, reach: tuple[int, int, int, int]) -> tuple[float, float]:
    """
    Return bounds of the errors of values in single precision: per source pixel of error, and of the arithmetic.

    *reach* are the first and last source column and row; all fractions are doubtful.
    """
    cv2 = opencv.cv2
    if image.dtype.kind == "f":
        return _ALL_DOUBTFUL
    left, top, right, bottom = reach
    part = image[top : bottom + 2, left : right + 2]
    pairs = (part[:, 1:], part[:, :-1]), (part[1:], part[:-1])
    # The change of value per pixel of distance along x and y together.
    steepest = sum(cv2.norm(one, other, cv2.NORM_INF) for one, other in pairs if one.size)
    return steepest, _ARITHMETIC * float(np.iinfo(image.dtype).max)


def _interpolate(values: Pixels, others: Pixels, image: Pixels, rough: RoughPlaces, doubt: tuple[float, float]) -> bool:
    """
    Set *values* and *others* to the two ends of the intervals that contain the exact values, rounded to integers.

    If they are equal, so is the exact value. Return whether it was done: not if too many would differ.
    """
    most = rough.error * doubt[0] + doubt[1]
    part = image[rough.top : rough.bottom + 2, rough.left : rough.right + 2]
    if not most <= _MOST_DOUBT or max(part.shape) >= _MOST_SIDE:
        return False
    found = rough.values(part.astype(np.float32))
    _round(found, most, values)
    _round(found, -most, others)
    return True


def _round(values: Pixels, shift: float, into: Pixels) -> None:
    """Set *into* to the integers nearest to *values* + *shift*, for values that are not negative."""
    cv2 = opencv.cv2
    if into.itemsize == 1:
        done = cv2.convertScaleAbs(values, dst=into, alpha=1.0, beta=shift)
        if done is not into:
            into[...] = done
    else:
        into[...] = np.rint(values + np.float32(shift))


def _interpolated(image: Pixels, band: Band, x: IntArray, y: IntArray) -> Pixels:
    """Return the values of some pixels of a band, integers, computed in double precision."""
    across, down = band.exact(x, y)
    halves = bilinear(image, across, down) + 0.5
    values = np.floor(halves)
    if band.tolerance:
        height, width = image.shape[:2]
        margin = 4.0 * band.tolerance * float(np.iinfo(image.dtype).max)
        above = halves - values
        tied = (above <= margin) | (above >= 1.0 - margin)
        again = tied.any(axis=1) if tied.ndim == 2 else tied
        for at, last in ((across, width - 1), (down, height - 1)):
            if not band.tolerance < at.min(initial=1.0) <= at.max(initial=0.0) < last - band.tolerance:
                again |= _is_near(at, band.tolerance, last)
        some = np.flatnonzero(again)
        if len(some):
            values[some] = np.floor(bilinear(image, *band.settled(x[some], y[some])) + 0.5)
    return values.astype(image.dtype)


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
    at, valid = top * width + left, None
    if not all(0 <= on.min(initial=0) <= on.max(initial=0) < side - 1 for on, side in ((left, width), (top, height))):
        valid = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
        at = np.where(valid, at, 0.0)
    index = at.astype(np.intp)
    across, down = x - left, y - top
    if image.ndim == 3:
        across, down = across[:, np.newaxis], down[:, np.newaxis]
    flat = image.reshape(-1, *image.shape[2:])
    upper_left, upper_right, lower_left, lower_right = (
        flat.take(index + step, axis=0, mode="clip").astype(np.float64) for step in (0, 1, width, width + 1)
    )
    upper = upper_left + across * (upper_right - upper_left)
    lower = lower_left + across * (lower_right - lower_left)
    values: FloatArray = upper + down * (lower - upper)
    if valid is not None:
        values[~valid] = 0.0
    return values


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
    # Sums of multiples of 1/1024 below 128 are not rounded.
    matrix = np.array([[1023, 51, 1100], [-97, 801, 9777]]) / 1024.0
    turned = np.indices((64, 64))[::-1].reshape(2, -1).T @ matrix[:, :2].T + matrix[:, 2]
    corners = 0, 0, 89, 69, 0.0
    ways = (AffinePlaces(*corners, matrix, (64, 64)), turned), (MappedPlaces(*corners, x_y), x_y.reshape(-1, 2))
    off = [
        np.abs(way.values(image.astype(np.float32)).ravel() - bilinear(image, *places.T.astype(np.float64))).max()
        for way, places in ways
    ]
    return bool(max(off) <= _ARITHMETIC * np.iinfo(image.dtype).max)
