"""Rounding errors of the positions of an image that is shifted by half a pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import Box
from rendergateway.rendering.pixels.half_places import HalfPlaces
from rendergateway.rendering.placement.lattice import Lattice
from rendergateway.rendering.placement.triangles import Mesh

__all__ = ["half_places", "is_half_shift"]

# Positions computed together: of fewer, threads would wait for the interpreter; of more, arrays leave the cache.
_FEW_PIXELS = 1 << 17


def is_half_shift(back: FloatArray) -> bool:
    """Whether an affine shifts by multiples of half a pixel, and not by whole pixels along both axes."""
    x, y = back[:, 2].tolist()
    halves = (2.0 * x).is_integer() and (2.0 * y).is_integer()
    return halves and not (x.is_integer() and y.is_integer()) and bool((back[:, :2] == np.eye(2)).all())


def half_places(mesh: Mesh, lattice: Lattice, back: FloatArray, box: Box, on_lines: IntArray) -> HalfPlaces:
    """
    Return the positions of the pixels of a band, each by the affine of its triangle.

    Parameters
    ----------
    mesh : Mesh
    lattice : Lattice
        Of the triangles of *mesh*.
    back : ndarray, shape (2, 3)
        From canvas pixels to source pixels; see `is_half_shift`.
    box : Box
    on_lines : ndarray of int, shape (N,)
        Pixels on lines of the mesh, counted by row; their triangles are not known.
    """
    x, y = back[:, 2].tolist()
    errors = np.empty((2, box.height, box.width), dtype=np.int8)
    unknown = [on_lines]
    for part in box.bands(max(1, _FEW_PIXELS // box.width)):
        top = part.y - box.y
        for kept, found in zip(errors[:, top : top + part.height], _errors(mesh, lattice, back, part), strict=True):
            kept[...] = found.clip(-HalfPlaces.MOST, HalfPlaces.MOST)
            unknown.append(np.flatnonzero(kept != found) + top * box.width)
    corner = math.floor(x) + box.x, math.floor(y) + box.y
    others = np.unique(np.concatenate(unknown))
    return HalfPlaces(*corner, not x.is_integer(), not y.is_integer(), errors, others)


def _errors(mesh: Mesh, lattice: Lattice, back: FloatArray, box: Box) -> Iterator[FloatArray]:
    """Yield how far x, then y, by the triangles are from those by the affine, in units of `HalfPlaces`."""
    columns, rows = np.arange(box.x, box.x + box.width, dtype=np.float64), box.rows.astype(np.float64)
    forms = lattice.forms(back)
    # Between a line that a row crosses and the next one, falling or rising, all pixels are in one triangle.
    edges = np.concatenate([_crossings(form, columns, rows) for form in forms[1:].tolist()], axis=1)
    edges.sort(axis=1)
    lengths = np.diff(np.ceil(edges).clip(box.x, box.x + box.width).astype(np.int64), axis=1)
    row, run = np.nonzero(lengths)
    y, lengths = rows[row], lengths[row, run]
    triangle = lattice.triangles(forms, (edges[row, run] + edges[row, run + 1]) / 2.0, y)
    affines = mesh.affines.take(triangle, axis=0, mode="clip")
    for axis, whole in enumerate((columns + back[0, 2], (rows + back[1, 2])[:, np.newaxis])):
        across, down, shift = affines[:, axis].T
        # The products and sums of `Mesh.places`, in its order.
        found = np.repeat(across, lengths).reshape(box.height, box.width)
        found *= columns
        found += np.repeat(down * y, lengths).reshape(found.shape)
        found += np.repeat(shift, lengths).reshape(found.shape)
        found -= whole
        found *= 1.0 / HalfPlaces.UNIT
        yield found


def _crossings(form: list[float], columns: FloatArray, rows: FloatArray) -> FloatArray:
    """Return where rows cross lines, from before the first column to beyond the last; shape (H, N), in order."""
    across, down, shift = form
    offset = down * rows + shift
    first = np.floor(across * columns[0] + offset)
    count = math.ceil(across * len(columns)) + 2
    return np.asarray(np.add.outer(first - offset, np.arange(count)) / across)
