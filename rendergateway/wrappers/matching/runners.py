"""Where pictures are described and matched: in this process, in others, or by the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import functools
import itertools
import multiprocessing
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from rendergateway.alignment.features import Features
from rendergateway.alignment.matches import Matched, MatchRule, matched
from rendergateway.errors import ConfigurationError
from rendergateway.extras import needed_for
from rendergateway.rendering.output.encoding import write_whole
from rendergateway.wrappers.core.bulk import broken_pools_explained
from rendergateway.wrappers.matching.canvases import DescribeTask

__all__ = ["MatchTask", "Runner", "dask_client", "runner"]

# Features of recent tiles that a process keeps: a tile and its neighbours.
_KEPT = 32


@attrs.frozen
class MatchTask:
    """Two canvases to be matched: their features, as the runner holds them, the rule and the scale of the pictures."""

    p: Any
    q: Any
    rule: MatchRule
    scale: float


class Runner(Protocol):
    """Describes and matches; the results are the same wherever it does."""

    def describe(self, tasks: Sequence[DescribeTask]) -> Iterator[Any]:
        """Yield a handle for the features of each canvas, in order."""
        ...

    def match(self, tasks: Sequence[MatchTask]) -> Iterator[tuple[Matched, Features, Features]]:
        """Yield the matches of each pair, in order, with the features; their points and descriptors may be left out."""
        ...

    def forget(self, features: Any) -> None:
        """Release the features of a canvas that is not needed any more."""
        ...


@contextlib.contextmanager
def runner(workers: int, dask: Any = None) -> Iterator[Runner]:
    """
    Yield a runner.

    Parameters
    ----------
    workers : int
        Processes; 1 works in this one.
    dask : distributed.Client or str, optional
        A client of a Dask cluster, or the address of its scheduler, in place of processes.

    Raises
    ------
    MissingExtraError, ConfigurationError
        As for `dask_client`.
    """
    if dask is not None:
        with dask_client(dask) as client:
            yield _OnCluster(client)
    elif workers == 1:
        yield _InProcess()
    else:
        with tempfile.TemporaryDirectory(prefix="rendergateway-features-") as folder:
            yield from _processes(workers, Path(folder))


def _place(features: Features) -> Features:
    """Return features without points and descriptors: all that the parent needs of them."""
    return attrs.evolve(features, points=features.points[:0], descriptors=features.descriptors[:0], mask=None)


def _matched(task: MatchTask) -> tuple[Matched, Features, Features]:
    return matched(task.p, task.q, task.rule, task.scale), _place(task.p), _place(task.q)


class _InProcess:
    def describe(self, tasks: Sequence[DescribeTask]) -> Iterator[Features]:
        return (task.run() for task in tasks)

    def match(self, tasks: Sequence[MatchTask]) -> Iterator[tuple[Matched, Features, Features]]:
        return map(_matched, tasks)

    def forget(self, features: Features) -> None:
        pass


# Processes: features travel as files, which are read by the processes that match them.


def _processes(workers: int, folder: Path) -> Iterator[Runner]:
    from concurrent.futures import ProcessPoolExecutor

    # The threads of OpenCV do not survive a fork.
    context = multiprocessing.get_context("spawn" if "cv2" in sys.modules else None)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_process)
    try:
        yield _InProcesses(pool, folder)
    except BaseException:
        # Nothing is stored by the processes, so they can be stopped in the middle of their work.
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    # Ctrl-C reaches all processes of a terminal; the parent ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from rendergateway.rendering.base.opencv import cv2

    cv2.setNumThreads(1)


def _describe_to(folder: Path, numbered: Sequence[tuple[int, DescribeTask]]) -> list[str]:
    paths = [str(folder / f"{number}.npz") for number, _ in numbered]
    for path, (_, task) in zip(paths, numbered, strict=True):
        write_whole(path, task.run().to_bytes())
    return paths


@functools.lru_cache(maxsize=_KEPT)
def _features_at(path: str) -> Features:
    return Features.read(path)


def _match_files(task: MatchTask) -> tuple[Matched, Features, Features]:
    return _matched(attrs.evolve(task, p=_features_at(task.p), q=_features_at(task.q)))


class _InProcesses:
    def __init__(self, pool: Any, folder: Path) -> None:
        self._pool = pool
        self._folder = folder
        self._count = 0

    def describe(self, tasks: Sequence[DescribeTask]) -> Iterator[str]:
        numbered = enumerate(tasks, self._count)
        self._count += len(tasks)
        of_tiles = [list(some) for _, some in itertools.groupby(numbered, lambda one: str(one[1].canvas))]
        with broken_pools_explained():
            for paths in self._pool.map(functools.partial(_describe_to, self._folder), of_tiles):
                yield from paths

    def match(self, tasks: Sequence[MatchTask]) -> Iterator[tuple[Matched, Features, Features]]:
        with broken_pools_explained():
            yield from self._pool.map(_match_files, tasks)

    def forget(self, features: str) -> None:
        Path(features).unlink(missing_ok=True)


# Dask: features stay with the workers.


@contextlib.contextmanager
def dask_client(dask: Any) -> Iterator[Any]:
    """
    Yield a client of a Dask cluster: the one that is passed, or one of the scheduler at an address until the end.

    Raises
    ------
    MissingExtraError
        If *dask* is an address and distributed is not installed.
    ConfigurationError
        If no scheduler answers at the address.
    """
    if not isinstance(dask, str):
        yield dask
        return
    with needed_for("work on a Dask cluster"):
        import distributed
    try:
        client = distributed.Client(dask)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Dask scheduler cannot be reached: got the address {dask!r}: {error}") from error
    with client:
        yield client


def _run(task: DescribeTask) -> Features:
    return task.run()


def _match_held(p: Features, q: Features, task: MatchTask) -> tuple[Matched, Features, Features]:
    return _matched(attrs.evolve(task, p=p, q=q))


class _OnCluster:
    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, tasks: Sequence[DescribeTask]) -> Iterator[Any]:
        return iter(self._client.map(_run, tasks, pure=False))

    def match(self, tasks: Sequence[MatchTask]) -> Iterator[tuple[Matched, Features, Features]]:
        futures = [
            self._client.submit(_match_held, task.p, task.q, attrs.evolve(task, p=None, q=None), pure=False)
            for task in tasks
        ]
        for number, future in enumerate(futures):
            found: tuple[Matched, Features, Features] = future.result()
            # A future that is released frees the memory of its worker.
            futures[number] = None
            yield found

    def forget(self, features: Any) -> None:
        features.release()
