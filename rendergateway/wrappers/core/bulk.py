"""Long work over many objects: its options, and a worker pool that keeps the order."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from rendergateway.errors import ConfigurationError, add_note
from rendergateway.progress import Progress, tracking
from rendergateway.transport.blocks import for_processes, for_threads
from rendergateway.wrappers.core.arguments import as_count

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

__all__ = ["Bulk", "broken_pools_explained", "in_order", "mapped", "read_ahead"]

T = TypeVar("T")
R = TypeVar("R")


def _workers(value: Any) -> int:
    return as_count(value, "workers")


def _batch(value: Any) -> int:
    return as_count(value, "batch")


@attrs.frozen(kw_only=True)
class Bulk:
    """
    Options of long work, with one default per gateway.

    Parameters
    ----------
    workers : int
        Concurrent requests, or threads.
    batch : int
        Objects per request.
    progress : bool or callable, optional
        See `rendergateway.progress.tracking`.

    Raises
    ------
    ValueError
        If *workers* or *batch* is below 1.
    """

    workers: int = attrs.field(default=4, converter=_workers)
    batch: int = attrs.field(default=2000, converter=_batch)
    progress: Progress = None

    def with_given(self, *, workers: int | None = None, batch: int | None = None, progress: Progress = None) -> Bulk:
        """Return these options with the ones that are not None replaced."""
        return Bulk(
            workers=self.workers if workers is None else workers,
            batch=self.batch if batch is None else batch,
            progress=self.progress if progress is None else progress,
        )


def mapped(
    work: Callable[[T], R],
    items: Sequence[T],
    bulk: Bulk,
    *,
    what: str,
    processes: int | None = None,
) -> list[R]:
    """Return the results of *work* on each item, in order; see `Collection.map`."""
    # Imported on use: multiprocessing, which it loads, is a tenth of a plain import.
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

    if processes is not None:
        processes = as_count(processes, "processes")
        _check_picklable(work)
    work = for_threads(work) if processes is None else for_processes(work)
    count = bulk.workers if processes is None else processes
    pool = ThreadPoolExecutor(count, "rendergateway-map") if processes is None else ProcessPoolExecutor(count)
    try:
        with broken_pools_explained():
            return _collected(in_order(pool, work, items, 2 * count), what, len(items), bulk.progress)
    except BaseException:
        _stop(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def broken_pools_explained() -> Iterator[None]:
    """
    Explain the end of a process in the middle of its work.

    Raises
    ------
    ConfigurationError
        Instead of the error of the pool of processes.
    """
    from concurrent.futures import BrokenExecutor

    try:
        yield
    except BrokenExecutor as error:
        raise ConfigurationError(
            "a process ended before its work was done: in a script, put all lines after the imports below "
            "if __name__ == '__main__':; if it ran out of memory, use fewer processes"
        ) from error


def _check_picklable(work: object) -> None:
    import pickle

    try:
        pickle.dumps(work)
    except Exception as error:
        raise TypeError(
            f"{work!r} cannot be pickled for another process: {error}; pass a module-level function, or use workers= "
            "instead of processes="
        ) from error


def _collected(results: Iterator[R], what: str, total: int, progress: Progress) -> list[R]:
    done: list[R] = []
    with tracking(progress, what, total) as report:
        for result in results:
            done.append(result)
            report(len(done))
    return done


def in_order(pool: Executor, work: Callable[[T], R], items: Iterable[T], limit: int) -> Iterator[R]:
    """Yield results in the order of the items; at most *limit* of them are running or waiting to be taken."""
    pending: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        pending.append((item, pool.submit(work, item)))
        if len(pending) == limit:
            yield _result(*pending.popleft())
    while pending:
        yield _result(*pending.popleft())


def _result(item: Any, future: Future[R]) -> R:
    try:
        return future.result()
    except Exception as error:
        add_note(error, f"while processing {item!r}")
        raise


def _stop(pool: Executor) -> None:
    """Terminate the processes of a pool; unlike threads they can be stopped in the middle of their work."""
    # terminate_workers() does this from Python 3.14 on.
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()


@contextlib.contextmanager
def read_ahead(items: Iterable[T], read: Callable[[T], R], ahead: int) -> Iterator[Iterator[R]]:
    """
    Yield an iterator over the results of *read* for each item, in order; up to *ahead* more are read by threads.

    A context manager, not a generator of results: the end of the block waits for the threads. A garbage collector that
    finalizes a generator may run in any thread, also in one of these, or while one is being started.

    Parameters
    ----------
    items : iterable
        Consumed lazily.
    read : callable
        Called in threads.
    ahead : int
        Number of threads, and of results read before they are consumed.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(ahead, "rendergateway-read")
    try:
        yield in_order(pool, for_threads(read), items, ahead + 1)
    finally:
        pool.shutdown(cancel_futures=True)
