"""Existing tiles changed through data frames of pandas, polars and numpy, and put back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, RecordError, StackWrapper, TileTable
from rendergateway.model.records.json_slices import copy_of
from rendergateway.model.tables.frames import SPLIT
from rendergateway.testing import make_stack
from rendergateway.transforms import tile_box
from tests.cases.read import case

Frame = Callable[[TileTable, dict[str, Any]], Any]


def _columns(table: TileTable) -> dict[str, Any]:
    """The columns of a table, those of several numbers split."""
    pytest.importorskip("pandas")
    frame = table.to_pandas()
    return {name: frame[name].to_numpy(dtype=object) for name in frame.columns}


def _pandas(table: TileTable, changes: dict[str, Any]) -> Any:
    pytest.importorskip("pandas")
    return table.to_pandas().assign(**changes)


def _indexed(table: TileTable, changes: dict[str, Any]) -> Any:
    return _pandas(table, changes).set_index("tile_id")


def _nullable(table: TileTable, changes: dict[str, Any]) -> Any:
    return _pandas(table, changes).convert_dtypes()


def _polars(table: TileTable, changes: dict[str, Any]) -> Any:
    polars = pytest.importorskip("polars")
    columns = {**_columns(table), **changes}
    return polars.DataFrame({name: [None if one != one else one for one in values] for name, values in columns.items()})


def _arrays(table: TileTable, changes: dict[str, Any]) -> Any:
    return {**_columns(table), **changes}


def _joined(table: TileTable, changes: dict[str, Any]) -> Any:
    names = ["tile_id", "z", "section_id", "last_class", *SPLIT]
    return {**table.columns(*names), **changes}


FRAMES: list[Frame] = [_pandas, _indexed, _nullable, _polars, _arrays, _joined]
ODD = (
    '{"tileId": "odd",  "minX":1, "minY":2, "maxX":3, "maxY":4, "width": 9e0, "unknown": {"a": 1.50}, "z":1,'
    ' "layout": {"sectionId": "1.0", "rotation": 0.50, "imageRow": 3}, "meshCellSize":32.0, "transforms": '
    '{"type":"list","specList":[{"type":"ref","refId":"lens"},{"type":"leaf","className":'
    '"mpicbg.trakem2.transform.AffineModel2D","dataString":"1 0 0 1 5 6"}]}}'
)
TEXTS = [*map(json.dumps, json.loads(case("lens_and_tps_last.json"))), ODD, '{"tileId": "bare"}']
TABLE = TileTable(TEXTS)
BOX = {"minX", "minY", "maxX", "maxY"}


def _texts(table: TileTable) -> list[str]:
    return [copy_of(text).decode() for text in table.texts]


@pytest.mark.parametrize("frame", FRAMES)
def test_with_columns__nothing_changed(frame: Frame) -> None:
    """A frame of unchanged tiles changes nothing, byte for byte, whatever transforms and missing values they have."""
    assert _texts(TABLE.with_columns(frame(TABLE, {}))) == TEXTS


@pytest.mark.parametrize("frame", FRAMES)
def test_with_columns__one_value(frame: Frame) -> None:
    """A changed value changes that member of that tile."""
    z = [1.0, 7.5, None]

    changed = TABLE.with_columns(frame(TABLE, {"z": z}))

    assert changed[1].to_dict() == {**json.loads(ODD), "z": 7.5}
    assert changed[1].members["unknown"] == TABLE[1].members["unknown"]
    assert _texts(changed)[::2] == TEXTS[::2]


@pytest.mark.parametrize("frame", FRAMES[:-1])
@pytest.mark.parametrize("missing", [None, math.nan, np.nan])
def test_with_columns__missing(frame: Frame, missing: Any) -> None:
    """Missing values are unchanged: they remove nothing."""
    changes = {name: [missing] * 3 for name in ("z", "width", "section_id", "image_row", "last_tx")}

    assert _texts(TABLE.with_columns(frame(TABLE, changes))) == TEXTS


@pytest.mark.parametrize(
    ("name", "value", "path", "has_box"),
    [
        ("z", 8, ["z"], True),
        ("section_id", "9.0", ["layout", "sectionId"], True),
        ("image_row", 4.0, ["layout", "imageRow"], True),
        ("rotation", 90.0, ["layout", "rotation"], True),
        ("image_url", "file:/b.png", ["mipmapLevels", "0", "imageUrl"], True),
        ("group_id", "review", ["groupId"], True),
        ("width", 8.0, ["width"], False),
        ("mesh_cell_size", 16.0, ["meshCellSize"], False),
        ("min_x", -5.0, ["minX"], True),
    ],
)
@pytest.mark.parametrize("frame", [_pandas, _polars, _arrays])
def test_with_columns__each_column(frame: Frame, name: str, value: Any, path: list[str], has_box: bool) -> None:
    """Each column of evolve can be changed, also one that a table does not list; a changed size drops the box."""
    changed = TABLE.with_columns(frame(TABLE, {name: [None, value, None]}))

    expected = json.loads(ODD)
    inner = expected
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
    inner[path[-1]] = value
    assert changed[1].to_dict() == {key: item for key, item in expected.items() if has_box or key not in BOX}
    assert _texts(changed)[::2] == TEXTS[::2]


@pytest.mark.parametrize("frame", FRAMES[:-1])
def test_with_columns__matrix(frame: Frame) -> None:
    """A changed number of the last affine keeps the others and all earlier transforms, and drops the box."""
    (changed,) = TABLE.with_columns(frame(TABLE, {"last_tx": [None, 50.0, None]}))[[1]]

    assert changed.bounds is None
    expected = {key: item for key, item in json.loads(ODD).items() if key not in BOX}
    expected["transforms"]["specList"][1]["dataString"] = "1.0 0.0 0.0 1.0 50.0 6.0"
    assert changed.to_dict() == expected


@pytest.mark.parametrize("rows", [[1], [2, 1, 0], [1, 0], []])
@pytest.mark.parametrize("frame", FRAMES)
def test_with_columns__other_rows(frame: Frame, rows: list[int]) -> None:
    """Rows are found by tile id: in any order, and only some of them."""
    part = TABLE[rows]
    z = [7.0 if row == 1 else None for row in rows]

    changed = TABLE.with_columns(frame(part, {"z": z}))

    assert changed.tile_id.tolist() == TABLE.tile_id.tolist()
    assert [tile.z for tile in changed] == [1.0, 7.0 if 1 in rows else 1.0, None]


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        ({"z": [1]}, RecordError, "the frame has columns z; tile_id is required, to find the tiles"),
        ({"tile_id": ["x"]}, RecordError, "no tile 'x' among the 3 tiles of the table"),
        ({"tile_id": ["odd", "odd"]}, RecordError, r"duplicate tile id 'odd' \(rows 0 and 1\)"),
        ({"tile_id": ["odd", None]}, RecordError, "row 1: tile_id must be a non-empty string: got None"),
        ({"tile_id": ["odd"], "z": [1, 2]}, RecordError, "columns differ in length: got {'tile_id': 1, 'z': 2}"),
        ({"tile_id": ["odd"], "z": 1}, RecordError, "column z is 1; expected one value per row"),
        ({"tile_id": ["odd"], "section_id": "abc"}, RecordError, "column section_id is 'abc'"),
        ({"tile_id": ["odd"], "score": [1]}, TypeError, "no column score; drop it from the frame"),
        ({"tile_id": ["odd"], "z": ["5"]}, RecordError, "z of tile 'odd' is '5'; expected a number"),
        ({"tile_id": ["odd"], "z": [math.inf]}, RecordError, "z of tile 'odd' is inf; expected a finite number"),
        ({"tile_id": ["odd"], "section_id": [7]}, RecordError, "section_id of tile 'odd' is 7; expected a string"),
        ({"tile_id": ["odd"], "image_row": [1.5]}, RecordError, "image_row of tile 'odd' is 1.5; expected an integer"),
        ({"tile_id": ["odd"], "last_ty": [math.inf]}, RecordError, "last_affine of tile 'odd' is .*inf"),
        ({"tile_id": ["odd"], "last_ty": ["x"]}, RecordError, "column last_ty: expected numbers"),
        ({"tile_id": ["a"], "last_ty": [1.0]}, RecordError, "last_affine of tile 'a'"),
        ({"tile_id": ["odd"], "last_class": ["X"]}, RecordError, "last_class of tile 'odd' is 'X'; it cannot"),
        ({"tile_id": ["odd"], "box": [[1, 2, 3]]}, RecordError, r"column box has shape \(1, 3\); expected 4"),
        ({"tile_id": ["odd"], "box": [[1, 2, 3, 4]], "min_x": [1]}, RecordError, "duplicate column min_x"),
    ],
)  # fmt: skip
def test_with_columns__bad_frames(frame: Any, error: type[Exception], message: str) -> None:
    """A frame that cannot be applied is refused in a sentence that names the column and the tile."""
    with pytest.raises(error, match=message):
        TABLE.with_columns(frame)


def test_with_columns__ids_that_are_numbers() -> None:
    """Ids that became integers, as a CSV file makes them, are found."""
    table = TileTable(['{"tileId": "100000000040000"}', '{"tileId": 7}'])

    assert table.with_columns({"tile_id": np.array([7, 100000000040000]), "z": [1, 2]}).z.tolist() == [2, 1]


def test_with_columns__duplicates_in_pandas() -> None:
    """A frame with two columns of one name is refused."""
    frame = _pandas(TABLE, {})

    with pytest.raises(RecordError, match=r"duplicate column z|column z is"):
        TABLE.with_columns(frame[["tile_id", "z", "z"]])


def test_evolve__side_given_twice() -> None:
    """A side of a box that is given alone and with the box is refused."""
    with pytest.raises(TypeError, match="column min_x is given twice, alone and in box"):
        TABLE.evolve(box=np.zeros((3, 4)), min_x=1)


# New tiles


def test_from_pandas__existing_tiles() -> None:
    """A frame of existing tiles builds no new ones, which would lose their lens."""
    with pytest.raises(RecordError, match=r"last_class, .* table\.with_columns\(frame\) changes these tiles"):
        TileTable.from_pandas(_pandas(TABLE, {}))


@pytest.mark.parametrize("frame", [_pandas, _nullable, _polars, _arrays])
def test_from_pandas__missing(frame: Frame) -> None:
    """Missing values of new tiles are left out, matrices too."""
    tiles = frame(TABLE, {"z": [None, 2.0, None]})
    columns: Any = getattr(tiles, "columns", tiles)

    new = TileTable.from_pandas({name: tiles[name] for name in columns if name != "last_class"})

    assert [tile.z for tile in new] == [None, 2.0, None]
    assert [len(tile.transforms) for tile in new] == [0, 1, 0]
    assert new[2].to_dict() == {"tileId": "bare", "layout": {}, "mipmapLevels": {"0": {}}, "transforms": {
        "type": "list", "specList": []}}  # fmt: skip


def test_from_pandas__part_of_a_matrix() -> None:
    """A matrix without some of its numbers is refused, not dropped."""
    with pytest.raises(RecordError, match="some columns of a matrix; expected all of last_m00, "):
        TileTable.from_pandas({"tile_id": ["a"], "last_tx": [5.0]})
    with pytest.raises(RecordError, match=r"last_affine of tile 'a' is .*nan.*; expected finite numbers"):
        TileTable.from_pandas({"tile_id": ["a"], **{name: [5.0] for name in SPLIT["last_affine"]}, "last_m00": [None]})


# Put back


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Two sections of tiles with a shared lens."""
    return make_stack(gateway, sections=2)


@pytest.mark.parametrize("frame", FRAMES)
def test_put__changed_frame(frame: Frame, stack: StackWrapper) -> None:
    """The loop of a lab: tiles are read, changed in a frame and put; their transforms are known, other members stay."""
    section = stack.section(1)
    table = section.tiles().table()
    before = [tile.to_dict() for tile in table]

    with stack.editing() as edit:
        edit.put(table.with_columns(frame(table, {"z": table.z + 1})))

    after = [tile.to_dict() for tile in stack.tiles(z=2).table() if tile.tile_id.startswith("s1")]
    assert after == [{**tile, "z": 2.0} for tile in before]
    assert stack.tile_count == 8


def test_put__changed_matrices(stack: StackWrapper) -> None:
    """Tiles that a frame moves have new boxes; the others keep theirs."""
    tiles = stack.section(1).tiles()
    old = {tile.tile_id: tile.bounds for tile in tiles}
    frame = {"tile_id": [tiles[0].tile_id], "last_tx": [tiles.table().last_affine[0, 0, 2] + 1000]}

    with stack.editing() as edit:
        edit.put(tiles.table().with_columns(frame))

    moved = {tile.tile_id: tile.bounds for tile in stack.section(1).tiles() if tile.bounds != old[tile.tile_id]}
    assert list(moved) == [tiles[0].tile_id]
    (box,) = moved.values()
    assert box == tile_box(tiles[0].resolved_transforms, 512, 512)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.evolve(z=9),
        lambda table: table[:2],
        lambda table: table[table.z > 0].evolve(z=9)[[0, 1]],
        lambda table: table.with_columns({"tile_id": table.tile_id, "z": table.z + 8}),
        lambda table: TileTable.joined([table[:1], table[1:]]),
    ],
)
def test_put__table_of_another_stack(change: Callable[[TileTable], TileTable], stack: StackWrapper) -> None:
    """A table of listed tiles, selected from or changed, knows the shared transforms of its stack."""
    other = stack._conn.create_stack("other")
    table = change(stack.section(1).tiles().table())

    with other.editing() as edit:
        assert edit.put(table) == len(table)

    assert other.tiles()[0].transforms == stack.tile(other.tiles()[0].tile_id).transforms


def test_put__table_of_two_stacks(stack: StackWrapper) -> None:
    """Tables of several stacks, joined, know no shared transforms: those must be passed."""
    other = stack._conn.create_stack("other")
    second = stack.clone_to("second", complete=True)
    table = TileTable.joined([stack.section(1).tiles().table(), second.section(2).tiles().table()])

    with (
        pytest.raises(RecordError, match=r"the following transform ids \[lens\], which are missing"),
        other.editing() as edit,
    ):
        edit.put(table)


def test_put__table_after_a_new_lens(stack: StackWrapper) -> None:
    """A table read before its lens was replaced is put into its stack with the present lens."""
    table = stack.section(1).tiles().table()
    lens = stack.shared_transforms["lens"]

    with stack.editing() as edit:
        edit.set_shared_transform("lens", lens @ lens.as_affine() if lens.is_affine else lens.evolve(labels=["new"]))
        edit.put(table.evolve(z=1.0))

    assert stack.shared_transforms["lens"] != lens
