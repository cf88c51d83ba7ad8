"""Exponential corrections along one axis, for the distortions of scanning microscopes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.text import inappropriate, named_numbers, number_words
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ExponentialFunctionOffsetTransform", "ExponentialRecoveryOffsetTransform", "SEMDistortionTransformA"]


def _axis(value: float) -> int:
    if value not in (0, 1):
        raise TransformError(f"dimension of an offset must be 0 (x) or 1 (y): got {value!r}")
    return int(value)


@attrs.frozen(repr=False)
class AxisOffset(LeafTransform):
    """An offset of one coordinate that depends on that coordinate; the other one is unchanged."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """0 for x, 1 for y."""

    @abstractmethod
    def _offset(self, place: FloatArray) -> FloatArray:
        """Return the offset of the coordinates *place*."""

    @abstractmethod
    def _slope(self, place: FloatArray) -> FloatArray:
        """Return the derivative of `_offset`."""

    @classmethod
    def _read(cls, text: str, names: str) -> tuple[list[float], int]:
        """Parse numbers separated by commas or whitespace, the axis last."""
        *values, dimension = named_numbers(text, cls.JAVA_NAME, f"{names} dimension", separator=r"[,\s]+")
        if dimension not in (0, 1):
            raise inappropriate(cls.JAVA_NAME, f"dimension must be 0 (x) or 1 (y): got {dimension}")
        return values, int(dimension)

    def _joined(self, *values: float) -> str:
        return f"{number_words(values, self.JAVA_NAME).replace(' ', ',')},{self.dimension}"

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        mapped = np.array(as_points(points))
        mapped[..., self.dimension] += self._offset(mapped[..., self.dimension])
        return mapped

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2); see `Transform.jacobian`."""
        array = as_points(points)
        slopes = np.zeros((*array.shape, 2)) + np.eye(2)
        slopes[..., self.dimension, self.dimension] += self._slope(array[..., self.dimension])
        return slopes


@resolvable_hints
@attrs.frozen(repr=False)
class ExponentialOffset(AxisOffset):
    """An offset with three parameters."""

    a: float = attrs.field(converter=float)
    b: float = attrs.field(converter=float)
    c: float = attrs.field(converter=float)
    dimension: int = attrs.field(converter=_axis)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``a,b,c,dimension``, separated by commas or whitespace."""
        (a, b, c), dimension = cls._read(text, "a b c")
        return cls(a, b, c, dimension)

    def _write(self) -> str:
        return self._joined(self.a, self.b, self.c)


@attrs.frozen(repr=False)
class ExponentialFunctionOffsetTransform(ExponentialOffset):
    """
    u' = u − (a·exp(−b·u) + c).

    Parameters
    ----------
    a, c : float
        Amplitude and constant in pixels.
    b : float
        Decay rate per pixel.
    dimension : {0, 1}
        The coordinate u: 0 for x, 1 for y.

    Examples
    --------
    >>> ExponentialFunctionOffsetTransform(3.26097, 0.0060185, 0.30164, 0).apply([200, 7]).round(6).tolist()
    [198.719802, 7.0]
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.ExponentialFunctionOffsetTransform"

    def _offset(self, place: FloatArray) -> FloatArray:
        return -(self.a * np.exp(-self.b * place) + self.c)

    def _slope(self, place: FloatArray) -> FloatArray:
        return self.a * self.b * np.exp(-self.b * place)


@attrs.frozen(repr=False)
class ExponentialRecoveryOffsetTransform(ExponentialOffset):
    """
    u' = u − (a·(1 − exp(−b·u)) + c).

    Parameters
    ----------
    a, c : float
        Amplitude and constant in pixels.
    b : float
        Decay rate per pixel.
    dimension : {0, 1}
        The coordinate u: 0 for x, 1 for y.
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.ExponentialRecoveryOffsetTransform"

    def _offset(self, place: FloatArray) -> FloatArray:
        return -(self.a * -np.expm1(-self.b * place) + self.c)

    def _slope(self, place: FloatArray) -> FloatArray:
        return -self.a * self.b * np.exp(-self.b * place)


@resolvable_hints
@attrs.frozen(repr=False)
class SEMDistortionTransformA(AxisOffset):
    """
    u' = u + a·exp(−u/b) + c·exp(−u/d).

    Parameters
    ----------
    a, c : float
        Amplitudes in pixels.
    b, d : float
        Decay lengths of the two terms in pixels: they fall to 1/e.
    dimension : {0, 1}
        The coordinate u: 0 for x, 1 for y.
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.SEMDistortionTransformA"

    a: float = attrs.field(converter=float)
    b: float = attrs.field(converter=float)
    c: float = attrs.field(converter=float)
    d: float = attrs.field(converter=float)
    dimension: int = attrs.field(converter=_axis)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``a,b,c,d,dimension``, separated by commas or whitespace."""
        (a, b, c, d), dimension = cls._read(text, "a b c d")
        return cls(a, b, c, d, dimension)

    def _write(self) -> str:
        return self._joined(self.a, self.b, self.c, self.d)

    def _offset(self, place: FloatArray) -> FloatArray:
        return self.a * np.exp(-place / self.b) + self.c * np.exp(-place / self.d)

    def _slope(self, place: FloatArray) -> FloatArray:
        return -self.a / self.b * np.exp(-place / self.b) - self.c / self.d * np.exp(-place / self.d)
