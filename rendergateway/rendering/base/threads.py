"""The threads in which images are read, and tiles and bands of tiles are drawn side by side."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["drawing", "fetched", "in_turn", "read", "side_by_side", "workers"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 8


def _cores() -> int:
    """Return how many cores this thread may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def workers() -> int:
    """Return how many threads of a kind there are."""
    return min(_MOST, os.cpu_count() or 1)


# Kinds, so that none waits for its own: fetching waits for reading, tiles for their bands, those for nothing.
@functools.cache
def _pool(kind: str, most: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(most, thread_name_prefix=f"rendergateway-{kind}")


_under_way: set[object] = set()


class _OpenCVThreads:
    """
    Keeps OpenCV from splitting its work among threads of its own while several pictures are under way.

    The cores have work then, and OpenCV's threads, which wait by turning round, would only take their time.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._before: int | None = None

    def follow(self, pictures: int) -> None:
        """Take one thread for several pictures, or again as many as there were before."""
        import cv2

        if pictures > 1 and self._before is None:
            self._before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        elif pictures <= 1 and self._before is not None:
            cv2.setNumThreads(self._before)
            self._before = None


_opencv = _OpenCVThreads()


def _after_fork() -> None:
    # Threads do not come along into a child, nor what they draw, nor who would give the lock back.
    _pool.cache_clear()
    _under_way.clear()
    _opencv.lock = threading.Lock()
    if "cv2" in sys.modules:
        _opencv.follow(0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def drawing() -> Iterator[None]:
    """Count one picture as under way, while it is drawn or encoded."""
    one = object()
    with _opencv.lock:
        _under_way.add(one)
        _opencv.follow(len(_under_way))
    try:
        yield
    finally:
        with _opencv.lock:
            _under_way.discard(one)
            _opencv.follow(len(_under_way))


def _is_busy() -> bool:
    """Return whether each core has a picture to draw: then to hand over work only costs time."""
    return len(_under_way) >= _cores()


def read(work: Callable[[], None]) -> None:
    """Decode an image in a thread for that; *work* must not wait for others."""
    _pool("read", workers()).submit(work)


def fetched(work: Callable[[], Result]) -> Future[Result]:
    """Return what *work* will bring from elsewhere: there are more threads than cores, as they mostly wait."""
    return _pool("fetch", _MOST).submit(work)


def in_turn(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """
    Yield what *work* makes of each item, in their order; a few items ahead are worked on, no more are held.

    While as many pictures as there are cores are under way, items are worked on in the thread that asks.

    Examples
    --------
    >>> list(in_turn(len, ["a", "bb", "ccc"]))
    [1, 2, 3]
    """
    ahead: deque[Future[Result]] = deque()
    try:
        for item in items:
            if _is_busy():
                while ahead:
                    yield ahead.popleft().result()
                yield work(item)
                continue
            ahead.append(_pool("tile", workers()).submit(work, item))
            if len(ahead) > workers():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def side_by_side(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    """Return what *work* makes of all items, worked on at once; *work* must not wait for others."""
    if len(items) > 1 and not _is_busy():
        return list(_pool("band", workers()).map(work, items))
    return [work(item) for item in items]
