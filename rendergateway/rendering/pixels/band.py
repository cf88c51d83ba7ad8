"""Bands: the shape of one image in a few rows of the canvas, and the source position of each of its pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.half_places import HalfPlaces
from rendergateway.rendering.pixels.places import RoughPlaces

__all__ = ["BLOCK", "Band", "Box", "Inside", "Runs"]

# Sides of a block: the smaller, the more precise single precision is, and the more calls are made.
BLOCK = 264
_BAND_PIXELS = 1 << 20


@attrs.frozen
class Box:
    """A rectangle of the canvas: its upper left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def rows(self) -> IntArray:
        """The rows of the canvas."""
        return np.arange(self.y, self.y + self.height)

    def bands(self, most_rows: int = BLOCK) -> list[Box]:
        """Return boxes of the whole width, of similar heights, that make up this one; by default one block high."""
        rows = _even(self.height, max(1, min(most_rows, _BAND_PIXELS // self.width)))
        return [Box(self.x, self.y + y, self.width, min(rows, self.height - y)) for y in range(0, self.height, rows)]

    def blocks(self) -> list[Box]:
        """Return boxes of similar sizes that make up this one, row by row."""
        columns, rows = _even(self.width, BLOCK), _even(self.height, BLOCK)
        return [
            Box(self.x + x, self.y + y, min(columns, self.width - x), min(rows, self.height - y))
            for y in range(0, self.height, rows)
            for x in range(0, self.width, columns)
        ]


def _even(length: int, most: int) -> int:
    """Return the length of as few equal parts as possible, each at most *most*."""
    return -(-length // -(-length // most))


@attrs.frozen(eq=False)
class Runs:
    """
    One run of pixels per row: the shape of an affine image.

    Parameters
    ----------
    start, stop : ndarray of int, shape (H,)
        Columns start … stop − 1; empty unless *stop* is above *start*.
    width : int
        Width of the rectangle.
    """

    start: IntArray
    stop: IntArray
    width: int

    def as_mask(self) -> npt.NDArray[np.uint8]:
        """Return 255 inside the runs, 0 elsewhere."""
        columns = np.arange(self.width, dtype=np.int32)
        inside = columns >= self.start.astype(np.int32)[:, np.newaxis]
        inside &= columns < self.stop.astype(np.int32)[:, np.newaxis]
        return inside.view(np.uint8) * np.uint8(255)


Inside: TypeAlias = npt.NDArray[np.uint8] | Runs | None


class Band(ABC):
    """
    The shape of one image in a few rows of the canvas.

    Parameters
    ----------
    box : Box
    inside : ndarray of uint8, shape (H, W), or Runs, optional
        255 for pixels of the image; None: all of them.

    Attributes
    ----------
    blocks : list of Box
        Parts of the band, each narrow enough for single precision; without those that have no pixel of the image.
    tolerance : float
        Bound of the error of `exact`, in source pixels; 0 if it has none.
    shift : (int, int), optional
        Source pixel of the upper left corner, if all positions are whole pixels, one beside the other.
    halves : HalfPlaces, optional
        The positions, if they differ from multiples of half a pixel by rounding errors only.
    border : ndarray of int, shape (2, N)
        x and y of the pixels of the canvas that may be on a border of the image.
    """

    tolerance = 0.0
    shift: tuple[int, int] | None = None
    halves: HalfPlaces | None = None

    def __init__(self, box: Box, inside: Inside) -> None:
        self.box, self.inside = box, inside
        self.border: IntArray = np.zeros((2, 0), dtype=np.int64)
        self.blocks = box.blocks()

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.inside.nbytes if isinstance(self.inside, np.ndarray) else 0

    @property
    @abstractmethod
    def reach(self) -> tuple[int, int, int, int]:
        """First and last source column and row of all blocks, in the order of `RoughPlaces`."""

    @property
    @abstractmethod
    def times(self) -> IntArray | None:
        """How often each pixel is drawn, shape (H, W); None: once."""

    @abstractmethod
    def rough(self, number: int) -> RoughPlaces:
        """Return the positions of all pixels of a block, in single precision."""

    @abstractmethod
    def exact(self, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the source positions of some pixels of the canvas that are in this band."""

    def settled(self, x: IntArray, y: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return source positions without the error of `exact`."""
        return self.exact(x, y)
