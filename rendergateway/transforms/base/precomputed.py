"""
Displacement fields of "precomputed" volumes: one layer of float32 vectors, read with numpy.

References
----------
.. [1] google/neuroglancer, ``src/datasource/precomputed/volume.md``.
"""

from __future__ import annotations

import functools
import itertools
import json
import urllib.parse
from typing import Any

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.local_files import MOST_FILE_BYTES, LocalFile

__all__ = ["layer"]

_MOST_INFO_BYTES = 2**22
_MOST_CHUNKS = 2**17


def layer(uri: str, z: int) -> FloatArray:
    """
    Return the vectors of one layer, from the first scale of a volume.

    Parameters
    ----------
    uri : str
        Path or ``file:`` URL of the folder, with or without the prefix ``precomputed://``.
    z : int
        The layer, counted from 0.

    Returns
    -------
    ndarray, shape (height, width, 2)
        dx and dy; 0 instead of NaN and in missing chunks. Read-only.

    Raises
    ------
    TransformError
        If the volume is missing, malformed, remote or of another kind, or z lies outside of it.
    """
    name = uri.removeprefix("precomputed://")
    if "://" in name and not name.startswith("file:"):
        raise TransformError(f"displacement field '{uri}' is remote: only local folders are read; copy it")
    folder = LocalFile(urllib.parse.unquote(name.removeprefix("file:")) if name.startswith("file:") else name)
    try:
        # A volume that is written again is read again.
        return _layer(folder, folder.joined("info").state().st_mtime_ns, z)
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise TransformError(f"displacement field '{uri}' cannot be read: {error!r}") from error


@functools.lru_cache(maxsize=16)
def _layer(folder: LocalFile, changed: int, z: int) -> FloatArray:
    info = json.loads(folder.joined("info").read(_MOST_INFO_BYTES))
    scale: dict[str, Any] = info["scales"][0]
    offset, chunk_sizes = scale.get("voxel_offset", [0, 0, 0]), scale["chunk_sizes"]
    found = (info["data_type"], info["num_channels"], scale["encoding"], "sharding" in scale, any(offset))
    if found != ("float32", 2, "raw", False, False):
        raise TransformError(
            f"displacement field '{folder}' must have float32 data, 2 channels, encoding raw, no sharding and no "
            f"voxel_offset: got {found[0]}, {found[1]}, {found[2]}, sharding {scale.get('sharding')}, offset {offset}"
        )
    width, height, depth = scale["size"]
    if not 0 <= z < depth:
        raise TransformError(f"displacement field '{folder}' has layers 0 … {depth - 1}: got z={z}")
    columns, rows, layers = chunk_sizes[0]
    chunk_bytes = 8 * columns * rows * layers
    if max(16 * height * width, chunk_bytes) > MOST_FILE_BYTES or height * width > _MOST_CHUNKS * columns * rows:
        size = f"{width} × {height} in chunks of {columns} × {rows} × {layers}"
        raise TransformError(f"displacement field '{folder}' too large: got {size}; use a coarser scale")
    field = np.zeros((height, width, 2))
    first = z - z % layers
    deep = range(first, min(first + layers, depth))
    count = 0
    for x, y in itertools.product(range(0, width, columns), range(0, height, rows)):
        wide, high = range(x, min(x + columns, width)), range(y, min(y + rows, height))
        name = "_".join(f"{span.start}-{span.stop}" for span in (wide, high, deep))
        try:
            data = folder.joined(scale["key"], name).read(chunk_bytes)
        except FileNotFoundError:
            continue
        chunk = np.frombuffer(data, dtype="<f4").reshape(2, len(deep), len(high), len(wide))
        count += 1
        field[high.start : high.stop, wide.start : wide.stop] = np.moveaxis(chunk[:, z - first], 0, -1)
    if not count:
        raise TransformError(f"displacement field '{folder}' has no data of layer {z}; check {scale['key']}")
    field = np.nan_to_num(field, nan=0.0, posinf=np.inf, neginf=-np.inf)
    field.setflags(write=False)
    return field
