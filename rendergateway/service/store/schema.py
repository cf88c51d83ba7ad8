"""What the database looks like, which versions of it there were, and how to come from one to the next."""

from __future__ import annotations

import sqlite3
from importlib import resources

from rendergateway.errors import StoreError

__all__ = ["APPLICATION_ID", "VERSION", "create_pairs", "create_tiles", "migrate"]

# "RGWY": tells this file from the databases of other programs.
APPLICATION_ID = 0x52475759
VERSION = 2

# A tile's place in the spatial index is `level` (its extent as a power of two) and the cell of that size in which its
# upper left corner lies: see spatial_index.py. Coordinates are kept as 64-bit numbers and compared exactly.
_TILES = """
CREATE TABLE tile_{n} (
    id INTEGER PRIMARY KEY,
    tile_id TEXT, z REAL, section_id TEXT, group_id TEXT,
    min_x REAL, min_y REAL, max_x REAL, max_y REAL,
    level INTEGER NOT NULL, cell_y INTEGER NOT NULL, cell_x INTEGER NOT NULL,
    flat INTEGER NOT NULL, refs TEXT,
    text BLOB NOT NULL
);
CREATE UNIQUE INDEX tile_{n}_id ON tile_{n} (tile_id);
CREATE INDEX tile_{n}_place ON tile_{n} (z, level, cell_y, cell_x);
CREATE INDEX tile_{n}_section ON tile_{n} (section_id) WHERE section_id IS NOT NULL;
CREATE TABLE transform_{n} (id TEXT PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE section_{n} (
    section_id TEXT, z REAL, tile_count INTEGER, min_x REAL, max_x REAL, min_y REAL, max_y REAL
);
"""
_PAIRS = """
CREATE TABLE match_{n} (
    p_group TEXT NOT NULL, q_group TEXT NOT NULL, p_id TEXT NOT NULL, q_id TEXT NOT NULL,
    consensus INTEGER NOT NULL,
    match_count INTEGER,
    head BLOB NOT NULL,
    details BLOB NOT NULL
);
CREATE UNIQUE INDEX match_{n}_pair ON match_{n} (p_group, q_group, p_id, q_id);
CREATE INDEX match_{n}_q ON match_{n} (q_group, q_id);
"""


# Names of the channels that tiles have or had, so that most stacks need not be searched for them.
_CHANNELS = """
CREATE TABLE channel (contents INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (contents, name)) WITHOUT ROWID
"""
_CHANNELS_OF_TILES = """
INSERT OR IGNORE INTO channel SELECT {n}, json_extract(channel.value, '$.name')
FROM tile_{n} AS tile CROSS JOIN json_each(CAST(tile.text AS TEXT), '$.channels') AS channel
WHERE instr(tile.text, CAST('"channels"' AS BLOB)) AND json_extract(channel.value, '$.name') IS NOT NULL
"""


def _from_nothing(connection: sqlite3.Connection) -> None:
    _execute_all(connection, resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8"))


def _with_channels(connection: sqlite3.Connection) -> None:
    connection.execute(_CHANNELS)
    for (number,) in connection.execute("SELECT contents FROM stack WHERE contents IS NOT NULL").fetchall():
        connection.execute(_CHANNELS_OF_TILES.format(n=number))


# What leads from version N to N + 1, at position N.
MIGRATIONS = (_from_nothing, _with_channels)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """
    Bring the database to this version.

    Raises
    ------
    StoreError
        If another program made it, or a later version of this one.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is a database of another program; choose another file")
    if version > VERSION:
        raise StoreError(f"{path} has schema version {version}, this rendergateway knows up to {VERSION}; update it")
    if version < VERSION:
        _run(connection, version)


def _run(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been faster while this one waited.
    if connection.execute("PRAGMA user_version").fetchone()[0] == version:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def create_tiles(connection: sqlite3.Connection) -> int:
    """Make the tables of a stack's tiles; return their number."""
    return _create(connection, _TILES)


def create_pairs(connection: sqlite3.Connection) -> int:
    """Make the table of a collection's pairs; return its number."""
    return _create(connection, _PAIRS)


def _create(connection: sqlite3.Connection, script: str) -> int:
    number = connection.execute("INSERT INTO contents DEFAULT VALUES").lastrowid or 0
    _execute_all(connection, script.format(n=number))
    return number


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """Run statement by statement: ``executescript`` would commit what came before."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
