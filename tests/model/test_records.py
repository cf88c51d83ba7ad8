"""Records: JSON text, typed fields, and the unchanged text again."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    Bounds,
    Layout,
    MatchRecord,
    MipmapLevel,
    RecordError,
    ResolvedTiles,
    TileRecord,
    TransformError,
    to_json,
)
from rendergateway.model import (
    CoordinateRecord,
    FilterRecord,
    ImagePyramid,
    PathBuilder,
    Record,
    StackRecord,
    StackVersion,
    date_text,
    parse_date,
)
from rendergateway.model.tables.references import references
from rendergateway.transforms import AffineModel2D, TransformReference, UnknownTransform

# Valid JSON in unusual formatting.
ODD = (
    '{ "note" : {"by": ["us", null, 1.50]}, "z": 3e0, "tileId" : "a\\u00e9", "width":2048,"minX":-0.0,'
    '"mipmapLevels":{"10":{},"2":{"imageUrl":"file:/a.png","imageSliceNumber":4}}, "labels": null,'
    '"transforms":{"type":"list","specList":[{"className":"x.Y","dataString":"1  2","more":7}]} }'
)


def test_record__text_is_preserved() -> None:
    """A record is encoded as it was read: unknown members, number text, order, blanks."""
    record = TileRecord.from_json(ODD)

    assert record.to_json().decode() == ODD
    assert pickle.loads(pickle.dumps(record)).to_json().decode() == ODD


def test_record__fields() -> None:
    """Fields are typed and decoded from the text; missing fields have their defaults."""
    tile = TileRecord.from_json(ODD)

    assert (tile.tile_id, tile.z, tile.width, tile.height, tile.labels, tile.mesh_cell_size) == (
        "aé",
        3.0,
        2048.0,
        None,
        [],
        64.0,
    )
    assert list(tile.mipmaps) == [2, 10]
    assert tile.mipmaps[2].image_slice == 4
    with pytest.raises(KeyError, match=r"^1$"):
        _ = tile.mipmaps[1]
    (transform,) = tile.transforms
    assert isinstance(transform, UnknownTransform)
    assert tile.layout is None
    assert tile.bounds is None


def test_record__change_touches_one_member() -> None:
    """A changed record keeps the text of every other member, in its order."""
    tile = TileRecord.from_json(ODD)

    changed = tile.evolve(width=100, min_x=-0.0, group_id="g")
    without = changed.evolve(labels=None, width=None)

    assert (
        changed.to_json()
        .decode()
        .startswith('{"note":{"by": ["us", null, 1.50]},"z":3e0,"tileId":"a\\u00e9","width":100')
    )
    assert json.loads(changed.to_json()) == {**json.loads(ODD), "width": 100, "groupId": "g"}
    assert {"width", "labels"} & without.to_dict().keys() == set()
    assert tile.to_json().decode() == ODD


def test_record__built_from_keywords() -> None:
    """A tile built from keywords contains these members and no others."""
    place = AffineModel2D([[1.0, 0.0, 33.5], [0.0, 1.0, 100.0]])
    tile = TileRecord(
        tile_id="000000000000",
        z=0,
        width=2048,
        height=2048,
        image_url="file:/data/0.tif",
        layout=Layout(section_id="1.0", scope_id="t", camera_id="c", stage_x=100.0, pixel_size=3.0),
        transforms=[TransformReference("lens"), place],
    )

    assert tile.to_dict() == {
        "tileId": "000000000000",
        "layout": {"sectionId": "1.0", "temca": "t", "camera": "c", "stageX": 100.0, "pixelsize": 3.0},
        "z": 0,
        "width": 2048,
        "height": 2048,
        "mipmapLevels": {"0": {"imageUrl": "file:/data/0.tif"}},
        "transforms": {"type": "list", "specList": [TransformReference("lens").to_spec(), place.to_spec()]},
    }
    assert list(tile.transforms) == [TransformReference("lens"), place]
    assert tile.mipmaps[0] == MipmapLevel(image_url="file:/data/0.tif")
    assert repr(tile).startswith("TileRecord(tile_id='000000000000', layout=Layout(section_id='1.0', ")


@pytest.mark.parametrize("kind", [TileRecord, Layout, ImagePyramid, StackRecord])
@pytest.mark.parametrize("value", [{"tileId": "a"}, [1], 7, None])
def test_record__from_json_of_a_value(kind: type[Record], value: Any) -> None:
    """from_json refuses anything but JSON text in one sentence that names the alternatives."""
    sentence = f"{kind.__name__}.from_json takes JSON text: got {type(value).__name__}; use {kind.__name__}.from_dict"
    with pytest.raises(TypeError, match=f"^{sentence} for a dict"):
        kind.from_json(value)


def test_record__from_dict() -> None:
    """A record of a dict has its members, known or not, in their order; the inverse of to_dict."""
    members = {"note": [1, None], "tileId": "a", "z": 3.5, "layout": {"sectionId": "1.0"}}
    tile = TileRecord.from_dict(members)

    assert tile.to_json() == b'{"note":[1,null],"tileId":"a","z":3.5,"layout":{"sectionId":"1.0"}}'
    assert tile.layout == Layout(section_id="1.0")
    assert tile.to_dict() == members
    with pytest.raises(RecordError, match="JSON has no number nan"):
        TileRecord.from_dict({"z": np.nan})
    with pytest.raises(TypeError, match=r"TileRecord\.from_dict takes a dict of JSON members: got list"):
        TileRecord.from_dict([1])  # type: ignore[arg-type]


def test_record__unknown_keyword() -> None:
    """A misspelt field is an error."""
    with pytest.raises(TypeError, match="no field titleId"):
        TileRecord(titleId="a")
    with pytest.raises(TypeError, match="no field colour"):
        TileRecord(tile_id="a").evolve(colour=1)


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ('{"z":1}', "tile_id", "has no tileId"),
        ('{"tileId":"a","z":"high"}', "z", "z of <TileRecord"),
        ('{"tileId":[7]}', "tile_id", "tileId of"),
        ('{"tileId":"a","mipmapLevels":{"first":{}}}', "mipmaps", "'first'"),
        ("[1]", "tile_id", "expected a JSON object"),
        ('{"tileId":"a"', "tile_id", "expected a JSON object"),
    ],
)
def test_record__malformed(text: str, field: str, message: str) -> None:
    """A malformed member raises an error with the record, the member and the value."""
    with pytest.raises(RecordError, match=message):
        list(getattr(TileRecord.from_json(text), field))


def test_record__not_finite() -> None:
    """Numbers that JSON cannot represent are decoded from the service's strings, and never encoded."""
    min_x = TileRecord.from_json('{"tileId":"a","minX":"NaN"}').min_x
    assert isinstance(min_x, float)
    assert np.isnan(min_x)
    assert TileRecord.from_json('{"tileId":"a","minX":"-Infinity"}').min_x == float("-inf")
    with pytest.raises(RecordError, match="nan"):
        TileRecord(tile_id="a", min_x=float("nan"))


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (
            TileRecord,
            {"tile_id": "a", "width": np.nan},
            r"width of TileRecord\(tile_id='a'\) is nan: JSON has no number",
        ),
        (TileRecord, {"tile_id": "a", "z": np.float64("inf")}, "z of .* is np.float64.inf.: JSON has no number inf"),
        (TileRecord, {"tile_id": "a", "width": "wide"}, r"width of .*'a'\) is 'wide'; expected a number"),
        (TileRecord, {"tile_id": "a", "z": True}, "z of .* is True; expected a number"),
        (TileRecord, {"tile_id": 7}, "tile_id of TileRecord is 7; expected a string"),
        (TileRecord, {"tile_id": "a", "labels": "lens"}, "labels of .* is 'lens'; expected a list"),
        (TileRecord, {"tile_id": "a", "layout": "1.0"}, "layout of .* is '1.0'; expected a Layout"),
        (Layout, {"stage_x": np.inf}, "stage_x of Layout is inf"),
        (Layout, {"image_row": 1.5}, "image_row of Layout is 1.5; expected an integer"),
        (
            CoordinateRecord,
            {"tile_id": "a", "local": [1, np.nan]},
            r"local of .* is \[1, nan\]: JSON has no number",
        ),
        (FilterRecord, {"class_name": "a", "parameters": {"x": np.nan}}, "parameters of .* JSON has no number nan"),
        (StackVersion, {"created": "2024-05-06"}, "created of .* is '2024-05-06'; expected a date like"),
    ],
)
def test_record__built_from_wrong_values(kind: type[Record], fields: dict[str, Any], message: str) -> None:
    """A value of the wrong type, or a number that is not finite, raises an error with record, field and value."""
    with pytest.raises(RecordError, match=message):
        kind(**fields)


def test_record__changed_to_wrong_values() -> None:
    """The error of a change names the record."""
    with pytest.raises(RecordError, match="z of <TileRecord a> is nan"):
        TileRecord(tile_id="a").evolve(z=np.nan)


def test_record__numbers_of_numpy() -> None:
    """Scalars of numpy are accepted; an integer may be a float without fraction."""
    layout = Layout(image_row=np.int64(3), image_col=2.0, stage_x=np.float32(0.5), rotation=1)

    assert layout.to_json() == b'{"imageRow":3,"imageCol":2,"stageX":0.5,"rotation":1}'


def test_json__bounds_not_finite() -> None:
    """A box with a side that is not finite is not encoded as a box without that side."""
    with pytest.raises(RecordError, match="JSON has no number nan"):
        to_json(Bounds(0, 0, np.nan, 1))


def test_record__malformed_transform() -> None:
    """The error of a malformed transform names the tile."""
    leaf = '{"className":"mpicbg.trakem2.transform.AffineModel2D","dataString":"1 0 0"}'
    tile = TileRecord.from_json('{"tileId":"a","transforms":{"type":"list","specList":[' + leaf + "]}}")

    with pytest.raises(TransformError, match=r"transforms of <TileRecord a>: .*6 numbers expected"):
        _ = tile.transforms
    (problem,) = tile.validate()
    assert problem.expected.startswith("a transform (Inappropriate parameters")


def test_stack__path_builder() -> None:
    """The path builder of a stack version is a record, and may be passed as a dict."""
    version = StackVersion(path_builder=PathBuilder(root_path="/m/", level_count=3))

    assert version.path_builder is not None
    assert version.path_builder.level_count == 3
    assert StackVersion(path_builder={"rootPath": "/m/", "numberOfLevels": 3}) == version


def test_record__equality() -> None:
    """Records are equal if their JSON values are."""
    assert TileRecord.from_json('{"tileId":"a","z":1}') == TileRecord.from_json('{ "z": 1.0, "tileId": "a"}')
    assert TileRecord(tile_id="a") != TileRecord(tile_id="b")
    assert TileRecord(tile_id="a") != Layout()
    with pytest.raises(TypeError):
        hash(TileRecord(tile_id="a"))


def test_pyramid__by_number() -> None:
    """Levels are looked up by number and iterated in ascending order."""
    pyramid = ImagePyramid.from_json('{"0":{"imageUrl":"a"},"10":{},"2":{}}')

    assert (list(pyramid), len(pyramid), 2 in pyramid, 3 in pyramid) == ([0, 2, 10], 3, True, False)
    assert pyramid[0].image_url == "a"
    with pytest.raises(KeyError):
        _ = pyramid[1]


def test_dates__aware_both_ways() -> None:
    """Timestamps are aware UTC, with milliseconds in the format of the service."""
    moment = datetime(2024, 5, 6, 9, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2)))

    assert date_text(moment) == "2024-05-06T07:08:09.123Z"
    assert parse_date("2024-05-06T07:08:09.123Z") == moment.replace(microsecond=123000)
    assert parse_date("2024-05-06T07:08:09.5Z").microsecond == 5000
    assert StackVersion(created=moment).created == moment.replace(microsecond=123000)
    with pytest.raises(RecordError, match="time zone"):
        date_text(datetime(2024, 5, 6))
    with pytest.raises(RecordError, match="yesterday"):
        parse_date("yesterday")


def test_stack__nested_records() -> None:
    """Nested members of a stack record are records."""
    stack = StackRecord.from_json(
        '{"stackId":{"owner":"o","project":"p","stack":"s"},"state":"COMPLETE","currentVersion":{"stackResolutionX":4},'
        '"stats":{"stackBounds":{"minX":0,"minY":1,"minZ":2,"maxX":3,"maxY":4,"maxZ":5},"tileCount":7}}'
    )

    assert stack.stack_id.name == "s"
    assert stack.version is not None
    assert stack.version.resolution_x_nm == 4.0
    assert stack.stats is not None
    assert stack.stats.stack_bounds is not None
    assert stack.stats.stack_bounds.bounds == Bounds(0, 1, 3, 4, 2, 5)


def test_matches__points_by_row() -> None:
    """Points are rows in the record and columns in the JSON."""
    pair = MatchRecord(p_group="1", p_id="a", q_group="2", q_id="b", p=[[0, 1], [2, 3], [4, 5]], q=np.ones((3, 2)))

    assert pair.to_dict()["matches"] == {"p": [[0, 2, 4], [1, 3, 5]], "q": [[1, 1, 1], [1, 1, 1]], "w": [1, 1, 1]}
    np.testing.assert_array_equal(pair.p, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(pair.weights, [1, 1, 1])
    assert len(pair) == 3
    counted = MatchRecord.from_json(pair.to_json()[:-1] + b',"matchCount":3}')
    assert counted.evolve(p=[[0, 1]], q=[[2, 3]], weights=[1]).match_count == 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (
            {"p": [[0, 0]], "q": [[0, 0], [1, 1]]},
            r"p, q and weights of .* have shapes \(1, 2\), \(2, 2\) and \(1,\); expected",
        ),
        ({"p": [[0, 0]], "q": [[0, 0]], "weights": [[1]]}, r"\(1, 1\); expected \(N, 2\), \(N, 2\) and \(N,\)"),
        (
            {"p": [[0, 1, 2], [3, 4, 5]], "q": [[0, 0]]},
            r"p of <MatchRecord 1/a – 2/b> has shape \(2, 3\); .*; transpose it with \.T",
        ),
        (
            {"p": [[0, 0]], "q": [[1, 2, 3]]},
            r"q of <MatchRecord 1/a – 2/b> has shape \(1, 3\); expected \(N, 2\), x and y",
        ),
        ({"p": [[0, 0]]}, "q of <MatchRecord 1/a – 2/b> is missing"),
        ({"weights": [1]}, "p of <MatchRecord 1/a – 2/b> is missing"),
        ({"p": [[0, 0], [0, np.inf]], "q": [[0, 0]] * 2}, r"p of .* is \[0.0, inf\] at point 1; expected finite"),
        ({"p": [[0, 0]], "q": [[0, 0]], "weights": [np.nan]}, "weights of .* is nan at point 0; expected finite"),
        ({"p": [["x", 0]], "q": [[0, 0]]}, "p of <MatchRecord 1/a – 2/b>: expected numbers: .*'x'"),
        ({"p": [[None, 0]], "q": [[0, 0]]}, "p of <MatchRecord 1/a – 2/b>: expected numbers: got null"),
        ({"p": [[1, 2], [3]], "q": [[0, 0]]}, "p of <MatchRecord 1/a – 2/b>: expected numbers"),
    ],
)
def test_matches__bad_points(points: dict[str, Any], message: str) -> None:
    """Wrong lengths, shapes and values raise an error with the pair, the side and the value."""
    with pytest.raises(RecordError, match=message):
        MatchRecord(p_group="1", p_id="a", q_group="2", q_id="b", **points)


def test_matches__stored_by_row() -> None:
    """Points stored by row instead of by dimension are detected, not misread."""
    by_row = MatchRecord.from_json(
        '{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{"p":[[1,2],[3,4],[5,6]],"q":[[1,2],[3,4],[5,6]],"w":[1,1,1]}}'
    )
    with pytest.raises(RecordError, match="all x, then all y"):
        _ = by_row.p
    with pytest.raises(RecordError, match="points of <MatchRecord 1/a – 2/b> are missing"):
        _ = MatchRecord(p_group="1", p_id="a", q_group="2", q_id="b").p


def test_matches__pair_without_ids() -> None:
    """A pair without an id has a repr, and reading the id raises an error."""
    pair = MatchRecord.from_json('{"pId":"a","qGroupId":"2","qId":"b"}')

    assert repr(pair) == "MatchRecord(p_id='a', q_group='2', q_id='b')"
    with pytest.raises(RecordError, match="<MatchRecord None/a – 2/b> has no pGroupId"):
        _ = pair.p_group


def test_matches__null_among_points() -> None:
    """A null among coordinates is an error, not NaN."""
    text = '{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{"p":[[null],[2]],"q":[["NaN"],[2]],"w":[1]}}'
    pair = MatchRecord.from_json(text)

    with pytest.raises(RecordError, match="p of <MatchRecord 1/a – 2/b>: expected numbers: got null"):
        _ = pair.p
    assert [problem.path for problem in pair.validate()] == ["$.matches.p"]
    assert np.isnan(pair.q[0, 0])


def test_resolved__batches_include_their_transforms() -> None:
    """Each batch includes exactly the transforms that its tiles refer to."""
    tiles = [TileRecord(tile_id=f"t{n}", transforms=[TransformReference(f"lens{n % 2}")]) for n in range(3)]
    tiles.append(TileRecord(tile_id="t3", transforms=[]))
    resolved = ResolvedTiles.of(tiles, {f"lens{n}": b'{"type":"leaf"}' for n in range(3)})

    parts = list(resolved.batches(1))

    assert [list(part.tiles) for part in parts] == [["t0"], ["t1"], ["t2"], ["t3"]]
    assert [list(part.transforms) for part in parts] == [["lens0"], ["lens1"], ["lens0"], []]
    assert [record.tile_id for record in ResolvedTiles.from_json(resolved.to_json()).records()] == [
        "t0",
        "t1",
        "t2",
        "t3",
    ]


def test_resolved__nested_references() -> None:
    """References are found in nested lists and interpolated transforms."""
    text = (
        '{"transforms":{"type":"list","specList":[{"type":"interpolated","a":{"type":"ref","refId":"x"},'
        '"b":{"type":"list","specList":[{"type":"ref","refId":"y"}]},"lambda":0.5}]}}'
    )

    assert references(text) == {"x", "y"}


def test_resolved__not_resolved_tiles() -> None:
    """An object without the map of tiles is refused with its members."""
    with pytest.raises(RecordError, match="resolved tiles lack the member tileIdToSpecMap; they have tileId"):
        ResolvedTiles.from_json('{"tileId":"a"}')
