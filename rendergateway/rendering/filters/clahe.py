"""Contrast-limited adaptive histogram equalization: interpolated between blocks, or exactly for each pixel."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.rendering.base.threads import side_by_side
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, rounded, to_int
from rendergateway.rendering.filters.histograms import grey_mean

__all__ = ["CLAHE"]

Integers = npt.NDArray[np.signedinteger[Any]]
Bytes = npt.NDArray[np.uint8]
Fractions = npt.NDArray[np.float32]

_BYTE = 255
_HALF = np.float32(0.5)
_FEW_ROWS = 64
_MOST_BINS = 4096


@attrs.frozen
class CLAHE(Filter):
    """
    Contrast-limited adaptive histogram equalization.

    Parameters
    ----------
    fast : bool
        Interpolate between the equalizations of separate blocks; otherwise equalize each pixel by the block around it.
    block_radius : int
    bins : int
        Number of grey levels of a histogram, less one.
    slope : float
        Limit of the contrast.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``mpicbg.ij.clahe``, versions before 1.6.5: the fast variant leaves the last row and
       column as they are.
    """

    fast: bool
    block_radius: int
    bins: int
    slope: float

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        radius = context.radius(self.block_radius)
        height, width = pixels.shape[:2]
        if radius < 0 or not 0 <= self.bins <= _MOST_BINS:
            raise FilterError(
                f"invalid parameter of CLAHE: got blockRadius {radius} and bins {self.bins}; "
                f"use 0 or more, and at most {_MOST_BINS} bins"
            )
        if self.fast and min(width, height) <= radius:
            raise FilterError(
                f"block radius of CLAHE too large: got {radius} for an image of {width} × {height} pixels; "
                "use a smaller one, or fast=false"
            )
        limits = context.limits(pixels)
        source = _as_bytes(pixels, limits)
        # The bin of each byte, rounded in single precision.
        levels = np.arange(_BYTE + 1, dtype=np.float32) / np.float32(_BYTE) * np.float32(self.bins)
        bins = to_int(levels + _HALF)
        result = self._by_blocks(source, bins, radius) if self.fast else self._by_pixels(source, bins[source], radius)
        return _applied(pixels, source, result, limits)

    # -- blocks ------------------------------------------------------------------------------------------------------

    def _by_blocks(self, source: Bytes, bins: Integers, radius: int) -> Bytes:
        """Interpolate between the transfer functions of the nearest blocks; later spans of an axis overwrite."""
        height, width = source.shape
        rows, columns = _centres(height, radius), _centres(width, radius)
        left, right, weight = np.zeros(width, np.intp), np.zeros(width, np.intp), np.ones(width, np.float32)
        covered = 0
        for first, second, start, stop in _spans(columns, width):
            left[start:stop], right[start:stop] = first, second
            weight[start:stop] = _weights(columns, first, second, start, stop)
            covered = max(covered, stop)
        left, right, weight = left[:covered], right[:covered], weight[:covered]
        limit = self._limit(np.float32(2 * radius + 1), np.float32(2 * radius + 1))
        transfers: dict[int, Fractions] = {}
        result = source.copy()
        for first, second, start, stop in _spans(rows, height):
            # Two rows of blocks at a time.
            for row in {first, second} - transfers.keys():
                transfers[row] = self._transfers(source, bins, rows[row], columns, radius, limit)
            transfers = {row: transfers[row] for row in (first, second)}
            for top in range(start, stop, _FEW_ROWS):
                bottom = min(top + _FEW_ROWS, stop)
                seen = source[top:bottom, :covered]
                above, below = (
                    weight * transfers[row][left, seen] + (1 - weight) * transfers[row][right, seen]
                    for row in (first, second)
                )
                share = _weights(rows, first, second, top, bottom)[:, np.newaxis]
                grey = to_int((share * above + (1 - share) * below) * np.float32(_BYTE) + _HALF)
                result[top:bottom, :covered] = np.clip(grey, 0, _BYTE)
        return result

    def _transfers(
        self, source: Bytes, bins: Integers, row: int, columns: list[int], radius: int, limit: int
    ) -> Fractions:
        """Return the transfer functions of one row of blocks, for each byte."""
        height, width = source.shape
        rows = bins[source[max(row - radius, 0) : min(row + radius + 1, height)]]
        at = np.array(columns)
        windows = _windows(self._columns(rows), np.clip(at - radius, 0, width), np.clip(at + radius + 1, 0, width))
        clipped = _clipped(windows, np.full(len(columns), limit))
        running = np.cumsum(clipped, axis=1)
        least = np.take_along_axis(running, _first(clipped)[:, np.newaxis], axis=1)
        return _share(running - least, running[:, -1:] - least)[:, bins]

    # -- a window for each pixel -------------------------------------------------------------------------------------

    def _by_pixels(self, source: Bytes, bins: Integers, radius: int) -> Bytes:
        """Equalize each pixel by its own window."""
        height, width = source.shape
        at = np.arange(width)
        # The service never counts the last column of images narrower than the radius.
        last = width if radius < width else width - 1
        left, right = np.maximum(at - radius, 0), np.minimum(at + radius + 1, last)
        spread = np.minimum(at + radius + 1, width) - left
        result = np.empty_like(source)

        def run(rows: range) -> None:
            with np.errstate(all="ignore"):  # of this thread
                equalize(rows)

        def equalize(rows: range) -> None:
            columns = self._columns(bins[max(rows.start - radius - 1, 0) : rows.start + radius])
            for row in rows:
                if row + radius < height:
                    columns[bins[row + radius], at] += 1
                if row - radius > 0:
                    columns[bins[row - radius - 1], at] -= 1
                area = spread * (min(row + radius + 1, height) - max(row - radius, 0))
                limits = self._limit(area.astype(np.float32))
                result[row] = _equalized(_clipped(_windows(columns, left, right), limits), bins[row])

        side_by_side(run, [range(top, min(top + _FEW_ROWS, height)) for top in range(0, height, _FEW_ROWS)])
        return result

    def _columns(self, bins: Integers) -> Integers:
        """Return the histogram of each column of some rows, shape (bins + 1, W)."""
        width, entries = bins.shape[1], self.bins + 1
        counts = np.bincount((bins * width + np.arange(width)).ravel(), minlength=width * entries)
        # Negative limits overflow 32 bits.
        return counts.reshape(entries, width).astype(np.int32 if self.slope >= 0 else np.int64)

    def _limit(self, *sides: Any) -> Any:
        """Return the largest entry of the histogram of a block, from its area or its sides."""
        share: Any = np.float32(self.slope)
        for side in sides:
            share = share * side
        return to_int(np.asarray(share / np.float32(self.bins) + _HALF))


def _centres(length: int, radius: int) -> list[int]:
    """Return the centres of the blocks along an axis; not always in order."""
    side = 2 * radius + 1
    count, rest = divmod(length, side)
    if rest == 0:
        return [number * side + radius + 1 for number in range(count)]
    if rest == 1:
        return [*(number * side + radius + 1 for number in range(count)), length - radius - 1]
    between = (number * side + radius + 1 + rest // 2 for number in range(count))
    return [radius + 1, *between, length - radius - 1]


def _spans(centres: list[int], length: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield numbers of two neighbouring centres, and the pixels between them; at the ends one centre twice."""
    last = len(centres) - 1
    yield 0, 0, 0, centres[0]
    for number in range(last):
        yield number, number + 1, centres[number], centres[number + 1]
    # The last pixel is left as it is.
    yield last, last, centres[last], length - 1


def _weights(centres: list[int], first: int, second: int, start: int, stop: int) -> Fractions:
    """Return the weight of the first of two centres at some pixels."""
    if first == second:
        return np.ones(max(stop - start, 0), dtype=np.float32)
    distance = np.float32(centres[second] - centres[first])
    weights: Fractions = (centres[second] - np.arange(start, stop)).astype(np.float32) / distance
    return weights


def _windows(columns: Integers, left: npt.NDArray[np.intp], right: npt.NDArray[np.intp]) -> Integers:
    """Return the histograms of windows, shape (windows, bins + 1): first column, and the one after the last."""
    running = np.zeros((len(columns), columns.shape[1] + 1), dtype=columns.dtype)
    np.cumsum(columns, axis=1, out=running[:, 1:])
    running = np.ascontiguousarray(running.T)
    windows: Integers = running[right] - running[left]
    return windows


def _clipped(histograms: Integers, limits: Integers) -> Integers:
    """Return histograms clipped at a limit each, the excess spread over all entries until it no longer changes."""
    count, entries = histograms.shape
    result, work, left = np.empty_like(histograms), histograms, np.arange(count)
    patterns, hits = _patterns(entries, work.dtype)
    total, limit = work.sum(axis=1, dtype=work.dtype), limits.astype(work.dtype)
    # What all entries of a histogram received so far is not added to them, but taken from the limit.
    received, before = np.zeros_like(total), np.zeros_like(total)
    while left.size:
        np.minimum(work, (limit - received)[:, np.newaxis], out=work)
        kept = work.sum(axis=1, dtype=work.dtype) + entries * received
        excess = total - kept
        each, rest = np.divmod(excess, entries)
        work += patterns[rest]
        received = received + each
        total = kept + entries * each + hits[rest]
        changed = excess != before
        if not changed.all():
            result[left[~changed]] = work[~changed] + received[~changed, np.newaxis]
            left, work, limit, received, total, excess = (
                values[changed] for values in (left, work, limit, received, total, excess)
            )
        before = excess
    return result


@functools.lru_cache(maxsize=4)
def _patterns(entries: int, dtype: npt.DTypeLike) -> tuple[Integers, Integers]:
    """Return the entries that receive each rest of the excess, at a stride, and their number, which may exceed it."""
    patterns = np.zeros((max(entries, 1), entries), dtype=dtype)
    for rest in range(1, entries):
        stride = (entries - 1) // rest
        patterns[rest, stride // 2 :: stride] = 1
    return patterns, patterns.sum(axis=1, dtype=dtype)


def _first(histograms: Integers) -> npt.NDArray[np.intp]:
    """Return the number of the first entry that is not 0; the last is not looked at."""
    present = histograms != 0
    present[:, -1] = True
    first: npt.NDArray[np.intp] = present.argmax(axis=1)
    return first


def _share(part: Integers, whole: Integers) -> Fractions:
    share: Fractions = np.divide(part.astype(np.float32), whole.astype(np.float32), dtype=np.float32)
    share[np.isnan(share)] = 0
    return share


def _equalized(histograms: Integers, bins: Integers) -> Bytes:
    """Return the grey levels of pixels in their own histograms; of levels outside of 0 … 255 the low bits count."""
    running = np.cumsum(histograms, axis=1, dtype=histograms.dtype)
    at = np.arange(len(histograms))
    least = running[at, _first(histograms)]
    share = _share(running[at, bins] - least, running[:, -1] - least)
    return (to_int(share * np.float32(_BYTE) + _HALF) & _BYTE).astype(np.uint8)


def _as_bytes(pixels: Pixels, limits: tuple[float, float]) -> Bytes:
    """Return an image in 8 bits, as ImageJ converts it: within the window, except for 8-bit images."""
    if pixels.dtype == np.uint8:
        return grey_mean(pixels)
    low, high = limits
    if pixels.dtype.kind == "f" and low == high:
        return np.zeros(pixels.shape, np.uint8)
    above = np.fmax(pixels.astype(np.float64) - low, 0.0)
    deep = pixels.dtype == np.uint16
    grey = to_int(above * ((_BYTE + deep) / np.float64(high - low + deep)) + 0.5)
    return (np.minimum(grey, _BYTE) & _BYTE).astype(np.uint8)


def _applied(pixels: Pixels, source: Bytes, result: Bytes, limits: tuple[float, float]) -> Pixels:
    """Return the pixels multiplied like their 8-bit image."""
    if pixels.dtype == np.uint8 and pixels.ndim == 2:
        return result
    factor: Fractions = np.divide(result, source, dtype=np.float32)
    factor[source == 0] = 1
    if pixels.ndim == 3:
        coloured: Fractions = factor[..., np.newaxis] * pixels
        return rounded(coloured, pixels.dtype)
    values, low = pixels.astype(np.float32), np.float32(limits[0])
    changed = factor * (values - low) + low - values + values
    return (
        changed if pixels.dtype.kind == "f" else np.clip(changed + _HALF, 0, np.iinfo(np.uint16).max).astype(np.uint16)
    )
