"""Slices of HDF5, N5 and zarr volumes as images; h5py is imported on first use."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError, MissingExtraError
from rendergateway.extras import needed_for
from rendergateway.local_files import LocalFile
from rendergateway.rendering.images.chunked import chunked_array
from rendergateway.rendering.images.hdf5 import hdf5_dataset
from rendergateway.rendering.images.headers import check_size

__all__ = ["VOLUME_LOADERS", "volume_slice"]

Pixels = npt.NDArray[Any]

VOLUME_LOADERS = frozenset({"H5_SLICE", "N5_SLICE"})
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
_FLAT, _DEEP = 2, 3
_DTYPES = ("uint8", "uint16", "int16", "float32")


def volume_slice(source: os.PathLike[str], query: str, loader: str) -> Pixels:
    """
    Return a rectangle of one slice of a volume.

    Parameters
    ----------
    source : LocalFile or path
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
    numbers = {name: words[name] for name in "xyzwh" if name in words}
    if not all(map(_INTEGER.fullmatch, numbers.values())):
        raise ImageError(f"x, y, z, w and h of a slice must be integers of at most 9 digits: got {query[:60]}")
    file = source if isinstance(source, LocalFile) else LocalFile(os.fspath(source))
    return _read(file, loader, words["dataSet"], {name: int(word) for name, word in numbers.items()})


def _read(source: LocalFile, loader: str, name: str, numbers: dict[str, int]) -> Pixels:
    try:
        if loader == "N5_SLICE":
            return _part(chunked_array(source, name), numbers)
        with needed_for(f"image loader {loader}"):
            import h5py
        with source.open() as opened, h5py.File(opened, "r") as file:
            return _part(hdf5_dataset(h5py, file, name), numbers)
    except (ImageError, MissingExtraError) as error:
        raise ImageError(f"dataset {name} cannot be read: {error}") from error
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, MemoryError) as error:
        raise ImageError(f"dataset {name} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _part(volume: Any, numbers: dict[str, int]) -> Pixels:
    """Return the rectangle; volumes are indexed z, y, x."""
    shape: tuple[int, ...] = volume.shape
    if len(shape) < _FLAT:
        raise ImageError(f"dataset must have two dimensions or more: got {len(shape)}")
    *above, height, width = shape
    x, y = numbers.get("x", 0), numbers.get("y", 0)
    right, bottom = x + numbers.get("w", width - x), y + numbers.get("h", height - y)
    if not (0 <= x < right <= width and 0 <= y < bottom <= height):
        raise ImageError(f"slice outside the volume: got x {x} … {right}, y {y} … {bottom} of {width} × {height}")
    check_size(right - x, bottom - y, volume.dtype.itemsize)
    index: tuple[Any, ...] = (slice(y, bottom), slice(x, right))
    if len(volume.shape) >= _DEEP:
        z = numbers.get("z", 0)
        if not 0 <= z < above[-1]:
            raise ImageError(f"slice outside the volume: got z {z} of {above[-1]}")
        index = (*([0] * (len(above) - 1)), z, *index)
    if volume.dtype.name not in _DTYPES:
        raise ImageError(f"dataType {volume.dtype} is not supported; store {', '.join(_DTYPES)}")
    pixels = np.ascontiguousarray(volume[index], dtype=volume.dtype.newbyteorder("="))
    # As in the service, the bits of signed numbers are read as unsigned.
    return pixels.view(np.uint16) if pixels.dtype == np.int16 else pixels
