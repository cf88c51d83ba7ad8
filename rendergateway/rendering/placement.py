"""Where the pixels of one tile come to lie in a picture, and what they are there."""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.rendering.cache import ByteCache
from rendergateway.rendering.sampling import (
    EXACT_PIXELS,
    Pixels,
    nearest,
    sampled_affine,
    sampled_at,
    sampled_exactly,
)
from rendergateway.rendering.triangles import Mesh, SmoothPlaces, inverse_affines
from rendergateway.transforms import AffineModel2D, Transform, TransformList, mesh_triangles, mesh_vertices

__all__ = ["Inside", "MapCache", "Maps", "Patch", "Placement", "Runs", "place"]

_MOST_TRIANGLES = 1_000_000
# Pixels that are warped at once: more rows only make OpenCV's single precision coarser.
_BLOCK = 2048
_BAND_PIXELS = 1 << 20
_FEW_ROWS = 32
# Local pixels by which a place may miss a border and still lie on it.
_ON_BORDER = 1e-9

Maps = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
MapCache = ByteCache[Maps]


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


def place(
    picture_from_local: Transform,
    *,
    level: int,
    image_size: tuple[int, int],
    tile_width: float,
    cell_size: float,
    picture_size: tuple[int, int],
    maps: MapCache | None = None,
) -> Placement:
    """
    Return where an image comes to lie.

    Parameters
    ----------
    picture_from_local : Transform
        From local pixels of the tile, at full size, to pixels of the picture.
    level : int
        How often the image was halved.
    image_size : (int, int)
        Width and height of the image at that level.
    tile_width : float
        Width of the tile at full size: the mesh is as fine at every level.
    cell_size : float
        About how wide triangles are, in local pixels at full size.
    picture_size : (int, int)
        Width and height.
    maps : ByteCache, optional
        Keeps what curved transforms lead to.
    """
    factor = float(2**level)
    # Pixel k of a halved image stands for the middle of those that it was made of.
    shift = (factor - 1.0) / 2.0
    whole = TransformList([AffineModel2D([[factor, 0, shift], [0, factor, shift]]), picture_from_local])
    columns = max(2, int(tile_width / cell_size + 0.5))
    if not whole.is_affine:
        return _MeshPlacement(whole, columns, image_size, picture_size, maps)
    straight = _AffinePlacement(whole.as_affine().matrix, image_size, picture_size)
    # A small picture is drawn through the mesh all the same: to the last digit as the service draws it.
    if straight.pixel_count() <= EXACT_PIXELS and _triangle_count(columns, image_size) <= straight.pixel_count():
        return _MeshPlacement(whole, columns, image_size, picture_size, maps)
    return straight


def _triangle_count(columns: int, image_size: tuple[int, int]) -> float:
    """Return about how many triangles a mesh has."""
    width, height = image_size
    return 4.0 * columns * (height * columns / width / 1.7 + 2.0)


# -- affine ------------------------------------------------------------------------------------------------------


@attrs.frozen
class _AffinePlacement(Placement):
    picture_from_image: FloatArray
    image_size: tuple[int, int]
    picture_size: tuple[int, int]

    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        linear = self.picture_from_image[:, :2]
        determinant = float(linear[0, 0] * linear[1, 1] - linear[0, 1] * linear[1, 0])
        if determinant == 0 or not np.isfinite(self.picture_from_image).all() or not math.isfinite(determinant):
            return []
        box = self._box()
        if box is None:
            return []
        back = AffineModel2D(self.picture_from_image).inverse().matrix
        exact = (box[2] - box[0]) * (box[3] - box[1]) <= EXACT_PIXELS
        found = []
        for y in range(box[1], box[3], _BLOCK):
            for x in range(box[0], box[2], _BLOCK):
                width, height = min(_BLOCK, box[2] - x), min(_BLOCK, box[3] - y)
                inside = self._inside(back, x, y, width, height, closed=determinant > 0)
                sample = _AffineSampling(back, x, y, width, height, exact)
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
        return _clipped(corners, self.picture_size)

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
    if abs(across) < _ON_BORDER:
        reach = _ON_BORDER if closed else -_ON_BORDER
        stop[(offset < -reach) | (offset > last + reach)] = -np.inf
        return
    ends = np.sort(np.stack([-offset / across, (last - offset) / across]), axis=0)
    reach = _ON_BORDER * (1.0 + np.abs(ends).max())
    low, high = (np.ceil(ends[0] - reach), np.floor(ends[1] + reach)) if closed else (
        np.floor(ends[0] + reach) + 1, np.ceil(ends[1] - reach) - 1
    )  # fmt: skip
    np.maximum(start, low, out=start)
    np.minimum(stop, high, out=stop)


def _clipped(points: FloatArray, picture_size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    if not np.isfinite(points).all():
        return None
    low = np.clip(np.ceil(points.min(axis=0) - _ON_BORDER), 0, picture_size).astype(int)
    high = np.clip(np.floor(points.max(axis=0) + _ON_BORDER) + 1, 0, picture_size).astype(int)
    return None if (high <= low).any() else (int(low[0]), int(low[1]), int(high[0]), int(high[1]))


@attrs.frozen
class _AffineSampling:
    """Looks up a rectangle of the picture in images."""

    back: FloatArray
    x: int
    y: int
    width: int
    height: int
    exact: bool

    def __call__(self, image: Pixels, *, interpolate: bool) -> Pixels:
        if not interpolate:
            return nearest(image, *self._places())
        shift = self.back[:, 2] + self.back[:, :2] @ [self.x, self.y]
        if np.array_equal(self.back[:, :2], np.eye(2)) and np.array_equal(shift, np.floor(shift)):
            return self._copied(image, int(shift[0]), int(shift[1]))
        if self.exact:
            return sampled_exactly(image, *self._places())
        samples = sampled_affine(image, np.column_stack([self.back[:, :2], shift]), self.width, self.height)
        self._blank_last(samples, image)
        return samples

    def _places(self) -> tuple[FloatArray, FloatArray]:
        x = np.arange(self.x, self.x + self.width, dtype=np.float64)
        y = np.arange(self.y, self.y + self.height, dtype=np.float64)[:, np.newaxis]
        places = [across * x + (down * y + offset) for across, down, offset in self.back]
        snapped = [np.where(np.abs(at - np.rint(at)) < _ON_BORDER, np.rint(at), at) for at in places]
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
                values[:, across * x + offset >= last - _ON_BORDER] = 0
            elif across == 0:
                values[down * y + offset >= last - _ON_BORDER] = 0


# -- through a mesh ----------------------------------------------------------------------------------------------


class _MeshPlacement(Placement):
    def __init__(
        self,
        whole: Transform,
        columns: int,
        image_size: tuple[int, int],
        picture_size: tuple[int, int],
        maps: MapCache | None,
    ) -> None:
        self._whole = whole
        self._image_size = image_size
        self._columns = columns
        self._maps = maps
        self._once = threading.Lock()
        self._few: SmoothPlaces | None = None
        self._looked_up = False
        width, height = image_size
        # So wide that as many columns as asked for come out.
        cell_size = width / columns
        if _triangle_count(columns, image_size) > _MOST_TRIANGLES:
            raise ImageError(f"a mesh of {columns} columns is too fine for an image of {width} × {height} pixels")
        vertices, triangles = mesh_vertices(width, height, cell_size), mesh_triangles(width, height, cell_size)
        targets = whole.apply(vertices)
        corners = targets[triangles]
        self._mesh = Mesh(corners, inverse_affines(vertices[triangles], corners))
        finite = targets[np.isfinite(targets).all(axis=1)]
        self._box = _clipped(finite, picture_size) if len(finite) else None

    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        if self._box is None:
            return []
        x0, y0, x1, y1 = self._box
        if (x1 - x0) * (y1 - y0) <= EXACT_PIXELS:
            return self._small(self._box, images, interpolate=interpolate)
        rows = max(1, _BAND_PIXELS // (x1 - x0))
        bands = [(y, min(rows, y1 - y)) for y in range(y0, y1, rows)]

        def patch(band: tuple[int, int]) -> Patch:
            x, y, inside = self._mapped(*band)
            look_up = sampled_at if interpolate else nearest
            return Patch(x0, band[0], inside, [look_up(image, x, y) for image in images])

        return list(_bands().map(patch, bands)) if len(bands) > 1 else [patch(band) for band in bands]

    def _small(self, box: tuple[int, int, int, int], images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Return patches as the service draws them: what lies on a side of two triangles is drawn twice."""
        x0, y0, x1, y1 = box
        triangle, times = self._mesh.triangles_at(x0, y0, x1 - x0, y1 - y0)
        x, y = self._mesh.places(triangle, x0, y0)
        look_up = sampled_exactly if interpolate else nearest
        samples = [look_up(image, x, y) for image in images]
        most = int(times.max(initial=0))
        return [Patch(x0, y0, _as_mask(times > n), samples) for n in range(most)]

    def _mapped(self, y: int, height: int) -> Maps:
        if self._maps is None:
            return self._make_maps(y, height)
        key: Hashable = (self._whole, self._columns, self._image_size, self._box, y, height)
        return self._maps.get(key, lambda: self._make_maps(y, height))

    def _make_maps(self, y: int, height: int) -> Maps:
        if self._box is None:
            raise ImageError("nothing of it lies in the picture")
        x0, width = self._box[0], self._box[2] - self._box[0]
        smooth = self._smooth(self._box)
        if smooth is not None:
            found = smooth.between(x0, y, width, height)
            return *found, self._within(*found)
        parts = [
            self._exact_maps(x0, row, width, min(_FEW_ROWS, y + height - row))
            for row in range(y, y + height, _FEW_ROWS)
        ]
        x_map, y_map, inside = (np.concatenate(kind) for kind in zip(*parts, strict=True))
        return x_map, y_map, inside

    def _smooth(self, box: tuple[int, int, int, int]) -> SmoothPlaces | None:
        """Return the places of a few pixels, looked up once for all bands."""
        with self._once:
            if not self._looked_up:
                x0, y0, x1, y1 = box
                self._few = self._mesh.smooth(x0, y0, x1 - x0, y1 - y0)
                self._looked_up = True
            return self._few

    def _exact_maps(self, x0: int, y0: int, width: int, height: int) -> Maps:
        triangle, times = self._mesh.triangles_at(x0, y0, width, height)
        x, y = self._mesh.places(triangle, x0, y0)
        return x.astype(np.float32), y.astype(np.float32), _as_mask(times > 0)

    def _within(self, x: Pixels, y: Pixels) -> npt.NDArray[np.uint8]:
        """Return 255 for places that lie on the image: those are the ones that lie in the mesh."""
        import cv2

        right, bottom = self._image_size[0] - 1, self._image_size[1] - 1
        return np.asarray(cv2.bitwise_and(cv2.inRange(x, 0, right), cv2.inRange(y, 0, bottom)), dtype=np.uint8)


def _as_mask(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return chosen.view(np.uint8) * np.uint8(255)


_BANDS: list[ThreadPoolExecutor] = []


def _bands() -> ThreadPoolExecutor:
    """Return the threads in which bands of one tile are drawn; they never wait for others."""
    if not _BANDS:
        _BANDS.append(ThreadPoolExecutor(thread_name_prefix="rendergateway-band"))
    return _BANDS[0]
