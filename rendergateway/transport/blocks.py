"""Blocks that restrict requests: to none, or to a single attempt each."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

from rendergateway.errors import UnplannedRequestError

__all__ = [
    "check_planned",
    "for_processes",
    "for_threads",
    "is_single_attempt",
    "single_attempt",
    "without_requests",
]

T = TypeVar("T")
R = TypeVar("R")

_no_requests: ContextVar[bool] = ContextVar("no_requests", default=False)
_single_attempt: ContextVar[bool] = ContextVar("single_attempt", default=False)


@contextlib.contextmanager
def without_requests() -> Iterator[None]:
    """
    Forbid requests of all gateways in this block.

    Intended for views that have loaded their data, and for tests. Affects the current thread or task, and the threads
    and processes that this package starts for it.

    Raises
    ------
    UnplannedRequestError
        In the block, if an object that is not loaded is read.

    Examples
    --------
    >>> from rendergateway import Gateway, without_requests
    >>> with Gateway("embedded:", owner="lab") as gateway:
    ...     stacks = gateway.stacks().load()
    ...     with without_requests():
    ...         print(len(stacks))
    0
    """
    before = _no_requests.set(True)
    try:
        yield
    finally:
        _no_requests.reset(before)


def check_planned(server: str) -> None:
    """Raise `UnplannedRequestError` inside `without_requests`."""
    if _no_requests.get():
        raise UnplannedRequestError(f"request to {server} attempted inside without_requests(); call load() before")


@contextlib.contextmanager
def single_attempt() -> Iterator[None]:
    """Send each request of this block once: the caller repeats it, so that there is one layer of retries."""
    before = _single_attempt.set(True)
    try:
        yield
    finally:
        _single_attempt.reset(before)


def is_single_attempt() -> bool:
    """Return whether requests of the current thread or task are sent once."""
    return _single_attempt.get()


def for_threads(work: Callable[[T], R]) -> Callable[[T], R]:
    """Return *work* to be called in other threads, inside the blocks of this one."""
    context = contextvars.copy_context()
    # A copy for each call: a context runs in one thread at a time.
    return lambda item: context.copy().run(work, item)


def for_processes(work: Callable[[T], R]) -> Callable[[T], R]:
    """Return *work* to be called in other processes, inside the blocks of this thread; it is picklable if *work* is."""
    return partial(_without_requests, work) if _no_requests.get() else work


def _without_requests(work: Callable[[T], R], item: T) -> R:
    with without_requests():
        return work(item)
