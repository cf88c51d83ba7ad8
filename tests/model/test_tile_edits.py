"""Edits of a tile's text."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway import TileRecord
from rendergateway.model.tile_text.edits import without_stale_box
from rendergateway.transforms import AffineModel2D

TILE = TileRecord(tile_id="a", min_x=0, min_y=0, max_x=9, max_y=9, width=9, height=9, transforms=[AffineModel2D()])


@pytest.mark.parametrize(
    ("changes", "has_box"),
    [
        ({"z": 7}, True),
        ({"width": 8}, False),
        ({"height": 8}, False),
        ({"mesh_cell_size": 32}, False),
        ({"transforms": []}, False),
        ({"width": None}, False),
        ({"width": 8, "max_x": 8}, True),
    ],
)
def test_without_stale_box(changes: dict[str, Any], has_box: bool) -> None:
    """The old bounding box is removed if size, mesh or transforms changed; a new one is kept."""
    changed = TileRecord.from_json(without_stale_box(TILE.to_json(), TILE.evolve(**changes).to_json()))

    assert (changed.bounds is not None) == has_box
    assert changed == TILE.evolve(**changes, **({} if has_box else dict.fromkeys(("min_x", "min_y", "max_x", "max_y"))))
