"""Serve a database over HTTP with waitress until the process is stopped."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.endpoints.address import LOOPBACK_HOSTS
from rendergateway.errors import ConfigurationError, StoreError
from rendergateway.rendering.filters.lists import FILTER_LISTS, read_filter_lists
from rendergateway.service.app import PREFIX
from rendergateway.service.base.options import GIB, TILE_LIMIT, Options
from rendergateway.service.server.job import Job
from rendergateway.service.server.workers import serve_in_processes
from rendergateway.service.store import Database
from rendergateway.wire import DEEPEST

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Listening", "serve"]


@attrs.frozen
class Listening:
    """A service that accepts connections."""

    url: str
    database: Path
    images: tuple[Path, ...]

    def __str__(self) -> str:
        images = ", ".join(map(str, self.images))
        about = f"images below {images}" if images else "no images (no image folders configured)"
        return f"render-ws at {self.url}, from {self.database}, {about}"


def serve(
    path: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    images: Sequence[str | os.PathLike[str]] = (),
    remote_images: Sequence[str] = (),
    threads: int = 4,
    workers: int = 1,
    read_only: bool = False,
    tile_limit: int | None = TILE_LIMIT,
    filters: str | os.PathLike[str] | None = None,
    allow_origin: Sequence[str] = (),
    body_limit: int = GIB,
    nesting_limit: int = DEEPEST,
    like: int | str | None = None,
    on_ready: Callable[[Listening], object] | None = None,
    on_request: Callable[[str], object] | None = None,
    pages: Callable[[], WSGIApplication] | None = None,
) -> None:
    """
    Serve the database *path* until the process receives SIGTERM or SIGINT.

    Parameters
    ----------
    path : str or Path
        Created if missing.
    host, port
        Address to listen on; port 0 selects a free port.
    images : sequence of path
        Folders below which images may be read; by default none.
    remote_images : sequence of str
        Hosts, or ``HOST:PORT``, whose ``http:`` and ``https:`` images may be read; by default none.
    threads : int
        Number of reading requests that are processed concurrently; two more may write.
    workers : int
        Number of processes that serve the same address. Then one of them writes, and *on_request* must be a function of
        an importable module, because it is called in these processes.
    read_only : bool
        Refuse every change.
    tile_limit : int, optional
        Maximum number of tiles per answer; None: unlimited.
    filters : path, optional
        JSON file of named filter lists, which replace the two of a default deployment.
    allow_origin : sequence of str
        Origins of web pages that may read answers, besides pages of this machine.
    body_limit : int
        Maximum size of a request body in bytes, uncompressed.
    nesting_limit : int
        Maximum nesting depth of lists and objects in the JSON of a request.
    like : int, optional
        2019 for the behaviour of the services of that year; see `Options`.
    on_ready : callable, optional
        Called once the service listens; by default a start-up line is printed.
    on_request : callable, optional
        Called with one line per answered request; by default printed to standard error.
    pages : callable, optional
        Called in each process that serves; returns the WSGI application of all paths outside of ``/render-ws``. It is
        sent to other processes if *workers* > 1.

    Raises
    ------
    ConfigurationError
        If the port is in use, an image folder is missing, the filter lists are invalid, or *on_request* cannot be sent
        to another process.
    StoreError
        If the file cannot be opened as a database.
    """
    roots = tuple(_root(folder) for folder in images)
    options = Options(
        images=roots,
        remote_images=tuple(remote_images),
        read_only=read_only,
        tile_limit=tile_limit,
        allow_origin=tuple(allow_origin),
        body_limit=body_limit,
        nesting_limit=nesting_limit,
        like=like,
        filter_lists=FILTER_LISTS if filters is None else read_filter_lists(filters),
        hosts=() if host in LOOPBACK_HOSTS else (host, socket.gethostname(), socket.getfqdn()),
    )
    # Opened once before others open it: created, migrated, or refused.
    with contextlib.closing(Database(path, read_only=read_only)) as database:
        file = database.path
        if database.read_only and not read_only:
            raise StoreError(f"{file} cannot be written; serve it with read_only=True, or change its permissions")
    job = Job(file, options, threads, on_request or _print_to_stderr, pages)
    with contextlib.closing(_listener(host, port)) as listener, _signals_end():
        service = Listening(_url(listener.getsockname()), file, roots)
        ready = functools.partial(on_ready or _print, service)
        if workers > 1:
            serve_in_processes(job, listener, workers, ready)
            return
        with job.opened(listener) as server:
            ready()
            server.run()


def _root(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise ConfigurationError(f"{path} is not a folder; choose an existing image folder")
    return path


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        what = "host" if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL else "port"
        raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}; choose another {what}") from error
    return listener


def _print(service: Listening) -> None:
    print(service, flush=True)


def _print_to_stderr(line: str) -> None:
    # One write per line, so that lines of several threads do not mix.
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _url(address: tuple[Any, ...]) -> str:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{host}:{address[1]}{PREFIX}"


@contextlib.contextmanager
def _signals_end() -> Iterator[None]:
    """Leave the block on SIGTERM and SIGINT; restore the previous signal handlers at the end."""
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
