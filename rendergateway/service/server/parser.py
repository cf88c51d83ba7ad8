"""Requests as they arrive: those that are refused for their head are answered at once, their bodies are not read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rendergateway.service.app import Application
from rendergateway.service.server.extended import HTTPRequestParser, ParsingError

__all__ = ["BODY_IN_MEMORY", "RequestParser"]

# Larger bodies are received into a file; only these are worth a look at the head alone.
BODY_IN_MEMORY = 2**20


class _Refusal:
    """An answer in the place of an error of waitress."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self._answer = status, headers, body

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        return self._answer


class RequestParser(HTTPRequestParser):
    """
    The parser of one request.

    Parameters
    ----------
    settings : waitress.adjustments.Adjustments
    application : Application
        Decides which heads are refused.
    on_refusal : callable
        Called when the body of a request will not be read.
    """

    error: Any

    def __init__(self, settings: Any, application: Application, on_refusal: Callable[[], object]) -> None:
        super().__init__(settings)
        self._application = application
        self._on_refusal = on_refusal
        self._has_valid_head = False

    def received(self, data: bytes) -> int:
        """Parse *data*; return the number of bytes that belong to this request."""
        is_head = not self.headers_finished
        consumed: int = super().received(data)
        if is_head and self._has_valid_head and self.body_rcv is not None:
            self.error = self._refusal() or self.error
        if self.error is not None:
            # No "100 Continue" for a body that is never read.
            self.completed, self.expect_continue = True, False
            self._on_refusal()
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """
        Parse request line and headers.

        Raises
        ------
        ParsingError
            If they are malformed, or the end of the body is ambiguous.
        """
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # A target like "http://[", or a length of thousands of digits.
            raise ParsingError(f"invalid request: {error}") from error
        # HTTP/1.0 has no chunks; waitress removes the header from requests of 1.1.
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("Content-Length and Transfer-Encoding exclude each other; send one of them")
        self._has_valid_head = True

    def _refusal(self) -> _Refusal | None:
        if not (self.chunked or self.content_length > BODY_IN_MEMORY):
            return None
        started: list[Any] = []

        def start_response(*answer: Any) -> Callable[[bytes], object]:
            started[:] = answer[:2]
            return started.append

        body = self._application.refuse_unread(self._environ(), start_response)
        return None if body is None else _Refusal(started[0], started[1], b"".join(body))

    def _environ(self) -> dict[str, Any]:
        bare = ("CONTENT_TYPE", "CONTENT_LENGTH")
        environ = {name if name in bare else f"HTTP_{name}": text for name, text in self.headers.items()}
        return environ | {
            "REQUEST_METHOD": self.command,
            "REQUEST_URI": self.request_uri,
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "SERVER_PROTOCOL": f"HTTP/{self.version}",
            "wsgi.url_scheme": "http",
        }
