"""Base class of filters: typed parameters, the display window that a filter sees, and rounding to pixel types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.number_text import parse_boolean, parse_double, parse_integer, truncated

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Filter",
    "FilterContext",
    "Pixels",
    "by_plane",
    "doubles",
    "grey_only",
    "half_up",
    "rounded",
    "to_int",
    "wrapped",
]

Pixels = npt.NDArray[Any]

_BYTE_RANGE = 0.0, 255.0
_DEEPEST = 65535.0
_PARSERS: dict[Any, Callable[[str], Any]] = {bool: parse_boolean, int: parse_integer, float: parse_double, str: str}


@attrs.frozen
class FilterContext:
    """
    What a filter knows besides its parameters and the pixels.

    Parameters
    ----------
    scale : float
        Scale of the image: radii in parameters refer to level 0.
    window : (float, float), optional
        Values displayed black and white. None: never set.
    random : Generator
        Source of noise.
    """

    scale: float = 1.0
    window: tuple[float, float] | None = None
    random: np.random.Generator = attrs.field(factory=np.random.default_rng)

    def radius(self, radius: float) -> int:
        """Return a radius of level 0 in pixels of the image, rounded half up."""
        return half_up(radius * self.scale)

    def limits(self, pixels: Pixels) -> tuple[float, float]:
        """Return the display window as ImageJ's processor of this pixel type reports it."""
        if pixels.dtype == np.uint8:
            low, high = self.window or _BYTE_RANGE
            return _BYTE_RANGE if high < low else (half_up(low), half_up(high))
        if self.window is None or self.window == (0.0, 0.0):
            seen = pixels[np.isfinite(pixels)]
            return (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
        low, high = self.window
        if pixels.dtype == np.uint16:
            return truncated(max(low, 0.0)), truncated(min(high, _DEEPEST))
        return float(np.float32(low)), float(np.float32(high))


@attrs.frozen
class Filter:
    """
    One image filter; subclasses are frozen attrs classes whose attributes are the parameters.

    The parameters of a filter spec are named like the attributes, in camel case, parsed by their types, and all
    required.
    """

    @classmethod
    def read(cls, parameters: Mapping[str, str] | None) -> Self:
        """
        Return the filter with parameters as text.

        Raises
        ------
        FilterError
            If a parameter is missing or invalid; the message is the service's.
        """
        fields = attrs.fields(attrs.resolve_types(cls))
        if fields and parameters is None:
            raise FilterError(f"missing parameters: got none for filter {cls.__name__}; add the member parameters")
        return cls(*(_read(parameters or {}, _camel(field.name), field.type) for field in fields))

    def apply(self, pixels: Pixels, context: FilterContext) -> Pixels:
        """
        Return the filtered image.

        Parameters
        ----------
        pixels : ndarray, shape (H, W) or (H, W, 3)
            uint8, uint16 or float32; colours are uint8. Not modified.
        context : FilterContext

        Raises
        ------
        FilterError
            If the image is too small for the parameters, or of another type.
        """
        # Infinities and NaN are values like others.
        with np.errstate(all="ignore"):
            return self._run(pixels, context)

    @property
    def is_repeatable(self) -> bool:
        """Whether it makes the same of an image each time, given scale and display window."""
        return True

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        raise NotImplementedError


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _read(parameters: Mapping[str, str], name: str, kind: Any) -> Any:
    text = parameters.get(name)
    if text is None:
        raise FilterError(f"'{name}' is not defined")
    try:
        return _PARSERS.get(kind, str)(text)
    except ValueError as error:
        raise FilterError(f"failed to parse '{name}' parameter") from error


def half_up(value: float) -> int:
    """Round like Java: half up, clipped to 32 bits, 0 for NaN."""
    return truncated(np.floor(value + 0.5))


def doubles(name: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a parameter, separated by commas."""
    try:
        return tuple(parse_double(word) for word in text.split(","))
    except ValueError as error:
        raise FilterError(f"failed to parse '{name}' parameter") from error


def grey_only(one: Filter, pixels: Pixels) -> Pixels:
    """Return *pixels* if they are grey; the results of the service for colours have no meaning."""
    if pixels.ndim == 3:
        raise FilterError(f"{type(one).__name__} needs a grey image: got colours; use another filter")
    return pixels


def by_plane(process: Callable[[Pixels], Pixels], pixels: Pixels) -> Pixels:
    """Return an image with *process* applied to it, or to each plane of a colour image."""
    if pixels.ndim == 2:
        return process(pixels)
    return np.stack([process(np.ascontiguousarray(plane)) for plane in np.moveaxis(pixels, 2, 0)], axis=2)


def rounded(values: npt.NDArray[np.floating[Any]], dtype: np.dtype[Any]) -> Pixels:
    """Return *values* as pixels: integers rounded half up and clipped, NaN as 0; fractions in single precision."""
    if dtype.kind == "f":
        single: Pixels = values.astype(dtype)
        return single
    whole = np.floor(np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf).astype(np.float64) + 0.5)
    clipped: Pixels = np.clip(whole, 0, np.iinfo(dtype).max).astype(dtype)
    return clipped


def wrapped(values: npt.NDArray[np.float32], dtype: np.dtype[Any]) -> Pixels:
    """Return *values* as pixels: integers keep the low bits of the rounded value, so that 300 becomes 44."""
    return values if dtype.kind == "f" else (to_int(values + np.float32(0.5)) & np.iinfo(dtype).max).astype(dtype)


def to_int(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    """Convert *values* like Java's cast to int: truncated, clipped to 32 bits, 0 for NaN."""
    clipped = np.clip(np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=2.0**31), -(2.0**31), 2.0**31 - 1)
    whole: npt.NDArray[np.int64] = clipped.astype(np.int64)
    return whole
