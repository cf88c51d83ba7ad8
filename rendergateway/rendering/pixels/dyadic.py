"""Interpolation at source positions that differ from halves or quarters of a pixel by rounding errors only."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import IntArray
from rendergateway.rendering.base import opencv

__all__ = ["DyadicPlaces"]

Pixels = npt.NDArray[Any]

# The bits of a byte's value and of its change are within the 53 bits of double precision down to 2 ** −45.
_LAST_BIT = 45
# Changes of values, up to this many units times two steps of 255 times the weights of the neighbours, fit into 16 bits.
_MOST = 64
# Values computed together: the temporary arrays stay in the cache.
_FEW_VALUES = 1 << 14


@attrs.frozen(eq=False)
class DyadicPlaces:
    """
    Source positions of a band, each a multiple of 1/2 or 1/4 of a pixel plus a rounding error.

    A byte's value at the multiple is a multiple of 1/4 or 1/16, and an integer holds it. The error changes it by less
    than that; if it is halfway between two integers, the sign of the change decides. `docs/design.md` has the proof
    that double precision finds the same.

    Parameters
    ----------
    left, top : int
        Source pixel at or before the position of the upper left corner.
    bits : int
        Positions are multiples of 2 ** −bits.
    right, down : int
        Distances of the positions from the pixels before, in such multiples; not both 0.
    errors : ndarray of int8, shape (2, H, W)
        Errors of x and y, in units of `unit`.
    unknown : ndarray of int, shape (N,)
        Pixels, counted by row, whose errors are not known; in order.
    """

    left: int
    top: int
    bits: int
    right: int
    down: int
    errors: npt.NDArray[np.int8]
    unknown: IntArray

    @staticmethod
    def unit(bits: int) -> tuple[float, int]:
        """Return the unit of errors, in source pixels, and the largest error."""
        return 2.0 ** (bits - _LAST_BIT), _MOST >> bits

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.errors.nbytes + self.unknown.nbytes

    def set_values(self, values: Pixels, image: Pixels) -> None:
        """
        Set *values* to those of an image, rounded half up; those of `unknown` positions may be off by one.

        Parameters
        ----------
        values : ndarray of uint8, shape (H, W) or (H, W, 3)
        image : ndarray of uint8
            Beyond its border are the pixels of the border.
        """
        height = len(values)
        rows = max(1, _FEW_VALUES * height // values.size)
        for first in range(0, height, rows):
            some = slice(first, min(first + rows, height))
            errors = self.errors[:, some].astype(np.int16)
            values[some] = self._values(
                _around(image, self.left, self.top + first, values[some].shape),
                errors if image.ndim == 2 else errors[..., np.newaxis],
            )

    def _values(self, source: Pixels, errors: Pixels) -> Pixels:
        """Return the values of some rows, given the source pixels from one before the first to one after the last."""
        columns = self._mixed(source[:, 1:-1], source[:, 2:], self.right)
        values = self._mixed(columns[1:-1], columns[2:], self.down)
        steps = np.subtract(source[1:, 1:], source[1:, :-1])
        steps = self._mixed(steps[:-1], steps[1:], self.down)
        change = _change(errors[0], steps[:, :-1], steps[:, 1:], self.right)
        steps = np.subtract(columns[1:], columns[:-1])
        change += _change(errors[1], steps[:-1], steps[1:], self.down)
        # The sign bit, everywhere: −1 for negative numbers. The other values are not near enough to matter.
        change >>= 15
        values += change
        values += 1 << 2 * self.bits - 1
        values >>= 2 * self.bits
        return values

    def _mixed(self, before: Pixels, after: Pixels, distance: int) -> Pixels:
        """Return the values between neighbours, in units of 2 ** −bits."""
        if distance == 0:
            return before << self.bits
        if self.bits == 1:
            return np.add(before, after)
        found: Pixels = before * np.int16((1 << self.bits) - distance)
        found += after * np.int16(distance)
        return found


def _change(errors: Pixels, before: Pixels, after: Pixels, distance: int) -> Pixels:
    """Return the change of values by errors along one axis, given the differences to the neighbours before and after."""
    if distance:
        return np.multiply(errors, after)
    # At a whole pixel, an error to either side changes the value by another neighbour.
    found: Pixels = np.maximum(errors, 0) * after
    found += np.minimum(errors, 0) * before
    return found


def _around(image: Pixels, left: int, top: int, shape: tuple[int, ...]) -> Pixels:
    """Return pixels of an image as 16-bit integers, and one more on each side."""
    cv2 = opencv.cv2
    height, width = image.shape[:2]
    (y0, y1), (x0, x1) = (top - 1, top + shape[0] + 1), (left - 1, left + shape[1] + 1)
    part = image[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)].astype(np.int16)
    beyond = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
    return np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REPLICATE)) if any(beyond) else part
