"""Decoding of image files to arrays."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.local_files import MOST_FILE_BYTES, LocalFile
from rendergateway.rendering.base.arrays import array_of
from rendergateway.rendering.images.headers import check_signature, read_header
from rendergateway.rendering.images.tiff import SIGNATURES, tiff_image

__all__ = ["decoded", "decoded_picture", "plain_picture"]

Pixels = npt.NDArray[Any]

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
# Bytes with the signature of a format, and with the marker of its end.
_HEAD, _TAIL = 16, 4096
_RGBA = 4


def decoded(source: os.PathLike[str] | bytes, number: int | None = None, *, zipped: bool = False) -> Pixels:
    """
    Decode an image file.

    Parameters
    ----------
    source : LocalFile, path or bytes
        A file or its contents.
    number : int, optional
        Which image of a multi-image TIFF, counted from 1.
    zipped : bool
        Whether it is a zip archive whose first entry is the image, a TIFF.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3)
        uint8, uint16 or float32; colours are RGB and always uint8. Alpha is dropped.

    Raises
    ------
    ImageError
        If it is missing, not a regular file, empty, truncated, not an image, or too large.
    """
    try:
        with _opened(source) as file:
            return _plain(_decoded(file, number) if not zipped else _decoded(io.BytesIO(_first_entry(file)), number))
    except OSError as error:
        raise ImageError(f"file cannot be read: {error.strerror or error}") from error


def _opened(source: os.PathLike[str] | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return (source if isinstance(source, LocalFile) else LocalFile(os.fspath(source))).open()


def _decoded(file: BinaryIO, number: int | None) -> Pixels:
    head = file.read(_HEAD)
    if not head:
        raise ImageError("file is empty")
    if head[:4] in SIGNATURES:
        return tiff_image(file, number)
    # An unknown format is refused, and so is the size of many images, before the whole file is read.
    check_signature(head)
    size = file.seek(0, io.SEEK_END)
    if size > MOST_FILE_BYTES:
        raise ImageError(f"file too large: got {size} bytes, the limit is {MOST_FILE_BYTES}")
    file.seek(0)
    return _through_opencv(file.read(size))


def _first_entry(file: BinaryIO) -> bytes:
    """
    Return the first entry of a zip archive, a TIFF.

    References
    ----------
    .. [1] imagej/ImageJ, ``ij/io/Opener.java``, ``openZip``.
    """
    if file.seek(0, io.SEEK_END) > MOST_FILE_BYTES:
        raise ImageError(f"zip archive too large: the limit is {MOST_FILE_BYTES} bytes")
    try:
        with zipfile.ZipFile(file) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
            if not entries or not entries[0].filename.endswith(".tif"):
                name = repr(entries[0].filename) if entries else "no entry"
                raise ImageError(f"the first entry of a zip archive must be a .tif file: got {name}")
            if entries[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ImageError("zip archive must be stored or deflated; compress it again")
            with archive.open(entries[0]) as entry:
                data = entry.read(MOST_FILE_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ImageError(f"zip archive cannot be read: {error}") from error
    if len(data) > MOST_FILE_BYTES:
        raise ImageError(f"zip archive too large: the limit of its first entry is {MOST_FILE_BYTES} bytes")
    return data


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
    kind = read_header(data).kind
    end = _ENDS.get(kind)
    if end is not None and end not in data[-_TAIL:]:
        raise ImageError(f"{kind} is truncated")


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
