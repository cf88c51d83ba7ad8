"""Patches: rectangles of the canvas with the samples of one tile; and the interface of placements."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeAlias, TypeVar, cast

import attrs
import numpy as np

from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.base.threads import side_by_side
from rendergateway.rendering.pixels.band import Band, Box, Inside
from rendergateway.rendering.pixels.sampling import Pixels, sampled

__all__ = ["Patch", "Placement", "ShapeCache", "clipped", "kept"]

# Tolerance in pixels for a position on a border.
_ON_BORDER = 1e-9


class Measured(Protocol):
    """Something with a size in memory."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        ...


# Shapes of images on the canvas, which take time to compute.
ShapeCache: TypeAlias = ByteCache[Measured]
Shape = TypeVar("Shape", bound=Measured)


def kept(shapes: ShapeCache | None, key: Hashable, make: Callable[[], Shape]) -> Shape:
    """Return a shape from the cache, if there is one, or make it."""
    return make() if shapes is None else cast("Shape", shapes.get(key, make))


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
    def bands(self) -> list[Box]:
        """Return the bands of the canvas that the image is in; none if it draws nothing."""

    @abstractmethod
    def band(self, box: Box) -> Band:
        """Return the shape of the image in a band."""

    def patches(
        self, images: Sequence[Pixels], *, interpolate: bool, blended: bool, edges: bool = False
    ) -> list[Patch]:
        """
        Warp *images*, all of one size, to patches.

        Parameters
        ----------
        images : sequence of ndarray
        interpolate : bool
            Bilinear interpolation; otherwise the nearest pixel.
        blended : bool
            Whether it matters that pixels on a common side of two triangles are drawn twice.
        edges : bool
            Whether the last column and row are drawn, which interpolation leaves black.
        """
        contiguous = [np.ascontiguousarray(_extended(image) if edges and interpolate else image) for image in images]

        def drawn(box: Box) -> list[Patch]:
            band = self.band(box)
            samples = sampled(contiguous, band, interpolate=interpolate)
            times = band.times if blended else None
            most = 1 if times is None else int(times.max())
            again = [(times > n).view(np.uint8) * np.uint8(255) for n in range(1, most)] if times is not None else []
            return [Patch(box.x, box.y, inside, samples) for inside in (band.inside, *again)]

        return [patch for patches in side_by_side(drawn, self.bands()) for patch in patches]


def _extended(image: Pixels) -> Pixels:
    """Return an image with its last column and row repeated, so that every pixel has a neighbour."""
    return np.pad(image, [(0, 1), (0, 1), (0, 0)][: image.ndim], mode="edge")


def clipped(x: Sequence[float], y: Sequence[float], picture_size: tuple[int, int]) -> Box | None:
    """Return the pixels between points *x*, *y* on the canvas; None if there are none, or a point is not finite."""
    if not all(map(math.isfinite, (*x, *y))):
        return None
    x0, y0 = (max(0, math.ceil(min(at) - _ON_BORDER)) for at in (x, y))
    x1, y1 = (min(side, math.floor(max(at) + _ON_BORDER) + 1) for at, side in zip((x, y), picture_size, strict=True))
    return Box(x0, y0, x1 - x0, y1 - y0) if x0 < x1 and y0 < y1 else None
