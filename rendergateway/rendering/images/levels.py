"""Mipmap levels: choosing the level to draw, and downsampling of missing levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.base.recipe import Channel, Level
from rendergateway.transforms import Transform

__all__ = ["average_scale", "best_level", "drawn_level", "floor_level", "halved"]

_MOST_GRID_POINTS = 4_000_000
_FEWEST_FOR_A_FIT = 3
_HIGHEST_LEVEL = 30
# Rows per step of halving an image.
_FEW_ROWS = 64
# Distance from a change of levels, in levels, and offset in mesh cells, within limits of rounding.
_NEXT_LEVEL, _FAR = 1e-6, 1e6


def average_scale(transform: Transform, width: float, height: float, cell_size: float = 64.0) -> float:
    """
    Return the scale of *transform*: the longer side of a unit square under the best-fitting affine.

    Parameters
    ----------
    transform : Transform
        From local pixels to image pixels.
    width, height : float
        Size of the tile in local pixels.
    cell_size : float
        Distance between the fitted points in local pixels.

    Returns
    -------
    float
        1 if there are fewer than three points or they are collinear, or *cell_size* is NaN: a tile not wider or not
        higher than *cell_size* is drawn from level 0.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``AffineModel2D.fit``.
    """
    if math.isnan(cell_size):
        return 1.0
    if not (cell_size > 0 and width > 0 and height > 0 and math.isfinite(width + height)):
        raise ImageError(f"width, height and mesh cell size must be above 0: got {width}, {height}, {cell_size}")
    columns, rows = (math.ceil(min(side / cell_size, _MOST_GRID_POINTS + 1.0)) for side in (width, height))
    if columns * rows > _MOST_GRID_POINTS:
        raise ImageError(f"mesh too fine: got cells of {cell_size} pixels for a tile of {width:g} × {height:g}")
    if columns * rows < _FEWEST_FOR_A_FIT:
        return 1.0
    x, y = np.meshgrid(np.arange(columns) * cell_size, np.arange(rows) * cell_size)
    grid: FloatArray = np.column_stack([x.ravel(), y.ravel()]).astype(np.float64)
    matrix = _fitted(grid, transform.apply(grid))
    if matrix is None:
        return 1.0
    with np.errstate(over="ignore"):
        return float(np.sqrt((matrix**2).sum(axis=0).max()))


def _fitted(source: FloatArray, target: FloatArray) -> FloatArray | None:
    """
    Return the linear part (2, 2) of the best-fitting affine; None if it is singular.

    Sums are accumulated in the order of the points, as in the service: at a scale of exactly one half the last digit
    decides which level is drawn.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        source = source - _sum(source) / len(source)
        target = target - _sum(target) / len(target)
        (a00, a01), (_, a11) = (_sum(source[:, :1] * source), _sum(source[:, 1:] * source))
        b = np.stack([_sum(source[:, :1] * target), _sum(source[:, 1:] * target)])
        determinant = a00 * a11 - a01 * a01
        if determinant == 0 or not np.isfinite(determinant):
            return None
        row = (a11 * b[0] - a01 * b[1]) / determinant, (a00 * b[1] - a01 * b[0]) / determinant
        return np.stack(row, axis=1)


def _sum(values: FloatArray) -> FloatArray:
    total: FloatArray = np.add.accumulate(values, axis=0)[-1]
    return total


def best_level(scale: float) -> int:
    """
    Return the level to draw at *scale*.

    Examples
    --------
    >>> [best_level(scale) for scale in (2, 1, 0.6, 0.5, 0.26, 0.25, 0.1)]
    [0, 0, 0, 1, 1, 2, 3]
    """
    if math.isnan(scale):
        return 0
    times = 1.0 / scale if scale > 0 else math.inf
    return min(_HIGHEST_LEVEL, max(0, int(times).bit_length() - 1)) if math.isfinite(times) else _HIGHEST_LEVEL


def drawn_level(transform: Transform, width: float, height: float, cell_size: float) -> int:
    """Return the level to draw of a tile; for parameters and errors see `average_scale`."""
    if transform.is_affine and 2 * cell_size <= min(width, height):
        (m00, m01, x), (m10, m11, y) = transform.as_affine().matrix.tolist()
        scale = math.sqrt(max(m00 * m00 + m10 * m10, m01 * m01 + m11 * m11))
        # A fit to points differs in the last digits, which matter only near a change of levels.
        if max(abs(x), abs(y)) < _FAR * cell_size * scale < math.inf and _is_between_levels(scale):
            return best_level(scale)
    return best_level(average_scale(transform, width, height, cell_size))


def _is_between_levels(scale: float) -> bool:
    power = math.log2(scale)
    return abs(power - round(power)) > _NEXT_LEVEL


def floor_level(channel: Channel, wanted: int, exists: Callable[[Level], bool]) -> tuple[int, Level]:
    """
    Return number and files of the highest level of *channel* that is not above the wanted one.

    Parameters
    ----------
    channel : Channel
        With at least one listed level.
    wanted : int
        Number of the level to draw.
    exists : callable
        Whether the files of a derived level exist; otherwise the lowest listed level is used.

    Raises
    ------
    ImageError
        If only higher levels are listed: images are not enlarged.
    """
    listed = sorted(channel.levels)
    if wanted in channel.levels:
        return wanted, channel.levels[wanted]
    if channel.path_rule is not None and listed[0] < wanted:
        derived = channel.path_rule.derived(wanted, channel.levels[listed[0]])
        return derived if exists(derived[1]) else (listed[0], channel.levels[listed[0]])
    below = [level for level in listed if level < wanted]
    if not below:
        image = channel.levels[listed[0]].image
        raise ImageError(
            f"The highest resolution mipmap for {image and image.full_url} is level {listed[0]} but a level "
            f"{wanted} mipmap is needed.  Upscaling is not currently supported."
        )
    return below[-1], channel.levels[below[-1]]


def halved(pixels: npt.NDArray[Any], times: int = 1) -> npt.NDArray[Any]:
    """
    Downsample *pixels* by two, *times* over: truncated means of 2 × 2 pixels, without an odd last row and column.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32.
    times : int
        Number of halvings.

    Examples
    --------
    >>> import numpy
    >>> halved(numpy.array([[1, 2, 9], [2, 2, 9]], dtype=numpy.uint8)).tolist()
    [[1]]
    """
    for _ in range(times):
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        if not (height and width):
            return pixels[:height, :width]
        half = np.empty((height, width, *pixels.shape[2:]), dtype=pixels.dtype)
        # A few rows at a time: converting a large image to the wider type at once would multiply its memory.
        for top in range(0, height, _FEW_ROWS):
            bottom = min(top + _FEW_ROWS, height)
            half[top:bottom] = _means(pixels[2 * top : 2 * bottom, : 2 * width])
        pixels = half
    return pixels


def _means(even: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return truncated means of 2 × 2 pixels of an image of even width and height."""
    from rendergateway.rendering.base.opencv import cv2

    size = even.shape[1] // 2, even.shape[0] // 2
    # Means of integers below 2 ** 22 are exact in single precision; the conversion back truncates them.
    byte = even.dtype == np.uint8
    exact = np.left_shift(even, 2, dtype=np.uint16) if byte else even.astype(np.float32)
    means: npt.NDArray[Any] = np.asarray(cv2.resize(exact, size, interpolation=cv2.INTER_AREA))
    return (means >> 2).astype(np.uint8) if byte else means.astype(even.dtype)
