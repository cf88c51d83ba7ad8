"""Lookup of canvas pixels in a triangle mesh, and their positions in the source image."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray, IntArray

__all__ = ["Mesh", "SmoothPlaces"]

_FAR_OUTSIDE = -1.0e6
# Grid steps for smooth meshes, and the largest interpolation error, in pixels: less than one grey level even at the
# steepest edges of an image.
_STEPS = (16, 4)
_MOST_ERROR = 0.02
_PAIRS_AT_ONCE = 1 << 18
_MOST_OVERLAPS = 64


@attrs.frozen
class Mesh:
    """
    Triangles on the canvas.

    Parameters
    ----------
    corners : ndarray, shape (T, 3, 2)
        In canvas pixels.
    affines : ndarray, shape (T, 2, 3)
        From canvas pixels to source pixels; see `rendergateway.transforms.base.matrices.inverse_affines`.
    """

    corners: FloatArray
    affines: FloatArray

    def triangles_at(self, x0: int, y0: int, width: int, height: int) -> tuple[IntArray, IntArray]:
        """
        Return the triangle of each pixel of a rectangle.

        A pixel is inside if it is on the same side of all three edges; pixels on an edge are inside triangles that
        keep their orientation and outside mirrored ones. Every pixel is tested, as in the service.

        Returns
        -------
        triangle : ndarray of int, shape (height, width)
            The last triangle that contains the pixel; −1 if there is none.
        times : ndarray of int, shape (height, width)
            Number of triangles: more than one on a common side, or if the mesh is folded.

        References
        ----------
        .. [1] axtimwalde/mpicbg, ``TransformMeshMapping.java``.
        """
        names, times = np.full(height * width, -1, dtype=np.int64), np.zeros(height * width, dtype=np.int64)
        for triangle, x, y in self._candidates(x0, y0, width, height):
            hit = self._inside(triangle, x, y)
            at = (y[hit] - y0) * width + x[hit] - x0
            # For repeated indices, the last assignment counts.
            names[at] = triangle[hit]
            times += np.bincount(at, minlength=height * width)
        return names.reshape(height, width), times.reshape(height, width)

    def _inside(self, triangle: IntArray, x: IntArray, y: IntArray) -> IntArray:
        tests = []
        for edge in range(3):
            begin = self.corners[:, edge]
            side = self.corners[:, (edge + 1) % 3] - begin
            ax, ay, across, down = (np.ascontiguousarray(column)[triangle] for column in (*begin.T, *side.T))
            tests.append(across * (y - ay) - down * (x - ax) < 0)
        return np.flatnonzero((tests[0] == tests[1]) & (tests[1] == tests[2]))

    def _candidates(self, x0: int, y0: int, width: int, height: int) -> Iterator[tuple[IntArray, IntArray, IntArray]]:
        """Yield pairs of a triangle and a pixel of its bounding box, in the order of the triangles."""
        kept, low, high = self._boxes(np.array([x0, y0]), np.array([x0 + width - 1, y0 + height - 1]))
        columns, rows = (high - low + 1).T
        counts = columns * rows
        if counts.sum() > _MOST_OVERLAPS * (width * height + len(kept)):
            raise ImageError(f"transform folds the image: more than {_MOST_OVERLAPS} triangles overlap")
        group = np.cumsum(counts) // _PAIRS_AT_ONCE
        for part in np.split(np.arange(len(kept)), np.flatnonzero(np.diff(group)) + 1):
            few = counts[part]
            within = np.arange(few.sum()) - np.repeat(np.cumsum(few) - few, few)
            triangle, across, left, top = (
                np.repeat(values[part], few) for values in (kept, columns, low[:, 0], low[:, 1])
            )
            yield triangle, left + within % across, top + within // across

    def _boxes(self, first: IntArray, last: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return the triangles that intersect a rectangle, and the first and last pixels (N, 2) of their boxes."""
        kept = np.flatnonzero(np.isfinite(self.corners).all(axis=(1, 2)) & np.isfinite(self.affines).all(axis=(1, 2)))
        # Add one half and truncate towards zero.
        low, high = (np.trunc(edge(self.corners[kept], axis=1) + 0.5) for edge in (np.min, np.max))
        low, high = np.clip(low, first, last + 1).astype(np.int64), np.clip(high, first - 1, last).astype(np.int64)
        there = (low <= high).all(axis=1)
        return kept[there], low[there], high[there]

    def places(self, triangle: IntArray, x0: int, y0: int) -> tuple[FloatArray, FloatArray]:
        """Return the source positions of the pixels of a rectangle, given their triangles; far outside for −1."""
        nowhere = np.array([[[0.0, 0.0, _FAR_OUTSIDE]] * 2])
        affines = np.concatenate([self.affines, nowhere])
        height, width = triangle.shape
        x, y = np.arange(x0, x0 + width, dtype=np.float64), np.arange(y0, y0 + height, dtype=np.float64)[:, np.newaxis]
        across, down = (
            x * row[triangle, 0] + y * row[triangle, 1] + row[triangle, 2] for row in (affines[:, 0], affines[:, 1])
        )
        return across, down

    def shrunk(self, step: int) -> Mesh:
        """Return this mesh on a canvas of pixels *step* times as wide, sampled at their centres."""
        middle = (step - 1) / 2.0
        affines = self.affines.copy()
        affines[:, :, 2] += self.affines[:, :, :2].sum(axis=2) * middle
        affines[:, :, :2] *= step
        return Mesh((self.corners - middle) / step, affines)

    def smooth(self, x0: int, y0: int, width: int, height: int) -> SmoothPlaces | None:
        """
        Return the source positions of a coarse grid over a large rectangle.

        None if neighbouring triangles differ so much that interpolation would be off by more than 1/50 pixel, or if
        triangles overlap.
        """
        for step in _STEPS:
            coarse = self.shrunk(step)
            # One more on each side, for interpolation.
            left, top = x0 // step - 1, y0 // step - 1
            columns, rows = (x0 + width - 1) // step + 2 - left, (y0 + height - 1) // step + 2 - top
            triangle, times = coarse.triangles_at(left, top, columns, rows)
            if times.max(initial=0) <= 2 and coarse.bend(triangle) / 4.0 <= _MOST_ERROR:
                x, y = (few.astype(np.float32) for few in coarse.places(_extended(triangle), left, top))
                return SmoothPlaces(step, left, top, x, y)
        return None

    def bend(self, triangle: IntArray) -> float:
        """Return the largest difference between the affines of neighbouring triangles, in source pixels per pixel."""
        most = 0.0
        for one, other in ((triangle[:, 1:], triangle[:, :-1]), (triangle[1:], triangle[:-1])):
            differ = (one != other) & (one >= 0) & (other >= 0)
            turned = self.affines[one[differ], :, :2] - self.affines[other[differ], :, :2]
            most = max(most, float(np.abs(turned).max(initial=0.0)))
        return most


def _extended(triangle: IntArray) -> IntArray:
    """Extend the triangles at the border by two pixels."""
    from rendergateway.rendering.base.opencv import cv2

    wider = cv2.dilate((triangle + 1).astype(np.float32), np.ones((5, 5), dtype=np.uint8))
    return np.where(triangle >= 0, triangle, wider.astype(np.int64) - 1)


@attrs.frozen(eq=False)
class SmoothPlaces:
    """
    Source positions on a coarse grid of canvas pixels.

    Parameters
    ----------
    step : int
        Grid spacing in pixels.
    left, top : int
        Indices of the first grid cell.
    x, y : ndarray of float32, shape (H, W)
        Source pixels of the centres of step × step squares; extrapolated beyond the mesh.
    """

    step: int
    left: int
    top: int
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]

    def between(
        self, x0: int, y0: int, width: int, height: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Interpolate x and y, shape (height, width), for every pixel of a rectangle."""
        first, last = y0 // self.step - 1 - self.top, (y0 + height - 1) // self.step + 2 - self.top
        down, across = y0 - (first + self.top) * self.step, x0 - self.left * self.step
        x, y = (
            _enlarged(few[first:last], self.step)[down : down + height, across : across + width]
            for few in (self.x, self.y)
        )
        return x, y


def _enlarged(values: npt.NDArray[np.float32], times: int) -> npt.NDArray[np.float32]:
    """Interpolate *values* at the centres of squares for each pixel of these."""
    from rendergateway.rendering.base.opencv import cv2

    size = values.shape[1] * times, values.shape[0] * times
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
