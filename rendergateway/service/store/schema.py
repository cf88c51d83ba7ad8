"""Database schema: its versions, the migrations between them, and the tables of one stack or match collection."""

from __future__ import annotations

import functools
import sqlite3
from importlib import resources

from rendergateway.errors import StoreError
from rendergateway.service.store.checksums import CHECKSUM, PAIR_CHECKSUM

__all__ = ["APPLICATION_ID", "VERSION", "create_pairs", "create_tiles", "migrate"]

# "RGWY": distinguishes this file from databases of other programs.
APPLICATION_ID = 0x52475759
VERSION = 4

_CHANNELS_OF_TILES = """
INSERT OR IGNORE INTO channel SELECT {n}, json_extract(channel.value, '$.name')
FROM tile_{n} AS tile CROSS JOIN json_each(CAST(tile.text AS TEXT), '$.channels') AS channel
WHERE instr(tile.text, CAST('"channels"' AS BLOB)) AND json_extract(channel.value, '$.name') IS NOT NULL
"""


@functools.cache
def _script(name: str) -> str:
    return resources.files("rendergateway.service.store").joinpath(name).read_text(encoding="utf-8")


def _create_database(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _script("schema.sql"))


def _add_channels(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _script("channels.sql"))
    for (number,) in connection.execute("SELECT contents FROM stack WHERE contents IS NOT NULL").fetchall():
        connection.execute(_CHANNELS_OF_TILES.format(n=number))


def _add_checksums(connection: sqlite3.Connection) -> None:
    tables = [
        (f"{kind}_{number}", CHECKSUM)
        for (number,) in connection.execute("SELECT contents FROM stack WHERE contents IS NOT NULL").fetchall()
        for kind in ("tile", "transform")
    ]
    pairs = connection.execute("SELECT contents FROM collection").fetchall()
    for table, value in tables + [(f"match_{number}", PAIR_CHECKSUM) for (number,) in pairs]:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER")
        connection.execute(f"UPDATE {table} SET checksum = {value}")


def _add_trials(connection: sqlite3.Connection) -> None:
    _execute_all(connection, _script("trials.sql"))


# The migration from version N to N + 1 is at position N.
MIGRATIONS = (_create_database, _add_channels, _add_checksums, _add_trials)


def migrate(connection: sqlite3.Connection, path: str, *, read_only: bool = False) -> None:
    """
    Migrate the database to the current version.

    Raises
    ------
    StoreError
        If the database belongs to another program or to a later version of this one, or is one of an earlier version
        that cannot be written.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError(f"{path} is a database of another program; choose another file")
    if version > VERSION:
        raise StoreError(
            f"{path} has an unknown schema: got version {version}, latest known is {VERSION}; update rendergateway"
        )
    if version < VERSION and read_only:
        raise StoreError(
            f"{path} has schema version {version} and cannot be migrated to {VERSION} read-only; open it once with "
            "write access"
        )
    if version < VERSION:
        _run(connection, version)


def _run(connection: sqlite3.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have migrated it while this one waited.
    if connection.execute("PRAGMA user_version").fetchone()[0] == version:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def create_tiles(connection: sqlite3.Connection) -> int:
    """Create the tables of one stack; return their number."""
    return _create(connection, "tile_tables.sql")


def create_pairs(connection: sqlite3.Connection) -> int:
    """Create the table of one match collection; return its number."""
    return _create(connection, "match_tables.sql")


def _create(connection: sqlite3.Connection, script: str) -> int:
    number = connection.execute("INSERT INTO contents DEFAULT VALUES").lastrowid or 0
    _execute_all(connection, _script(script).format(n=number))
    return number


def _execute_all(connection: sqlite3.Connection, script: str) -> None:
    """Execute statement by statement: ``executescript`` would commit the transaction first."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
