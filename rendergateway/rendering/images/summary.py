"""Size and pixel type of an image from its header, without decoding it."""

from __future__ import annotations

import io
import os

import attrs
import numpy as np

from rendergateway.errors import ImageError
from rendergateway.local_files import LocalFile
from rendergateway.rendering.images.headers import read_header
from rendergateway.rendering.images.tiff import SIGNATURES, tiff_layout

__all__ = ["RGB", "ImageSummary", "summary_of", "summary_of_pixels"]

RGB = "RGB"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND"
_HEAD, _TAIL = 64, 4096
_GREY = {1: "uint8", 2: "uint16"}


@attrs.frozen
class ImageSummary:
    """Size and pixels of an image as it is decoded: *kind* is ``uint8``, ``uint16``, ``float32`` or ``RGB``."""

    width: int
    height: int
    kind: str


def summary_of_pixels(pixels: np.ndarray) -> ImageSummary:
    """Return the summary of a decoded image, (H, W) or (H, W, 3)."""
    return ImageSummary(pixels.shape[1], pixels.shape[0], str(pixels.dtype) if pixels.ndim == 2 else RGB)


def summary_of(source: os.PathLike[str] | bytes, number: int | None = None) -> ImageSummary | None:
    """
    Return the summary of a TIFF or PNG file; None for other formats, whose headers do not determine the pixel type.

    Parameters
    ----------
    source : LocalFile, path or bytes
        A file or its contents.
    number : int, optional
        Which image of a multi-image TIFF, counted from 1.

    Raises
    ------
    ImageError
        If the file is missing or empty, its header is malformed, or its end is missing.
    """
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else LocalFile(os.fspath(source)).open()
        with file:
            head = file.read(_HEAD)
            size = file.seek(0, io.SEEK_END)
            if not head:
                raise ImageError("file is empty")
            if head[:4] in SIGNATURES:
                width, height, samples, dtype, end = tiff_layout(file, number)
                if end > size:
                    raise ImageError(f"TIFF is truncated: it has {size} of at least {end} bytes")
                return ImageSummary(width, height, _kind(samples, dtype))
            if not head.startswith(_PNG):
                return None
            header = read_header(head)
            file.seek(max(0, size - _TAIL))
            if _PNG_END not in file.read():
                raise ImageError("PNG is truncated")
            return ImageSummary(header.width, header.height, _GREY.get(header.pixel_bytes, RGB))
    except OSError as error:
        raise ImageError(f"file cannot be read: {error.strerror or error}") from error


def _kind(samples: int, dtype: np.dtype[np.generic]) -> str:
    """Return the pixel type that an image has after it was decoded."""
    if samples > 1:
        if samples not in (3, 4) or dtype not in (np.uint8, np.uint16):
            raise ImageError(f"colour type not supported: got {samples} samples of {dtype}")
        return RGB
    if dtype == np.uint8:
        return "uint8"
    return "uint16" if dtype in (np.uint16, np.int16) else "float32"
