"""Database schema: its versions, the migrations between them, and the tables of one stack or match collection."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from rendergateway.errors import StoreError
from rendergateway.service.store.connection import add_checksums, has_checksums

if TYPE_CHECKING:
    import apsw

__all__ = ["APPLICATION_ID", "VERSION", "create_pairs", "create_tiles", "migrate"]

# "RGWY": distinguishes this file from databases of other programs.
APPLICATION_ID = 0x52475759
VERSION = 5

_CHANNELS_OF_TILES = """
INSERT OR IGNORE INTO channel SELECT {n}, json_extract(channel.value, '$.name')
FROM tile_{n} AS tile CROSS JOIN json_each(CAST(tile.text AS TEXT), '$.channels') AS channel
WHERE instr(tile.text, CAST('"channels"' AS BLOB)) AND json_extract(channel.value, '$.name') IS NOT NULL
"""
_WITH_CHECKSUMS = """
SELECT master.name FROM sqlite_master AS master CROSS JOIN pragma_table_info(master.name) AS column
WHERE master.type = 'table' AND column.name = 'checksum'
"""


@functools.cache
def _script(name: str) -> str:
    return resources.files("rendergateway.service.store").joinpath(name).read_text(encoding="utf-8")


def _create_database(connection: apsw.Connection) -> None:
    _execute_all(connection, _script("schema.sql"))


def _add_channels(connection: apsw.Connection) -> None:
    _execute_all(connection, _script("channels.sql"))
    for (number,) in connection.execute("SELECT contents FROM stack WHERE contents IS NOT NULL").fetchall():
        connection.execute(_CHANNELS_OF_TILES.format(n=number))


def _without_changes(connection: apsw.Connection) -> None:
    """Version 3 had checksums of rows, which version 4 replaces."""


def _drop_checksums_of_rows(connection: apsw.Connection) -> None:
    for (name,) in connection.execute(_WITH_CHECKSUMS).fetchall():
        connection.execute(f"ALTER TABLE {name} DROP COLUMN checksum")


def _add_trials(connection: apsw.Connection) -> None:
    _execute_all(connection, _script("trials.sql"))


# The migration from version N to N + 1 is at position N.
MIGRATIONS = (_create_database, _add_channels, _without_changes, _drop_checksums_of_rows, _add_trials)


def migrate(connection: apsw.Connection, path: str, *, read_only: bool = False) -> None:
    """
    Migrate the database to the current version.

    Raises
    ------
    StoreError
        If the database belongs to another program or to a later version of this one, or is one of an earlier version
        that cannot be written.
    """
    version = connection.execute("PRAGMA user_version").get
    application = connection.execute("PRAGMA application_id").get
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").get
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
        if version and not has_checksums(connection):
            add_checksums(connection)
        _run(connection, version)


def _run(connection: apsw.Connection, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have migrated it while this one waited.
    if connection.execute("PRAGMA user_version").get == version:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def create_tiles(connection: apsw.Connection) -> int:
    """Create the tables of one stack; return their number."""
    return _create(connection, "tile_tables.sql")


def create_pairs(connection: apsw.Connection) -> int:
    """Create the table of one match collection; return its number."""
    return _create(connection, "match_tables.sql")


def _create(connection: apsw.Connection, script: str) -> int:
    connection.execute("INSERT INTO contents DEFAULT VALUES")
    number = connection.last_insert_rowid()
    _execute_all(connection, _script(script).format(n=number))
    return number


def _execute_all(connection: apsw.Connection, script: str) -> None:
    """Execute statement by statement: ``executescript`` would commit the transaction first."""
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(statement)
