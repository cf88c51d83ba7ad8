"""One line per request: when, who, what, how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["AccessLog"]

# A request line is whatever a client sends: it must not make two lines of one, nor colour a terminal.
_CONTROL = {code: f"%{code:02X}" for code in (*range(32), *range(127, 160))}


class AccessLog:
    """
    A WSGI application that tells of each request when its answer is done.

    Parameters
    ----------
    application : WSGI application
        What answers.
    tell : callable
        Takes one line: UTC time, client, method, path with query, status, bytes sent, milliseconds.
    """

    def __init__(self, application: WSGIApplication, tell: Callable[[str], object]) -> None:
        self._application = application
        self._tell = tell

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        begin, statuses = time.perf_counter(), ["-"]

        def started(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
            statuses[:] = [status[:3]]
            return start_response(status, headers, error)

        def done(sent: int) -> None:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            took_ms = (time.perf_counter() - begin) * 1e3
            self._tell(f"{moment} {_asked(environ)} {statuses[0]} {sent} bytes {took_ms:.1f} ms")

        return _Counted(self._application(environ, started), done)


def _asked(environ: WSGIEnvironment) -> str:
    target = environ.get("REQUEST_URI") or environ.get("PATH_INFO", "")
    line = f"{environ.get('REMOTE_ADDR', '-')} {environ.get('REQUEST_METHOD', '-')} {target}"
    return line.translate(_CONTROL)


class _Counted:
    """A body that is counted while it is sent."""

    def __init__(self, body: Iterable[bytes], done: Callable[[int], object]) -> None:
        self._body = body
        self._done = done
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            self._sent += len(piece)
            yield piece

    def close(self) -> None:
        """End the answer."""
        close = getattr(self._body, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._done(self._sent)
