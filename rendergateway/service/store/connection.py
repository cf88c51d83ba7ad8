"""SQLite connections: pages of files have checksums, so that damage on the disk is never part of an answer."""

from __future__ import annotations

import contextlib
import functools
import threading
from urllib.parse import quote

from rendergateway.errors import StoreError
from rendergateway.extras import needed_for

with needed_for("the embedded service"):
    import apsw
    import apsw.sqlite_extra

__all__ = ["FILE_ERRORS", "add_checksums", "connect", "has_checksums", "in_memory", "is_damage"]

# Errors about the file, its disk or its locks; others are errors of the program.
FILE_ERRORS = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.InterruptError,
    apsw.LockedError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
    apsw.SQLError,
    apsw.SchemaChangeError,
)
_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
# https://sqlite.org/cksumvfs.html: the last 8 bytes of each page are the checksum of the others.
_VFS, _RESERVED = "cksmvfs", 8
_one_loads = threading.Lock()


@functools.cache
def _load_checksums() -> None:
    """Load the file access that adds a checksum to each page that is written, and checks those read."""
    with _one_loads, contextlib.closing(in_memory()) as connection:
        try:
            # It remains for the whole process. Files without the reserved bytes are read and written as ever.
            apsw.sqlite_extra.load(connection, "cksumvfs")
        except (apsw.Error, OSError, ValueError) as error:
            raise StoreError(
                f"apsw {apsw.apsw_version()} was built without its extensions: {error}; install a wheel: "
                "pip install --force-reinstall --only-binary=apsw apsw"
            ) from error


def connect(path: str, mode: str, *, timeout_s: float = 0.0) -> apsw.Connection:
    """
    Open a database; a new file gets checksums.

    Parameters
    ----------
    path : str
        The file.
    mode : str
        Value of the URI parameter ``mode``, and further parameters.
    timeout_s : float
        Longest wait for locks, in seconds.

    Raises
    ------
    StoreError
        If apsw was built without its extensions.
    """
    _load_checksums()
    connection = apsw.Connection(f"file:{quote(path)}?mode={mode}", flags=_FLAGS, vfs=_VFS, statementcachesize=256)
    connection.set_busy_timeout(round(timeout_s * 1000))
    if mode == "rwc":
        connection.reserve_bytes(reserve=_RESERVED)
    return connection


def in_memory() -> apsw.Connection:
    """Open an empty database in memory."""
    return apsw.Connection(":memory:")


def has_checksums(connection: apsw.Connection) -> bool:
    """Whether pages of the database are checked."""
    return connection.execute("PRAGMA checksum_verification").fetchone() in (("1",), (1,))


def add_checksums(connection: apsw.Connection) -> None:
    """Rewrite a database with checksums; it is changed completely or not at all. No other process may use it."""
    # The first page decides about checksums: it has to be in the file, not in the log.
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    connection.reserve_bytes(reserve=_RESERVED)
    connection.execute("VACUUM")


def is_damage(error: BaseException | None) -> bool:
    """Whether *error* reports a page that does not match its checksum."""
    return isinstance(error, apsw.IOError) and getattr(error, "extendedresult", None) == apsw.SQLITE_IOERR_DATA
