"""Placement of affine images: warped in rectangular blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.rendering.pixels.patches import ON_BORDER, Patch, Placement, Runs, clipped
from rendergateway.rendering.pixels.sampling import Pixels, nearest, sampled_affine
from rendergateway.transforms import AffineModel2D

__all__ = ["AffinePlacement"]

# Side of a block: larger blocks lose accuracy, because OpenCV uses single precision.
_BLOCK = 2048


@attrs.frozen
class AffinePlacement(Placement):
    """
    Placement of an image by an affine transform.

    Parameters
    ----------
    picture_from_image : AffineModel2D
        From source pixels to canvas pixels.
    image_size, picture_size : (int, int)
        Width and height.
    """

    picture_from_image: AffineModel2D
    image_size: tuple[int, int]
    picture_size: tuple[int, int]

    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Warp *images*, all of one size, to patches; none if the affine is singular."""
        (m00, m01, _), (m10, m11, _) = self.picture_from_image.matrix.tolist()
        determinant, box = m00 * m11 - m01 * m10, self._box()
        if box is None or determinant == 0 or not math.isfinite(determinant):
            return []
        back = self.picture_from_image.inverse().matrix
        if not np.isfinite(back).all():
            return []
        found = []
        for y in range(box[1], box[3], _BLOCK):
            for x in range(box[0], box[2], _BLOCK):
                width, height = min(_BLOCK, box[2] - x), min(_BLOCK, box[3] - y)
                inside = self._inside(back, x, y, width, height, closed=determinant > 0)
                sample = _AffineSampling(back, x, y, width, height)
                found.append(Patch(x, y, inside, [sample(image, interpolate=interpolate) for image in images]))
        return found

    def pixel_count(self) -> int:
        """Return the number of canvas pixels in the bounding box of the image."""
        box = self._box()
        return 0 if box is None else (box[2] - box[0]) * (box[3] - box[1])

    def _box(self) -> tuple[int, int, int, int] | None:
        """Return the bounding box of the image on the canvas; None if it is empty."""
        right, bottom = self.image_size[0] - 1, self.image_size[1] - 1
        x, y = (
            [across * column + down * row + offset for column in (0, right) for row in (0, bottom)]
            for across, down, offset in self.picture_from_image.matrix.tolist()
        )
        return clipped(x, y, self.picture_size)

    def _inside(self, back: FloatArray, x: int, y: int, width: int, height: int, *, closed: bool) -> Runs | None:
        """Return the pixels between the outermost pixel centres of the image, inclusive unless it is mirrored."""
        rows = np.arange(y, y + height, dtype=np.float64)
        (left, right), (top, bottom) = (
            _between(row, rows, side - 1, closed=closed)
            for row, side in zip(back.tolist(), self.image_size, strict=True)
        )
        start = (np.maximum(left, top) - x).clip(0, width)
        stop = (np.minimum(right, bottom) - (x - 1)).clip(0, width)
        if not start.any() and (stop == width).all():
            return None
        return Runs(start.astype(np.int64), stop.astype(np.int64), width)


def _between(row: list[float], y: FloatArray, last: int, *, closed: bool) -> tuple[FloatArray, FloatArray]:
    """Return the first and last integer x at which one source coordinate is within 0 … *last*."""
    across, down, shift = row
    offset = down * y + shift
    if abs(across) < ON_BORDER:
        reach = ON_BORDER if closed else -ON_BORDER
        inside = (offset >= -reach) & (offset <= last + reach)
        return np.full(len(y), -np.inf), np.where(inside, np.inf, -np.inf)
    low, high = -offset / across, (last - offset) / across
    if across < 0:
        low, high = high, low
    # Linear in the row: the extremes are at the ends.
    reach = ON_BORDER * (1.0 + max(map(abs, (low[0], low[-1], high[0], high[-1]))))
    if closed:
        return np.ceil(low - reach), np.floor(high + reach)
    return np.floor(low + reach) + 1, np.ceil(high - reach) - 1


@attrs.frozen
class _AffineSampling:
    """Samples images for one rectangle of the canvas."""

    back: FloatArray
    x: int
    y: int
    width: int
    height: int

    def __call__(self, image: Pixels, *, interpolate: bool) -> Pixels:
        if not interpolate:
            return nearest(image, *self._places())
        (a, b, c), (d, e, f) = self.back.tolist()
        left, top = c + (a * self.x + b * self.y), f + (d * self.x + e * self.y)
        if (a, b, d, e) == (1.0, 0.0, 0.0, 1.0) and left.is_integer() and top.is_integer():
            return self._copied(image, int(left), int(top))
        samples = sampled_affine(image, np.array([[a, b, left], [d, e, top]]), self.width, self.height)
        self._blank_last(samples, image)
        return samples

    def _places(self) -> tuple[FloatArray, FloatArray]:
        x = np.arange(self.x, self.x + self.width, dtype=np.float64)
        y = np.arange(self.y, self.y + self.height, dtype=np.float64)[:, np.newaxis]
        places = [across * x + (down * y + offset) for across, down, offset in self.back]
        snapped = [np.where(np.abs(at - np.rint(at)) < ON_BORDER, np.rint(at), at) for at in places]
        return snapped[0], snapped[1]

    def _copied(self, image: Pixels, left: int, top: int) -> Pixels:
        """Copy the pixels of an image shifted by whole pixels, except for its last row and column."""
        copied = np.zeros((self.height, self.width, *image.shape[2:]), dtype=image.dtype)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(image.shape[1] - 1, left + self.width), min(image.shape[0] - 1, top + self.height)
        if x1 > x0 and y1 > y0:
            copied[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
        return copied

    def _blank_last(self, values: Pixels, image: Pixels) -> None:
        """Clear pixels exactly on the last row or column of the image: they have no neighbour to interpolate with."""
        for (across, down, offset), side in zip(self.back.tolist(), image.shape[1::-1], strict=True):
            last = side - 1 - ON_BORDER
            if down == 0:
                values[:, across * np.arange(self.x, self.x + self.width) + offset >= last] = 0
            elif across == 0:
                values[down * np.arange(self.y, self.y + self.height) + offset >= last] = 0
