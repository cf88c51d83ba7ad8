"""
What a handler raises when it cannot do what it was asked: a sentence, and the status that goes with it.

The real service tells three kinds apart (contract, 1.6): not found, illegal argument, and all else, which is 500 even
where the stack's state is to blame.
"""

from __future__ import annotations

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
]


class ServiceRefusal(Exception):  # noqa: N818  Users never meet it: it becomes an answer.
    """
    A request was refused; the message is what the client reads.

    Parameters
    ----------
    message : str
        The sentence.
    keep_changes : bool
        Whether what the handler did before stays: the real service leaves two traces of refused requests.
    """

    status: ClassVar[int] = 500
    content_type: ClassVar[str | None] = "text/plain;charset=utf-8"

    def __init__(self, message: str = "", *, keep_changes: bool = False) -> None:
        super().__init__(message)
        self.keep_changes = keep_changes
        self.headers: dict[str, str] = {}


class NotFound(ServiceRefusal):
    """There is nothing of that name or place."""

    status = 404


class IllegalArgument(ServiceRefusal):
    """A name or value that is not allowed."""

    status = 400


class IllegalState(ServiceRefusal):
    """Not in the present state of the stack."""

    status = 500


class NullPointer(ServiceRefusal):
    """Something the real service does not expect to be missing; it answers without a sentence."""

    status = 500
    content_type = "text/plain"


class BadBody(ServiceRefusal):
    """The body is no JSON, or not of the right kind."""

    status = 400
    content_type = "text/html;charset=utf-8"


class Uncaught(ServiceRefusal):
    """What the real service does not catch: a page for readers, nothing for writers."""

    status = 500
    content_type = "text/html;charset=iso-8859-1"


class TooLarge(ServiceRefusal):
    """
    The body is larger than allowed.

    Parameters
    ----------
    limit : int
        Most bytes of a body, unpacked.
    """

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is larger than {limit} bytes, the service's option body_limit; send it in parts")


class NotBuilt(ServiceRefusal):
    """An endpoint that this service does not have."""

    status = 501


class NotModified(ServiceRefusal):
    """The client has this picture already."""

    status = 304
    content_type = None


class PreconditionFailed(ServiceRefusal):
    """The picture is no longer the one that the client means."""

    status = 412
    content_type = None
