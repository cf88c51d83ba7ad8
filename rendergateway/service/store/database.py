"""One SQLite file with a pool of connections, transactions and error handling."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rendergateway.errors import StoreError
from rendergateway.service.store.connection import FILE_ERRORS, connect, has_checksums, is_damage
from rendergateway.service.store.schema import migrate

if TYPE_CHECKING:
    import apsw

__all__ = ["Database"]

_BUSY_S = 60.0
_MOST_IDLE = 8
# Readers look at the name of the file this often; writers, and readers of files without locks, always.
_LOOK_S = 1.0
# SQLite's write-ahead log needs memory shared by all processes, which network file systems do not provide.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs", "glusterfs"}
)
_DAMAGED = "is damaged: a page does not match its checksum ('rendergateway check' names the table); restore a backup"
# Device, inode, time of change, size.
_Identity: TypeAlias = tuple[int, int, int, int]
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


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


class _StoreErrors:
    """Converts SQLite errors about the file or disk to `StoreError`; programming errors pass through."""

    # Entered per request: a generator-based context manager takes several times as long.
    __slots__ = ("_consequence", "_path", "_what")

    def __init__(self, path: Path, what: str, consequence: str = "") -> None:
        self._path, self._what, self._consequence = path, what, consequence

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if is_damage(error):
            raise StoreError(f"{self._path} {_DAMAGED}{self._consequence}") from error
        if isinstance(error, FILE_ERRORS):
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
        Whether a missing or empty file becomes a database now, instead of by the first write.

    Attributes
    ----------
    read_only : bool
        Also if the file or its folder cannot be written. Of a folder that cannot be written, the file is read without
        locks: it must not change, as on a read-only share.

    Raises
    ------
    StoreError
        If the file is not a database of the service, or SQLite cannot use it at this place.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False, create: bool = True) -> None:
        self.path = Path(path).expanduser().resolve()
        self.read_only = read_only
        self._idle: list[apsw.Connection] = []
        self._lock = threading.Lock()
        # SQLite polls for its write lock; a lock between the threads of this process avoids the delay.
        self._one_writes = threading.Lock()
        self._closed = False
        # Closes the connections of a database that is garbage-collected without close().
        self._close_idle = weakref.finalize(self, _close_all, self._idle)
        self._mode = "rw"
        self._check_place()
        self._is_prepared = False
        self._identity: _Identity | None = None
        self._looked_at = 0.0
        self._open_log = 0
        if create or self._has_data():
            self._prepare()

    @property
    def is_missing(self) -> bool:
        """Whether the file is still to be created; an empty one counts as missing."""
        return not (self._is_prepared or self._closed or self._has_data())

    def _has_data(self) -> bool:
        return _size(self.path) > 0

    @property
    def _log(self) -> Path:
        return self.path.with_name(f"{self.path.name}-wal")

    def _check_place(self) -> None:
        folder = self.path.parent
        if not folder.is_dir():
            raise StoreError(f"{self.path} cannot be opened: missing folder {folder}")
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a database")
        if not self.path.exists():
            if self.read_only:
                raise StoreError(f"{self.path} does not exist; a read-only service does not create it")
            if not os.access(folder, os.W_OK):
                raise StoreError(f"{self.path} cannot be created: the folder {folder} cannot be written")
        elif not (os.access(folder, os.W_OK) and os.access(self.path, os.W_OK)):
            self.read_only = True
            in_use = os.access(folder, os.W_OK) or Path(f"{self.path}-shm").exists() or _size(self._log)
            self._mode = "ro" if in_use else "ro&immutable=1"
        kind = file_system_of(folder)
        if kind in _NETWORK_FILE_SYSTEMS and "immutable" not in self._mode:
            raise StoreError(
                f"{self.path} is on a network file system ({kind}), which SQLite cannot share safely; use a local file"
            )

    def _prepare(self) -> None:
        try:
            with contextlib.ExitStack() as failed:
                connection = self._open("rw" if self._has_data() else "rwc") if self._mode == "rw" else self._open()
                failed.callback(connection.close)
                migrate(connection, str(self.path), read_only=self._mode != "rw")
                if self._mode == "rw" and connection.execute("PRAGMA journal_mode").get != "wal":
                    connection.execute("PRAGMA journal_mode = WAL")
                # The first query creates the write-ahead log, which then belongs to the file.
                connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
                _check_checksums(connection, self.path)
                self._identity, self._open_log = self._found(), self._log_inode()
                failed.pop_all()
        except FILE_ERRORS as error:
            if is_damage(error):
                raise StoreError(f"{self.path} {_DAMAGED}") from error
            hint = "; its log has to be read with write access once" if self._mode == "ro" else ""
            raise StoreError(f"{self.path} cannot be used as a database: {error}{hint}") from error
        self._put_back(connection)
        self._is_prepared = True

    def _open(self, mode: str | None = None) -> apsw.Connection:
        connection = connect(str(self.path), mode or self._mode, timeout_s=_BUSY_S)
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            if self._is_prepared:
                _check_checksums(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _found(self) -> _Identity:
        """Return the identity of the file; with time and size if it must not change."""
        file = os.stat(self.path)
        if "immutable" in self._mode:
            return file.st_dev, file.st_ino, file.st_mtime_ns, file.st_size
        return file.st_dev, file.st_ino, 0, 0

    def _log_inode(self) -> int:
        # While a connection is open, SQLite never replaces the log.
        try:
            return os.stat(self._log).st_ino
        except FileNotFoundError:
            return 0

    def _check_identity(self, *, with_log: bool = False) -> None:
        """
        Check that the name still leads to the open file: everything written to another one would be lost.

        Raises
        ------
        StoreError
            If the file or its log was renamed, deleted or replaced, or changed on a read-only share.
        """
        with contextlib.suppress(FileNotFoundError):
            if self._found() == self._identity and not (with_log and self._log_inode() != self._open_log):
                self._looked_at = time.monotonic()
                return
        # The next reader looks as well: it would read on in the old file.
        self._looked_at = 0.0
        raise StoreError(
            f"{self.path} or its log ({self._log.name}) was renamed, deleted or replaced while in use; put it back, or "
            "restart the service"
        )

    def _take(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.path} is closed")
            if self._idle:
                return self._idle.pop()
        if not self._is_prepared:
            self._prepare()
            return self._take()
        self._check_identity()
        return self._open()

    def _put_back(self, connection: apsw.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[apsw.Connection]:
        """
        Yield a connection with a consistent snapshot of the database, unaffected by concurrent writes.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        connection = self._take()
        try:
            with self.errors_of_reading():
                connection.execute("BEGIN")
                if "immutable" in self._mode or time.monotonic() > self._looked_at + _LOOK_S:
                    self._check_identity()
                yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._put_back(connection)

    def errors_of_reading(self) -> contextlib.AbstractContextManager[None]:
        """Return a block whose errors of SQLite about the file become `StoreError`: for answers that are read on."""
        return _StoreErrors(self.path, "could not be read")

    @contextlib.contextmanager
    def writing(self) -> Iterator[apsw.Connection]:
        """
        Yield a connection whose changes are committed together, or rolled back if the block fails.

        Raises
        ------
        StoreError
            If the database is read-only, or was locked by other writers for too long.
        """
        if self.read_only:
            raise StoreError(f"{self.path} is opened read-only, or cannot be written at its place")
        if not self._one_writes.acquire(timeout=_BUSY_S):
            raise StoreError(f"{self.path} is locked by other writers for more than {_BUSY_S:.0f} s; try again")
        try:
            yield from self._transaction()
        finally:
            self._one_writes.release()

    def _transaction(self) -> Iterator[apsw.Connection]:
        connection = self._take()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except FILE_ERRORS as error:
            self._put_back(connection)
            raise StoreError(f"{self.path} is locked by other writers: {error}") from error
        try:
            with _StoreErrors(self.path, "could not be written", "; the request was rolled back"):
                self._check_identity(with_log=True)
                yield connection
                self._check_identity(with_log=True)
                connection.execute("COMMIT")
        finally:
            # Roll back uncommitted changes; a full disk may have ended the transaction already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._put_back(connection)

    @contextlib.contextmanager
    def idle(self) -> Iterator[apsw.Connection]:
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


def _check_checksums(connection: apsw.Connection, path: Path) -> None:
    """Check that pages are checked, which a byte of the file's head decides; it is read with the first page."""
    connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if not has_checksums(connection):
        raise StoreError(f"{path} is damaged: its pages have no checksums; restore a backup")


def _close_all(connections: list[apsw.Connection]) -> None:
    while connections:
        connections.pop().close()
