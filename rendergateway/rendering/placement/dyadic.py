"""The rounding errors of the positions of an image that is shifted by halves or quarters of a pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import Box
from rendergateway.rendering.pixels.dyadic import DyadicPlaces
from rendergateway.rendering.placement.lattice import Lattice
from rendergateway.rendering.placement.triangles import Mesh

__all__ = ["dyadic_bits", "dyadic_places"]

# Of eighths of a pixel, only one value in a hundred is halfway between two integers.
_MOST_BITS = 2
_FEW_PIXELS = 1 << 15


def dyadic_bits(back: FloatArray) -> int:
    """
    Return the number of bits behind the point of all positions: 0 unless an affine shifts by halves or quarters.

    Parameters
    ----------
    back : ndarray, shape (2, 3)
        From canvas pixels to source pixels.
    """
    if (back[:, :2] != np.eye(2)).any():
        return 0
    bits = range(_MOST_BITS + 1)
    return next((n for n in bits if all((2**n * offset).is_integer() for offset in back[:, 2].tolist())), 0)


def dyadic_places(
    mesh: Mesh, lattice: Lattice, back: FloatArray, box: Box, on_lines: IntArray
) -> DyadicPlaces:
    """
    Return the positions of a band.

    Parameters
    ----------
    mesh : Mesh
    lattice : Lattice
        Of the same triangles.
    back : ndarray, shape (2, 3)
        From canvas pixels to source pixels: a shift with `dyadic_bits`.
    box : Box
    on_lines : ndarray of int, shape (N,)
        Pixels on lines of the mesh, counted by row, whose triangles are not looked for.
    """
    bits = dyadic_bits(back)
    unit, most = DyadicPlaces.unit(bits)
    (left, right), (top, down) = (divmod(int(2**bits * offset), 2**bits) for offset in back[:, 2].tolist())
    errors = np.empty((2, box.height, box.width), dtype=np.int8)
    unknown = [on_lines]
    for part in box.bands(max(1, _FEW_PIXELS // box.width)):
        first = part.y - box.y
        for axis, found in enumerate(_errors(mesh, lattice, back, part)):
            found *= 1.0 / unit
            some = errors[axis, first : first + part.height]
            some[...] = np.clip(found, -most, most)
            unknown.append(np.flatnonzero(some != found) + first * box.width)
    return DyadicPlaces(
        left + box.x, top + box.y, bits, right, down, errors, np.unique(np.concatenate(unknown))
    )


def _errors(mesh: Mesh, lattice: Lattice, back: FloatArray, box: Box) -> Iterator[FloatArray]:
    """Yield the differences of x, then of y, between positions by triangles and by the affine."""
    x, rows = np.arange(box.x, box.x + box.width, dtype=np.float64), box.rows.astype(np.float64)
    forms = lattice.forms(back)
    # Rows cross falling and rising lines; the middle between two of them is in a triangle.
    edges = np.concatenate([_crossed(form, x, rows) for form in forms[1:].tolist()], axis=1)
    edges.sort(axis=1)
    lengths = np.diff(np.ceil(edges).clip(x[0], x[-1] + 1.0).astype(np.int64), axis=1)
    row, run = np.nonzero(lengths)
    y, lengths = rows[row], lengths[row, run]
    triangle = lattice.triangles(forms, (edges[row, run] + edges[row, run + 1]) / 2.0, y)
    affines = mesh.affines.take(triangle, axis=0, mode="clip")
    for axis, whole in enumerate((x + back[0, 2], (rows + back[1, 2])[:, np.newaxis])):
        across, down, shift = affines[:, axis].T
        # In the order of the service.
        found = np.repeat(across, lengths).reshape(box.height, box.width)
        found *= x
        found += np.repeat(down * y, lengths).reshape(found.shape)
        found += np.repeat(shift, lengths).reshape(found.shape)
        found -= whole
        yield found


def _crossed(form: list[float], x: FloatArray, rows: FloatArray) -> FloatArray:
    """Return where rows cross the lines on which a form is a whole number, from before the first column on."""
    across, down, shift = form
    offset = down * rows + shift
    count = math.ceil(across * len(x)) + 2
    first = np.floor(across * x[0] + offset)
    return np.asarray(np.add.outer(first - offset, np.arange(count)) / across)
