"""Queries on the layers and sections of one stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rendergateway.service.base.refusals import IllegalState
from rendergateway.wire import encode

if TYPE_CHECKING:
    import apsw

__all__ = ["Extent", "SectionRow", "Sections"]

_Z_VALUES = """
WITH RECURSIVE found (z) AS (
    SELECT MIN(z) FROM tile_{n} WHERE z >= :low
    UNION ALL
    SELECT (SELECT MIN(z) FROM tile_{n} WHERE z > found.z) FROM found WHERE z IS NOT NULL
)
SELECT z FROM found WHERE z IS NOT NULL AND z <= :high
"""
# Numbers come before texts: the index on z leads to the first text.
_TEXT_Z = "SELECT 1 FROM tile_{n} WHERE z >= '' LIMIT 1"
_EXTENT = "SELECT COUNT(*), MIN(min_x), MIN(min_y), MIN(z), MAX(max_x), MAX(max_y), MAX(z) FROM tile_{n}"
_WHOLE_EXTENT = """
SELECT SUM(tile_count), MIN(min_x), MIN(min_y), MIN(z), MAX(max_x), MAX(max_y), MAX(z) FROM section_{n}
"""
_SIZES = """
SELECT MIN(max_x - min_x), MAX(max_x - min_x), MIN(max_y - min_y), MAX(max_y - min_y) FROM tile_{n}
"""
_GROUPED = """
SELECT section_id, z, COUNT(*), MIN(min_x), MAX(max_x), MIN(min_y), MAX(max_y) FROM tile_{n}
"""
_AGGREGATE = "INSERT INTO section_{n} " + _GROUPED + " GROUP BY section_id, z ORDER BY section_id, z"
_OF_LAYER = _GROUPED + " WHERE z = ? AND section_id IS NOT NULL GROUP BY section_id ORDER BY section_id"
_STORED = """
SELECT section_id, z, tile_count, min_x, max_x, min_y, max_y FROM section_{n}
WHERE section_id IS NOT NULL AND z IS NOT NULL AND z >= :low AND z <= :high ORDER BY section_id, z
"""
_CHANNELS = "SELECT name FROM channel WHERE contents = {n} ORDER BY name"
# Search for the name as text first: decoding the JSON of every tile takes ten times as long.
_HAS_CHANNEL = """
SELECT 1 FROM tile_{n} AS tile CROSS JOIN json_each(CAST(tile.text AS TEXT), '$.channels') AS channel
WHERE instr(tile.text, CAST(:text AS BLOB)) AND json_extract(channel.value, '$.name') = :name LIMIT 1
"""
_TILE_IDS = "SELECT tile_id FROM tile_{n} WHERE tile_id IS NOT NULL"
_INFINITE = float("inf")


class Extent(NamedTuple):
    """Number and bounds of some tiles."""

    tile_count: int
    min_x: float
    min_y: float
    min_z: float
    max_x: float
    max_y: float
    max_z: float


class SectionRow(NamedTuple):
    """Number and bounds of the tiles of one section at one z."""

    section_id: str | None
    z: float | None
    tile_count: int
    min_x: float | None
    max_x: float | None
    min_y: float | None
    max_y: float | None


class Sections:
    """Layers and sections of one stack, within one transaction."""

    def __init__(self, connection: apsw.Connection, contents: int) -> None:
        self._connection = connection
        self._contents = contents

    def _run(self, query: str, values: Any = ()) -> apsw.Cursor:
        return self._connection.execute(query.format(n=self._contents), values)

    def z_values(self, low: float | None = None, high: float | None = None) -> list[float]:
        """
        Return the z values from *low* to *high*, ascending.

        Raises
        ------
        IllegalState
            If a tile has a z that is not finite.
        """
        if self._run(_TEXT_Z).fetchone() is not None:
            raise IllegalState("Invalid numeric type, found: STRING")
        return [z for (z,) in self._run(_Z_VALUES, _range(low, high))]

    def layer_extent(self, z: float) -> Extent | None:
        """Return the extent of a layer; None if it has no tiles."""
        row = self._run(_EXTENT + " WHERE z = ?", (z,)).get
        return Extent(*row) if row[0] else None

    def extent(self) -> Extent | None:
        """Return the extent of all tiles at the last aggregation; None if there were no tiles."""
        row = self._run(_WHOLE_EXTENT).get
        return Extent(*row) if row[0] else None

    def sizes(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Return minimum and maximum width, minimum and maximum height of the tile boxes."""
        sizes: tuple[float | None, float | None, float | None, float | None] = self._run(_SIZES).get
        return sizes

    def transform_count(self) -> int:
        """Return the number of shared transforms."""
        return int(self._run("SELECT COUNT(*) FROM transform_{n}").get)

    def channel_names(self) -> list[str]:
        """Return the names of all channels, sorted."""
        known = [name for (name,) in self._run(_CHANNELS)]
        return [name for name in known if self._has_channel(name)]

    def _has_channel(self, name: str) -> bool:
        """Whether any tile still has the channel *name*."""
        return self._run(_HAS_CHANNEL, {"name": name, "text": encode(name)}).fetchone() is not None

    def aggregate(self) -> None:
        """Recompute the section rows."""
        self._run("DELETE FROM section_{n}")
        self._run(_AGGREGATE)

    def aggregated(self, low: float | None = None, high: float | None = None) -> Iterator[SectionRow]:
        """Yield the section rows of the last aggregation, sorted by section id as text."""
        return map(SectionRow._make, self._run(_STORED, _range(low, high)))

    def of_layer(self, z: float) -> Iterator[SectionRow]:
        """Yield the current sections of a layer, sorted by section id as text."""
        return map(SectionRow._make, self._run(_OF_LAYER, (z,)))

    def z_of(self, section_id: str) -> list[float | None]:
        """Return the z of the first tile of a section; empty if there is none."""
        return [
            z for (z,) in self._run("SELECT z FROM tile_{n} WHERE section_id = ? ORDER BY id LIMIT 1", (section_id,))
        ]

    def tile_ids(self, low: float | None, high: float | None) -> Iterator[str]:
        """Yield the ids of tiles from z *low* to *high*, in byte order."""
        if low is None and high is None:
            cursor = self._run(_TILE_IDS + " ORDER BY tile_id")
        else:
            cursor = self._run(f"{_TILE_IDS} AND z >= :low AND z <= :high ORDER BY tile_id", _range(low, high))
        return (tile_id for (tile_id,) in cursor)


def _range(low: float | None, high: float | None) -> dict[str, float]:
    return {"low": -_INFINITE if low is None else low, "high": _INFINITE if high is None else high}
