"""Bounding boxes are dropped when their sources change: in records, tables and texts."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rendergateway import RecordError, ResolvedTiles, TileRecord, TileTable
from rendergateway.model.records.tiles import ResolvedTileRecord
from rendergateway.model.tile_text.edits import without_stale_box
from rendergateway.transforms import AffineModel2D, TransformReference

TILE = TileRecord(tile_id="a", min_x=0, min_y=0, max_x=9, max_y=9, width=9, height=9, transforms=[AffineModel2D()])
CHANGES = [
    ({"z": 7}, True),
    ({"width": 8}, False),
    ({"height": 8}, False),
    ({"mesh_cell_size": 32}, False),
    ({"transforms": []}, False),
    ({"width": None}, False),
    ({"width": 8, "max_x": 8}, True),
]


@pytest.mark.parametrize(("changes", "has_box"), CHANGES)
def test_without_stale_box(changes: dict[str, Any], has_box: bool) -> None:
    """The old bounding box is removed if size, mesh or transforms changed; a new one is kept."""
    naively = TILE._changed(changes)

    changed = TileRecord.from_json(without_stale_box(TILE.to_json(), naively.to_json()))

    assert (changed.bounds is not None) == has_box
    assert changed == TILE.evolve(**changes)


@pytest.mark.parametrize("kind", [TileRecord, ResolvedTileRecord])
@pytest.mark.parametrize(("changes", "has_box"), CHANGES)
def test_evolve__record(kind: type[TileRecord], changes: dict[str, Any], has_box: bool) -> None:
    """A changed record has no bounding box if size, mesh or transforms are given without one."""
    changed = kind.from_json(TILE.to_json()).evolve(**changes)

    assert {"minX", "minY", "maxX", "maxY"} & changed.to_dict().keys() == (
        {"minX", "minY", "maxX", "maxY"} if has_box else set()
    )


BOX = {"minX": 0, "minY": 0.5, "maxX": -9e2, "maxY": 9}
LEAF = {"className": AffineModel2D.JAVA_NAME, "dataString": "1 0 0 1 5 6"}
AFFINE = {"transforms": {"type": "list", "specList": [LEAF]}}
TEXTS = [
    json.dumps({"tileId": "spaced", **BOX, "width": 9, **AFFINE}),
    json.dumps({"tileId": "dense", **BOX, "width": 9, **AFFINE}, separators=(",", ":")),
    json.dumps({**BOX, "tileId": "first", **AFFINE}),
    json.dumps({"tileId": "last", **AFFINE, **BOX}),
    json.dumps({"tileId": "partly", "minX": 1, "minY": 2, **AFFINE}),
    json.dumps({"tileId": "reverse", **dict(reversed(BOX.items())), **AFFINE}),
    json.dumps({"tileId": "null", **{**BOX, "minY": None}, **AFFINE}),
    json.dumps({"tileId": "text", **{**BOX, "minX": "NaN"}, **AFFINE}),
    json.dumps({"tileId": "escaped", **BOX, **AFFINE}).replace("minX", r"min\u0058"),
    json.dumps({"tileId": "inside", "note": {**BOX, "by": 1}, **BOX, **AFFINE}),
    json.dumps({"tileId": "only inside", "note": {**BOX, "by": 1}, **AFFINE}),
    json.dumps({"tileId": "named", "note": "minX", **BOX, **AFFINE}),
    json.dumps({"tileId": "none", **AFFINE}),
]


SOURCES: list[dict[str, Any]] = [
    {"last_affine": np.eye(2, 3)},
    {"width": 8},
    {"height": 8},
    {"size": np.full((1, 2), 8)},
    {"mesh_cell_size": 32},
]


@pytest.mark.parametrize("columns", [*SOURCES, {"z": 7}], ids=str)
@pytest.mark.parametrize("text", TEXTS)
def test_evolve__table(text: str, columns: dict[str, Any]) -> None:
    """Columns that a box is derived from remove the box of a tile, however it is written, and nothing else."""
    table = TileTable([text])
    _ = table.box if "NaN" not in text else None
    removed = set() if "z" in columns else BOX.keys()
    changed = {"z", "width", "height", "meshCellSize", "transforms"}

    new = table.evolve(**columns)

    expected = {name: value for name, value in json.loads(text).items() if name not in removed | changed}
    assert {name: value for name, value in new[0].to_dict().items() if name not in changed} == expected
    assert np.isnan(new.box[0]).tolist() == [expected.get(name) in (None, "NaN") for name in BOX]


@pytest.mark.parametrize("box", [{"box": [[0, 0, 5, 5]]}, {"max_x": 5}])
@pytest.mark.parametrize("columns", SOURCES, ids=str)
def test_evolve__table_with_box(columns: dict[str, Any], box: dict[str, Any]) -> None:
    """A box, or a side of it, that is given with the new size or transform is kept."""
    table = TileTable([TILE.to_json()])

    assert table.evolve(**columns, **box).box[:, 2].tolist() == [5]


def test_evolve__table_of_many() -> None:
    """Each tile loses its own box, wherever the texts are split, and tiles without an affine keep theirs."""
    texts = [text for _ in range(40) for text in TEXTS]
    texts[7] = json.dumps({"tileId": "lens", **BOX, "transforms": {"specList": [{"type": "ref", "refId": "lens"}]}})
    table = TileTable(texts)

    changed = table.evolve(last_affine=np.where(np.isnan(table.last_affine), np.nan, 1.0))

    assert [row for row, tile in enumerate(changed) if BOX.keys() & tile.to_dict().keys()] == [7]
    assert bytes(changed.texts[7]).decode() == texts[7]  # type: ignore[arg-type]


@pytest.mark.parametrize("head", [{"className": "some.Warp", "dataString": "1"}, {"type": "ref", "refId": "lens"}])
def test_evolve__affine_after_another_transform(head: dict[str, Any]) -> None:
    """Numbers that are not finite are refused for a tile whose last transform is affine, whatever the first is."""
    text = json.dumps({"tileId": "a", "transforms": {"type": "list", "specList": [head, LEAF]}})

    with pytest.raises(RecordError, match="last_affine of tile 'a' is nan; expected finite numbers"):
        TileTable([text]).evolve(last_affine=np.full((1, 2, 3), np.nan)).to_json()


def test_columns__of_one_text() -> None:
    """A column is read from one array of tiles, too, if a number in it is written as text."""
    table = TileTable.from_json(json.dumps([{"tileId": "a", "z": 1}, {"tileId": "b", "z": "NaN"}]))

    np.testing.assert_array_equal(table.columns("z")["z"], [1, np.nan])


def test_resolved_tiles__keep_boxes() -> None:
    """Replacing references by transforms, or the reverse, keeps boxes: the map of the tile is the same."""
    lens = AffineModel2D([[1, 0, 1], [0, 1, 1]])
    tile = TILE._changed({"transforms": TILE.transforms.evolve(transforms=[TransformReference("lens")])})
    tiles = ResolvedTiles.of([tile], {"lens": lens})

    (flat,) = tiles.resolved()
    (again,) = ResolvedTiles.unresolved([flat], {"lens": lens}).records()

    assert flat.bounds == again.bounds == TILE.bounds
    assert list(again.transforms) == [TransformReference("lens")]
