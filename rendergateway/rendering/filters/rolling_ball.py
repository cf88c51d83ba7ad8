"""Background subtraction by a rolling ball."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.rendering.base.threads import side_by_side
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, by_plane

__all__ = ["RollingBallSubtraction"]

Values = npt.NDArray[np.floating[Any]]

_FEW_ROWS = 64
_LARGEST_RADIUS = 2000
_THIRD = np.float32(0.33333333)


@attrs.frozen
class RollingBallSubtraction(Filter):
    """
    Subtract a dark background: the surface of a ball that rolls below the grey levels.

    Parameters
    ----------
    radius : float
        Also in grey levels, whatever the pixel type.

    References
    ----------
    .. [1] ImageJ, ``BackgroundSubtracter``.
    """

    radius: float

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        radius = context.radius(self.radius)
        return by_plane(lambda plane: _subtracted(plane, radius), pixels)


def _subtracted(plane: Pixels, radius: int) -> Pixels:
    if radius > _LARGEST_RADIUS:
        raise FilterError(f"radius of RollingBallSubtraction too large: got {radius}; use at most {_LARGEST_RADIUS}")
    shrink, trim = next((s, t) for most, s, t in _STEPS if radius <= most)
    values = plane.astype(np.float32)
    if shrink > 1 and plane.shape[1] <= shrink:
        raise FilterError(
            f"image too narrow for RollingBallSubtraction: got {plane.shape[1]} pixels for radius {radius}; "
            "use a smaller radius"
        )
    smooth = _smoothed(values)
    smooth[np.isnan(smooth)] = np.inf
    small = _shrunk(smooth, shrink)
    background = _rolled(small, _ball(max(radius / shrink, 1.0), trim))
    if shrink > 1:
        background = _enlarged(_enlarged(background, values.shape[1], shrink).T, values.shape[0], shrink).T
    difference: Values = values - background
    if plane.dtype.kind == "f":
        return difference
    whole: Pixels = np.clip(difference + np.float32(0.5), 0, np.iinfo(plane.dtype).max).astype(plane.dtype)
    return whole


# Largest radius, factor that the image is shrunk by, percentage of the ball trimmed at each side.
_STEPS = ((10, 1, 24), (30, 2, 24), (100, 4, 32), (float("inf"), 8, 40))


def _smoothed(values: Values) -> Values:
    """Return the means of 3 × 3 pixels, rows first."""
    for axis in (1, 0):
        padded = np.pad(values, [(int(axis == 0),) * 2, (int(axis == 1),) * 2], mode="edge")
        length = values.shape[axis]
        first, second, third = (np.take(padded, range(start, start + length), axis=axis) for start in range(3))
        values = (first + second + third) * _THIRD
    return values


def _shrunk(values: Values, factor: int) -> Values:
    """Return the minima of squares of *factor* pixels; the last ones may be smaller."""
    if factor == 1:
        return values
    height, width = (-(-side // factor) for side in values.shape)
    padded = np.full((height * factor, width * factor), np.inf, dtype=np.float32)
    padded[: values.shape[0], : values.shape[1]] = values
    least: Values = padded.reshape(height, factor, width, factor).min(axis=(1, 3))
    return least


def _ball(radius: float, trim: int) -> Values:
    reach = int(np.floor(radius - int(trim * radius) // 100 + 0.5))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    ball: Values = np.sqrt(np.maximum(radius * radius - x * x - y * y, 0.0)).astype(np.float32)
    return ball


def _rolled(values: Values, ball: Values) -> Values:
    """Return the surface that the ball reaches from below: the opening of the image by the ball."""
    reach = len(ball) // 2
    lowest = _extreme(np.pad(values, 2 * reach, constant_values=np.inf), -ball, np.minimum)
    return _extreme(lowest, ball, np.maximum)


def _extreme(padded: Values, ball: Values, better: np.ufunc) -> Values:
    """Return the least or largest of pixel plus ball over the ball around each pixel, without its margin."""
    side = len(ball)
    height, width = (length - side + 1 for length in padded.shape)

    def run(top: int) -> Values:
        rows = min(_FEW_ROWS, height - top)
        best = np.full((rows, width), np.inf if better is np.minimum else -np.inf, dtype=np.float32)
        moved = np.empty_like(best)
        for y in range(side):
            for x in range(side):
                np.add(padded[top + y : top + y + rows, x : x + width], ball[y, x], out=moved)
                better(best, moved, out=best)
        return best

    return np.concatenate(side_by_side(run, list(range(0, height, _FEW_ROWS))))


def _enlarged(values: Values, length: int, factor: int) -> Values:
    """Return rows interpolated to *length* pixels; beyond the middle of the first and last they are extrapolated."""
    at = np.arange(length)
    small = values.shape[1]
    first = np.trunc((at - factor // 2) / factor).astype(np.intp)
    first[first >= small - 1] = small - 2
    weight = (1 - ((at + 0.5) / factor - (first + 0.5))).astype(np.float32)
    # A single row has nothing beside it: the missing one counts as 0.
    low = np.zeros((len(values), length), np.float32) if small == 1 else values[:, first]
    enlarged: Values = low * weight + values[:, first + 1] * (1 - weight)
    return enlarged
