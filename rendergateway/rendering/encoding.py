"""Pictures as bytes of a file format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rendergateway.errors import ImageError

__all__ = ["png_bytes", "write_png"]


def png_bytes(pixels: npt.NDArray[Any]) -> bytes:
    """
    Return a picture as PNG.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        Grey values, uint8 or uint16.

    Raises
    ------
    ImageError
        If it is no such picture.
    """
    import cv2

    if pixels.ndim != 2 or pixels.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"a grey picture is (H, W) of uint8 or uint16, this one is {pixels.shape} of {pixels.dtype}")
    # Grain does not repeat: to look for runs alone gives less than zlib's usual search, several times as fast.
    runs_only = [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    done, encoded = cv2.imencode(".png", pixels, runs_only)
    if not done:
        raise ImageError(f"a picture of shape {pixels.shape} cannot be written as PNG")
    return encoded.tobytes()


def write_png(path: str | os.PathLike[str], pixels: npt.NDArray[Any]) -> None:
    """
    Write a picture to a PNG file, whole or not at all.

    Raises
    ------
    ImageError
        If it is no such picture.
    OSError
        If the file cannot be written.
    """
    target = Path(path)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_bytes(png_bytes(pixels))
    unfinished.replace(target)
