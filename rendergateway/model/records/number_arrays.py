"""JSON arrays of numbers as numpy arrays, without a Python float per number."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text, copy_of, decode

__all__ = ["SIMDJSON_ERRORS", "flat_numbers"]

# What simdjson and the use of its result raise for text that is malformed or of another type.
SIMDJSON_ERRORS = (ValueError, TypeError, KeyError, AttributeError, RuntimeError)


def flat_numbers(text: Text) -> FloatArray:
    """
    Return the numbers of a JSON array, shape (N,).

    Raises
    ------
    RecordError
        If the text is not a JSON array of numbers.
    """
    try:
        return _by_simdjson(text)
    except SIMDJSON_ERRORS:
        # simdjson also refuses integers of more than 64 bits; msgspec decides, and its messages name the cause.
        return np.array(decode(text, list[float]), dtype=np.float64)


def _by_simdjson(text: Text) -> FloatArray:
    # Imported on use: `import rendergateway` does not load it.
    import simdjson

    array: Any = simdjson.Parser().parse(copy_of(text))
    return np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)
