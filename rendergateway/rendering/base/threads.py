"""Thread pools for reading images and for drawing tiles, or bands of one tile, in parallel."""

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
    """Return the number of cores available to this thread."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def workers() -> int:
    """Return the number of threads per pool."""
    return min(_MOST, os.cpu_count() or 1)


# Separate pools, so that no task waits for its own pool: "fetch" waits for "read", "tile" for "read" and "band".
@functools.cache
def _pool(kind: str, most: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(most, thread_name_prefix=f"rendergateway-{kind}")


_in_progress: set[object] = set()


class _OpenCVThreads:
    """
    Limits OpenCV to one thread while images are drawn.

    Tiles and bands are drawn side by side, so all cores are busy then, and the threads of OpenCV, which busy-wait,
    would only slow the others down.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._before: int | None = None

    def follow(self, images: int) -> None:
        """Set OpenCV to one thread while there are images, or back to its previous number of threads."""
        from rendergateway.rendering.base.opencv import cv2

        if images and self._before is None:
            self._before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        elif not images and self._before is not None:
            cv2.setNumThreads(self._before)
            self._before = None


_opencv = _OpenCVThreads()


def _after_fork() -> None:
    # A forked process has no other threads: none would draw or release the lock.
    _pool.cache_clear()
    _in_progress.clear()
    _opencv.lock = threading.Lock()
    if "cv2" in sys.modules:
        _opencv.follow(0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def drawing() -> Iterator[None]:
    """Count one image as in progress while it is drawn or encoded."""
    one = object()
    with _opencv.lock:
        _in_progress.add(one)
        _opencv.follow(len(_in_progress))
    try:
        yield
    finally:
        with _opencv.lock:
            _in_progress.discard(one)
            _opencv.follow(len(_in_progress))


def _is_busy() -> bool:
    """Whether every core is already drawing an image: then handing work to a pool costs time only."""
    return len(_in_progress) >= _cores()


def read(work: Callable[[], None]) -> None:
    """Run *work*, which decodes an image, in the read pool; it must not wait for other tasks."""
    _pool("read", workers()).submit(work)


def fetched(work: Callable[[], Result]) -> Future[Result]:
    """Run *work*, which downloads an image, in the fetch pool; return its future."""
    return _pool("fetch", _MOST).submit(work)


def in_turn(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """
    Yield *work* of each item in order, processing a few items ahead in parallel.

    While all cores are busy with other images, items are processed in the calling thread.

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
    """Return *work* of all items, processed in parallel; *work* must not wait for other tasks."""
    if len(items) > 1 and not _is_busy():
        return list(_pool("band", workers()).map(work, items))
    return [work(item) for item in items]
