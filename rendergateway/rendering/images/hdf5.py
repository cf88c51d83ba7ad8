"""
Datasets of HDF5 files, without anything outside of the file: no external links, external storage or virtual datasets.

References
----------
.. [1] The HDF Group, "HDF5 File Format Specification", version 3.0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.rendering.images.chunked import ChunkedArray, ChunkReader
from rendergateway.rendering.images.codecs import decompressed
from rendergateway.rendering.images.headers import MOST_IMAGE_BYTES

__all__ = ["hdf5_dataset"]

_MOST_LINKS = 16
_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_CODECS = {_DEFLATE: "zlib", _SHUFFLE: "shuffle"}
# Decompressed bytes per byte, at most.
_RATIOS = {_DEFLATE: 1032, _LZF: 88}


def hdf5_dataset(library: Any, file: Any, name: str) -> Any:
    """
    Return a dataset of an open file: an object with a shape, to be indexed by numbers and slices.

    Parameters
    ----------
    library : module
        h5py.
    file : h5py.File
    name : str

    Raises
    ------
    ImageError
        If there is no such dataset, it is kept outside of the file, or its chunks are too large or compressed with a
        filter that is not supported.
    """
    found = _found(library, file, name)
    if found.is_virtual or found.external:
        raise ImageError("its data are in other files; copy them into one file")
    if found.dtype.kind not in "iuf":
        raise ImageError(f"dataType {found.dtype} is not supported")
    if found.chunks is None:
        return found
    if math.prod(found.chunks) * found.dtype.itemsize > MOST_IMAGE_BYTES:
        raise ImageError(f"chunks too large: got {found.chunks}, the limit is {MOST_IMAGE_BYTES} bytes")
    filters = _filters(found)
    if not filters:
        return found
    return ChunkedArray(found.shape, found.chunks, found.dtype, found.fillvalue, _chunk_reader(found, filters))


def _found(library: Any, file: Any, name: str) -> Any:
    """Follow the links of *name* inside of the file."""
    left, here, links = name.split("/")[::-1], file, 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        link: Any = here.get(part, getlink=True) if isinstance(here, library.Group) else None
        if isinstance(link, library.SoftLink):
            links += 1
            if links > _MOST_LINKS:
                raise ImageError("too many links; name the dataset itself")
            here = file if link.path.startswith("/") else here
            left += link.path.split("/")[::-1]
        elif isinstance(link, library.HardLink):
            here = here[part]
        elif isinstance(link, library.ExternalLink):
            raise ImageError("it is a link to another file; copy it into this one")
        else:
            raise ImageError("no such dataset")
    if not isinstance(here, library.Dataset):
        raise ImageError("it is not a dataset")
    return here


def _filters(dataset: Any) -> list[tuple[int, tuple[int, ...]]]:
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number) for number in range(properties.get_nfilters())]
    for code, _, _, name in filters:
        if code not in (_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF):
            raise ImageError(f"HDF5 filter not supported: got {name.decode(errors='replace')!r}; use gzip or lzf")
    return [(code, values) for code, _, values, _ in filters]


def _chunk_reader(dataset: Any, filters: list[tuple[int, tuple[int, ...]]]) -> ChunkReader:
    """Return a reader of chunks; HDF5 would let the data of a chunk decide how large it becomes."""
    chunks, dtype = dataset.chunks, dataset.dtype
    whole = math.prod(chunks) * dtype.itemsize
    codes = {code for code, _ in filters}
    ratio = max((_RATIOS.get(code, 1) for code in codes), default=1)
    by_hdf5 = not codes <= {_DEFLATE, _SHUFFLE}
    most = MOST_IMAGE_BYTES // ratio if by_hdf5 else 2 * whole + 2**16

    def read(number: tuple[int, ...]) -> npt.NDArray[Any] | None:
        place = tuple(one * chunk for one, chunk in zip(number, chunks, strict=True))
        info = dataset.id.get_chunk_info_by_coord(place)
        if info.byte_offset is None:
            return None
        if info.size > most:
            raise ImageError(f"chunk too large: got {info.size} bytes, the limit is {most}")
        if by_hdf5:
            return np.asarray(dataset[tuple(slice(one, one + chunk) for one, chunk in zip(place, chunks, strict=True))])
        mask, data = dataset.id.read_direct_chunk(place)
        for position, (code, values) in reversed(list(enumerate(filters))):
            if not mask >> position & 1:
                data = decompressed(data, _CODECS[code], whole, {"elementsize": (values or (dtype.itemsize,))[0]})
        if len(data) != whole:
            raise ImageError(f"chunk has {len(data)} bytes instead of {whole}")
        return np.frombuffer(data, dtype=dtype).reshape(chunks)

    return read
