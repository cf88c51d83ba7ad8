"""Fast PNG encoder for RGBA pixels."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["png_of_rgba"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 1
# 8 bits per channel, RGBA, default compression and filter methods, not interlaced.
_KIND = bytes([8, 6, 0, 0, 0])
_UP = 2


def png_of_rgba(pixels: npt.NDArray[np.uint8]) -> bytes:
    """
    Encode pixels as PNG.

    Each row is stored as its difference to the row above. ISA-L compresses the differences four times as fast as zlib
    to nearly the same size; zlib is used if ISA-L is not installed.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 4)
        RGBA.
    """
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    lines = np.empty((height, rows.shape[1] + 1), dtype=np.uint8)
    lines[:, 0] = _UP
    lines[:1, 1:] = rows[:1]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    codec = _codec()
    header = struct.pack(">II", width, height) + _KIND
    chunks = {b"IHDR": header, b"IDAT": codec.compress(lines, _LEVEL), b"IEND": b""}
    return b"".join([_SIGNATURE, *(part for name, data in chunks.items() for part in _chunk(name, data, codec))])


def _codec() -> Any:
    """Return ISA-L if it is installed, or zlib."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def _chunk(name: bytes, data: bytes, codec: Any) -> tuple[bytes, ...]:
    check: int = codec.crc32(data, codec.crc32(name))
    return struct.pack(">I", len(data)), name, data, struct.pack(">I", check)
