"""Blocks that restrict requests: to none, or to a single attempt each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from rendergateway.errors import UnplannedRequestError

__all__ = ["check_planned", "is_single_attempt", "single_attempt", "without_requests"]

_no_requests: ContextVar[bool] = ContextVar("no_requests", default=False)
_single_attempt: ContextVar[bool] = ContextVar("single_attempt", default=False)


@contextlib.contextmanager
def without_requests() -> Iterator[None]:
    """
    Forbid requests of all gateways in this block.

    Intended for views that have loaded their data, and for tests. Affects the current thread or task only.

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
