"""Images at ``http:`` and ``https:`` URLs of allowed hosts, for a service: bounded in size, time and redirects."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Collection, Iterator
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from rendergateway.errors import ImageError

__all__ = ["MOST_REMOTE_BYTES", "downloaded"]

MOST_REMOTE_BYTES = 2**28
# Seconds: for the whole of a download, redirects included, and for the next bytes.
DEADLINE_S, TIMEOUT_S = 60.0, 10.0
_MOST_REDIRECTS = 5
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 2**16
# Characters of a URL that are not quoted again.
_AS_THEY_ARE = "%/:=&?~#+!$,;'@()*[]"


def downloaded(url: str, hosts: Collection[str]) -> bytes:
    """
    Download an image.

    Parameters
    ----------
    url : str
    hosts : collection of str
        ``HOST``, for the standard ports, or ``HOST:PORT``. Redirects do not leave them.

    Raises
    ------
    ImageError
        If the host is not allowed, does not answer with the file in time, or the file is too large.
    """
    deadline = time.monotonic() + DEADLINE_S
    for _ in range(_MOST_REDIRECTS + 1):
        target = _allowed(url, hosts)
        try:
            with _answer(target, deadline) as answer:
                if answer.status not in _REDIRECTS:
                    return _body(answer, deadline)
                url = urljoin(url, answer.getheader("Location", ""))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ImageError(f"image cannot be downloaded: {error or type(error).__name__}") from error
    raise ImageError(f"image cannot be downloaded: more than {_MOST_REDIRECTS} redirects")


def _allowed(url: str, hosts: Collection[str]) -> SplitResult:
    try:
        target = urlsplit(url)
        port = target.port or _PORTS.get(target.scheme)
    except ValueError as error:
        raise ImageError("image URL is malformed; check it") from error
    names = {f"{target.hostname}:{port}", *([target.hostname] if port == _PORTS.get(target.scheme) else [])}
    if target.scheme not in _PORTS or "@" in target.netloc or not names & {host.lower() for host in hosts}:
        raise ImageError(
            f"remote image not allowed: got host {target.netloc.rpartition('@')[2]!r}; "
            "serve with --remote-images HOST to allow it"
        )
    return target


@contextlib.contextmanager
def _answer(target: SplitResult, deadline: float) -> Iterator[http.client.HTTPResponse]:
    """Send a request; until the block ends, close the connection at the deadline."""
    kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = kind(target.hostname or "", target.port, timeout=TIMEOUT_S)
    with contextlib.closing(connection):
        connection.connect()
        # A server that sends its headers byte by byte would never time out.
        late = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [connection.sock])
        late.daemon = True
        late.start()
        try:
            path = quote(target.path or "/", safe=_AS_THEY_ARE) + (f"?{target.query}" if target.query else "")
            connection.request("GET", quote(path, safe=_AS_THEY_ARE), headers={"Accept-Encoding": "identity"})
            with contextlib.closing(connection.getresponse()) as answer:
                yield answer
        finally:
            late.cancel()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    if answer.status != http.client.OK:
        raise ImageError(f"image cannot be downloaded: status {answer.status}")
    pieces, size, whole = [], 0, answer.length
    while piece := answer.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_REMOTE_BYTES:
            raise ImageError(f"image too large: the limit of a download is {MOST_REMOTE_BYTES} bytes")
    # A connection that was closed at the deadline ends like one that the server closed.
    if time.monotonic() > deadline:
        raise ImageError(f"image cannot be downloaded: it took more than {DEADLINE_S:g} s")
    if whole is not None and size < whole:
        raise ImageError("image cannot be downloaded: the connection was closed early")
    return b"".join(pieces)
