"""Slices of HDF5, N5 and zarr volumes as images; their libraries are imported on first use."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError, MissingExtraError
from rendergateway.extras import needed_for
from rendergateway.rendering.images.decoding import MOST_IMAGE_PIXELS

__all__ = ["VOLUME_LOADERS", "volume_slice"]

VOLUME_LOADERS = frozenset({"H5_SLICE", "N5_SLICE"})
_DEEP = 3


def volume_slice(path: Path, query: str, loader: str) -> npt.NDArray[Any]:
    """
    Return a rectangle of one slice of a volume.

    Parameters
    ----------
    path : Path
        The file or folder.
    query : str
        Query of the image URL: ``dataSet=/s0&x=&y=&z=&w=&h=``; only ``dataSet`` is required.
    loader : str
        One of `VOLUME_LOADERS`.

    Raises
    ------
    ImageError
        If the library or the slice is missing.
    """
    words = {name: values[-1] for name, values in parse_qs(query).items()}
    if "dataSet" not in words:
        raise ImageError("image URL has no dataSet; write …?dataSet=/s0&x=0&y=0&z=0&w=512&h=512")
    try:
        numbers = {name: int(words[name]) for name in "xyzwh" if name in words}
    except ValueError as error:
        raise ImageError(f"x, y, z, w and h of a slice must be integers: got {query}") from error
    return _read(_library(loader), loader, path, words["dataSet"], numbers)


def _library(loader: str) -> Any:
    try:
        with needed_for(f"image loader {loader}"):
            if loader == "H5_SLICE":
                import h5py

                return h5py
            import zarr
            from numcodecs import pickles
    except MissingExtraError as error:
        raise ImageError(str(error)) from error
    # Unpickling executes code of the file. numcodecs refuses it from 0.16.6 on; older versions, the only ones for
    # Python 3.10 and zarr 2, are patched to refuse it.
    if not hasattr(pickles, "ALLOW_UNSAFE_PICKLE_DECODE"):
        setattr(pickles.Pickle, "decode", _refuse_pickle)  # noqa: B010
    return zarr


def _refuse_pickle(codec: Any, data: Any, out: Any = None) -> NoReturn:
    raise ImageError("pickled array data is not read, because unpickling may execute code of the file")


def _read(library: Any, loader: str, path: Path, name: str, numbers: dict[str, int]) -> npt.NDArray[Any]:
    try:
        if loader == "H5_SLICE":
            with library.File(path, "r") as file:
                return _part(file[name], numbers)
        return _part(_zarr_array(library, path, name), numbers)
    except ImageError:
        raise
    except Exception as error:  # each library raises its own errors
        raise ImageError(f"dataset {name} cannot be read: {error}") from error


def _zarr_array(library: Any, path: Path, name: str) -> Any:
    folder = path / name.lstrip("/")
    if not (folder / "attributes.json").is_file():
        return library.open(str(path), mode="r")[name]
    if not hasattr(library, "N5FSStore"):
        raise ImageError("N5 volumes need zarr < 3; install zarr 2 or convert the volume")
    return library.open(library.N5FSStore(str(path)), mode="r")[name]


def _part(volume: Any, numbers: dict[str, int]) -> npt.NDArray[Any]:
    """Return the rectangle; volumes are indexed z, y, x."""
    shape: tuple[int, ...] = volume.shape
    *above, height, width = shape
    x, y = numbers.get("x", 0), numbers.get("y", 0)
    right, bottom = x + numbers.get("w", width - x), y + numbers.get("h", height - y)
    if not (0 <= x < right <= width and 0 <= y < bottom <= height):
        raise ImageError(f"slice outside the volume: got x {x} … {right}, y {y} … {bottom} of {width} × {height}")
    if (right - x) * (bottom - y) > MOST_IMAGE_PIXELS:
        raise ImageError(f"slice too large: the limit is {MOST_IMAGE_PIXELS} pixels")
    index: tuple[Any, ...] = (slice(y, bottom), slice(x, right))
    if len(volume.shape) >= _DEEP:
        z = numbers.get("z", 0)
        if not 0 <= z < above[-1]:
            raise ImageError(f"slice outside the volume: got z {z} of {above[-1]}")
        index = (*([0] * (len(above) - 1)), z, *index)
    return np.asarray(volume[index])
