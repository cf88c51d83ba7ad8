"""Ids that are numbers in the JSON: text everywhere, as in the service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rendergateway import (
    CoordinateTable,
    Gateway,
    MatchRecord,
    MatchTable,
    RecordError,
    ResolvedTiles,
    StackWrapper,
    TileRecord,
    TileTable,
    read_tiles,
    read_transform_changes,
)
from rendergateway.batch.load import load_files
from rendergateway.model.records.json_slices import cut_list, decode_text
from rendergateway.model.tables.references import references
from rendergateway.model.tile_text.boxes import derived_boxes
from rendergateway.transforms import AffineModel2D
from tests.cases.read import case, case_file

NUMBER = "100000000040000"
(TILE,) = cut_list(case("numeric_tile_id.json"))
(REFERRING,) = cut_list(case("numeric_transform_id_tiles.json"))
(SHARED,) = cut_list(case("numeric_transform_id_transforms.json"))


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda: TileRecord.from_json(TILE).tile_id, NUMBER),
        (lambda: TileRecord.from_json('{"tileId": 7.50}').tile_id, "7.50"),
        (lambda: TileRecord.from_json('{"tileId": true}').tile_id, "true"),
        (lambda: TileRecord.from_json('{"tileId": "a", "layout": {"sectionId": 1.0}}').layout.section_id, "1.0"),  # type: ignore[union-attr]
        (lambda: TileRecord.from_json(TILE).validate(), []),
        (lambda: TileTable([TILE]).tile_id.tolist(), [NUMBER]),
        (lambda: TileTable(['{"tileId": "a"}', TILE]).validate(), []),
        (lambda: TileTable([TILE]).evolve(z=7).to_json().count(b'"tileId":' + NUMBER.encode()), 1),
        (lambda: references(REFERRING), {"7"}),
        (lambda: CoordinateTable.from_json('[{"tileId": 7, "world": [1, 2]}]').tile_id.tolist(), ["7"]),
        (lambda: derived_boxes([TILE], {}).tolist(), [[0, 0, 80, 60]]),
        (lambda: derived_boxes([REFERRING], {"7": AffineModel2D([[1, 0, 5], [0, 1, 5]])}).tolist(), [[5, 5, 85, 65]]),
        (lambda: next(iter(TileRecord.from_json(REFERRING).transforms)).ref_id, "7"),  # type: ignore[attr-defined]
        (lambda: ResolvedTiles.of([TileRecord.from_json(TILE)]).tiles.keys(), {NUMBER}),
        (lambda: ResolvedTiles.of(TileTable([TILE])).tiles.keys(), {NUMBER}),
        (lambda: ResolvedTiles.of(TileTable([REFERRING]), {"7": SHARED}).validate(), []),
        (lambda: len(next(ResolvedTiles.of(TileTable([REFERRING]), {"7": SHARED}).batches(1)).transforms), 1),
        (lambda: MatchTable(['{"pGroupId":1,"pId":2,"qGroupId":1.0,"qId":"b"}']).q_group.tolist(), ["1.0"]),
        (lambda: MatchRecord.from_json('{"pGroupId":1,"pId":2,"qGroupId":"1","qId":"b"}').p_group, "1"),
    ],
)  # fmt: skip
def test_numeric_ids(read: Callable[[], Any], expected: Any) -> None:
    """A number, with its digits, or a boolean is the text of an id wherever one is read."""
    assert read() == expected


@pytest.mark.parametrize("text", ["[]", "{}", "null", "1e999"])
def test_decode_text__others(text: str) -> None:
    """Other values are refused."""
    with pytest.raises(RecordError):
        decode_text(text)


def _load(stack: StackWrapper, folder: Path) -> None:
    load_files(stack, [case_file(name, folder) for name in (
        "numeric_tile_id.json", "numeric_transform_id_tiles.json", "numeric_transform_id_transforms.json",
    )])  # fmt: skip


def _edit_load(stack: StackWrapper, folder: Path) -> None:
    stack._conn.create_stack(stack.name)
    transforms = case_file("numeric_transform_id_transforms.json", folder)
    names = ("numeric_tile_id.json", "numeric_transform_id_tiles.json")
    with stack.editing() as edit:
        edit.load([case_file(name, folder) for name in names], transforms=transforms)


def _put(stack: StackWrapper, folder: Path) -> None:
    stack._conn.create_stack(stack.name)
    with stack.editing() as edit:
        edit.put(TileTable([TILE, REFERRING]), transforms={"7": SHARED})


def _put_stream(stack: StackWrapper, folder: Path) -> None:
    stack._conn.create_stack(stack.name)
    with stack.editing() as edit:
        for name in ("numeric_tile_id.json", "numeric_transform_id_tiles.json"):
            edit.put(read_tiles(case_file(name, folder)), transforms={"7": SHARED})


@pytest.mark.parametrize("save", [_load, _edit_load, _put, _put_stream])
def test_numeric_ids__saved(save: Callable[[StackWrapper, Path], None], gateway: Gateway, tmp_path: Path) -> None:
    """Tiles and shared transforms with numeric ids are saved by every way in, and found by their text."""
    stack = gateway.stack("numeric")

    save(stack, tmp_path)

    assert stack.section(1).tiles().ids == [NUMBER, "a"]
    assert stack.tile("a").resolved_transforms.apply([0, 0]).tolist() == [5, 5]
    assert stack.tile(NUMBER).bounds is not None


def test_numeric_ids__in_transform_changes(tmp_path: Path) -> None:
    """The tile ids of a solver's result may be numbers."""
    path = tmp_path / "solution.json"
    path.write_bytes(b'[{"tileId": %b, "transform": %b}]' % (NUMBER.encode(), bytes(SHARED)))

    assert list(read_transform_changes(path)) == [NUMBER]
