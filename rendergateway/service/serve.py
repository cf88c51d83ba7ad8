"""Serve a database over HTTP with waitress until the process is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rendergateway.errors import ConfigurationError
from rendergateway.service.app import LOOPBACK_HOSTS, PREFIX, app_for
from rendergateway.service.base.options import GIB
from rendergateway.service.http.access_log import AccessLog
from rendergateway.wire import DEEPEST

__all__ = ["serve"]


def serve(
    path: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    images: Sequence[str | os.PathLike[str]] = (),
    threads: int = 4,
    read_only: bool = False,
    tile_limit: int | None = None,
    allow_origin: Sequence[str] = (),
    body_limit: int = GIB,
    nesting_limit: int = DEEPEST,
    on_ready: Callable[[str], object] | None = None,
    on_request: Callable[[str], object] | None = None,
) -> None:
    """
    Serve the file *path* until the process is told to stop (SIGTERM, SIGINT).

    Parameters
    ----------
    path : str or Path
        The database; made where it is missing.
    host, port
        Where to listen; port 0 takes a free one.
    images : sequence of path
        Folders below which images may be read; none may without one.
    threads : int
        How many requests are worked on at once.
    read_only : bool
        Refuse every change.
    tile_limit : int, optional
        Most tiles in one answer.
    allow_origin : sequence of str
        Origins of web pages that may read, besides those of this machine.
    body_limit : int
        Most bytes of a request's body, unpacked.
    nesting_limit : int
        Most levels of lists and objects within one another in a request's JSON.
    on_ready : callable, optional
        Called with the start-up line once the service listens; printed without it.
    on_request : callable, optional
        Called with one line for each request that was answered; printed to standard error without it.

    Raises
    ------
    ConfigurationError
        If the port is in use or an image folder is missing.
    StoreError
        If the file cannot be used.
    """
    from waitress.server import create_server

    roots = tuple(_root(folder) for folder in images)
    application = app_for(
        path,
        images=roots,
        read_only=read_only,
        tile_limit=tile_limit,
        allow_origin=tuple(allow_origin),
        body_limit=body_limit,
        nesting_limit=nesting_limit,
        hosts=() if host in LOOPBACK_HOSTS else (host, socket.gethostname(), socket.getfqdn()),
    )
    listener = _listener(host, port)
    server = create_server(
        AccessLog(application, on_request or _print_aside),
        sockets=[listener],
        threads=threads,
        ident=None,
        max_request_body_size=application.options.body_limit,
        channel_timeout=600,
        # A large body comes in large pieces: the thread that collects them is the one that all requests go through.
        recv_bytes=1 << 18,
        # What is larger goes through a file, written and read again; streams wait before they are.
        inbuf_overflow=1 << 23,
        outbuf_overflow=1 << 25,
        clear_untrusted_proxy_headers=True,
    )
    with _stopping(server), contextlib.closing(application.database):
        line = _start_line(listener.getsockname(), application.database.path, roots)
        (on_ready or _print)(line)
        server.run()


def _root(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise ConfigurationError(f"{path} is no folder, so no images can be served from it")
    return path


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from error
    return listener


def _print(line: str) -> None:
    print(line, flush=True)


def _print_aside(line: str) -> None:
    # One write, so that lines of several threads stay apart.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _start_line(address: tuple[Any, ...], path: Path, roots: tuple[Path, ...]) -> str:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    images = f"images below {', '.join(map(str, roots))}" if roots else "no images (there are no image folders)"
    return f"render-ws at http://{host}:{address[1]}{PREFIX}, from {path}, {images}"


@contextlib.contextmanager
def _stopping(server: Any) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the server's loop; the handlers that were there before come back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise SystemExit(0)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        server.close()
