"""Import of images with tables of positions and with patterns of names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import BadRequestError, Gateway, ImageError, RecordError, StackWrapper
from rendergateway.batch.importers import Imported, import_images
from tests.batch.importers.conftest import Images

Table = Callable[..., Path]


def places(stack: StackWrapper) -> dict[str, tuple[float, ...]]:
    """Id → z, x and y of each tile."""
    table = stack.tiles().table()
    shifts = table.last_affine[:, :, 2].tolist()
    return {tile_id: (z, *shift) for tile_id, z, shift in zip(table.tile_id, table.z, shifts, strict=True)}


# Names


def test_pattern__rows_and_columns(stack: StackWrapper, images: Images) -> None:
    """Sections, rows and columns of the names place the images at the pitch that the overlap leaves."""
    folder = images("s2_0_0.png", "s2_0_1.png", "s10_1_0.png")

    imported = import_images(stack, folder, pattern="s{section}_{row}_{col}.png", overlap=0.25)

    assert places(stack) == {"s2_0_0": (2, 0, 0), "s2_0_1": (2, 60, 0), "s10_1_0": (10, 0, 45)}
    assert (imported.stack, imported.tile_count, imported.z) == (stack, 3, (2.0, 10.0))
    tile = stack.tile("s10_1_0")
    assert (tile.layout.section_id, tile.layout.image_row, tile.layout.image_col) == ("10.0", 1, 0)
    assert (tile.width, tile.height, tile.image_url) == (80, 60, (folder / "s10_1_0.png").as_uri())
    assert stack.state == "COMPLETE"


def test_pattern__folders_and_named_sections(stack: StackWrapper, images: Images) -> None:
    """Equal names in several folders get ids of their paths; names of sections are counted in natural order."""
    folder = images("w10/0_0.png", "w9/0_0.png")

    imported = import_images(stack, folder, pattern="{section}/{row}_{col}.png", overlap=0)

    assert places(stack) == {"w10_0_0": (2, 0, 0), "w9_0_0": (1, 0, 0)}
    assert stack.tile("w9_0_0").layout.section_id == "w9"
    assert "sections are counted in natural order of their names: z 1 is w9, z 2 is w10" in imported.notes


def test_pattern__flipped_grid_and_case(stack: StackWrapper, images: Images) -> None:
    """Columns may count to the left and rows upwards; case is ignored."""
    folder = images("A_1_2.png")

    import_images(stack, folder, pattern="a_{row}_{col}.PNG", overlap=0.5, z=1, flip="xy")

    assert places(stack) == {"A_1_2": (1, -80, -30)}


def test_pattern__positions_in_names(stack: StackWrapper, images: Images) -> None:
    """Positions may be in the names; names that do not match are listed, not dropped silently."""
    folder = images("a_x-10_y20.5.tif", "overview.tif")

    imported = import_images(stack, folder, pattern="{tile}_x{x}_y{y}.tif", z=7, flip="y")

    assert places(stack) == {"a": (7, -10, -20.5)}
    assert imported.unlisted == (str(folder / "overview.tif"),)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("{rwo}.png", "unknown field in pattern '{rwo}.png': got {rwo}; use section, z, row"),
        ("{row}_{row}.png", "field twice in pattern '{row}_{row}.png': got {row}"),
        ("a.png", "pattern without fields: got 'a.png'"),
        ("q{row}_{col}.png", "no image matches the pattern 'q{row}_{col}.png': got '0_0.png' and others in "),
        ("{z}_{row}.png", "0_0.png: the position is missing; x and y, or row and column are required"),
        ("{row}_{col}.png", "0_0.png: the section is in neither a column nor the name; pass z=, a number for all"),
    ],
)
def test_pattern__wrong(stack: StackWrapper, images: Images, pattern: str, sentence: str) -> None:
    """A pattern that cannot place the images is refused, naming the missing part."""
    with pytest.raises(RecordError) as caught:
        import_images(stack, images("0_0.png"), pattern=pattern, overlap=0.1)

    assert sentence in str(caught.value)
    assert not stack.exists


def test_pattern__no_overlap(stack: StackWrapper, images: Images) -> None:
    """The overlap of a grid has no default: a guess would displace every tile."""
    with pytest.raises(RecordError, match=r"0_0\.png: the position is a row and a column; pass overlap=, such as 0.1"):
        import_images(stack, images("0_0.png"), pattern="{row}_{col}.png", z=1)


# Tables


def test_table__guessed_columns_and_units(stack: StackWrapper, images: Images, table: Table) -> None:
    """Columns and units are guessed from common headers; files are found without folder and suffix."""
    folder = images("a.png", "sub/b.png", "c.png")
    file = table(
        "# acquired", "File Name;Stage X (µm);Stage Y (µm);Section;Camera", "C:\\data\\a.png;0;0;1;cam2",
        "b;0.2;0.1;1;", encoding="utf-8-sig",
    )  # fmt: skip

    imported = import_images(stack, folder, positions=file, resolution_nm=(4, 5, 40))

    assert places(stack) == {"a": (1, 0, 0), "sub_b": (1, 50, 20)}
    layout = stack.tile("sub_b").layout
    assert (layout.stage_x, layout.stage_y, layout.pixel_size) == (0.2, 0.1, 4)
    assert stack.tile("a").layout.camera_id == "cam2"
    assert list(stack.resolution_nm) == [4, 5, 40]
    assert imported.unlisted == (str(folder / "c.png"),)
    assert "positions in um, at 4 × 5 nm per pixel" in imported.notes


def test_table__named_columns_and_tile_ids(stack: StackWrapper, images: Images, table: Table) -> None:
    """Named columns take precedence over guessed ones; rows and columns work as in names."""
    file = table("path\tx\ty\tgx\tgy\tname", "a.png\t1\t2\t3\t4\tt1")
    columns = {"image": "path", "x": "gx", "y": "gy", "tile": "name"}

    import_images(stack, images("a.png"), positions=file, columns=columns, z=1)

    assert places(stack) == {"t1": (1, 3, 4)}


def test_table__order_of_images(stack: StackWrapper, images: Images, table: Table) -> None:
    """``z='order'`` makes each line a section."""
    file = table("image,x,y", "b.png,0,0", "a.png,5,5")

    import_images(stack, images("a.png", "b.png"), positions=file, z="order")

    assert places(stack) == {"b": (1, 0, 0), "a": (2, 5, 5)}


def test_table__values_of_names(stack: StackWrapper, images: Images, table: Table) -> None:
    """A pattern supplies values that the table lacks."""
    file = table("image,x,y", "s3_a.png,0,0")

    import_images(stack, images("s3_a.png"), positions=file, pattern="s{z}_{}.png")

    assert places(stack) == {"s3_a": (3, 0, 0)}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["image,x,y,z", "a.png,0,NaN,1"], "line 2: y must be finite: got 'NaN'; correct the line, or delete it"),
        (["image,x,y,z", "a.png,0,,1"], "line 2: y must be a number: got ''"),
        (["image,x,y,z", "a.png,0,0,"], "line 2: the section is missing; fill its column"),
        (["image,x,y,z", ",0,0,1"], "line 2: the image file is missing"),
        (["image,x,y,z", "a.png,0,0"], "line 2: expected 4 values, got 3"),
        (["image,x,y,z", "a.png,0,0,1", "a.png,9,9,1"], "duplicate tile id 'a': "),
        (["image,x,z", "a.png,0,1"], "has a column x, but none for y: got 'image', 'x', 'z'; pass columns={'y': …}"),
        (["image,z", "a.png,1"], "line 2: the position is missing; x and y, or row and column are required"),
        (["x,y,z", "1,1,1"], "has no column of image files: got 'x', 'y', 'z'; pass columns={'image': …}"),
        (["image,x,posx,y", "a.png,0,1,1"], "has two columns for x: got 'x' and 'posx'; pass columns={'x': 'posx'}"),
        (["image,x_um,y_nm,z", "a.png,0,1,1"], "has x in um and y in nm; use one unit"),
        (["image,x_um,y_um,z", "a.png,0,1,1"], "has positions in um; pass resolution_nm=, the size of a pixel"),
        (["image,row,col,z", "a.png,0,1.5,1"], "line 2: column must be a whole number: got 1.5"),
        (["image,x,y,z"], "has no lines below its column names"),
        ([], "is empty; expected a line of column names"),
    ],
)  # fmt: skip
def test_table__wrong(stack: StackWrapper, images: Images, table: Table, lines: list[str], sentence: str) -> None:
    """A table that cannot be understood is refused with file, line and value; nothing is stored."""
    with pytest.raises(RecordError) as caught:
        import_images(stack, images("a.png"), positions=table(*lines))

    assert sentence in str(caught.value)
    assert "positions.csv" in str(caught.value)
    assert not stack.exists


def test_table__arguments_that_contradict(stack: StackWrapper, images: Images, table: Table) -> None:
    """A unit, a column or a section that the table contradicts is refused."""
    folder, file = images("a.png", "1/b.png", "2/b.png"), table("image,x_um,y_um,z", "a.png,0,0,1")
    options: dict[str, Any] = {"positions": file, "resolution_nm": (4, 4, 40)}

    with pytest.raises(RecordError, match=r"has positions in um: got unit='nm'; pass no unit="):
        import_images(stack, folder, **options, unit="nm")
    with pytest.raises(RecordError, match="sections are known from columns or names: got z=3 as well"):
        import_images(stack, folder, **options, z=3)
    with pytest.raises(RecordError, match="has no column 'X'; it has image, x_um, y_um, z"):
        import_images(stack, folder, **options, columns={"x": "X"})
    with pytest.raises(RecordError, match="unknown field in columns: got 'stage'"):
        import_images(stack, folder, **options, columns={"stage": "x_um"})
    with pytest.raises(RecordError, match=r"image 'b\.png' is ambiguous: got .*1/b.png and .*2/b.png"):
        import_images(stack, folder, positions=table("image,x,y,z", "b.png,0,0,1"))
    with pytest.raises(RecordError, match=r"does not match the pattern 's\{z\}.png': got 'a.png'"):
        import_images(stack, folder, positions=table("image,x,y", "a.png,0,0"), pattern="s{z}.png")
    with pytest.raises(RecordError, match="is not text in UTF-8"):
        import_images(stack, folder, positions=table("image,x_µm", encoding="latin-1"))


def test_positions__implausible_unit(stack: StackWrapper, images: Images, table: Table) -> None:
    """Positions that leave no overlap, or coincide, are imported with a note to check the unit."""
    file = table("image,x,y,z", "a.png,0,0,1", "b.png,0.3,0,1")

    imported = import_images(stack, images("a.png", "b.png"), positions=file)

    assert "check the unit: neighbours in section 1 are 0.3 px apart, images are 80 px wide" in imported.notes


# Images


def test_images__missing_and_damaged(stack: StackWrapper, images: Images, table: Table) -> None:
    """All missing and damaged images are listed before anything is stored; they may be left out."""
    folder = images("a.png", "b.png", "c.png")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:90])
    (folder / "c.png").write_bytes(b"")
    file = table("image,x,y,z", "a.png,0,0,1", "b.png,0,0,1", "c.png,0,0,1", "d.png,0,0,1")

    with pytest.raises(
        ImageError, match=r"3 of 4 images cannot be imported: got .*line 3: .*b.png: PNG is truncated"
    ) as caught:
        import_images(stack, folder, positions=file)
    assert [note.partition("line ")[2] for note in caught.value.__notes__] == [
        f"4: {folder / 'c.png'}: file is empty",
        f"5: file not found: got '{folder / 'd.png'}'",
    ]
    assert not stack.exists
    imported = import_images(stack, folder, positions=file, skip_bad=True)

    assert places(stack) == {"a": (1, 0, 0)}
    assert len(imported.skipped) == 3
    assert " 3 images skipped; " in str(imported)


def test_images__all_bad(stack: StackWrapper, images: Images) -> None:
    """An import without any readable image is refused, also if bad images may be left out."""
    folder = images("1_1.png")
    (folder / "1_1.png").write_bytes(b"x")

    with pytest.raises(ImageError, match=r"1 of 1 image cannot be imported: got .*1_1.png: unknown image format"):
        import_images(stack, folder, pattern="{row}_{col}.png", overlap=0, z=1, skip_bad=True)


def test_images__sizes(stack: StackWrapper, images: Images) -> None:
    """Images of different sizes are refused naming one, unless they are allowed."""
    images("0_0.png", "0_1.png")
    folder = images("0_2.png", pixels=np.zeros((10, 20), dtype=np.uint8))
    options: dict[str, Any] = {"pattern": "{y}_{x}.png", "z": 1}

    with pytest.raises(RecordError, match=r"got 20 × 10 pixels of .*0_2.png, and 80 × 60 of 2 images; nothing was"):
        import_images(stack, folder, **options)
    assert not stack.exists
    imported = import_images(stack, folder, **options, mixed_sizes=True)

    assert imported.sizes == {(80, 60): 2, (20, 10): 1}
    assert stack.tile("0_2").width == 20


def test_images__sixteen_bits(stack: StackWrapper, images: Images) -> None:
    """The window of 16-bit images comes from percentiles of their values, so that pictures are not saturated."""
    deep = np.linspace(20000, 30000, 4800).reshape(60, 80).astype(np.uint16)

    imported = import_images(
        stack, images("0_0.tif", pixels=deep), pattern="{row}_{col}.*", overlap=0, z=1, percentiles=(1, 99)
    )

    low, high = np.floor(np.percentile(deep, 1)), np.ceil(np.percentile(deep, 99))
    assert (imported.kinds, imported.windows) == ({"uint16": 1}, {"uint16": (low, high)})
    assert imported.notes == (f"intensity window of uint16: {low:g} … {high:g}, percentiles 1 and 99 of 1 image",)
    assert len(stack.check_images()) == 0


def test_images__colour(stack: StackWrapper, images: Images) -> None:
    """Colours are drawn as they are in the files; several pixel types are noted."""
    folder = images("0_0.png", pixels=np.full((60, 80, 3), (200, 100, 50), dtype=np.uint8))
    options: dict[str, Any] = {"pattern": "{row}_{col}.*", "overlap": 0, "z": 1}

    imported = import_images(stack, folder, **options)

    assert (imported.kinds, imported.windows) == ({"RGB": 1}, {})
    assert "intensity window of RGB: 0 … 255" in imported.notes
    assert stack.section(1).image().pixels[30, 40].tolist() == [200, 100, 50]
    mixed = import_images(stack, images("0_1.tif"), **options, dry_run=True, existing="append")
    assert "images have several pixel types: 1 RGB, 1 uint8" in mixed.notes


def test_images__window(stack: StackWrapper, images: Images) -> None:
    """A given window replaces the percentiles; an image of one value gets the range of its type."""
    folder = images("0_0.png", pixels=np.full((9, 9), 7, dtype=np.uint8))
    options: dict[str, Any] = {"pattern": "{row}_{col}.png", "overlap": 0, "z": 1}

    assert import_images(stack, folder, **options, dry_run=True).windows == {"uint8": (0.0, 255.0)}
    assert import_images(stack, folder, **options, window=(10, 20)).windows == {"uint8": (10, 20)}
    (tile,) = stack.tiles().records()
    assert (tile.min_intensity, tile.max_intensity) == (10, 20)


def test_images__sample(stack: StackWrapper, images: Images) -> None:
    """Percentiles are those of the sampled images only."""
    for number in range(3):
        images(f"0_{number}.png", pixels=np.full((9, 9), 50 * number, dtype=np.uint8))
    folder = images()

    imported = import_images(stack, folder, pattern="{row}_{col}.png", overlap=0, z=1, sample=2, percentiles=(0, 100))

    assert imported.windows == {"uint8": (0, 100)}
    assert "percentiles 0 and 100 of 2 images" in imported.notes[0]


def test_images__sample_of_stripes(stack: StackWrapper, images: Images) -> None:
    """The sampled values of a large image are of all columns, also if these alternate."""
    folder = images("0_0.png", pixels=np.tile(np.array([0, 100], np.uint8), (400, 200)))

    imported = import_images(stack, folder, pattern="{row}_{col}.png", overlap=0, z=1)

    assert imported.windows == {"uint8": (0, 100)}


def test_images__rare_pixel_type(stack: StackWrapper, images: Images) -> None:
    """A pixel type outside of the sample gets a window of its own values."""
    images("0_0.tif", "0_1.tif", "0_3.tif")
    folder = images("0_2.tif", pixels=np.full((9, 9), 1000, dtype=np.uint16) + np.arange(9, dtype=np.uint16))

    imported = import_images(
        stack, folder, pattern="{y}_{x}.tif", z=1, sample=1, percentiles=(0, 100), mixed_sizes=True
    )

    assert imported.windows == {"uint16": (1000, 1008), "uint8": (0, 239)}


def test_images__headers(stack: StackWrapper, images: Images) -> None:
    """With headers alone, sizes and types are the same, and truncated files are found."""
    images("0_0.png", "0_1.tif", "0_2.jpg")
    folder = images("0_3.tif", pixels=np.full((60, 80), 1000, dtype=np.uint16) + np.arange(80, dtype=np.uint16))
    options: dict[str, Any] = {"pattern": "{y}_{x}.*", "z": 1, "sample": 1, "dry_run": True}

    whole, headers = (import_images(stack, folder, **options, check=check) for check in ("pixels", "headers"))

    assert (headers.kinds, headers.sizes, headers.windows) == (whole.kinds, whole.sizes, whole.windows)
    for name in ("0_1.tif", "0_3.tif"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    with pytest.raises(ImageError, match=r"2 of 4 images cannot be imported: got .*0_1\.tif: TIFF is truncated"):
        import_images(stack, folder, **options, check="headers")


# Stacks


def test_stack__existing(gateway: Gateway, stack: StackWrapper, images: Images) -> None:
    """An existing stack is refused before images are read, added to, or replaced."""
    options: dict[str, Any] = {"pattern": "{row}_{col}.png", "overlap": 0, "z": 1}
    import_images(stack, images("0_0.png"), **options)

    with pytest.raises(BadRequestError, match="exists already; pass existing='append' or existing='replace'"):
        import_images(stack, images("0_1.png"), **options)
    import_images(stack, [images("0_1.png") / "0_1.png"], **options, existing="append")
    assert stack.tiles().ids == ["0_0", "0_1"]
    import_images(stack, images("0_0.png"), **options, existing="replace", complete=False)
    assert (stack.tiles().ids, stack.state) == (["0_0", "0_1"], "LOADING")


def test_dry_run__stores_nothing(stack: StackWrapper, images: Images) -> None:
    """A dry run returns the summary of an import alone."""
    imported = import_images(
        stack, str(images("0_0.png") / "*.png"), pattern="{row}_{col}.png", overlap=0, z=1, dry_run=True
    )

    assert isinstance(imported, Imported)
    assert (imported.tile_count, imported.stored, stack.exists) == (1, False, False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"unit": "ft"}, "unit must be one of px, nm, um, mm: got 'ft'"),
        ({"flip": "z"}, "flip must be '', 'x', 'y' or 'xy': got 'z'"),
        ({"overlap": 1.0}, "overlap must be a fraction from 0 to below 1: got 1.0"),
        ({"resolution_nm": (0, 4, 40)}, "resolution_nm must be finite and > 0"),
        ({"z": "first"}, "z must be a number or 'order': got 'first'"),
        ({"window": (9, 9)}, "window must be"),
        ({"percentiles": (5, 101)}, "percentiles must be"),
        ({"sample": 0}, "sample must be >= 1: got 0"),
        ({"check": "none"}, "check must be one of pixels, headers: got 'none'"),
        ({"existing": "ignore"}, "existing must be"),
    ],
)
def test_arguments__wrong(stack: StackWrapper, images: Images, options: dict[str, Any], sentence: str) -> None:
    """Arguments are checked before images are read."""
    with pytest.raises(ValueError, match="must be") as caught:
        import_images(stack, images("0_0.png"), pattern="{row}_{col}.png", **{"z": 1, "overlap": 0, **options})

    assert sentence in str(caught.value)


def test_arguments__no_images(stack: StackWrapper, images: Images, tmp_path: Path) -> None:
    """A folder or glob without images, and images without positions, are refused."""
    images("a.png")
    (tmp_path / "empty").mkdir()

    with pytest.raises(ImageError, match="folder without images: got "):
        import_images(stack, tmp_path / "empty", pattern="{row}.png")
    with pytest.raises(ImageError, match="no images found: got "):
        import_images(stack, tmp_path / "none*.png", pattern="{row}.png")
    with pytest.raises(RecordError, match="are unknown; pass positions=, a table of them, or pattern="):
        import_images(stack, tmp_path)
    with pytest.raises(RecordError, match="columns belong to a table of positions"):
        import_images(stack, tmp_path, columns={"x": "X"})
