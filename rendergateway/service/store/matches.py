"""Match collections: one table of pairs per collection, so that deleting one is fast and the others do not slow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rendergateway.service.base.ids import CollectionId
from rendergateway.service.store.maintenance import discard
from rendergateway.service.store.schema import create_pairs

if TYPE_CHECKING:
    import apsw

__all__ = ["Collections", "PairRow", "Pairs"]

_FIND = "SELECT contents FROM collection WHERE owner = ? AND name = ?"
_INSERT = "INSERT INTO collection (owner, name, contents) VALUES (?, ?, ?)"
_OF_OWNER = "SELECT name, contents FROM collection WHERE owner = ? ORDER BY name"
_OWNERS = "SELECT DISTINCT owner FROM collection ORDER BY owner"
_RENAME = "UPDATE collection SET owner = ?, name = ? WHERE owner = ? AND name = ?"
_DELETE = "DELETE FROM collection WHERE owner = ? AND name = ?"

_ORDER = " ORDER BY p_group, q_group, p_id, q_id"
_PAIRS = "SELECT p_group, q_group, p_id, q_id, match_count, head, details FROM match_{n} WHERE "
_UPSERT = """
INSERT INTO match_{n} (p_group, q_group, p_id, q_id, consensus, match_count, head, details)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (p_group, q_group, p_id, q_id) DO UPDATE SET
    consensus = excluded.consensus, match_count = excluded.match_count, head = excluded.head,
    details = excluded.details
"""

# Conditions for pairs; the second halves use the separate index on `q_group` and `q_id`.
SELECTIONS = {
    "with_p_group": "p_group = :group",
    "within_group": "p_group = :group AND q_group = :group",
    "outside_group": "(p_group = :group AND q_group != :group OR q_group = :group AND p_group != :group)",
    "between_groups": "p_group = :p_group AND q_group = :q_group",
    "between_tiles": "p_group = :p_group AND q_group = :q_group AND p_id = :p_id AND q_id = :q_id",
    "from_tile_to_group": (
        "(p_group = :group AND p_id = :id AND q_group = :other OR q_group = :group AND q_id = :id AND p_group = :other)"
    ),
    "with_tile": "(p_group = :group AND p_id = :id OR q_group = :group AND q_id = :id)",
}


class PairRow(NamedTuple):
    """The matches of two canvases; `head` is their JSON up to the points, `details` the points."""

    p_group: str
    q_group: str
    p_id: str
    q_id: str
    match_count: int | None
    head: bytes
    details: bytes


class Collections:
    """All match collections, within one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, collection: CollectionId) -> Pairs | None:
        """Return the pairs of a collection; None if it is missing."""
        row = self._connection.execute(_FIND, (collection.owner, collection.name)).fetchone()
        return Pairs(self._connection, row[0]) if row else None

    def create(self, collection: CollectionId) -> Pairs:
        """Create an empty collection."""
        contents = create_pairs(self._connection)
        self._connection.execute(_INSERT, (collection.owner, collection.name, contents))
        return Pairs(self._connection, contents)

    def of(self, owner: str) -> list[tuple[str, Pairs]]:
        """Return name and pairs of each collection of an owner."""
        rows: list[Any] = self._connection.execute(_OF_OWNER, (owner,)).fetchall()
        return [(name, Pairs(self._connection, contents)) for name, contents in rows]

    def owners(self) -> list[str]:
        """Return the owners of collections."""
        return [owner for (owner,) in self._connection.execute(_OWNERS)]

    def rename(self, old: CollectionId, new: CollectionId) -> None:
        """Rename a collection."""
        self._connection.execute(_RENAME, (new.owner, new.name, old.owner, old.name))

    def delete(self, collection: CollectionId) -> None:
        """Delete a collection; its space is reclaimed later."""
        pairs = self.find(collection)
        if pairs is not None:
            discard(self._connection, f"match_{pairs.contents}")
            self._connection.execute(_DELETE, (collection.owner, collection.name))


class Pairs:
    """The pairs of one collection."""

    def __init__(self, connection: apsw.Connection, contents: int) -> None:
        self._connection = connection
        self.contents = contents

    def _run(self, query: str, values: Any = ()) -> apsw.Cursor:
        return self._connection.execute(query.format(n=self.contents), values)

    def save(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Store pairs, replacing those with the same four ids; none if *rows* raises."""
        self._connection.execute("SAVEPOINT pairs")
        try:
            self._connection.executemany(_UPSERT.format(n=self.contents), rows)
        except Exception:
            # SQLite itself rolls back the transaction if the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO pairs")
            raise
        self._connection.execute("RELEASE pairs")

    def select(self, selection: str, **values: str) -> Iterator[PairRow]:
        """Return the pairs of one of `SELECTIONS`, in order."""
        return map(PairRow._make, self._run(_PAIRS + SELECTIONS[selection] + _ORDER, values))

    def delete(self, selection: str, **values: str) -> None:
        """Delete the pairs of one of `SELECTIONS`."""
        self._run(f"DELETE FROM match_{{n}} WHERE {SELECTIONS[selection]}", values)

    def count(self) -> int:
        """Return the number of pairs."""
        return int(self._run("SELECT COUNT(*) FROM match_{n}").get)

    def groups(self, *sides: str, consensus: bool = False) -> list[str]:
        """Return the sorted groups on *sides* ('p', 'q'); with *consensus*, of pairs with consensus data only."""
        where = " WHERE consensus" if consensus else ""
        union = " UNION ".join(f"SELECT {side}_group FROM match_{{n}}{where}" for side in sides)
        return sorted({group for (group,) in self._run(union)})
