"""Image filters, applied before drawing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.extensions import Extensions
from rendergateway.geometry import FloatArray
from rendergateway.rendering.base.recipe import FilterStep

__all__ = ["FILTERS", "filtered", "register_filter"]

Pixels = npt.NDArray[Any]
Parameters = Mapping[str, str]
Filter = Callable[[Pixels, Parameters, float, np.random.Generator], Pixels]
FilterT = TypeVar("FilterT", bound=Filter)

_LARGEST_DISK = 100


def filtered(pixels: Pixels, steps: tuple[FilterStep, ...], scale: float, random: np.random.Generator) -> Pixels:
    """
    Apply filters to an image, in order.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Image at one mipmap level; not modified.
    steps : tuple of FilterStep
    scale : float
        Scale of that level: sizes in parameters refer to level 0.
    random : Generator
        Source of noise.

    Raises
    ------
    FilterError
        If a filter is unknown, its parameters are invalid, or the image is too small for it.
    """
    for step in steps:
        run = FILTERS.get(step.name)
        if run is None:
            package, _, name = step.name.rpartition(".")
            found = f"{name} of {package}" if package else name
            raise FilterError(f"unknown filter: got {found}; use one of {', '.join(FILTERS)}, or register_filter()")
        try:
            result = run(pixels, step.parameters, scale, random)
        except FilterError:
            raise
        except Exception as error:  # code of a lab
            raise FilterError(f"filter {step.name} failed: {error!r}") from error
        if np.shape(result)[:2] != pixels.shape[:2]:
            raise FilterError(f"filter {step.name} must keep the shape {pixels.shape}: got {np.shape(result)}")
        pixels = result
    return pixels


def register_filter(name: str, *, replace: bool = False) -> Callable[[FilterT], FilterT]:
    """
    Return a decorator that registers a function as the filter of a class name.

    Pictures drawn from now on, by this process or an embedded service in it, use it. Pickled gateways include it, so
    that other processes use it too. ``FILTERS.registered(name, function)`` registers it for a block.

    Parameters
    ----------
    name : str
        Java class name in filter specifications; those of ``org.janelia.alignment.filter`` without their package.
    replace : bool
        Whether the name may have a function.

    Raises
    ------
    RegistrationError
        If the name has another function and *replace* is false.

    Notes
    -----
    The function takes ``pixels``, an array (H, W) or (H, W, 3) that it must not change; ``parameters``, texts by name;
    ``scale``, of the image relative to its full size; and ``random``, a numpy ``Generator``. It returns an array of
    the same shape and dtype. It is called by several threads.
    """
    return FILTERS.decorator(name, replace=replace)


def _composite(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """Apply the filters in parameters ``filter0``, ``filter1``, …: texts of their specifications."""
    steps = []
    for number in itertools.count():
        text = parameters.get(f"filter{number}")
        if text is None:
            break
        try:
            spec = json.loads(text)
            steps.append(FilterStep(spec["className"], spec.get("parameters") or {}))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise FilterError(f"filter{number} of CompositeFilter must be a filter in JSON: got {text!r}") from error
    if len(steps) < len(parameters):
        raise FilterError(f"CompositeFilter must have filter0, filter1, … without a gap: got {sorted(parameters)}")
    return filtered(pixels, tuple(steps), scale, random)


def _number(parameters: Parameters, name: str, default: float) -> float:
    # The service compares some names in lower case, whatever the case in its configuration.
    found = {key.lower(): value for key, value in parameters.items()}.get(name.lower())
    try:
        return default if found is None else float(found)
    except ValueError as error:
        raise FilterError(f"filter parameter {name} must be a number: got {found!r}") from error


def _switch(parameters: Parameters, name: str, *, default: bool) -> bool:
    return parameters.get(name, str(default)).lower() == "true"


def _limits(pixels: Pixels) -> tuple[float, float]:
    """Return the default display range of an image."""
    if pixels.dtype == np.uint8:
        return 0.0, 255.0
    return float(pixels.min()), float(pixels.max())


def _as_type(values: FloatArray, like: Pixels) -> Pixels:
    if like.dtype.kind == "f":
        return values.astype(like.dtype)
    return np.clip(np.floor(values + 0.5), 0, np.iinfo(like.dtype).max).astype(like.dtype)


def _value_to_noise(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """Replace one value by random values."""
    value, low, high = (
        _number(parameters, name, default) for name, default in (("value", 0), ("min", 0), ("max", 255))
    )
    if low > high:
        raise FilterError(f"minimum of ValueToNoise above its maximum: got {low} and {high}")
    there = (pixels == value).all(axis=2) if pixels.ndim == 3 else pixels == value
    changed = pixels.copy()
    shape = (int(there.sum()), *pixels.shape[2:])
    if pixels.dtype.kind == "f":
        changed[there] = random.uniform(low, high, shape)
    else:
        least, most = np.clip(np.rint([low, high]), 0, np.iinfo(pixels.dtype).max).astype(int)
        changed[there] = random.integers(least, most, shape, endpoint=True)
    return changed


def _normalize_local_contrast(
    pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator
) -> Pixels:
    """
    Stretch each pixel between the mean ± some standard deviations of the block around it.

    References
    ----------
    .. [1] axtimwalde/mpicbg, ``NormalizeLocalContrast``.
    """
    if pixels.ndim == 3:
        planes = [_normalize_local_contrast(plane, parameters, scale, random) for plane in np.moveaxis(pixels, 2, 0)]
        return np.stack(planes, axis=2)
    radii = [int(np.floor(_number(parameters, f"blockRadius{axis}", 500) * scale + 0.5)) for axis in "XY"]
    center, stretch = (_switch(parameters, name, default=True) for name in ("center", "stretch"))
    low, high = _limits(pixels)
    mean, deviation = _block_statistics(pixels.astype(np.float64), radii[0], radii[1])
    reach = np.maximum(_number(parameters, "meanFactor", 3.0) * deviation, 1e-9)
    if stretch:
        middle = mean if center else np.full_like(mean, (high + low) / 2)
        result = (pixels - (middle - reach)) / (2 * reach) * (high - low) + low
    else:
        result = pixels - mean + (high - low) / 2 + low if center else pixels.astype(np.float64)
    return _as_type(result, pixels)


def _block_statistics(values: FloatArray, radius_x: int, radius_y: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the block around each pixel, clipped at the border."""
    from rendergateway.rendering.base.opencv import cv2

    total, squares = cv2.integral2(values, sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
    height, width = values.shape
    top, bottom = _reach(height, radius_y)
    left, right = _reach(width, radius_x)
    count = ((bottom - top)[:, np.newaxis] * (right - left)).astype(np.float64)
    sums, square_sums = (
        table[np.ix_(bottom, right)]
        - table[np.ix_(top, right)]
        - table[np.ix_(bottom, left)]
        + table[np.ix_(top, left)]
        for table in (total, squares)
    )
    mean: FloatArray = np.divide(sums, count, dtype=np.float64)
    variance = (square_sums - sums * mean) / np.maximum(count - 1, 1)
    return mean, np.sqrt(np.maximum(variance, 0.0))


def _reach(length: int, radius: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    at = np.arange(length)
    return np.maximum(at - radius, 0), np.minimum(at + radius + 1, length)


def _clahe(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """Equalize the histogram of each block with limited slope, through OpenCV."""
    from rendergateway.rendering.base.opencv import cv2

    radius = int(np.floor(_number(parameters, "blockRadius", 500) * scale + 0.5))
    height, width = pixels.shape[:2]
    if min(height, width) <= radius:
        raise FilterError(
            f"Index {height * width} out of bounds for length {height * width}: CLAHE of block radius {radius} needs "
            f"an image larger than {width} × {height}"
        )
    if pixels.ndim == 3 or pixels.dtype.kind == "f":
        raise FilterError(f"CLAHE needs a grey image of integers: got {pixels.shape} of {pixels.dtype}")
    blocks = [max(1, round(side / (2 * radius + 1))) for side in (width, height)]
    return cv2.createCLAHE(_number(parameters, "slope", 2.5), (blocks[0], blocks[1])).apply(pixels)


def _equalize(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """Equalize the histogram of the image."""
    from rendergateway.rendering.base.opencv import cv2

    if pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise FilterError(f"EqualizeHistogram needs an 8-bit grey image: got {pixels.shape} of {pixels.dtype}")
    return cv2.equalizeHist(pixels)


def _invert(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """Invert the display range."""
    low, high = _limits(pixels)
    return _as_type(high + low - pixels.astype(np.float64), pixels)


def _rank(pixels: Pixels, parameters: Parameters, scale: float, random: np.random.Generator) -> Pixels:
    """
    Replace each pixel by mean, minimum, maximum or variance of the disk around it; borders are replicated.

    References
    ----------
    .. [1] ImageJ, ``RankFilters``: pixels of a disk, and numbers of filter types.
    """
    from rendergateway.rendering.base.opencv import cv2

    kind, radius = _number(parameters, "filterType", 1), _number(parameters, "radius", 4)
    work = _RANKS.get(kind)
    if work is None:
        raise FilterError(f"invalid filterType of Rank: got {kind:g}; use 0 mean, 1 minimum, 2 maximum or 3 variance")
    disk = _disk(np.floor(radius * scale + 0.5))
    reach = [side // 2 for side in disk.shape]
    values = cv2.copyMakeBorder(pixels, reach[0], reach[0], reach[1], reach[1], cv2.BORDER_REPLICATE)
    whole = np.asarray(work(values.astype(np.float64), disk), dtype=np.float64)
    return _as_type(whole[reach[0] : whole.shape[0] - reach[0], reach[1] : whole.shape[1] - reach[1]], pixels)


def _disk(radius: float) -> npt.NDArray[np.uint8]:
    """Return 1 for pixels within a radius: their squared distance is at most radius² + 1."""
    if not 0 <= radius <= _LARGEST_DISK:
        raise FilterError(f"invalid radius of Rank: got {radius:g} pixels at the mipmap level; use 0 … {_LARGEST_DISK}")
    most = radius * radius + 1
    reach = int(np.sqrt(most))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disk: npt.NDArray[np.uint8] = (x * x + y * y <= most).astype(np.uint8)
    return disk


def _mean_of_disk(values: FloatArray, disk: npt.NDArray[np.uint8]) -> FloatArray:
    from rendergateway.rendering.base.opencv import cv2

    mean: FloatArray = np.asarray(cv2.filter2D(values, -1, disk / disk.sum()), dtype=np.float64)
    return mean


def _least_of_disk(values: FloatArray, disk: npt.NDArray[np.uint8]) -> FloatArray:
    from rendergateway.rendering.base.opencv import cv2

    return np.asarray(cv2.erode(values, disk), dtype=np.float64)


def _variance_of_disk(values: FloatArray, disk: npt.NDArray[np.uint8]) -> FloatArray:
    variance: FloatArray = _mean_of_disk(values * values, disk) - _mean_of_disk(values, disk) ** 2
    return np.maximum(variance, 0.0)


# By the numbers of ImageJ.
_RANKS: dict[float, Callable[[FloatArray, npt.NDArray[np.uint8]], FloatArray]] = {
    0: _mean_of_disk,
    1: _least_of_disk,
    2: lambda values, disk: -_least_of_disk(-values, disk),
    3: _variance_of_disk,
}

FILTERS: Extensions[Filter] = Extensions(
    "filter",
    {
        "ValueToNoise": _value_to_noise,
        "NormalizeLocalContrast": _normalize_local_contrast,
        "CLAHE": _clahe,
        "EqualizeHistogram": _equalize,
        "Invert": _invert,
        "Rank": _rank,
        "CompositeFilter": _composite,
    },
)
