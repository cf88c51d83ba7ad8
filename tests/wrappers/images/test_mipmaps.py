"""Mipmap levels of tiles as files, and the stack's rule for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import Gateway, ImageError
from rendergateway.model import ImagePyramid, PathBuilder
from rendergateway.rendering.images.levels import halved
from tests.wrappers.images.pictured import image_of, plain_tile, put, ramp, save


def levels_of(folder: Path, name: str) -> dict[int, Path]:
    return {int(path.relative_to(folder).parts[0]): path for path in folder.rglob(f"{name}.tif")}


def test_mipmaps__are_means_of_the_images(gateway: Gateway, tmp_path: Path) -> None:
    """Images and masks are halved with truncated means; a mask of several tiles is written once."""
    pixels, mask = ramp(81, 101, most=255).astype(np.uint8), np.full((81, 101), 255, np.uint8)
    mask[:10] = 3
    urls = [save(tmp_path / f"{name}.png", pixels[::step]) for name, step in (("a", 1), ("b", -1))]
    mask_url = save(tmp_path / "m.png", mask)
    tiles = [plain_tile(url, name, mask_url=mask_url) for url, name in zip(urls, "ab", strict=True)]
    stack = put(gateway, *tiles)

    found = stack.write_mipmaps(tmp_path / "levels", levels=3)

    assert (found.count, found.written, found.is_used) == (9, 9, True)
    for name, image in (("a.png", pixels), ("b.png", pixels[::-1]), ("m.png", mask)):
        paths = levels_of(tmp_path / "levels", name)
        assert sorted(paths) == [1, 2, 3]
        for level, path in paths.items():
            assert np.array_equal(image_of(path), halved(image, level))
            assert path == tmp_path / "levels" / str(level) / (tmp_path / f"{name}.tif").relative_to("/")
    assert stack.version.path_builder == PathBuilder(
        root_path=f"{tmp_path / 'levels'}/", level_count=3, extension="tif"
    )


def test_mipmaps__are_what_the_service_draws(gateway: Gateway, tmp_path: Path) -> None:
    """At a smaller scale the service reads the written levels instead of the images."""
    stack = put(
        gateway, plain_tile(save(tmp_path / "a.png", ramp(400, 400, 255).astype(np.uint8)), width=400, height=400)
    )
    before = stack.section(1).image(scale=0.25)
    stack.write_mipmaps(tmp_path / "levels", levels=2)
    assert np.array_equal(stack.section(1).image(scale=0.25), before)

    level = levels_of(tmp_path / "levels", "a.png")[2]
    save(level, np.full((100, 100), 77, np.uint8))

    assert (stack.section(1).image(scale=0.25).pixels[5:90, 5:90] == 77).all()


def test_mipmaps__depth_is_that_of_the_window(gateway: Gateway, tmp_path: Path) -> None:
    """A window that ends below 256 makes 8 bits of 16, stretched; others keep 16."""
    url = save(tmp_path / "a.png", ramp(most=1000))
    for name, window, dtype in (("deep", 1000, np.uint16), ("flat", 200, np.uint8)):
        stack = put(gateway, plain_tile(url, min_intensity=0, max_intensity=window), name=name)
        stack.write_mipmaps(tmp_path / name, levels=1)
        found = image_of(levels_of(tmp_path / name, "a.png")[1])
        assert found.dtype == dtype
        assert found.max() == (255 if name == "flat" else halved(ramp(most=1000)).max())


def test_mipmaps__resumed_and_removed(gateway: Gateway, tmp_path: Path) -> None:
    """Existing files are kept; listed levels are not written; removing deletes just the files of these tiles."""
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", ramp(most=255).astype(np.uint8))))
    stack.write_mipmaps(tmp_path / "levels", levels=2)
    path = levels_of(tmp_path / "levels", "a.png")
    path[1].unlink()
    kept = path[2].read_bytes() + b" "
    path[2].write_bytes(kept)
    (tmp_path / "levels" / "notes.txt").write_text("mine")

    assert stack.write_mipmaps(tmp_path / "levels", levels=2).written == 1
    assert path[2].read_bytes() == kept
    assert stack.write_mipmaps(tmp_path / "levels", levels=2, overwrite=True).written == 2
    assert stack.remove_mipmaps(tmp_path / "levels", levels=2) == 2
    assert [one for one in (tmp_path / "levels").rglob("*") if one.is_file()] == [tmp_path / "levels" / "notes.txt"]


def test_mipmaps__levels_that_a_tile_lists(gateway: Gateway, tmp_path: Path) -> None:
    """Levels that a tile lists itself are not written; the next one is made from the image."""
    pixels = ramp(most=255).astype(np.uint8)
    levels = ImagePyramid({0: save(tmp_path / "a.png", pixels), 1: save(tmp_path / "half.png", pixels[::2, ::2])})
    stack = put(gateway, plain_tile("", image_url=None, mipmaps=levels))

    assert stack.write_mipmaps(tmp_path / "levels", levels=2).count == 1

    paths = levels_of(tmp_path / "levels", "a.png")
    assert list(paths) == [2]
    assert np.array_equal(image_of(paths[2]), halved(pixels, 2))


def test_mipmaps__rule_of_the_stack(gateway: Gateway, tmp_path: Path) -> None:
    """More levels replace the rule; fewer do not; a rule for other files is kept and reported."""
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", ramp(most=255).astype(np.uint8))))

    counts = []
    for levels in (1, 3, 2):
        assert stack.write_mipmaps(tmp_path / "levels", levels=levels).is_used
        assert stack.version.path_builder is not None
        counts.append(stack.version.path_builder.level_count)
    assert counts == [1, 3, 3]
    assert not stack.write_mipmaps(tmp_path / "other", levels=2).is_used
    assert stack.version.path_builder is not None
    assert stack.version.path_builder.root_path == f"{tmp_path / 'levels'}/"


def test_mipmaps__parts(gateway: Gateway, tmp_path: Path) -> None:
    """The parts of several jobs share the tiles, also if their number is not divisible."""
    urls = [save(tmp_path / f"{name}.png", ramp(most=255).astype(np.uint8)) for name in "abc"]
    stack = put(gateway, *(plain_tile(url, name) for url, name in zip(urls, "abc", strict=True)))

    counts = [stack.write_mipmaps(tmp_path / "l", levels=1, part=(number, 4)).written for number in (1, 2, 3, 4)]

    assert counts == [1, 1, 1, 0]


def test_mipmaps__refused(gateway: Gateway, tmp_path: Path) -> None:
    """Missing images, paths that leave the folder and bad numbers raise; the rule is not stored."""
    stack = put(gateway, plain_tile("file:/data/../../a.png", "a"), name="up")
    with pytest.raises(ImageError, match=r"would have its levels outside of .*: its path contains \.\."):
        stack.write_mipmaps(tmp_path / "l")
    missing = put(gateway, plain_tile("file:/data/missing.png", "a"), name="missing")
    with pytest.raises(ImageError, match=r"tile 'a': image 'file:/data/missing\.png': file"):
        missing.write_mipmaps(tmp_path / "l")
    with pytest.raises(ValueError, match="levels must be 1 <= first <= last: got 3 and 2"):
        missing.write_mipmaps(tmp_path / "l", levels=2, first_level=3)
    with pytest.raises(ImageError, match=r"stack missing does not contain any tiles with a z value of 8\.0"):
        missing.write_mipmaps(tmp_path / "l", sections=8)
    assert missing.version.path_builder is None
    assert not (tmp_path / "l").exists()
