"""Operations of `Transform` that return other classes: composition, approximation, reading a specification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rendergateway.errors import ConversionError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.transforms.base.matrices import matrix_product
from rendergateway.transforms.classes.affine import AffineModel2D, LinearModel
from rendergateway.transforms.classes.composite import TransformList
from rendergateway.transforms.classes.homography import HomographyModel2D
from rendergateway.transforms.classes.polynomial import PolynomialTransform2D, substituted
from rendergateway.transforms.classes.transform import Transform
from rendergateway.transforms.fitting.curved import fit_polynomial, reduced_spline
from rendergateway.transforms.fitting.linear import fit_affine
from rendergateway.transforms.spec import from_spec

__all__ = ["PolynomialTransform2D", "approximate", "composed", "from_spec", "reduced_spline"]

# Limit for the product of two orders: higher powers of pixels cancel more digits than they describe.
_MAX_ORDER = 10


def composed(after: Transform, before: Transform) -> Transform:
    """
    Return *before* followed by *after*: ``after @ before``.

    Returns
    -------
    Transform
        The common class of two translation, rigid or similarity transforms; an affine for any two affine ones; a
        polynomial for polynomials, lens corrections and affines (orders multiply, up to 10); a homography for
        homographies and affines; else a `TransformList`. It has neither id nor labels.
    """
    if isinstance(after, LinearModel) and isinstance(before, LinearModel) and type(after) is type(before):
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
    """Return a list of both; lists without id and labels are unpacked."""
    parts: list[Transform] = []
    for transform in (before, after):
        is_plain = isinstance(transform, TransformList) and transform.id is None and not transform.labels
        parts.extend(transform if is_plain and isinstance(transform, TransformList) else [transform])
    return TransformList(parts)


def _is_projective(transform: Transform) -> bool:
    return isinstance(transform, HomographyModel2D) or transform.is_affine


def _homogeneous(transform: Transform) -> FloatArray:
    if isinstance(transform, HomographyModel2D):
        return transform.matrix
    return np.vstack([transform.as_affine().matrix, [0.0, 0.0, 1.0]])


def approximate(
    transform: Transform, order: int, region: Bounds | Sequence[float]
) -> tuple[AffineModel2D | PolynomialTransform2D, float]:
    """Return the least-squares fit of *order* over *region* and its largest error; see `Transform.approximate`."""
    count = 2 * order + 7
    points = _region_grid(region, count)
    mapped = transform.apply(points)
    fit = fit_affine(points, mapped) if order == 1 else fit_polynomial(points, mapped, order=order)
    dense = _region_grid(region, 4 * count + 1)
    return fit, float(np.linalg.norm(fit.apply(dense) - transform.apply(dense), axis=1).max())


def _region_grid(region: Bounds | Sequence[float], count: int) -> FloatArray:
    """Return count × count points over *region*, its border included, as an array (count², 2)."""
    min_x, min_y, max_x, max_y = region
    x, y = np.meshgrid(np.linspace(min_x, max_x, count), np.linspace(min_y, max_y, count))
    return np.stack([x.ravel(), y.ravel()], axis=1)
