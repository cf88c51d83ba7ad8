"""Transforms from wire specifications."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.transforms import (
    CLASSES,
    AffineModel2D,
    InterpolatedTransform,
    LeafTransform,
    Transform,
    TransformList,
    from_spec,
)
from rendergateway.wire.transforms import Interpolated, Leaf, Reference, Spec, SpecList

__all__ = ["affine_numbers", "to_transform"]

_AFFINE_NUMBERS = 6
# The service refuses whitespace at the start.
_PLAIN = re.compile(r"[-+0-9.eE][-+0-9.eE\s]*")
_NONE_SHARED: Mapping[str, Spec] = {}


def to_transform(
    spec: Spec | None, shared: Mapping[str, Spec] = _NONE_SHARED, *, applicable: bool = False
) -> Transform:
    """
    Return the transform that a specification describes.

    Parameters
    ----------
    spec : Spec or None
    shared : mapping of str to Spec
        Shared transforms by id, for references; they must not refer to each other in a circle.
    applicable : bool
        Also refuse transforms that cannot map a point, such as those of an unknown class.

    Raises
    ------
    TransformError
        If a part of *spec* is missing, is not a transform, or refers to an id that is not in *shared*. The message
        begins with the sentence of the service, up to ``"; "``.

    Examples
    --------
    >>> to_transform(Leaf(className=AffineModel2D.JAVA_NAME, dataString="1 0 0 1 5 7")).apply([1, 1]).tolist()
    [6.0, 8.0]
    """
    if isinstance(spec, Leaf):
        transform, problem = _leaf(spec.className, spec.dataString, spec.id, CLASSES.changes)
        if applicable and problem is not None:
            raise TransformError(problem)
        return transform
    if isinstance(spec, SpecList):
        return TransformList([to_transform(part, shared, applicable=applicable) for part in spec.specList])
    if isinstance(spec, Interpolated):
        a, b = (to_transform(part, shared, applicable=applicable) for part in (spec.a, spec.b))
        return InterpolatedTransform(a, b, float(spec.lambda_ or 0.0))
    if isinstance(spec, Reference):
        if spec.refId is None or spec.refId not in shared:
            raise TransformError(f"spec reference to id '{spec.refId}' has not been resolved")
        return to_transform(shared[spec.refId], shared, applicable=applicable)
    raise TransformError("a transform is missing")


@functools.lru_cache(maxsize=4096)
def _leaf(class_name: str | None, data: str | None, name: str | None, changes: int) -> tuple[Transform, str | None]:
    """Return the transform of a leaf after *changes* of the classes, and why it cannot map a point; None if it can."""
    numbers = affine_numbers(class_name, data)
    if numbers is not None:
        m00, m10, m01, m11, tx, ty = numbers
        # Most leaves are affines, one per tile: the general reader would take three times as long.
        return AffineModel2D([[m00, m01, tx], [m10, m11, ty]], id=name), None
    transform = from_spec({"type": "leaf", "id": name, "className": class_name, "dataString": data})
    if isinstance(transform, LeafTransform) and transform.READS_FILES:
        # A service reads no file that a transform names; the real one does not know the class.
        return transform, f"transform class '{class_name}' cannot be found; it reads files, which a service does not"
    try:
        transform.apply(np.zeros((1, 2)))
    except TransformError as error:
        return transform, str(error)
    return transform, None


def affine_numbers(class_name: str | None, data: str | None) -> tuple[float, ...] | None:
    """Return m00, m10, m01, m11, tx, ty of an affine in plain decimal notation; None for any other leaf."""
    words = (data or "").split() if class_name == AffineModel2D.JAVA_NAME else []
    if len(words) != _AFFINE_NUMBERS or not _PLAIN.fullmatch(data or ""):
        return None
    try:
        return tuple(map(float, words))
    except ValueError:
        return None
