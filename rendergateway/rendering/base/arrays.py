"""Pictures that do not leave the process: passed on as arrays instead of encoded files."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["array_bytes", "array_of", "is_unencoded", "unencoded"]

_MAGIC = b"\x93NUMPY"
_unencoded: ContextVar[bool] = ContextVar("rendergateway_unencoded", default=False)


@contextlib.contextmanager
def unencoded() -> Iterator[None]:
    """
    Make a service that answers in this thread return PNG and TIFF pictures as `array_bytes`.

    A service behind a socket answers in other threads, so its pictures are files.
    """
    token = _unencoded.set(True)
    try:
        yield
    finally:
        _unencoded.reset(token)


def is_unencoded() -> bool:
    """Whether this is an `unencoded` block."""
    return _unencoded.get()


def array_bytes(pixels: npt.NDArray[Any]) -> bytes:
    """Return *pixels* in numpy's file format."""
    file = io.BytesIO()
    np.save(file, pixels, allow_pickle=False)
    return file.getvalue()


def array_of(data: bytes) -> npt.NDArray[Any] | None:
    """
    Return the read-only pixels of `array_bytes`; None for other bytes, and outside of an `unencoded` block.

    Examples
    --------
    >>> data = array_bytes(np.array([[1, 2]], dtype=np.uint8))
    >>> with unencoded():
    ...     array_of(data).tolist()
    [[1, 2]]
    >>> array_of(data) is None
    True
    """
    if not (is_unencoded() and data.startswith(_MAGIC)):
        return None
    file = io.BytesIO(data)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape)
