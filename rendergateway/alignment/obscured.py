"""Tiles that other tiles cover completely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    low, high = boxes[:, :2], boxes[:, 2:]
    # A tile with an unknown box covers nothing and is not covered.
    covered: Mask = np.any(high <= low, axis=1)
    known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    if not known.size:
        return covered
    # Boxes that reach into the columns of a box begin at most the greatest width before it.
    order = known[np.argsort(low[known, 0], kind="stable")]
    left = low[order, 0]
    widest = float((high[known, 0] - low[known, 0]).max())
    first = np.searchsorted(left, low[:, 0] - widest, side="left")
    last = np.searchsorted(left, high[:, 0], side="left")
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    for row in known[~covered[known]].tolist():
        near = order[first[row] : last[row]]
        over = near[
            (rank[near] > rank[row]) & (low[near] < high[row]).all(axis=1) & (high[near] > low[row]).all(axis=1)
        ]
        covered[row] = _is_covered(boxes[row], boxes[over])
    return covered


def _is_covered(box: FloatArray, others: FloatArray) -> bool:
    """Return whether the union of *others* covers *box*, cell by cell of the grid of their edges."""
    parts = np.clip(others, box[[0, 1, 0, 1]], box[[2, 3, 2, 3]])
    sizes = parts[:, 2:] - parts[:, :2]
    # Boxes with less area in sum leave a gap; equal numbers may differ by rounding.
    if np.prod(sizes, axis=1).sum() < np.prod(box[2:] - box[:2]) * (1 - 1e-9):
        return False
    x = np.unique(np.concatenate([box[0::2], parts[:, 0], parts[:, 2]]))
    y = np.unique(np.concatenate([box[1::2], parts[:, 1], parts[:, 3]]))
    cells = np.zeros((len(y) - 1, len(x) - 1), dtype=bool)
    for min_x, min_y, max_x, max_y in parts:
        cells[slice(*np.searchsorted(y, [min_y, max_y])), slice(*np.searchsorted(x, [min_x, max_x]))] = True
    return bool(cells.all())
