"""Boxes that touch others, found by sorting."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray

__all__ = ["Indices", "touching"]

Indices = npt.NDArray[np.int64]

# Candidates that are compared at once.
_BLOCK = 4_000_000


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
    for step in range(int((high - low).max(initial=-1)) + 1):
        inside = np.flatnonzero(low + step <= high)
        base = (low[inside] + step) * stride - left
        first = np.searchsorted(key, base + areas[inside, 0] - margin - width, side="left")
        last = np.searchsorted(key, base + areas[inside, 2] + margin, side="right")
        yield from _runs(areas, boxes[order], inside, first, last, margin, areas_of, boxes_of[order])


def _runs(
    areas: FloatArray,
    boxes: FloatArray,
    inside: Indices,
    first: Indices,
    last: Indices,
    margin: float,
    areas_of: Indices,
    boxes_of: Indices,
) -> Iterator[tuple[Indices, Indices]]:
    """Yield the members of runs of boxes that touch their areas."""
    lengths = np.maximum(last - first, 0)
    edges = np.cumsum(lengths)
    block = 0
    while block < len(inside):
        done = edges[block - 1] if block else 0
        stop = max(int(np.searchsorted(edges, done + _BLOCK, side="right")), block + 1)
        count = lengths[block:stop]
        area = np.repeat(inside[block:stop], count)
        within = np.arange(len(area)) - np.repeat(np.cumsum(count) - count, count)
        box = np.repeat(first[block:stop], count) + within
        a, b = areas[area], boxes[box]
        touch = ((b[:, :2] <= a[:, 2:] + margin) & (b[:, 2:] >= a[:, :2] - margin)).all(axis=1)
        yield areas_of[area[touch]], boxes_of[box[touch]]
        block = stop
