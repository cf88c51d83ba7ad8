"""Boxes that touch others, found by sorting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray

__all__ = ["Indices", "touching"]

Indices = npt.NDArray[np.int64]

# Candidates that are compared at once: so few that their arrays stay in the cache of a core.
_BLOCK = 1 << 17


def touching(areas: FloatArray, boxes: FloatArray) -> Iterator[tuple[Indices, Indices]]:
    """
    Yield rows of areas and of boxes that touch, and a few that almost do, in blocks.

    Boxes are sorted by bands of y, as high as the highest of them, and within a band by x. Those that touch an area are
    runs in the bands that it spans.
    """
    areas_of = np.flatnonzero(np.isfinite(areas).all(axis=1))
    boxes_of = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    areas, boxes = areas[areas_of], boxes[boxes_of]
    if not len(areas) or not len(boxes):
        return
    # The 32-bit comparison may see boxes nearer than they are, by the rounding of both.
    margin = 4 * np.spacing(np.float32(max(np.abs(areas).max(), np.abs(boxes).max(), 1.0))).astype(np.float64)
    width, height = (boxes[:, 2:] - boxes[:, :2]).max(axis=0)
    origin = boxes[:, 1].min()
    band_height = max(height, np.median(areas[:, 3] - areas[:, 1]) / 2, margin)
    # One sorted number for band and x: an area's run in a band is between two of them.
    left = min(boxes[:, 0].min(), areas[:, 0].min()) - margin - width
    stride = 2.0 ** np.ceil(np.log2(max(boxes[:, 0].max(), areas[:, 2].max()) + margin - left + 1))
    band = np.floor((boxes[:, 1] - origin) / band_height)
    order = np.lexsort([boxes[:, 0], band])
    key = band[order] * stride + (boxes[order, 0] - left)
    low = np.maximum(np.floor((areas[:, 1] - margin - height - origin) / band_height), 0)
    high = np.minimum(np.floor((areas[:, 3] + margin - origin) / band_height), band.max())
    # Large keys are rounded more than the numbers they are made of.
    margin += float(np.spacing(key[-1]))
    sides = boxes[order, 2], boxes[order, 1], boxes[order, 3]
    for step in range(int((high - low).max(initial=-1)) + 1):
        inside = np.flatnonzero(low + step <= high)
        base = (low[inside] + step) * stride - left
        first = np.searchsorted(key, base + areas[inside, 0] - margin - width, side="left")
        last = np.searchsorted(key, base + areas[inside, 2] + margin, side="right")
        edges = areas[inside, 0] - margin, areas[inside, 3] + margin, areas[inside, 1] - margin
        for run, box in _runs(first, np.maximum(last - first, 0)):
            right, top, bottom = (side[box] for side in sides)
            least_x, most_y, least_y = (edge[run] for edge in edges)
            touch = (right >= least_x) & (top <= most_y) & (bottom >= least_y)
            yield areas_of[inside[run[touch]]], boxes_of[order[box[touch]]]


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
