"""Boxes that touch others, found by sorting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray

__all__ = ["Indices", "touching", "touching_each_other"]

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_Found = Iterator[tuple[Indices, Indices]]

# Candidates that are compared at once: so few that their arrays stay in the cache of a core.
_BLOCK = 1 << 17
# So many boxes may be much larger than the others; each of them is compared with all.
_FEW = 64
_MOST_CELLS = 1 << 29


def touching(areas: FloatArray, boxes: FloatArray) -> _Found:
    """
    Yield rows of areas and of boxes that touch, and a few that almost do, in blocks.

    Boxes are sorted by bands of y, as high as the highest of them, and within a band by x. Those that touch an area are
    runs in the bands that it spans. Boxes that are not finite in 32 bits touch nothing.
    """
    area_sides, box_sides = _grown(areas), _grown(boxes)
    areas_of, boxes_of = _finite(area_sides), _finite(box_sides)
    large, rest = _large(areas_of, area_sides)
    for row in large:
        found = boxes_of[_touch(area_sides[:, row], box_sides[:, boxes_of])]
        yield np.full(len(found), row), found
    large, boxes_of = _large(boxes_of, box_sides)
    for row in large:
        found = rest[_touch(area_sides[:, rest], box_sides[:, row])]
        yield found, np.full(len(found), row)
    for one, other in _by_bands(area_sides.take(rest, axis=1), box_sides.take(boxes_of, axis=1)):
        yield rest.take(one), boxes_of.take(other)


def touching_each_other(areas: FloatArray, boxes: FloatArray) -> _Found:
    """
    Yield two rows if the area of either touches the box of the other, and a few that almost do: each two rows once.

    See `touching`; here, *areas* and *boxes* have the same rows.
    """
    area_sides, box_sides = _grown(areas), _grown(boxes)
    large, rest = _large(_finite(area_sides, box_sides), area_sides, box_sides)
    for number, row in enumerate(large):
        others = np.concatenate([large[number + 1 :], rest])
        there = _touch(area_sides[:, row], box_sides[:, others])
        found = others[there | _touch(area_sides[:, others], box_sides[:, row])]
        yield np.full(len(found), row), found
    area_sides, box_sides = area_sides.take(rest, axis=1), box_sides.take(rest, axis=1)
    # An area that touches a box is touched by that box, grown by as much as any area exceeds its own box.
    excess = np.maximum(box_sides[:2] - area_sides[:2], 0), np.maximum(area_sides[2:] - box_sides[2:], 0)
    before, after = (side.max(axis=1, initial=0)[:, np.newaxis] for side in excess)
    low, high = np.minimum(area_sides[:2], box_sides[:2] - after), np.maximum(area_sides[2:], box_sides[2:] + before)
    for one, other in _by_bands(np.concatenate([low, high]), box_sides, once=True):
        yield rest.take(one), rest.take(other)


def _grown(boxes: FloatArray) -> FloatArray:
    """Return the sides of boxes, shape (4, N), with a margin: in 32 bits, boxes may be nearer, both being rounded."""
    sides = np.ascontiguousarray(boxes.T)
    most = np.minimum(np.maximum(np.abs(sides).max(axis=0), 1.0), 1e38)
    margin = 2 * np.spacing(most.astype(np.float32)).astype(np.float64)
    return np.concatenate([sides[:2] - margin, sides[2:] + margin])


def _finite(*columns: FloatArray) -> Indices:
    """Return the boxes that are finite in 32 bits."""
    most = float(np.finfo(np.float32).max)
    return np.flatnonzero(np.logical_and.reduce([np.abs(sides).max(axis=0) < most for sides in columns]))


def _large(rows: Indices, *columns: FloatArray) -> tuple[Indices, Indices]:
    """Return those of *rows* that are much larger than all but a few, and the others."""
    if len(rows) <= _FEW:
        return rows[:0], rows
    side = np.maximum.reduce([(sides[2:] - sides[:2]).max(axis=0) for sides in columns]).take(rows)
    large = side > 4 * np.partition(side, -_FEW)[-_FEW]
    return rows[large], rows[~large]


def _touch(one: FloatArray, other: FloatArray) -> Mask:
    """Return whether boxes touch; either may be a single one."""
    one, other = (sides.reshape(4, -1) for sides in (one, other))
    x, y = (one[:2] <= other[2:]) & (one[2:] >= other[:2])
    found: Mask = x & y
    return found


def _by_bands(areas: FloatArray, boxes: FloatArray, *, once: bool = False) -> _Found:
    """
    Yield rows of areas and boxes, given by their sides, that touch.

    *once* states that an area has the row of a box, and touches all that touch it: each two rows come once, and no row
    with itself.
    """
    if not areas.size or not boxes.size:
        return
    width, height = (boxes[2:] - boxes[:2]).max(axis=1)
    cell = width / 16, max(height, (areas[3] - areas[1]).mean() / 2)
    origin = np.median(boxes[:2, :: 1 + boxes.shape[1] // 64], axis=1)

    def cells(values: FloatArray, axis: int) -> Indices:
        """Return the numbers of columns or bands; those far away share one."""
        number: FloatArray = np.floor((values - origin[axis]) / cell[axis])
        return np.clip(number, -_MOST_CELLS, _MOST_CELLS, out=number).astype(np.int64)

    # One sorted number for band and column: the run of an area in a band is between two of them.
    stride = 4 * _MOST_CELLS
    band = cells(boxes[1], 1)
    key = band * stride + cells(boxes[0], 0)
    order = np.argsort(key)
    key = key.take(order)
    rows, low = np.arange(areas.shape[1]), cells(areas[1] - height, 1)
    if once:
        # In this order, all that is before a box was compared with it.
        areas, rows, low = areas.take(order, axis=1), order, band.take(order)
    high = cells(areas[3], 1)
    left, right = cells(areas[0] - width, 0), cells(areas[2], 0)
    # The margins are larger than what the sides lose in 32 bits.
    min_x, min_y, max_x, max_y = boxes.take(order, axis=1).astype(np.float32)
    least_x, least_y, most_x, most_y = areas.astype(np.float32)
    for step in range(int((high - low).max()) + 1):
        inside = np.flatnonzero(low + step <= high)
        base = (low[inside] + step) * stride
        first = np.searchsorted(key, base + left[inside])
        last = np.searchsorted(key, base + right[inside], side="right")
        if once:
            first = np.maximum(first, inside + 1)
        for run, box in _runs(first, np.maximum(last - first, 0)):
            area = inside.take(run)
            touch = (min_x.take(box) <= most_x.take(area)) & (max_x.take(box) >= least_x.take(area))
            touch &= (min_y.take(box) <= most_y.take(area)) & (max_y.take(box) >= least_y.take(area))
            area, box = area[touch], box[touch]
            yield rows.take(area), order.take(box)


def _runs(first: Indices, lengths: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Yield the number and the members of each run of consecutive numbers, in blocks."""
    edges = np.cumsum(lengths)
    block = 0
    while block < len(first):
        done = edges[block - 1] if block else 0
        stop = max(int(np.searchsorted(edges, done + _BLOCK, side="right")), block + 1)
        count = lengths[block:stop]
        start = first[block:stop] - (edges[block:stop] - count)
        run = np.repeat(np.arange(block, stop), count)
        yield run, np.arange(done, edges[stop - 1]) + np.repeat(start, count)
        block = stop
