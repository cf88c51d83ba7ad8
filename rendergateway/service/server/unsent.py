"""Answers that clients have yet to take: in memory up to a limit that all connections share, then in files."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from typing import IO

__all__ = ["Room", "Unsent"]

MIB = 2**20


class Room:
    """
    The memory and disk space that the unsent answers of all connections may take.

    Parameters
    ----------
    memory, disk : int
        Limits in bytes.
    """

    def __init__(self, memory: int = 64 * MIB, disk: int = 1024 * MIB) -> None:
        self._memory, self._disk = memory, disk
        self._in_memory = self._on_disk = 0
        self._lock = threading.Lock()

    @property
    def is_short(self) -> bool:
        """Whether more than the limit is on disk: a connection has to end."""
        return self._on_disk > self._disk

    def take_memory(self, size: int) -> bool:
        """Reserve memory, if it is left."""
        with self._lock:
            if self._in_memory + size > self._memory:
                return False
            self._in_memory += size
            return True

    def add(self, in_memory: int = 0, on_disk: int = 0) -> None:
        """Change the number of bytes in use."""
        with self._lock:
            self._in_memory += in_memory
            self._on_disk += on_disk


class Unsent:
    """
    The bytes that one connection has yet to send; a buffer of waitress.

    Parameters
    ----------
    room : Room
        Shared with the other connections.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._pieces: deque[memoryview] = deque()
        self._in_memory = 0
        # The file has bytes after those in memory: from `_start` to `_end`.
        self._file: IO[bytes] | None = None
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._in_memory + self._end - self._start

    def append(self, data: bytes) -> None:
        """
        Add bytes at the end.

        Raises
        ------
        OSError
            If there is no disk space left.
        """
        if self._file is None:
            if self._room.take_memory(len(data)):
                self._pieces.append(memoryview(data))
                self._in_memory += len(data)
                return
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  Closed when all is sent, or the connection ends.
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._file.fileno(), rest, self._end)
            self._end += written
            self._room.add(on_disk=written)
            rest = rest[written:]

    def get(self, size: int) -> memoryview | bytes:
        """Return at most *size* bytes from the start."""
        if self._pieces:
            return self._pieces[0][:size]
        return os.pread(self._file.fileno(), min(size, len(self)), self._start) if self._file else b""

    def skip(self, size: int, allow_prune: bool = False) -> None:
        """Remove *size* bytes that `get` returned."""
        if self._pieces:
            rest = self._pieces.popleft()[size:]
            if rest:
                self._pieces.appendleft(rest)
            self._in_memory -= size
            self._room.add(in_memory=-size)
            return
        self._start += size
        if self._start == self._end:
            self.close()

    def close(self) -> None:
        """Discard all."""
        self._room.add(in_memory=-self._in_memory, on_disk=-self._end)
        if self._file is not None:
            self._file.close()
        self._pieces.clear()
        self._file, self._in_memory, self._start, self._end = None, 0, 0, 0
