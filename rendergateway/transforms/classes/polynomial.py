"""Polynomials in x and y."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ConversionError, TransformError
from rendergateway.geometry import FloatArray, as_points
from rendergateway.transforms.base.fields import numbers_array, shaped
from rendergateway.transforms.base.text import inappropriate, number_words, numbers, split
from rendergateway.transforms.classes.affine import AffineModel2D
from rendergateway.transforms.classes.leaf import LeafTransform
from rendergateway.transforms.classes.transform import Transform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "PolynomialTransform2D",
    "evaluate",
    "order_of",
    "polynomial_jacobian",
    "polynomial_terms",
    "substituted",
    "term_count",
]

# Points per pass: few enough that their terms stay in the processor's cache.
CHUNK = 5000


def term_count(order: int) -> int:
    """Return the number of terms of a polynomial in x and y: 1, 3, 6, 10, …"""
    return (order + 1) * (order + 2) // 2


def order_of(terms: int) -> int | None:
    """Return the order with that number of terms; None if no order has."""
    order = (math.isqrt(8 * terms + 1) - 3) // 2
    return order if terms > 0 and term_count(order) == terms else None


def polynomial_terms(points: FloatArray, order: int, out: FloatArray | None = None) -> FloatArray:
    """
    Return the terms 1, x, y, x², xy, y², … up to *order* at each point.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        x, y.
    order : int
        Highest degree.
    out : ndarray, shape (K, N), optional
        Array to store the terms in.

    Returns
    -------
    ndarray, shape (K, N)
        One row per term, by increasing degree, and by decreasing power of x within a degree.
    """
    x, y = np.ascontiguousarray(points.T)
    rows = np.empty((term_count(order), len(points))) if out is None else out
    rows[0] = 1.0
    for degree in range(1, order + 1):
        first, before = term_count(degree - 1), term_count(degree - 2)
        np.multiply(rows[before:first], x, out=rows[first : first + degree])
        np.multiply(rows[first - 1], y, out=rows[first + degree])
    return rows


def evaluate(coefficients: FloatArray, points: FloatArray) -> FloatArray:
    """Evaluate the polynomials with *coefficients* (D, K) at *points* (..., 2); return an array (..., D)."""
    order = order_of(coefficients.shape[1]) or 0
    flat = points.reshape(-1, 2)
    values = np.empty((len(flat), len(coefficients)))
    buffer = np.empty((coefficients.shape[1], min(len(flat), CHUNK)))
    for start in range(0, len(flat), CHUNK):
        part = flat[start : start + CHUNK]
        terms = polynomial_terms(part, order, out=buffer[:, : len(part)])
        if len(flat) > CHUNK:
            np.matmul(terms.T, coefficients.T, out=values[start : start + CHUNK])
        else:
            # Term by term, rounded like the service (see apply_matrix), which matters for the border of a tile. A
            # border has no more points than one chunk; for more, a matrix product is ten times as fast.
            products = coefficients[:, :, np.newaxis] * terms
            # numpy sums a single point's terms in pairs unless every partial sum is asked for.
            total = np.add.reduce(products, axis=1) if len(flat) > 1 else np.add.accumulate(products, axis=1)[:, -1]
            values[:] = total.T
    return values.reshape(*points.shape[:-1], len(coefficients))


def polynomial_jacobian(coefficients: FloatArray, points: FloatArray) -> FloatArray:
    """Return the Jacobian (..., 2, 2) of the polynomials with *coefficients* (2, K) at *points* (..., 2)."""
    powers_x, powers_y = _powers(coefficients.shape[1]).T
    lowered = np.zeros((4, max(1, coefficients.shape[1] - max(powers_y) - 1)))
    for axis, (powers, own) in enumerate(((powers_x, (1, 0)), (powers_y, (0, 1)))):
        terms = np.flatnonzero(powers)
        targets = _term_index(powers_x[terms] - own[0], powers_y[terms] - own[1])
        lowered[axis::2, targets] = coefficients[:, terms] * powers[terms]
    return evaluate(lowered, points).reshape(*points.shape[:-1], 2, 2)


def _powers(terms: int) -> npt.NDArray[np.int64]:
    """Return the powers of x and y of each term, (K, 2)."""
    order = order_of(terms) or 0
    return np.array([(degree - power, power) for degree in range(order + 1) for power in range(degree + 1)])


def _term_index(power_x: npt.NDArray[np.int64], power_y: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    degree = power_x + power_y
    return degree * (degree + 1) // 2 + power_y


def _check_count(transform: PolynomialTransform2D, field: attrs.Attribute[FloatArray], value: FloatArray) -> None:
    if order_of(value.shape[1]) is None:
        raise TransformError(
            f"PolynomialTransform2D needs 1, 3, 6, 10, 15, 21, … coefficients per coordinate: got {value.shape[1]}"
        )


@resolvable_hints
@attrs.frozen(repr=False)
class PolynomialTransform2D(LeafTransform):
    """
    x' = Σ aₖ·termₖ(x, y), y' = Σ bₖ·termₖ(x, y).

    Parameters
    ----------
    coefficients : array_like, shape (2, K)
        a and b for the terms 1, x, y, x², xy, y², …; K is 1, 3, 6, 10, 15, 21, …

    Examples
    --------
    >>> bend = PolynomialTransform2D([[0, 1, 0, -1e-4, 0, 1e-4], [0, 0, 1, 0, 1e-4, 0]])
    >>> world = bend.apply([700.3, 1200.7])
    >>> world.round(6).tolist()
    [795.42604, 1284.785021]
    >>> bend.inverse().apply(world).round(9).tolist()
    [700.3, 1200.7]
    """

    JAVA_NAME: ClassVar[str] = "mpicbg.trakem2.transform.PolynomialTransform2D"

    coefficients: FloatArray = attrs.field(converter=numbers_array, validator=[shaped(2, None), _check_count], eq=bytes)

    @classmethod
    def from_data_string(cls, text: str) -> Self:
        """Parse all coefficients of x', then as many of y'."""
        words = split(text)
        if len(words) % 2 or order_of(len(words) // 2) is None:
            raise inappropriate(cls.JAVA_NAME, f"expected 2, 6, 12, 20, 30, 42, … numbers: got {len(words)}")
        return cls(np.reshape(numbers(words, cls.JAVA_NAME), (2, -1)))

    def to_data_string(self) -> str:
        """Format the parameters; see `LeafTransform.to_data_string`."""
        return number_words(self.coefficients.ravel(), self.JAVA_NAME)

    @classmethod
    def from_affine(cls, affine: Transform) -> Self:
        """
        Convert an affine transform of any class to a polynomial of order 1.

        Raises
        ------
        ConversionError
            If *affine* is not affine.
        """
        matrix = affine.as_affine().matrix
        return cls(matrix[:, [2, 0, 1]])

    @property
    def order(self) -> int:
        """Highest degree of a term."""
        return order_of(self.coefficients.shape[1]) or 0

    @property
    def coefficient_count(self) -> int:
        """Number of coefficients of both coordinates: 2, 6, 12, 20, 30, 42, …"""
        return self.coefficients.size

    @property
    def first_degree(self) -> AffineModel2D:
        """The terms of degree 0 and 1: the affine tangent to this map at (0, 0)."""
        return AffineModel2D(self.as_order(max(1, self.order)).coefficients[:, [1, 2, 0]])

    def as_order(self, order: int) -> Self:
        """
        Return the same map with the number of terms of another order.

        Raises
        ------
        ConversionError
            If a nonzero coefficient would be dropped.
        """
        have, want = self.coefficients.shape[1], term_count(order)
        if self.coefficients[:, want:].any():
            raise ConversionError(
                f"PolynomialTransform2D of order {self.order} has nonzero terms above order {order}: "
                "approximate() fits a lower order over a region"
            )
        return type(self)(np.pad(self.coefficients[:, :want], ((0, 0), (0, max(0, want - have)))))

    def apply(self, points: npt.ArrayLike) -> FloatArray:
        """Map points (..., 2); see `Transform.apply`."""
        return evaluate(self.coefficients, as_points(points))

    def jacobian(self, points: npt.ArrayLike) -> FloatArray:
        """Return the Jacobian matrices (..., 2, 2); see `Transform.jacobian`."""
        return polynomial_jacobian(self.coefficients, as_points(points))

    @property
    def is_affine(self) -> bool:
        """Whether all coefficients above degree 1 are zero."""
        return not self.coefficients[:, 3:].any()

    def _exact_affine(self) -> AffineModel2D:
        return self.first_degree

    def as_polynomial(self) -> PolynomialTransform2D:
        """Return this transform itself."""
        return self


def substituted(outer: PolynomialTransform2D, inner: PolynomialTransform2D) -> PolynomialTransform2D:
    """Return *inner* followed by *outer*, as one polynomial; orders multiply."""
    order = outer.order * inner.order
    x, y = (_as_table(row, inner.order) for row in inner.coefficients)
    tables: list[FloatArray] = [np.ones((1, 1))]
    for degree in range(1, outer.order + 1):
        previous = tables[-degree:]
        tables += [_product(table, x) for table in previous] + [_product(previous[-1], y)]
    total = np.zeros((2, order + 1, order + 1))
    for coefficients, table in zip(outer.coefficients.T, tables, strict=True):
        total[:, : len(table), : len(table)] += coefficients[:, np.newaxis, np.newaxis] * table
    degree_of, power_of = np.array([(d, p) for d in range(order + 1) for p in range(d + 1)]).T
    return PolynomialTransform2D(total[:, degree_of - power_of, power_of])


def _as_table(coefficients: FloatArray, order: int) -> FloatArray:
    """Return coefficients by power of x (rows) and of y (columns)."""
    table = np.zeros((order + 1, order + 1))
    for degree in range(order + 1):
        for power in range(degree + 1):
            table[degree - power, power] = coefficients[term_count(degree - 1) + power]
    return table


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    size = len(a) + len(b) - 1
    product = np.zeros((size, size))
    for row, column in np.argwhere(b):
        product[row : row + len(a), column : column + len(a)] += b[row, column] * a
    return product
