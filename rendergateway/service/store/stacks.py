"""Stack rows: ids, state, version and statistics, without tiles."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from rendergateway.service.base.ids import StackId
from rendergateway.service.store.maintenance import discard
from rendergateway.service.store.schema import create_tiles

if TYPE_CHECKING:
    import apsw

__all__ = ["StackRow", "StackRows", "now_ms"]

_COLUMNS = (
    "id, owner, project, stack, state, modified_ms, version_number, version, stats, hierarchy, contents, aggregated"
)
_FIND = f"SELECT {_COLUMNS} FROM stack WHERE owner = ? AND project = ? AND stack = ?"
_OF_OWNER = f"SELECT {_COLUMNS} FROM stack WHERE owner = ? ORDER BY project, stack"
_OF_PROJECT = f"SELECT {_COLUMNS} FROM stack WHERE owner = ? AND project = ? ORDER BY stack"
_OWNERS = "SELECT DISTINCT owner FROM stack ORDER BY owner"
_PROJECTS = "SELECT DISTINCT project FROM stack WHERE owner = ? ORDER BY project"
_INSERT = """
INSERT INTO stack (owner, project, stack, state, modified_ms, version_number, version) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE = """
UPDATE stack SET owner = ?, project = ?, stack = ?, state = ?, modified_ms = ?, version_number = ?, version = ?,
    stats = ?, hierarchy = ?, contents = ?, aggregated = ? WHERE id = ?
"""
_DELETE_CHANNELS = "DELETE FROM channel WHERE contents = ?"
_DELETE = "DELETE FROM stack WHERE id = ?"


def now_ms() -> int:
    """Return the current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@attrs.define
class StackRow:
    """One stored stack; `contents` is the number of its tile tables, None if it has none."""

    id: int
    owner: str
    project: str
    stack: str
    state: str
    modified_ms: int
    version_number: int
    version: bytes
    stats: bytes | None
    hierarchy: bytes | None
    contents: int | None
    aggregated: bool

    @property
    def stack_id(self) -> StackId:
        """Owner, project and name."""
        return StackId(self.owner, self.project, self.stack)


class StackRows:
    """All stacks, within one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, stack: StackId) -> StackRow | None:
        """Return a stack; None if it is missing."""
        row = self._connection.execute(_FIND, (stack.owner, stack.project, stack.stack)).fetchone()
        return StackRow(*row) if row else None

    def of(self, owner: str, project: str | None = None) -> list[StackRow]:
        """Return the stacks of an owner or project, sorted by project and name."""
        query, values = (_OF_OWNER, (owner,)) if project is None else (_OF_PROJECT, (owner, project))
        return [StackRow(*row) for row in self._connection.execute(query, values)]

    def owners(self) -> list[str]:
        """Return the owners of stacks."""
        return [owner for (owner,) in self._connection.execute(_OWNERS)]

    def projects(self, owner: str) -> list[str]:
        """Return the projects of an owner."""
        return [project for (project,) in self._connection.execute(_PROJECTS, (owner,))]

    def insert(self, stack: StackId, version: bytes) -> StackRow:
        """Create a stack in state LOADING, with empty tile tables."""
        owner, project, name, now = stack.owner, stack.project, stack.stack, now_ms()
        self._connection.execute(_INSERT, (owner, project, name, "LOADING", now, 0, version))
        number = self._connection.last_insert_rowid()
        row = StackRow(number, owner, project, name, "LOADING", now, 0, version, None, None, None, False)
        self.create_tables(row)
        return row

    def create_tables(self, row: StackRow) -> int:
        """Create the tile tables of a stack if it has none; return their number."""
        if row.contents is None:
            row.contents = create_tiles(self._connection)
            row.aggregated = False
            self.update(row)
        return row.contents

    def drop_tables(self, row: StackRow) -> None:
        """Drop the tiles, transforms and sections of a stack; their space is reclaimed later."""
        if row.contents is not None:
            for kind in ("tile", "transform", "section"):
                discard(self._connection, f"{kind}_{row.contents}")
            self._connection.execute(_DELETE_CHANNELS, (row.contents,))
            row.contents, row.aggregated = None, False

    def update(self, row: StackRow) -> None:
        """Store the current values of *row*."""
        values = attrs.astuple(row)
        self._connection.execute(_UPDATE, (*values[1:], row.id))

    def delete(self, row: StackRow) -> None:
        """Delete a stack with its contents."""
        self.drop_tables(row)
        self._connection.execute(_DELETE, (row.id,))
