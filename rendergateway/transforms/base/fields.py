"""Array fields of transforms: converted once, validated, read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray

__all__ = ["numbers_array", "shaped"]


def numbers_array(value: npt.ArrayLike) -> FloatArray:
    """
    Convert *value* to a read-only float64 copy, for a field of a transform.

    A value that is not an array of numbers is returned unchanged, for `shaped` to reject with the name of the field.
    """
    try:
        # + 0.0 turns -0.0 into 0.0, so equal maps have equal bytes.
        array: FloatArray = np.array(value, dtype=np.float64) + 0.0
    except (TypeError, ValueError):
        return value  # type: ignore[return-value]
    array = np.asarray(array)
    array.setflags(write=False)
    return array


def shaped(*shape: int | None) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """
    Return an attrs validator for the shape of an array field.

    Parameters
    ----------
    shape : int or None
        Length of each axis; None allows any length.
    """
    expected = "(" + ", ".join("N" if length is None else str(length) for length in shape) + ")"

    def place(instance: Any, field: attrs.Attribute[Any]) -> str:
        return f"{field.name} of {type(instance).__name__}"

    def check(instance: Any, field: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, np.ndarray):
            raise TransformError(f"{place(instance, field)} must be numeric, of shape {expected}: got {value!r}")
        fits = value.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, value.shape, strict=True)
        )
        if not fits:
            raise TransformError(f"{place(instance, field)} must have shape {expected}: got {value.shape}")

    return check
