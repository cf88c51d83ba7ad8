"""Placement of images with nonlinear transforms: through a mesh of affine triangles."""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import Band, Box
from rendergateway.rendering.pixels.patches import Placement, ShapeCache, clipped, kept
from rendergateway.rendering.pixels.places import MappedPlaces, RoughPlaces, rounding
from rendergateway.rendering.placement.triangles import Mesh, TriangleRuns
from rendergateway.transforms import Transform, mesh_triangles, mesh_vertices
from rendergateway.transforms.base.matrices import inverse_affines

__all__ = ["MeshPlacement", "image_mesh", "triangle_count"]

_MOST_TRIANGLES = 1_000_000
# Relative to any part of an image, beyond its border.
_OUTSIDE = -1.0e5
_IN = 255
# Rounding errors do not matter for pixels at this distance from a border, in source pixels.
_NEAR = 1e-5


def triangle_count(columns: int, image_size: tuple[int, int]) -> float:
    """Return the approximate number of triangles of a mesh."""
    width, height = image_size
    return 4.0 * columns * (height * columns / width / 1.7 + 2.0)


def image_mesh(whole: Transform, columns: int, image_size: tuple[int, int]) -> Mesh:
    """
    Return the triangles of an image on the canvas.

    Parameters
    ----------
    whole : Transform
        From source pixels to canvas pixels.
    columns : int
        Number of vertices per row of the mesh.
    image_size : (int, int)
        Width and height.

    Raises
    ------
    ImageError
        If the mesh would have more than a million triangles.
    """
    width, height = image_size
    # The cell width that results in this number of columns.
    cell_size = width / columns
    if triangle_count(columns, image_size) > _MOST_TRIANGLES:
        raise ImageError(f"mesh too fine: got {columns} columns for an image of {width} × {height} pixels")
    vertices, triangles = mesh_vertices(width, height, cell_size), mesh_triangles(width, height, cell_size)
    corners = whole.apply(vertices)[triangles]
    return Mesh(corners, inverse_affines(vertices[triangles], corners))


class MeshPlacement(Placement):
    """
    Placement of an image through a triangle mesh.

    Parameters
    ----------
    whole : Transform
        From source pixels to canvas pixels.
    columns : int
        Number of vertices per row of the mesh.
    image_size, picture_size : (int, int)
        Width and height.
    shapes : ByteCache, optional
        Cache of the mesh and of its bands.

    Raises
    ------
    ImageError
        If the mesh would have more than a million triangles.
    """

    def __init__(
        self,
        whole: Transform,
        columns: int,
        image_size: tuple[int, int],
        picture_size: tuple[int, int],
        shapes: ShapeCache | None,
    ) -> None:
        self._key: Hashable = (whole, columns, image_size)
        self._image_size, self._picture_size = image_size, picture_size
        self._shapes = shapes
        self._mesh = kept(shapes, self._key, lambda: image_mesh(whole, columns, image_size))

    def bands(self) -> list[Box]:
        """Return the bands of the image."""
        ends = self._mesh.ends
        box = None if ends is None else clipped(*ends, self._picture_size)
        return [] if box is None else box.bands()

    def band(self, box: Box) -> Band:
        """Return the shape of the image in a band, from the cache if it is there."""
        return kept(self._shapes, (self._key, box), lambda: _mesh_band(self._mesh, self._image_size, box))


def _mesh_band(mesh: Mesh, image_size: tuple[int, int], box: Box) -> MeshBand:
    """Return the shape of an image in a band, as runs of pixels in one triangle each."""
    last = box.x + box.width - 1
    runs, times = mesh.runs(box.rows, box.x, last).by_place(), None
    if runs.overlap:
        triangle, times = mesh.last_and_count(box.rows, box.x, last)
        runs = _runs_of(triangle, box.x)
    return MeshBand(mesh, image_size, box, runs, times)


def _runs_of(triangle: IntArray, first: int) -> TriangleRuns:
    """Return the runs of equal triangles in each row, ordered by place."""
    height, width = triangle.shape
    changes = np.ones((height, width), dtype=bool)
    changes[:, 1:] = triangle[:, 1:] != triangle[:, :-1]
    begin = np.flatnonzero(changes)
    row, start = np.divmod(begin, width)
    length = np.diff(np.append(begin, height * width))
    runs = TriangleRuns(triangle.ravel()[begin], row, start + first, start + first + length)
    return runs.chosen(runs.triangle >= 0)


@attrs.frozen(eq=False)
class _Lines:
    """
    Source positions along runs of pixels, one array per axis: slope · column + offset.

    Parameters
    ----------
    start, stop : ndarray of int, shape (N,)
        Canvas columns of each run.
    slopes, offsets : pair of ndarray, shape (N,)
    """

    start: IntArray
    stop: IntArray
    slopes: tuple[FloatArray, FloatArray]
    offsets: tuple[FloatArray, FloatArray]

    def part(self, which: slice) -> _Lines:
        """Return some of the runs."""
        slopes, offsets = ((x[which], y[which]) for x, y in (self.slopes, self.offsets))
        return _Lines(self.start[which], self.stop[which], slopes, offsets)

    def ends(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield the smaller and the larger position of each run, on each axis."""
        for slope, offset in zip(self.slopes, self.offsets, strict=True):
            begin, end = slope * self.start + offset, slope * (self.stop - 1) + offset
            yield np.minimum(begin, end), np.maximum(begin, end)

    def on_border(self, y: IntArray, image_size: tuple[int, int]) -> IntArray:
        """Return x and y of all pixels, given *y*, of runs that reach a border of the image."""
        near = np.zeros(len(self.start), dtype=bool)
        for (low, high), side in zip(self.ends(), image_size, strict=True):
            near |= (low < _NEAR) | (high > side - 1 - _NEAR)
        some = np.flatnonzero(near)
        lengths = self.stop[some] - self.start[some]
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.stack([np.repeat(self.start[some], lengths) + steps, np.repeat(y[some], lengths)])


@attrs.frozen(eq=False)
class _Block:
    """
    Positions in a block, in single precision.

    Parameters
    ----------
    counts : ndarray of int, shape (N,)
        Lengths of the runs; with gaps, those of the gaps before, between and after the runs, too.
    bases, slopes : ndarray of complex64, shape (N,)
        Positions at the middle column, extrapolated, and their change per column. Each element is the pair of x and y,
        for `numpy.repeat`.
    corners : (int, int, int, int)
        First and last source column and row.
    error : float
    has_gaps : bool
    """

    counts: IntArray
    bases: npt.NDArray[np.complex64]
    slopes: npt.NDArray[np.complex64]
    corners: tuple[int, int, int, int]
    error: float
    has_gaps: bool

    @classmethod
    def of(cls, box: Box, begin: IntArray, lines: _Lines, image_size: tuple[int, int]) -> _Block:
        """Return the positions of a block; *begin* are the numbers, by row, of the first pixels of the runs."""
        middle = box.x + box.width // 2
        bases, corners, error = [], [], 0.0
        for slope, offset, (low, high), side in zip(lines.slopes, lines.offsets, lines.ends(), image_size, strict=True):
            least, most = float(low.min()), float(high.max())
            first, last = (min(max(math.floor(end), 0), side - 1) for end in (least, most))
            base = slope * middle + (offset - first)
            # Base, slope, their product, and the sum are rounded.
            steepest, half = np.abs(slope).max(), box.width // 2 + 1
            rounded = rounding(np.abs(base).max()) + rounding(steepest) * half + rounding(steepest * half)
            error = max(error, float(rounded + rounding(max(most - first, first - least))))
            bases.append(base)
            corners.append((first, last))
        counts = lines.stop - lines.start
        after = np.append(begin, box.width * box.height)
        gaps = after - np.append(0, begin + counts)
        has_gaps = bool(gaps.any())
        if has_gaps:
            counts = _between(gaps, counts)
            bases = [_between(np.full(len(gaps), _OUTSIDE), base) for base in bases]
            slopes = [_between(np.zeros(len(gaps)), slope) for slope in lines.slopes]
        else:
            slopes = list(lines.slopes)
        (left, right), (top, bottom) = corners
        return cls(counts, _pairs(*bases), _pairs(*slopes), (left, top, right, bottom), error, has_gaps)

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.counts.nbytes + self.bases.nbytes + self.slopes.nbytes

    def rough(self, box: Box) -> RoughPlaces:
        """Return the positions of all pixels; see `Band.rough`."""
        x_y, along = (
            np.repeat(values, self.counts).view(np.float32).reshape(box.height, 2 * box.width)
            for values in (self.bases, self.slopes)
        )
        along *= _columns(box.width, box.height)
        x_y += along
        return MappedPlaces(*self.corners, self.error, x_y.reshape(box.height, box.width, 2))

    def inside(self, box: Box) -> npt.NDArray[np.uint8]:
        """Return 255 for pixels in runs."""
        flags = np.full(len(self.counts), _IN, dtype=np.uint8)
        if self.has_gaps:
            flags[::2] = 0
        return np.repeat(flags, self.counts).reshape(box.height, box.width)


@functools.lru_cache(maxsize=16)
def _columns(width: int, height: int) -> npt.NDArray[np.float32]:
    """Return the columns of a block counted from its middle, each twice, for all rows: faster than broadcast."""
    columns = np.repeat(np.arange(width, dtype=np.float32) - width // 2, 2)
    return np.tile(columns, (height, 1))


def _between(gaps: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the elements of *gaps* and of *values*, one less, in turn."""
    both = np.empty(len(gaps) + len(values), dtype=values.dtype)
    both[::2], both[1::2] = gaps, values
    return both


def _pairs(x: FloatArray, y: FloatArray) -> npt.NDArray[np.complex64]:
    pairs = np.empty((len(x), 2), dtype=np.float32)
    pairs[:, 0], pairs[:, 1] = x, y
    return pairs.view(np.complex64).ravel()


class MeshBand(Band):
    """The shape of an image in a band, through a mesh: runs of pixels in one triangle each, ordered by block."""

    def __init__(
        self, mesh: Mesh, image_size: tuple[int, int], box: Box, runs: TriangleRuns, times: IntArray | None
    ) -> None:
        super().__init__(box, None)
        self._times = times
        self._mesh = mesh
        self._widths = np.array([block.width for block in self.blocks])
        number, runs = _cut(runs, box.x, int(self._widths[0]))
        self._triangle = runs.triangle.astype(np.int32)
        self._begin = self._numbers(runs.start - box.x, runs.row)
        self._stop = self._begin + (runs.stop - runs.start)
        slopes, offsets = mesh.lines(runs.triangle, runs.row + box.y)
        lines = _Lines(runs.start, runs.stop, slopes, offsets)
        self.border = lines.on_border(runs.row + box.y, image_size)
        edges = np.searchsorted(number, np.arange(len(self.blocks) + 1)).tolist()
        blocks, self.blocks, self._parts = self.blocks, [], []
        first = 0
        for block, part in zip(blocks, map(slice, edges[:-1], edges[1:]), strict=True):
            if part.start < part.stop:
                self.blocks.append(block)
                self._parts.append(_Block.of(block, self._begin[part] - first, lines.part(part), image_size))
            first += block.width * block.height
        if len(self.blocks) < len(blocks) or any(part.has_gaps for part in self._parts):
            self.inside = self._mask()

    @property
    def reach(self) -> tuple[int, int, int, int]:
        left, top, right, bottom = zip(*(part.corners for part in self._parts), strict=True)
        return min(left), min(top), max(right), max(bottom)

    @property
    def times(self) -> IntArray | None:
        return self._times

    @property
    def nbytes(self) -> int:
        """Size in bytes, without the mesh."""
        arrays: list[npt.NDArray[Any]] = [self._triangle, self._begin, self._stop, self.border]
        if self._times is not None:
            arrays.append(self._times)
        return super().nbytes + sum(array.nbytes for array in arrays) + sum(part.nbytes for part in self._parts)

    def _numbers(self, column: IntArray, row: IntArray) -> IntArray:
        """Return the numbers of pixels of the band, counted by block, then by row."""
        block, column = np.divmod(column, self._widths[0])
        numbers: IntArray = block * int(self._widths[0] * self.box.height) + row * self._widths[block] + column
        return numbers

    def _mask(self) -> npt.NDArray[np.uint8]:
        inside = np.zeros((self.box.height, self.box.width), dtype=np.uint8)
        for block, part in zip(self.blocks, self._parts, strict=True):
            left = block.x - self.box.x
            inside[:, left : left + block.width] = part.inside(block)
        return inside

    def rough(self, number: int) -> RoughPlaces:
        return self._parts[number].rough(self.blocks[number])

    def exact(self, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        number = self._numbers(x - self.box.x, y - self.box.y)
        run = np.searchsorted(self._begin, number, "right") - 1
        triangle = np.where((run >= 0) & (number < self._stop[run]), self._triangle[run], -1)
        return self._mesh.places(triangle, x, y)


def _cut(runs: TriangleRuns, left: int, width: int) -> tuple[IntArray, TriangleRuns]:
    """Return the runs of a band cut at the edges of its blocks, ordered by block, and the number of the block."""
    first, last = (runs.start - left) // width, (runs.stop - 1 - left) // width
    copies = last - first + 1
    which = np.repeat(np.arange(len(copies)), copies)
    number = np.arange(len(which)) - np.repeat(np.cumsum(copies) - copies, copies) + first[which]
    edge = left + number * width
    start, stop = np.maximum(runs.start[which], edge), np.minimum(runs.stop[which], edge + width)
    order = np.argsort(number.astype(np.uint16), kind="stable")
    cut = TriangleRuns(runs.triangle[which], runs.row[which], start, stop)
    return number[order], cut.chosen(order)
