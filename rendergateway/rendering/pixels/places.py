"""Source positions of the pixels of a block in single precision, and interpolation there by OpenCV."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray
from rendergateway.rendering.base import opencv

__all__ = ["SINGLE", "AffinePlaces", "MappedPlaces", "Pixels", "RoughPlaces", "rounding"]

Pixels: TypeAlias = npt.NDArray[Any]

# Relative rounding error of single precision.
SINGLE = 2.0**-24


def rounding(size: FloatArray | float) -> FloatArray:
    """Return bounds of the errors of rounding numbers up to *size* to single precision: half of the last place."""
    return np.ldexp(SINGLE / 2.0, np.frexp(size)[1])


@attrs.frozen(eq=False)
class RoughPlaces(ABC):
    """
    Source positions of the pixels of a block, in single precision.

    Parameters
    ----------
    left, top, right, bottom : int
        First and last source pixel with a position between it and the next. Positions are relative to the first, so
        that the numbers are small and the rounding errors too.
    error : float
        Bound of the rounding error, in source pixels.
    """

    left: int
    top: int
    right: int
    bottom: int
    error: float

    @abstractmethod
    def values(self, part: Pixels) -> Pixels:
        """Return the values of source pixels, float32, at all positions; beyond the border, those of the border."""


@attrs.frozen(eq=False)
class AffinePlaces(RoughPlaces):
    """
    Source positions by an affine.

    Parameters
    ----------
    matrix : ndarray, shape (2, 3)
        From the pixels of the block to positions.
    size : (int, int)
        Width and height of the block.
    """

    matrix: FloatArray
    size: tuple[int, int]

    def values(self, part: Pixels) -> Pixels:
        """Return the values of source pixels."""
        cv2 = opencv.cv2
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(part, self.matrix, self.size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


@attrs.frozen(eq=False)
class MappedPlaces(RoughPlaces):
    """
    Source positions of each pixel.

    Parameters
    ----------
    x_y : ndarray of float32, shape (H, W, 2)
        Anything for pixels outside of the shape.
    """

    x_y: Pixels

    def values(self, part: Pixels) -> Pixels:
        """Return the values of source pixels."""
        cv2 = opencv.cv2
        # The second map is absent: the first one has both coordinates.
        absent: Any = None
        return np.asarray(cv2.remap(part, self.x_y, absent, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
