"""WSGI replies: status, headers, and a body in memory or streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["Reply", "bare", "nothing"]

_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# Statuses without a body, and so without Content-Length.
_BODILESS = frozenset({204, 304})


def nothing() -> None:
    """Do nothing: the default ``close`` of a reply."""


class Reply:
    """
    One reply.

    Parameters
    ----------
    body : bytes, str or iterator of bytes
        An iterator is streamed.
    status : int
        HTTP status.
    content_type : str, optional
        Omitted if None.
    headers : dict, optional
        Additional headers.
    close : callable
        Called once the reply is sent or aborted.
    """

    __slots__ = ("_close", "body", "headers", "status")

    def __init__(
        self,
        body: bytes | str | Iterator[bytes] = b"",
        status: int = 200,
        *,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        close: Callable[[], object] = nothing,
    ) -> None:
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = dict(headers) if headers else {}
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        self._close = close

    def send(self, method: str, start_response: StartResponse) -> Iterable[bytes]:
        """Start the response and return its body; empty for a HEAD request."""
        body = self.body
        if isinstance(body, bytes) and self.status not in _BODILESS:
            self.headers["Content-Length"] = str(len(body))
        start_response(_LINES[self.status], list(self.headers.items()))
        if isinstance(body, bytes):
            return [] if method == "HEAD" else [body]
        return _Stream(iter(()) if method == "HEAD" else body, self._close)


class _Stream:
    """A streamed body; the server always closes it."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], object]) -> None:
        self._pieces = pieces
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Close the source of the body."""
        self._close()


def bare(status: int, headers: dict[str, str] | None = None) -> Reply:
    """Return a reply without body or content type."""
    return Reply(status=status, headers=headers)
