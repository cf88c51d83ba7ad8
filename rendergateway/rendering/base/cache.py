"""A thread-safe LRU cache with a size limit in bytes."""

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
    A thread-safe cache of the most recently used values.

    A value that several threads request at the same time is computed once. Failures are not cached. A forked process
    keeps the cached values.

    Parameters
    ----------
    most_bytes : int
        Limit of the total size; a larger value is returned, but not cached.
    size : callable
        Returns the size of a value in bytes.

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
        self._in_progress: dict[Hashable, Future[Value]] = {}
        self._bytes = 0
        _caches.add(self)

    @property
    def bytes(self) -> int:
        """Total size of the cached values."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the cached value of *key*, or compute it with *make*."""
        return self.begin(key, make).result()

    def begin(
        self, key: Hashable, make: Callable[[], Value], run: Callable[[Callable[[], None]], object] = _at_once
    ) -> Future[Value]:
        """
        Return a future of the value of *key*.

        Parameters
        ----------
        key : hashable
        make : callable
            Computes the value if it is neither cached nor in progress.
        run : callable
            Runs the computation: at once, or in another thread.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return _done(self._kept[key][0])
            future = self._in_progress.get(key)
            if future is not None:
                return future
            future = self._in_progress[key] = Future()
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
            self._in_progress.pop(key, None)
            self._keep(key, value)
        future.set_result(value)

    def _fail(self, key: Hashable, future: Future[Value], error: BaseException) -> None:
        with self._lock:
            self._in_progress.pop(key, None)
        future.set_exception(error)

    def _keep(self, key: Hashable, value: Value) -> None:
        size = self._size(value)
        if size > self.most_bytes:
            return
        self._kept[key] = value, size
        self._bytes += size
        while self._bytes > self.most_bytes:
            _, (_, size) = self._kept.popitem(last=False)
            self._bytes -= size

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _in_child(self) -> None:
        # A forked process has no other threads: none would release the lock or finish values in progress.
        self._lock = threading.Lock()
        self._in_progress = {}
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
