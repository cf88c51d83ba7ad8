"""Time limits for each piece sent and received, and for the request as a whole."""

from __future__ import annotations

import http.client
import io
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from rendergateway.visible_text import shortened

__all__ = ["Limits", "MalformedError", "TimedSource", "limited", "timed_connection_class"]

_PIECE = 1 << 18
_LONGEST_LINE = 1 << 16
_LENGTH = re.compile("[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}")


class MalformedError(http.client.HTTPException):
    """The answer violates HTTP."""


@attrs.define
class Limits:
    """
    Time limits of one request.

    Attributes
    ----------
    connect_s : float
        Seconds to wait for a connection.
    data_s : float
        Seconds to wait for each next piece, sent or received.
    deadline : float
        End of the budget, on the clock of ``time.monotonic``.
    """

    connect_s: float
    data_s: float
    deadline: float

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never 0, which means non-blocking for a socket."""
        return max(self.deadline - time.monotonic(), 1e-3)

    @property
    def next_s(self) -> float:
        """Seconds to wait for the next piece."""
        return min(self.data_s, self.left_s)

    def check(self) -> None:
        """Raise `TimeoutError` after the deadline."""
        if time.monotonic() >= self.deadline:
            raise TimeoutError("the budget of the request is exhausted")


# The adapter of requests passes only two numbers to the socket, so the limits are passed per thread.
_current = threading.local()


class limited:  # noqa: N801
    """
    Context manager that applies *limits* to the requests of this thread.

    A class, because a generator would cost several times as much for each request.
    """

    __slots__ = ("_before", "_limits")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def __enter__(self) -> None:
        self._before = getattr(_current, "limits", None)
        _current.limits = self._limits

    def __exit__(self, *error: object) -> None:
        _current.limits = self._before


class TimedSource(io.RawIOBase):
    """Raw stream of a socket with time limits, so that a slow trickle of bytes cannot exceed the deadline."""

    def __init__(self, source: io.RawIOBase, sock: Any, limits: Limits) -> None:
        self._source, self._sock, self._limits = source, sock, limits

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read the next piece; `TimeoutError` if it does not arrive in time."""
        self._limits.check()
        if self._limits.left_s < self._limits.data_s:
            self._sock.settimeout(self._limits.left_s)
        count: int | None = self._source.readinto(buffer)
        return count

    def close(self) -> None:
        """Close the stream of the socket."""
        self._source.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        limits = getattr(_current, "limits", None)
        if limits is not None:
            self.fp: Any = io.BufferedReader(TimedSource(self.fp.detach(), sock, limits))

    def begin(self) -> None:
        """Read status and headers; `MalformedError` if they leave it uncertain where the answer ends."""
        super().begin()
        lengths, codings = (self.headers.get_all(name, []) for name in ("Content-Length", "Transfer-Encoding"))
        if self.status < http.client.OK:
            raise MalformedError(f"status {self.status} announces an answer and is none")
        if lengths and codings:
            raise MalformedError("it has both Content-Length and Transfer-Encoding")
        # What http.client does not read as chunks, it reads to the end of the connection.
        if codings and [coding.lower() for coding in codings] != ["chunked"]:
            raise MalformedError(f"Transfer-Encoding is {_shown(codings)}")
        if lengths and (len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0].strip())):
            raise MalformedError(f"Content-Length is {_shown(lengths)}")

    def _read_next_chunk_size(self) -> int:
        # Of http.client, which takes any number of Python, -5 and 0x_f too.
        line = self.fp.readline(_LONGEST_LINE)
        digits = line.partition(b";")[0].strip()
        if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            raise http.client.IncompleteRead(b"")
        if not line.endswith(b"\n") or not _CHUNK_SIZE.fullmatch(digits):
            raise MalformedError(f"the size of a chunk is {digits[:20]!r}")
        return int(digits, 16)


def _shown(values: list[str]) -> str:
    return repr(shortened(", ".join(values), 60))


def timed_connection_class(connection_class: type[Any]) -> type[Any]:
    """Return a subclass of urllib3's *connection_class* that applies the limits of the current thread."""

    class TimedConnection(connection_class):  # type: ignore[misc]
        response_class: Callable[..., Any] = _TimedResponse

        def send(self, data: Any) -> None:
            limits = getattr(_current, "limits", None)
            if limits is None or not isinstance(data, bytes) or len(data) <= _PIECE:
                super().send(data)
                return
            # The timeout of a socket is for one call of sendall, so a long body is sent in pieces.
            whole = memoryview(data)
            for start in range(0, len(data), _PIECE):
                limits.check()
                self.sock.settimeout(limits.next_s)
                super().send(whole[start : start + _PIECE])

    return TimedConnection
