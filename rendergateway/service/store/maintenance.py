"""Maintenance of a database: reclaiming space, integrity check, backup."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rendergateway.errors import StoreError
from rendergateway.service.store.connection import FILE_ERRORS, connect, is_damage
from rendergateway.service.store.database import Database
from rendergateway.service.store.tile_rows import COLUMNS, has_columns_of_its_text

if TYPE_CHECKING:
    import apsw

__all__ = ["backup", "check", "compact", "discard", "sweep"]

# Including the commit, a slice stays below the documented 100 ms.
SLICE_S = 0.04
_ROWS_AT_ONCE = 250
_DISCARD = "INSERT OR IGNORE INTO garbage (name) VALUES (?)"
_NEXT = "SELECT name FROM garbage LIMIT 1"
# The tables that stacks and match collections refer to.
_TABLES = """
SELECT kind || contents FROM stack, (SELECT 'tile_' AS kind UNION SELECT 'transform_' UNION SELECT 'section_')
WHERE contents IS NOT NULL UNION SELECT 'match_' || contents FROM collection UNION SELECT 'trial'
"""
_FORGET = "DELETE FROM garbage WHERE name = ?"


def discard(connection: apsw.Connection, table: str) -> None:
    """Mark *table* as garbage; later writes delete it in slices."""
    connection.execute(_DISCARD, (table,))


def sweep(connection: apsw.Connection, seconds: float = SLICE_S) -> bool:
    """
    Delete garbage tables for at most *seconds*; return whether any are left.

    Dropping a large table at once would lock the database for as long as SQLite needs to visit all its pages.
    """
    until = time.monotonic() + seconds
    while row := connection.execute(_NEXT).fetchone():
        name = row[0]
        while _delete_some(connection, name):
            if time.monotonic() > until:
                return True
        connection.execute(f"DROP TABLE {name}")
        connection.execute(_FORGET, (name,))
        if time.monotonic() > until:
            break
    return connection.execute(_NEXT).fetchone() is not None


def _delete_some(connection: apsw.Connection, table: str) -> int:
    some = f"SELECT rowid FROM {table} LIMIT {_ROWS_AT_ONCE}"
    connection.execute(f"DELETE FROM {table} WHERE rowid IN ({some})")
    return connection.changes()


def compact(database: Database) -> None:
    """
    Return the space of deleted stacks and collections to the disk, while the database is in use.

    Tables are deleted in short transactions; the final rewrite of the file blocks writers, but not readers.
    """
    _check_whole(database)
    left = True
    while left:
        with database.writing() as connection:
            left = sweep(connection)
    with database.idle() as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def check(database: Database) -> list[str]:
    """
    Return the problems found in the file; empty if it is intact.

    Raises
    ------
    StoreError
        If the file is empty, or too damaged to be read.
    """
    _check_whole(database)
    with database.reading() as connection:
        answers = _check_pages(connection)
        if answers != ["ok"]:
            return answers
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        expected = [name for (name,) in connection.execute(_TABLES)]
        missing = [f"missing table {name}" for name in expected if name not in tables]
        return missing or [line for name in expected if name.startswith("tile_") for line in _wrong(connection, name)]


def _check_pages(connection: apsw.Connection) -> list[str]:
    """Return the answer of SQLite's check, or a line per table with a page that does not match its checksum."""
    try:
        return [line for (line,) in connection.execute("PRAGMA integrity_check")]
    except FILE_ERRORS as error:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        damaged = [name for name in tables if not _is_whole(connection, name)]
        if not (is_damage(error) and damaged):
            raise
        return [f"table {name} is damaged: a page does not match its checksum" for name in damaged]


def _is_whole(connection: apsw.Connection, table: str) -> bool:
    """Whether all pages of a table and its indexes match their checksums."""
    try:
        connection.execute(f"PRAGMA integrity_check('{table}')").fetchall()
    except FILE_ERRORS as error:
        if not is_damage(error):
            raise
        return False
    return True


def _wrong(connection: apsw.Connection, table: str) -> Iterator[str]:
    """Yield a line per tile whose columns do not match its text."""
    for row in connection.execute(f"SELECT {COLUMNS} FROM {table}"):
        if not has_columns_of_its_text(row):
            yield f"tile '{row[0]}' in table {table} is damaged: its columns do not match its text"


def backup(database: Database, target: str | os.PathLike[str]) -> Path:
    """
    Copy a consistent snapshot of the database to the file *target*, while the database is in use.

    Raises
    ------
    StoreError
        If *target* exists or cannot be written; then no partial file is left.
    """
    _check_whole(database)
    path = Path(target).expanduser().resolve()
    if path.exists() or not path.parent.is_dir():
        problem = "exists" if path.exists() else "is in a folder that does not exist"
        raise StoreError(f"{path} {problem}; choose another name for the backup")
    # Written beside and renamed: a backup that is killed never has the name of a whole one.
    number, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent)
    os.close(number)
    try:
        with (
            contextlib.closing(connect(name, "rwc")) as copy,
            database.reading() as connection,
            copy.backup("main", connection, "main") as pages,
        ):
            pages.step()
        shutil.copymode(database.path, name)
        _rename(name, path)
    except (*FILE_ERRORS, OSError, StoreError) as error:
        raise StoreError(f"backup to {path} failed: {error}") from error
    finally:
        for left in (name, f"{name}-journal"):
            Path(left).unlink(missing_ok=True)
    return path


def _rename(name: str, path: Path) -> None:
    """Rename a complete file, to last; a file that exists by now is not overwritten."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:  # A file system without hard links.
        if path.exists():
            raise
        os.rename(name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check_whole(database: Database) -> None:
    if database.is_missing:
        raise StoreError(f"{database.path} is empty or does not exist, and so is not a database; restore a backup")
