"""The service brought up: behind a socket, as a WSGI application, or inside the client's own process."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from rendergateway.endpoints.address import EMBEDDED, LOOPBACK_HOSTS
from rendergateway.errors import ConfigurationError
from rendergateway.number_text import parse_integer
from rendergateway.service.app import PREFIX, Application
from rendergateway.service.base.options import GIB, Options
from rendergateway.service.http.access import Logged
from rendergateway.service.http.reply_body import Pieces
from rendergateway.service.store import Database
from rendergateway.wire import DEEPEST

__all__ = ["BASE_URL", "EmbeddedAdapter", "app_for", "embedded_adapter", "serve"]

# The host under which a service inside the process is addressed.
BASE_URL = f"http://embedded{PREFIX}"


def app_for(path: str | os.PathLike[str], **options: Any) -> Application:
    """
    Return the service over the file *path* as a WSGI application.

    Parameters
    ----------
    path : str or Path
        The database; made where it is missing.
    **options
        Fields of `Options`.

    Raises
    ------
    StoreError
        If the file cannot be used.
    """
    settings = Options(**options)
    return Application(Database(path, read_only=settings.read_only), settings)


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
        Logged(application, on_request or _print_aside),
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


def embedded_adapter(address: str) -> EmbeddedAdapter:
    """
    Return a requests adapter that answers from a service inside this process.

    Parameters
    ----------
    address : str
        ``embedded:PATH``, ``embedded:PATH?tile_limit=N``, or ``embedded:`` for a private file that goes on close.

    Raises
    ------
    ConfigurationError
        If the address has another form.
    StoreError
        If the file cannot be used.
    """
    if not address.startswith(EMBEDDED):
        raise ConfigurationError(f"{address!r} is no address of an embedded service; write embedded:PATH")
    path, _, query = address.removeprefix(EMBEDDED).partition("?")
    options = {name: _option(name, values[-1]) for name, values in parse_qs(query, keep_blank_values=True).items()}
    if path:
        return EmbeddedAdapter(app_for(unquote(path), images=None, **options))
    folder = tempfile.mkdtemp(prefix="rendergateway-")
    return EmbeddedAdapter(app_for(Path(folder, "render.db"), images=None, **options), private_folder=folder)


def _option(name: str, text: str) -> int:
    if name != "tile_limit":
        raise ConfigurationError(f"an embedded service has no option {name!r}; it has tile_limit")
    try:
        return parse_integer(text)
    except ValueError as error:
        raise ConfigurationError(f"tile_limit is a whole number, not {text!r}") from error


class EmbeddedAdapter(BaseAdapter):
    """
    A requests adapter over a WSGI application: no socket, no thread, the same code as behind one.

    Parameters
    ----------
    application : Application
        The service.
    private_folder : str, optional
        Removed on close.
    """

    def __init__(self, application: Application, private_folder: str | None = None) -> None:
        super().__init__()
        self.application = application
        # A private folder goes with the adapter, closed or forgotten.
        self._remove_folder = weakref.finalize(self, _remove, private_folder) if private_folder is not None else None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Answer *request*; what concerns connections has no meaning here."""
        started: list[Any] = []

        def start_response(*answer: Any) -> Callable[[bytes], object]:
            started[:] = answer[:2]
            return _unused

        pieces = self.application(_environ(request), start_response)
        status, headers = started
        response = requests.Response()
        response.status_code = int(status[:3])
        response.reason = status[4:]
        response.headers = CaseInsensitiveDict(headers)
        response.url = request.url or ""
        response.request = request
        response.encoding = _encoding(response.headers.get("Content-Type"))
        response.raw = Pieces(pieces)
        if not stream:
            response.content  # noqa: B018  Read now, so that the transaction ends.
        return response

    def leave_to_parent(self) -> None:
        """Leave database and private folder alone, in a forked process."""
        self.application.database.leave_to_parent()
        if self._remove_folder is not None:
            self._remove_folder.detach()

    def in_child(self) -> EmbeddedAdapter:
        """Return a service over the same file, for a process that was forked."""
        database = self.application.database
        return EmbeddedAdapter(
            Application(Database(database.path, read_only=database.read_only), self.application.options)
        )

    def close(self) -> None:
        """Close the database; a private one goes."""
        self.application.database.close()
        if self._remove_folder is not None:
            self._remove_folder()


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@functools.lru_cache(maxsize=64)
def _encoding(content_type: str | None) -> str | None:
    """Return the encoding of text of this type, as requests finds it out."""
    headers = CaseInsensitiveDict({} if content_type is None else {"Content-Type": content_type})
    return requests.utils.get_encoding_from_headers(headers)


def _unused(piece: bytes) -> None:
    """Stand for WSGI's way of writing without a return value, which nobody takes here."""
    raise NotImplementedError


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    split = urlsplit(request.url or "")
    target = f"{split.path}?{split.query}" if split.query else split.path
    body = _body(request.body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(split.path, "latin-1"),
        "QUERY_STRING": split.query,
        "REQUEST_URI": target,
        "SERVER_NAME": split.hostname,
        "SERVER_PORT": str(split.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": split.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
    }
    for name, value in request.headers.items():
        environ[_environ_name(name)] = value if isinstance(value, str) else value.decode("latin-1")
    environ["HTTP_HOST"] = split.netloc
    return environ


@functools.lru_cache(maxsize=256)
def _environ_name(header: str) -> str:
    """Return the name of a header in a WSGI environment."""
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _body(body: Any) -> IO[bytes]:
    if body is None:
        return io.BytesIO()
    if isinstance(body, str):
        return io.BytesIO(body.encode())
    if isinstance(body, (bytes, bytearray, memoryview)):
        return io.BytesIO(body)
    if hasattr(body, "read"):
        return body  # type: ignore[no-any-return]
    return io.BytesIO(b"".join(body))
