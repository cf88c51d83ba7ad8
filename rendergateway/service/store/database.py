"""One SQLite file: opened with care, its connections kept ready."""

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
# SQLite's write-ahead log needs memory that all processes share, which a network file system does not give.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs", "glusterfs"}
)
_SETTINGS = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA secure_delete = OFF",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
    # In pages: what is written again and again reaches the database once in 16 MiB of log, not in each of 4.
    "PRAGMA wal_autocheckpoint = 4000",
)


def file_system_of(path: Path) -> str:
    """Return the kind of file system that holds *path*, as Linux names it; empty where that is not known."""
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


class _Told:
    """Turns what is wrong with the file or its disk into a sentence; what is wrong with a query stays an error."""

    # Each request enters one: a generator would cost several times as much.
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
    Connections to one file.

    Parameters
    ----------
    path : str or Path
        The file; made where it is missing.
    read_only : bool
        Refuse to write.

    Raises
    ------
    StoreError
        If the file is no database of the service, or cannot be used as one here.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = Path(path).expanduser().resolve()
        self.read_only = read_only
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        # SQLite lets those that wait ask again from time to time: between the threads of one process none is lost.
        self._one_writes = threading.Lock()
        self._closed = False
        # Whoever forgets to close leaves no connection open behind a database that is gone.
        self._close_idle = weakref.finalize(self, _close_all, self._idle)
        self._check_place()
        self._prepare()

    def _check_place(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise StoreError(f"{self.path} cannot be opened: there is no folder {folder}")
        if not os.access(folder, os.W_OK):
            raise StoreError(f"{self.path} cannot be opened: the folder {folder} is not writable, and SQLite needs to")
        if self.read_only and not self.path.exists():
            raise StoreError(f"{self.path} does not exist, and who only reads makes no database")
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a database")
        kind = file_system_of(folder)
        if kind in _NETWORK_FILE_SYSTEMS:
            raise StoreError(f"{self.path} lies on a network file system ({kind}), which SQLite cannot share safely")

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
        self._give_back(connection)

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
                raise StoreError(f"{self.path} was closed")
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        Give a connection that sees one moment of the database, whatever others write meanwhile.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        connection = self._take()
        try:
            with _Told(self.path, "could not be read"):
                connection.execute("BEGIN")
                yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        Give a connection whose changes are kept together, or not at all where the block fails.

        Raises
        ------
        StoreError
            If the database was opened for reading only, or others held it for too long.
        """
        if self.read_only:
            raise StoreError(f"{self.path} was opened for reading only")
        if not self._one_writes.acquire(timeout=_BUSY_S):
            raise StoreError(f"{self.path} is being written by others for more than {_BUSY_S:.0f} s")
        try:
            yield from self._transaction()
        finally:
            self._one_writes.release()

    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._take()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._give_back(connection)
            raise StoreError(f"{self.path} is being written by others: {error}") from error
        try:
            with _Told(self.path, "could not be written", "; nothing of this request was kept"):
                yield connection
                connection.execute("COMMIT")
        finally:
            # Whatever did not come to its commit goes; a full disk may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._give_back(connection)

    @contextlib.contextmanager
    def idle(self) -> Iterator[sqlite3.Connection]:
        """
        Give a connection outside any transaction, for what SQLite does by itself.

        Raises
        ------
        StoreError
            If others held the database for too long, or its disk is full.
        """
        connection = self._take()
        try:
            with _Told(self.path, "could not be changed"):
                yield connection
        finally:
            self._give_back(connection)

    def leave_to_parent(self) -> None:
        """Leave the connections open, in a forked process: SQLite's are of the process that opened them."""
        self._close_idle.detach()

    def close(self) -> None:
        """Close the idle connections; those in use close when they are given back."""
        with self._lock:
            self._closed = True
            self._close_idle()


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
