"""Concurrent requests of a write: each is repeated until it is acknowledged, none is made after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from rendergateway.errors import ConnectionFailedError, RequestError, ServerError, TimedOutError
from rendergateway.transport.blocks import for_threads, single_attempt

__all__ = ["Uploader"]

# Statuses of a service that is restarting, or of a proxy before an unreachable one.
_UNREACHABLE = frozenset({502, 503, 504})
_REPETITIONS = 5
_MAX_PAUSE_S = 10.0


class Uploader:
    """
    Makes the requests of one write.

    It is the only layer of retries of a write: each request is one attempt of the transport. After a lost connection
    the service is polled until it answers, for at most *patience_s* seconds, and the request is made again.

    Parameters
    ----------
    workers : int
        Concurrent requests.
    is_there : callable
        Makes a small request; raises while the service is unreachable.
    patience_s : float
        How long to wait for an unreachable service.
    report : callable
        Called, in the thread that writes, with the sum that is acknowledged so far.

    Attributes
    ----------
    acknowledged : int
        Sum of the results of acknowledged requests.
    """

    def __init__(
        self, *, workers: int, is_there: Callable[[], object], patience_s: float, report: Callable[[int], object]
    ) -> None:
        self.acknowledged = 0
        self._workers = workers
        self._is_there = is_there
        self._patience_s = patience_s
        self._report = report
        self._given_up = threading.Event()
        self._polling = threading.Lock()

    def run(self, requests: Iterable[Callable[[], int]]) -> int:
        """
        Make all *requests*; return the sum of their results.

        Requests must be safe to repeat. After the first failure, and after Ctrl-C, running requests are waited for and
        no more are made.

        Parameters
        ----------
        requests : iterable of callable
            Consumed lazily: the next one is prepared while others are running.
        """
        before = self.acknowledged
        acknowledged = for_threads(self._until_acknowledged)
        pending: set[Future[int]] = set()
        with ThreadPoolExecutor(self._workers, "rendergateway-write") as pool:
            try:
                for request in requests:
                    while len(pending) >= self._workers:
                        self._take_one(pending)
                    pending.add(pool.submit(acknowledged, request))
                while pending:
                    self._take_one(pending)
            except BaseException:
                self._given_up.set()
                wait(pending)
                self.acknowledged += sum(done.result() for done in pending if done.exception() is None)
                raise
        return self.acknowledged - before

    def _take_one(self, pending: set[Future[int]]) -> None:
        """Wait for one of *pending*, and remove it."""
        done = wait(pending, return_when=FIRST_COMPLETED).done.pop()
        pending.remove(done)
        self.acknowledged += done.result()
        self._report(self.acknowledged)

    def _until_acknowledged(self, request: Callable[[], int]) -> int:
        for _ in range(_REPETITIONS):
            try:
                with single_attempt():
                    return request()
            except (ConnectionFailedError, TimedOutError, ServerError) as error:
                if not _is_unreachable(error) or not self._service_is_back():
                    raise
        return request()

    def _service_is_back(self) -> bool:
        """Wait for the service; False if *patience_s* is over, or another request has failed for good."""
        deadline, pause_s = time.monotonic() + self._patience_s, 0.5
        # One thread polls; those that lost their connections meanwhile wait with it.
        with self._polling:
            while not self._given_up.is_set():
                try:
                    with single_attempt():
                        self._is_there()
                except RequestError:
                    if time.monotonic() + pause_s > deadline:
                        return False
                    self._given_up.wait(pause_s)
                    pause_s = min(2 * pause_s, _MAX_PAUSE_S)
                else:
                    return True
        return False


def _is_unreachable(error: RequestError) -> bool:
    return not isinstance(error, ServerError) or error.status in _UNREACHABLE
