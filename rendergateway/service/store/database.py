"""One SQLite file with a pool of connections, transactions and error handling."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

from rendergateway.errors import StoreError
from rendergateway.service.store.schema import migrate

__all__ = ["Database"]

_BUSY_S = 60.0
_MOST_IDLE = 8
# SQLite's write-ahead log needs memory shared by all processes, which network file systems do not provide.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs", "glusterfs"}
)
_SETTINGS = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA secure_delete = OFF",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
    # In pages: checkpoint per 16 MiB of log instead of 4, so that pages rewritten often are copied less often.
    "PRAGMA wal_autocheckpoint = 4000",
)


def file_system_of(path: Path) -> str:
    """Return the Linux name of the file system of *path*; empty if unknown."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:  # Not Linux.
        return ""
    best, kind = "", ""
    for line in mounts:
        _, place, name, *_ = line.split()
        place = place.replace("\\040", " ")
        if path.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, name
    return kind


class _StoreErrors:
    """Converts SQLite errors about the file or disk to `StoreError`; programming errors pass through."""

    # Entered per request: a generator-based context manager takes several times as long.
    __slots__ = ("_consequence", "_path", "_what")

    def __init__(self, path: Path, what: str, consequence: str = "") -> None:
        self._path, self._what, self._consequence = path, what, consequence

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise StoreError(f"{self._path} {self._what}: {error}{self._consequence}") from error


class Database:
    """
    A thread-safe pool of connections to one file.

    Parameters
    ----------
    path : str or Path
        The file.
    read_only : bool
        Refuse to write.
    create : bool
        Whether a missing file is created now, instead of by the first write.

    Raises
    ------
    StoreError
        If the file is not a database of the service, or SQLite cannot use it at this place.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False, create: bool = True) -> None:
        self.path = Path(path).expanduser().resolve()
        self.read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        # SQLite polls for its write lock; a lock between the threads of this process avoids the delay.
        self._one_writes = threading.Lock()
        self._closed = False
        # Closes the connections of a database that is garbage-collected without close().
        self._close_idle = weakref.finalize(self, _close_all, self._idle)
        self._check_place()
        self._is_prepared = False
        if create or self.path.exists():
            self._prepare()

    @property
    def is_missing(self) -> bool:
        """Whether the file is still to be created."""
        return not (self._is_prepared or self._closed or self.path.exists())

    def _check_place(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise StoreError(f"{self.path} cannot be opened: missing folder {folder}")
        if not os.access(folder, os.W_OK):
            raise StoreError(f"{self.path} cannot be opened: SQLite must be able to write to the folder {folder}")
        if self.read_only and not self.path.exists():
            raise StoreError(f"{self.path} does not exist; a read-only service does not create it")
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a database")
        kind = file_system_of(folder)
        if kind in _NETWORK_FILE_SYSTEMS:
            raise StoreError(
                f"{self.path} is on a network file system ({kind}), which SQLite cannot share safely; use a local file"
            )

    def _prepare(self) -> None:
        try:
            with contextlib.ExitStack() as failed:
                connection = self._open()
                failed.callback(connection.close)
                migrate(connection, str(self.path))
                if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                    connection.execute("PRAGMA journal_mode = WAL")
                failed.pop_all()
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{self.path} cannot be used as a database: {error}") from error
        self._put_back(connection)
        self._is_prepared = True

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            if self._idle:
                return self._idle.pop()
        if not self._is_prepared:
            self._prepare()
            return self._take()
        return self._open()

    def _put_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        Yield a connection with a consistent snapshot of the database, unaffected by concurrent writes.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        connection = self._take()
        try:
            with _StoreErrors(self.path, "could not be read"):
                connection.execute("BEGIN")
                yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._put_back(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        Yield a connection whose changes are committed together, or rolled back if the block fails.

        Raises
        ------
        StoreError
            If the database is read-only, or was locked by other writers for too long.
        """
        if self.read_only:
            raise StoreError(f"{self.path} is opened read-only")
        if not self._one_writes.acquire(timeout=_BUSY_S):
            raise StoreError(f"{self.path} is locked by other writers for more than {_BUSY_S:.0f} s; try again")
        try:
            yield from self._transaction()
        finally:
            self._one_writes.release()

    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._take()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._put_back(connection)
            raise StoreError(f"{self.path} is locked by other writers: {error}") from error
        try:
            with _StoreErrors(self.path, "could not be written", "; the request was rolled back"):
                yield connection
                connection.execute("COMMIT")
        finally:
            # Roll back uncommitted changes; a full disk may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._put_back(connection)

    @contextlib.contextmanager
    def idle(self) -> Iterator[sqlite3.Connection]:
        """
        Yield a connection outside any transaction, for maintenance commands.

        Raises
        ------
        StoreError
            If the database was locked for too long, or its disk is full.
        """
        connection = self._take()
        try:
            with _StoreErrors(self.path, "could not be changed"):
                yield connection
        finally:
            self._put_back(connection)

    def leave_to_parent(self) -> None:
        """Do not close the connections, in a forked process: they belong to the process that opened them."""
        self._close_idle.detach()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they are returned."""
        with self._lock:
            self._closed = True
            self._close_idle()


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
