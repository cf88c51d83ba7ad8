"""Blocks without requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from rendergateway.errors import UnplannedRequestError

__all__ = ["check_planned", "without_requests"]

_is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)


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
    before = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(before)


def check_planned(server: str) -> None:
    """Raise `UnplannedRequestError` inside `without_requests`."""
    if _is_quiet.get():
        raise UnplannedRequestError(f"request to {server} attempted inside without_requests(); call load() before")
