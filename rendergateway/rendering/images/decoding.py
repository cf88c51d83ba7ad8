"""Decoding of image files to arrays."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.extras import needed_for
from rendergateway.rendering.base.arrays import array_of

__all__ = ["MOST_IMAGE_PIXELS", "decoded", "decoded_picture", "plain_picture"]

Pixels = npt.NDArray[Any]

# Larger images are refused before decoding.
MOST_IMAGE_PIXELS = 2**28

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TAIL = 4096
_RGBA = 4


def decoded(source: Path | bytes, number: int | None = None) -> Pixels:
    """
    Decode an image file.

    Parameters
    ----------
    source : Path or bytes
        A file or its contents.
    number : int, optional
        Which image of a multi-image TIFF, counted from 1.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32; colours are RGB and always uint8. Alpha is dropped.

    Raises
    ------
    ImageError
        If it is missing, empty, truncated, not an image, or too large.
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise ImageError(f"file cannot be read: {error.strerror}") from error
    if not data:
        raise ImageError("file is empty")
    pixels = _tiff(data, number) if data[:4] in _TIFF else _through_opencv(data)
    return _plain(pixels)


def decoded_picture(data: bytes) -> tuple[Pixels, npt.NDArray[np.uint8] | None]:
    """
    Decode a rendered image to pixels and opacity; see `plain_picture`.

    Raises
    ------
    ImageError
        If *data* is not an image.
    """
    from rendergateway.rendering.base.opencv import cv2

    array = array_of(data)
    if array is not None:
        four = array.ndim == 3 and array.shape[2] == _RGBA
        return plain_picture(array[..., :3], array[..., 3]) if four else plain_picture(array, None)
    if not data.startswith(_PNG):
        return plain_picture(decoded(data), None)
    _check_complete(data)
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ImageError("PNG cannot be decoded")
    if image.ndim == 2 or image.shape[2] != 4:
        return plain_picture(decoded(data), None)
    return plain_picture(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), image[..., 3].astype(np.uint8))


def plain_picture(pixels: Pixels, alpha: npt.NDArray[np.uint8] | None) -> tuple[Pixels, npt.NDArray[np.uint8] | None]:
    """Reduce pixels to one channel if all of them are grey, and opacity to None if all of them are opaque."""
    if pixels.ndim == 3 and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
        pixels = np.ascontiguousarray(pixels[..., 0])
    return pixels, None if alpha is None or (alpha == 255).all() else np.ascontiguousarray(alpha)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_IMAGE_PIXELS:
        raise ImageError(f"image too large: got {width} × {height} pixels, the limit is {MOST_IMAGE_PIXELS}")


def _through_opencv(data: bytes) -> Pixels:
    from rendergateway.rendering.base.opencv import cv2

    _check_complete(data)
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"image cannot be decoded: {error.err}") from error
    if image is None:
        raise ImageError("unknown image format; use PNG, JPEG, TIFF or another format of OpenCV")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        if data.startswith(_JPEG) and (np.ptp(image, axis=2) == 0).all():
            return image[..., 0].copy()
    return image


def _check_complete(data: bytes) -> None:
    """Refuse truncated files, which OpenCV would decode in part, and too large ones, before allocating memory."""
    if data.startswith(_PNG):
        if len(data) > 24:
            _check_pixels(*struct.unpack(">II", data[16:24]))
        if b"IEND" not in data[-_TAIL:]:
            raise ImageError("PNG is truncated")
    elif data.startswith(_JPEG):
        size = _jpeg_size(data)
        if size is not None:
            _check_pixels(*size)
        if b"\xff\xd9" not in data[-_TAIL:]:
            raise ImageError("JPEG is truncated")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the frame header; None if it is missing."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    return None


def _tiff(data: bytes, number: int | None) -> Pixels:
    import io

    with needed_for("reading TIFF"):
        import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = _page(file, 0 if number is None else number - 1)
            _check_pixels(page.imagewidth, page.imagelength)
            try:
                return np.asarray(page.asarray())
            except (ValueError, KeyError) as error:
                # tifffile needs another library for this compression; OpenCV can read the first image of some files.
                if number is None or number == 1:
                    return _through_opencv(data)
                raise ImageError(f"TIFF compression not supported: {error}") from error
    except ImageError:
        raise
    except Exception as error:  # tifffile raises many types of errors
        raise ImageError(f"TIFF cannot be read: {error}") from error


def _page(file: Any, index: int) -> Any:
    if 0 <= index < len(file.pages):
        return file.pages[index]
    raise ImageError(f"TIFF has no image {index + 1}: it has {len(file.pages)} images")


def _plain(pixels: Pixels) -> Pixels:
    """Convert pixels to a supported type and shape."""
    # Drop an axis of one channel, or of one slice; an image of a single row keeps its shape.
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    while pixels.ndim > 2 and pixels.shape[0] == 1 and (pixels.ndim > 3 or pixels.shape[2] not in (3, 4)):
        pixels = pixels[0]
    if pixels.ndim == 3:
        return _colours(pixels)
    if pixels.ndim != 2:
        raise ImageError(f"not a 2D image: got shape {pixels.shape}")
    kind = pixels.dtype
    if kind == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if kind in (np.uint8, np.uint16, np.float32):
        # Convert to native byte order.
        return np.ascontiguousarray(pixels, dtype=kind.newbyteorder("="))
    if kind == np.int16:
        return (pixels.astype(np.int32) + 2**15).astype(np.uint16)
    if kind.kind in "iuf":
        return pixels.astype(np.float32)
    raise ImageError(f"pixel type not supported: got {kind}")


def _colours(pixels: Pixels) -> Pixels:
    if pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.shape[2] not in (3, 4):
        raise ImageError(f"not a 2D image: got shape {pixels.shape}")
    colours = pixels[..., :3]
    if colours.dtype == np.uint16:
        colours = (colours >> 8).astype(np.uint8)
    if colours.dtype != np.uint8:
        raise ImageError(f"colour type not supported: got {colours.dtype}")
    return np.ascontiguousarray(colours)
