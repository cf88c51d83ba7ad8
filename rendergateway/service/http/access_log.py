"""Access log: one line per request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["AccessLog"]

# Clients control the request line: escape control characters, so that it cannot break lines or send terminal codes.
_CONTROL = {code: f"%{code:02X}" for code in (*range(32), *range(127, 160))}


class AccessLog:
    """
    WSGI middleware that logs each request once its answer is complete.

    Parameters
    ----------
    application : WSGI application
    log : callable
        Takes one line: UTC time, client, method, path with query, status, bytes sent, milliseconds.
    """

    def __init__(self, application: WSGIApplication, log: Callable[[str], object]) -> None:
        self._application = application
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        begin, statuses = time.perf_counter(), ["-"]

        def started(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            statuses[:] = [status[:3]]
            return start_response(status, headers, error)

        def done(sent: int) -> None:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            took_ms = (time.perf_counter() - begin) * 1e3
            self._log(f"{moment} {_request_line(environ)} {statuses[0]} {sent} bytes {took_ms:.1f} ms")

        return _Counted(self._application(environ, started), done)


def _request_line(environ: WSGIEnvironment) -> str:
    target = environ.get("REQUEST_URI") or environ.get("PATH_INFO", "")
    line = f"{environ.get('REMOTE_ADDR', '-')} {environ.get('REQUEST_METHOD', '-')} {target}"
    return line.translate(_CONTROL)


class _Counted:
    """A body that counts the bytes sent."""

    def __init__(self, body: Iterable[bytes], done: Callable[[int], object]) -> None:
        self._body = body
        self._done = done
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._sent += len(piece)
            yield piece

    def close(self) -> None:
        """Close the body and log the request."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._done(self._sent)
