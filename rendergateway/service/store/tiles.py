"""Tiles of one stack: canonical JSON beside indexed columns."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rendergateway.errors import StoreError
from rendergateway.service.store.spatial_index import bands
from rendergateway.service.store.tile_rows import TileRows

if TYPE_CHECKING:
    import apsw

__all__ = ["Ids", "StoredTile", "TileBox", "Tiles"]

Ids: TypeAlias = "array[int]"

_AT_ONCE = 500
# Number of tiles in the first piece of an answer, and target size of the others in bytes.
_FIRST, _PIECE = 64, 2**20

_SAVE_CHANNEL = "INSERT OR IGNORE INTO channel (contents, name) VALUES (?, ?)"
_DELETE_NAMELESS = "DELETE FROM tile_{n} WHERE tile_id IS NULL"
_TEXT = "SELECT tile_id, flat, refs, text FROM tile_{n} WHERE tile_id IS ?"
_TEXTS_OF_NAMES = """
SELECT tile.tile_id, flat, refs, text
FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.tile_id IS wanted.value
"""
_TEXTS = """
SELECT tile_id, flat, refs, text
FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.id = wanted.value
"""
_ENTRIES = """
SELECT CAST(group_concat(json_quote(ifnull(tile_id, '')) || ':' || text) AS BLOB), COUNT(*)
FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.id = wanted.value
"""
_BOXES = """
SELECT tile_id, section_id, z, min_x, min_y, max_x, max_y
FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.id = wanted.value
"""
_IDS_OF_NAMES = """
SELECT DISTINCT tile.id FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.tile_id IS wanted.value
ORDER BY tile_id
"""
_LEVELS = """
WITH RECURSIVE found (level) AS (
    SELECT MIN(level) FROM tile_{n} WHERE z = :z
    UNION ALL
    SELECT (SELECT MIN(level) FROM tile_{n} WHERE z = :z AND level > found.level) FROM found WHERE level IS NOT NULL
)
SELECT level FROM found WHERE level IS NOT NULL
"""
_IN_CELLS = """
FROM json_each(:bands) AS band CROSS JOIN tile_{n} AS tile INDEXED BY tile_{n}_place
    ON z = :z AND level = json_extract(band.value, '$[0]') AND cell_y = json_extract(band.value, '$[1]')
    AND cell_x BETWEEN json_extract(band.value, '$[2]') AND json_extract(band.value, '$[3]')
"""
_IN_LAYER = " FROM tile_{n} AS tile WHERE z = :z "
_TOUCHING = "AND min_x <= :right AND min_y <= :bottom AND max_x >= :left AND max_y >= :top"
_SHARED = "SELECT text FROM transform_{n} WHERE id = ?"
_SAVE_SHARED = """
INSERT INTO transform_{n} (id, text) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET text = excluded.text
"""

# Conditions for tiles, by the name of the filter.
_FILTERS = {
    "z": "z = :z",
    "min_z": "z >= :min_z",
    "max_z": "z <= :max_z",
    "group_id": "group_id = :group_id",
    "section_id": "section_id = :section_id",
    "min_x": "max_x >= :min_x",
    "max_x": "min_x <= :max_x",
    "min_y": "max_y >= :min_y",
    "max_y": "min_y <= :max_y",
}


class StoredTile(NamedTuple):
    """A stored tile; `refs` are the ids of its shared transforms as JSON."""

    tile_id: str | None
    flat: bool
    refs: str | None
    text: bytes


class TileBox(NamedTuple):
    """Bounding box and section of a tile."""

    tile_id: str | None
    section_id: str | None
    z: float | None
    min_x: float | None
    min_y: float | None
    max_x: float | None
    max_y: float | None


class Tiles:
    """The tiles and shared transforms of one stack, within one transaction."""

    def __init__(self, connection: apsw.Connection, contents: int) -> None:
        self._connection = connection
        self.contents = contents

    def _run(self, query: str, values: Any = ()) -> apsw.Cursor:
        return self._connection.execute(query.format(n=self.contents), values)

    # -- writing ---------------------------------------------------------------------------------------------

    def save(self, rows: TileRows) -> None:
        """Store tiles, replacing those with the same ids."""
        if rows.has_nameless:
            self._run(_DELETE_NAMELESS)
        rows.save(self._connection, self.contents)
        self._connection.executemany(_SAVE_CHANNEL, [(self.contents, name) for name in rows.channels])

    def save_shared(self, specs: Iterable[tuple[str | None, bytes]]) -> None:
        """Store shared transforms by id; of those without an id, the last."""
        texts = dict(specs)
        if None in texts:
            self._run("DELETE FROM transform_{n} WHERE id IS NULL")
        self._connection.executemany(_SAVE_SHARED.format(n=self.contents), texts.items())

    def delete(self, **filters: Any) -> int:
        """Delete the tiles that match all *filters*; return their number."""
        self._run(f"DELETE FROM tile_{{n}} WHERE {_conditions(filters)}", filters)
        return self._connection.changes()

    def delete_named(self, tile_id: str) -> None:
        """Delete one tile."""
        self._run("DELETE FROM tile_{n} WHERE tile_id = ?", (tile_id,))

    # -- queries ---------------------------------------------------------------------------------------------

    def ids(self, *, order: str = "id", **filters: Any) -> Ids:
        """Return the row ids of the tiles that match all *filters*."""
        where = f"WHERE {_conditions(filters)}" if filters else ""
        return _ids(self._run(f"SELECT id FROM tile_{{n}} {where} ORDER BY {order}", filters))

    def any(self) -> bool:
        """Whether there are tiles."""
        return self._run("SELECT 1 FROM tile_{n} LIMIT 1").fetchone() is not None

    def ids_of_names(self, names: Sequence[str | None]) -> Ids:
        """Return the row ids of tiles by their tile ids, sorted by tile id."""
        return _ids(self._run(_IDS_OF_NAMES, (json.dumps(names),)))

    def ids_in_box(
        self, z: float, left: float, top: float, right: float, bottom: float, group_id: str | None = None
    ) -> Ids:
        """Return the row ids of the tiles of a layer whose boxes touch this box, sorted by tile id."""
        source, values = self._box_query(z, left, top, right, bottom, group_id)
        return _ids(self._run(f"SELECT tile.id {source} ORDER BY tile_id", values))

    def count_in_box(self, z: float, left: float, top: float, right: float, bottom: float) -> int:
        """Return the number of tiles of a layer whose boxes touch this box."""
        source, values = self._box_query(z, left, top, right, bottom, None)
        return int(self._run(f"SELECT COUNT(*) {source}", values).get)

    def _box_query(
        self, z: float, left: float, top: float, right: float, bottom: float, group_id: str | None
    ) -> tuple[str, dict[str, Any]]:
        levels = [level for (level,) in self._run(_LEVELS, {"z": z})]
        found = bands(levels, left, top, right, bottom)
        values = {"z": z, "left": left, "top": top, "right": right, "bottom": bottom, "bands": found}
        source = (_IN_LAYER if found is None else _IN_CELLS) + _TOUCHING
        if group_id is not None:
            source, values["group_id"] = f"{source} AND group_id = :group_id", group_id
        return source, values

    # -- reading ---------------------------------------------------------------------------------------------

    def named(self, tile_id: str | None) -> StoredTile | None:
        """Return one tile, the one without an id for None; None if it is missing."""
        row = self._run(_TEXT, (tile_id,)).fetchone()
        return StoredTile._make(row) if row else None

    def all_named(self, names: Sequence[str | None]) -> Iterator[StoredTile]:
        """Yield the tiles with these ids; missing ones are skipped."""
        for start in range(0, len(names), _AT_ONCE):
            yield from map(StoredTile._make, self._run(_TEXTS_OF_NAMES, (json.dumps(names[start : start + _AT_ONCE]),)))

    def stored(self, ids: Ids) -> Iterator[StoredTile]:
        """Yield tiles in the order of *ids*."""
        return map(StoredTile._make, self._rows(_TEXTS, ids))

    def _rows(self, query: str, ids: Ids) -> Iterator[tuple[Any, ...]]:
        """Yield the row of each of *ids*, which an index of the table has listed."""
        for start in range(0, len(ids), _AT_ONCE):
            chosen = ids[start : start + _AT_ONCE]
            rows = self._run(query, (json.dumps(chosen.tolist()),)).fetchall()
            self._check_count(len(rows), chosen)
            yield from rows

    def _check_count(self, found: int, wanted: Ids) -> None:
        if found != len(wanted):
            raise StoreError(f"the index of table tile_{self.contents} is damaged; restore a backup")

    def entries(self, ids: Ids) -> Iterator[bytes]:
        """Yield the members of a JSON object of tiles in large pieces, in the order of *ids*."""
        start, count = 0, _FIRST
        while start < len(ids):
            chosen = ids[start : start + count]
            entries, found = self._run(_ENTRIES, (json.dumps(chosen.tolist()),)).get
            self._check_count(found, chosen)
            yield entries
            start += count
            # Tiles can differ in size by a factor of a thousand: pieces have a target size, not a number of tiles.
            count = max(1, min(_AT_ONCE, 2 * count, count * _PIECE // len(entries)))

    def boxes(self, ids: Ids) -> Iterator[TileBox]:
        """Yield the boxes of tiles in the order of *ids*."""
        return map(TileBox._make, self._rows(_BOXES, ids))

    def shared(self, transform_id: str) -> bytes | None:
        """Return the JSON of one shared transform; None if it is missing."""
        row = self._run(_SHARED, (transform_id,)).fetchone()
        return row[0] if row else None

    def refs(self, ids: Ids) -> set[str]:
        """Return the ids of the shared transforms that tiles refer to directly."""
        names: set[str] = set()
        query = "SELECT DISTINCT refs FROM json_each(?) AS wanted CROSS JOIN tile_{n} AS tile ON tile.id = wanted.value"
        for chunk in _chunks(ids):
            for (refs,) in self._run(query, (chunk,)):
                names.update(json.loads(refs) if refs else ())
        return names


def _conditions(filters: dict[str, Any]) -> str:
    return " AND ".join(_FILTERS[name] for name in filters)


def _ids(cursor: apsw.Cursor) -> Ids:
    return array("q", [number for (number,) in cursor])


def _chunks(ids: Ids) -> Iterator[str]:
    for start in range(0, len(ids), _AT_ONCE):
        yield json.dumps(ids[start : start + _AT_ONCE].tolist())
