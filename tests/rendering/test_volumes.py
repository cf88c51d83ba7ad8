"""Slices of HDF5, N5 and zarr volumes: their values, and what of them is refused."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import math
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import ImageError
from rendergateway.local_files import LocalFile
from rendergateway.rendering import ImageAddress, Sources

h5py = pytest.importorskip("h5py")
numcodecs = pytest.importorskip("numcodecs")

VOLUME = np.random.default_rng(3).integers(0, 255, (4, 30, 40)).astype(np.uint8)
MIB = 2**20


def hdf5(path: Path, query: str, **allowed: Any) -> npt.NDArray[Any]:
    return Sources(lambda url: LocalFile(url, **allowed)).image(ImageAddress(f"{path}?{query}", "H5_SLICE"))


def chunked(path: Path, query: str, **allowed: Any) -> npt.NDArray[Any]:
    return Sources(lambda url: LocalFile(url, **allowed)).image(ImageAddress(f"{path}?{query}", "N5_SLICE"))


def write_n5(
    folder: Path,
    volume: npt.NDArray[Any],
    compression: dict[str, Any],
    packed: Callable[[bytes], bytes],
    block: tuple[int, int, int] = (3, 16, 16),
) -> None:
    """Write an N5 array; blocks at its edges are smaller."""
    folder.mkdir(parents=True)
    sizes = {"dimensions": volume.shape[::-1], "blockSize": block[::-1]}
    (folder / "attributes.json").write_text(
        json.dumps({**sizes, "dataType": volume.dtype.name, "compression": compression})
    )
    for place in np.ndindex(*(math.ceil(side / one) for side, one in zip(volume.shape, block, strict=True))):
        part = volume[tuple(slice(one * side, one * side + side) for one, side in zip(place, block, strict=True))]
        file = folder.joinpath(*map(str, reversed(place)))
        file.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack(">HH3I", 0, 3, *reversed(part.shape))
        file.write_bytes(header + packed(part.astype(part.dtype.newbyteorder(">")).tobytes()))


def lz4_blocks(data: bytes) -> bytes:
    """Compress as lz4-java does: most of the data, the rest as it is, and an empty block."""
    half = len(data) - 100
    packed = numcodecs.LZ4().encode(data[:half])[4:]
    blocks = [(0x20, packed, half), (0x10, data[half:], len(data) - half), (0x10, b"", 0)]
    return b"".join(
        struct.pack("<8sBiiI", b"LZ4Block", *(kind, len(part), whole, 0)) + part for kind, part, whole in blocks
    )


N5_CODECS: dict[str, tuple[dict[str, Any], Callable[[bytes], bytes]]] = {
    "raw": ({"type": "raw"}, bytes),
    "gzip": ({"type": "gzip", "useZlib": False}, gzip.compress),
    "zlib": ({"type": "gzip", "useZlib": True}, zlib.compress),
    "bzip2": ({"type": "bzip2"}, bz2.compress),
    "xz": ({"type": "xz"}, lzma.compress),
    "lz4": ({"type": "lz4", "blockSize": 65536}, lz4_blocks),
    "blosc": ({"type": "blosc"}, numcodecs.Blosc().encode),
    "zstd": ({"type": "zstd"}, numcodecs.Zstd().encode),
}


@pytest.mark.parametrize("codec", N5_CODECS)
def test_n5__every_codec(tmp_path: Path, codec: str) -> None:
    """A rectangle of a slice of an N5 volume is read, whatever its compression, and blocks that are missing are 0."""
    compression, packed = N5_CODECS[codec]
    write_n5(tmp_path / "a.n5/raw/s0", VOLUME.astype(np.float32), compression, packed)
    (tmp_path / "a.n5/raw/s0/1/0/0").unlink()
    wanted = VOLUME[2, 5:28, 10:39].astype(np.float32)
    wanted[:11, 6:22] = 0

    found = chunked(tmp_path / "a.n5", "dataSet=/raw/s0&x=10&y=5&z=2&w=29&h=23")

    assert found.dtype == np.float32
    assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_types__signed_numbers_are_read_as_their_bits(tmp_path: Path, dtype: str) -> None:
    """Signed numbers of HDF5 and N5 are read as unsigned ones of the same bits; other types keep their values."""
    volume = (VOLUME.astype(np.int32) - (100 if dtype == "int16" else 0)).astype(dtype)
    write_n5(tmp_path / "a.n5/s0", volume, {"type": "raw"}, bytes)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s0"] = volume.astype(volume.dtype.newbyteorder(">"))
    wanted = volume[1].view(np.uint16) if dtype == "int16" else volume[1]

    for found in (chunked(tmp_path / "a.n5", "dataSet=s0&z=1"), hdf5(tmp_path / "a.h5", "dataSet=s0&z=1")):
        assert found.dtype == wanted.dtype
        assert found.tolist() == wanted.tolist()


ZARR: list[dict[str, Any]] = [
    {"zarr_format": 2},
    {"zarr_format": 2, "order": "F"},
    {"zarr_format": 2, "compressors": numcodecs.Blosc()},
    {"zarr_format": 2, "compressors": numcodecs.LZ4(), "filters": [numcodecs.Shuffle(2)]},
    {"zarr_format": 2, "compressors": numcodecs.GZip(), "chunk_key_encoding": {"name": "v2", "separator": "/"}},
    {"zarr_format": 3},
    {"zarr_format": 3, "compressors": None},
    {"zarr_format": 3, "shards": (4, 32, 48)},
    {"zarr_format": 3, "chunk_key_encoding": {"name": "v2", "separator": "."}},
]


@pytest.mark.parametrize("options", ZARR, ids=str)
def test_zarr__as_the_library_writes_it(tmp_path: Path, options: dict[str, Any]) -> None:
    """A rectangle of a slice is read as zarr wrote it, with missing chunks at the fill value."""
    zarr = pytest.importorskip("zarr", minversion="3")
    volume = VOLUME.astype(np.uint16) * 200
    array = zarr.create_array(
        store=str(tmp_path / "a.zarr"), name="g/s0", shape=volume.shape, chunks=(2, 16, 16), dtype="uint16",
        fill_value=7, **options,
    )  # fmt: skip
    array[:3, :16, :] = volume[:3, :16, :]
    wanted = np.full((30, 40), 7)
    wanted[:16] = volume[1, :16]

    assert chunked(tmp_path / "a.zarr", "dataSet=/g/s0&z=1").tolist() == wanted.tolist()
    assert chunked(tmp_path / "a.zarr", "dataSet=/g/s0&z=1&x=3&y=10&w=30&h=11").tolist() == wanted[10:21, 3:33].tolist()


def test_zarr__codecs_of_version_3(tmp_path: Path) -> None:
    """Transposed chunks of zarr 3, in big-endian order and with a checksum, are read; the checksum is not verified."""
    zarr = pytest.importorskip("zarr", minversion="3")
    codecs = [zarr.codecs.TransposeCodec(order=(2, 0, 1))]
    zarr.create_array(
        store=str(tmp_path / "a.zarr"), name="s0", data=VOLUME.astype(np.float32), chunks=(2, 16, 16), filters=codecs,
        serializer=zarr.codecs.BytesCodec(endian="big"), compressors=[zarr.codecs.GzipCodec()],
    )  # fmt: skip

    assert (chunked(tmp_path / "a.zarr", "dataSet=/s0&z=3") == VOLUME[3]).all()


@pytest.mark.parametrize("name", ["plain", "chunks", "gzip", "shuffled", "lzf", "checked", "moved"])
def test_hdf5__slice_of_a_volume(tmp_path: Path, name: str) -> None:
    """A rectangle of one slice of an HDF5 dataset is read, with any of its filters, and through links of the file."""
    options: dict[str, Any] = {
        "chunks": {"chunks": (3, 16, 16)},
        "gzip": {"chunks": (3, 16, 16), "compression": "gzip"},
        "shuffled": {"chunks": (3, 16, 16), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (3, 16, 16), "compression": "lzf"},
        "checked": {"chunks": (3, 16, 16), "compression": "gzip", "fletcher32": True},
    }
    volume = VOLUME.astype(np.uint16) * 200
    wanted = volume[2].copy()
    wanted[16:] = 9
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("raw/s0", volume.shape, np.uint16, fillvalue=9, **options.get(name, {}))
        made[:, :16] = volume[:, :16]
        file["soft"] = h5py.SoftLink("raw/./alias")
        file["raw/alias"] = h5py.SoftLink("/raw/s0")
    path = "soft" if name == "moved" else "/raw/s0"
    url = f"dataSet={path}&z=2"

    assert hdf5(tmp_path / "a.h5", url).tolist() == wanted.tolist()
    assert hdf5(tmp_path / "a.h5", f"{url}&x=5&y=6&w=20&h=12").tolist() == wanted[6:18, 5:25].tolist()
    with pytest.raises(ImageError, match="slice outside the volume: got z 9 of 4"):
        hdf5(tmp_path / "a.h5", url.replace("z=2", "z=9"))
    with pytest.raises(ImageError, match="slice outside the volume: got x 30 … 50, y 0 … 30 of 40 × 30"):
        hdf5(tmp_path / "a.h5", f"{url}&x=30&w=20")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("external", "it is a link to another file"),
        ("through", "it is a link to another file"),
        ("group/external", "it is a link to another file"),
        ("virtual", "its data are in other files"),
        ("stored", "its data are in other files"),
        ("loop", "too many links"),
        ("text", "dataType object is not supported"),
        ("double", "dataType float64 is not supported"),
        ("line", "dataset must have two dimensions or more: got 1"),
        ("group", "it is not a dataset"),
        ("plain/below", "no such dataset"),
        ("none", "no such dataset"),
    ],
)
def test_hdf5__stays_in_its_file(tmp_path: Path, path: str, reason: str) -> None:
    """Nothing outside of the file is read: neither external links, also in the middle of a path, nor external data."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["group/s0"] = VOLUME
    (tmp_path / "secret.raw").write_bytes(VOLUME.tobytes())
    layout = h5py.VirtualLayout(VOLUME.shape, VOLUME.dtype)
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "group/s0", VOLUME.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["plain"], file["line"], file["double"] = VOLUME, VOLUME[0, 0], VOLUME.astype(np.float64)
        file["external"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/group/s0")
        file["group/external"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/group")
        file["through"] = h5py.SoftLink("group/external/s0")
        file["loop"] = h5py.SoftLink("/loop")
        file.create_virtual_dataset("virtual", layout)
        outside = [(str(tmp_path / "secret.raw"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("stored", VOLUME.shape, VOLUME.dtype, external=outside)
        file.create_dataset("text", (3, 3), h5py.string_dtype())

    with pytest.raises(ImageError, match=rf"dataset {path} cannot be read: {reason}"):
        hdf5(tmp_path / "a.h5", f"dataSet={path}", roots=(str(tmp_path),))


def test_chunks__that_lead_out(tmp_path: Path) -> None:
    """A folder or chunk that is a link out of the roots is refused, also if its target is missing."""
    root = tmp_path / "root"
    write_n5(tmp_path / "secret/s0", VOLUME, {"type": "raw"}, bytes, (4, 30, 40))
    write_n5(root / "a.n5/s0", VOLUME, {"type": "raw"}, bytes, (4, 30, 40))
    write_n5(root / "b.n5/s0", VOLUME, {"type": "raw"}, bytes, (4, 30, 40))
    write_n5(root / "c.n5/s0", VOLUME, {"type": "raw"}, bytes, (4, 30, 40))
    for name, target in {"b": tmp_path / "secret/s0/0/0/0", "c": tmp_path / "none", "a": root / "moved"}.items():
        chunk = root / f"{name}.n5/s0/0/0/0"
        if name == "a":
            chunk.rename(target)
        else:
            chunk.unlink()
        chunk.symlink_to(target)
    (root / "d.n5").symlink_to(tmp_path / "secret")
    roots = (os.path.realpath(root),)

    assert (chunked(root / "a.n5", "dataSet=s0&z=1", roots=roots) == VOLUME[1]).all()
    for name in ("b", "c"):
        with pytest.raises(ImageError, match="a link leads out of the image folders"):
            chunked(root / f"{name}.n5", "dataSet=s0&z=1", roots=roots)
    with pytest.raises(ImageError, match="file not found"):
        chunked(root / "d.n5", "dataSet=s0&z=1", roots=roots)
    with pytest.raises(ImageError, match="neither attributes"):
        chunked(root / "a.n5", "dataSet=../../secret/s0&z=1", roots=roots)


def test_chunks__that_are_no_files(tmp_path: Path) -> None:
    """A chunk, or metadata, that no process writes to does not block the reader."""
    write_n5(tmp_path / "a.n5/s0", VOLUME, {"type": "raw"}, bytes, (4, 30, 40))
    chunk = tmp_path / "a.n5/s0/0/0/0"
    chunk.unlink()
    os.mkfifo(chunk)

    with pytest.raises(ImageError, match="chunk cannot be read: not a regular file"):
        chunked(tmp_path / "a.n5", "dataSet=s0&z=1")

    (tmp_path / "a.n5/s0/attributes.json").unlink()
    os.mkfifo(tmp_path / "a.n5/s0/attributes.json")
    with pytest.raises(ImageError, match="neither attributes"):
        chunked(tmp_path / "a.n5", "dataSet=s0&z=1")


class _Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._path,))


@pytest.mark.parametrize(
    ("dtype", "filters", "fill", "reason"),
    [
        ("|u1", ["pickle"], False, "codec not supported: got 'pickle'"),
        ("|u1", ["json2"], False, "codec not supported: got 'json2'"),
        ("|O", ["pickle"], False, "dtype is not supported"),
        ("|O", ["pickle"], True, "dtype is not supported"),
        ("|O", ["vlen-utf8", "pickle"], False, "dtype is not supported"),
        ([["a", "|O"]], ["pickle"], False, "dtype is not supported"),
    ],
)
def test_zarr__codecs_from_a_list(tmp_path: Path, dtype: Any, filters: list[str], fill: bool, reason: str) -> None:
    """A codec that is not in the list is refused, so that no pickle is run, in data or as the fill value."""
    bomb = pickle.dumps(_Bomb(tmp_path / "went-off"))
    folder = tmp_path / "a.zarr/s0"
    folder.mkdir(parents=True)
    array = {"zarr_format": 2, "shape": [2, 2], "chunks": [2, 2], "dtype": dtype, "compressor": None, "order": "C"}
    array["filters"] = [{"id": name} for name in filters]
    array["fill_value"] = base64.b64encode(bomb).decode() if fill else None
    (folder / ".zarray").write_text(json.dumps(array))
    (folder / "0.0").write_bytes(bomb)

    with pytest.raises(ImageError, match=reason):
        chunked(tmp_path / "a.zarr", "dataSet=/s0")

    assert not (tmp_path / "went-off").exists()


# Memory is counted in a child, because libraries allocate it outside of Python.
_CHILD = """
import resource, sys
from rendergateway import ImageError
from rendergateway.rendering import ImageAddress, Sources
import h5py, numcodecs
def peak():
    # The other figure includes the process that started this one.
    if sys.platform == "linux":
        return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
for url in sys.argv[2:]:
    try:
        Sources().image(ImageAddress(url, sys.argv[1]))
    except ImageError as error:
        print(error)
    else:
        print("read")
print(peak() - before)
"""


def in_child(loader: str, *urls: str) -> tuple[list[str], int]:
    """Read images in another process; return its sentences, and the memory that it took, in MiB."""
    found = subprocess.run([sys.executable, "-c", _CHILD, loader, *urls], capture_output=True, text=True, check=True)
    *sentences, kib = found.stdout.splitlines()
    return sentences, int(kib) // 1024


def test_n5__chunk_that_grows(tmp_path: Path) -> None:
    """A chunk of small metadata whose data decompress to many MiB is refused in little memory, with every codec."""
    urls = []
    for codec in sorted(N5_CODECS.keys() - {"raw"}):
        compression, packed = N5_CODECS[codec]
        write_n5(tmp_path / codec / "s0", VOLUME, compression, packed, (4, 30, 40))
        grown = struct.pack(">HH3I", 0, 3, 40, 30, 4) + packed(bytes((64 if codec in ("gzip", "zlib") else 16) * MIB))
        (tmp_path / codec / "s0/0/0/0").write_bytes(grown)
        urls.append(f"{tmp_path}/{codec}?dataSet=s0&z=1")

    sentences, mib = in_child("N5_SLICE", *urls)

    assert len(sentences) == len(urls)
    assert all("chunk too large" in sentence for sentence in sentences)
    assert mib < 30


def test_hdf5__chunk_that_grows(tmp_path: Path) -> None:
    """An HDF5 chunk whose data decompress to many MiB is refused in little memory."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("s0", VOLUME.shape, VOLUME.dtype, chunks=(1, 30, 40), compression="gzip")
        made.id.write_direct_chunk((1, 0, 0), zlib.compress(bytes(64 * MIB)))

    sentences, mib = in_child("H5_SLICE", f"{tmp_path}/a.h5?dataSet=s0&z=1")

    assert "chunk too large" in sentences[0]
    assert mib < 30


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"shape": [2**40, 2**40], "chunks": [2**20, 2**20]}, "chunks too large"),
        ({"shape": [2**20, 2**20], "chunks": [1, 1]}, "image too large"),
        ({"shape": [2**14, 2**14], "chunks": [1, 1]}, "slice of too many chunks"),
        ({"shape": [2, 2], "chunks": [0, 2]}, "array metadata are malformed"),
        ({"shape": [2, 2], "chunks": [2]}, "array metadata are malformed"),
        ({"shape": [], "chunks": []}, "array metadata are malformed"),
        ({"shape": ["a", 2], "chunks": [2, 2]}, "array metadata are malformed"),
        ({"shape": [2, 2], "chunks": [2, 2], "fill_value": "x"}, "array metadata are malformed"),
        ({"shape": [2, 2], "chunks": [2, 2], "compressor": 3}, "array metadata are malformed"),
    ],
)
def test_zarr__lying_metadata(tmp_path: Path, members: dict[str, Any], reason: str) -> None:
    """Metadata of too large, or impossible, arrays are refused before memory is allocated."""
    folder = tmp_path / "a.zarr/s0"
    folder.mkdir(parents=True)
    common = {"zarr_format": 2, "dtype": "|u1", "compressor": None, "order": "C", "filters": None, "fill_value": 0}
    (folder / ".zarray").write_text(json.dumps({**common, **members}))

    with pytest.raises(ImageError, match=reason):
        chunked(tmp_path / "a.zarr", "dataSet=/s0")


def test_volume__without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library, a volume is refused with the extra to install."""
    write_n5(tmp_path / "a.n5/s0", VOLUME, {"type": "zstd"}, numcodecs.Zstd().encode)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s0"] = VOLUME
    for library in ("h5py", "numcodecs"):
        monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ImageError, match=r"loader H5_SLICE needs h5py: pip install 'rendergateway\[volumes\]'"):
        hdf5(tmp_path / "a.h5", "dataSet=/s0&z=1")
    with pytest.raises(ImageError, match=r"Zstd compression needs numcodecs: pip install 'rendergateway\[volumes\]'"):
        chunked(tmp_path / "a.n5", "dataSet=/s0&z=1")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("z=1", "image URL has no dataSet"),
        ("dataSet=/s0&z=one", "must be integers"),
        (f"dataSet=/s0&z={'9' * 5000}", "must be integers"),
        ("dataSet=/s0&z=-1", "slice outside the volume"),
        ("dataSet=/s0&z=1&w=0", "slice outside the volume"),
    ],
)
def test_query__that_names_no_slice(tmp_path: Path, query: str, reason: str) -> None:
    """A query of something else than a slice of the volume is refused."""
    write_n5(tmp_path / "a.n5/s0", VOLUME, {"type": "raw"}, bytes)

    with pytest.raises(ImageError, match=reason):
        chunked(tmp_path / "a.n5", query)


@pytest.mark.parametrize("codec", N5_CODECS)
@pytest.mark.parametrize("kept", [0, 3, 8, 20, -25, -3])
def test_n5__truncated_chunk(tmp_path: Path, codec: str, kept: int) -> None:
    """A chunk whose data end early is refused, with every codec."""
    if (codec, kept) == ("lz4", -3):
        pytest.skip("only the mark of the end is missing")
    compression, packed = N5_CODECS[codec]
    write_n5(tmp_path / "a.n5/s0", VOLUME, compression, packed, (4, 30, 40))
    chunk = tmp_path / "a.n5/s0/0/0/0"
    data = chunk.read_bytes()
    chunk.write_bytes(data[: 16 + kept] if kept >= 0 else data[:kept])

    with pytest.raises(ImageError, match=r"chunk cannot be decompressed|chunk has \d+ bytes instead|chunk too large"):
        chunked(tmp_path / "a.n5", "dataSet=s0&z=1")
