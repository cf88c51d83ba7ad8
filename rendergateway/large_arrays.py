"""Large arrays outside of the allocator."""

from __future__ import annotations

import math
import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LARGE", "large_array"]

# Least size in bytes of an array with a memory mapping of its own; there may be too many smaller ones for that.
LARGE = 2**20


def large_array(shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """
    Return an array of any values; a large one in a memory mapping, which is returned to the system when it is freed.

    The allocator would keep the memory of large arrays of changing sizes, as holes in its heap.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < LARGE:
        return np.empty(shape, kind)
    return np.frombuffer(mmap.mmap(-1, size, access=mmap.ACCESS_COPY), kind).reshape(shape)
