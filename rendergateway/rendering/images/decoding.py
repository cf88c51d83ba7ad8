"""Image files to arrays."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError

__all__ = ["MOST_IMAGE_PIXELS", "decoded", "decoded_picture", "plain_picture"]

Pixels = npt.NDArray[Any]

# Larger images are refused before they are decoded.
MOST_IMAGE_PIXELS = 2**28

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TAIL = 4096


def decoded(source: Path | bytes, number: int | None = None) -> Pixels:
    """
    Return an image file as an array.

    Parameters
    ----------
    source : Path or bytes
        A file, or what stands in one.
    number : int, optional
        Which image of a TIFF, counted from 1.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32; colours in the order red, green, blue, always uint8. Alpha is left out.

    Raises
    ------
    ImageError
        If it is missing, empty, cut short, no image, or too large.
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise ImageError(f"it cannot be read: {error.strerror}") from error
    if not data:
        raise ImageError("it is empty")
    pixels = _tiff(data, number) if data[:4] in _TIFF else _through_opencv(data)
    return _plain(pixels)


def decoded_picture(data: bytes) -> tuple[Pixels, npt.NDArray[np.uint8] | None]:
    """
    Return the pixels of a picture that was drawn, and their opacity; see `plain_picture`.

    Raises
    ------
    ImageError
        If *data* is no image.
    """
    import cv2

    if not data.startswith(_PNG):
        return plain_picture(decoded(data), None)
    _check_complete(data)
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ImageError("the PNG cannot be decoded")
    if image.ndim == 2 or image.shape[2] != 4:
        return plain_picture(decoded(data), None)
    return plain_picture(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), image[..., 3].astype(np.uint8))


def plain_picture(pixels: Pixels, alpha: npt.NDArray[np.uint8] | None) -> tuple[Pixels, npt.NDArray[np.uint8] | None]:
    """Return one grey channel where the colours of all pixels are grey, and no opacity where all are opaque."""
    if pixels.ndim == 3 and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
        pixels = np.ascontiguousarray(pixels[..., 0])
    return pixels, None if alpha is None or (alpha == 255).all() else np.ascontiguousarray(alpha)


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_IMAGE_PIXELS:
        raise ImageError(f"it is {width} × {height} pixels large; at most {MOST_IMAGE_PIXELS} are read")


def _through_opencv(data: bytes) -> Pixels:
    import cv2

    _check_complete(data)
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"it cannot be decoded: {error.err}") from error
    if image is None:
        raise ImageError("it is no image in a format that can be read here (PNG, JPEG, TIFF and others)")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
        if data.startswith(_JPEG) and (np.ptp(image, axis=2) == 0).all():
            return image[..., 0].copy()
    return image


def _check_complete(data: bytes) -> None:
    """Refuse what OpenCV would read in part, or only after filling the memory."""
    if data.startswith(_PNG):
        if len(data) > 24:
            _check_pixels(*struct.unpack(">II", data[16:24]))
        if b"IEND" not in data[-_TAIL:]:
            raise ImageError("the PNG is cut short")
    elif data.startswith(_JPEG):
        size = _jpeg_size(data)
        if size is not None:
            _check_pixels(*size)
        if b"\xff\xd9" not in data[-_TAIL:]:
            raise ImageError("the JPEG is cut short")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height, from the header of the frame; None where there is none."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    return None


def _tiff(data: bytes, number: int | None) -> Pixels:
    import io

    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = _page(file, 0 if number is None else number - 1)
            _check_pixels(page.imagewidth, page.imagelength)
            try:
                return np.asarray(page.asarray())
            except (ValueError, KeyError) as error:
                # A compression that tifffile needs another library for; OpenCV reads the first image of some.
                if number is None or number == 1:
                    return _through_opencv(data)
                raise ImageError(f"its compression cannot be read: {error}") from error
    except ImageError:
        raise
    except Exception as error:  # tifffile raises whatever its parsing meets
        raise ImageError(f"the TIFF cannot be read: {error}") from error


def _page(file: Any, index: int) -> Any:
    if 0 <= index < len(file.pages):
        return file.pages[index]
    raise ImageError(f"it has {len(file.pages)} images, none of number {index + 1}")


def _plain(pixels: Pixels) -> Pixels:
    """Return pixels in one of the types that are drawn."""
    # A channel of its own, or a stack of one: a picture of a single row stays one.
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    while pixels.ndim > 2 and pixels.shape[0] == 1 and (pixels.ndim > 3 or pixels.shape[2] not in (3, 4)):
        pixels = pixels[0]
    if pixels.ndim == 3:
        return _colours(pixels)
    if pixels.ndim != 2:
        raise ImageError(f"it is no picture: its shape is {pixels.shape}")
    kind = pixels.dtype
    if kind == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if kind in (np.uint8, np.uint16, np.float32):
        # A byte order of its own becomes that of this machine.
        return np.ascontiguousarray(pixels, dtype=kind.newbyteorder("="))
    if kind == np.int16:
        return (pixels.astype(np.int32) + 2**15).astype(np.uint16)
    if kind.kind in "iuf":
        return pixels.astype(np.float32)
    raise ImageError(f"pixels of type {kind} cannot be drawn")


def _colours(pixels: Pixels) -> Pixels:
    if pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.shape[2] not in (3, 4):
        raise ImageError(f"it is no picture: its shape is {pixels.shape}")
    colours = pixels[..., :3]
    if colours.dtype == np.uint16:
        colours = (colours >> 8).astype(np.uint8)
    if colours.dtype != np.uint8:
        raise ImageError(f"colours of type {colours.dtype} cannot be drawn")
    return np.ascontiguousarray(colours)
