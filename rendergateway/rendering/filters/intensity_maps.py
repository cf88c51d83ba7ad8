"""Intensity correction by polynomials whose coefficients are interpolated between regions."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import parse_double
from rendergateway.rendering.filters.filter import Filter, FilterContext, Pixels, grey_only, rounded

__all__ = ["LinearIntensityMap8BitFilter", "QuadraticIntensityMap8BitFilter"]

Fractions = npt.NDArray[np.floating[Any]]

_BYTE = 255.0
_CHUNK = 256
_FEW_ROWS = 128
_PATTERN = (
    "dataString must have pattern <numberOfRegionRows>,<numberOfRegionColumns>,<coefficientsPerRegion>,[coefficient]..."
)


def _regions(text: str) -> FloatArray:
    """Return the coefficients of a data string, shape (rows, columns, coefficients per region)."""
    words = text.split(",")
    if len(words) < 3 or not all(re.fullmatch("[0-9]{1,9}", word) for word in words[:3]):
        raise FilterError(_PATTERN)
    shape = tuple(int(word) for word in words[:3])
    expected = shape[0] * shape[1] * shape[2]
    if len(words) - 3 != expected or not expected:
        raise FilterError(f"dataString contains {len(words) - 3} coefficient values instead of {expected}")
    try:
        return np.array([parse_double(word) for word in words[3:]]).reshape(shape)
    except ValueError as error:
        raise FilterError("failed to parse 'dataString' parameter") from error


def _of_degree(instance: IntensityMap, attribute: object, value: FloatArray) -> None:
    if value.shape[2] != len(instance.FACTORS):
        raise FilterError(
            f"{type(instance).__name__} has {len(instance.FACTORS)} coefficients per region: got {value.shape[2]}"
        )


@attrs.frozen(eq=False)
class IntensityMap(Filter):
    """
    Polynomials in the grey level, for levels of 0 … 255 scaled to 0 … 1, whatever the type of the pixels.

    Parameters
    ----------
    data_string : str
        Rows, columns and coefficients per region, then the coefficients region by region, highest order first.

    References
    ----------
    .. [1] saalfeldlab/render, ``org.janelia.alignment.intensity``.
    """

    # Of each coefficient for grey levels.
    FACTORS: ClassVar[tuple[float, ...]] = ()

    data_string: FloatArray = attrs.field(converter=_regions, validator=_of_degree)

    def _run(self, pixels: Pixels, context: FilterContext) -> Pixels:
        grey_only(self, pixels)
        height, width = pixels.shape
        rows, columns, _ = self.data_string.shape
        if height < rows or width < columns:
            raise FilterError(
                f"image too small for {rows} × {columns} regions: got {width} × {height} pixels; use fewer regions"
            )
        # Whole numbers: the service ignores the remainder.
        region = width // columns, height // rows
        coefficients = [
            (self.data_string[..., place] * factor).astype(np.float32) for place, factor in enumerate(self.FACTORS)
        ]
        evaluate = _in_bytes if pixels.dtype == np.uint8 else _in_fractions
        result = np.empty_like(pixels)
        for top in range(0, height, _FEW_ROWS):
            band = slice(top, min(top + _FEW_ROWS, height))
            result[band] = rounded(evaluate(pixels[band], band.start, coefficients, region), pixels.dtype)
        return result


@attrs.frozen(eq=False)
class LinearIntensityMap8BitFilter(IntensityMap):
    """Intensity map ``a v + b``."""

    FACTORS = (1.0, _BYTE)


@attrs.frozen(eq=False)
class QuadraticIntensityMap8BitFilter(IntensityMap):
    """Intensity map ``a v² + b v + c``."""

    FACTORS = (1 / _BYTE, 1.0, _BYTE)


# -- 8 bits: single precision, in chunks of a row --------------------------------------------------------------------


def _in_bytes(band: Pixels, top: int, coefficients: list[Fractions], region: tuple[int, int]) -> Fractions:
    values = band.astype(np.float32)
    result = np.empty_like(values)
    for start in range(0, values.shape[1], _CHUNK):
        chunk = values[:, start : start + _CHUNK]
        at = [_chunk_of(one, top, start, chunk.shape, region) for one in coefficients]
        result[:, start : start + _CHUNK] = _polynomial(chunk, at)
    return result


def _polynomial(values: Fractions, at: list[Fractions]) -> Fractions:
    if len(at) == 2:
        return values * at[0] + at[1]
    return values * values * at[0] + values * at[1] + at[2]


def _chunk_of(
    coefficients: Fractions, top: int, start: int, shape: tuple[int, ...], region: tuple[int, int]
) -> Fractions:
    """Return one coefficient at the pixels of a chunk."""
    rows, columns = coefficients.shape
    (position,), first = _positions(region[0], np.array([start]))
    steps = np.full(shape[1], np.float32(1.0 / region[0]))
    steps[0] = position - np.float32(first[0])
    # The service advances by additions in single precision.
    along = np.add.accumulate(steps, dtype=np.float32)
    left = along.astype(np.intp)
    share = along - left.astype(np.float32)
    wanted = np.arange(first[0], first[0] + left[-1] + 2)
    padded = coefficients[:, np.clip(wanted, 0, columns - 1)]
    # Right of the last column the service takes the coefficient of the first row of regions.
    padded[:, wanted >= columns] = coefficients[0, columns - 1]
    down, upper = _positions(region[1], top + np.arange(shape[0]))
    lines = padded[np.clip(upper, 0, rows - 1)]
    between = (upper >= 0) & (upper <= rows - 2)
    weight = (down - upper.astype(np.float32))[between, np.newaxis]
    lines[between] += weight * (padded[upper[between] + 1] - lines[between])
    at: Fractions = lines[:, left] + share * (lines[:, left + 1] - lines[:, left])
    return at


def _positions(side: int, pixels: npt.NDArray[np.intp]) -> tuple[Fractions, npt.NDArray[np.intp]]:
    """Return the positions of pixels among the coefficients along an axis, and the coefficients before them."""
    step = 1.0 / side
    positions = (step * pixels + -(0.5 * side) * step).astype(np.float32)
    return positions, np.floor(positions).astype(np.intp)


# -- deeper: double precision ----------------------------------------------------------------------------------------


def _in_fractions(band: Pixels, top: int, coefficients: list[Fractions], region: tuple[int, int]) -> Fractions:
    rows, columns = coefficients[0].shape
    height, width = band.shape
    # The service divides for quadratic maps, and multiplies by the inverse for linear ones.
    divided = len(coefficients) == 3
    left, right, across = _between(np.arange(width), region[0], columns, divided=divided)
    upper, lower, down = _between(top + np.arange(height), region[1], rows, divided=divided)
    up, down = (share[:, np.newaxis] for share in (1 - down, down))

    def at(one: Fractions) -> FloatArray:
        corners = (
            (upper, left, (1 - across) * up),
            (upper, right, across * up),
            (lower, right, across * down),
            (lower, left, (1 - across) * down),
        )
        products = [(one[np.ix_(row, column)] * weight).astype(np.float32) for row, column, weight in corners]
        total: FloatArray = (products[0] + products[1] + products[2] + products[3]).astype(np.float64)
        return total

    values = band.astype(np.float64)
    seen = [at(one) for one in coefficients]
    if len(seen) == 2:
        return (values * seen[0] + seen[1]).astype(np.float32)
    return (values * values * seen[0] + values * seen[1] + seen[2]).astype(np.float32)


def _between(
    pixels: npt.NDArray[np.intp], side: int, count: int, *, divided: bool
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], FloatArray]:
    """Return the coefficients before and after pixels along an axis, and the weight of the second."""
    step = 1.0 / side
    found = pixels / side - 0.5 if divided else step * pixels + -(0.5 * side) * step
    positions: FloatArray = np.asarray(found, dtype=np.float64)
    before = np.floor(positions).astype(np.intp)
    first, second = (np.clip(before + step, 0, count - 1) for step in (0, 1))
    return first, second, positions - before
