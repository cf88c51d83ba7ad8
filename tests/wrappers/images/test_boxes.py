"""Boxes of sections in files: the grid, levels, overviews, labels, parts, and runs that are resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import Bounds, Gateway, ImageError, StackWrapper, Window
from rendergateway.rendering import Sources, draw, read_recipe
from rendergateway.rendering.draw.labels import NO_LABEL, labels_of
from rendergateway.rendering.images.levels import halved
from tests.wrappers.images.pictured import image_of, plain_tile, put, ramp, save


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_boxes__are_the_pictures_of_the_section(drawn: StackWrapper, tmp_path: Path) -> None:
    """Each file of level 0 is the picture of its box, from the origin of the world on; other boxes have no file."""
    found = drawn.render_boxes(tmp_path, width=300, height=200, sections=2)

    names = names_in(tmp_path) - {"empty.png"}
    section = drawn.section(2)
    assert section.bounds is not None
    assert found.drawn == found.count == len(names)
    rows = range(max(0, int(section.bounds.min_y / 200)), int(section.bounds.max_y / 200) + 1)
    columns = range(max(0, int(section.bounds.min_x / 300)), int(section.bounds.max_x / 300) + 1)
    assert names == {f"0/2/{row}/{column}.png" for row in rows for column in columns}
    for row in rows:
        for column in columns:
            box = Bounds(300 * column, 200 * row, 300 * (column + 1), 200 * (row + 1))
            assert np.array_equal(image_of(tmp_path / f"0/2/{row}/{column}.png"), section.image(box))


def test_boxes__levels_are_means_of_four(drawn: StackWrapper, tmp_path: Path) -> None:
    """A box of the level above has the truncated means of four boxes, black for those without a file."""
    drawn.render_boxes(tmp_path, width=256, height=256, sections=[1], levels=3)

    for level in (1, 2, 3):
        for path in (tmp_path / str(level) / "1").rglob("*.png"):
            row, column = int(path.parent.name), int(path.stem)
            four = np.zeros((512, 512), np.uint8)
            for down in (0, 1):
                for across in (0, 1):
                    below = tmp_path / str(level - 1) / "1" / str(2 * row + down) / f"{2 * column + across}.png"
                    if below.exists():
                        four[256 * down :, 256 * across :][:256, :256] = image_of(below)
            assert np.array_equal(image_of(path), halved(four))
    assert {path.name for path in (tmp_path / "3/1/0").iterdir()} == {"0.png"}


def test_boxes__without_tiles_have_no_file(gateway: Gateway, tmp_path: Path) -> None:
    """Between two distant tiles there are no files; the index names the file for missing boxes."""
    url = save(tmp_path / "a.png", np.full((80, 100), 50, np.uint8))
    stack = put(gateway, plain_tile(url, "a", 10, 10), plain_tile(url, "b", 410, 210))
    to = tmp_path / "boxes"

    stack.render_boxes(to, width=128, height=128, index=True)

    assert names_in(to) == {"empty.png", "0/1/0/0.png", "0/1/1/3.png", "0/1/2/3.png", "0/iGrid/1.0.iGrid"}
    assert not image_of(to / "empty.png").any()
    lines = (to / "0/iGrid/1.0.iGrid").read_text().splitlines()
    assert lines[:2] == ["Columns: 4", "Rows: 3"]
    listed = [Path(line).relative_to(to).as_posix() for line in lines[2:]]
    assert listed == ["0/1/0/0.png", *["empty.png"] * 6, "0/1/1/3.png", *["empty.png"] * 3, "0/1/2/3.png"]


def test_boxes__resumed(drawn: StackWrapper, tmp_path: Path) -> None:
    """Existing files are kept but for the last, which may be unfinished; levels above new boxes are drawn again."""
    drawn.render_boxes(tmp_path, width=300, height=300, sections=1, levels=1)
    whole = {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)}
    (tmp_path / "0/1/0/1.png").unlink()
    (tmp_path / "0/1/3/3.png").write_bytes(b"cut off")
    (tmp_path / "0/1/2/0.png").write_bytes(whole["0/1/2/0.png"] + b"kept")

    found = drawn.render_boxes(tmp_path, width=300, height=300, sections=1, levels=1)

    assert {name: (tmp_path / name).read_bytes() for name in names_in(tmp_path)} == {
        **whole, "0/1/2/0.png": whole["0/1/2/0.png"] + b"kept"
    }  # fmt: skip
    assert (found.drawn, found.count) == (4, len(whole) - 1)
    assert (
        drawn.render_boxes(tmp_path, width=300, height=300, sections=1, levels=1, overwrite=True).drawn == found.count
    )
    assert (tmp_path / "0/1/2/0.png").read_bytes() == whole["0/1/2/0.png"]


def test_boxes__interrupted(drawn: StackWrapper, tmp_path: Path) -> None:
    """After Ctrl-C all files are whole, and the next run draws the others."""

    def stop(done: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn.render_boxes(tmp_path / "a", width=200, height=200, sections=1, levels=1, progress=stop)
    left = names_in(tmp_path / "a")
    drawn.render_boxes(tmp_path / "a", width=200, height=200, sections=1, levels=1)
    drawn.render_boxes(tmp_path / "b", width=200, height=200, sections=1, levels=1)

    assert {"empty.png"} < left < names_in(tmp_path / "b")
    assert names_in(tmp_path / "a") == names_in(tmp_path / "b")
    for name in names_in(tmp_path / "b"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_boxes__parts_are_the_whole(drawn: StackWrapper, tmp_path: Path) -> None:
    """The parts of several jobs have no box in common, and together are all files of one job."""
    drawn.render_boxes(tmp_path / "whole", width=200, height=200, sections=1, levels=1)
    parts = []
    for number in (1, 2, 3):
        folder = tmp_path / str(number)
        drawn.render_boxes(folder, width=200, height=200, sections=1, levels=1, part=(number, 3))
        parts.append(names_in(folder) - {"empty.png"})

    assert parts[0] | parts[1] | parts[2] == names_in(tmp_path / "whole") - {"empty.png"}
    assert sum(map(len, parts)) == len(parts[0] | parts[1] | parts[2])
    for number, names in enumerate(parts, 1):
        for name in names:
            assert (tmp_path / str(number) / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_boxes__labels(drawn: StackWrapper, tmp_path: Path) -> None:
    """A label box has one value per tile, of the tile on top, and 65535 outside; levels have no other values."""
    drawn.render_boxes(tmp_path, width=600, height=600, sections=1, levels=1, labels=True)

    section = drawn.section(1)
    labels = labels_of(section.tiles().ids)
    assert len(set(labels.values())) == len(labels)
    assert (image_of(tmp_path / "empty.png") == NO_LABEL).all()
    for path in (tmp_path / "0").rglob("*.png"):
        row, column = int(path.parent.name), int(path.stem)
        found = image_of(path)
        box = Bounds(600 * column, 600 * row, 600 * (column + 1), 600 * (row + 1))
        top = np.full((600, 600), NO_LABEL)
        for tile in read_recipe(section.render_parameters(box).to_json()).tiles:
            one = read_recipe(section.render_parameters(box).evolve(tiles=[drawn.tile(tile.id)._obj.evolve(
                transforms=drawn.tile(tile.id).resolved_transforms)]).to_json())  # fmt: skip
            covered = draw(one, Sources(), coverage=True).covered
            assert covered is not None
            top[covered] = labels[tile.id]
        assert found.dtype == np.uint16
        assert np.array_equal(found, top)
    assert set(np.unique(image_of(tmp_path / "1/1/0/0.png"))) <= {*labels.values(), NO_LABEL}


def test_boxes__labels_of_whole_images(gateway: Gateway, tmp_path: Path) -> None:
    """A label covers all pixels of its image, to the last column and row; masked pixels have none."""
    mask = np.full((80, 100), 255, np.uint8)
    mask[:, :40] = 0
    url, mask_url = save(tmp_path / "a.png", ramp()), save(tmp_path / "m.png", mask)
    stack = put(gateway, plain_tile(url, "a"), plain_tile(url, "b", x=100, mask_url=mask_url))

    stack.render_boxes(tmp_path / "b", width=200, height=80, labels=True)

    found, labels = image_of(tmp_path / "b/0/1/0/0.png"), labels_of(["a", "b"])
    assert (found[:, :100] == labels["a"]).all()
    assert (found[:, 100:140] == NO_LABEL).all()
    assert (found[:, 140:] == labels["b"]).all()


def test_boxes__overview(drawn: StackWrapper, tmp_path: Path) -> None:
    """The overview is made of the lowest level with a single box, and ends with the stack."""
    drawn.render_boxes(tmp_path, width=512, height=512, sections=[1, 2], levels=3, overview=100)

    bounds = drawn.bounds
    assert bounds is not None
    overview = image_of(tmp_path / "small/2.png")
    level = next(level for level in range(1, 4) if names_in(tmp_path / str(level) / "2") == {"0/0.png"})
    side = [min(512, int(side / 2**level)) for side in (bounds.max_x, bounds.max_y)]
    assert overview.shape == (int(100 / side[0] * side[1]), 100)
    assert abs(overview.mean() - image_of(tmp_path / str(level) / "2/0/0.png")[: side[1], : side[0]].mean()) < 5
    assert (tmp_path / "small/1.png").exists()


def test_boxes__colours_and_look(gateway: Gateway, tmp_path: Path) -> None:
    """Mode rgb stores three channels; options of pictures apply."""
    url = save(tmp_path / "a.png", ramp(most=255).astype(np.uint8))
    stack = put(gateway, plain_tile(url, "a"))

    stack.render_boxes(tmp_path / "b", width=128, height=128, mode="rgb", format="tif", intensity=(0, 100), levels=1)

    assert image_of(tmp_path / "b/0/1/0/0.tif").shape == (128, 128, 3)
    assert image_of(tmp_path / "b/1/1/0/0.tif").shape == (128, 128, 3)
    assert image_of(tmp_path / "b/0/1/0/0.tif").max() == 255


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "size of a box must be >= 1, got 0"),
        ({"levels": -1}, "levels and overview must be >= 0, got -1"),
        ({"format": "gif"}, "unknown suffix"),
        ({"labels": True, "format": "jpg"}, "labels have 16 bits: got format 'jpg'; use 'png' or 'tif'"),
        ({"part": (3, 2)}, r"part must be \(number, count\) with 1 <= number <= count: got \(3, 2\)"),
        ({"sections": 9}, "stack montage does not contain any tiles with a z value of 9.0"),
    ],
)
def test_boxes__refused(drawn: StackWrapper, tmp_path: Path, values: dict[str, object], message: str) -> None:
    """Bad values raise before any box is drawn."""
    with pytest.raises((ImageError, ValueError), match=message):
        drawn.render_boxes(tmp_path / "b", **{"width": 64, "height": 64, **values})  # type: ignore[arg-type]

    assert not (tmp_path / "b" / "0").exists()


def test_boxes__overview_without_bounds(gateway: Gateway, tmp_path: Path) -> None:
    """An overview of a LOADING stack is refused: it has no bounds."""
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", ramp()), "a"))
    stack.set_state("LOADING")

    with pytest.raises(ImageError, match="overviews need the bounds of the stack: some has none; complete it"):
        stack.render_boxes(tmp_path / "b", width=64, height=64, levels=1, overview=10)


def test_boxes__fractional_z(gateway: Gateway, tmp_path: Path) -> None:
    """Folders have whole z; two sections of the same one are refused before anything is written."""
    url = save(tmp_path / "a.png", np.full((80, 100), 50, np.uint8))
    stack = put(gateway, plain_tile(url, "a", z=1.0), plain_tile(url, "b", z=1.5))

    with pytest.raises(ImageError, match=r"sections 1 and 1\.5 would have the same folder 1; draw one of them"):
        stack.render_boxes(tmp_path / "b", width=64, height=64)
    assert not (tmp_path / "b").exists()
    stack.render_boxes(tmp_path / "b", width=128, height=128, sections=1.5)
    assert names_in(tmp_path / "b") == {"empty.png", "0/1/0/0.png"}


def test_boxes__cut_at_the_origin(gateway: Gateway, tmp_path: Path) -> None:
    """A section that begins left of the origin is cut there, and the result names it."""
    url = save(tmp_path / "a.png", np.full((80, 100), 50, np.uint8))
    stack = put(gateway, plain_tile(url, "a", -50, 10), plain_tile(url, "b", z=2))

    found = stack.render_boxes(tmp_path / "b", width=128, height=128)

    assert found.cut == (1.0,)
    assert np.array_equal(image_of(tmp_path / "b/0/1/0/0.png"), stack.section(1).image(Bounds(0, 0, 128, 128)))


def test_boxes__sixteen_bits_and_channels(two_channels: StackWrapper, tmp_path: Path) -> None:
    """16 bits are kept by all levels; channels are composed in colour, which grey files would lose."""
    look = {"width": 600, "height": 600, "sections": 1, "levels": 8}
    two_channels.render_boxes(tmp_path / "a", channel="DAPI", dtype="uint16", overview=50, **look)  # type: ignore[arg-type]
    files = [path for path in (tmp_path / "a").rglob("*.png") if path.name != "empty.png"]
    assert {image_of(path).dtype.name for path in files} == {"uint16"}
    assert max(image_of(path).max() for path in (tmp_path / "a/0").rglob("*.png")) > 255
    box = next((tmp_path / "a/0").rglob("*.png"))
    windows = {"DAPI": Window(0, 600, "#ff0000"), "TdTomato": Window(0, 600, "#00ff00")}
    two_channels.render_boxes(tmp_path / "b", channels=windows, mode="rgb", **look)  # type: ignore[arg-type]
    assert image_of(tmp_path / "b" / box.relative_to(tmp_path / "a"))[..., 1].any()
    with pytest.raises(ValueError, match="channels= are composed in colour; pass mode='rgb'"):
        two_channels.render_boxes(tmp_path / "c", channels=windows, **look)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="intensity='auto' would differ from box to box"):
        two_channels.render_boxes(tmp_path / "c", channel="DAPI", intensity="auto", **look)  # type: ignore[arg-type]


def test_boxes__index_of_the_last_part(drawn: StackWrapper, tmp_path: Path) -> None:
    """After all parts the index lists the boxes of all of them."""
    for number in (1, 2):
        drawn.render_boxes(tmp_path, width=300, height=300, sections=1, part=(number, 2), index=True)
    parts = (tmp_path / "0/iGrid/1.0.iGrid").read_text()
    drawn.render_boxes(tmp_path, width=300, height=300, sections=1, index=True)

    assert parts == (tmp_path / "0/iGrid/1.0.iGrid").read_text()
