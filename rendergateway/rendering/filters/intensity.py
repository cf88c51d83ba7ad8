"""Functions of the grey level of each pixel, and of its place."""

from __future__ import annotations

import attrs
import numpy as np

from rendergateway.errors import FilterError
from rendergateway.geometry import FloatArray
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, doubles, grey_only, rounded, wrapped

__all__ = ["AffineIntensityFilter", "ExponentialIntensityFilter", "Invert", "ShadingCorrectionFilter"]


@attrs.frozen
class Invert(Filter):
    """Complement the bits of each pixel, also those of fractions, which has no meaning."""

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        return ~pixels if pixels.dtype.kind == "u" else (~pixels.view(np.uint32)).view(np.float32)


@attrs.frozen
class AffineIntensityFilter(Filter):
    """Multiply by *a* and add *b*; integers beyond their range keep the low bits."""

    a: float
    b: float

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        values = grey_only(self, pixels).astype(np.float64)
        return wrapped((self.a * values + self.b).astype(np.float32), pixels.dtype)


@attrs.frozen
class ExponentialIntensityFilter(Filter):
    """Multiply each row y, of level 0, by 1 + exp(-a (y - b)); integers beyond their range keep the low bits."""

    a: float
    b: float

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        values = grey_only(self, pixels).astype(np.float32)
        rows = (np.arange(len(pixels)) + 0.5) / context.scale
        factors = (1.0 + np.exp(-self.a * (rows - self.b))).astype(np.float32)
        return wrapped(values * factors[:, np.newaxis], pixels.dtype)


def _upper(text: str) -> str:
    return text.upper()


def _numbers(text: str) -> tuple[float, ...]:
    return doubles("coefficients", text)


def _known_method(instance: object, attribute: object, value: str) -> None:
    if value not in _ORDERS:
        raise FilterError(f"Unknown shading correction method: {value}")


def _enough(instance: ShadingCorrectionFilter, attribute: object, value: tuple[float, ...]) -> None:
    needed = _ORDERS[instance.correction_method]
    if len(value) < needed:
        raise FilterError(
            f"too few coefficients of ShadingCorrectionFilter: got {len(value)}; "
            f"{instance.correction_method} has {needed}"
        )


@attrs.frozen
class ShadingCorrectionFilter(Filter):
    """
    Subtract a polynomial in x and y, which are -1 … 1 across the image.

    Parameters
    ----------
    correction_method : str
        QUADRATIC or FOURTH_ORDER, in any case.
    coefficients : sequence of float
        6 or 9, that of the highest order last.
    """

    correction_method: str = attrs.field(converter=_upper, validator=_known_method)
    coefficients: tuple[float, ...] = attrs.field(converter=_numbers, validator=_enough)

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        values = grey_only(self, pixels).astype(np.float64)
        height, width = pixels.shape
        y, x = (2.0 * np.arange(side) / side - 1 for side in (height, width))
        return rounded(values - self._shading(x, y[:, np.newaxis]), pixels.dtype)

    def _shading(self, x: FloatArray, y: FloatArray) -> FloatArray:
        c0, c1, c2, c3, c4, c5, *highest = self.coefficients
        shading: FloatArray = c5 * x * x + c4 * x * y + c3 * y * y + c2 * x + c1 * y + c0
        if self.correction_method == "QUADRATIC":
            return shading
        c6, c7, c8, *_ = highest
        return c8 * x**4 + c7 * x * x * y * y + c6 * y**4 + shading


_ORDERS = {"QUADRATIC": 6, "FOURTH_ORDER": 9}
