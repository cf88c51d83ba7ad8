"""JSON arrays of numbers as numpy arrays, without a Python float a number."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text, copy_of, decode

__all__ = ["flat_numbers"]


def flat_numbers(text: Text) -> FloatArray:
    """
    Return the numbers of a JSON array (N,).

    Raises
    ------
    RecordError
        If the text is no JSON array, or something in it is no number.
    """
    try:
        return _by_simdjson(text)
    except (ImportError, ValueError, TypeError, AttributeError, RuntimeError):
        # Not installed, integers of more than 64 bits, or something is wrong: the other reader decides.
        return np.array(decode(text, list[float]), dtype=np.float64)


def _by_simdjson(text: Text) -> FloatArray:
    import simdjson

    array: Any = simdjson.Parser().parse(copy_of(text))
    return np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)
