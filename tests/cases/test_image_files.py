"""Image files of other programs: zipped masks, TIFF stacks and volumes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import Gateway, ImageError, TileRecord
from rendergateway.rendering import Channel, ImageAddress, Level, Recipe, Sources, Tile, draw
from rendergateway.transforms import TransformList
from tests.cases.read import FILES, case

VOLUMES = ["h5", "h5_encoded", "h5_int16", "h5_uint16", "h5_xywh_ok", "n5", "n5_nz", "zarr"]


def pixels_of(name: str) -> npt.NDArray[Any]:
    """Read the image of the only tile of a case file."""
    (spec,) = json.loads(case(name))
    level = spec["mipmapLevels"]["0"]
    address = ImageAddress(level["imageUrl"], level["imageLoaderType"], level.get("imageSliceNumber"))
    return Sources().image(address)


@pytest.mark.parametrize("name", VOLUMES)
def test_volume__slice(name: str) -> None:
    """The same slice is read from HDF5, N5 and zarr, whatever the form of the URL; signed numbers as their bits."""
    if not name.startswith(("n5", "zarr")):
        pytest.importorskip("h5py")
    plain = pixels_of("volumes/zarr.json").astype(np.int64)
    wanted = {
        "h5_int16": np.where(plain - 1000 < 0, plain - 1000 + 2**16, plain - 1000),
        "h5_uint16": plain * 100,
    }.get(name, plain)

    found = pixels_of(f"volumes/{name}.json")

    assert found.shape == (60, 80)
    assert found.tolist() == wanted.tolist()


def test_volume__beyond_the_edge() -> None:
    """A rectangle that reaches out of the slice is refused."""
    pytest.importorskip("h5py")

    with pytest.raises(ImageError, match="slice outside the volume"):
        pixels_of("volumes/h5_xywh.json")


@pytest.mark.parametrize("name", ["stack_lzw_slice2.json", "imagej_stack_one_ifd_slice2.json"])
def test_stack__slice(name: str) -> None:
    """A slice of an LZW stack, and of an ImageJ stack with one directory, is read without other libraries."""
    assert pixels_of(name)[10, 10] == 130


def test_stack__slices_of_one_directory() -> None:
    """The images of an ImageJ stack with one directory follow each other; others are out of range."""
    url = f"file:{FILES}/imagej_stack_one_ifd.tif"
    data = (FILES / "imagej_stack_one_ifd.tif").read_bytes()
    whole = np.frombuffer(data[-3 * 60 * 80 :], dtype=np.uint8).reshape(3, 60, 80)

    for number in (1, 2, 3):
        found = Sources().image(ImageAddress(url, "IMAGEJ_TIFF_STACK", number))
        assert found.tolist() == whole[number - 1].tolist()
    for number in (0, 4):
        with pytest.raises(ImageError, match=f"{number} out of 1-3 range"):
            Sources().image(ImageAddress(url, "IMAGEJ_TIFF_STACK", number))


def test_mask__zipped() -> None:
    """A zipped TIFF mask is drawn as the same mask without an archive."""
    with Gateway("embedded:", owner="o", project="p") as gateway:
        pictures = []
        for name in ("tif", "zip"):
            with gateway.create_stack(name).editing() as edit:
                edit.put([TileRecord.from_dict(one) for one in json.loads(case(f"zipmask/tiles_{name}.json"))])
            pictures.append(np.asarray(gateway.stack(name).section(0).image(background="#ff0000")))

    assert len(np.unique(pictures[0])) > 2
    assert pictures[0].tolist() == pictures[1].tolist()


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({}, "must be a .tif file: got no entry"),
        ({"folder/": b"", "a.tif": b""}, "must be a .tif file: got 'folder/'"),
        ({"a.TIF": b""}, "must be a .tif file: got 'a.TIF'"),
        ({"a.png": b"", "a.tif": b""}, "must be a .tif file: got 'a.png'"),
        ({"a.tif": b""}, "file is empty"),
        ({"a.tif": b"II*\0 and no more"}, "TIFF"),
        (None, "zip archive cannot be read"),
    ],
)
def test_zip__first_entry_only(tmp_path: Path, entries: dict[str, bytes] | None, reason: str) -> None:
    """Only a .tif file, as the first entry, is read; anything else is refused."""
    path = tmp_path / "a.ZIP"
    if entries is None:
        path.write_bytes(b"PK\3\4 and no more")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)

    with pytest.raises(ImageError, match=reason):
        Sources().image(ImageAddress(str(path)))


def test_zip__folder_and_deflated(tmp_path: Path) -> None:
    """A deflated entry in a folder of the archive is read."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(FILES / "zipmask/mask.tif", "masks/13/4.tif")

    found = Sources().image(ImageAddress(str(tmp_path / "a.zip")))

    assert found.tolist() == Sources().image(ImageAddress(str(FILES / "zipmask/mask.tif"))).tolist()


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        (np.array([[1000, 3000], [2000, 3000]], dtype=np.uint16), [[0, 255], [128, 255]]),
        (np.array([[0.0, 1.0], [0.5, 0.25]], dtype=np.float32), [[0, 255], [128, 64]]),
        (np.array([[0, 7], [255, 9]], dtype=np.uint8), [[0, 7], [255, 9]]),
        (np.full((2, 2), 7, dtype=np.uint16), [[0, 0], [0, 0]]),
    ],
)
def test_mask__of_other_types(tmp_path: Path, stored: npt.NDArray[Any], seen: list[list[int]]) -> None:
    """Masks of 16 bits or floating point are scaled from their own minimum and maximum, bytes are used as they are."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "mask.tif", np.kron(stored, np.ones((30, 40), dtype=stored.dtype)))
    tifffile.imwrite(tmp_path / "white.tif", np.full((60, 80), 255, dtype=np.uint8))
    level = Level(ImageAddress(str(tmp_path / "white.tif")), ImageAddress(str(tmp_path / "mask.tif")))
    tile = Tile("t", TransformList(), (Channel(levels={0: level}),))

    picture = draw(Recipe(tiles=(tile,), width=80, height=60), Sources())

    assert picture.alpha is not None
    assert picture.alpha[10::30, 10::40].tolist() == seen
