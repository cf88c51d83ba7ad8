"""Triangles on the canvas: which of them each pixel is in, by the rule of the service."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Mesh", "TriangleRuns"]

_FAR_OUTSIDE = -1.0e6
_PAIRS_AT_ONCE = 1 << 18
_MOST_OVERLAPS = 64
# Relative distance between a pixel and an edge at which rounding errors do not matter.
_CLEAR = 1e-9
_RADIX = 1 << 16


@attrs.frozen(eq=False)
class TriangleRuns:
    """
    Runs of pixels of one row each, in one triangle each.

    Parameters
    ----------
    triangle, row, start, stop : ndarray of int, shape (N,)
        Triangle; index of the row; columns start … stop − 1, never empty.
    """

    triangle: IntArray
    row: IntArray
    start: IntArray
    stop: IntArray

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.triangle.nbytes + self.row.nbytes + self.start.nbytes + self.stop.nbytes

    @classmethod
    def joined(cls, parts: list[TriangleRuns]) -> TriangleRuns:
        """Return all runs of *parts*."""
        if len(parts) == 1:
            return parts[0]
        nothing = np.zeros(0, dtype=np.int64)
        kinds = ([nothing, *(getattr(part, kind) for part in parts)] for kind in ("triangle", "row", "start", "stop"))
        return cls(*map(np.concatenate, kinds))

    def chosen(self, which: npt.NDArray[np.bool_] | IntArray) -> TriangleRuns:
        """Return some of the runs, in the order of the indices."""
        return TriangleRuns(self.triangle[which], self.row[which], self.start[which], self.stop[which])

    def by_place(self) -> TriangleRuns:
        """Return the runs ordered by row and column."""
        first = self.start.min(initial=0)
        if len(self.row) and max(self.row.max(), self.stop.max() - first) >= _RADIX:
            return self.chosen(np.lexsort((self.start, self.row)))
        # numpy sorts numbers of 16 bits by radix, ten times as fast.
        order = np.argsort((self.start - first).astype(np.uint16), kind="stable")
        return self.chosen(order[np.argsort(self.row[order].astype(np.uint16), kind="stable")])

    @property
    def overlap(self) -> bool:
        """Whether runs that are ordered by place overlap."""
        return bool(((self.row[1:] == self.row[:-1]) & (self.start[1:] < self.stop[:-1])).any())


class Mesh:
    """
    Triangles on the canvas.

    A pixel is in a triangle if it is on the same side of all three edges; pixels on an edge are in triangles that keep
    their orientation and outside of mirrored ones. Later triangles cover earlier ones.

    Parameters
    ----------
    corners : ndarray, shape (T, 3, 2)
        In canvas pixels.
    affines : ndarray, shape (T, 2, 3)
        From canvas pixels to source pixels; see `rendergateway.transforms.base.matrices.inverse_affines`.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``TransformMeshMapping.java``.
    """

    def __init__(self, corners: FloatArray, affines: FloatArray) -> None:
        self.affines = affines
        x, y = (np.ascontiguousarray(corners[:, :, axis].T) for axis in range(2))
        self._rows = np.ascontiguousarray(affines.reshape(-1, 6).T)
        finite = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0) & np.isfinite(self._rows).all(axis=0)
        # Add one half and truncate towards zero.
        self._boxes = [np.trunc(edge(at) + 0.5) for at in (x, y) for edge in (_least, _most)]
        self._boxes[0][~finite] = np.inf
        ends = [(float(at.min()), float(at.max())) for at in (x[np.isfinite(x)], y[np.isfinite(y)]) if at.size]
        # The outermost coordinates of the corners: x, y; None if no corner is finite.
        self.ends = (ends[0], ends[1]) if len(ends) == 2 else None
        self._edges = [_edge(x, y, edge) for edge in range(3)]

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        arrays = (self.affines, self._rows, *self._boxes, *(column for edge in self._edges for column in edge))
        return sum(array.nbytes for array in arrays)

    def runs(self, rows: IntArray, first: int, last: int) -> TriangleRuns:
        """
        Return the pixels of some rows, from column *first* to *last*, that are in each triangle; ordered by triangle.

        Raises
        ------
        ImageError
            If more than 64 triangles overlap.
        """
        return TriangleRuns.joined([self._found(rows, *pairs) for pairs in self._pairs(rows, first, last)])

    def _pairs(self, rows: IntArray, first: int, last: int) -> Iterator[tuple[IntArray, IntArray, IntArray, IntArray]]:
        """Yield pairs of a triangle and a row (index) of its box, and the first and last column of the box."""
        left, right, top, bottom = self._boxes
        kept = np.flatnonzero((left <= last) & (right >= first) & (top <= rows[-1]) & (bottom >= rows[0]))
        low, high = (np.clip(at[kept], first, last).astype(np.int64) for at in (left, right))
        begin, end = np.searchsorted(rows, top[kept]), np.searchsorted(rows, bottom[kept], "right")
        counts = end - begin
        room = _MOST_OVERLAPS * (len(rows) * (last - first + 1) + len(kept))
        if (counts * (high - low + 1)).sum() > room:
            raise ImageError(f"transform folds the image: more than {_MOST_OVERLAPS} triangles overlap")
        group = np.cumsum(counts) // _PAIRS_AT_ONCE
        for part in np.split(np.arange(len(kept)), np.flatnonzero(np.diff(group)) + 1):
            few = counts[part]
            within = np.arange(few.sum()) + np.repeat(begin[part] - (np.cumsum(few) - few), few)
            triangle, from_, to = (np.repeat(values[part], few) for values in (kept, low, high))
            yield triangle, within, from_, to

    def _found(
        self, rows: IntArray, triangle: IntArray, row: IntArray, left: IntArray, right: IntArray
    ) -> TriangleRuns:
        """Return the run of each pair of a triangle and a row, between its columns *left* and *right*."""
        y, beyond = rows[row].astype(np.float64), right + 1
        # Pixels on the negative side of all edges, and pixels on the negative side of none.
        (start, stop), (other_start, other_stop) = (left, beyond), (left, beyond)
        for edge in self._edges:
            turn, rises, level = _turn([column[triangle] for column in edge], y, left, beyond)
            begins, ends = np.where(rises, turn, left), np.where(rises, beyond, turn)
            other_begins, other_ends = np.where(rises, left, turn), np.where(rises, turn, beyond)
            if level is not None:
                flat, negative = level
                ends[flat] = np.where(negative, beyond[flat], left[flat])
                other_ends[flat] = np.where(negative, left[flat], beyond[flat])
                begins[flat] = other_begins[flat] = left[flat]
            start, stop = np.maximum(start, begins), np.minimum(stop, ends)
            other_start, other_stop = np.maximum(other_start, other_begins), np.minimum(other_stop, other_ends)
        found = [
            TriangleRuns(triangle[some], row[some], begin[some], end[some])
            for begin, end in ((start, stop), (other_start, other_stop))
            for some in [np.flatnonzero(begin < end)]
        ]
        runs = TriangleRuns.joined([one for one in found if len(one.row)])
        return runs if not all(len(one.row) for one in found) else runs.chosen(np.argsort(runs.triangle, kind="stable"))

    def lines(
        self, triangle: IntArray, y: IntArray
    ) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Return the source positions along rows *y* in triangles: slopes and offsets of x and y per canvas column."""
        a, b, c, d, e, f = (row[triangle] for row in self._rows)
        return (a, d), (b * y + c, e * y + f)

    def last_and_count(self, rows: IntArray, first: int, last: int) -> tuple[IntArray, IntArray]:
        """
        Return the triangles of each pixel of some rows.

        Returns
        -------
        triangle : ndarray of int, shape (len(rows), last − first + 1)
            The last triangle that the pixel is in; −1 if there is none.
        times : ndarray of int, same shape
            Number of triangles: more than one on a common side, or if the mesh is folded.
        """
        width = last - first + 1
        names = np.full(len(rows) * width, -1, dtype=np.int64)
        times = np.zeros(len(rows) * width, dtype=np.int64)
        runs = self.runs(rows, first, last)
        lengths = runs.stop - runs.start
        group = np.cumsum(lengths) // _PAIRS_AT_ONCE
        for part in np.split(np.arange(len(lengths)), np.flatnonzero(np.diff(group)) + 1):
            few = lengths[part]
            offset = runs.row[part] * width + runs.start[part] - first
            at = np.arange(few.sum()) + np.repeat(offset - (np.cumsum(few) - few), few)
            # For repeated indices, the last assignment counts.
            names[at] = np.repeat(runs.triangle[part], few)
            np.add.at(times, at, 1)
        return names.reshape(-1, width), times.reshape(-1, width)

    def last_of(self, candidates: IntArray, x: IntArray, y: IntArray) -> tuple[IntArray, IntArray]:
        """
        Return the triangles of some pixels, which must be among candidates.

        Parameters
        ----------
        candidates : ndarray of int, shape (C, N)
            Triangles, each once per pixel; −1 for none.
        x, y : ndarray of int, shape (N,)

        Returns
        -------
        triangle, times : ndarray of int, shape (N,)
            The last triangle, −1 if there is none, and their number.
        """
        which, pixel = np.nonzero(candidates >= 0)
        triangle = candidates[which, pixel]
        across, down = x[pixel].astype(np.float64), y[pixel].astype(np.float64)
        left, right, top, bottom = (edge[triangle] for edge in self._boxes)
        inside = (left <= across) & (across <= right) & (top <= down) & (down <= bottom)
        first, *others = (
            width * (down - ay) - height * (across - ax) < 0
            for ax, ay, width, height in ([column[triangle] for column in edge[:4]] for edge in self._edges)
        )
        for other in others:
            inside &= first == other
        found = np.full(candidates.shape, -1, dtype=np.int64)
        found[which[inside], pixel[inside]] = triangle[inside]
        return found.max(axis=0), (found >= 0).sum(axis=0)

    def places(self, triangle: IntArray, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the source positions of pixels, given their triangles; far outside for −1."""
        a, b, c, d, e, f = self._rows.take(triangle, axis=1, mode="clip")
        columns, rows = x.astype(np.float64), y.astype(np.float64)
        across, down = columns * a + rows * b + c, columns * d + rows * e + f
        outside = triangle < 0
        if outside.any():
            across[outside] = down[outside] = _FAR_OUTSIDE
        return across, down


def _least(corners: FloatArray) -> FloatArray:
    return np.asarray(np.minimum(np.minimum(corners[0], corners[1]), corners[2]))


def _most(corners: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(np.maximum(corners[0], corners[1]), corners[2]))


def _edge(x: FloatArray, y: FloatArray, number: int) -> list[FloatArray]:
    """Return the begin of an edge of all triangles, its extent along x and y, and the quotient of these."""
    across, down = (at[(number + 1) % 3] - at[number] for at in (x, y))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return [x[number], y[number], across, down, across / down]


def _turn(
    edge: list[FloatArray], y: FloatArray, left: IntArray, beyond: IntArray
) -> tuple[IntArray, npt.NDArray[np.bool_], tuple[IntArray, npt.NDArray[np.bool_]] | None]:
    """
    Return where rows *y* cross an edge.

    Returns
    -------
    turn : ndarray of int
        The first column on the right of the edge.
    rises : ndarray of bool
        Whether pixels on the right are on the negative side.
    level : ndarray of int and of bool, optional
        Rows along level edges, which they do not cross, and whether they are on the negative side.
    """
    ax, ay, across, down, lean = edge
    with np.errstate(invalid="ignore", over="ignore"):
        height = y - ay
        meets = ax + lean * height
        turn = np.minimum(np.maximum(np.ceil(meets), left), beyond)
        clear = np.abs(meets - np.rint(meets)) > _CLEAR * (1.0 + np.abs(ax) + np.abs(meets))
    level = None
    if not clear.all():
        close = np.flatnonzero(~clear)
        turn[close] = _bisected(ax[close], across[close] * height[close], down[close], left[close], beyond[close])
        flat = close[down[close] == 0]
        if len(flat):
            level = flat, across[flat] * height[flat] < 0
    return turn.astype(np.int64), down > 0, level


def _bisected(ax: FloatArray, up: FloatArray, down: FloatArray, left: IntArray, beyond: IntArray) -> FloatArray:
    """Return the first column, at least *left* and at most *beyond*, on the right of an edge, in double precision."""
    low, high = left.copy(), beyond.copy()
    while (low < high).any():
        middle = (low + high) // 2
        with np.errstate(invalid="ignore", over="ignore"):
            negative = up - down * (middle - ax) < 0
        right = (negative == (down > 0)) & (low < high)
        low, high = np.where(right | (low >= high), low, middle + 1), np.where(right, middle, high)
    return low.astype(np.float64)
