"""Arrays of points and boxes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry.boxes import Bounds

__all__ = ["INTEGERS", "FloatArray", "IntArray", "as_points", "border_points", "boxes_under", "service_box"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Least and largest coordinate of a box that the service derives.
INTEGERS = (-(2.0**31), 2.0**31 - 1)
_LARGEST = float(np.finfo(np.float64).max)
# Pairs of a point and a box that are tested at a time.
_PAIRS_AT_ONCE = 1 << 20
# Up to so many pairs of any point and any box, sorting takes longer than testing all.
# Of a strip, the place of a point is computed with an error below a millionth.
_MOST_STRIPS = 1 << 12
_FEW_PAIRS = 1 << 14


def as_points(points: npt.ArrayLike) -> FloatArray:
    """
    Return *points* as an array of float64.

    Parameters
    ----------
    points : array_like, shape (..., 2)
        x, y in pixels.

    Raises
    ------
    TransformError
        If the last axis is not x, y.
    """
    try:
        array = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TransformError(f"points must be numbers of shape (…, 2): {error}") from error
    if array.ndim == 0 or array.shape[-1] != 2:
        raise TransformError(f"points must have shape (…, 2), x and y in the last axis: got {array.shape}")
    return array


def border_points(width: float, height: float, cell_size: float = 64.0) -> FloatArray:
    """
    Return the border points of a tile that determine its bounding box in the service.

    Parameters
    ----------
    width, height : float
        Size of the tile's image in local pixels.
    cell_size : float
        The tile's ``meshCellSize``: approximate distance between neighbouring points.

    Returns
    -------
    ndarray, shape (N, 2)
        Local pixels: top and bottom edge, then left and right edge. Samples along an edge end one pixel before the
        opposite edge, so the corner (width, height) is not included.

    References
    ----------
    .. [1] saalfeldlab/render, ``TileSpec.java``, ``deriveBoundingBox``, the "sloppy" branch.
    """
    x = np.linspace(0.0, width - 1, max(2, int(width / cell_size + 0.5)))
    y = np.linspace(0.0, height - 1, max(2, int(height / cell_size + 0.5)))
    edges = [
        np.stack([x, np.zeros_like(x)], axis=1),
        np.stack([x, np.full_like(x, height)], axis=1),
        np.stack([np.zeros_like(y), y], axis=1),
        np.stack([np.full_like(y, width), y], axis=1),
    ]
    return np.concatenate(edges, dtype=np.float64)


def service_box(points: FloatArray) -> Bounds:
    """
    Return the bounding box that the service stores for transformed border points.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        `border_points` in world pixels.

    Returns
    -------
    Bounds
        Whole numbers: minima truncated towards zero, not down; maxima are minimum plus the extent rounded up. Both are
        limited to 32-bit integers; NaN is ignored, and a side of NaN alone begins at 2147483647 and ends at -1.

    Examples
    --------
    >>> service_box(border_points(100, 50) + [10.7, -3.2])
    Bounds(min_x=10.0, min_y=-3.0, max_x=110.0, max_y=47.0)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low = np.fmin.reduce(points, axis=0, initial=_LARGEST)
        high = np.fmax.reduce(points, axis=0, initial=-_LARGEST)
        origin, extent = np.trunc(low).clip(*INTEGERS) + 0.0, np.ceil(high - low).clip(*INTEGERS)
    far = origin + extent
    return Bounds(origin[0], origin[1], far[0], far[1])


def boxes_under(points: FloatArray, boxes: FloatArray) -> tuple[IntArray, IntArray]:
    """
    Find the boxes that contain each point, borders included.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        x, y; points that are not finite lie in no box.
    boxes : ndarray, shape (B, 4)
        min x, min y, max x, max y; a box with a side that is not finite contains no point.

    Returns
    -------
    point, box : ndarray, shape (M,)
        Row of the point and row of the box, ordered by both.

    Examples
    --------
    >>> [rows.tolist() for rows in boxes_under(np.array([[5.0, 5], [9, 9]]), np.array([[0.0, 0, 5, 5], [4, 4, 9, 9]]))]
    [[0, 0, 1], [0, 1, 1]]
    """
    is_usable = np.isfinite(boxes).all(axis=1)
    if len(points) * len(boxes) <= _FEW_PAIRS:
        x, y = points.T[:, :, np.newaxis]
        min_x, min_y, max_x, max_y = boxes.T
        pairs = np.nonzero((x >= min_x) & (x <= max_x) & (y >= min_y) & (y <= max_y) & is_usable)
        return pairs[0], pairs[1]
    usable = np.flatnonzero(is_usable)
    order = usable[np.argsort(boxes[usable, 0], kind="stable")]
    left = boxes[order, 0]
    # Only boxes whose left edge lies within the largest box width before a point can contain it, plus rounding.
    reach = (boxes[order, 2] - left).max(initial=0.0) * (1 + 1e-12) + 1e-9
    first, last = np.searchsorted(left, points[:, 0] - reach, "left"), np.searchsorted(left, points[:, 0], "right")
    # Of these, only boxes whose upper edge lies in the same strip as the point, or in the one above.
    box_strip, point_strip = _strips(boxes[order], points[:, 1])
    by_strip = np.argsort(box_strip, kind="stable")
    order, places = order[by_strip], (box_strip * len(order) + np.arange(len(order)))[by_strip]
    strips = np.concatenate([point_strip - 1, point_strip]) * len(order)
    start = np.searchsorted(places, strips + np.tile(first, 2))
    count = np.maximum(np.searchsorted(places, strips + np.tile(last, 2)) - start, 0)
    numbers = np.tile(np.arange(len(points)), 2)
    rows = max(1, _PAIRS_AT_ONCE // max(1, int(count.max(initial=0))))
    found: list[tuple[IntArray, IntArray]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for begin in range(0, len(numbers), rows):
        some = slice(begin, begin + rows)
        point = np.repeat(numbers[some], count[some])
        place = np.arange(len(point)) - np.repeat(np.cumsum(count[some]) - count[some] - start[some], count[some])
        found.append(_touching(points, boxes, point, order[place]))
    point, box = (np.concatenate(parts) for parts in zip(*found, strict=True))
    by_both = np.lexsort((box, point))
    return point[by_both], box[by_both]


def _strips(boxes: FloatArray, y: FloatArray) -> tuple[IntArray, IntArray]:
    """
    Return the strips of the upper edges of boxes and those of points at *y*.

    Strips are slightly higher than the highest box, so that a point is in the strip of each box that contains it, or
    in the one below; boxes beyond the range of numbers are in one strip.
    """
    top = boxes[:, 1]
    with np.errstate(all="ignore"):
        height = (boxes[:, 3] - top).max(initial=0.0) * (1 + 1e-9) + 1e-9
        begin, end = top.min(initial=np.inf), top.max(initial=-np.inf)
        height = max(height, (end - begin) / _MOST_STRIPS)
        if not math.isfinite(height):
            return np.zeros(len(top), dtype=np.int64), np.zeros(len(y), dtype=np.int64)
        of_boxes, of_points = (np.floor((at - begin) / height) for at in (top, y))
    # A point that is not finite, or far away, is in none of the strips.
    of_points = np.clip(np.nan_to_num(of_points, nan=-2.0), -2, _MOST_STRIPS + 2)
    return of_boxes.astype(np.int64), of_points.astype(np.int64)


def _touching(points: FloatArray, boxes: FloatArray, point: IntArray, box: IntArray) -> tuple[IntArray, IntArray]:
    """Return only the pairs whose point lies in the box."""
    (x, y), (min_x, min_y, max_x, max_y) = points[point].T, boxes[box].T
    inside = (x >= min_x) & (x <= max_x) & (y >= min_y) & (y <= max_y)
    return point[inside], box[inside]
