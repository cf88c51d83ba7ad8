"""Tables of points mapped between tiles and the world."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from rendergateway.errors import CoordinateError, RecordError
from rendergateway.model import CoordinateRecord, CoordinateTable

# A response of the service: three mapped points, and one that could not be mapped, returned as sent.
BY_POINT = [
    {"tileId": "a", "visible": True, "world": [1.5, 2.0, 3.0]},
    {"tileId": "b", "world": [4.0, 5.0]},
    {"tileId": "c", "world": ["NaN", 5.0, 6.0]},
    {"tileId": "d", "local": [7.0, 8.0], "error": "no such tile"},
]
UNDER_POINTS = [
    [{"tileId": "a", "local": [1.0, 2.0, 3.0]}, {"tileId": "b", "visible": True, "local": [9.0, 8.0, 3.0]}],
    [{"world": [-1e6, 0.0, 3.0], "error": "no tile specifications found"}],
]


def test_coordinates__list() -> None:
    """A list has one row per point; failed points have a reason and no coordinates."""
    table = CoordinateTable.from_json(json.dumps(BY_POINT))

    assert table.frame == "world"
    assert table.point.tolist() == [0, 1, 2, 3]
    assert table.tile_id.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(table.xy, [[1.5, 2], [4, 5], [np.nan, 5], [np.nan, np.nan]])
    np.testing.assert_array_equal(table.z, [3, np.nan, 6, np.nan])
    assert table.visible.tolist() == [True, False, False, False]
    assert table.error.tolist() == ["", "", "world coordinates are not finite: got (nan, 5.0)", "no such tile"]
    assert repr(table).splitlines()[0] == "<CoordinateTable of 4 rows, world pixels, 2 failed>"


def test_coordinates__lists_of_lists() -> None:
    """Rows of several tiles at a point share its index, and are encoded as they were decoded."""
    table = CoordinateTable.from_json(json.dumps(UNDER_POINTS))

    assert table.frame == "local"
    assert table.point.tolist() == [0, 0, 1]
    assert table[table.visible].tile_id.tolist() == ["b"]
    written = json.loads(table.to_json(nested=True))
    assert written[0] == UNDER_POINTS[0]
    assert written[1] == [{"error": "no tile specifications found"}]
    assert json.loads(table.to_json()) == [*written[0], *written[1]]


@pytest.mark.parametrize("nested", [True, False])
def test_coordinates__none(nested: bool) -> None:
    """An empty list is an empty table, and the reverse."""
    table = CoordinateTable.from_json("[]")

    assert len(table) == 0
    assert table.to_json(nested=nested) == b"[]"
    assert table.raise_errors() is table


def test_coordinates__selection() -> None:
    """An index returns a record; masks, slices and indices return tables."""
    table = CoordinateTable.from_json(json.dumps(BY_POINT))

    assert table[0] == CoordinateRecord(tile_id="a", visible=True, world=[1.5, 2.0, 3.0])
    assert table[-1].error == "no such tile"
    assert table[table.error == ""].tile_id.tolist() == ["a", "b"]
    assert [record.tile_id for record in table[1:3]] == ["b", "c"]
    assert table[[2, 0]].point.tolist() == [2, 0]
    with pytest.raises(IndexError):
        _ = table[4]


def test_coordinates__errors() -> None:
    """The error contains the number of failures and the first reasons."""
    failed = [{"tileId": "a", "error": f"reason {number}"} for number in range(5)]
    table = CoordinateTable.from_json(json.dumps([*BY_POINT[:2], *failed]))

    with pytest.raises(CoordinateError, match=r"^5 of 7 points .*: point 2: reason 0; .*; point 4: reason 2; …$"):
        table.raise_errors()
    assert table[~table.failed].raise_errors().tile_id.tolist() == ["a", "b"]


def test_coordinates__from_points() -> None:
    """Points to be mapped are built from columns; a single tile id applies to all."""
    table = CoordinateTable.from_points([[1, 2], [3, 4]], frame="local", tile_id="a", z=[5, math.nan])

    assert json.loads(table.to_json()) == [
        {"tileId": "a", "local": [1.0, 2.0, 5.0]},
        {"tileId": "a", "local": [3.0, 4.0]},
    ]
    assert CoordinateTable.from_json(table.to_json()).xy.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tileId":"a"}', "expected a JSON array"),
        ("[7]", r"expected an array of \{tileId, local \| world, visible, error\}"),
        ('[{"tileId":[7]}]', "expected an array of .*tileId"),
        ('[{"tileId":"a","world":["far",1]}]', "expected a number, not 'far'"),
        ('[{"tileId":"a","world":[1,2]', "expected a JSON array"),
    ],
)
def test_coordinates__bad_text(text: str, message: str) -> None:
    """Other JSON is refused."""
    with pytest.raises(RecordError, match=message):
        CoordinateTable.from_json(text)


def test_coordinates__columns_of_different_length() -> None:
    """Columns have one value per row."""
    columns: dict[str, Any] = {"point": [0], "tile_id": ["a"], "x": [1], "y": [2], "z": [3], "visible": [True]}
    with pytest.raises(RecordError, match="one value per row"):
        CoordinateTable(**columns, error=["", ""])


def test_coordinates__pandas() -> None:
    """A data frame has the columns of the table."""
    pytest.importorskip("pandas")

    frame = CoordinateTable.from_json(json.dumps(BY_POINT)).to_pandas()

    assert list(frame) == ["point", "tile_id", "x", "y", "z", "visible", "error"]
    assert frame[frame.visible].tile_id.tolist() == ["a"]
