"""The spatial index, compared with a full scan."""

from __future__ import annotations

import contextlib

import apsw
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rendergateway.service.store.connection import in_memory
from rendergateway.service.store.schema import create_tiles, migrate
from rendergateway.service.store.tile_rows import TileRows
from rendergateway.service.store.tiles import Tiles
from rendergateway.wire import TileSpec

Box = tuple[float, float, float, float]

_corner = st.floats(-1e7, 1e7) | st.integers(-50, 50).map(float) | st.floats(-1e300, 1e300)
_side = st.sampled_from([0.0, 1.0, 64.0, 2048.0]) | st.floats(-10, 1e6) | st.floats(0, 1e300)


def _with_sides(corner_and_sides: Box) -> Box:
    x, y, width, height = corner_and_sides
    return x, y, x + width, y + height


_box = st.tuples(_corner, _corner, _side, _side).map(_with_sides)


def _tiles(connection: apsw.Connection, boxes: list[Box]) -> Tiles:
    migrate(connection, "of the test")
    tiles = Tiles(connection, create_tiles(connection))
    specs = [
        TileSpec(tileId=f"{number:03d}", z=1.0, minX=box[0], minY=box[1], maxX=box[2], maxY=box[3])
        for number, box in enumerate(boxes)
    ]
    tiles.save(TileRows.of(specs))
    return tiles


def _touch(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and one[1] <= other[3] and one[2] >= other[0] and one[3] >= other[1]


@settings(max_examples=80, deadline=None)
@given(st.lists(_box, max_size=30), _box)
@example([(0.1 + 0.2, 0.0, 64.3, 64.0)], (64.3, 0.0, 65.0, 1.0))
@example([(-64.0, -64.0, 0.0, 0.0)], (0.0, 0.0, 0.0, 0.0))
def test_box_query__same_as_full_scan(boxes: list[Box], queried: Box) -> None:
    """A box query returns exactly the tiles whose boxes touch the queried box, shared edges included."""
    with contextlib.closing(in_memory()) as connection:
        tiles = _tiles(connection, boxes)

        found = [stored.tile_id for stored in tiles.stored(tiles.ids_in_box(1.0, *queried))]

        assert found == [f"{number:03d}" for number, box in enumerate(boxes) if _touch(box, queried)]
        assert tiles.count_in_box(1.0, *queried) == len(found)
        assert tiles.count_in_box(2.0, *queried) == 0
