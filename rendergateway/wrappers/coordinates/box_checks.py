"""Checks of stored bounding boxes against those that size and transforms of a tile imply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.row_table import RowTable
from rendergateway.model.tile_text.boxes import wrong_boxes
from rendergateway.progress import Progress, tracking

__all__ = ["check_boxes"]

_NAMES = ("tile_id", "z", "off_px", "problem")


def check_boxes(pieces: Iterable[ResolvedTiles], tolerance_px: float, progress: Progress, what: str) -> RowTable:
    """Check the bounding boxes of tiles; see `StackWrapper.check_boxes`."""
    rows: list[tuple[Any, ...]] = []
    count = 0
    with tracking(progress, what) as report:
        for piece in pieces:
            rows += wrong_boxes(list(piece.tiles.values()), piece.shared(), tolerance_px)
            count += len(piece)
            report(count)
    return RowTable({name: [row[place] for row in rows] for place, name in enumerate(_NAMES)})
