"""Every public class shows its values in terminals and notebooks: bounded, escaped, without requests."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import rendergateway
from rendergateway import (
    BearerToken,
    Bounds,
    CoordinateRecord,
    CoordinateTable,
    FilterRecord,
    ImagePyramid,
    Layout,
    MatchRecord,
    MipmapLevel,
    PathBuilder,
    PictureOptions,
    Retries,
    StackWrapper,
    TileLimits,
    TileRecord,
    TileTable,
    TokenFile,
    Window,
    model,
    transforms,
)
from rendergateway.display import TableDisplay
from rendergateway.model.records.record import Record
from rendergateway.model.tables.row_table import RowTable
from rendergateway.transforms import Transform
from tests.transforms.examples import EXAMPLES

EVIL = "<script>alert('x')</script>&"
LONG = "x" * 5000
PUBLIC = {
    name: value
    for module in (rendergateway, model, transforms)
    for name in module.__all__
    if inspect.isclass(value := getattr(module, name)) and not issubclass(value, BaseException)
}


def samples(stack: StackWrapper) -> list[Any]:
    """At least one value of each public class, read from a stack or built."""
    gateway, section, tile = stack._conn, stack.section(2), stack.section(2).tiles()[0]
    matches = gateway.match_collection("dmesh")
    pair = matches.pairs()[0]
    affine = transforms.AffineModel2D()
    polynomial = EXAMPLES["polynomial"]
    return [
        gateway, gateway.registry, stack.owner, stack.project, stack, section, section.tiles(), tile, stack.editing(),
        stack.shared_transform("lens"), stack.tile_group("g"), matches, matches.group("1.0"), pair,
        matches.merged_with("other"), matches.table(), section.tiles().table(), stack.sections().table(),
        section.locate([[5, 5]]), stack.delete(dry_run=True), section.render_parameters(), stack._obj, stack.version,
        stack.stats, section._obj, pair._obj, matches._obj, tile._obj, tile.layout, tile.mipmaps, tile.bounds,
        section.resolved_tiles()[0], section.image(scale=0.1), model.ResolvedTiles.of(section.tiles().records()),
        *tile.transforms, *EXAMPLES.values(), affine.parts(), transforms.MeshInverse(polynomial, 200, 100),
        transforms.NewtonInverse(polynomial), transforms.UnknownTransform("a.B", LONG),
        BearerToken("secret"), TokenFile("token"), Retries(), TileLimits(), PictureOptions(), Window(0, 255),
        FilterRecord(class_name="a.B", parameters={"x": "1"}), PathBuilder(root_path="/"),
        model.ChannelRecord(name="DAPI"), MipmapLevel(),
        model.NameRecord(name="lab"), model.BoundsRecord(), model.StackStats(), model.Problem("$.z", "nan", "a number"),
        model.StackId(owner="lab", project="cortex", name="montage"), CoordinateRecord(local=[1.0, 2.0, 3.0]),
        model.TileBoundsRecord(tile_id="a"), rendergateway.Cells([(0, 1)]), rendergateway.TileSelection(),
        rendergateway.TileChanges(), rendergateway.TileChecks(), rendergateway.WarpLimits(),
        rendergateway.ClusterSplit(stack, {}, {}, {}), rendergateway.Warped(stack, 1, {}),
    ]  # fmt: skip


@pytest.fixture
def shown(make_stack: Callable[..., StackWrapper], tmp_path: Any) -> list[Any]:
    stack = make_stack(matches="dmesh", images=tmp_path)
    return samples(stack)


def test_display__of_every_public_class(shown: list[Any], counting: list[str]) -> None:
    """The text of each value is short, has no address in memory and no missing values, and needs no request."""
    counting.clear()

    for value in shown:
        text = repr(value)
        assert " object at 0x" not in text, text
        assert "=None" not in text, text
        assert "secret" not in text, text
        assert len(text) < 1000, text
        assert not any(line != line.rstrip() for line in text.splitlines()), text

    assert counting == []
    abstract = {name for name, kind in PUBLIC.items() if inspect.isabstract(kind)}
    bases = {"ObjectWrapper", "Record", "LeafTransform"}
    seen = {name for name, kind in PUBLIC.items() if any(isinstance(value, kind) for value in shown)}
    assert set(PUBLIC) - seen - abstract - bases == set()


def test_display__tables_in_notebooks(shown: list[Any], counting: list[str]) -> None:
    """Records, tables, collections and objects are HTML tables, without a request."""
    counting.clear()
    kinds = (Record, TableDisplay, rendergateway.Collection, rendergateway.ObjectWrapper)

    for value in shown:
        if isinstance(value, kinds):
            assert value._repr_html_().startswith(("<table><caption>", "<div>")), value

    assert counting == []


@pytest.mark.parametrize(
    "value",
    [
        TileRecord(tile_id=EVIL, labels=[EVIL], layout=Layout(section_id=EVIL)),
        Layout.from_dict({EVIL: EVIL}),
        ImagePyramid({0: MipmapLevel(image_url=EVIL)}),
        TileTable.from_columns(tile_id=[EVIL], z=1, width=1, height=1),
        RowTable({EVIL: [EVIL]}),
        CoordinateTable.from_points([[1, 2]], frame="world", tile_id=EVIL),
        model.MatchTable([MatchRecord(p_group=EVIL, p_id="a", q_group="b", q_id="c", p=[], q=[]).to_json()]),
        Layout.from_json(f'["{EVIL}"]'),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_display__html_is_escaped(value: Any) -> None:
    """Names and values are data, those of broken records and columns too."""
    html = value._repr_html_()

    assert "<script" not in html
    assert "&lt;script" in html


@pytest.mark.parametrize(
    "value",
    [
        TileRecord(tile_id=LONG, labels=[LONG] * 50, layout=Layout(section_id=LONG)),
        Layout.from_dict({f"member{number}": LONG for number in range(100)}),
        ImagePyramid({level: MipmapLevel(image_url=LONG) for level in range(100)}),
        TileTable.from_columns(tile_id=[f"{number}{LONG}" for number in range(500)], z=1, width=1, height=1),
        RowTable({"ids": [[LONG] * 100] * 100}),
        CoordinateTable.from_points([[1, 2]] * 500, frame="world", tile_id=LONG),
        transforms.TransformList([EXAMPLES["polynomial"]] * 500),
        transforms.UnknownTransform("a.B", LONG),
        Layout.from_json(f'["{LONG}"]'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_display__bounded(value: Any) -> None:
    """Long values are cut, many are counted; nothing fills the screen."""
    assert len(repr(value)) < 1000
    if not isinstance(value, Transform):
        html = value._repr_html_()
        assert len(html) < 20_000
        assert html.count("<tr>") <= 21


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Bounds(0, 0, 2, 1), "Bounds(min_x=0.0, min_y=0.0, max_x=2.0, max_y=1.0)"),
        (Bounds(0, 0, 2, 1, 5, 7), "Bounds(min_x=0.0, min_y=0.0, max_x=2.0, max_y=1.0, min_z=5.0, max_z=7.0)"),
        (Layout(section_id="1.0", image_row=0), "Layout(section_id='1.0', image_row=0)"),
        (Layout.from_dict({"sectionId": "1.0", "new": [1]}), "Layout(section_id='1.0', new=[1])"),
        (Layout.from_dict({"imageRow": "high"}), "Layout(image_row='high')"),
        (Layout.from_json("[1]"), "<Layout: expected a JSON object, not [1]: Expected `object`, got `array`>"),
        (ImagePyramid({1: MipmapLevel(image_url="a")}), "ImagePyramid(level_1=MipmapLevel(image_url='a'))"),
        (TileRecord(tile_id="a", labels=[LONG]), "TileRecord(tile_id='a', labels=[1 item])"),
        (
            MatchRecord(p_group="1", p_id="a", q_group="1", q_id="b", p=[[0, 0]], q=[[0, 0]]),
            "MatchRecord(p_group='1', p_id='a', q_group='1', q_id='b', points=1 point)",
        ),
        (TileTable([]), "<TileTable of 0 tiles>"),
        (
            TileTable.from_columns(tile_id=["a", "bb"], z=[1, 2.5], width=100, height=50),
            "<TileTable of 2 tiles>\n"
            "  tile_id    z  section_id  width  height  min_x  min_y  max_x  max_y\n"
            "        a    1           -    100      50      -      -      -      -\n"
            "       bb  2.5           -    100      50      -      -      -      -",
        ),
        (RowTable({"id": ["a\nb\x1b[2J"]}), "<RowTable of 1 row>\n           id\n  a\\nb\\x1b[2J"),
        (RowTable({"z": range(7)}), "<RowTable of 7 rows>\n  z\n  0\n  1\n  2\n  3\n  4\n  and 2 more"),
        (TileTable([b"{}"]), "TileTable>\n  RecordError: row 0: <TileRecord without id> has no tileId"),
    ],
)
def test_display__text(value: Any, text: str) -> None:
    """Records look like the call that builds them, tables show their first rows, broken ones the reason."""
    assert repr(value).removeprefix("<" if text.startswith("TileTable>") else "") == text
