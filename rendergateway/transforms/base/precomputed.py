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
from pathlib import Path
from typing import Any

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray

__all__ = ["layer"]


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
    folder = Path(urllib.parse.unquote(name.removeprefix("file:")) if name.startswith("file:") else name)
    try:
        # A volume that is written again is read again.
        return _layer(str(folder), (folder / "info").stat().st_mtime_ns, z)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise TransformError(f"displacement field '{uri}' cannot be read: {error!r}") from error


@functools.lru_cache(maxsize=16)
def _layer(folder: str, changed: int, z: int) -> FloatArray:
    info = json.loads(Path(folder, "info").read_text())
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
    field = np.zeros((height, width, 2))
    columns, rows, layers = chunk_sizes[0]
    first = z - z % layers
    deep = range(first, min(first + layers, depth))
    count = 0
    for x, y in itertools.product(range(0, width, columns), range(0, height, rows)):
        wide, high = range(x, min(x + columns, width)), range(y, min(y + rows, height))
        name = "_".join(f"{span.start}-{span.stop}" for span in (wide, high, deep))
        path = Path(folder, scale["key"], name)
        if path.exists():
            chunk = np.fromfile(path, dtype="<f4").reshape(2, len(deep), len(high), len(wide))
            count += 1
            field[high.start : high.stop, wide.start : wide.stop] = np.moveaxis(chunk[:, z - first], 0, -1)
    if not count:
        raise TransformError(f"displacement field '{folder}' has no data of layer {z}; check {scale['key']}")
    field = np.nan_to_num(field, nan=0.0, posinf=np.inf, neginf=-np.inf)
    field.setflags(write=False)
    return field
