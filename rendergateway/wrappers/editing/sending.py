"""Requests of a write, several at once: each until it is acknowledged, no more after the first failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from rendergateway.errors import ConnectionFailedError, RequestError, ServerError, TimedOutError
from rendergateway.wrappers.core.mapping import in_order

__all__ = ["Sending", "read_ahead"]

T = TypeVar("T")
R = TypeVar("R")

# What a service that is restarted, or a proxy before one that is gone, answers.
_GONE = frozenset({502, 503, 504})
_RESUMPTIONS = 5
_LONGEST_WAIT_S = 10.0


class Sending:
    """
    Sends the requests of one write.

    Parameters
    ----------
    workers : int
        How many at once.
    is_there : callable
        Makes a small request; raises while the service cannot be reached.
    patience_s : float
        How long it waits for a service that is gone.
    tell : callable
        Called, in the thread that writes, with what is acknowledged so far.

    Attributes
    ----------
    acknowledged : int
        Sum of what the requests counted that the service confirmed.
    """

    def __init__(
        self, *, workers: int, is_there: Callable[[], object], patience_s: float, tell: Callable[[int], object]
    ) -> None:
        self.acknowledged = 0
        self._workers = workers
        self._is_there = is_there
        self._patience_s = patience_s
        self._tell = tell
        self._given_up = threading.Event()
        self._one_asks = threading.Lock()

    def run(self, requests: Iterable[Callable[[], int]]) -> int:
        """
        Make all *requests*; return the sum of what they return.

        Each is one that may be repeated. Where its connection breaks, the service is waited for, and the request made
        again. After the first failure, and after Ctrl-C, those under way are waited for and no more are made.

        Parameters
        ----------
        requests : iterable of callable
            Taken one by one: the next one is prepared while others are under way.
        """
        before = self.acknowledged
        pending: set[Future[int]] = set()
        with ThreadPoolExecutor(self._workers, "rendergateway-write") as pool:
            try:
                for request in requests:
                    while len(pending) >= self._workers:
                        self._take_one(pending)
                    pending.add(pool.submit(self._until_acknowledged, request))
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
        self._tell(self.acknowledged)

    def _until_acknowledged(self, request: Callable[[], int]) -> int:
        for _ in range(_RESUMPTIONS):
            try:
                return request()
            except (ConnectionFailedError, TimedOutError, ServerError) as error:
                if not _is_broken(error) or not self._service_is_back():
                    raise
        return request()

    def _service_is_back(self) -> bool:
        """Wait for the service; False where patience ends, or another request failed for good."""
        deadline, pause_s = time.monotonic() + self._patience_s, 0.5
        # One asks; those whose connections broke with its own wait with it.
        with self._one_asks:
            while not self._given_up.is_set():
                try:
                    self._is_there()
                except RequestError:
                    if time.monotonic() + pause_s > deadline:
                        return False
                    self._given_up.wait(pause_s)
                    pause_s = min(2 * pause_s, _LONGEST_WAIT_S)
                else:
                    return True
        return False


def _is_broken(error: RequestError) -> bool:
    return not isinstance(error, ServerError) or error.status in _GONE


def read_ahead(items: Iterable[T], read: Callable[[T], R], ahead: int) -> Iterator[R]:
    """
    Yield what *read* makes of each item, in order, while that many more are read by threads.

    Parameters
    ----------
    items : iterable
        Taken one by one.
    read : callable
        Called in threads.
    ahead : int
        How many are read before they are asked for.
    """
    pool = ThreadPoolExecutor(ahead, "rendergateway-read")
    try:
        yield from in_order(pool, read, items, ahead + 1)
    finally:
        pool.shutdown(cancel_futures=True)
