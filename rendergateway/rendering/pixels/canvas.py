"""Canvas: compositing of patches, with and without masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.pixels.band import Inside, Runs
from rendergateway.rendering.pixels.intensity import stretched, to_8bit
from rendergateway.rendering.pixels.patches import Patch
from rendergateway.rendering.pixels.sampling import Pixels

__all__ = ["Canvas", "converted"]

_OPAQUE = 255
_BYTE = 255.0


def converted(image: Pixels, like: Pixels, value_range: tuple[float, float]) -> Pixels:
    """
    Convert an image to the type of the canvas.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 3)
    like : ndarray
        An image of the type of the canvas.
    value_range : (float, float)
        Grey levels displayed black and white, for the conversion to 8 bits.
    """
    if image.ndim == like.ndim and image.dtype == like.dtype:
        return image
    if like.ndim == 3:
        grey = to_8bit(image, value_range)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if image.ndim == 3:
        mean: FloatArray = image.astype(np.float64).sum(axis=2) / 3.0
        if like.dtype.kind == "f":
            return np.asarray(mean.astype(like.dtype))
        image = (mean + 0.5).astype(np.uint8)
    return to_8bit(image, value_range) if like.dtype == np.uint8 else image.astype(like.dtype)


class Canvas:
    """
    The canvas of one channel.

    Parameters
    ----------
    width, height : int
        In pixels.
    masked : bool
        Whether any tile has a mask: then tiles are blended.
    binary : bool
        Masks are binary, without blending.
    coverage : bool
        Whether to record the pixels covered by tiles.
    """

    def __init__(self, width: int, height: int, *, masked: bool, binary: bool = False, coverage: bool = False) -> None:
        self._shape = height, width
        self._binary = binary
        self._stretched = False
        self.pixels: Pixels | None = None
        self.alpha = np.zeros(self._shape, dtype=np.uint8) if masked else None
        self._covered = np.zeros(self._shape, dtype=np.uint8) if coverage and not masked else None
        self.value_range = 0.0, _BYTE

    @property
    def covered(self) -> npt.NDArray[np.uint8] | None:
        """Above 0 for pixels covered by tiles; None if not recorded."""
        return self.alpha if self._covered is None else self._covered

    def begin(self, like: Pixels) -> Pixels:
        """Allocate the canvas with the type of the first image, and return it."""
        if self.pixels is None:
            self.pixels = np.zeros((*self._shape, *like.shape[2:]), dtype=like.dtype)
        return self.pixels

    def add(self, patch: Patch, image: Pixels, mask: Pixels | None) -> None:
        """
        Draw one patch.

        Parameters
        ----------
        patch : Patch
            Position and shape.
        image : ndarray, shape (H, W) or (H, W, 3)
            Samples of the image, in the type of the canvas.
        mask : ndarray of uint8, shape (H, W), optional
            Samples of its mask; by default the image is opaque.
        """
        if self.pixels is None:
            raise ValueError("canvas not allocated; call begin() first")
        height, width = image.shape[:2]
        rectangle = np.s_[patch.y : patch.y + height, patch.x : patch.x + width]
        below = self.pixels[rectangle]
        if self.alpha is None:
            _cover(below, image, patch.inside)
            if self._covered is not None:
                _fill(self._covered[rectangle], patch.inside)
        elif mask is None:
            _cover(below, image, patch.inside)
            _fill(self.alpha[rectangle], patch.inside)
        elif self._binary:
            covers = _where(mask > 0, patch.inside)
            _cover(below, image, covers)
            _fill(self.alpha[rectangle], covers)
        else:
            _blend(below, self.alpha[rectangle], patch, image, mask, black_is_empty=not self._stretched)

    def show(self, value_range: tuple[float, float]) -> None:
        """Set the value range from the tile drawn last; colours are stretched at once, the whole canvas each time."""
        self.value_range = value_range
        if self.pixels is not None and self.pixels.ndim == 3:
            # The service reads the limits of the drawn image, which are whole numbers.
            self.pixels = stretched(self.pixels, (float(int(value_range[0])), float(int(value_range[1]))))
            self._stretched = True


def _as_mask(inside: npt.NDArray[np.uint8] | Runs) -> npt.NDArray[np.uint8]:
    return inside.as_mask() if isinstance(inside, Runs) else inside


def _where(chosen: npt.NDArray[np.bool_], inside: Inside) -> npt.NDArray[np.uint8]:
    covers = chosen.view(np.uint8) * np.uint8(_OPAQUE)
    return covers if inside is None else covers & _as_mask(inside)


def _cover(below: Pixels, above: Pixels, inside: Inside) -> None:
    """Copy *above* over *below*, inside the patch."""
    if inside is None:
        below[...] = above
    elif isinstance(inside, Runs):
        _cover_runs(below, above, inside.start, inside.stop)
    else:
        _copy_masked(below, above, inside)


def _cover_runs(below: Pixels, above: Pixels, start: IntArray, stop: IntArray) -> None:
    """Copy the run start … stop − 1 of each row; rows with equal runs, neighbours in an upright image, together."""
    changes = np.flatnonzero((start[1:] != start[:-1]) | (stop[1:] != stop[:-1])) + 1
    tops = [0, *changes.tolist()]
    for top, bottom, left, right in zip(
        tops, [*tops[1:], len(start)], start[tops].tolist(), stop[tops].tolist(), strict=True
    ):
        if left < right:
            below[top:bottom, left:right] = above[top:bottom, left:right]


def _copy_masked(below: Pixels, above: Pixels, mask: npt.NDArray[np.uint8]) -> None:
    from rendergateway.rendering.base.opencv import cv2

    cv2.copyTo(above, mask, below)


def _fill(alpha: npt.NDArray[np.uint8], inside: Inside) -> None:
    if inside is None:
        alpha[...] = _OPAQUE
    else:
        np.maximum(alpha, _as_mask(inside), out=alpha)


def _blend(
    below: Pixels, alpha: npt.NDArray[np.uint8], patch: Patch, image: Pixels, mask: Pixels, *, black_is_empty: bool
) -> None:
    """
    Blend an image with the canvas below it.

    Pixels with a full mask replace the canvas; the others are blended. A black pixel below counts as empty, but not
    after the colours of the canvas were stretched: the service then stores opaque black.
    """
    full = mask == _OPAQUE
    covers = _where(full, patch.inside)
    partly = ~full if patch.inside is None else ~full & (_as_mask(patch.inside) > 0)
    t, b = below[partly].astype(np.float64), alpha[partly] / _BYTE
    black = (t == 0).all(axis=1) if t.ndim == 2 else t == 0
    empty = black if black_is_empty else np.zeros_like(black)
    blended, share = _mixed(image[partly].astype(np.float64), mask[partly] / _BYTE, t, b, empty)
    _cover(below, image, covers)
    _fill(alpha, covers)
    below[partly] = _stored(blended, below.dtype)
    # The service keeps the opacity of colours with them, truncated; that of grey levels is an image, rounded.
    alpha[partly] = np.trunc(share * _BYTE) if below.ndim == 3 else _stored(share * _BYTE, alpha.dtype)


def _stored(values: FloatArray, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Round values like the service: in single precision, add one half and truncate."""
    single = values.astype(np.float32)
    return single if np.dtype(dtype).kind == "f" else (single + np.float32(0.5)).astype(dtype)


def _mixed(
    s: FloatArray, a: FloatArray, t: FloatArray, b: FloatArray, empty: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """Return values and alphas of pixels *s* with alpha *a* over pixels *t*, some of them *empty*, with alpha *b*."""
    rest = np.where(empty, 0.0, b * (1.0 - a))
    total = a + rest
    divisor = np.where(empty, 1.0, np.where(total == 0, np.inf, total))
    if t.ndim == 2:
        a, rest, divisor = a[:, np.newaxis], rest[:, np.newaxis], divisor[:, np.newaxis]
    return (s * a + t * rest) / divisor, total
