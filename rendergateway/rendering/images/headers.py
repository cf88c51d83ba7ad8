"""Sizes of images from the headers of their files, read before anything is decoded."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import attrs

from rendergateway.errors import ImageError

__all__ = ["MOST_IMAGE_BYTES", "MOST_IMAGE_PIXELS", "Header", "check_signature", "check_size", "read_header"]

# Larger images are refused before decoding: pixels, and bytes of decoded pixels.
MOST_IMAGE_PIXELS = 2**28
MOST_IMAGE_BYTES = 2**30

# Channels of the colour types of PNG, decoded: palettes and grey with alpha become colours.
_PNG_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 4, 6: 4}
# JPEG markers without a length: TEM, RST0 … RST7, SOI, EOI.
_BARE_MARKERS = {0x01, *range(0xD0, 0xDA)}
_PNM_NUMBER = re.compile(rb"(?:\s|#[^\n]*\n)+(\d{1,10})(?=[\s#])")


@attrs.frozen
class Header:
    """Format and size of an image; *pixel_bytes* is the size of a decoded pixel."""

    kind: str
    width: int
    height: int
    pixel_bytes: int


def check_size(width: int, height: int, pixel_bytes: int = 1) -> None:
    """
    Refuse an image that is too large to be decoded.

    Raises
    ------
    ImageError
        If it has more pixels than `MOST_IMAGE_PIXELS`, or more bytes than `MOST_IMAGE_BYTES`, or none.
    """
    if width <= 0 or height <= 0:
        raise ImageError(f"image without pixels: got {width} × {height}")
    if width * height > MOST_IMAGE_PIXELS:
        raise ImageError(f"image too large: got {width} × {height} pixels, the limit is {MOST_IMAGE_PIXELS}")
    if width * height * pixel_bytes > MOST_IMAGE_BYTES:
        size = f"{width} × {height} pixels of {pixel_bytes} bytes"
        raise ImageError(f"image too large: got {size}, the limit is {MOST_IMAGE_BYTES} bytes")


def check_signature(data: bytes) -> None:
    """
    Refuse a file that begins like none of the formats of `read_header`.

    Raises
    ------
    ImageError
    """
    _reader_of(data)


def read_header(data: bytes) -> Header:
    """
    Return the header of a PNG, JPEG, GIF, BMP, PNM or WebP file.

    Raises
    ------
    ImageError
        If *data* is of another format, its header is incomplete, or the image is too large to be decoded.
    """
    kind, read = _reader_of(data)
    try:
        found = read(data)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise ImageError(f"{kind} header cannot be read; check the file") from error
    check_size(found.width, found.height, found.pixel_bytes)
    return found


def _reader_of(data: bytes) -> tuple[str, Callable[[bytes], Header]]:
    for signature, kind, read in _READERS:
        if data.startswith(signature):
            return kind, read
    raise ImageError("unknown image format; use PNG, JPEG, TIFF, GIF, BMP, PGM, PPM or WebP")


def _png(data: bytes) -> Header:
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    return Header("PNG", width, height, _PNG_CHANNELS[colour] * (2 if depth > 8 else 1))


def _jpeg(data: bytes) -> Header:
    """Read the first frame header, skipping bytes between segments as libjpeg does."""
    at = 2
    while True:
        at = data.index(b"\xff", at)
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker == 0 or marker in _BARE_MARKERS:
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width, channels = struct.unpack(">HHB", data[at + 3 : at + 8])
            return Header("JPEG", width, height, max(3, channels))
        (length,) = struct.unpack(">H", data[at : at + 2])
        at += length


def _gif(data: bytes) -> Header:
    width, height = struct.unpack("<HH", data[6:10])
    return Header("GIF", width, height, 4)


def _bmp(data: bytes) -> Header:
    (size,) = struct.unpack("<I", data[14:18])
    old = size == 12
    width, height = struct.unpack("<HH" if old else "<ii", data[18 : 22 if old else 26])
    return Header("BMP", width, abs(height), 4)


def _pnm(data: bytes) -> Header:
    numbers, at = [], 2
    for _ in range(2 if data[1:2] in b"14" else 3):
        found = _PNM_NUMBER.match(data, at)
        if found is None:
            raise ValueError(data[:at])
        numbers.append(int(found[1]))
        at = found.end()
    width, height, most = [*numbers, 1][:3]
    return Header("PNM", width, height, (3 if data[1:2] in b"36" else 1) * (2 if most > 255 else 1))


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if data[8:12] != b"WEBP":
        raise ValueError(data[:16])
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    return Header("WebP", width, height, 4)


_READERS: list[tuple[bytes, str, Callable[[bytes], Header]]] = [
    (b"\x89PNG\r\n\x1a\n", "PNG", _png),
    (b"\xff\xd8\xff", "JPEG", _jpeg),
    (b"GIF87a", "GIF", _gif),
    (b"GIF89a", "GIF", _gif),
    (b"BM", "BMP", _bmp),
    *((b"P%d" % number, "PNM", _pnm) for number in range(1, 7)),
    (b"RIFF", "WebP", _webp),
]
