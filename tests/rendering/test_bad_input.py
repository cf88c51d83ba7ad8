"""Invalid images, transforms, sizes and filters are refused by tile and image, in little memory."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from rendergateway import FilterError, ImageError
from rendergateway.rendering import Channel, FilterStep, ImageAddress, ImageOpener, Level, Recipe, Sources, Tile, draw
from rendergateway.rendering.images.decoding import decoded
from rendergateway.transforms import (
    AffineModel2D,
    PolynomialTransform2D,
    TransformList,
    UnknownTransform,
    fit_thin_plate_spline,
)
from tests.rendering.conftest import Images, texture

BENT = PolynomialTransform2D([[0.0, 1.0, 0.0, 1e-4, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def enormous_png() -> bytes:
    """Return a small PNG file with a header of 3.6 gigapixels."""
    header = struct.pack(">II", 60_000, 60_000) + bytes([8, 0, 0, 0, 0])
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def files(images: Images) -> dict[str, bytes]:
    pixels = texture(200, 300)
    whole = {kind: Path(images.save(f"whole.{kind}", pixels)).read_bytes() for kind in ("png", "jpg", "tif")}
    cut = {f"cut.{kind}": data[: len(data) // 2] for kind, data in whole.items()}
    return cut | {"empty.png": b"", "words.png": b"no image", "enormous.png": enormous_png()}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cut.png", "PNG is truncated"),
        ("cut.jpg", "JPEG is truncated"),
        ("cut.tif", "TIFF has no image 1: it has 0 images"),
        ("empty.png", "file is empty"),
        ("words.png", "unknown image format"),
        ("enormous.png", "image too large: got 60000 × 60000 pixels"),
        ("missing.png", "file not found"),
    ],
)
def test_image__is_refused(images: Images, name: str, reason: str) -> None:
    """An invalid image file is refused with tile, file and reason."""
    data = files(images).get(name)
    if data is not None:
        (images.folder / name).write_bytes(data)

    with pytest.raises(ImageError, match=rf"tile '{name[:-4]}', image '.*{name}': {reason}"):
        images.drawn(images.tile(str(images.folder / name)))


@pytest.mark.parametrize("name", ["cut.png", "empty.png", "words.png", "enormous.png", "missing.png"])
def test_mask__is_refused(images: Images, name: str) -> None:
    """An invalid mask file is refused with tile and file, unless masks are excluded."""
    data = files(images).get(name)
    if data is not None:
        (images.folder / name).write_bytes(data)
    level = Level(ImageAddress(images.save("tile.png", texture(60, 60))), ImageAddress(str(images.folder / name)))
    tile = images.tile("tile.png", levels={0: level})

    with pytest.raises(ImageError, match=rf"tile 'tile', image '.*{name}': "):
        images.drawn(tile)
    images.drawn(tile, exclude_mask=True)


def test_image__refused_in_little_memory(images: Images) -> None:
    """An image above the size limit is refused before memory is allocated."""
    (images.folder / "enormous.png").write_bytes(enormous_png())
    tile = images.tile(str(images.folder / "enormous.png"))
    tracemalloc.start()

    with pytest.raises(ImageError, match="image too large"):
        images.drawn(tile)

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 10 * 2**20


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.png", "s3://bucket/x.png", "nothing://x"])
def test_image_elsewhere__needs_leave(url: str) -> None:
    """Remote URLs are opened only if they are allowed."""
    with pytest.raises(ImageError, match="remote image not allowed"):
        Sources().image(ImageAddress(url))


def test_image_elsewhere__that_does_not_answer() -> None:
    """A remote image that cannot be downloaded is refused by URL."""
    pytest.importorskip("fsspec")

    with pytest.raises(ImageError, match=r"image 'memory://none\.png': image cannot be downloaded"):
        Sources(ImageOpener(remote=True)).image(ImageAddress("memory://none.png"))


def test_image_elsewhere__without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fsspec the error names the extra to install."""
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)

    with pytest.raises(ImageError, match=r"image 's3://b/x\.png': .* pip install 'rendergateway\[remote\]'"):
        Sources(ImageOpener(remote=True)).image(ImageAddress("s3://b/x.png"))


def test_image_elsewhere__is_drawn(images: Images) -> None:
    """An allowed remote image is read."""
    fsspec = pytest.importorskip("fsspec")
    pixels = texture(60, 60)
    with fsspec.open("memory://there.png", "wb") as file:
        file.write(Path(images.save("a.png", pixels)).read_bytes())

    sources = Sources(ImageOpener(remote=True))

    assert (sources.image(ImageAddress("memory://there.png")) == pixels).all()


def test_paths__are_mapped(images: Images) -> None:
    """Path prefixes of the service are mapped to local ones; the longest prefix counts."""
    path = images.save("a.png", texture(60, 60))
    opener = ImageOpener({"/groups/": "/nowhere/", "/groups/lab/": f"{images.folder}/"})

    assert opener("/groups/lab/a.png") == opener("file:///groups/lab/a.png") == Path(path)
    assert opener("/groups/other/a.png") == Path("/nowhere/other/a.png")


@pytest.mark.parametrize(
    ("stored", "seen"),
    [
        (np.array([[0, 1], [1, 0]], dtype=bool), np.array([[0, 255], [255, 0]], dtype=np.uint8)),
        (np.array([[-32768, 0], [5, 32767]], dtype=np.int16), np.array([[0, 32768], [32773, 65535]], dtype=np.uint16)),
        (np.array([[0.5, 2], [3, 4]], dtype=np.float64), np.array([[0.5, 2], [3, 4]], dtype=np.float32)),
        (np.full((2, 2, 4), 9, dtype=np.uint8), np.full((2, 2, 3), 9, dtype=np.uint8)),
        (np.full((2, 2, 3), 0x0908, dtype=np.uint16), np.full((2, 2, 3), 9, dtype=np.uint8)),
    ],
)
def test_tiff__of_any_type(tmp_path: Path, stored: npt.NDArray[Any], seen: npt.NDArray[Any]) -> None:
    """Every TIFF dtype is converted to a supported one."""
    tifffile.imwrite(tmp_path / "a.tif", stored)

    found = decoded(tmp_path / "a.tif")

    assert found.dtype == seen.dtype
    assert found.tolist() == seen.tolist()


def test_tiff__slices_count_from_one(tmp_path: Path) -> None:
    """The images of a TIFF stack are numbered from 1."""
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([np.full((20, 30), n, dtype=np.uint8) for n in range(3)]), photometric="minisblack"
    )
    sources, url = Sources(), str(tmp_path / "a.tif")

    assert sources.image(ImageAddress(url, "IMAGEJ_TIFF_STACK", 3))[0, 0] == 2
    assert sources.image(ImageAddress(url))[0, 0] == 0
    with pytest.raises(ImageError, match="TIFF has no image 4: it has 3 images"):
        sources.image(ImageAddress(url, "IMAGEJ_TIFF_STACK", 4))


def test_composite__is_refused_by_name(images: Images) -> None:
    """Composite images are refused by loader, not drawn as their first channel."""
    path = images.save("a.png", texture(20, 30))

    with pytest.raises(ImageError, match=r"image '.*a\.png': image loader not supported: got IMAGEJ_COMPOSITE"):
        Sources().image(ImageAddress(path, "IMAGEJ_COMPOSITE"))


def test_mask__made_of_numbers() -> None:
    """A mask may be specified by a mask: URL instead of a file."""
    url = "mask://outside-box?minX=10&minY=0&maxX=56&maxY=23&width=56&height=24"

    mask = Sources().image(ImageAddress(url, "DYNAMIC_MASK"))

    assert (mask.shape, int(mask[5, 9]), int(mask[5, 10]), int(mask[23, 20])) == ((24, 56), 0, 255, 0)
    assert Sources().image(ImageAddress(f"{url}&level=1", "DYNAMIC_MASK")).shape == (12, 28)
    with pytest.raises(ImageError, match="invalid mask URL; write mask://outside-box"):
        Sources().image(ImageAddress("mask://inside", "DYNAMIC_MASK"))
    with pytest.raises(ImageError, match=r"mask URL without its loader: .* of IMAGEJ_DEFAULT; set DYNAMIC_MASK"):
        Sources().image(ImageAddress(url))


@pytest.mark.parametrize("recipe", [{"scale": 0.0}, {"scale": -1.0}, {"scale": 1e-9}, {"scale": np.nan}, {"width": 0}])
def test_size__of_no_pixels(images: Images, recipe: dict[str, Any]) -> None:
    """An image without pixels is refused."""
    with pytest.raises(ImageError, match="cannot be <= 0"):
        images.drawn(images.tile(texture(50, 50)), **recipe)


@pytest.mark.parametrize("recipe", [{"scale": 1e9}, {"width": 10**9, "height": 1}, {"width": 20_000, "height": 20_000}])
def test_size__of_too_many_pixels(images: Images, recipe: dict[str, Any]) -> None:
    """An image above the pixel limit is refused before any file is read."""
    with pytest.raises(ImageError, match="draw it in parts, or at a smaller scale"):
        images.drawn(images.tile("missing.png"), **recipe)


@pytest.mark.parametrize("number", [1e300, 1e-300, 1e18])
def test_transform__beyond_all_pixels(images: Images, number: float) -> None:
    """Tiles with extreme scales are drawn without a warning."""
    tile = images.tile(texture(100, 100), AffineModel2D([[number, 0, 0], [0, number, 0]]))

    assert images.drawn(tile, width=100, height=100).shape == (100, 100)


@pytest.mark.parametrize("cell_size", [0.0, -1.0, 1e-9])
def test_mesh__of_impossible_cells(images: Images, cell_size: float) -> None:
    """Invalid and too fine mesh cells are refused by tile."""
    tile = images.tile(texture(200, 200), BENT)

    with pytest.raises(ImageError, match=rf"tile '{tile.id}' cannot be drawn: .*mesh"):
        images.drawn(tile, mesh_cell_size=cell_size)


def test_transform__crumples_a_tile(images: Images) -> None:
    """A tile that its transform folds many times is refused before it exhausts the memory."""
    anywhere = np.random.default_rng(1).uniform(-1, 1, (2, 300, 2))
    crumpled = fit_thin_plate_spline(600 + 600 * anywhere[0], 500 + 9000 * anywhere[1])
    tile = images.tile(texture(1200, 1200), crumpled)

    with pytest.raises(ImageError, match=rf"tile '{tile.id}' cannot be drawn: transform folds the image"):
        images.drawn(tile, width=1000, height=1000)


def test_transform__of_an_unknown_class(images: Images) -> None:
    """A transform of an unknown class is refused by class name."""
    tile = images.tile(texture(90, 90), TransformList([UnknownTransform("lab.Warp", "1 2")]))

    with pytest.raises(ImageError, match=rf"tile '{tile.id}' cannot be drawn: transform class 'lab\.Warp'"):
        images.drawn(tile)


@pytest.mark.parametrize("size", [(0.0, 0.0), (-5.0, 3.0), (np.nan, 2.0), (1e9, 1e9)])
def test_tile__of_impossible_size(images: Images, size: tuple[float, float]) -> None:
    """A tile of invalid size is refused by id."""
    tile = images.tile(texture(90, 90))
    tile = Tile(tile.id, tile.transform, tile.channels, *size)

    with pytest.raises(ImageError, match=f"tile '{tile.id}' cannot be drawn"):
        images.drawn(tile)


def test_levels__none_or_only_small_ones(images: Images) -> None:
    """A tile without mipmap levels, or without a large enough one, is refused."""
    small = {1: Level(ImageAddress("small.png"))}

    with pytest.raises(ImageError, match="tile 'none' cannot be drawn: no mipmap levels"):
        images.drawn(images.tile("none.png", levels={}))
    with pytest.raises(ImageError, match=r"mipmap for file:small\.png is level 1 but a level 0 mipmap is needed"):
        draw(Recipe(tiles=(Tile("t", TransformList(), (Channel(levels=small),), 90, 90),)), images.sources)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (FilterStep("lab.Sharpen"), "filter class 'lab.Sharpen' cannot be found"),
        (
            FilterStep(
                "org.janelia.alignment.filter.CLAHE",
                {"fast": "true", "blockRadius": "500", "bins": "256", "slope": "2"},
            ),
            "block radius of CLAHE too large: got 500 for an image of 90 × 90 pixels",
        ),
    ],
)
def test_filter__is_refused(images: Images, step: FilterStep, reason: str) -> None:
    """A filter that is unknown or cannot be applied is refused by tile."""
    tile = images.tile(texture(90, 90))

    with pytest.raises(FilterError, match=f"tile '{tile.id}': {reason}"):
        images.drawn(tile, filters=(step,))
