"""Lens corrections: polynomials in normalized terms."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import inappropriate, integer, number_words, numbers, split
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.polynomial import PolynomialTransform2D, order_of, term_count
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["NonLinearCoordinateTransform"]

# Value of the constant term, which is neither centered nor scaled.
CONSTANT_FEATURE = 100.0
# Up to this many points, enough for the border of a tile, sums equal the service's to the last digit.
_IN_ORDER = 1000


@functools.cache
def _exponents(order: int) -> npt.NDArray[np.intp]:
    """Return the exponents of x and of y in the terms but the constant, shape (2, T): x, y, x², xy, y², …"""
    return np.array([(degree - of_y, of_y) for degree in range(1, order + 1) for of_y in range(degree + 1)]).T


@resolvable_hints
@attrs.frozen(repr=False)
class NonLinearCoordinateTransform(LeafTransform):
    """
    A lens correction: (x', y') = Σ fᵢ·βᵢ over normalized polynomial terms.

    The terms f are x, y, x², xy, y², …, each minus its mean and divided by its standard deviation, and the constant
    100. The former class names, ``lenscorrection.NonLinearTransform`` and
    ``mpicbg.trakem2.transform.nonLinearTransform``, are accepted and preserved.

    Parameters
    ----------
    beta : array_like, shape (L, 2)
        Weights for x' and y'; L is 3, 6, 10, 15, 21, … for dimension 1, 2, 3, 4, 5, …
    mean, deviation : array_like, shape (L,)
        Mean and standard deviation of each term over the calibration points; the last of each is ignored.
    width, height : int
        Size of the calibrated images in pixels; not used by the formula.
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.NonLinearCoordinateTransform"

    beta: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None, 2), eq=bytes)
    mean: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None), eq=bytes)
    deviation: FloatArray = attrs.field(converter=numbers_array, validator=shaped(None), eq=bytes)
    width: int
    height: int
    _polynomial: PolynomialTransform2D = attrs.field(init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        length = len(self.beta)
        if order_of(length) is None or {len(self.mean), len(self.deviation)} != {length}:
            raise TransformError(
                "NonLinearCoordinateTransform needs 3, 6, 10, 15, 21, … rows of beta and as many means and deviations: "
                f"got {length}, {len(self.mean)} and {len(self.deviation)}"
            )
        if not self.deviation[:-1].all():
            term = int(np.flatnonzero(self.deviation[:-1] == 0)[0])
            raise TransformError(f"deviations of NonLinearCoordinateTransform must not be zero: got 0 at {term + 1}")
        object.__setattr__(self, "_polynomial", self._as_coefficients())

    def _as_coefficients(self) -> PolynomialTransform2D:
        slopes = self.beta[:-1] / self.deviation[:-1, np.newaxis]
        constant = CONSTANT_FEATURE * self.beta[-1] - self.mean[:-1] @ slopes
        return PolynomialTransform2D(np.vstack([constant, slopes]).T)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse ``dimension length``, pairs of beta, means, deviations, ``width height``."""
        words = split(text)
        if len(words) < 2:
            raise inappropriate(cls.JAVA_NAME, f"expected dimension and length: got {len(words)} words")
        dimension, length = (
            integer(word, cls.JAVA_NAME, field) for word, field in zip(words, ("dimension", "length"), strict=False)
        )
        if dimension < 0 or length != term_count(dimension) or len(words) != 4 + 4 * length:
            raise inappropriate(
                cls.JAVA_NAME,
                f"dimension {dimension} needs length {term_count(abs(dimension))} and "
                f"{4 + 4 * term_count(abs(dimension))} words: got length {length} and {len(words)} words",
            )
        values = np.array(numbers(words[2:-2], cls.JAVA_NAME))
        width, height = (integer(word, cls.JAVA_NAME, "image size") for word in words[-2:])
        beta, mean, deviation = np.split(values, [2 * length, 3 * length])
        return cls(beta.reshape(-1, 2), mean, deviation, width, height)

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        values = np.concatenate([self.beta.ravel(), self.mean, self.deviation])
        written = number_words(values, self.JAVA_NAME)
        return f"{self.dimension} {len(self.beta)} {written} {self.width} {self.height} "

    @property
    def dimension(self) -> int:
        """Order of the polynomial."""
        return self._polynomial.order

    @property
    def domain(self) -> Bounds:
        """Extent of the calibrated image."""
        return Bounds(0, 0, self.width, self.height)

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        array = as_points(points)
        if array.size > 2 * _IN_ORDER:
            return self._polynomial.apply(array)
        return self._summed(array.reshape(-1, 2)).reshape(array.shape)

    def _summed(self, points: FloatArray) -> FloatArray:
        """Return the mapped points (N, 2), summed term by term, rounded like the service."""
        # Powers are rounded once, as by Java.
        x, y = (points.T[..., np.newaxis].astype(np.longdouble) ** np.arange(self.dimension + 1)).astype(np.float64)
        of_x, of_y = _exponents(self.dimension)
        features = (x.take(of_x, axis=1) * y.take(of_y, axis=1) - self.mean[:-1]) / self.deviation[:-1]
        # Numpy's sum has an order of its own.
        sums: FloatArray = np.add.accumulate(features[..., np.newaxis] * self.beta[:-1], axis=1)[:, -1]
        sums += CONSTANT_FEATURE * self.beta[-1]
        return sums

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2); see `Transform.jacobian`."""
        return self._polynomial.jacobian(points)

    @property
    def is_affine(self) -> bool:
        """Whether all coefficients above degree 1 are zero."""
        return self._polynomial.is_affine

    def _exact_affine(self) -> AffineModel2D:
        return self._polynomial.as_affine()

    def as_polynomial(self) -> PolynomialTransform2D:
        """Return the same map in the terms 1, x, y, x², …; exact except for rounding."""
        return self._polynomial
