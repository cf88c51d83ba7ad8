"""A cache with room for so many bytes, whoever asks, from any thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["ByteCache"]

Value = TypeVar("Value")


class ByteCache(Generic[Value]):
    """
    Values by key, those used last kept.

    What several threads ask for at once is made once. A failure is not kept: the next one tries again.

    Parameters
    ----------
    most_bytes : int
        Bound of the sum of sizes; what is larger by itself is returned, not kept.
    size : callable
        Bytes of a value.

    Examples
    --------
    >>> squares = ByteCache(100, len)
    >>> squares.get("a", lambda: b"made")
    b'made'
    >>> squares.get("a", lambda: b"made again"), squares.bytes
    (b'made', 4)
    """

    def __init__(self, most_bytes: int, size: Callable[[Value], int]) -> None:
        self.most_bytes = most_bytes
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._under_way: dict[Hashable, Future[Value]] = {}
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """How much is kept now."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what is kept under *key*, else what *make* returns."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            future = self._under_way.get(key)
            mine = future is None
            if future is None:
                future = self._under_way[key] = Future()
        return self._make(key, future, make) if mine else future.result()

    def _make(self, key: Hashable, future: Future[Value], make: Callable[[], Value]) -> Value:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._under_way[key]
            future.set_exception(error)
            raise
        with self._lock:
            del self._under_way[key]
            self._keep(key, value)
        future.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Value) -> None:
        size = self._size(value)
        if size > self.most_bytes:
            return
        self._kept[key] = value, size
        self._bytes += size
        while self._bytes > self.most_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone

    def clear(self) -> None:
        """Forget everything kept."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
