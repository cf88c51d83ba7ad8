"""Images with straight edges: warped as they are, rectangle by rectangle."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.rendering.patches import ON_BORDER, Patch, Placement, Runs, clipped
from rendergateway.rendering.sampling import Pixels, nearest, sampled_affine
from rendergateway.transforms import AffineModel2D

__all__ = ["AffinePlacement"]

# Pixels that are warped at once: more only make OpenCV's single precision coarser.
_BLOCK = 2048


@attrs.frozen
class AffinePlacement(Placement):
    """
    Where an image with straight edges lies.

    Parameters
    ----------
    picture_from_image : ndarray, shape (2, 3)
        From pixels of the image to pixels of the picture.
    image_size, picture_size : (int, int)
        Width and height.
    """

    picture_from_image: FloatArray
    image_size: tuple[int, int]
    picture_size: tuple[int, int]

    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Return what *images*, all of one size, are in the picture; nothing where they are squeezed to a line."""
        linear = self.picture_from_image[:, :2]
        determinant = float(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0])
        if determinant == 0 or not np.isfinite(self.picture_from_image).all() or not math.isfinite(determinant):
            return []
        box = self._box()
        if box is None:
            return []
        back = AffineModel2D(self.picture_from_image).inverse().matrix
        found = []
        for y in range(box[1], box[3], _BLOCK):
            for x in range(box[0], box[2], _BLOCK):
                width, height = min(_BLOCK, box[2] - x), min(_BLOCK, box[3] - y)
                inside = self._inside(back, x, y, width, height, closed=determinant > 0)
                sample = _AffineSampling(back, x, y, width, height)
                found.append(Patch(x, y, inside, [sample(image, interpolate=interpolate) for image in images]))
        return found

    def pixel_count(self) -> int:
        """Return how many pixels the box around the image has."""
        box = self._box()
        return 0 if box is None else (box[2] - box[0]) * (box[3] - box[1])

    def _box(self) -> tuple[int, int, int, int] | None:
        """Return the pixels of the picture among which the image lies; None where there are none."""
        right, bottom = self.image_size[0] - 1, self.image_size[1] - 1
        corners = np.array([[0, 0, 1], [right, 0, 1], [0, bottom, 1], [right, bottom, 1]]) @ self.picture_from_image.T
        return clipped(corners, self.picture_size)

    def _inside(self, back: FloatArray, x: int, y: int, width: int, height: int, *, closed: bool) -> Runs | None:
        """Return where the image lies: between its first and last pixels, those included where not mirrored."""
        rows = np.arange(y, y + height, dtype=np.float64)
        start, stop = np.full(height, float(x)), np.full(height, float(x + width - 1))
        for axis in range(2):
            _between(back[axis], rows, self.image_size[axis] - 1, start, stop, closed=closed)
        if (start <= x).all() and (stop >= x + width - 1).all():
            return None
        first, last = (np.clip(edge - x, -1, width).astype(np.int64) for edge in (start, stop))
        return Runs(first, last + 1, width)


def _between(row: FloatArray, y: FloatArray, last: int, start: FloatArray, stop: FloatArray, *, closed: bool) -> None:
    """Narrow *start* … *stop*, whole numbers, to where one coordinate of the image lies within 0 … *last*."""
    across, offset = float(row[0]), row[1] * y + row[2]
    if abs(across) < ON_BORDER:
        reach = ON_BORDER if closed else -ON_BORDER
        stop[(offset < -reach) | (offset > last + reach)] = -np.inf
        return
    ends = np.sort(np.stack([-offset / across, (last - offset) / across]), axis=0)
    reach = ON_BORDER * (1.0 + np.abs(ends).max())
    low, high = (np.ceil(ends[0] - reach), np.floor(ends[1] + reach)) if closed else (
        np.floor(ends[0] + reach) + 1, np.ceil(ends[1] - reach) - 1
    )  # fmt: skip
    np.maximum(start, low, out=start)
    np.minimum(stop, high, out=stop)


@attrs.frozen
class _AffineSampling:
    """Looks up a rectangle of the picture in images."""

    back: FloatArray
    x: int
    y: int
    width: int
    height: int

    def __call__(self, image: Pixels, *, interpolate: bool) -> Pixels:
        if not interpolate:
            return nearest(image, *self._places())
        shift = self.back[:, 2] + self.back[:, :2] @ [self.x, self.y]
        if np.array_equal(self.back[:, :2], np.eye(2)) and np.array_equal(shift, np.floor(shift)):
            return self._copied(image, int(shift[0]), int(shift[1]))
        samples = sampled_affine(image, np.column_stack([self.back[:, :2], shift]), self.width, self.height)
        self._blank_last(samples, image)
        return samples

    def _places(self) -> tuple[FloatArray, FloatArray]:
        x = np.arange(self.x, self.x + self.width, dtype=np.float64)
        y = np.arange(self.y, self.y + self.height, dtype=np.float64)[:, np.newaxis]
        places = [across * x + (down * y + offset) for across, down, offset in self.back]
        snapped = [np.where(np.abs(at - np.rint(at)) < ON_BORDER, np.rint(at), at) for at in places]
        return snapped[0], snapped[1]

    def _copied(self, image: Pixels, left: int, top: int) -> Pixels:
        """Return the pixels themselves, where the image is only shifted; but for its last row and column."""
        copied = np.zeros((self.height, self.width, *image.shape[2:]), dtype=image.dtype)
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(image.shape[1] - 1, left + self.width), min(image.shape[0] - 1, top + self.height)
        if x1 > x0 and y1 > y0:
            copied[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
        return copied

    def _blank_last(self, values: Pixels, image: Pixels) -> None:
        """Blank what lies exactly on the last row or column of the image: there is nothing to interpolate with."""
        x = np.arange(self.x, self.x + self.width)
        y = np.arange(self.y, self.y + self.height)
        for axis, last in ((0, image.shape[1] - 1), (1, image.shape[0] - 1)):
            across, down, offset = self.back[axis].tolist()
            if down == 0:
                values[:, across * x + offset >= last - ON_BORDER] = 0
            elif across == 0:
                values[down * y + offset >= last - ON_BORDER] = 0
