"""The threads in which tiles, and bands of tiles, are drawn side by side."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_turn", "side_by_side"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 8


def _workers() -> int:
    return min(_MOST, os.cpu_count() or 1)


# Two kinds, so that a tile may wait for its bands: bands wait for nothing.
@functools.cache
def _pool(kind: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_workers(), thread_name_prefix=f"rendergateway-{kind}")


if hasattr(os, "register_at_fork"):
    # Threads do not come along into a child.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def in_turn(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """
    Yield what *work* makes of each item, in their order; a few items ahead are worked on, no more are held.

    Examples
    --------
    >>> list(in_turn(len, ["a", "bb", "ccc"]))
    [1, 2, 3]
    """
    ahead: deque[Future[Result]] = deque()
    try:
        for item in items:
            ahead.append(_pool("tile").submit(work, item))
            if len(ahead) > _workers():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def side_by_side(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    """Return what *work* makes of all items, worked on at once; *work* must not wait for others."""
    return list(_pool("band").map(work, items)) if len(items) > 1 else [work(item) for item in items]
