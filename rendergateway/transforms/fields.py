"""Arrays as fields of transforms: converted once, checked, read-only."""

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
    Return *value* as a read-only float64 copy, for a field of a transform.

    What is no array of numbers comes back as it is: `shaped`, which knows the field, refuses it.
    """
    try:
        # + 0.0 turns -0.0 into 0.0, so that equal maps have equal bytes.
        array: FloatArray = np.array(value, dtype=np.float64) + 0.0
    except (TypeError, ValueError):
        return value  # type: ignore[return-value]
    array = np.asarray(array)
    array.setflags(write=False)
    return array


def shaped(*shape: int | None) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """
    Return a validator of a field's shape.

    Parameters
    ----------
    shape : int or None
        Length of each axis; None leaves it open.
    """
    expected = "(" + ", ".join("N" if length is None else str(length) for length in shape) + ")"

    def place(instance: Any, field: attrs.Attribute[Any]) -> str:
        return f"{field.name} of {type(instance).__name__}"

    def check(instance: Any, field: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, np.ndarray):
            raise TransformError(
                f"{place(instance, field)} is an array of numbers of shape {expected}, here stands {value!r}"
            )
        fits = value.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, value.shape, strict=True)
        )
        if not fits:
            raise TransformError(f"{place(instance, field)} has shape {expected}, not {value.shape}")

    return check
