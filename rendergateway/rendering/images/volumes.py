"""Slices of volumes as images: HDF5, N5 and zarr. Their libraries are extras, imported when one is read."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.rendering.images.decoding import MOST_IMAGE_PIXELS

__all__ = ["VOLUME_LOADERS", "volume_slice"]

# Loader of a tile -> library that reads it.
VOLUME_LOADERS = {"H5_SLICE": "h5py", "N5_SLICE": "zarr"}
_DEEP = 3


def volume_slice(path: Path, query: str, loader: str) -> npt.NDArray[Any]:
    """
    Return a rectangle of one slice of a volume.

    Parameters
    ----------
    path : Path
        The file or folder.
    query : str
        ``dataSet=/s0&x=&y=&z=&w=&h=``, what stands behind the ``?`` of the address; only ``dataSet`` must be there.
    loader : str
        One of `VOLUME_LOADERS`.

    Raises
    ------
    ImageError
        If the library is missing, or there is no such slice.
    """
    words = {name: values[-1] for name, values in parse_qs(query).items()}
    if "dataSet" not in words:
        raise ImageError("its address names no dataSet: …?dataSet=/s0&x=0&y=0&z=0&w=512&h=512")
    try:
        numbers = {name: int(words[name]) for name in "xyzwh" if name in words}
    except ValueError as error:
        raise ImageError(f"x, y, z, w and h of a slice are whole numbers: {query}") from error
    return _read(_library(loader), loader, path, words["dataSet"], numbers)


def _library(loader: str) -> Any:
    name = VOLUME_LOADERS[loader]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImageError(f"loader {loader} needs the library {name}: pip install 'rendergateway[volumes]'") from error


def _read(library: Any, loader: str, path: Path, name: str, numbers: dict[str, int]) -> npt.NDArray[Any]:
    try:
        if loader == "H5_SLICE":
            with library.File(path, "r") as file:
                return _part(file[name], numbers)
        return _part(_zarr_array(library, path, name), numbers)
    except ImageError:
        raise
    except Exception as error:  # each library raises errors of its own
        raise ImageError(f"dataset {name} cannot be read: {error}") from error


def _zarr_array(library: Any, path: Path, name: str) -> Any:
    folder = path / name.lstrip("/")
    if not (folder / "attributes.json").is_file():
        return library.open(str(path), mode="r")[name]
    if not hasattr(library, "N5FSStore"):
        raise ImageError("it is an N5 volume: reading these needs zarr below 3")
    return library.open(library.N5FSStore(str(path)), mode="r")[name]


def _part(volume: Any, numbers: dict[str, int]) -> npt.NDArray[Any]:
    """Return the rectangle; volumes are indexed z, y, x."""
    *above, height, width = volume.shape
    x, y = numbers.get("x", 0), numbers.get("y", 0)
    right, bottom = x + numbers.get("w", width - x), y + numbers.get("h", height - y)
    if not (0 <= x < right <= width and 0 <= y < bottom <= height):
        raise ImageError(f"x {x} … {right}, y {y} … {bottom} lies outside of {width} × {height}")
    if (right - x) * (bottom - y) > MOST_IMAGE_PIXELS:
        raise ImageError(f"the slice is larger than {MOST_IMAGE_PIXELS} pixels")
    index: tuple[Any, ...] = (slice(y, bottom), slice(x, right))
    if len(volume.shape) >= _DEEP:
        z = numbers.get("z", 0)
        if not 0 <= z < above[-1]:
            raise ImageError(f"there is no z {z} among {above[-1]}")
        index = (*([0] * (len(above) - 1)), z, *index)
    return np.asarray(volume[index])
