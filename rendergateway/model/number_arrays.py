"""JSON arrays of numbers as numpy arrays, without a Python float a number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.slices import Text, copy_of, decode

__all__ = ["flat_numbers", "number_reader"]


def flat_numbers(text: Text) -> FloatArray:
    """
    Return the numbers of a JSON array.

    Parameters
    ----------
    text : JSON text
        An array of numbers, or of arrays of them.

    Returns
    -------
    ndarray, shape (N,)
        One after the other, however deep.

    Raises
    ------
    RecordError
        If the text is not JSON, or something in it is no number.
    """
    return number_reader()(text)


def number_reader() -> Callable[[Text], FloatArray]:
    """Return the quickest `flat_numbers` that this installation has, to be used many times in one thread."""
    try:
        import simdjson
    except ImportError:
        return _by_msgspec
    parser = simdjson.Parser()

    def read(text: Text) -> FloatArray:
        try:
            numbers = parser.parse(copy_of(text)).as_buffer(of_type="d")
        except (ValueError, TypeError, AttributeError) as error:
            raise RecordError(f"expected an array of numbers: {error}") from error
        return np.frombuffer(numbers, dtype=np.float64)

    return read


def _by_msgspec(text: Text) -> FloatArray:
    rows: list[float | list[float]] = decode(text, list[float | list[float]])
    parts = [np.atleast_1d(np.asarray(row, dtype=np.float64)) for row in rows]
    return np.concatenate(parts) if parts else np.empty(0)
