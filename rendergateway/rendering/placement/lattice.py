"""The triangle of an affine image at a pixel, without a search."""

from __future__ import annotations

from itertools import product

import attrs
import numpy as np

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.transforms import mesh_triangles, mesh_vertices
from rendergateway.transforms.meshes.mesh import mesh_lattice

__all__ = ["Lattice"]

# Beside the centre of a triangle, in steps: a triangle at a border spans two rows of cells, and its centre is on the
# line between them.
_BESIDE = 0.05
# Forms of pixels on a line differ from whole numbers by rounding errors, which are smaller than this.
_ON_LINE = 1e-6


@attrs.frozen(eq=False)
class Lattice:
    """
    Triangles of a mesh by cells: horizontal lines half a step apart and the diagonals of the steps cut the lattice.

    Parameters
    ----------
    step_x, step_y : float
        Distance between vertices, in source pixels.
    columns, rows : int
        Vertices per row and per column.
    cells : ndarray of int, shape (N,)
        Triangle per row, falling diagonal, and side of the rising diagonal; −1 if there is none.
    """

    step_x: float
    step_y: float
    columns: int
    rows: int
    cells: IntArray

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.cells.nbytes

    @classmethod
    def of(cls, columns: int, image_size: tuple[int, int]) -> Lattice:
        """Return the lattice of the mesh of an image; *columns* is the number of vertices per row."""
        size = (*image_size, image_size[0] / columns)
        _, rows, step_x, step_y = mesh_lattice(*size)
        lattice = cls(step_x, step_y, columns, rows, np.full(4 * rows * (columns + rows), -1, dtype=np.int64))
        x, y = mesh_vertices(*size)[mesh_triangles(*size)].mean(axis=1).T
        for beside in (-_BESIDE * step_y, _BESIDE * step_y):
            values = lattice._values(lattice.forms(np.eye(2, 3)), x, y + beside)
            lattice.cells[lattice._numbers(np.floor(values))] = np.arange(len(x))
        lattice.cells.setflags(write=False)
        return lattice

    def forms(self, back: FloatArray) -> FloatArray:
        """Return the linear forms of canvas x, y, 1 that are whole numbers on lines; *back* leads to source pixels."""
        u, v = back[0] / self.step_x, back[1] / self.step_y
        return np.stack([2.0 * v, u - v, u + v])

    def _values(self, forms: FloatArray, x: FloatArray | IntArray, y: FloatArray | IntArray) -> FloatArray:
        values = np.multiply.outer(forms[:, 0], x.astype(np.float64, copy=False))
        values += np.multiply.outer(forms[:, 1], y.astype(np.float64, copy=False))
        values += forms[:, 2:]
        return values

    def _numbers(self, values: FloatArray) -> IntArray:
        """Return the numbers of cells, given the whole parts of the forms."""
        row, falling, rising = values
        # Two per row and falling diagonal; rising − falling − row is 0 or 1.
        number = row * (2 * (self.columns + self.rows) - 1)
        number += falling
        number += rising
        number += 2 * self.rows
        return np.asarray(number.astype(np.intp))

    def triangles(self, forms: FloatArray, x: FloatArray | IntArray, y: FloatArray | IntArray) -> IntArray:
        """Return the triangles of pixels, or of places; for those on lines and outside of the mesh any one, or −1."""
        values = self._values(forms, x, y)
        return np.asarray(self.cells.take(self._numbers(np.floor(values, out=values)), mode="clip"))

    def candidates(self, forms: FloatArray, x: IntArray, y: IntArray) -> IntArray:
        """Return the triangles on all sides of pixels on lines, and maybe others; shape (8, N), −1 for none."""
        values = self._values(forms, x, y)
        low, high = np.floor(values - _ON_LINE), np.floor(values + _ON_LINE)
        sides = product(*zip(low, high, strict=True))
        found = np.stack([self.cells.take(self._numbers(np.stack(side)), mode="clip") for side in sides])
        found.sort(axis=0)
        found[1:][found[1:] == found[:-1]] = -1
        return found
