"""Conversion of tiles to table rows."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.store.spatial_index import place_of
from rendergateway.wire import TileSpec, decode_stored, encode, is_flat, references

if TYPE_CHECKING:
    import apsw
    from typing_extensions import Self

__all__ = ["COLUMNS", "TileRows", "has_columns_of_its_text"]

# Document size limit of the real service's database.
_LARGEST = 16 * 2**20

# All columns except the row id.
COLUMNS = "tile_id, z, section_id, group_id, min_x, min_y, max_x, max_y, level, cell_y, cell_x, flat, refs, text"
_NAMES = COLUMNS.split(", ")
_ONE = f"({', '.join('?' * len(_NAMES))})"
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
# Rows per statement: 100 take half the time of single statements. More rows save little, and each table has to parse
# the statement again.
_AT_ONCE = 100


@functools.cache
def _upsert(count: int) -> str:
    """Return the statement that stores *count* rows, replacing those with the same ids."""
    rows = ", ".join([_ONE] * count)
    return f"INSERT INTO tile_{{n}} ({COLUMNS}) VALUES {rows} ON CONFLICT (tile_id) DO UPDATE SET {_REPLACED}"


@attrs.frozen
class TileRows:
    """
    Rows of tiles, ready for the database.

    Attributes
    ----------
    values : sequence of tuple
        The values of `COLUMNS` per tile; ids are unique.
    channels : frozenset of str
        Names of their channels.
    """

    values: Sequence[tuple[Any, ...]]
    channels: frozenset[str]

    @classmethod
    def of(cls, tiles: Iterable[TileSpec]) -> Self:
        """
        Return the rows of *tiles*; of duplicate ids, the last tile counts.

        Raises
        ------
        IllegalState
            If a tile exceeds the size limit.
        """
        named = {tile.tileId: tile for tile in tiles}
        names = (channel.name for tile in named.values() for channel in tile.channels or () if channel)
        return cls([_values(tile) for tile in named.values()], frozenset(name for name in names if name is not None))

    @property
    def has_nameless(self) -> bool:
        """Whether a tile has no id."""
        return any(tile_id is None for tile_id, *_ in self.values)

    def save(self, connection: apsw.Connection, table: int) -> None:
        """Store the rows in the table with number *table*."""
        whole = len(self.values) - len(self.values) % _AT_ONCE
        many, single = (_upsert(count).format(n=table) for count in (_AT_ONCE, 1))
        for start in range(0, whole, _AT_ONCE):
            rows = self.values[start : start + _AT_ONCE]
            connection.execute(many, list(itertools.chain.from_iterable(rows)))
        connection.executemany(single, self.values[whole:])


def _values(tile: TileSpec) -> tuple[Any, ...]:
    numbers = (tile.minX, tile.minY, tile.maxX, tile.maxY)
    box = tuple(map(_number, numbers)) if str in map(type, numbers) else numbers
    flat = tile.transforms is not None and is_flat(tile.transforms)
    refs = None if flat else _as_json(tuple(references(tile.transforms)))
    text = encode(tile)
    if len(text) > _LARGEST:
        raise IllegalState(f"tile '{tile.tileId}' too large: got {len(text)} bytes, the limit is {_LARGEST}")
    return (
        # A z that is not finite remains text, as in the database of the real service: it is in no layer.
        tile.tileId, tile.z, tile.section_id, tile.groupId, *box, *place_of(*box), int(flat), refs, text,
    )  # fmt: skip


def has_columns_of_its_text(row: tuple[Any, ...]) -> bool:
    """Whether the columns of a stored row are those of its text."""
    (expected,) = TileRows.of([decode_stored(row[_NAMES.index("text")], TileSpec)]).values
    # SQLite stores NaN as NULL.
    return tuple(None if value != value else value for value in expected) == row


def _number(value: float | str | None) -> float | None:
    """Return the column value of a number; JSON represents values that are not finite as text."""
    return float(value) if isinstance(value, str) else value


# Most tiles of a stack refer to the same few transforms.
@functools.lru_cache(maxsize=256)
def _as_json(names: tuple[str | None, ...]) -> str | None:
    found = sorted({name for name in names if name is not None})
    return json.dumps(found) if found else None
