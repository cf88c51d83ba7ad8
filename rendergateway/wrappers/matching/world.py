"""Match points in world pixels, from the frame that their collection specifies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rendergateway.errors import ConfigurationError, NotFoundError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.transforms import TransformList

if TYPE_CHECKING:
    from rendergateway.model.tables.match_table import MatchTable
    from rendergateway.model.tables.table import Column

__all__ = ["known_frame", "points_in_world", "residuals_of", "table_in_world", "tile_ids_of"]

_SHOWN = 3


class Maps(Protocol):
    """Maps of tiles by id into the world."""

    def __contains__(self, tile_id: object) -> bool: ...

    def world_from_local(self, tile_ids: Sequence[str], points: FloatArray) -> Any:
        """Return the transformed points, and an error for each."""


def known_frame(frame: str | None, collection: str) -> str:
    """Return *frame*; raise `ConfigurationError` if it is not set."""
    if frame is None:
        raise ConfigurationError(
            f"the frame of the points of {collection!r} is not set; "
            f"gateway.match_collection({collection!r}, frame='raw') sets it, or frame='lens_corrected'"
        )
    return frame


def points_in_world(transforms: TransformList, points: FloatArray, frame: str, where: str) -> FloatArray:
    """Transform match points of one tile, with these resolved transforms, into the world; *where* is for messages."""
    try:
        return transforms.flattened().split_at(frame)[1].apply(points)
    except TransformError as error:
        raise TransformError(f"{where}: {error}") from error


def tile_ids_of(table: MatchTable) -> list[str]:
    """Return the ids of all tiles in a table."""
    ids: list[str] = np.concatenate([table.p_id, table.q_id]).tolist()
    return ids


def table_in_world(table: MatchTable, maps: Maps, stack: object) -> tuple[FloatArray, FloatArray]:
    """Transform all points of a table into the world of *stack*; see `MatchCollectionWrapper.world_points`."""
    p_id, q_id = (np.repeat(ids, table.counts) for ids in (table.p_id, table.q_id))
    missing = sorted({tile_id for tile_id in (*table.p_id, *table.q_id) if tile_id not in maps})
    if missing:
        raise NotFoundError(f"{len(missing)} tiles of the matches are not in stack {stack}: {_first(missing)}")

    def mapped(ids: Column, points: FloatArray) -> FloatArray:
        found = maps.world_from_local(ids.tolist(), points)
        failed = np.flatnonzero(found.error != "")
        if len(failed):
            raise TransformError(f"tile {ids[failed[0]]!r} of stack {stack}: {found.error[failed[0]]}")
        in_world: FloatArray = found.points
        return in_world

    return mapped(p_id, table.p), mapped(q_id, table.q)


def residuals_of(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the distance of the two points of each match, shape (N,), in pixels."""
    distances: FloatArray = np.linalg.norm(p - q, axis=1)
    return distances


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
