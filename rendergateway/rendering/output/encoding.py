"""Encoding of rendered images in file formats."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.extras import needed_for
from rendergateway.rendering.base.arrays import array_bytes, is_unencoded
from rendergateway.rendering.base.recipe import MOST_PIXELS, Recipe
from rendergateway.rendering.base.threads import drawing
from rendergateway.rendering.draw.compositor import RenderedImage
from rendergateway.rendering.output.outlines import draw_outlines
from rendergateway.rendering.output.png import png_of_rgba, with_opacity
from rendergateway.rendering.output.quantization import quantization_tables
from rendergateway.rendering.pixels.intensity import grey_of, over_background, unmultiplied, window_of

__all__ = [
    "FORMATS",
    "MODES",
    "SUFFIXES",
    "encoded",
    "encoded_outlines",
    "file_bytes",
    "png_bytes",
    "seen",
    "sixteen_bit",
    "write_png",
    "write_whole",
]

_COLOURS = 3
_MOST_SHORT = 2**16 - 1
_OPAQUE = 255
Bytes = npt.NDArray[np.uint8]


# -- display values ----------------------------------------------------------------------------------------------


def seen(image: RenderedImage, recipe: Recipe) -> tuple[Bytes, Bytes | None]:
    """Return 8-bit pixels over the background of the recipe, and their opacity; None if the image is opaque."""
    pixels, alpha = image.as_8bit(), image.alpha
    if alpha is None:
        return pixels, None
    if image.is_empty or (recipe.background is None and not recipe.noise):
        return unmultiplied(pixels, alpha), alpha
    if recipe.background is None:
        noise = np.random.default_rng(recipe.seed).integers(0, 256, pixels.shape[:2], dtype=np.uint8)
        return over_background(pixels, alpha, noise if pixels.ndim == 2 else _coloured(noise)), None
    rgb = _coloured(pixels)
    colour = np.array([recipe.background >> shift & 0xFF for shift in (16, 8, 0)], dtype=np.uint8)
    return over_background(rgb, alpha, np.broadcast_to(colour, rgb.shape)), None


def _coloured(pixels: Bytes) -> Bytes:
    from rendergateway.rendering.base.opencv import cv2

    return pixels if pixels.ndim == _COLOURS else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _on_black(pixels: Bytes, alpha: Bytes | None) -> Bytes:
    return pixels if alpha is None or (alpha == _OPAQUE).all() else over_background(pixels, alpha, 0)


def sixteen_bit(image: RenderedImage) -> npt.NDArray[np.uint16]:
    """
    Return 16-bit values: of integers unstretched, of fractions stretched over 0 … 65535; colours are averaged.

    References
    ----------
    .. [1] ImageJ, ``TypeConverter.convertFloatToShort``.
    """
    values = image.pixels
    if values.ndim == _COLOURS:
        values = np.floor(values.astype(np.float64).sum(axis=2) / _COLOURS + 0.5)
    elif values.dtype == np.float32:
        low, high = window_of(values, image.value_range)
        scale = 1.0 if low == high else _MOST_SHORT / (high - low)
        values = np.clip((values - low) * scale, 0, _MOST_SHORT) + 0.5
    return np.clip(values, 0, _MOST_SHORT).astype(np.uint16)


# -- formats -----------------------------------------------------------------------------------------------------


def _png(pixels: Bytes, alpha: Bytes | None, recipe: Recipe) -> bytes:
    return png_of_rgba(pixels, alpha)


def _jpeg(pixels: Bytes, alpha: Bytes | None, recipe: Recipe) -> bytes:
    with needed_for("writing JPEG"):
        from PIL import Image

    flat = _on_black(pixels, alpha)
    buffer, tables = io.BytesIO(), quantization_tables(recipe.quality)
    if recipe.convert_to_gray:
        Image.fromarray(grey_of(flat)).save(buffer, "JPEG", qtables=tables[:1], subsampling="4:2:0")
        return buffer.getvalue()
    # With a fourth byte Pillow takes the pixels as they are; with three it copies them first.
    four, (height, width) = with_opacity(flat, None), flat.shape[:2]
    image = Image.frombuffer("RGBX", (width, height), four, "raw", "RGBX", 0, 1)
    image.save(buffer, "JPEG", qtables=tables, subsampling="4:2:0")
    return buffer.getvalue()


def _tiff(pixels: Bytes, alpha: Bytes | None, recipe: Recipe) -> bytes:
    # Opacity is dropped, not applied.
    return _tiff_bytes(_coloured(pixels), "rgb")


def _raw(pixels: Bytes, alpha: Bytes | None, recipe: Recipe) -> bytes:
    return np.roll(with_opacity(pixels, alpha), 1, axis=2).tobytes()


def _png16(values: npt.NDArray[np.uint16]) -> bytes:
    from rendergateway.rendering.base.opencv import cv2

    return _through_opencv(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 1])


def _tiff16(values: npt.NDArray[np.uint16]) -> bytes:
    return _tiff_bytes(values, "minisblack")


def _raw16(values: npt.NDArray[np.uint16]) -> bytes:
    return values.astype(">u2").tobytes()


def _tiff_bytes(
    pixels: npt.NDArray[Any], photometric: str, pixel_size: tuple[float, float, str] | None = None
) -> bytes:
    with needed_for("writing TIFF"):
        import tifffile

    size: dict[str, Any] = {}
    if pixel_size is not None:
        width, height, unit = pixel_size
        # ImageJ reads the unit of a resolution without unit from the description.
        size = {
            "resolution": (1 / width, 1 / height),
            "resolutionunit": 1,
            "description": f"ImageJ=1.53\nunit={unit}\n",
        }
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, byteorder=">", photometric=photometric, metadata=None, **size)
    return buffer.getvalue()


def _through_opencv(suffix: str, pixels: npt.NDArray[Any], options: list[int]) -> bytes:
    from rendergateway.rendering.base.opencv import cv2

    try:
        done, data = cv2.imencode(suffix, np.ascontiguousarray(pixels), options)
    except cv2.error as error:
        raise ImageError(f"image of shape {pixels.shape} cannot be encoded as {suffix[1:]}: {error.err}") from error
    if not done:
        raise ImageError(f"image of shape {pixels.shape} cannot be encoded as {suffix[1:]}")
    return data.tobytes()


_OF_8_BITS: dict[str, Callable[[Bytes, Bytes | None, Recipe], bytes]] = {
    "jpeg": _jpeg, "png": _png, "tiff": _tiff, "raw": _raw,
}  # fmt: skip
_OF_16_BITS: dict[str, Callable[[npt.NDArray[np.uint16]], bytes]] = {
    "png16": _png16, "tiff16": _tiff16, "raw16": _raw16,
}  # fmt: skip
FORMATS = (*_OF_8_BITS, *_OF_16_BITS)
# Lossless formats of 8 bits, which keep the pixels of an array, and the one that keeps its opacity.
_UNENCODED = ("png", "tiff")
_WITH_OPACITY = "png"


def encoded(image: RenderedImage, recipe: Recipe, kind: str) -> bytes:
    """
    Encode an image in one of the formats of the service.

    Parameters
    ----------
    image : RenderedImage
    recipe : Recipe
        The recipe of the image: specifies quality, background and whether a JPEG has one channel.
    kind : str
        One of `FORMATS`: ``png`` is 8-bit with opacity, ``jpeg`` and ``tiff`` are 8-bit colours on black, ``raw`` has
        four bytes per pixel, opacity first; 16-bit formats are one grey channel of unstretched values.
    """
    with drawing():
        if kind in _OF_16_BITS:
            values = sixteen_bit(image)
            return array_bytes(values) if is_unencoded() else _OF_16_BITS[kind](values)
        return _of_8_bits(kind, *seen(image, recipe), recipe)


def _of_8_bits(kind: str, pixels: Bytes, alpha: Bytes | None, recipe: Recipe) -> bytes:
    if is_unencoded() and kind in _UNENCODED:
        return array_bytes(pixels if alpha is None or kind != _WITH_OPACITY else with_opacity(pixels, alpha))
    return _OF_8_BITS[kind](pixels, alpha, recipe)


def encoded_outlines(recipe: Recipe, kind: str, most_pixels: int = MOST_PIXELS) -> bytes:
    """
    Encode an image with the outlines of tile boxes instead of their pixels.

    Parameters
    ----------
    recipe : Recipe
    kind : str
        One of `FORMATS`; 16-bit formats are encoded like their 8-bit counterparts.
    most_pixels : int
        Size limit; larger images are refused.
    """
    width, height = recipe.size(most_pixels)
    rgba = np.zeros((height, width, 4), dtype=np.uint8)
    if recipe.background is not None:
        rgba[...] = [*(recipe.background >> shift & 0xFF for shift in (16, 8, 0)), _OPAQUE]
    draw_outlines(recipe, rgba)
    pixels, alpha = np.ascontiguousarray(rgba[..., :_COLOURS]), np.ascontiguousarray(rgba[..., _COLOURS])
    return _of_8_bits(kind.removesuffix("16"), pixels, alpha, recipe)


# -- files -------------------------------------------------------------------------------------------------------


def png_bytes(pixels: npt.NDArray[Any]) -> bytes:
    """
    Encode grey values as PNG.

    Parameters
    ----------
    pixels : ndarray, shape (H, W)
        uint8 or uint16.

    Raises
    ------
    ImageError
        If *pixels* has another shape or dtype.
    """
    from rendergateway.rendering.base.opencv import cv2

    if pixels.ndim != 2 or pixels.dtype.name not in ("uint8", "uint16"):
        raise ImageError(f"PNG needs uint8 or uint16 grey values (H, W): got {pixels.shape} of {pixels.dtype}")
    # Noise does not repeat: run-length matching alone makes smaller files than the default search, and is faster.
    runs_only = [cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    return _through_opencv(".png", pixels, runs_only)


def write_png(path: str | os.PathLike[str], pixels: npt.NDArray[Any]) -> None:
    """
    Write grey values to a PNG file atomically.

    Raises
    ------
    ImageError
        If *pixels* has another shape or dtype than `png_bytes` takes.
    OSError
        If the file cannot be written.
    """
    write_whole(path, png_bytes(pixels))


# File suffix -> format.
SUFFIXES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff"}


MODES = ("grey", "rgb")


def file_bytes(
    pixels: npt.NDArray[Any],
    alpha: Bytes | None,
    kind: str,
    *,
    quality: float = 0.85,
    mode: str | None = None,
    pixel_size: tuple[float, float, str] | None = None,
) -> bytes:
    """
    Encode display values as a file.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        uint8, or grey values of uint16.
    alpha : ndarray of uint8, shape (H, W), optional
        Opacity: stored in an 8-bit PNG; other files are composited over black.
    kind : {'png', 'jpeg', 'tiff'}
        One of the values of `SUFFIXES`.
    quality : float
        JPEG quality, 0 … 1.
    mode : {'grey', 'rgb'}, optional
        *grey* stores luminance over black; *rgb* stores colours and, in a PNG, the opacity, which a TIFF drops as that
        of the service does. Default: as the pixels are.
    pixel_size : (float, float, str), optional
        Width and height of a pixel and their unit, stored in a TIFF as ImageJ does.

    Raises
    ------
    ImageError
        If the format or the mode does not support the pixels.
    """
    if mode is not None:
        pixels, alpha = _in_mode(pixels, alpha, kind, mode)
        if mode == "rgb" and kind == "png":
            return png_of_rgba(pixels, alpha)
    if kind == "jpeg":
        if pixels.dtype != np.uint8:
            raise ImageError(
                f"JPEG needs 8-bit pixels: got {pixels.dtype}; "
                "draw with dtype='uint8' or intensity=(low, high), or save PNG or TIFF"
            )
        return _jpeg(pixels, alpha, Recipe(quality=quality, convert_to_gray=pixels.ndim == 2))
    if kind == "tiff":
        flat = pixels if pixels.dtype != np.uint8 else _on_black(pixels, alpha)
        return _tiff_bytes(flat, "minisblack" if flat.ndim == 2 else "rgb", pixel_size)
    if alpha is None and pixels.ndim == 2:
        return png_bytes(pixels)
    return png_of_rgba(pixels, alpha)


def _in_mode(pixels: npt.NDArray[Any], alpha: Bytes | None, kind: str, mode: str) -> tuple[Any, Bytes | None]:
    if mode not in MODES:
        raise ImageError(f"mode must be {' or '.join(map(repr, MODES))}: got {mode!r}")
    if pixels.dtype != np.uint8:
        if mode == "rgb":
            raise ImageError(f"mode 'rgb' needs 8-bit pixels: got {pixels.dtype}; use dtype='uint8' or mode='grey'")
        return pixels, None
    if mode == "grey":
        return grey_of(_on_black(pixels, alpha)), None
    return _coloured(pixels), None if kind == "tiff" else alpha


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """
    Write a file atomically.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    target = Path(path)
    # A unique name per writer of the same file.
    unfinished = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
