"""Plots as axes: their collections, colours and limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

from rendergateway import Gateway, ImageError, MatchRecord, MatchTable, RecordError, TileTable
from rendergateway.plots import (
    contact_sheet,
    match_map,
    residual_histogram,
    residual_map,
    seam_overlay,
    seam_pictures,
    section_bounds,
    section_order,
    tile_map,
)
from rendergateway.plots.base import new_figure, save_figure
from rendergateway.testing import make_stack

BOXES = np.array([[0, 0, 10, 5], [8, 0, 18, 5], [0, 4, 10, 9.0]])


@pytest.fixture
def ax() -> Axes:
    return new_figure()[1]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """No figure of pyplot is left open."""
    yield
    pyplot.close("all")


def tiles(**columns: Any) -> TileTable:
    return TileTable.from_columns(tile_id=["a", "b", "c"], z=1.0, box=BOXES, **columns)


def outline(ax: Axes, place: int, corners: int) -> list[list[float]]:
    """The first corners of a polygon of the first collection."""
    vertices: Any = ax.collections[0].get_paths()[place].vertices
    found: list[list[float]] = vertices[:corners].tolist()
    return found


def legend(ax: Axes) -> list[str]:
    shown = ax.get_legend()
    return [] if shown is None else [text.get_text() for text in shown.get_texts()]


# Tiles


def test_tile_map__one_collection(ax: Axes) -> None:
    """All tiles are one collection of polygons; y points down, and all tiles are in view."""
    assert tile_map(BOXES, ax=ax) is ax

    (collection,) = ax.collections
    assert outline(ax, 1, 4) == [[8, 0], [18, 0], [18, 5], [8, 5]]
    assert len(collection.get_paths()) == 3
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert (left < 0, right > 18, bottom > 9, top < 0) == (True,) * 4
    assert ax.get_aspect() == 1


def test_tile_map__new_figure() -> None:
    """Without axes a figure of pyplot is made, which notebooks show."""
    assert tile_map(BOXES).figure is pyplot.gcf()


def test_tile_map__numbers(ax: Axes) -> None:
    """Numbers are colours with a bar; NaN has none."""
    tile_map(BOXES, [5, np.nan, 9], label="dose", ax=ax)

    values: Any = ax.collections[0].get_array()
    assert values.tolist() == [5, None, 9]
    assert ax.collections[0].get_clim() == (5, 9)
    assert [other.get_ylabel() for other in ax.figure.axes[1:]] == ["dose"]


def test_tile_map__columns_and_categories(ax: Axes) -> None:
    """A column is named; texts have a legend; tile ids are written on request; missing boxes are not drawn."""
    table = tiles(camera_id=["cam1", None, "cam0"])
    tile_map(table, "camera_id", names=True, ax=ax)

    assert legend(ax) == ["cam0", "cam1"]
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    without = TileTable.from_columns(tile_id=["a"], z=1.0)
    assert len(tile_map(without, ax=new_figure()[1]).collections[0].get_paths()) == 0


def test_tile_map__many_categories(ax: Axes) -> None:
    """More categories than colours have a colour bar, not an endless legend."""
    boxes = np.tile(BOXES[:1], (30, 1))
    tile_map(boxes, [f"c{number}" for number in range(30)], label="camera", ax=ax)

    assert legend(ax) == []
    assert ax.figure.axes[1].get_ylabel() == "camera: 30 values, sorted"


def test_tile_map__outlines(ax: Axes) -> None:
    """Outlines with any number of corners are drawn as they are."""
    tile_map(np.array([[[0, 0], [4, 1], [2, 5]]]), ax=ax)

    assert outline(ax, 0, 3) == [[0, 0], [4, 1], [2, 5]]


@pytest.mark.parametrize(
    ("shown", "color", "sentence"),
    [
        (BOXES[:, :3], None, r"boxes must have shape \(N, 4\): got \(3, 3\)"),
        (BOXES, "z", "color='z' is a column of a table: got boxes"),
        (BOXES, [1, 2], r"color must have a value per tile: got shape \(2,\) for 3 tiles"),
        (None, "zz", "color must be a column of the tiles: got 'zz'; use tile_id, z, "),
    ],
)
def test_tile_map__wrong(ax: Axes, shown: Any, color: Any, sentence: str) -> None:
    """Arrays of wrong shapes, and unknown columns, are refused."""
    with pytest.raises(RecordError, match=sentence):
        tile_map(tiles() if shown is None else shown, color, ax=ax)


def test_tile_map__one_hundred_thousand(ax: Axes, tmp_path: Path) -> None:
    """100 000 tiles are one collection without outlines, whose file has a bounded size."""
    x, y = (grid.ravel() * 9.0 for grid in np.meshgrid(np.arange(400), np.arange(250)))
    tile_map(np.stack([x, y, x + 10, y + 10], axis=1), x, ax=ax)
    save_figure(ax.figure, tmp_path / "tiles.png")  # type: ignore[arg-type]

    assert len(ax.collections[0].get_paths()) == 100_000
    assert len(ax.collections[0].get_edgecolor()) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["tiles.png"]


# Matches


def pairs(*ids: tuple[str, str]) -> MatchTable:
    points = [[0.0, 0.0], [1.0, 1.0]]
    return MatchTable.from_records(
        [
            MatchRecord(p_group="1", q_group="1", p_id=p, q_id=q, p=points[: 1 + place], q=points[: 1 + place])
            for place, (p, q) in enumerate(ids)
        ]
    )


def test_match_map__lines_between_centres(ax: Axes) -> None:
    """A line joins the centres of two tiles; pairs with other tiles are counted in the title."""
    match_map(pairs(("a", "b"), ("c", "a")), tiles(), ax=ax)

    _, lines = ax.collections
    drawn: list[Any] = [path.vertices for path in lines.get_paths()]
    assert [line.tolist() for line in drawn] == [[[5, 2.5], [13, 2.5]], [[5, 6.5], [5, 2.5]]]
    values: Any = lines.get_array()
    assert values.tolist() == [1, 2]
    other = new_figure()[1]
    match_map(pairs(("a", "b"), ("a", "elsewhere")), tiles(), ax=other)
    assert other.get_title() == "1 of 2 pairs have a tile that is not shown"


def test_match_map__colours(ax: Axes) -> None:
    """Given values replace the counts, large ones on top; their number must fit; no pairs draw no line."""
    match_map(pairs(("a", "b"), ("c", "a")), tiles(), [7, 3], label="residual (px)", ax=ax)

    values: Any = ax.collections[1].get_array()
    assert values.tolist() == [3, 7]
    assert ax.figure.axes[1].get_ylabel() == "residual (px)"
    with pytest.raises(RecordError, match=r"color must have a value per pair: got shape \(1,\) for 2 pairs"):
        match_map(pairs(("a", "b"), ("c", "a")), tiles(), [7], ax=ax)
    match_map(pairs(), tiles(), ax=new_figure()[1])


# Residuals


def test_residual_histogram__before_and_after(ax: Axes) -> None:
    """Several distributions share bins; the legend has medians, and numbers that are not finite."""
    residual_histogram({"before": [1, 2, 3, np.nan], "after": [0, 0.1]}, ax=ax)

    assert ax.get_xscale() == "log"
    assert legend(ax)[0].startswith("before: 3 points, 1 not finite; median 2 px, 95 % below 2.9 px")
    assert legend(ax)[1].startswith("after: 2 points; median 0.05 px")
    counts = [sum(patch.get_height() for patch in container) for container in ax.containers]
    assert counts == [3, 2]


def test_residual_histogram__empty_and_linear(ax: Axes) -> None:
    """No residuals, equal ones and a linear axis are drawn; another shape is refused."""
    residual_histogram([], ax=ax)
    linear = residual_histogram([0, 0], log=False, ax=new_figure()[1])

    assert (linear.get_xscale(), linear.get_xlim()[0] <= 0) == ("linear", True)
    with pytest.raises(RecordError, match=r"residuals must have shape \(N\): got \(1, 2\)"):
        residual_histogram([[1, 2]], ax=ax)


def test_residual_map__points(ax: Axes) -> None:
    """Few residuals are points, the largest on top; those that are not finite are left out."""
    residual_map([[0, 0], [5, 5], [9, 9]], [3, np.nan, 1], limits=(0, 5), ax=ax)

    (collection,) = ax.collections
    offsets: Any = collection.get_offsets()
    values: Any = collection.get_array()
    assert (offsets.tolist(), values.tolist(), collection.get_clim()) == ([[9, 9], [0, 0]], [1, 3], (0, 5))
    with pytest.raises(RecordError, match="points and residuals differ in length: got 1 and 2"):
        residual_map([[0, 0]], [1, 2], ax=ax)
    residual_map(np.empty((0, 2)), [], ax=new_figure()[1])


def test_residual_map__means_of_cells(ax: Axes) -> None:
    """Many residuals are means of cells: equal to those of a plain loop."""
    rng = np.random.default_rng(3)
    points, values = rng.uniform(0, 100, (100_001, 2)), rng.uniform(0, 1, 100_001)
    points[:2] = [[0, 0], [100, 100]]
    residual_map(points, values, ax=ax)

    means: Any = ax.collections[0].get_array()
    grid = means.reshape(200, 200)
    for row, column in [(0, 0), (17, 101), (199, 199)]:
        low = np.array([column, row]) / 2
        inside = ((points >= low) & (points < low + 0.5 + (low == 99.5))).all(axis=1)
        assert grid[row, column] == pytest.approx(values[inside].mean())


# Sections


def test_section_bounds__of_tiles(ax: Axes) -> None:
    """Ranges of a section are those of all its rows; missing sections are marked."""
    section_bounds([2, 1, 2], BOXES, missing_z=[3], ax=ax)

    drawn = {tuple(line.get_ydata()) for line in ax.lines[1:]}  # type: ignore[arg-type]
    assert drawn == {(8, 0), (18, 10), (0, 0), (5, 9)}
    assert ax.lines[0].get_xdata() == [3, 3]
    assert legend(ax) == ["range of x", "range of y"]
    with pytest.raises(RecordError, match="z and boxes differ in length: got 2 and 3"):
        section_bounds([1, 2], BOXES, ax=ax)


def test_section_order__out_of_order(ax: Axes) -> None:
    """Sections outside of the longest rising sequence are red and named; missing ranks, too."""
    section_order([1, 2, 3, 4, 5], [1, 9, 2, 3, np.nan], names=list("abcde"), ax=ax)

    right, wrong = ax.lines
    assert (list(right.get_xdata()), list(wrong.get_xdata())) == ([1, 3, 4], [2, 5])  # type: ignore[arg-type]
    assert [text.get_text() for text in ax.texts] == ["b", "e"]
    assert legend(ax) == ["in order", "out of order (2)"]
    with pytest.raises(RecordError, match="z, ranks and names differ in length: got 1, 2 and 0"):
        section_order([1], [1, 2], ax=ax)


# Pictures


def test_seam__true_tiles_agree(gateway: Gateway, tmp_path: Path, ax: Axes) -> None:
    """The overlay of correctly placed tiles is grey; a shift of one of them shows in colour."""
    stack = make_stack(gateway, sections=1, rows=1, columns=2, images=tmp_path)
    first, second = seam_pictures(stack.tile("s1_r0_c0"), stack.tile("s1_r0_c1"))
    seam_overlay(first, second, names=("a", "b"), ax=ax)
    shifted = np.roll(second.pixels, 3, axis=0)

    def colour(one: Any, other: Any) -> float:
        image: Any = seam_overlay(one, other, ax=new_figure()[1]).images[0].get_array()
        return float(np.abs(image[..., 0] - image[..., 1])[20:-20].mean())

    assert first.box == second.box
    assert list(ax.images[0].get_extent()) == [first.box.min_x, first.box.max_x, first.box.max_y, first.box.min_y]
    assert ax.get_title() == "a (magenta), b (green)"
    assert colour(first, second) < 0.02 < 0.1 < colour(first.pixels, shifted)


def test_seam__sections_and_boxes(gateway: Gateway, tmp_path: Path) -> None:
    """Two sections are drawn over the overlap of their boxes, or a given box."""
    stack = make_stack(gateway, sections=2, rows=1, columns=1, images=tmp_path)
    first, second = seam_pictures(stack.section(1), stack.section(2), box=(10, 20, 110, 80), scale=0.5)

    assert (first.shape, second.shape) == ((30, 50), (30, 50))
    assert tuple(first.box)[:4] == (10, 20, 110, 80)


def test_seam__wrong(gateway: Gateway) -> None:
    """Tiles that do not overlap, and pictures of different sizes, are refused."""
    stack = make_stack(gateway, sections=1, rows=1, columns=3)

    with pytest.raises(ImageError, match="do not overlap: got "):
        seam_pictures(stack.tile("s1_r0_c0"), stack.tile("s1_r0_c2"))
    with pytest.raises(ImageError, match=r"pictures of a seam differ in size: got \(3, 2\) and \(4, 2\) pixels"):
        seam_overlay(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ImageError, match=r"a picture must have shape \(H, W\) or \(H, W, 3\): got \(4,\)"):
        seam_overlay(np.zeros(4), np.zeros(4))


def test_contact_sheet__cells(ax: Axes) -> None:
    """Pictures of different sizes and types are cells of one image, with titles above them."""
    grey, colour = np.full((10, 20), 7, np.uint8), np.full((8, 20, 3), (1, 2, 3), np.uint8)
    deep = np.array([[1000, 3000]], dtype=np.uint16)
    contact_sheet([grey, colour, deep], ["a", "b", "c"], columns=2, ax=ax)

    sheet: Any = ax.images[0].get_array()
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert (sheet[1, 0].tolist(), sheet[1, 24].tolist(), sheet[0, 0].tolist()) == ([7] * 3, [1, 2, 3], [255] * 3)
    assert sheet[16, 0].tolist() == [0, 0, 0]
    assert sheet[16, 1].tolist() == [255] * 3
    with pytest.raises(ImageError, match="a contact sheet needs pictures, and a title for each: got 0 and 0"):
        contact_sheet([], ax=ax)


# Files


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_save__formats(ax: Axes, tmp_path: Path, suffix: str) -> None:
    """The suffix selects the format; another one is refused, and nothing is left behind."""
    tile_map(BOXES, ax=ax)
    figure: Any = ax.figure
    save_figure(figure, tmp_path / f"a.{suffix}")

    head = (tmp_path / f"a.{suffix}").read_bytes()[:5]
    assert head == {"png": b"\x89PNG\r", "pdf": b"%PDF-", "svg": b"<?xml"}[suffix]
    with pytest.raises(RecordError, match=r"has an unknown suffix; use \.pdf, \.png, \.svg to select the format"):
        save_figure(figure, tmp_path / "a.jpg")
    assert len(list(tmp_path.iterdir())) == 1
