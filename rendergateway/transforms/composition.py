"""One transform for two, where the classes allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rendergateway.errors import ConversionError
from rendergateway.geometry import FloatArray
from rendergateway.transforms.affine import LinearModel, matrix_product
from rendergateway.transforms.composite import TransformList
from rendergateway.transforms.homography import HomographyModel2D
from rendergateway.transforms.polynomial import PolynomialTransform2D, term_count

if TYPE_CHECKING:
    from rendergateway.transforms.base import Transform

__all__ = ["composed", "substituted"]

# The product of two orders may not pass this: higher powers of pixels cancel more digits than they describe.
_MAX_ORDER = 10


def composed(after: Transform, before: Transform) -> Transform:
    """
    Return *before* followed by *after*: ``after @ before``.

    Returns
    -------
    Transform
        Of the common class of two translations, rigid or similarity transforms; an affine of any two affine ones; a
        polynomial of polynomials, lens corrections and affines (orders multiply, up to 10); a homography of
        homographies and affines; else a `TransformList`. It has neither id nor labels.
    """
    if isinstance(after, LinearModel) and type(after) is type(before):
        return after._from_matrix(matrix_product(after.matrix, before.matrix))
    if after.is_affine and before.is_affine:
        return TransformList([before, after]).as_affine()
    if _is_projective(after) and _is_projective(before):
        return HomographyModel2D(_homogeneous(after) @ _homogeneous(before))
    try:
        outer, inner = after.as_polynomial(), before.as_polynomial()
    except ConversionError:
        return _listed(after, before)
    if outer.order * inner.order > _MAX_ORDER:
        return _listed(after, before)
    return substituted(outer, inner)


def _listed(after: Transform, before: Transform) -> TransformList:
    """Return a list of both; lists without a name are taken apart."""
    parts: list[Transform] = []
    for transform in (before, after):
        nameless = isinstance(transform, TransformList) and transform.id is None and not transform.labels
        parts.extend(transform if nameless and isinstance(transform, TransformList) else [transform])
    return TransformList(parts)


def _is_projective(transform: Transform) -> bool:
    return isinstance(transform, HomographyModel2D) or transform.is_affine


def _homogeneous(transform: Transform) -> FloatArray:
    if isinstance(transform, HomographyModel2D):
        return transform.matrix
    return np.vstack([transform.as_affine().matrix, [0.0, 0.0, 1.0]])


def substituted(outer: PolynomialTransform2D, inner: PolynomialTransform2D) -> PolynomialTransform2D:
    """Return the polynomial that *outer* makes of the two polynomials of *inner*."""
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
