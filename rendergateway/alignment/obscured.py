"""Tiles that other tiles cover completely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rendergateway.alignment.touching import Indices, touching_each_other
from rendergateway.geometry import FloatArray

__all__ = ["obscured"]

Mask = npt.NDArray[np.bool_]


def obscured(boxes: FloatArray, ids: npt.NDArray[np.object_]) -> Mask:
    """
    Return which tiles of a layer are invisible: covered completely by those that are drawn over them.

    Tiles are drawn in the order of their ids as text, so those with greater ids are on top. A tile without area counts
    as covered.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        Bounding boxes: min x, min y, max x, max y in world pixels.
    ids : ndarray of str, shape (N,)
        Tile ids.

    Returns
    -------
    ndarray of bool, shape (N,)

    Examples
    --------
    >>> boxes = np.array([[10, 10, 90, 90], [0, 0, 60, 100], [50, 0, 100, 100.0]])
    >>> obscured(boxes, np.array(["a", "b", "c"], dtype=object)).tolist()
    [True, False, False]
    """
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    covered: Mask = area <= 0
    place = np.empty(len(ids), dtype=np.int64)
    place[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    over: list[tuple[Indices, Indices]] = []
    shared = np.zeros(len(boxes))
    for one, other in touching_each_other(boxes, boxes):
        below = place[one] < place[other]
        one, other = np.where(below, one, other), np.where(below, other, one)
        width, height = (
            np.minimum(high[one], high[other]) - np.maximum(low[one], low[other])
            for low, high in zip(boxes.T[:2], boxes.T[2:], strict=True)
        )
        common = np.maximum(width, 0) * np.maximum(height, 0)
        shared += np.bincount(one, common, len(boxes))
        over.append((one[common > 0], other[common > 0]))
    # A tile whose overlaps have less area in sum than itself is visible; few others are left.
    doubtful = ~covered & (shared >= area * (1 - 1e-12))
    if not doubtful.any():
        return covered
    one, other = (np.concatenate([part[side] for part in over]) for side in (0, 1))
    chosen = doubtful[one]
    one, other = one[chosen], other[chosen]
    order = np.argsort(one, kind="stable")
    one, other = one[order], other[order]
    rows, starts = np.unique(one, return_index=True)
    for row, some in zip(rows.tolist(), np.split(other, starts[1:]), strict=True):
        covered[row] = _is_covered(boxes[row], boxes[some])
    return covered


def _is_covered(box: FloatArray, others: FloatArray) -> bool:
    """Return whether the union of *others* covers *box*, cell by cell of the grid of their edges."""
    x, y = (
        np.unique(
            np.clip(np.concatenate([box[axis::2], others[:, axis], others[:, axis + 2]]), box[axis], box[axis + 2])
        )
        for axis in (0, 1)
    )
    cells = np.zeros((len(y) - 1, len(x) - 1), dtype=bool)
    for left, top, right, bottom in np.clip(others, box[[0, 1, 0, 1]], box[[2, 3, 2, 3]]):
        columns = slice(*np.searchsorted(x, [left, right]))
        rows = slice(*np.searchsorted(y, [top, bottom]))
        cells[rows, columns] = True
    return bool(cells.all())
