"""Exponential corrections along one axis, for the distortions of scanning microscopes."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.text import inappropriate, number_words, numbers, shortened
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transforms.classes.transform import Transform

__all__ = [
    "ExponentialFunctionOffsetTransform",
    "ExponentialFunctionOffsetTransformWithWrongSign",
    "ExponentialRecoveryOffsetTransform",
    "SEMDistortionTransformA",
    "StageCreepCorrectionTransform",
]

# Of the service, for StageCreepCorrectionTransform.
_MAX_STEPS = 10
_CONVERGED_PX = 1e-9


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
    def _moved(self, place: FloatArray) -> FloatArray:
        """Return the mapped coordinates of the coordinates *place*, an array (N,)."""

    @abstractmethod
    def _slope(self, place: FloatArray) -> FloatArray:
        """Return the derivative of `_moved`."""

    @classmethod
    def _read(cls, text: str, names: str) -> tuple[list[float], int]:
        """Parse numbers separated by runs of commas and blanks, the axis last."""
        words = [word for word in re.split(r"[, ]+", text.strip()) if word]
        expected = len(names.split()) + 1
        if len(words) != expected:
            raise TransformError(
                f"transform data must contain {expected} comma or space separated values ({expected - 1} coefficients "
                f"followed by dimension), found {len(words)} values instead; {cls.JAVA_NAME} has {names} dimension: "
                f"got {shortened(text)}"
            )
        *values, dimension = numbers(words, cls.JAVA_NAME)
        if dimension not in (0, 1):
            raise inappropriate(cls.JAVA_NAME, f"dimension must be 0 (x) or 1 (y): got {dimension}")
        return values, int(dimension)

    def _joined(self, *values: float) -> str:
        return f"{number_words(values, self.JAVA_NAME).replace(' ', ',')},{self.dimension}"

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        mapped = np.array(as_points(points))
        place = mapped[..., self.dimension]
        place[...] = self._moved(place.ravel()).reshape(place.shape)
        return mapped

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2); see `Transform.jacobian`."""
        place = as_points(points)[..., self.dimension]
        slopes = np.zeros((*place.shape, 2, 2)) + np.eye(2)
        slopes[..., self.dimension, self.dimension] = self._slope(place.ravel()).reshape(place.shape)
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
        """Parse ``a,b,c,dimension``, separated by commas or blanks."""
        (a, b, c), dimension = cls._read(text, "a b c")
        return cls(a, b, c, dimension)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
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

    def _moved(self, place: FloatArray) -> FloatArray:
        return place - (self.a * np.exp(-self.b * place) + self.c)

    def _slope(self, place: FloatArray) -> FloatArray:
        return 1 + self.a * self.b * np.exp(-self.b * place)


@attrs.frozen(repr=False)
class ExponentialFunctionOffsetTransformWithWrongSign(ExponentialOffset):
    """
    u' = u + a·exp(−b·u) + c: the offset of `ExponentialFunctionOffsetTransform`, added instead of subtracted.

    Parameters
    ----------
    a, c : float
        Amplitude and constant in pixels.
    b : float
        Decay rate per pixel.
    dimension : {0, 1}
        The coordinate u: 0 for x, 1 for y.
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.ExponentialFunctionOffsetTransformWithWrongSign"

    def _moved(self, place: FloatArray) -> FloatArray:
        return place + (self.a * np.exp(-self.b * place) + self.c)

    def _slope(self, place: FloatArray) -> FloatArray:
        return 1 - self.a * self.b * np.exp(-self.b * place)


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

    def _moved(self, place: FloatArray) -> FloatArray:
        return place - (self.a * -np.expm1(-self.b * place) + self.c)

    def _slope(self, place: FloatArray) -> FloatArray:
        return 1 - self.a * self.b * np.exp(-self.b * place)


@resolvable_hints
@attrs.frozen(repr=False)
class TwoExponentials(AxisOffset):
    """A sum of two exponentials, with four parameters."""

    a: float = attrs.field(converter=float)
    b: float = attrs.field(converter=float)
    c: float = attrs.field(converter=float)
    d: float = attrs.field(converter=float)
    dimension: int = attrs.field(converter=_axis)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``a,b,c,d,dimension``, separated by commas or blanks."""
        (a, b, c, d), dimension = cls._read(text, "a b c d")
        return cls(a, b, c, d, dimension)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return self._joined(self.a, self.b, self.c, self.d)

    def _sum(self, place: FloatArray) -> FloatArray:
        return self.a * np.exp(-place / self.b) + self.c * np.exp(-place / self.d)

    def _sum_slope(self, place: FloatArray) -> FloatArray:
        return -(self.a * np.exp(-place / self.b) / self.b + self.c * np.exp(-place / self.d) / self.d)


@attrs.frozen(repr=False)
class SEMDistortionTransformA(TwoExponentials):
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

    def _moved(self, place: FloatArray) -> FloatArray:
        return place + self._sum(place)

    def _slope(self, place: FloatArray) -> FloatArray:
        return 1 + self._sum_slope(place)


@attrs.frozen(repr=False)
class StageCreepCorrectionTransform(TwoExponentials):
    """
    The u' with u' + a·exp(−u'/b) + c·exp(−u'/d) = u, by at most ten steps of Newton's method, as in the service.

    If they do not converge, the result is that of the tenth step; it has no inverse.

    Parameters
    ----------
    a, c : float
        Amplitudes in pixels.
    b, d : float
        Decay lengths of the two terms in pixels: they fall to 1/e.
    dimension : {0, 1}
        The coordinate u: 0 for x, 1 for y.

    References
    ----------
    .. [1] saalfeldlab/render, ``StageCreepCorrectionTransform.java``.

    Examples
    --------
    >>> StageCreepCorrectionTransform(19.4, 64.8, 24.4, 972.0, 1).apply([100, 50]).round(9).tolist()
    [100.0, 8.916830219]
    """

    JAVA_NAME: ClassVar[str] = "org.janelia.alignment.transform.StageCreepCorrectionTransform"

    def _moved(self, place: FloatArray) -> FloatArray:
        found, moving = place.copy(), np.arange(len(place))
        with np.errstate(all="ignore"):
            for _ in range(_MAX_STEPS):
                step = found[moving]
                residual = step + self._sum(step) - place[moving]
                # Negated, so that NaN counts as far.
                is_far = ~(np.abs(residual) < _CONVERGED_PX)
                moving, step = moving[is_far], step[is_far]
                found[moving] = step - residual[is_far] / (1 + self._sum_slope(step))
        return found

    def _slope(self, place: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            return 1 / (1 + self._sum_slope(self._moved(place)))

    def _rough_inverse(self, points: FloatArray) -> FloatArray:
        source = points.copy()
        with np.errstate(all="ignore"):
            source[..., self.dimension] += self._sum(points[..., self.dimension])
        return source

    def inverse(self) -> Transform:
        """Return the inverse: the formula above, at points that the transform maps back."""
        # The residual of the service's iteration divided by the slope of the sum, which exceeds 0.001 in practice.
        return NewtonInverse(self, tolerance_px=1000 * _CONVERGED_PX)
