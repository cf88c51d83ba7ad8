"""A cache with room for so many bytes, whoever asks, from any thread."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

__all__ = ["ByteCache"]

Value = TypeVar("Value")


def _at_once(work: Callable[[], None]) -> None:
    work()


class ByteCache(Generic[Value]):
    """
    Values by key, those used last kept.

    What several threads ask for at once is made once. A failure is not kept: the next one tries again. A forked
    process goes on with what was kept.

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
        _caches.add(self)

    @property
    def bytes(self) -> int:
        """How much is kept now."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return what is kept under *key*, else what *make* returns."""
        return self.begin(key, make).result()

    def begin(
        self, key: Hashable, make: Callable[[], Value], run: Callable[[Callable[[], None]], object] = _at_once
    ) -> Future[Value]:
        """
        Return what is kept under *key*, or will be.

        Parameters
        ----------
        key : hashable
        make : callable
            Makes the value, where it is neither kept nor under way.
        run : callable
            Is given the work to do: at once, or in another thread, which then need not wait for anything.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return _done(self._kept[key][0])
            future = self._under_way.get(key)
            if future is not None:
                return future
            future = self._under_way[key] = Future()
        try:
            run(lambda: self._make(key, future, make))
        except BaseException as error:
            self._fail(key, future, error)
            raise
        return future

    def _make(self, key: Hashable, future: Future[Value], make: Callable[[], Value]) -> None:
        try:
            value = make()
        except BaseException as error:
            self._fail(key, future, error)
            return
        with self._lock:
            self._under_way.pop(key, None)
            self._keep(key, value)
        future.set_result(value)

    def _fail(self, key: Hashable, future: Future[Value], error: BaseException) -> None:
        with self._lock:
            self._under_way.pop(key, None)
        future.set_exception(error)

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

    def _in_child(self) -> None:
        # Threads do not come along into a child: nobody gives the lock back, or finishes what is under way.
        self._lock = threading.Lock()
        self._under_way = {}
        self._bytes = sum(size for _, size in self._kept.values())


def _done(value: Value) -> Future[Value]:
    future: Future[Value] = Future()
    future.set_result(value)
    return future


_caches: weakref.WeakSet[ByteCache[Any]] = weakref.WeakSet()


def _after_fork() -> None:
    for cache in list(_caches):
        cache._in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
