"""Tiles as rows of a table: all that is done with them before the database sees them."""

from __future__ import annotations

import functools
import itertools
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.store.spatial_index import place_of
from rendergateway.wire import TileSpec, encode, is_flat, references

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["COLUMNS", "TileRows"]

# The real service's database keeps no larger document.
_LARGEST = 16 * 2**20

# All columns but the number of the row, which is the table's own.
COLUMNS = "tile_id, z, section_id, group_id, min_x, min_y, max_x, max_y, level, cell_y, cell_x, flat, refs, text"
_NAMES = COLUMNS.split(", ")
_ONE = f"({', '.join('?' * len(_NAMES))})"
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
# So many in one statement take half the time of as many statements; twice as many save little more, and a statement is
# read anew for each table.
_AT_ONCE = 100


@functools.cache
def _upsert(count: int) -> str:
    """Return what stores *count* rows, each in place of the one that had its id."""
    rows = ", ".join([_ONE] * count)
    return f"INSERT INTO tile_{{n}} ({COLUMNS}) VALUES {rows} ON CONFLICT (tile_id) DO UPDATE SET {_REPLACED}"


@attrs.frozen
class TileRows:
    """
    Tiles that only have to be handed to the database.

    Attributes
    ----------
    values : sequence of tuple
        What stands in `COLUMNS`, for each tile; no two have the same id.
    channels : frozenset of str
        The names of their channels.
    """

    values: Sequence[tuple[Any, ...]]
    channels: frozenset[str]

    @classmethod
    def of(cls, tiles: Iterable[TileSpec]) -> Self:
        """
        Return *tiles* as rows; of those that have the same id, the last.

        Raises
        ------
        IllegalState
            If one is larger than the service keeps.
        """
        named = {tile.tileId: tile for tile in tiles}
        names = (channel.name for tile in named.values() for channel in tile.channels or () if channel)
        return cls([_values(tile) for tile in named.values()], frozenset(name for name in names if name is not None))

    @property
    def has_nameless(self) -> bool:
        """Whether one of them has no id."""
        return any(tile_id is None for tile_id, *_ in self.values)

    def save(self, connection: sqlite3.Connection, table: int) -> None:
        """Store them in the table of that number."""
        whole = len(self.values) - len(self.values) % _AT_ONCE
        many, single = (_upsert(count).format(n=table) for count in (_AT_ONCE, 1))
        for start in range(0, whole, _AT_ONCE):
            rows = self.values[start : start + _AT_ONCE]
            connection.execute(many, list(itertools.chain.from_iterable(rows)))
        connection.executemany(single, self.values[whole:])


def _values(tile: TileSpec) -> tuple[Any, ...]:
    numbers = (tile.z, tile.minX, tile.minY, tile.maxX, tile.maxY)
    z, *box = map(_number, numbers) if str in map(type, numbers) else numbers
    flat = tile.transforms is not None and is_flat(tile.transforms)
    refs = None if flat else _as_json(tuple(references(tile.transforms)))
    text = encode(tile)
    if len(text) > _LARGEST:
        raise IllegalState(f"tile '{tile.tileId}' has {len(text)} bytes; a tile may have {_LARGEST}")
    # Python's sqlite3 takes int, float, str and bytearray as they are; all else it asks for an adapter, each time anew.
    return (
        tile.tileId, z, tile.section_id, tile.groupId, *box, *place_of(*box), int(flat), refs, bytearray(text)
    )  # fmt: skip


def _number(value: float | str | None) -> float | None:
    """Return a number of a tile for its column; JSON holds those that are not finite as text."""
    return float(value) if isinstance(value, str) else value


# Most tiles of a stack name the same few.
@functools.lru_cache(maxsize=256)
def _as_json(names: tuple[str | None, ...]) -> str | None:
    found = sorted({name for name in names if name is not None})
    return json.dumps(found) if found else None
