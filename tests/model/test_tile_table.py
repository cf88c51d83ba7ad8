"""Tables of tiles: columns decoded from texts, and texts encoded from columns."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from rendergateway import RecordError, TileRecord
from rendergateway.model import TileTable
from rendergateway.model.records.json_slices import Text
from rendergateway.transforms import AffineModel2D, TransformReference, TranslationModel2D

TILES = [
    TileRecord(
        tile_id=f"t{number}",
        z=number / 2,
        min_x=number,
        min_y=1,
        max_x=number + 10,
        max_y=5,
        width=10,
        height=4,
        image_url=f"file:/{number}.tif",
        transforms=[AffineModel2D([[1, 0.5, number], [0.25, 1, 1 / 3]])],
    )
    for number in range(4)
]


def test_table__columns() -> None:
    """Columns equal the fields of the records, and are read-only."""
    table = TileTable.from_records(TILES)

    assert table.tile_id.tolist() == ["t0", "t1", "t2", "t3"]
    assert table.z.tolist() == [0.0, 0.5, 1.0, 1.5]
    assert table.box[2].tolist() == [2.0, 1.0, 12.0, 5.0]
    assert table.size.tolist() == [[10.0, 4.0]] * 4
    assert table.image_url[3] == "file:/3.tif"
    assert table.last_affine[2].tolist() == [[1, 0.5, 2], [0.25, 1, 1 / 3]]
    assert TileTable.from_json(table.to_json()).columns("z", "last_affine")["z"].tolist() == table.z.tolist()
    with pytest.raises(ValueError, match="read-only"):
        table.z[0] = 5


def test_table__tile_without_box() -> None:
    """Missing members, nulls and the service's strings for NaN are NaN or None."""
    texts = ['{"tileId":"a"}', '{"tileId":"b","minX":null,"z":"NaN","layout":null,"mipmapLevels":null}']
    table = TileTable(texts)

    assert np.isnan(table.box).all()
    assert np.isnan(table.z).all()
    assert np.isnan(table.stage).all()
    assert np.isnan(table.last_affine).all()
    assert table.section_id.tolist() == table.image_url.tolist() == table.last_class.tolist() == [None, None]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ('{"tileId":"a","z":"high"}', "z", "row 1: z of <TileRecord a>: expected a number, not 'high'"),
        ('{"z":1}', "tile_id", "row 1: <TileRecord without id> has no tileId"),
        ("[]", "tile_id", "row 1: expected a JSON object"),
        ('{"tileId":"a","layout":{"stageX":"x"}}', "stage", "row 1: .*stageX"),
        ('{"tileId":"a","transforms":{"specList":[{"className":"mpicbg.trakem2.transform.AffineModel2D",'
         '"dataString":"1 0 0"}]}}', "last_affine", "row 1: .*6 numbers expected"),
    ],
)  # fmt: skip
def test_table__bad_rows(text: str, column: str, message: str) -> None:
    """The error of a malformed row names row, tile, field and value."""
    with pytest.raises(RecordError, match=message):
        getattr(TileTable([TILES[0].to_json(), text]), column)


def test_table__last_transforms_of_all_kinds() -> None:
    """Linear classes have a matrix, with the service's precision; others NaN; the class distinguishes them."""
    kinds = [TranslationModel2D(1, 2), TransformReference("lens"), AffineModel2D()]
    table = TileTable.from_records(TileRecord(tile_id=str(n), transforms=[kind]) for n, kind in enumerate(kinds))

    assert table.last_affine[0].tolist() == [[1, 0, 1], [0, 1, 2]]
    assert np.isnan(table.last_affine[1]).all()
    assert table.last_class.tolist() == [TranslationModel2D.JAVA_NAME, None, AffineModel2D.JAVA_NAME]
    with pytest.raises(RecordError, match=r"tile '0': the last transform is a .*TranslationModel2D"):
        table.evolve(last_affine=np.eye(2, 3))


@pytest.mark.parametrize("words", ["1\t0  0 1 5 6", "1 0 0 1 5 6 ", "+1 .0 0. 1d 5 6"])
def test_table__java_numbers(words: str) -> None:
    """Numbers that Java accepts and JSON does not are read, next to plain ones."""
    leaf = {"className": AffineModel2D.JAVA_NAME, "dataString": words}
    odd = json.dumps({"tileId": "odd", "transforms": {"specList": [leaf]}})

    table = TileTable([TILES[1].to_json(), odd])

    assert table.last_affine[1].tolist() == [[1, 0, 5], [0, 1, 6]]
    assert table.last_affine[0].tolist() == [[1, 0.5, 1], [0.25, 1, 1 / 3]]


def _leaf(words: str) -> str:
    return json.dumps({"className": AffineModel2D.JAVA_NAME, "dataString": words}, separators=(",", ":"))


_LEAF = _leaf("1 0 0 1 5 6")
_NOTE = '"note":{"dataString":"1 0 0 1 5 6"},'


@pytest.mark.parametrize(
    "items",
    [
        _LEAF,
        '{"type":"list","specList":[' + _leaf("9") + "]}," + _LEAF,
        f"{_LEAF},{_LEAF}",
        _LEAF.replace('"dataString":', '"dataString" :\n'),
        _LEAF.replace("dataString", r"data\u0053tring"),
        _LEAF.replace('"dataString"', _NOTE + r'"data\u0053tring"'),
        _LEAF.replace("{", '{"dataString2":"dataString",' + _NOTE),
        _LEAF.replace(',"dataString":"1 0 0 1 5 6"', ""),
        _LEAF.replace('"1 0 0 1 5 6"', "null"),
    ],
)
def test_table__changed_transforms_among_others(items: str) -> None:
    """Only the last affines change, wherever else the name of their member occurs."""
    text = '{"tileId":"odd","transforms":{"specList":[' + items + ']}, "x": 1.0}'
    texts: list[Text] = [TILES[1].to_json(), text, TILES[2].to_json()]
    affines = np.array([[[3, 0, 0], [0, 3, 0]], [[1, 0, 9], [0, 1, 0.5]], [[2, 0, 0], [0, 2, 0]]], dtype=float)

    changed = TileTable(texts).evolve(last_affine=affines)

    assert changed.last_affine.tolist() == affines.tolist()
    expected = json.loads(text)
    expected["transforms"]["specList"][-1]["dataString"] = "1.0 0.0 0.0 1.0 9.0 0.5"
    assert changed[1].to_dict() == expected


def test_table__same_numbers_twice() -> None:
    """Of two transforms with equal text, the last is replaced."""
    tile = TileRecord(tile_id="a", transforms=[AffineModel2D(), AffineModel2D()])

    (changed,) = TileTable.from_records([tile]).evolve(last_affine=[[[1, 0, 9], [0, 1, 9]]])

    assert [transform.as_affine().translation for transform in changed.transforms] == [(0, 0), (9, 9)]


def test_table__selection() -> None:
    """Indices return records; slices, masks and index arrays return tables with the decoded columns."""
    table = TileTable.from_records(TILES)

    assert table[-1] == TILES[3]
    assert list(table[table.z > 0.6]) == TILES[2:]
    assert table[[2, 0]].tile_id.tolist() == ["t2", "t0"]
    assert table[1:3].z.tolist() == [0.5, 1.0]
    assert len(pickle.loads(pickle.dumps(table))) == 4
    assert repr(table[:1]).splitlines()[0] == "<TileTable of 1 tile>"
    with pytest.raises(IndexError):
        table[np.array([True])]


def test_evolve__columns() -> None:
    """A changed column is decoded changed; the original table is not modified."""
    table = TileTable.from_records(TILES)

    changed = table.evolve(z=table.z + 100, box=table.box + 1, width=[1, 2, 3, 4], section_id="9.0")

    assert changed.z.tolist() == [100.0, 100.5, 101.0, 101.5]
    assert changed.box.tolist() == (table.box + 1).tolist()
    assert changed.size[:, 0].tolist() == [1, 2, 3, 4]
    assert changed.section_id.tolist() == ["9.0"] * 4
    assert table.z[0] == 0


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"z": [1, 2]}, RecordError, "z has 2 values; expected 4"),
        ({"z": np.zeros((4, 2))}, RecordError, "column z"),
        ({"z": [0, 1, math.nan, 3]}, RecordError, "z of tile 't2' is nan; expected a finite number"),
        ({"z": np.array([0, 1, np.inf, 3])}, RecordError, "z of tile 't2' is inf"),
        ({"z": "high"}, RecordError, "z of tile 't0' is 'high'; expected a number"),
        ({"image_row": 1.5}, RecordError, "image_row of tile 't0' is 1.5; expected an integer"),
        ({"section_id": 7}, RecordError, "section_id of tile 't0' is 7; expected a string"),
        ({"box": [[1, 2, 3]]}, RecordError, r"box has shape \(1, 3\); expected \(4, 4\)"),
        ({"last_affine": np.zeros((4, 3, 2))}, RecordError, r"last_affine has shape \(4, 3, 2\)"),
        ({"last_affine": np.full((4, 2, 3), np.nan)}, RecordError, "last_affine of tile 't0'"),
        ({"tile_id": ["a", "b", "a", "c"]}, RecordError, r"duplicate tile id 'a' \(rows 0 and 2\)"),
        ({"box": [["x", 2, 3, 4]] * 4}, RecordError, "column box: expected numbers in rows of equal length: .*'x'"),
        ({"last_affine": [[1, 2], [3]]}, RecordError, "column last_affine: expected numbers in rows"),
        ({"colour": 1}, TypeError, "no column colour"),
    ],
)
def test_evolve__bad_columns(columns: dict[str, Any], error: type[Exception], message: str) -> None:
    """The error of a wrong shape, type or number names the column and the tile."""
    with pytest.raises(error, match=message):
        TileTable.from_records(TILES).evolve(**columns)


def test_from_columns__mosaic() -> None:
    """Tiles built from arrays contain these members and no others."""
    section_no, row, col = np.indices((2, 2, 3)).reshape(3, -1)
    tiles = TileTable.from_columns(
        tile_id=[f"{s}_{r}_{c}" for s, r, c in zip(section_no, row, col, strict=True)],
        z=section_no,
        width=2048,
        section_id=[f"{s}.0" for s in section_no],
        image_row=row,
        translation=np.stack([col * 0.8, row * 0.8], axis=1),
        image_url=lambda tile_id: f"file:/{tile_id}.tif",
        shared=["lens"],
    )

    assert len(tiles) == 12
    assert tiles[11].to_dict() == {
        "tileId": "1_1_2",
        "layout": {"sectionId": "1.0", "imageRow": 1},
        "z": 1.0,
        "width": 2048.0,
        "mipmapLevels": {"0": {"imageUrl": "file:/1_1_2.tif"}},
        "transforms": {
            "type": "list",
            "specList": [
                {"type": "ref", "refId": "lens"},
                {"type": "leaf", "className": AffineModel2D.JAVA_NAME, "dataString": "1.0 0.0 0.0 1.0 1.6 0.8"},
            ],
        },
    }
    assert tiles.validate() == []


def test_from_columns__missing_and_duplicate() -> None:
    """None omits a member; duplicate ids and mutually exclusive columns are refused."""
    assert [tile.to_dict() for tile in TileTable.from_columns(tile_id=["a", "b"], z=[None, 1])] == [
        {"tileId": "a"},
        {"tileId": "b", "z": 1.0},
    ]
    with pytest.raises(RecordError, match=r"duplicate tile id 'a' \(rows 0 and 1\)"):
        TileTable.from_columns(tile_id=["a", "a"])
    with pytest.raises(TypeError, match="mutually exclusive"):
        TileTable.from_columns(tile_id=["a"], translation=[0, 0], last_affine=np.eye(2, 3))
    with pytest.raises(
        RecordError, match=r"translation has shape \(2, 2\); expected \(3, 2\), or \(2,\) for all tiles"
    ):
        TileTable.from_columns(tile_id=["a", "b", "c"], translation=np.zeros((2, 2)))
    assert TileTable.from_columns(tile_id=[]).to_json() == b"[]"


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", ""], "row 1: tile_id must be a non-empty string: got ''"),
        (["a", 7.0], r"row 1: tile_id must be a non-empty string: got 7\.0"),
        (["a", True], "row 1: tile_id must be a non-empty string: got True"),
        ([7, "7"], r"duplicate tile id '7' \(rows 0 and 1\)"),
        (["a", None], "row 1: tile_id must be a non-empty string: got None"),
    ],
)
def test_from_columns__invalid_ids(ids: list[Any], message: str) -> None:
    """The error of a missing id names the row."""
    with pytest.raises(RecordError, match=message):
        TileTable.from_columns(tile_id=ids)


def test_from_columns__arrays_of_texts_and_objects() -> None:
    """Ids and values of numpy arrays become plain strings and numbers."""
    table = TileTable.from_columns(
        tile_id=np.array(["a", "b"]),
        z=np.array([1, None], dtype=object),
        image_row=np.array([1.0, 2.0]),
        shared=["lens"],
        scope_id="7",
        camera_id=np.array(["1", "2"]),
    )

    assert [tile.z for tile in table] == [1.0, None]
    assert table.image_row.tolist() == [1, 2]
    assert table.scope_id.tolist() == ["7", "7"]
    assert table.camera_id.tolist() == ["1", "2"]
    assert [list(tile.transforms) for tile in table] == [[TransformReference("lens")]] * 2


def test_table__wrong_calls() -> None:
    """Unknown columns and text other than an array are refused."""
    with pytest.raises(TypeError, match="no column colour; it has tile_id, z, box"):
        TileTable.from_records(TILES).columns("colour")
    with pytest.raises(RecordError, match=r"expected a JSON array of tiles, not b'\{"):
        TileTable.from_json("{}")


def test_table__rows_of_several_tables() -> None:
    """Tables are concatenated in order; a table is equal only to itself."""
    table = TileTable.from_records(TILES)

    joined = TileTable.joined([table[:1], table[:0], table[2:]])

    assert joined.records() == [TILES[0], *TILES[2:]]
    assert TileTable.joined([table]) is table
    assert len({table, joined, table}) == 2
    assert table != joined


@pytest.mark.parametrize(
    ("transforms", "affine", "message"),
    [
        ('"transforms":7', 1.0, "last_affine of tile 'odd': transforms are not a list"),
        ('"transforms":{"specList":[{"type":"ref","refId":"a"}]}', 1.0, "a reference or list; expected mpicbg"),
        ('"transforms":{"specList":[]}', 1.0, "the last transform is missing"),
        (f'"transforms":{{"specList":[{_LEAF}]}}', np.nan, "last_affine of tile 'odd' is nan"),
    ],
)
def test_evolve__last_transform_that_is_not_affine(transforms: str, affine: float, message: str) -> None:
    """Numbers for a transform that is not affine, or NaN for one that is, raise an error with the tile."""
    table = TileTable(['{"tileId":"odd",' + transforms + "}"])

    with pytest.raises(RecordError, match=message):
        table.evolve(last_affine=np.full((1, 2, 3), affine))


def test_evolve__not_affine_is_unchanged() -> None:
    """Rows of NaN leave tiles unchanged whose last transform is missing or not affine."""
    texts = ['{"tileId":"a","transforms":{"specList":[{"type":"ref","refId":"a"}]}}', '{"tileId":"b", "z":1.50}']
    table = TileTable([*texts, TILES[1].to_json()])

    changed = table.evolve(last_affine=table.last_affine + 1)

    assert [bytes(text).decode() for text in changed.texts[:2]] == texts  # type: ignore[arg-type]
    assert changed.last_affine[2].tolist() == (TILES[1].transforms.as_affine().matrix + 1).tolist()


def test_table__affine_without_text() -> None:
    """The error of an affine without numbers names the row."""
    leaf = _LEAF.replace(',"dataString":"1 0 0 1 5 6"', "")
    with pytest.raises(RecordError, match=r"row 0: .*dataString of .*AffineModel2D is missing"):
        _ = TileTable(['{"tileId":"a","transforms":{"specList":[' + leaf + "]}}"]).last_affine


def test_pandas__new_tiles() -> None:
    """A data frame has all columns; without the class of existing transforms, it builds the same tiles."""
    pytest.importorskip("pandas")
    table = TileTable.from_records(TILES).evolve(section_id=["1.0", None, "1.0", "2.0"], stage=np.ones((4, 2)))

    frame = table.to_pandas()
    again = TileTable.from_pandas(frame.drop(columns="last_class"))

    assert frame.section_id.isna().tolist() == [False, True, False, False]
    assert frame.min_x.tolist() == [0, 1, 2, 3]
    assert again.last_affine.tolist() == table.last_affine.tolist()
    assert [tile.to_dict() for tile in again] == [tile.to_dict() for tile in table]


def test_validate__paths() -> None:
    """Every problem has its path, value and expectation."""
    table = TileTable(['{"tileId":"a","z":"x","layout":{"stageX":[]}}', '{"tileId":"a"}', "7"])

    assert sorted(problem.text for problem in table.validate()) == [
        "$[0].layout.stageX is []; expected a number",
        '$[0].z is "x"; expected a number',
        "$[1].tileId is 'a'; expected a unique id; $[0] has the same",
        "$[2] is 7; expected an object",
    ]


def test_table__integers_beyond_64_bits() -> None:
    """Integers too large for simdjson are read, and do not change other matrices."""
    table = TileTable.from_records(TILES)
    large = '{"tileId":"large","transforms":{"specList":[' + _leaf(f"1 0 0 1 {2**70} 6") + "]}}"

    affines = TileTable([*table.texts, large]).last_affine

    assert affines[:-1].tobytes() == table.last_affine.tobytes()
    assert affines[-1].tolist() == [[1, 0, 2.0**70], [0, 1, 6]]
