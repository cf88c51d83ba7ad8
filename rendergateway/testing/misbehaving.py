"""
A loopback server with scripted failures, for tests of programs whose service fails.

Each request consumes the next behaviour of the script; the last one is repeated. Failures are on the level of the
socket (resets, truncated and endless bodies), which HTTP test servers do not offer. Only `drips` depends on the clock:
a silent server waits until the client hangs up or the server is closed.

Examples
--------
>>> from rendergateway import Gateway, NotFoundError, Retries
>>> from rendergateway.testing.misbehaving import MisbehavingServer, answers, says
>>> with MisbehavingServer(says(503, "busy"), answers(["lab"])) as server:
...     gateway = Gateway(server.url, retries=Retries(backoff_s=0.001))
...     print(gateway.call("owner.list"), [request.method for request in server.requests])
...     gateway.close()
['lab'] ['GET', 'GET']
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "Behaviour",
    "Line",
    "MisbehavingServer",
    "ReceivedRequest",
    "answers",
    "breaks_off",
    "drips",
    "keeps_silent",
    "never_ends",
    "redirects",
    "refused_url",
    "says",
    "sends",
    "stalls",
    "transmits",
]

_REASONS = {200: "OK", 204: "No Content", 302: "Found", 401: "Unauthorized", 502: "Bad Gateway", 503: "Busy"}
_DRIP_S = 0.005
# First byte of a TLS handshake; servers answer it with an error in plain HTTP.
_TLS_HELLO = b"\x16"


class ReceivedRequest(NamedTuple):
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Line:
    """
    The connection to a client, passed to behaviours.

    Parameters
    ----------
    sock : socket.socket
        The connection.
    ended : threading.Event
        Set when the server is closed.

    Attributes
    ----------
    request : ReceivedRequest
        The request to answer.
    is_open : bool
        Whether the client may send another request.
    """

    def __init__(self, sock: socket.socket, ended: threading.Event) -> None:
        self._sock = sock
        self._ended = ended
        self.request = ReceivedRequest("", "", {}, b"")
        self.is_open = True

    def send(self, data: bytes) -> None:
        """Send *data* unchanged."""
        self._sock.sendall(data)

    def reset(self) -> None:
        """Close the connection with a reset."""
        # Linger 0 discards unsent data and sends RST instead of FIN.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.hang_up()

    def hang_up(self) -> None:
        """Close the connection."""
        self.is_open = False
        self._sock.close()

    def wait(self) -> None:
        """Wait until the client hangs up or the server is closed."""
        with contextlib.suppress(OSError):
            self._sock.recv(1)
        self.is_open = False

    def pause(self, seconds: float) -> bool:
        """Wait; return False if the server was closed meanwhile."""
        return not self._ended.wait(seconds)


Behaviour: TypeAlias = Callable[[Line], object]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _partial(part: bytes, length: int) -> bytes:
    """Return the head of an answer of *length* bytes and the first *part* of its body."""
    return _head(200, {"Content-Type": "application/json", "Content-Length": str(length)}) + part


def sends(
    body: bytes,
    *,
    status: int = 200,
    content_type: str = "application/json",
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """
    Answer with bytes.

    Parameters
    ----------
    body : bytes
        The body.
    status : int
        HTTP status.
    content_type : str
        Content type.
    length : int, optional
        A wrong ``Content-Length``.
    headers : mapping, optional
        More headers.
    """
    basic = {"Content-Type": content_type, "Content-Length": str(len(body) if length is None else length)}
    message = _head(status, {**basic, **(headers or {})}) + body

    def behave(line: Line) -> None:
        line.send(message)
        if length is not None:
            line.hang_up()

    return behave


def transmits(message: bytes, *, size: int | None = None, hangs_up: bool = False) -> Behaviour:
    """
    Answer with these bytes, status line and headers included.

    Parameters
    ----------
    message : bytes
        The whole answer.
    size : int, optional
        Send at most this number of bytes at once.
    hangs_up : bool
        Whether the connection is closed afterwards.
    """
    step = size or max(len(message), 1)

    def behave(line: Line) -> None:
        for start in range(0, len(message), step):
            line.send(message[start : start + step])
        if hangs_up:
            line.hang_up()

    return behave


def answers(value: Any, *, status: int = 200) -> Behaviour:
    """Answer correctly, with *value* as JSON."""
    return sends(json.dumps(value).encode(), status=status)


def says(status: int, sentence: str = "", **headers: str) -> Behaviour:
    """Refuse with a message of the service; headers like ``Retry_After="7"``, with underscores for hyphens."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return sends(sentence.encode(), status=status, content_type="text/plain;charset=utf-8", headers=more)


def redirects(url: str, status: int = 302) -> Behaviour:
    """Redirect to another URL."""
    return sends(b"", status=status, content_type="text/plain", headers={"Location": url})


def keeps_silent(line: Line) -> None:
    """Receive the request and never answer."""
    line.wait()


def stalls(part: bytes = b"[1,", length: int = 100) -> Behaviour:
    """Send the head and the first *part* of a body of *length* bytes, then nothing more."""

    def behave(line: Line) -> None:
        line.send(_partial(part, length))
        line.wait()

    return behave


def drips(*, head: bool = False) -> Behaviour:
    """Send the body, or with *head* a header, one byte at a time, forever."""

    def behave(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nX-Drip: " if head else _partial(b"", 100_000))
        while line.pause(_DRIP_S):
            line.send(b" ")

    return behave


def breaks_off(part: bytes = b"", *, length: int = 100, reset: bool = True) -> Behaviour:
    """Close the connection after *part* of a body of *length* bytes; before the head if *part* is empty."""

    def behave(line: Line) -> None:
        if part:
            line.send(_partial(part, length))
        line.reset() if reset else line.hang_up()

    return behave


def never_ends(line: Line) -> None:
    """Send an endless body as fast as possible."""
    line.send(_head(200, {"Content-Type": "application/json", "Connection": "close"}) + b"[")
    while line.pause(0):
        line.send(b" " * 65536)


class MisbehavingServer:
    """
    A loopback server with scripted behaviour; a context manager.

    Parameters
    ----------
    *script : callable
        One behaviour per request, the last one repeated: functions of a `Line`.
    tls : ssl.SSLContext, optional
        Use TLS with this context.

    Attributes
    ----------
    url : str
        ``http://127.0.0.1:PORT``, or ``https`` with *tls*.
    requests : list of ReceivedRequest
        Received requests, in order.
    connections : int
        Number of accepted connections.
    """

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._script = list(script)
        self._tls = tls
        self._ended = threading.Event()
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.requests: list[ReceivedRequest] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def close(self) -> None:
        """Close all connections and join all threads."""
        self._ended.set()
        with self._lock:
            sockets = [self._listener, *self._lines]
        for sock in sockets:
            # shutdown(), unlike close(), wakes threads that wait for the socket.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> MisbehavingServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, work: Callable[..., None], *values: Any) -> None:
        thread = threading.Thread(target=work, args=values, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                # Pieces are sent as they are written, not joined.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._lines.append(sock)
                    self.connections += 1
                    if self._ended.is_set():
                        sock.close()
                        return
                self._start(self._serve, sock)

    def _serve(self, plain: socket.socket) -> None:
        # Clients are expected to hang up, so OSError is not a failure.
        with contextlib.suppress(OSError), self._secured(plain) as sock, sock.makefile("rb") as stream:
            line = Line(sock, self._ended)
            if stream.peek(1)[:1] == _TLS_HELLO:
                line.send(_head(400, {"Connection": "close"}))
                return
            for request in _requests_in(stream):
                with self._lock:
                    self.requests.append(request)
                    behave = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                line.request = request
                behave(line)
                if not line.is_open:
                    return

    def _secured(self, plain: socket.socket) -> socket.socket:
        return plain if self._tls is None else self._tls.wrap_socket(plain, server_side=True)


def _requests_in(stream: Any) -> Iterator[ReceivedRequest]:
    while True:
        words = stream.readline().decode("latin-1").split()
        if len(words) != 3:
            return
        headers = {name.title(): value for name, value in http.client.parse_headers(stream).items()}
        body = stream.read(int(headers.get("Content-Length", 0)))
        yield ReceivedRequest(words[0], words[1], headers, body)


@contextlib.contextmanager
def refused_url() -> Iterator[str]:
    """Yield a URL that refuses connections, on a port reserved meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
