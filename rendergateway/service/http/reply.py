"""An answer as WSGI sends it: status, headers, and a body that is there or is read while it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

__all__ = ["Reply", "bare", "nothing"]

_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
# What has no body has no length either.
_BODILESS = frozenset({204, 304})


def nothing() -> None:
    """Stand for the end of what needs none."""


class Reply:
    """
    One answer.

    Parameters
    ----------
    body : bytes, str or iterator of bytes
        What is sent; an iterator is read while it is sent.
    status : int
        HTTP status.
    content_type : str, optional
        Left out where there is none.
    headers : dict, optional
        Further headers.
    close : callable
        Called when the answer was sent, or given up.
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
        """Start the response and return its body, which a HEAD request gets none of."""
        body = self.body
        if isinstance(body, bytes) and self.status not in _BODILESS:
            self.headers["Content-Length"] = str(len(body))
        start_response(_LINES[self.status], list(self.headers.items()))
        if isinstance(body, bytes):
            return [] if method == "HEAD" else [body]
        return _Sent(iter(()) if method == "HEAD" else body, self._close)


class _Sent:
    """A body that is read while it is sent; the server closes it, whether it was read or not."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], object]) -> None:
        self._pieces = pieces
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """End what the body was read from."""
        self._close()


def bare(status: int, headers: dict[str, str] | None = None) -> Reply:
    """Return an answer without body or content type."""
    return Reply(status=status, headers=headers)
