"""Image loaders: what reads an image of each ``imageLoaderType`` and ``maskLoaderType``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.extensions import Extensions
from rendergateway.rendering.base.recipe import ImageAddress
from rendergateway.rendering.images.decoding import decoded
from rendergateway.rendering.images.headers import MOST_IMAGE_PIXELS, check_size
from rendergateway.rendering.images.levels import halved
from rendergateway.rendering.images.locations import Files, Opener, state_of
from rendergateway.rendering.images.volumes import VOLUME_LOADERS, volume_slice

__all__ = ["FILE_LOADERS", "LOADERS", "Loader", "loader_of", "register_image_loader"]

Pixels = npt.NDArray[Any]
Loader = Callable[[ImageAddress, Opener], Pixels]
BuiltInLoader = Callable[[ImageAddress, Files], Pixels]
LoaderT = TypeVar("LoaderT", bound=Loader)

# Their URL is that of one file.
FILE_LOADERS = frozenset({"IMAGEJ_DEFAULT", "IMAGEJ_DEFAULT_W_TIMEOUT", "IMAGEJ_TIFF_STACK", "IMAGEJ_COMPOSITE"})
_BOX = re.compile(
    r"mask://outside-box\?minX=(\d+)&minY=(\d+)&maxX=(\d+)&maxY=(\d+)&width=(\d+)&height=(\d+)(?:.*&level=(\d+))?.*"
)
_BOXES = re.compile(
    r"mask://outside-boxes\?width=(\d+)&height=(\d+)&count=(\d+)&boxes=(\d+(?:,\d+)*)(?:&level=(\d+))?", re.ASCII
)
# Longer numbers are beyond Java's integers.
_MOST_DIGITS = 9
# The boxes of a mask may cover it this often: more would only take time.
_MOST_COVERS = 64
_DTYPES = ("uint8", "uint16", "float32")


def register_image_loader(name: str, *, replace: bool = False) -> Callable[[LoaderT], LoaderT]:
    """
    Return a decorator that registers a function as the loader of a type.

    Images read from now on, by this process or an embedded service in it, use it. Pickled gateways include it, so that
    other processes use it too. ``LOADERS.registered(name, function)`` registers it for a block.

    Parameters
    ----------
    name : str
        As ``imageLoaderType`` or ``maskLoaderType`` in tile specs.
    replace : bool
        Whether the name may have a function.

    Raises
    ------
    RegistrationError
        If the name has another function and *replace* is false.

    Notes
    -----
    The function takes ``address``, an `ImageAddress` with ``url`` and ``number``, and ``open``, which returns the
    `Path` or the bytes of a URL that may be read, and raises `ImageError` for others, and for paths that are neither
    regular files nor folders. It returns an array (H, W), or (H, W, 3) of uint8, at full size: uint8, uint16 or
    float32. It is called by several threads. Images of local files are read again if the file of the URL, without its
    query, changes.
    """
    return LOADERS.decorator(name, replace=replace)


def loader_of(address: ImageAddress) -> BuiltInLoader:
    """
    Return the loader of an address.

    Raises
    ------
    ImageError
        If it is unknown.
    """
    if address.url.startswith("mask:") and address.loader in FILE_LOADERS:
        raise ImageError(f"mask URL without its loader: got {address.url} of {address.loader}; set DYNAMIC_MASK")
    load = LOADERS.get(address.loader)
    if load is None:
        raise ImageError(f"unknown image loader: got {address.loader}; register_image_loader() defines it")
    built_in = next((one for one in _BUILT_IN.values() if one is load), None)
    return functools.partial(_checked, load) if built_in is None else cast("BuiltInLoader", built_in)


def _checked(load: Loader, address: ImageAddress, open_: Files) -> Pixels:
    def opened(url: str) -> Path | bytes:
        source = open_(url)
        if isinstance(source, bytes):
            return source
        state_of(source)
        return Path(source)

    try:
        pixels = load(address, opened)
    except ImageError:
        raise
    except Exception as error:  # code of a lab
        raise ImageError(f"image loader {address.loader} failed: {error!r}") from error
    shape, dtype = np.shape(pixels), getattr(pixels, "dtype", type(pixels))
    if not ((dtype in _DTYPES and len(shape) == 2) or (dtype == np.uint8 and len(shape) == 3 and shape[2] == 3)):
        raise ImageError(
            f"image loader {address.loader} must return (H, W) of {', '.join(_DTYPES)} or (H, W, 3) of uint8: got "
            f"{shape} of {dtype}"
        )
    return pixels


def _file(address: ImageAddress, open_: Files) -> Pixels:
    return decoded(open_(address.url), address.number, zipped=address.url.lower().endswith(".zip"))


def _composite(address: ImageAddress, open_: Files) -> Pixels:
    raise ImageError(f"image loader not supported: got {address.loader}; store the image as RGB")


def _slice(address: ImageAddress, open_: Files) -> Pixels:
    url, _, query = address.url.partition("?")
    source = open_(url)
    if isinstance(source, bytes):
        raise ImageError(f"image loader {address.loader} supports local volumes only")
    return volume_slice(source, query, address.loader)


def _mask_of_box(address: ImageAddress, open_: Files) -> Pixels:
    """Return the mask of a ``mask:`` URL: 255 inside a box and 0 outside."""
    found = _BOX.fullmatch(address.url)
    if found is None:
        raise ImageError("invalid mask URL; write mask://outside-box?minX=0&minY=0&maxX=9&maxY=9&width=10&height=10")
    min_x, min_y, max_x, max_y, width, height, level = _integers(*found.groups())
    mask = _empty(width, height)
    mask[min_y:max_y, min_x:max_x] = 255
    return halved(mask, level)


def _mask_of_boxes(address: ImageAddress, open_: Files) -> Pixels:
    """
    Return the mask of a ``mask:`` URL: 255 inside boxes and 0 outside.

    References
    ----------
    .. [1] saalfeldlab/render, branch newsolver, loader ``MULTI_BOX_DYNAMIC_MASK``: it draws each box one pixel to the
       right and down.
    """
    found = _BOXES.fullmatch(address.url)
    if found is None:
        raise ImageError(
            f"failed to parse dynamic mask URL: {address.url}; write mask://outside-boxes?width=80&height=60&count=2&"
            "boxes=0,0,40,30,40,30,40,30"
        )
    width, height, count, level = _integers(*found.group(1, 2, 3, 5))
    sides = _integers(*found[4].split(","))
    if len(sides) != 4 * count:
        raise ImageError(f"expected {4 * count} box values but found {len(sides)} in dynamic mask URL: {address.url}")
    mask = _empty(width, height)
    if sum(min(across, width) * min(down, height) for across, down in zip(sides[2::4], sides[3::4], strict=True)) > (
        _MOST_COVERS * width * height
    ):
        raise ImageError(f"boxes of a mask overlap: they cover it more than {_MOST_COVERS} times; merge them")
    for x, y, across, down in zip(*[iter(sides)] * 4, strict=True):
        mask[y + 1 : y + 1 + down, x + 1 : x + 1 + across] = 255
    return halved(mask, level)


def _integers(*words: str | None) -> list[int]:
    """Parse the numbers of a mask URL; 0 if missing."""
    for word in words:
        if word is not None and len(word) > _MOST_DIGITS:
            raise ImageError(f"number too large in mask URL: got {len(word)} digits, the limit is {_MOST_DIGITS}")
    return [int(word or 0) for word in words]


def _empty(width: int, height: int) -> npt.NDArray[np.uint8]:
    if width * height > MOST_IMAGE_PIXELS:
        raise ImageError(f"mask too large: got {width} × {height} pixels, the limit is {MOST_IMAGE_PIXELS}")
    check_size(width, height)
    return np.zeros((height, width), dtype=np.uint8)


_BUILT_IN: dict[str, BuiltInLoader] = {
    **dict.fromkeys(FILE_LOADERS, _file),
    **dict.fromkeys(VOLUME_LOADERS, _slice),
    "IMAGEJ_COMPOSITE": _composite,
    "DYNAMIC_MASK": _mask_of_box,
    "MULTI_BOX_DYNAMIC_MASK": _mask_of_boxes,
}
LOADERS: Extensions[Loader] = Extensions("image loader", cast("dict[str, Loader]", _BUILT_IN))
