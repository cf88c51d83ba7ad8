"""Pyramids, resolved tiles, render parameters, coordinates, bounds in nanometres, JSON of any value."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import numpy as np
import pytest

from rendergateway import Bounds, RecordError, ResolvedTiles, TileRecord, TransformError
from rendergateway.model import (
    CoordinateRecord,
    FilterRecord,
    ImagePyramid,
    RenderParameters,
    StackVersion,
    TileBoundsRecord,
    TileTable,
    channel_selection,
    json_default,
    to_json,
)
from rendergateway.model.records.view import view, viewed
from rendergateway.transforms import AffineModel2D, TransformReference, TranslationModel2D

LENS = AffineModel2D([[1.0, 0.1, 0.0], [0.0, 1.0, 0.0]], id="lens", labels=("lens",))
PLACE = AffineModel2D([[1, 0, 5], [0, 1, 6]])


def test_pyramid__levels_changed() -> None:
    """Levels are added, changed and removed; other members of a level are preserved."""
    pyramid = ImagePyramid.from_json('{"0":{"imageUrl":"a","imageSliceNumber":4,"more":1}}')

    changed = pyramid.with_level(0, image_url="b").with_level(1, image_url="c", mask_url="m")

    assert json.loads(changed.to_json()) == {
        "0": {"imageUrl": "b", "imageSliceNumber": 4, "more": 1},
        "1": {"imageUrl": "c", "maskUrl": "m"},
    }
    assert list(changed.without(0, 7)) == [1]
    assert list(pyramid) == [0]
    assert ImagePyramid(dict(changed)) == changed
    with pytest.raises(RecordError, match="-2"):
        ImagePyramid({-2: changed[0]})
    with pytest.raises(RecordError, match="-1"):
        pyramid.with_level(-1)


def test_resolved__round_trip() -> None:
    """References are replaced by shared transforms, and equal transforms by references."""
    tiles = [TileRecord(tile_id=name, transforms=[TransformReference("lens"), PLACE]) for name in "ab"]
    stored = ResolvedTiles.of(tiles, {"lens": json.dumps(LENS.to_spec()).encode()})

    flat = list(stored.resolved())

    assert list(ResolvedTiles.of(flat).resolved()) == flat
    with pytest.raises(RecordError, match="duplicate tile id 'a'"):
        ResolvedTiles.of([tiles[0], tiles[0]])
    assert [list(tile.transforms) for tile in flat] == [[LENS, PLACE]] * 2
    again = ResolvedTiles.unresolved(flat, {"lens": LENS})
    assert list(again.records()) == tiles
    assert again.shared() == {"lens": LENS}
    with pytest.raises(TransformError, match="'lens'"):
        list(ResolvedTiles.of(tiles).resolved())


def test_resolved__of_a_table() -> None:
    """The texts of a table are used unchanged; duplicate ids are refused."""
    table = TileTable.from_columns(tile_id=["a", "b"], z=1, translation=[1, 2], shared=["lens"])

    gathered = ResolvedTiles.of(table, {"lens": LENS})

    assert list(gathered.records()) == list(table)
    assert gathered.shared() == {"lens": LENS.evolve(id="lens")}
    assert (
        ResolvedTiles.of(TileTable(['{"tileId":"a"}'])).to_json()
        == ResolvedTiles.of(table[:0]).merged(ResolvedTiles(tiles={"a": b'{"tileId":"a"}'})).to_json()
    )
    with pytest.raises(RecordError, match=r"duplicate tile id 'a' \(rows 0 and 2\)"):
        ResolvedTiles.of(table[[0, 1, 0]])


def test_resolved__unresolved_with_texts() -> None:
    """Shared transforms may be JSON text; their id is their key."""
    tile = TileRecord(tile_id="a", transforms=[PLACE, AffineModel2D()])
    text = json.dumps(AffineModel2D().to_spec()).encode()

    stored = ResolvedTiles.unresolved([tile], {"identity": text})

    assert [list(tile.transforms) for tile in stored.records()] == [[PLACE, TransformReference("identity")]]
    assert stored.shared()["identity"].id == "identity"


def test_resolved__validate() -> None:
    """Missing and cyclic references, ids that differ from their keys, invalid tiles and transforms have paths."""
    affine = b'{"className":"mpicbg.trakem2.transform.AffineModel2D","dataString":"1 0 0"}'
    tiles = ResolvedTiles(
        transforms={
            "bad": affine,
            "round": b'{"type":"list","specList":[{"type":"ref","refId":"other"}]}',
            "other": b'{"type":"ref","refId":"round"}',
            "name": b'{"className":"some.Class","dataString":"","id":"another"}',
        },
        tiles={
            "a": TileRecord(tile_id="a", transforms=[TransformReference("lens")]).to_json(),
            "b": TileRecord(tile_id="c", transforms=[TransformReference("name")]).to_json(),
            "d": b'{"tileId":"d","z":"high"}',
            "e": b"7",
        },
    )

    problems = {problem.path: (problem.value, problem.expected) for problem in tiles.validate()}

    assert list(problems) == [
        *(f'$.transformIdToSpecMap["{key}"]' for key in ("bad", "round", "other")),
        '$.transformIdToSpecMap["name"].id',
        '$.tileIdToSpecMap["a"].transforms',
        '$.tileIdToSpecMap["b"].tileId',
        '$.tileIdToSpecMap["d"].z',
        '$.tileIdToSpecMap["e"]',
    ]
    assert problems['$.tileIdToSpecMap["b"].tileId'] == ("'c'", "'b', its key in the map")
    assert "6 numbers expected" in problems['$.transformIdToSpecMap["bad"]'][1]
    assert "references are circular: other → round → other" in problems['$.transformIdToSpecMap["round"]'][1]
    assert "there is no shared transform with id 'lens'" in problems['$.tileIdToSpecMap["a"].transforms'][1]


def test_resolved__missing_reference_names_the_tile() -> None:
    """The error of a missing reference names the tile."""
    tile = TileRecord(tile_id="a", transforms=[TransformReference("lens")])

    with pytest.raises(TransformError, match="<TileRecord a>: there is no shared transform with id 'lens'"):
        list(ResolvedTiles.of([tile]).resolved())


def test_resolved__merged_and_filtered() -> None:
    """Merging and filtering keep the transforms that tiles need, including indirect ones."""
    ref = '{"type":"ref","refId":"%s"}'
    chain = {"outer": (ref % "middle").encode(), "middle": (ref % "inner").encode(), "inner": b"{}", "other": b"{}"}
    one = ResolvedTiles.of([TileRecord(tile_id="a", transforms=[TransformReference("outer")])], chain)
    two = ResolvedTiles.of([TileRecord(tile_id="b", z=2)])

    both = one.merged(two)

    assert list(both.tiles) == ["a", "b"]
    assert list(both.filtered(["a"]).transforms) == ["outer", "middle", "inner"]
    assert list(both.filtered(lambda tile: tile.z == 2).tiles) == ["b"]
    with pytest.raises(RecordError, match="duplicate tile id 'a' in the merged tiles"):
        both.merged(one)
    with pytest.raises(RecordError, match="'inner' differs between the merged tiles"):
        one.merged(ResolvedTiles(transforms={"inner": b'{"x":1}'}))
    with pytest.raises(RecordError, match="no tile 'c'"):
        both.filtered("c")
    with pytest.raises(ValueError, match="batch size must be >= 1: got 0"):
        list(both.batches(0))


def test_bounds__nanometres() -> None:
    """Boxes are scaled by the resolution, z by the section thickness."""
    box = Bounds(1, 2, 3, 4, 5, 6)

    assert box.to_nm((2, 3, 40)) == Bounds(2, 6, 6, 12, 200, 240)
    assert list(Bounds(1, 2, 3, 4).to_nm((2, 2))) == [2, 4, 6, 8]
    for resolution in [(0, 1, 1), (1,), (float("nan"), 1, 1), (1, 1)]:
        with pytest.raises(ValueError, match="resolution"):
            box.to_nm(resolution)


def test_json__anything() -> None:
    """Records, transforms, bounds, dates, arrays and tables have a JSON form, alone and nested."""
    moment = datetime(2024, 5, 6, tzinfo=timezone.utc)
    tile = TileRecord(tile_id="a", z=1)
    value = {"tiles": [tile, PLACE], "table": TileTable.from_records([tile]), "at": (moment, Bounds(0, 0, 1, 1))}

    text = to_json({**value, "points": np.eye(2), "resolved": ResolvedTiles.of([tile])})

    found = json.loads(text)
    assert found["tiles"] == [{"tileId": "a", "z": 1}, PLACE.to_spec()]
    assert found["table"] == [{"tileId": "a", "z": 1}]
    assert found["at"] == ["2024-05-06T00:00:00.000Z", {"minX": 0, "minY": 0, "maxX": 1, "maxY": 1}]
    assert found["points"] == [[1, 0], [0, 1]]
    assert json.loads(json.dumps(value, default=json_default)) == {name: found[name] for name in value}
    with pytest.raises(RecordError, match="nan"):
        to_json([float("nan")])
    with pytest.raises(RecordError, match="inf"):
        to_json(np.array([1.0, np.inf]))
    with pytest.raises(TypeError):
        to_json(object())


def test_render_parameters__fields() -> None:
    """Render parameters have a region and tiles, and a change preserves other members."""
    recipe = RenderParameters.from_json('{"x":1,"scale":0.5,"tileSpecs":[{"tileId":"a","q":1}],"odd":2}')

    changed = recipe.evolve(background_rgb=0x202020, filters=[FilterRecord(class_name="c", parameters={"a": "1"})])

    assert [tile.tile_id for tile in changed.tiles] == ["a"]
    assert changed.filters[0].parameters == {"a": "1"}
    assert changed.to_dict()["odd"] == 2
    assert changed.to_dict()["tileSpecs"] == [{"tileId": "a", "q": 1}]


def test_small_records__fields() -> None:
    """Coordinates, tile bounds and versions are typed."""
    failed = CoordinateRecord.from_json('{"tileId":"a","world":[1,2,3.0],"error":"outside"}')
    box = TileBoundsRecord.from_json('{"tileId":"a","minX":0,"minY":0,"maxX":2,"maxY":1,"z":3}')

    assert (failed.visible, failed.error, failed.local, failed.world) == (False, "outside", None, [1, 2, 3.0])
    assert box.bounds == Bounds(0, 0, 2, 1)
    assert [problem.text for problem in StackVersion.from_json('{"createTimestamp":"now"}').validate()] == [
        '$.createTimestamp is "now"; expected a date like 2024-05-06T07:08:09.123Z'
    ]


def test_viewed__as_records_read_them() -> None:
    """Views of a JSON array have the values of the records, which accept more than strict decoding."""
    kind = view(TileBoundsRecord, tile_id=str, min_x=(float | None, None))

    rows = viewed(
        kind, TileBoundsRecord, '[{"tileId":"a","minX":1,"z":"?"},{"tileId":7,"minX":"Infinity"},{"tileId":"c"}]'
    )

    assert [(row.tile_id, row.min_x) for row in rows] == [("a", 1.0), ("7", float("inf")), ("c", None)]
    for wrong in ('[{"minX":1}]', '{"tileId":"a"}', "[1]", "["):
        with pytest.raises(RecordError):
            viewed(kind, TileBoundsRecord, wrong)


def test_channels__selection() -> None:
    """Names and weights of selected channels are separated by two underscores."""
    assert channel_selection({"DAPI": 1}) == "DAPI"
    assert channel_selection({"DAPI": 0.9, "TdTomato": 0.1}) == "DAPI__0.9__TdTomato__0.1"
    with pytest.raises(RecordError, match="a__b"):
        channel_selection({"a__b": 1})


def test_resolved__translation_is_kept() -> None:
    """A transform of another class than an equal shared one does not become a reference."""
    tile = TileRecord(tile_id="a", transforms=[TranslationModel2D(0, 0)])

    assert ResolvedTiles.unresolved([tile], {"none": AffineModel2D()}).tiles["a"] == tile.to_json()
