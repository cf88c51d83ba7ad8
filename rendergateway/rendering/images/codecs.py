"""
Compression of chunks of N5 and zarr arrays: a closed list of codecs, each decompressed to a limited size.

Codecs are chosen here and not by the registry of numcodecs, whose codecs include one that executes code of the file.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from rendergateway.errors import ImageError
from rendergateway.extras import needed_for

__all__ = ["CODECS", "check_codec", "decompressed", "inflated"]

_ANY_HEADER = 47  # zlib: gzip or zlib, detected
_MOST_LZMA_MEMORY = 2**28
_BLOSC_HEADER, _LZ4_HEADER = 16, 4
_LZ4_BLOCK = struct.Struct("<8sBiiI")
_LZ4_RAW, _LZ4_PACKED = 0x10, 0x20
_ZSTD_MAGIC, _ZSTD_BLOCK = b"\x28\xb5\x2f\xfd", 2**17


def decompressed(data: bytes, codec: str, most: int, options: Any = None) -> bytes:
    """
    Decompress a chunk.

    Parameters
    ----------
    data : bytes
    codec : str
        One of `CODECS`.
    most : int
        Maximal size in bytes.
    options : mapping, optional
        The other members of the codec in the metadata.

    Raises
    ------
    ImageError
        If the codec is unknown, or *data* are malformed or larger than *most* bytes.
    """
    check_codec(codec)
    try:
        found = CODECS[codec](data, most, options or {})
    except ImageError:
        raise
    except (ValueError, RuntimeError, OSError, EOFError, TypeError, struct.error, lzma.LZMAError, zlib.error) as error:
        raise ImageError(f"chunk cannot be decompressed with {codec}: {error}") from error
    if len(found) > most:
        raise ImageError(f"chunk too large: its {codec} data have more than the {most} bytes of its metadata")
    return found


def check_codec(codec: str) -> None:
    """
    Refuse a codec that is not in the list.

    Raises
    ------
    ImageError
    """
    if codec not in CODECS:
        raise ImageError(f"codec not supported: got {codec!r}; use one of {', '.join(CODECS)}")


def inflated(data: bytes, most: int) -> bytes:
    """Decompress zlib or gzip data; stop one byte beyond *most*."""
    return _limited(zlib.decompressobj(_ANY_HEADER), data, most)


def _limited(decompressor: Any, data: bytes, most: int) -> bytes:
    found: bytes = decompressor.decompress(data, most + 1)
    if not decompressor.eof and len(found) <= most:
        raise ValueError("data are truncated")
    return found


def _bunzipped(data: bytes, most: int, options: Any) -> bytes:
    return _limited(bz2.BZ2Decompressor(), data, most)


def _unxzed(data: bytes, most: int, options: Any) -> bytes:
    return _limited(lzma.LZMADecompressor(memlimit=_MOST_LZMA_MEMORY), data, most)


def _unblosced(data: bytes, most: int, options: Any) -> bytes:
    if len(data) < _BLOSC_HEADER:
        raise ValueError("data are truncated")
    size, _, stored = struct.unpack("<III", data[4:_BLOSC_HEADER])
    if stored > len(data):
        raise ValueError("data are truncated")
    return _by_numcodecs("Blosc", data, size, most)


def _unzstd(data: bytes, most: int, options: Any) -> bytes:
    return _by_numcodecs("Zstd", data, _zstd_size(data, most + _ZSTD_BLOCK), most + _ZSTD_BLOCK)


def _zstd_size(data: bytes, most: int) -> int:
    """
    Return the size of Zstandard data, or the largest that their blocks allow.

    References
    ----------
    .. [1] RFC 8878, sections 3.1.1.1 and 3.1.1.2.
    """
    size = at = 0
    while at < len(data) and size <= most:
        if data[at : at + 4] != _ZSTD_MAGIC:
            raise ValueError("data are not a frame")
        flags = data[at + 4]
        at += 5 + (not flags & 0x20) + (0, 1, 2, 4)[flags & 3] + ((flags >> 5) & 1, 2, 4, 8)[flags >> 6]
        last = False
        while not last:
            header = int.from_bytes(data[at : at + 3], "little")
            if at + 3 > len(data):
                raise ValueError("data are truncated")
            last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
            size += _ZSTD_BLOCK if kind == 2 else length
            at += 3 + (1 if kind == 1 else length)
        at += 4 if flags & 4 else 0
    return size


def _unlz4(data: bytes, most: int, options: Any) -> bytes:
    (size,) = struct.unpack("<I", data[:_LZ4_HEADER])
    return _by_numcodecs("LZ4", data, size, most)


def _unlz4_blocks(data: bytes, most: int, options: Any) -> bytes:
    """
    Decompress the stream format of N5.

    References
    ----------
    .. [1] lz4/lz4-java, ``LZ4BlockOutputStream.java``.
    """
    found, at, size = [], 0, 0
    while at + _LZ4_BLOCK.size <= len(data):
        magic, token, packed, whole, _ = _LZ4_BLOCK.unpack_from(data, at)
        at += _LZ4_BLOCK.size
        size += whole
        if magic != b"LZ4Block" or packed < 0 or whole < 0:
            raise ValueError("data are not a block")
        if not whole or size > most:
            break
        part = data[at : at + packed]
        if token & 0xF0 == _LZ4_PACKED:
            part = _by_numcodecs("LZ4", struct.pack("<I", whole) + part, whole, most)
        elif token & 0xF0 != _LZ4_RAW:
            raise ValueError("data are not a block")
        found.append(part)
        at += packed
    if size > most:
        raise ImageError(f"chunk too large: its lz4 data have more than the {most} bytes of its metadata")
    return b"".join(found)


def _by_numcodecs(name: str, data: bytes, size: int, most: int) -> bytes:
    if size > most:
        raise ImageError(f"chunk too large: its {name} data have {size} bytes, its metadata {most}")
    with needed_for(f"{name} compression"):
        import numcodecs

    return bytes(getattr(numcodecs, name)().decode(data))


def _unshuffled(data: bytes, most: int, options: Any) -> bytes:
    size = int(options.get("elementsize", 4))
    whole = len(data) // size
    sorted_ = np.frombuffer(data, dtype=np.uint8, count=whole * size)
    return sorted_.reshape(size, whole).T.tobytes() + data[whole * size :]


def _without_checksum(data: bytes, most: int, options: Any) -> bytes:
    return data[:-4]


def _inflated(data: bytes, most: int, options: Any) -> bytes:
    return inflated(data, most)


def _raw(data: bytes, most: int, options: Any) -> bytes:
    return data


CODECS: dict[str, Callable[[bytes, int, Any], bytes]] = {
    "raw": _raw,
    "gzip": _inflated,
    "zlib": _inflated,
    "bz2": _bunzipped,
    "bzip2": _bunzipped,
    "lzma": _unxzed,
    "xz": _unxzed,
    "blosc": _unblosced,
    "zstd": _unzstd,
    "lz4": _unlz4,
    "lz4-blocks": _unlz4_blocks,
    "shuffle": _unshuffled,
    "crc32c": _without_checksum,
}
