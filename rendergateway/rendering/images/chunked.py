"""
Arrays in chunks, a file each, below one folder: N5, zarr 2 and zarr 3, with every file opened by `LocalFile`.

References
----------
.. [1] saalfeldlab/n5, ``README.md``, "File-system specification".
.. [2] zarr-developers/zarr-specs, versions 2 and 3, and the codec ``sharding_indexed``.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.local_files import LocalFile, OutsideError
from rendergateway.rendering.images.codecs import check_codec, decompressed
from rendergateway.rendering.images.headers import MOST_IMAGE_BYTES

__all__ = ["ChunkedArray", "chunked_array"]

_MOST_METADATA_BYTES = 2**22
_MOST_CHUNKS = 2**17
_DTYPES = re.compile(r"[<>|][iuf][1248]")
_NAMES = frozenset({"uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"})
_MOST_DIMENSIONS = 5
_NO_CHUNK = 2**64 - 1

# From the number of a chunk along each axis to its numbers; None if it is nowhere written.
ChunkReader = Callable[[tuple[int, ...]], "npt.NDArray[Any] | None"]


@attrs.frozen
class ChunkedArray:
    """
    An array, to be read in rectangles.

    Parameters
    ----------
    shape, chunks : tuple of int
        Size of the array and of a chunk, the fastest axis last.
    dtype : dtype
    fill : float
        The value of chunks that are nowhere written.
    read_chunk : callable
        Returns a chunk, or as much of it as is written.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: float
    read_chunk: ChunkReader

    def __attrs_post_init__(self) -> None:
        sides = (*self.shape, *self.chunks)
        if not (0 < len(self.shape) <= _MOST_DIMENSIONS and len(self.chunks) == len(self.shape) and min(sides) > 0):
            raise ImageError(f"array metadata are malformed: got shape {self.shape} in chunks of {self.chunks}")
        if math.prod(self.chunks) * self.dtype.itemsize > MOST_IMAGE_BYTES:
            size = f"{self.chunks} of {self.dtype}"
            raise ImageError(f"chunks too large: got {size}, the limit is {MOST_IMAGE_BYTES} bytes")

    def __getitem__(self, index: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        """Return the part at *index*: a number, or a slice inside of the array, for each axis."""
        spans = [range(one, one + 1) if isinstance(one, int) else range(one.start, one.stop) for one in index]
        touched = [
            range(span.start // chunk, (span.stop - 1) // chunk + 1)
            for span, chunk in zip(spans, self.chunks, strict=True)
        ]
        if math.prod(map(len, touched)) > _MOST_CHUNKS:
            raise ImageError(f"slice of too many chunks: the limit is {_MOST_CHUNKS}; draw a part of it")
        found = np.full([len(span) for span in spans], self.fill, dtype=self.dtype.newbyteorder("="))
        for number in itertools.product(*touched):
            chunk = self.read_chunk(number)
            if chunk is not None:
                self._copy(number, chunk, spans, found)
        return found.reshape([len(span) for span, one in zip(spans, index, strict=True) if not isinstance(one, int)])

    def _copy(
        self, number: tuple[int, ...], chunk: npt.NDArray[Any], spans: list[range], found: npt.NDArray[Any]
    ) -> None:
        source, target = [], []
        for place, size, whole, span in zip(number, chunk.shape, self.chunks, spans, strict=True):
            first = max(place * whole, span.start)
            last = min(place * whole + size, span.stop)
            if first >= last:
                return
            source.append(slice(first - place * whole, last - place * whole))
            target.append(slice(first - span.start, last - span.start))
        found[tuple(target)] = chunk[tuple(source)]


def chunked_array(folder: LocalFile, name: str) -> ChunkedArray:
    """
    Return an array of an N5 or zarr container.

    Parameters
    ----------
    folder : LocalFile
        The container.
    name : str
        Path of the array in it.

    Raises
    ------
    ImageError
        If there is no such array, its metadata are malformed, or it has a codec that is not supported.
    """
    array = folder.joined(*filter(None, name.split("/")))
    for file, read in (("attributes.json", _n5), (".zarray", _zarr_2), ("zarr.json", _zarr_3)):
        metadata = array.joined(file)
        if metadata.is_file:
            try:
                members = json.loads(metadata.read(_MOST_METADATA_BYTES))
                return read(array, members)
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
                raise ImageError(f"array metadata are malformed: {file}: {error!r}") from error
    raise ImageError("it has neither attributes.json nor .zarray nor zarr.json; check dataSet")


def _sizes(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(map(int, values))


def _n5(folder: LocalFile, members: Mapping[str, Any]) -> ChunkedArray:
    if members["dataType"] not in _NAMES:
        raise ImageError(f"dataType {members['dataType']} is not supported")
    dtype = np.dtype(members["dataType"]).newbyteorder(">")
    shape, chunks = _sizes(members["dimensions"])[::-1], _sizes(members["blockSize"])[::-1]
    compression: Mapping[str, Any] = members.get("compression", {"type": "raw"})
    kind = "lz4-blocks" if compression["type"] == "lz4" else str(compression["type"])
    check_codec(kind)

    def read(number: tuple[int, ...]) -> npt.NDArray[Any] | None:
        data = _contents(folder.joined(*map(str, reversed(number))), chunks, dtype)
        return None if data is None else _n5_block(data, kind, chunks, dtype)

    return ChunkedArray(shape, chunks, dtype, 0, read)


def _n5_block(data: bytes, codec: str, chunks: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a block: its own size, which is less at the edges of the array, before its data."""
    count = len(chunks)
    try:
        mode, dimensions = struct.unpack_from(">HH", data)
        sizes = struct.unpack_from(f">{count}I", data, 4)[::-1]
    except struct.error as error:
        raise ImageError("N5 block is truncated") from error
    if mode > 1 or dimensions != count or any(size > whole for size, whole in zip(sizes, chunks, strict=True)):
        raise ImageError(f"N5 block is malformed: got mode {mode}, {dimensions} dimensions, size {sizes}")
    start = 4 + 4 * count + (4 if mode == 1 else 0)
    whole = math.prod(sizes) * dtype.itemsize
    return _numbers(decompressed(data[start:], codec, whole), sizes, dtype)


def _zarr_2(folder: LocalFile, members: Mapping[str, Any]) -> ChunkedArray:
    if not isinstance(members["dtype"], str) or not _DTYPES.fullmatch(members["dtype"]):
        raise ImageError(f"zarr dtype is not supported: got {members['dtype']!r}")
    dtype, chunks = np.dtype(members["dtype"]), _sizes(members["chunks"])
    steps = [*(members.get("filters") or ()), *filter(None, [members.get("compressor")])]
    for step in steps:
        check_codec(step["id"])
    separator, order = str(members.get("dimension_separator", ".")), members["order"]

    def read(number: tuple[int, ...]) -> npt.NDArray[Any] | None:
        data = _contents(folder.joined(separator.join(map(str, number))), chunks, dtype)
        if data is None:
            return None
        for step in reversed(steps):
            data = decompressed(data, step["id"], math.prod(chunks) * dtype.itemsize, step)
        return _numbers(data, chunks, dtype, "F" if order == "F" else "C")

    return ChunkedArray(_sizes(members["shape"]), chunks, dtype, _fill(members.get("fill_value")), read)


def _zarr_3(folder: LocalFile, members: Mapping[str, Any]) -> ChunkedArray:
    if members["data_type"] not in _NAMES:
        raise ImageError(f"zarr data_type is not supported: got {members['data_type']!r}")
    if members["chunk_grid"]["name"] != "regular":
        raise ImageError(f"zarr chunk grid is not supported: got {members['chunk_grid']['name']!r}")
    chunks = _sizes(members["chunk_grid"]["configuration"]["chunk_shape"])
    keys: Mapping[str, Any] = members["chunk_key_encoding"]
    separator = str(keys.get("configuration", {}).get("separator", "/" if keys["name"] == "default" else "."))
    start = ("c",) if keys["name"] == "default" else ()
    dtype, steps = np.dtype(members["data_type"]), list(members["codecs"])

    def file_of(number: tuple[int, ...]) -> LocalFile:
        return folder.joined(*separator.join((*start, *map(str, number))).split("/"))

    shape, fill = _sizes(members["shape"]), _fill(members.get("fill_value"))
    if steps[0]["name"] == "sharding_indexed":
        return _sharded(file_of, shape, chunks, dtype, fill, steps[0]["configuration"])
    dtype = _byte_order(steps, dtype)

    def read(number: tuple[int, ...]) -> npt.NDArray[Any] | None:
        data = _contents(file_of(number), chunks, dtype)
        return None if data is None else _through(data, steps, chunks, dtype)

    return ChunkedArray(shape, chunks, dtype, fill, read)


def _sharded(
    file_of: Callable[[tuple[int, ...]], LocalFile],
    shape: tuple[int, ...],
    shards: tuple[int, ...],
    dtype: np.dtype[Any],
    fill: float,
    options: Mapping[str, Any],
) -> ChunkedArray:
    """Return an array whose files are shards: chunks, and an index of their places."""
    chunks, steps = _sizes(options["chunk_shape"]), list(options["codecs"])
    dtype = _byte_order(steps, dtype)
    counts = tuple(whole // max(1, part) for whole, part in zip(shards, chunks, strict=True))
    checked = any(step["name"] == "crc32c" for step in options.get("index_codecs", ()))
    index_bytes = 16 * math.prod(counts) + (4 if checked else 0)
    if min(counts, default=0) < 1 or index_bytes > _MOST_METADATA_BYTES:
        raise ImageError(f"array metadata are malformed: got shards of {shards} with chunks of {chunks}")
    at_start = options.get("index_location", "end") == "start"

    @functools.lru_cache(maxsize=64)
    def places(shard: tuple[int, ...]) -> npt.NDArray[np.uint64] | None:
        """Return offset and size of the chunks of a shard."""
        try:
            with file_of(shard).open() as file:
                file.seek(0 if at_start else -index_bytes, os.SEEK_SET if at_start else os.SEEK_END)
                data = file.read(index_bytes)
        except OSError as error:
            _check_missing(error)
            return None
        if len(data) != index_bytes:
            raise ImageError("shard is truncated")
        return np.frombuffer(data, dtype="<u8", count=2 * math.prod(counts)).reshape(*counts, 2)

    def read(number: tuple[int, ...]) -> npt.NDArray[Any] | None:
        shard = tuple(one // count for one, count in zip(number, counts, strict=True))
        found = places(shard)
        if found is None:
            return None
        offset, size = map(int, found[tuple(one % count for one, count in zip(number, counts, strict=True))])
        if offset == _NO_CHUNK and size == _NO_CHUNK:
            return None
        if size > _most_stored(chunks, dtype):
            raise ImageError(f"shard is malformed: it has a chunk of {size} bytes")
        with file_of(shard).open() as file:
            file.seek(min(offset, 2**62))
            return _through(file.read(size), steps, chunks, dtype)

    return ChunkedArray(shape, chunks, dtype, fill, read)


def _byte_order(steps: list[dict[str, Any]], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Check the codecs of zarr 3; return *dtype* in the byte order of the data."""
    order: Literal["<", ">"] = "<"
    for step in steps:
        if step["name"] == "bytes":
            order = ">" if step.get("configuration", {}).get("endian") == "big" else "<"
        elif step["name"] != "transpose":
            check_codec(step["name"])
    return dtype.newbyteorder(order)


def _through(
    data: bytes, steps: list[dict[str, Any]], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """Undo the codecs of zarr 3: compression, then the order of bytes, then that of axes."""
    most = math.prod(shape) * dtype.itemsize
    axes = tuple(range(len(shape)))
    for step in steps:
        if step["name"] == "transpose":
            axes = tuple(axes[axis] for axis in _sizes(step["configuration"]["order"]))
    for step in reversed(steps):
        if step["name"] not in ("bytes", "transpose"):
            # A checksum comes after the data.
            data = decompressed(data, step["name"], most + 4, step.get("configuration"))
    found = _numbers(data, tuple(shape[axis] for axis in axes), dtype)
    return found.transpose(np.argsort(axes))


def _numbers(data: bytes, shape: tuple[int, ...], dtype: np.dtype[Any], order: Any = "C") -> npt.NDArray[Any]:
    if len(data) != math.prod(shape) * dtype.itemsize:
        raise ImageError(f"chunk has {len(data)} bytes instead of {math.prod(shape) * dtype.itemsize}")
    return np.frombuffer(data, dtype=dtype).reshape(shape, order=order)


def _fill(value: Any) -> float:
    return 0.0 if value is None else float(value)


def _most_stored(chunks: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Return the maximal size of a stored chunk: data that no codec shrinks, and headers."""
    return 2 * math.prod(chunks) * dtype.itemsize + 2**16


def _contents(file: LocalFile, chunks: tuple[int, ...], dtype: np.dtype[Any]) -> bytes | None:
    """Return the contents of the file of a chunk; None if it is missing."""
    try:
        return file.read(_most_stored(chunks, dtype))
    except OSError as error:
        _check_missing(error)
        return None


def _check_missing(error: OSError) -> None:
    """Accept a missing file, whose chunks have the fill value; raise all other errors."""
    if isinstance(error, OutsideError):
        raise ImageError("chunk cannot be read: a link leads out of the image folders; copy the file") from error
    if not isinstance(error, FileNotFoundError):
        raise ImageError(f"chunk cannot be read: {error.strerror}") from error
