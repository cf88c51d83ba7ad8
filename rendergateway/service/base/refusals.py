"""
Exceptions that handlers raise to refuse a request: a message and an HTTP status.

The real service distinguishes three kinds (contract, 1.6): not found, illegal argument, and everything else, which is
500 even if the state of the stack is the reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import ClassVar

__all__ = [
    "BadBody",
    "IllegalArgument",
    "IllegalState",
    "NotBuilt",
    "NotFound",
    "NotModified",
    "NullPointer",
    "PreconditionFailed",
    "ServiceRefusal",
    "TooLarge",
    "Uncaught",
    "uncaught",
]


class ServiceRefusal(Exception):  # noqa: N818  Internal: it becomes an answer, users never catch it.
    """
    A refused request; the client receives the message.

    Parameters
    ----------
    message : str
        Body of the answer.
    keep_changes : bool
        Whether to commit the changes that were made before; the real service does so in two cases.
    """

    status: ClassVar[int] = 500
    content_type: ClassVar[str | None] = "text/plain;charset=utf-8"

    def __init__(self, message: str = "", *, keep_changes: bool = False) -> None:
        super().__init__(message)
        self.keep_changes = keep_changes
        self.headers: dict[str, str] = {}


class NotFound(ServiceRefusal):
    """A missing object."""

    status = 404


class IllegalArgument(ServiceRefusal):
    """An invalid name or value."""

    status = 400


class IllegalState(ServiceRefusal):
    """A request that the current state of the stack does not allow."""

    status = 500


class NullPointer(ServiceRefusal):
    """A missing value that the real service does not check for; it answers without a message."""

    status = 500
    content_type = "text/plain"


class BadBody(ServiceRefusal):
    """A body that is not JSON, or does not match the expected type."""

    status = 400
    content_type = "text/html;charset=utf-8"


class Uncaught(ServiceRefusal):
    """An exception that the real service does not catch: an HTML page for reads, an empty body for writes."""

    status = 500
    content_type = "text/html;charset=iso-8859-1"


class TooLarge(ServiceRefusal):
    """
    A body above the size limit.

    Parameters
    ----------
    limit : int
        Maximum size in bytes, uncompressed.
    """

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body too large: the limit is {limit} bytes (option body_limit); send it in parts")


class NotBuilt(ServiceRefusal):
    """An endpoint that this service does not implement."""

    status = 501


class NotModified(ServiceRefusal):
    """The client has the current image already."""

    status = 304
    content_type = None


class PreconditionFailed(ServiceRefusal):
    """The image differs from the version that the client requires."""

    status = 412
    content_type = None


@contextlib.contextmanager
def uncaught() -> Iterator[None]:
    """Refuse an invalid value of the block as `Uncaught`: the real service checks it outside its error handling."""
    try:
        yield
    except (IllegalArgument, NullPointer) as refusal:
        raise Uncaught(str(refusal)) from refusal
