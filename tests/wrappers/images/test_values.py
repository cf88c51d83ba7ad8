"""Values of image files: windows that fit them, windows that lose them, and the values themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from rendergateway import FilterRecord, Gateway, ImageError, MissingChannelError, StackWrapper
from tests.wrappers.images.pictured import channel_images, plain_tile, put, ramp, save

DEEP = np.linspace(20_000, 30_000, 8000).reshape(80, 100).astype(np.uint16)
FRACTIONS = np.linspace(0, 1, 8000, dtype=np.float32).reshape(80, 100)


def _written(path: Path, pixels: Any) -> str:
    tifffile.imwrite(path, pixels)
    return path.as_uri()


@pytest.mark.parametrize("compute", ["service", "local"])
@pytest.mark.parametrize("pixels", [DEEP, FRACTIONS], ids=["16 bits", "fractions"])
def test_auto__fits_the_values(gateway: Gateway, tmp_path: Path, pixels: Any, compute: str) -> None:
    """A window fitted to the values shows images that the window of their tile loses."""
    stack = put(gateway, plain_tile(_written(tmp_path / "a.tif", pixels)))
    tile, section = stack.tile("t1"), stack.section(1)
    assert len(np.unique(tile.image(compute=compute)[:-1, :-1])) <= 2

    for picture in (tile.image(intensity="auto", compute=compute), section.image(intensity="auto", compute=compute)):
        inside = picture[:-1, :-1]
        assert picture.dtype == np.uint8
        assert (inside.min(), inside.max()) == (0, 255)
        assert len(np.unique(inside)) > 200
        assert picture.coverage[:-1, :-1].all()
    low, high = tile.image(intensity="auto").intensity or (0, 0)
    assert low < high <= (30_000 if pixels is DEEP else 257)


def test_auto__one_window_per_cross_section(gateway: Gateway, tmp_path: Path) -> None:
    """The rows of a cross section have one window, so that they remain comparable."""
    urls = [save(tmp_path / f"{z}.png", np.full((80, 100), z * 1000, np.uint16)) for z in (1, 2, 3)]
    stack = put(gateway, *(plain_tile(url, f"t{z}", z=z) for z, url in enumerate(urls, 1)))

    across = stack.cross_section("xz", at=40, intensity="auto")

    assert across[:, 50].tolist() == [0, 128, 255]
    assert across.intensity == (1000, 3000)


def test_auto__needs_a_picture(gateway: Gateway, tmp_path: Path) -> None:
    """URLs and recipes have no fitted window; an empty picture stays black."""
    tile = put(gateway, plain_tile(save(tmp_path / "a.png", np.zeros((80, 100), np.uint8)))).tile("t1")

    for make in (tile.url, tile.render_parameters):
        with pytest.raises(TypeError, match="intensity='auto' is fitted to a picture"):
            make(intensity="auto")
    with pytest.raises(TypeError, match=r"intensity must be \(low, high\) or 'auto', got 'full'"):
        tile.image(intensity="full")
    assert not tile.image(intensity="auto").pixels.any()
    assert tile.image().intensity is None


def test_check_images__values_outside_of_the_window(gateway: Gateway, tmp_path: Path) -> None:
    """Images that are drawn all black or white are rows; those within their window, filtered ones and masks are not."""
    deep, fractions = _written(tmp_path / "deep.tif", DEEP), _written(tmp_path / "fractions.tif", FRACTIONS)
    eight, flat = save(tmp_path / "8.png", (DEEP // 120).astype(np.uint8)), save(tmp_path / "flat.png", DEEP * 0 + 9000)
    step = FilterRecord(class_name="org.janelia.alignment.filter.EqualizeHistogram", parameters={})
    stack = put(
        gateway,
        plain_tile(deep, "deep"),
        plain_tile(fractions, "fractions"),
        plain_tile(eight, "dark", min_intensity=247, max_intensity=255),
        plain_tile(deep, "fits", min_intensity=20_000, max_intensity=30_000),
        plain_tile(fractions, "fraction fits", min_intensity=0, max_intensity=1),
        plain_tile(deep, "own range", min_intensity=0, max_intensity=0),
        plain_tile(eight, "plain", mask_url=deep),
        plain_tile(eight, "promoted", max_intensity=65535),
        plain_tile(flat, "flat"),
        plain_tile(deep, "filtered", filter_spec=step),
    )

    found = {row["tile_id"]: row["problem"] for row in stack.check_images()}

    assert found == {
        "deep": "values 20000 … 30000 are drawn white: the intensity window is 0 … 255; "
        "set min_intensity and max_intensity",
        "fractions": "values 0 … 1 are drawn black: the intensity window is 0 … 255; "
        "set min_intensity and max_intensity",
        "dark": "values 166 … 250 are drawn black: the intensity window is 247 … 255; "
        "set min_intensity and max_intensity",
    }


@pytest.mark.parametrize(
    "pixels", [DEEP, FRACTIONS, (DEEP // 120).astype(np.uint8)], ids=["uint16", "float32", "uint8"]
)
def test_source_image__the_pixels_of_the_file(gateway: Gateway, tmp_path: Path, pixels: Any) -> None:
    """All pixels of the file are returned, in its type, without a request, and can be saved."""
    tile = put(gateway, plain_tile(_written(tmp_path / "a.tif", pixels), x=7)).tile("t1").load()

    with gateway.counting() as requests:
        picture = tile.source_image()

    assert requests == []
    assert picture.dtype == pixels.dtype
    np.testing.assert_array_equal(picture, pixels)
    assert (list(picture.box), picture.frame) == ([0, 0, 100, 80], "raw")
    assert picture.coverage.all()
    picture.save(tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), pixels)


def test_source_image__channel_level_mask(two_channels: StackWrapper, gateway: Gateway, tmp_path: Path) -> None:
    """A channel, a level or the mask can be selected; a missing one is named."""
    tile = two_channels.tile("t1")
    images = channel_images()
    np.testing.assert_array_equal(tile.source_image(), images["DAPI"])
    np.testing.assert_array_equal(tile.source_image("TdTomato"), images["TdTomato"])
    with pytest.raises(MissingChannelError, match="no channel 'GFP'; it has DAPI, TdTomato"):
        tile.source_image("GFP")

    half, mask = save(tmp_path / "half.png", ramp(40, 50)), save(tmp_path / "mask.png", ramp(most=255).astype(np.uint8))
    record = plain_tile(save(tmp_path / "a.png", ramp()), mask_url=mask)
    one = put(gateway, record.evolve(mipmaps=record.mipmaps.with_level(1, image_url=half))).tile("t1")
    smaller = one.source_image(level=1)
    assert (smaller.shape, smaller.scale, tuple(smaller.box)) == ((40, 50), 0.5, (0, 0, 100, 80))
    np.testing.assert_array_equal(one.source_image(mask=True), ramp(most=255).astype(np.uint8))
    with pytest.raises(ImageError, match="tile 't1' has no level 2; its levels are 0, 1"):
        one.source_image(level=2)
    with pytest.raises(ImageError, match="tile 't1', level 1: the level has no mask URL"):
        one.source_image(level=1, mask=True)
    with pytest.raises(MissingChannelError, match="its tiles have one unnamed channel"):
        one.source_image("DAPI")
