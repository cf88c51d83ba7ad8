"""A function over many objects: several at a time, answers in order, nothing left running."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from rendergateway.errors import add_note
from rendergateway.progress import Progress, tracking

__all__ = ["in_order", "mapped"]

T = TypeVar("T")
R = TypeVar("R")

_WORKERS = 8


def mapped(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    what: str,
    workers: int | None = None,
    processes: int | None = None,
    progress: Progress = None,
) -> list[R]:
    """Return what *work* makes of each item; see `Collection.map`."""
    if workers is not None and processes is not None:
        raise TypeError("work is done by threads (workers) or by processes, not by both")
    if processes is not None:
        _check_travels(work)
    count = next((given for given in (processes, workers) if given is not None), _WORKERS)
    if count < 1:
        raise ValueError(f"at least one works, not {count}")
    pool = ThreadPoolExecutor(count, "rendergateway-map") if processes is None else ProcessPoolExecutor(count)
    try:
        return _told(in_order(pool, work, items, 2 * count), what, len(items), progress)
    except BaseException:
        _stop(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _check_travels(work: object) -> None:
    try:
        pickle.dumps(work)
    except Exception as error:
        raise TypeError(
            f"{work!r} does not travel to other processes: {error}; give a function of a module, or workers= in the "
            "place of processes="
        ) from error


def _told(results: Iterator[R], what: str, total: int, progress: Progress) -> list[R]:
    done: list[R] = []
    with tracking(progress, what, total) as tell:
        for result in results:
            done.append(result)
            tell(len(done))
    return done


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], most: int) -> Iterator[R]:
    """Yield results in the order of the items, of which at most that many are under way or wait to be taken."""
    pending: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        pending.append((item, pool.submit(work, item)))
        if len(pending) == most:
            yield _result(*pending.popleft())
    while pending:
        yield _result(*pending.popleft())


def _result(item: Any, future: Future[R]) -> R:
    try:
        return future.result()
    except Exception as error:
        add_note(error, f"while at {item!r}")
        raise


def _stop(pool: Executor) -> None:
    """End the processes of a pool: unlike threads they can be ended in the middle of their work."""
    if isinstance(pool, ProcessPoolExecutor):
        # terminate_workers() does this from Python 3.14 on.
        for process in list((pool._processes or {}).values()):
            process.terminate()
