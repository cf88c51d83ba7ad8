"""Pictures of tiles as files, and stacks of such pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import Gateway, ImageError, StackWrapper, TransformError
from rendergateway.transforms import AffineModel2D, TransformList
from rendergateway.wrappers.images.tile_files import folder_of_z
from tests.wrappers.images.pictured import image_of, plain_tile, put, ramp, save


def test_folder_of_z() -> None:
    """Folders are thousands and hundreds of the whole z, for any z."""
    found = [folder_of_z(z) for z in (0, 99.5, 100, 1234, 123_456, -250)]

    assert found == ["000/0", "000/0", "000/1", "001/2", "123/4", "000/-2"]


def test_tiles__are_their_pictures(drawn: StackWrapper, tmp_path: Path) -> None:
    """Each file is the picture of its tile alone, in a folder by z; existing files are kept."""
    paths = drawn.render_tiles(tmp_path, sections=[2], scale=0.5)

    assert paths == [tmp_path / "000/0/2" / f"{tile_id}.png" for tile_id in drawn.section(2).tiles().ids]
    for path in paths:
        assert np.array_equal(image_of(path), drawn.tile(path.stem).image(scale=0.5, dtype="uint8"))
    paths[0].write_bytes(b"mine")
    drawn.render_tiles(tmp_path, tiles=[paths[0].stem, drawn.tile(paths[1].stem)], scale=0.5)
    assert paths[0].read_bytes() == b"mine"
    drawn.render_tiles(tmp_path, tiles=[paths[0].stem], scale=0.5, overwrite=True)
    assert np.array_equal(image_of(paths[0]), drawn.tile(paths[0].stem).image(scale=0.5, dtype="uint8"))


def test_tiles__masks(gateway: Gateway, tmp_path: Path) -> None:
    """A masked tile has opacity in its file; masks=True draws the mask itself, and needs one."""
    mask = np.zeros((80, 100), np.uint8)
    mask[20:60, 20:60] = 255
    url, mask_url = save(tmp_path / "a.png", np.full((80, 100), 99, np.uint8)), save(tmp_path / "m.png", mask)
    stack = put(gateway, plain_tile(url, "masked", mask_url=mask_url), plain_tile(url, "plain"))

    (path,) = stack.render_tiles(tmp_path / "t", tiles=["masked"])
    assert np.array_equal(image_of(path)[..., 3][:79, :99], mask[:79, :99])
    (path,) = stack.render_tiles(tmp_path / "m", tiles=["masked"], masks=True)
    assert np.array_equal(image_of(path)[:79, :99], mask[:79, :99])
    with pytest.raises(ImageError, match="tile 'plain' does not have a mask to draw"):
        stack.render_tiles(tmp_path / "m", tiles=["plain"], masks=True)


def test_tiles__names_that_are_no_files(gateway: Gateway, tmp_path: Path) -> None:
    """A tile id with a folder in it is refused before anything is drawn."""
    url = save(tmp_path / "a.png", ramp())
    stack = put(gateway, plain_tile(url, "a"), plain_tile(url, "../b"))

    with pytest.raises(ImageError, match=r"tile '\.\./b' cannot be written: its id is not a file name"):
        stack.render_tiles(tmp_path / "t")
    with pytest.raises(ImageError, match="stack some has no such tiles to draw"):
        stack.render_tiles(tmp_path / "t", sections=[7])
    assert not (tmp_path / "t").exists()


def test_rasterized__tiles_are_where_they_were(gateway: Gateway, tmp_path: Path) -> None:
    """The copy has pictures as images, the last transforms, and boxes at the old places; its pictures are the same."""
    pixels = np.random.default_rng(1).integers(1, 255, (80, 100), dtype=np.uint8)
    lens = AffineModel2D([[1, 0, 7], [0, 1, 3]])
    tiles = [
        plain_tile(
            save(tmp_path / f"{x}.png", pixels), f"t{x}", transforms=[lens, AffineModel2D([[1, 0, x], [0, 1, 40]])]
        )
        for x in (5, 300)
    ]
    stack = put(gateway, *tiles)

    made = stack.rasterize_to("made", tmp_path / "t")

    assert (made.state, made.tile_count) == ("COMPLETE", 2)
    for tile in made.tiles():
        record, old = tile._obj, stack.tile(tile.tile_id)._obj
        assert (record.width, record.height, len(record.transforms)) == (100, 80, 1)
        assert record.bounds == old.bounds
        assert Path(str(record.mipmaps[0].image_url)) == tmp_path / "t/000/0/1" / f"{tile.tile_id}.png"
    after, before = (one.section(1).image(edges=True, compute="local").pixels for one in (made, stack))
    assert np.array_equal(after[:79, :99], before[:79, :99])


def test_rasterized__into_an_existing_stack(gateway: Gateway, tmp_path: Path) -> None:
    """Tiles of the same ids are replaced; masks are written beside the pictures; the stack may stay LOADING."""
    mask_url = save(tmp_path / "m.png", np.full((80, 100), 255, np.uint8))
    stack = put(
        gateway, plain_tile(save(tmp_path / "a.png", np.full((80, 100), 9, np.uint8)), "t", 20, 30, mask_url=mask_url)
    )
    stack.rasterize_to("made", tmp_path / "t", keep=1)

    made = stack.rasterize_to("made", tmp_path / "u", keep=0, complete=False)

    assert (made.state, len(made.tiles())) == ("LOADING", 1)
    level = made.tile("t")._obj.mipmaps[0]
    assert (level.image_url, level.mask_url) == (
        str(tmp_path / "u/000/0/1/t.png"), str(tmp_path / "u/000/0/1/t.mask.png")
    )  # fmt: skip
    assert made.tile("t")._obj.bounds == stack.tile("t")._obj.bounds
    assert isinstance(made.tile("t")._obj.transforms, TransformList)


def test_rasterized__refused(gateway: Gateway, tmp_path: Path, two_channels: StackWrapper) -> None:
    """Too few transforms and several channels raise before a stack is made."""
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", ramp()), "t"))

    with pytest.raises(TransformError, match="tile 't' has 1 transforms, fewer than the 2 to keep"):
        stack.rasterize_to("made", tmp_path / "t", keep=2)
    with pytest.raises(ImageError, match="tile 't1' has 2 channels; draw tiles of one channel"):
        two_channels.rasterize_to("made", tmp_path / "t")
    assert not gateway.stack("made")._exists
