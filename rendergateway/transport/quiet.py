"""Stretches of a program in which no request may be made."""

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
    Let no gateway make a request in this block: what would need one raises instead.

    For views that have loaded all they show, and for tests. It counts for this thread or task, not for others.

    Raises
    ------
    UnplannedRequestError
        In the block, where something that is not loaded is read.

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
    """Raise `UnplannedRequestError` where no request may be made."""
    if _is_quiet.get():
        raise UnplannedRequestError(f"a request to {server} was about to be made where none may be; load() before")
