"""Interpolation of bytes at source positions that differ from halves of a pixel by rounding errors only."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import IntArray
from rendergateway.rendering.base import opencv

__all__ = ["HalfPlaces"]

Pixels = npt.NDArray[Any]

# Values computed together: of fewer, threads would wait for the interpreter; of more, arrays leave the cache.
_FEW_VALUES = 1 << 17


@attrs.frozen(eq=False)
class HalfPlaces:
    """
    Source positions of a band, each a multiple of half a pixel plus a rounding error.

    A byte's value at the multiple is a mean of four pixels, and their sum an integer. The error changes it by less than
    a quarter; if it is halfway between two integers, the sign of the change decides. `docs/design.md` has the proof
    that double precision finds the same.

    Parameters
    ----------
    left, top : int
        Source pixel at or before the position of the upper left corner.
    across, down : bool
        Whether all positions are between two pixels along x, or y; otherwise they are on a pixel.
    errors : ndarray of int8, shape (2, H, W)
        Errors of x and y, in units of `UNIT`, at most `MOST`.
    unknown : ndarray of int, shape (N,)
        Pixels, counted by row, whose errors are not known; in order.
    """

    # With this unit, a byte's value and its change fit into the 53 bits of double precision.
    UNIT = 2.0**-44
    # Up to this, the changes of twice two steps of 255 fit into 16 bits.
    MOST = 32

    left: int
    top: int
    across: bool
    down: bool
    errors: npt.NDArray[np.int8]
    unknown: IntArray

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.errors.nbytes + self.unknown.nbytes

    def set_values(self, values: Pixels, image: Pixels) -> IntArray:
        """
        Set *values* to those of an image, rounded half up.

        Parameters
        ----------
        values : ndarray of uint8, shape (H, W) or (H, W, 3)
        image : ndarray of uint8
            Beyond its border are the pixels of the border.

        Returns
        -------
        ndarray of int, shape (N,)
            Pixels, counted by row, that may be wrong: `unknown` ones halfway between two integers.
        """
        height, width = values.shape[:2]
        rows = max(1, _FEW_VALUES * height // values.size)
        doubtful = []
        for first in range(0, height, rows):
            some = slice(first, min(first + rows, height))
            errors = self.errors[:, some].astype(np.int16)
            source = _around(image, self.left, self.top + first, values[some].shape)
            sums, change = self._sums(source, errors if image.ndim == 2 else errors[..., np.newaxis])
            edges = np.searchsorted(self.unknown, (some.start * width, some.stop * width))
            unknown = self.unknown[slice(*edges)]
            halfway = sums.reshape(-1, sums.size // (len(sums) * width))[unknown - first * width] & 3 == 2
            doubtful.append(unknown[halfway.any(axis=1)])
            # The sign bit of the change: −1 if negative. Only sums that are halfway are near enough for it to matter.
            sums += change >> 15
            sums += 2
            values[some] = sums >> 2
        return np.concatenate(doubtful)

    def _sums(self, source: Pixels, errors: Pixels) -> tuple[Pixels, Pixels]:
        """
        Return the sums of four pixels at positions, and twice their change by errors, both in 16 bits.

        *source* are the pixels of an image from one before the first position to one after the last.
        """
        pairs = source[:, 1:-1] + (source[:, 2:] if self.across else source[:, 1:-1])
        sums = pairs[1:-1] + (pairs[2:] if self.down else pairs[1:-1])
        steps = source[1:-1, 1:] - source[1:-1, :-1]
        steps += source[2:, 1:] - source[2:, :-1] if self.down else steps
        change = _change(errors[0], steps[:, :-1], steps[:, 1:], halfway=self.across)
        steps = pairs[1:] - pairs[:-1]
        change += _change(errors[1], steps[:-1], steps[1:], halfway=self.down)
        return sums, change


def _change(errors: Pixels, before: Pixels, after: Pixels, *, halfway: bool) -> Pixels:
    """Return the change by errors along an axis, given the steps from the pixel before and to the one after."""
    if halfway:
        return np.multiply(errors, after)
    found: Pixels = np.maximum(errors, 0) * after
    found += np.minimum(errors, 0) * before
    return found


def _around(image: Pixels, left: int, top: int, shape: tuple[int, ...]) -> Pixels:
    """Return pixels of an image as 16-bit integers, and one more on each side."""
    cv2 = opencv.cv2
    height, width = image.shape[:2]
    (y0, y1), (x0, x1) = (top - 1, top + shape[0] + 1), (left - 1, left + shape[1] + 1)
    part = image[max(y0, 0) : y1, max(x0, 0) : x1].astype(np.int16)
    beyond = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
    return np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REPLICATE)) if any(beyond) else part
