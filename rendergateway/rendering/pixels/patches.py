"""Patches: rectangles of the canvas with the samples of one tile; and the interface of placements."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import IntArray
from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.pixels.sampling import Pixels

__all__ = ["ON_BORDER", "Inside", "MapCache", "Maps", "Patch", "Placement", "Runs", "clipped"]

# Tolerance in pixels for a position on a border.
ON_BORDER = 1e-9

# Source positions x and y of the pixels of a rectangle, and 255 for those inside the image.
Maps: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
MapCache: TypeAlias = ByteCache[Maps]


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


@attrs.frozen(eq=False)
class Patch:
    """
    Samples of images for a rectangle of the canvas.

    Parameters
    ----------
    x, y : int
        Upper left corner.
    inside : ndarray of uint8, shape (H, W), or Runs, optional
        255 for pixels inside the tile; None: all of them.
    samples : list of ndarray, shape (H, W) or (H, W, 3)
        Samples per image, in its own dtype.
    """

    x: int
    y: int
    inside: Inside
    samples: list[Pixels]


class Placement(ABC):
    """The placement of one image on the canvas."""

    @abstractmethod
    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Warp *images*, all of one size, to patches."""


def clipped(x: Sequence[float], y: Sequence[float], picture_size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the pixel bounds of points *x*, *y* on the canvas, ends excluded; None if empty or not finite."""
    if not all(map(math.isfinite, (*x, *y))):
        return None
    x0, y0 = (max(0, math.ceil(min(at) - ON_BORDER)) for at in (x, y))
    x1, y1 = (min(side, math.floor(max(at) + ON_BORDER) + 1) for at, side in zip((x, y), picture_size, strict=True))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
