"""Placement of affine images: one affine instead of a mesh, except for pixels at which the mesh makes a difference."""

from __future__ import annotations

import functools
import math
from collections.abc import Hashable, Iterator
from itertools import product

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import Band, Box, Inside, Runs
from rendergateway.rendering.pixels.patches import Placement, ShapeCache, clipped, kept
from rendergateway.rendering.pixels.places import AffinePlaces, RoughPlaces, rounding
from rendergateway.rendering.placement.half_shift import half_places, is_half_shift
from rendergateway.rendering.placement.lattice import Lattice
from rendergateway.rendering.placement.mesh import image_mesh, triangle_count
from rendergateway.rendering.placement.triangles import Mesh
from rendergateway.transforms import Transform
from rendergateway.transforms.meshes.mesh import mesh_lattice

__all__ = ["AffinePlacement"]

# Rounding errors do not matter for pixels at this distance from a line, in canvas pixels, and relative to coordinates.
_CLEAR, _RELATIVE = 1e-7, 1e-11
_FEW_TRIANGLES = 1 << 14
# Of fewer pixels than one in this many, each is searched for.
_FEW = 16
_LINES_AT_ONCE = 1 << 16
# Memory of the positions of one block.
_BLOCK_BYTES = 512
# Of larger bands, the temporary arrays would not fit into the caches.
_BAND_PIXELS = 1 << 19
_IN = 255
# Bound of the differences between the affines of triangles and that of the image, relative to the largest term: they
# are below 100 units in the last place. Pixels on a border are at most as far from it, in source pixels.
_NOISE, _NEAR = 512 * 2.0**-52, 1e-5


@attrs.frozen(eq=False)
class _OnLines:
    """
    Pixels of a band that are on lines of the mesh, almost or exactly.

    Parameters
    ----------
    number : ndarray of int, shape (N,)
        Pixels of the band, counted by row; in order.
    triangle, times : ndarray of int, shape (N,)
        The last triangle that each is in, −1 if there is none, and the number of triangles.
    """

    number: IntArray
    triangle: IntArray
    times: IntArray

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.number.nbytes + self.triangle.nbytes + self.times.nbytes

    def has(self, number: IntArray, pixels: int) -> npt.NDArray[np.bool_]:
        """Whether pixels, counted by row, are among these; *pixels* is their number in the band."""
        if _FEW * len(number) < pixels:
            found = np.append(self.number, -1)[np.searchsorted(self.number, number)]
            return np.asarray(found == number)
        among = np.zeros(pixels, dtype=bool)
        among[self.number] = True
        return among[number]


class AffinePlacement(Placement):
    """
    Placement of an image by an affine transform.

    The service draws it through a mesh, too. The affines of the triangles differ from that of the image by rounding
    errors, which matter on the lines of the mesh, where a pixel is in two triangles or in none; on the border; and
    where a value lies halfway between two integers.

    Parameters
    ----------
    whole : Transform
        From source pixels to canvas pixels: one affine, or several in turn, with the rounding errors of each.
    columns : int
        Number of vertices per row of the mesh.
    image_size, picture_size : (int, int)
        Width and height.
    shapes : ByteCache, optional
        Cache of the mesh and of pixels on its lines.
    """

    def __init__(
        self,
        whole: Transform,
        columns: int,
        image_size: tuple[int, int],
        picture_size: tuple[int, int],
        shapes: ShapeCache | None,
    ) -> None:
        self.image_size = image_size
        self._whole, self._columns, self._shapes = whole, columns, shapes
        self._affine = whole.as_affine()
        self._box = self._clipped(picture_size)
        # The triangles of an affine differ by rounding errors only: more of them than pixels are not worth their time.
        pixels = 0 if self._box is None else self._box.width * self._box.height
        if triangle_count(columns, image_size) > max(pixels, _FEW_TRIANGLES):
            self._columns = 2
        self._key: Hashable = (whole, self._columns, image_size)

    def _clipped(self, picture_size: tuple[int, int]) -> Box | None:
        """Return the bounding box of the image on the canvas; None if it is empty, or the affine is singular."""
        matrix = self._affine.matrix
        (m00, m01, _), (m10, m11, _) = matrix.tolist()
        determinant = m00 * m11 - m01 * m10
        if min(self.image_size) < 2 or determinant == 0 or not math.isfinite(determinant):
            return None
        if not np.isfinite(self.back).all():
            return None
        right, bottom = self.image_size[0] - 1, self.image_size[1] - 1
        x, y = (
            [across * column + down * row + offset for column in (0, right) for row in (0, bottom)]
            for across, down, offset in matrix.tolist()
        )
        return clipped(x, y, picture_size)

    @functools.cached_property
    def back(self) -> FloatArray:
        """The affine from canvas pixels to source pixels, shape (2, 3)."""
        return self._affine.inverse().matrix

    @property
    def shift(self) -> tuple[int, int] | None:
        """Source pixel of the canvas origin, if the affine shifts by whole pixels."""
        (a, b, c), (d, e, f) = self.back.tolist()
        is_shift = (a, b, d, e) == (1.0, 0.0, 0.0, 1.0) and c.is_integer() and f.is_integer()
        return (int(c), int(f)) if is_shift else None

    @property
    def mesh(self) -> Mesh:
        """The triangles through which the service draws the image."""
        return kept(self._shapes, self._key, lambda: image_mesh(self._whole, self._columns, self.image_size))

    @property
    def lattice(self) -> Lattice:
        """The triangles of the mesh by their places."""
        key: Hashable = Lattice, self._columns, self.image_size
        return kept(self._shapes, key, lambda: Lattice.of(self._columns, self.image_size))

    @functools.cached_property
    def forms(self) -> FloatArray:
        """The linear forms that are whole numbers on lines of the lattice."""
        return self.lattice.forms(self.back)

    def bands(self) -> list[Box]:
        """Return the bands of the image, of similar numbers of pixels; taller ones if it is only copied."""
        if self._box is None:
            return []
        return self._box.bands(max(_BAND_PIXELS // self._box.width, 1) if self.shift is None else self._box.height)

    def band(self, box: Box) -> Band:
        """Return the shape of the image in a band, from the cache if it is there."""
        return kept(self._shapes, (self._key, box), lambda: self._band(box))

    def _band(self, box: Box) -> AffineBand:
        on_lines, runs = self._on_lines(box), self._between_borders(box)
        inside: Inside = runs
        row, column = np.divmod(on_lines.number, box.width)
        found = (column >= runs.start[row]) & (column < runs.stop[row])
        if (found != (on_lines.times > 0)).any():
            inside = runs.as_mask()
            inside[row, column] = np.where(on_lines.times > 0, _IN, 0)
        if inside is runs and not runs.start.any() and (runs.stop == box.width).all():
            inside = None
        return AffineBand(self, box, inside, on_lines)

    def _on_lines(self, box: Box) -> _OnLines:
        lattice = mesh_lattice(*self.image_size, self.image_size[0] / self._columns)
        places = [np.zeros((2, 0), dtype=np.int64)]
        for form, ends in _line_forms(self.back, *lattice):
            places += _near_lines(form, ends, box)
        x, y = np.concatenate(places, axis=1)
        number = np.unique((y - box.y) * box.width + x - box.x)
        if not len(number):
            return _OnLines(number, number, number)
        y, x = np.divmod(number, box.width)
        pixels = x + box.x, y + box.y
        return _OnLines(number, *self.mesh.last_of(self.lattice.candidates(self.forms, *pixels), *pixels))

    def _between_borders(self, box: Box) -> Runs:
        """Return the pixels between the outermost pixel centres of the image, inclusive."""
        rows = box.rows.astype(np.float64)
        (left, right), (top, bottom) = (
            _between(row, rows, side - 1) for row, side in zip(self.back.tolist(), self.image_size, strict=True)
        )
        start = (np.maximum(left, top) - box.x).clip(0, box.width)
        stop = (np.minimum(right, bottom) - (box.x - 1)).clip(0, box.width)
        return Runs(start.astype(np.int64), stop.astype(np.int64), box.width)


def _between(row: list[float], y: FloatArray, last: int) -> tuple[FloatArray, FloatArray]:
    """Return the first and last integer x at which one source coordinate is within 0 … *last*."""
    across, down, shift = row
    offset = down * y + shift
    if across == 0:
        inside = (offset >= 0) & (offset <= last)
        return np.full(len(y), -np.inf), np.where(inside, np.inf, -np.inf)
    with np.errstate(over="ignore"):
        low, high = -offset / across, (last - offset) / across
    if across < 0:
        low, high = high, low
    return np.ceil(low), np.floor(high)


def _line_forms(
    back: FloatArray, columns: int, rows: int, step_x: float, step_y: float
) -> Iterator[tuple[list[float], tuple[int, int]]]:
    """Yield linear forms of canvas x and y that are whole numbers on lines of the mesh, and the range of these."""
    u, v = back[0] / step_x, back[1] / step_y
    yield (u / (columns - 1)).tolist(), (0, 1)
    yield (2.0 * v).tolist(), (0, 2 * (rows - 1))
    yield (u - v).tolist(), (1 - rows, columns - 1)
    yield (u + v).tolist(), (0, columns + rows - 2)


def _near_lines(form: list[float], ends: tuple[int, int], box: Box) -> Iterator[IntArray]:
    """Yield the pixels of a box, x and y, at which a linear form almost is a whole number between *ends*."""
    across, down, shift = form
    if abs(across) < abs(down):
        turned = Box(box.y, box.x, box.height, box.width)
        yield from (pixels[::-1] for pixels in _near_lines([down, across, shift], ends, turned))
        return
    corners = [
        across * x + down * y + shift
        for x, y in product((box.x, box.x + box.width - 1), (box.y, box.y + box.height - 1))
    ]
    first, last = max(ends[0], math.ceil(min(corners) - 1)), min(ends[1], math.floor(max(corners) + 1))
    rows = box.rows
    offset = (rows * down + shift) / across
    size = abs(shift) + max(map(abs, ends)) + abs(down) * (box.y + box.height)
    clear = _CLEAR + _RELATIVE * size / abs(across)
    many = max(1, _LINES_AT_ONCE // box.height)
    for begin in range(first, last + 1, many):
        lines = np.arange(begin, min(begin + many, last + 1)) / across
        x = np.subtract.outer(lines, offset)
        columns = np.rint(x)
        x -= columns
        line, row = np.nonzero(np.abs(x, out=x) < clear)
        column = columns[line, row]
        there = (column >= box.x) & (column < box.x + box.width)
        yield np.stack([column[there].astype(np.int64), rows[row[there]]])


class AffineBand(Band):
    """The shape of an affine image in a band."""

    def __init__(self, placement: AffinePlacement, box: Box, inside: Inside, on_lines: _OnLines) -> None:
        super().__init__(box, inside)
        self._placement, self._on_lines = placement, on_lines
        self._back = placement.back
        right, bottom = box.x + box.width, box.y + box.height
        sizes = (abs(m0) * right + abs(m1) * bottom + abs(offset) for m0, m1, offset in self._back.tolist())
        self.tolerance = _NOISE * max(sizes)
        y, x = np.divmod(on_lines.number, box.width)
        pixels = np.stack([x + box.x, y + box.y])
        last_x, last_y = (side - 1 for side in placement.image_size)
        u, v = self.exact(*pixels)
        self.border = pixels[:, np.minimum(np.minimum(u, last_x - u), np.minimum(v, last_y - v)) < _NEAR]
        if placement.shift is not None:
            self.shift = placement.shift[0] + box.x, placement.shift[1] + box.y
        if is_half_shift(self._back):
            self.halves = half_places(placement.mesh, placement.lattice, self._back, box, on_lines.number)

    @property
    def reach(self) -> tuple[int, int, int, int]:
        places = self._places
        return (
            min(place.left for place in places),
            min(place.top for place in places),
            max(place.right for place in places),
            max(place.bottom for place in places),
        )

    @property
    def times(self) -> IntArray | None:
        if self._on_lines.times.max(initial=0) <= 1:
            return None
        times = np.zeros(self.box.height * self.box.width, dtype=np.int64)
        inside = self.inside.as_mask() if isinstance(self.inside, Runs) else self.inside
        times[...] = 1 if inside is None else inside.ravel() > 0
        times[self._on_lines.number] = self._on_lines.times
        return times.reshape(self.box.height, self.box.width)

    @property
    def nbytes(self) -> int:
        """Size in bytes, without the mesh."""
        size = super().nbytes + self._on_lines.nbytes + self.border.nbytes + _BLOCK_BYTES * len(self.blocks)
        return size if self.halves is None else size + self.halves.nbytes

    @functools.cached_property
    def _places(self) -> list[AffinePlaces]:
        """Return the positions of all blocks."""
        x, y, width, height = np.array([(block.x, block.y, block.width, block.height) for block in self.blocks]).T
        begins, ends, errors = [], [], []
        for (a, b, c), side in zip(self._back.tolist(), self._placement.image_size, strict=True):
            begin, across, down = a * x + b * y + c, a * (width - 1), b * (height - 1)
            low = begin + np.minimum(across, 0.0) + np.minimum(down, 0.0)
            high = begin + np.maximum(across, 0.0) + np.maximum(down, 0.0)
            first, last = (np.clip(np.floor(end), 0, side - 1) for end in (low, high))
            most = np.maximum(np.abs(low - first), np.abs(high - first))
            factors = rounding(a) * (width - 1) + rounding(b) * (height - 1)
            errors.append(factors + _sum_error(np.abs(across), np.abs(down), np.abs(begin - first), most))
            begins.append(begin - first)
            ends.append((first.astype(int).tolist(), last.astype(int).tolist()))
        (left, right), (top, bottom) = ends
        places = zip(left, top, right, bottom, np.maximum(*errors).tolist(), strict=True)
        matrices = (np.column_stack([self._back[:, :2], begin]) for begin in np.stack(begins, axis=1))
        return [
            AffinePlaces(*corners, matrix=matrix, size=(block.width, block.height))
            for corners, matrix, block in zip(places, matrices, self.blocks, strict=True)
        ]

    def rough(self, number: int) -> RoughPlaces:
        return self._places[number]

    def exact(self, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        columns, rows = x.astype(np.float64), y.astype(np.float64)
        across, down = (a * columns + (b * rows + c) for a, b, c in self._back.tolist())
        return across, down

    def settled(self, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        number, known = (y - self.box.y) * self.box.width + x - self.box.x, self._on_lines
        triangle = self._placement.lattice.triangles(self._placement.forms, x, y)
        on_line = np.flatnonzero(known.has(number, self.box.width * self.box.height))
        triangle[on_line] = known.triangle[np.searchsorted(known.number, number[on_line])]
        return self._placement.mesh.places(triangle, x, y)


def _sum_error(across: FloatArray, down: FloatArray, begin: FloatArray, most: FloatArray) -> FloatArray:
    """
    Return a bound of the rounding errors of a sum in single precision, in either order of its additions.

    The parameters are the largest sizes of two products, of a number that is rounded first, and of the sum.
    """
    either = np.maximum(rounding(across) + rounding(across + down), rounding(down + begin))
    error: FloatArray = rounding(down) + rounding(begin) + either + rounding(most)
    return error
