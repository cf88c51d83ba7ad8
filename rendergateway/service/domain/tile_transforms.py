"""Transforms of a tile, with refusals in the words of the real service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.service.base.refusals import IllegalArgument
from rendergateway.transforms import Transform
from rendergateway.wire import Leaf, Spec
from rendergateway.wire.to_transform import affine_numbers, to_transform

__all__ = ["Affine", "last_affine", "matrices_of", "service_message", "transform_of"]

# m00, m10, m01, m11, tx, ty, the order of a dataString.
Affine: TypeAlias = tuple[float, ...]

_NONE_SHARED: Mapping[str, Spec] = {}


def service_message(error: TransformError) -> str:
    """Return the part of a message that is the same in the real service."""
    return str(error).partition("; ")[0]


def transform_of(spec: Spec | None, shared: Mapping[str, Spec] = _NONE_SHARED) -> Transform:
    """
    Return the transform of a specification; references are looked up in *shared*.

    Raises
    ------
    IllegalArgument
        If a part of it is missing, malformed, of an unknown class or an unresolved reference.
    """
    try:
        return to_transform(spec, shared, applicable=True)
    except TransformError as error:
        raise IllegalArgument(service_message(error)) from error


def last_affine(specs: Sequence[Spec | None]) -> Affine | None:
    """Return the numbers of the last transform; None unless it is an affine in plain decimal notation."""
    last = specs[-1] if specs else None
    return affine_numbers(last.className, last.dataString) if isinstance(last, Leaf) else None


def matrices_of(affines: Sequence[Affine]) -> FloatArray:
    """Return affines as matrices (N, 2, 3)."""
    return np.array(affines, dtype=np.float64).reshape(-1, 3, 2).transpose(0, 2, 1)
