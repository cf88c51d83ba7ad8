"""Parts of a picture that one tile fills, and what places tiles in it."""

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

# Pixels by which a place may miss a border and still lie on it.
ON_BORDER = 1e-9

# Where in an image the pixels of a rectangle come from, x and y, and 255 for those that do.
Maps: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
MapCache: TypeAlias = ByteCache[Maps]


@attrs.frozen(eq=False)
class Runs:
    """
    One run of pixels in each row: those of a straight-edged image.

    Parameters
    ----------
    start, stop : ndarray of int, shape (H,)
        Columns start … stop − 1; none where *stop* is not above *start*.
    width : int
        Of the rectangle.
    """

    start: IntArray
    stop: IntArray
    width: int

    def as_mask(self) -> npt.NDArray[np.uint8]:
        """Return 255 within the runs, 0 elsewhere."""
        columns = np.arange(self.width, dtype=np.int32)
        inside = columns >= self.start.astype(np.int32)[:, np.newaxis]
        inside &= columns < self.stop.astype(np.int32)[:, np.newaxis]
        return inside.view(np.uint8) * np.uint8(255)


Inside: TypeAlias = npt.NDArray[np.uint8] | Runs | None


@attrs.frozen(eq=False)
class Patch:
    """
    Samples for a rectangle of the picture.

    Parameters
    ----------
    x, y : int
        Its upper left corner.
    inside : ndarray of uint8, shape (H, W), or Runs, optional
        255 where the tile lies; None: everywhere.
    samples : list of ndarray, shape (H, W) or (H, W, 3)
        Of each image that was asked for, in its own type.
    """

    x: int
    y: int
    inside: Inside
    samples: list[Pixels]


class Placement(ABC):
    """Where one image comes to lie."""

    @abstractmethod
    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Return what *images*, all of one size, are in the picture."""


def clipped(x: Sequence[float], y: Sequence[float], picture_size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the pixels of a picture among which points *x*, *y* lie, ends excluded; None where there are none."""
    if not all(map(math.isfinite, (*x, *y))):
        return None
    x0, y0 = (max(0, math.ceil(min(at) - ON_BORDER)) for at in (x, y))
    x1, y1 = (min(side, math.floor(max(at) + ON_BORDER) + 1) for at, side in zip((x, y), picture_size, strict=True))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
