"""Placement of images with nonlinear transforms: through a mesh of affine triangles."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.rendering.base.threads import side_by_side
from rendergateway.rendering.pixels.patches import MapCache, Maps, Patch, Placement, clipped
from rendergateway.rendering.pixels.sampling import Pixels, nearest, sampled_at, sampled_exactly
from rendergateway.rendering.placement.triangles import Mesh, SmoothPlaces
from rendergateway.transforms import Transform, mesh_triangles, mesh_vertices
from rendergateway.transforms.base.matrices import inverse_affines

__all__ = ["MeshPlacement", "triangle_count"]

_MOST_TRIANGLES = 1_000_000
# Pixels per band, and rows per step if each pixel is tested.
_BAND_PIXELS = 1 << 20
_FEW_ROWS = 32


def triangle_count(columns: int, image_size: tuple[int, int]) -> float:
    """Return the approximate number of triangles of a mesh."""
    width, height = image_size
    return 4.0 * columns * (height * columns / width / 1.7 + 2.0)


class MeshPlacement(Placement):
    """
    Placement of an image through a triangle mesh.

    Parameters
    ----------
    whole : Transform
        From source pixels to canvas pixels.
    columns : int
        Number of vertices per row of the mesh.
    image_size, picture_size : (int, int)
        Width and height.
    maps : ByteCache, optional
        Cache of pixel maps.
    exact : bool
        Whether to test every pixel and sample in double precision, as the service does.

    Raises
    ------
    ImageError
        If the mesh would have more than a million triangles.
    """

    def __init__(
        self,
        whole: Transform,
        columns: int,
        image_size: tuple[int, int],
        picture_size: tuple[int, int],
        maps: MapCache | None,
        *,
        exact: bool,
    ) -> None:
        self._whole = whole
        self._exact = exact
        self._image_size = image_size
        self._columns = columns
        self._maps = maps
        self._once = threading.Lock()
        self._few: SmoothPlaces | None = None
        self._looked_up = False
        width, height = image_size
        # The cell width that results in this number of columns.
        cell_size = width / columns
        if triangle_count(columns, image_size) > _MOST_TRIANGLES:
            raise ImageError(f"mesh too fine: got {columns} columns for an image of {width} × {height} pixels")
        vertices, triangles = mesh_vertices(width, height, cell_size), mesh_triangles(width, height, cell_size)
        targets = whole.apply(vertices)
        corners = targets[triangles]
        self._mesh = Mesh(corners, inverse_affines(vertices[triangles], corners))
        finite = targets[np.isfinite(targets).all(axis=1)]
        ends = [(float(at.min()), float(at.max())) for at in finite.T] if len(finite) else None
        self._box = None if ends is None else clipped(ends[0], ends[1], picture_size)

    def patches(self, images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Warp *images*, all of one size, to patches."""
        if self._box is None:
            return []
        x0, y0, x1, y1 = self._box
        if self._exact:
            return self._small(self._box, images, interpolate=interpolate)
        rows = max(1, _BAND_PIXELS // (x1 - x0))
        bands = [(y, min(rows, y1 - y)) for y in range(y0, y1, rows)]

        def patch(band: tuple[int, int]) -> Patch:
            x, y, inside = self._mapped(*band)
            look_up = sampled_at if interpolate else nearest
            return Patch(x0, band[0], inside, [look_up(image, x, y) for image in images])

        return side_by_side(patch, bands)

    def _small(self, box: tuple[int, int, int, int], images: Sequence[Pixels], *, interpolate: bool) -> list[Patch]:
        """Return exact patches; like the service, draw pixels on a common side of two triangles twice."""
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
            raise ImageError("image does not intersect the canvas")
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
        """Return a coarse grid of source positions, computed once for all bands."""
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
        """Return 255 for positions on the image, and so in the mesh."""
        from rendergateway.rendering.base.opencv import cv2

        right, bottom = self._image_size[0] - 1, self._image_size[1] - 1
        return np.asarray(cv2.bitwise_and(cv2.inRange(x, 0, right), cv2.inRange(y, 0, bottom)), dtype=np.uint8)


def _as_mask(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    return chosen.view(np.uint8) * np.uint8(255)
