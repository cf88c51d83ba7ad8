"""Matches carried into the world of a stack, from the pixels that the collection says its points live in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rendergateway.errors import ConfigurationError, NotFoundError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.later import LaterModule
from rendergateway.model.tables.table import Column

if TYPE_CHECKING:
    from rendergateway.model import MatchTable
    from rendergateway.wrappers.coordinates import locate as locating
    from rendergateway.wrappers.coordinates import tile_maps
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper
else:
    locating = LaterModule("rendergateway.wrappers.coordinates.locate")
    tile_maps = LaterModule("rendergateway.wrappers.coordinates.tile_maps")

__all__ = ["checked_frame", "known_frame", "residuals_of", "table_in_world", "tile_in_world"]

_SHOWN = 3


def checked_frame(frame: str) -> str:
    """Return *frame* if it is one; raise ValueError for all else."""
    if frame not in tile_maps.FRAMES:
        raise ValueError(f"points live in frame='raw' or 'lens_corrected' pixels, not {frame!r}")
    return frame


def known_frame(frame: str | None, collection: str) -> str:
    """Return *frame*; raise `ConfigurationError` where nobody said it."""
    if frame is None:
        raise ConfigurationError(
            f"which pixels the points of {collection!r} live in is not known; "
            f"gateway.match_collection({collection!r}, frame='raw') says it, or frame='lens_corrected'"
        )
    return frame


def tile_in_world(tile: TileWrapper, points: FloatArray, frame: str) -> FloatArray:
    """Carry match points of one tile into the world."""
    if frame == "raw":
        return tile.world_from_local(points)
    _, after_lens = tile.resolved_transforms.flattened().split_at_lens()
    return after_lens.apply(points)


def table_in_world(table: MatchTable, stack: StackWrapper, frame: str) -> tuple[FloatArray, FloatArray]:
    """Carry all points of a table into the world; see `MatchCollectionWrapper.world`."""
    p_id, q_id = (np.repeat(ids, table.counts) for ids in (table.p_id, table.q_id))
    maps = locating.maps_of(stack, np.concatenate([table.p_id, table.q_id]).tolist(), frame)
    missing = sorted({tile_id for tile_id in (*table.p_id, *table.q_id) if tile_id not in maps})
    if missing:
        raise NotFoundError(f"{len(missing)} tiles of the matches are not in stack {stack}: {_first(missing)}")

    def carried(ids: Column, points: FloatArray) -> FloatArray:
        found = maps.world_from_local(ids.tolist(), points)
        failed = np.flatnonzero(found.error != "")
        if len(failed):
            raise TransformError(f"tile {ids[failed[0]]!r} of stack {stack}: {found.error[failed[0]]}")
        return found.points

    return carried(p_id, table.p), carried(q_id, table.q)


def residuals_of(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return how far apart the points of each match lie: (N,), in pixels."""
    distances: FloatArray = np.linalg.norm(p - q, axis=1)
    return distances


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
