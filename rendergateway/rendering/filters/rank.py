"""Mean, minimum, maximum, variance and median of the disk around each pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.base.threads import side_by_side
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, by_plane, rounded

__all__ = ["Rank", "median"]

_BAND_BYTES = 1 << 21
# Pixels of a disk whose median is found by comparisons of whole images.
_FEW = 257
_NEARLY = 1e-10
_LARGEST_RADIUS = 100


def _known_type(instance: Rank, attribute: attrs.Attribute[int], value: int) -> None:
    if not 0 <= value < len(_WORK):
        raise FilterError(f"'filterType' parameter must be between 0 and {len(_WORK) - 1} (inclusive)")


@attrs.frozen
class Rank(Filter):
    """
    Replace each pixel by a statistic of the disk around it; pixels outside of the image are those of its edge.

    Parameters
    ----------
    radius : float
        Rounded; a radius of 0 is a plus of five pixels.
    filter_type : int
        0 mean, 1 minimum, 2 maximum, 3 variance, 4 median.

    References
    ----------
    .. [1] ImageJ, ``RankFilters``.
    """

    radius: float
    filter_type: int = attrs.field(validator=_known_type)

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        disk = _Disk(context.radius(self.radius))
        work = _WORK[self.filter_type]
        return by_plane(lambda plane: rounded(work(plane, disk), plane.dtype), pixels)


def median(plane: Pixels, radius: float) -> Pixels:
    """Return the median of the disk around each pixel; a fraction of a radius counts."""
    return _median(plane, _Disk(radius))


class _Disk:
    """The pixels within a radius: half widths of the rows, from the middle row out."""

    def __init__(self, radius: float) -> None:
        if abs(radius) > _LARGEST_RADIUS:
            raise FilterError(f"radius of Rank too large: got {radius:g} pixels; use at most {_LARGEST_RADIUS}")
        # Two ranges of radii count as their upper ends, so that the disks 1.5 and 2.5 look round.
        for low, high in ((1.5, 1.75), (2.5, 2.85)):
            radius = high if low <= radius < high else radius
        square = int(radius * radius) + 1
        self.reach = int(math.sqrt(square + _NEARLY))
        self.half_widths = [int(math.sqrt(square - row * row + _NEARLY)) for row in range(self.reach + 1)]

    @property
    def rows(self) -> list[tuple[int, int]]:
        """Offset and half width of each row."""
        return [(row, self.half_widths[abs(row)]) for row in range(-self.reach, self.reach + 1)]

    @property
    def size(self) -> int:
        """Number of pixels."""
        return sum(2 * half_width + 1 for _, half_width in self.rows)

    @property
    def kernel(self) -> npt.NDArray[np.uint8]:
        """The disk as an array of 0 and 1."""
        kernel = np.zeros((2 * self.reach + 1,) * 2, dtype=np.uint8)
        for row, half_width in self.rows:
            kernel[row + self.reach, self.reach - half_width : self.reach + half_width + 1] = 1
        return kernel


def _in_bands(
    plane: Pixels, disk: _Disk, pixel_bytes: int, work: Callable[[Pixels], npt.NDArray[Any]]
) -> npt.NDArray[Any]:
    """Return *work* of bands of rows, with the margin that the disk needs; it takes some memory per pixel."""
    padded = np.pad(plane, disk.reach, mode="edge")
    height, width = plane.shape
    rows = max(1, _BAND_BYTES // (pixel_bytes * width))
    tops = range(0, height, rows)
    bands = [padded[top : min(top + rows, height) + 2 * disk.reach] for top in tops]

    def run(band: Pixels) -> npt.NDArray[Any]:
        with np.errstate(all="ignore"):  # of this thread
            return work(band)

    return np.concatenate(side_by_side(run, bands))


def _sums(band: FloatArray, disk: _Disk) -> FloatArray:
    """Return the sum over the disk around each pixel of a band."""
    if not np.isfinite(band).all():
        total = _sums(np.where(np.isfinite(band), band, 0.0), disk)
        for value, there in ((np.nan, np.isnan(band)), (np.inf, band == np.inf), (-np.inf, band == -np.inf)):
            total[_sums(there.astype(np.float64), disk) > 0.5] += value
        return total
    height, width = (side - 2 * disk.reach for side in band.shape)
    running = np.zeros((band.shape[0], band.shape[1] + 1))
    np.cumsum(band, axis=1, out=running[:, 1:])
    total = np.zeros((height, width))
    for row, half_width in disk.rows:
        rows = running[row + disk.reach : row + disk.reach + height]
        total += rows[:, disk.reach + half_width + 1 :][:, :width]
        total -= rows[:, disk.reach - half_width :][:, :width]
    return total


def _mean(plane: Pixels, disk: _Disk) -> npt.NDArray[Any]:
    def work(band: Pixels) -> npt.NDArray[Any]:
        return (_sums(band.astype(np.float64), disk) / disk.size).astype(np.float32)

    return _in_bands(plane, disk, 32, work)


def _variance(plane: Pixels, disk: _Disk) -> npt.NDArray[Any]:
    def work(band: Pixels) -> npt.NDArray[Any]:
        values = band.astype(np.float64)
        total = _sums(values, disk)
        return ((_sums(values * values, disk) - total * total / disk.size) / disk.size).astype(np.float32)

    variance: npt.NDArray[np.float32] = _in_bands(plane, disk, 48, work)
    return np.maximum(variance, np.float32(0))


def _least(plane: Pixels, disk: _Disk) -> npt.NDArray[Any]:
    from rendergateway.rendering.base.opencv import cv2

    return np.asarray(cv2.erode(_without_nan(plane, np.inf), disk.kernel))


def _most(plane: Pixels, disk: _Disk) -> npt.NDArray[Any]:
    from rendergateway.rendering.base.opencv import cv2

    return np.asarray(cv2.dilate(_without_nan(plane, -np.inf), disk.kernel))


def _without_nan(plane: Pixels, value: float) -> Pixels:
    return np.where(np.isnan(plane), plane.dtype.type(value), plane) if plane.dtype.kind == "f" else plane


def _median(plane: Pixels, disk: _Disk) -> npt.NDArray[Any]:
    if disk.size <= _FEW and not (plane.dtype.kind == "f" and np.isnan(plane).any()):
        half = disk.size // 2 * plane.itemsize
        return _in_bands(plane, disk, half, lambda band: _median_of_few(_shifted(band, disk)))

    def work(band: Pixels) -> npt.NDArray[Any]:
        height, width = (side - 2 * disk.reach for side in band.shape)
        seen = np.empty((height, width, disk.size), dtype=np.float32)
        place = 0
        for row, half_width in disk.rows:
            side = 2 * half_width + 1
            runs = np.lib.stride_tricks.sliding_window_view(band[row + disk.reach :][:height], side, axis=1)
            seen[..., place : place + side] = runs[:, disk.reach - half_width :][:, :width]
            place += side
        return _middle(seen)

    # Single precision holds all values, and numpy selects in it with vector instructions.
    return _in_bands(plane.astype(np.float32), disk, 4 * disk.size, work)


def _shifted(band: Pixels, disk: _Disk) -> list[Pixels]:
    """Return the pixels of a band under each pixel of the disk."""
    height, width = (side - 2 * disk.reach for side in band.shape)
    return [
        band[row + disk.reach :, column + disk.reach :][:height, :width]
        for row, half_width in disk.rows
        for column in range(-half_width, half_width + 1)
    ]


def _median_of_few(images: list[Pixels]) -> Pixels:
    """
    Return the median of an odd number of images, pixel by pixel.

    Of half of them and one more, the least and the largest pixel cannot be the median: they make room for the next
    image, until three are left.
    """
    waiting = iter(images)
    left = [next(waiting).copy() for _ in range(len(images) // 2 + 2)]
    spare = np.empty_like(left[0])

    def in_order(low: int, high: int) -> None:
        nonlocal spare
        np.minimum(left[low], left[high], out=spare)
        np.maximum(left[low], left[high], out=left[high])
        left[low], spare = spare, left[low]

    while True:
        last, half = len(left) - 1, len(left) // 2
        for place in range(half):
            in_order(place, last - place)
        for place in range(1, len(left) - half):
            in_order(0, place)
        for place in range(half, last):
            in_order(place, last)
        if last == 2:
            return left[1]
        left.pop()
        left[0][...] = next(waiting)


def _middle(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the median along the last axis, which has an odd number of values; NaN does not count."""
    middle = values.shape[-1] // 2
    missing = np.isnan(values).sum(axis=-1)
    if not missing.any():
        values.partition(middle, axis=-1)
        return np.ascontiguousarray(values[..., middle])
    values.sort(axis=-1)
    present = (values.shape[-1] - missing) // 2
    return np.take_along_axis(values, present[..., np.newaxis], axis=-1)[..., 0]


# By the numbers of ImageJ.
_WORK: tuple[Callable[[Pixels, _Disk], npt.NDArray[Any]], ...] = (_mean, _least, _most, _variance, _median)
