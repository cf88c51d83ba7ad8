"""The requests adapter that answers from a service inside this process."""

from __future__ import annotations

import functools
import io
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from rendergateway.endpoints.address import EMBEDDED
from rendergateway.errors import ConfigurationError
from rendergateway.number_text import parse_integer
from rendergateway.rendering.filters.lists import read_filter_lists
from rendergateway.service.app import PREFIX, Application, app_for
from rendergateway.service.base.options import checked_like
from rendergateway.service.http.response_file import ResponseFile
from rendergateway.service.store import Database

__all__ = ["BASE_URL", "EmbeddedAdapter", "embedded_adapter"]

# URL of an embedded service, used by its adapter only.
BASE_URL = f"http://embedded{PREFIX}"


def embedded_adapter(address: str, *, create: bool = False) -> EmbeddedAdapter:
    """
    Return a requests adapter over a new service in this process.

    Parameters
    ----------
    address : str
        ``embedded:PATH``, or ``embedded:`` for a private file, deleted on close; then options:
        ``?tile_limit=N&filters=FILE&like=2019&images=DIR&remote_images=HOST``. The last two may be repeated; without
        *images* any file is read, with an empty one none.
    create : bool
        Whether a missing file is created now, instead of by the first write.

    Raises
    ------
    ConfigurationError
        If the address or an option is invalid.
    StoreError
        If the file cannot be opened as a database.
    """
    if not address.startswith(EMBEDDED):
        raise ConfigurationError(f"invalid address of an embedded service: got {address!r}; write embedded:PATH")
    path, _, query = address.removeprefix(EMBEDDED).partition("?")
    given = parse_qs(query, keep_blank_values=True).items()
    options = {"images": None, **dict(_option(name, values) for name, values in given)}
    if path:
        return EmbeddedAdapter(app_for(unquote(path), create=create, **options))
    folder = tempfile.mkdtemp(prefix="rendergateway-")
    return EmbeddedAdapter(app_for(Path(folder, "render.db"), **options), private_folder=folder)


def _option(name: str, texts: list[str]) -> tuple[str, Any]:
    text = texts[-1]
    if name == "images":
        return name, tuple(Path(folder).resolve() for folder in texts if folder)
    if name == "remote_images":
        return name, tuple(filter(None, texts))
    if name == "filters":
        return "filter_lists", read_filter_lists(text)
    if name == "like":
        return name, checked_like(text)
    if name != "tile_limit":
        raise ConfigurationError(
            f"unknown option of an embedded service: got {name!r}; use tile_limit, filters, like, images or "
            "remote_images"
        )
    try:
        return name, parse_integer(text)
    except ValueError as error:
        raise ConfigurationError(f"tile_limit must be an integer: got {text!r}") from error


class EmbeddedAdapter(BaseAdapter):
    """
    A requests adapter that calls a WSGI application directly, without socket or thread.

    Parameters
    ----------
    application : Application
    private_folder : str, optional
        Deleted on close.
    """

    def __init__(self, application: Application, private_folder: str | None = None) -> None:
        super().__init__()
        self.application = application
        # Deletes the private folder when the adapter is closed or garbage-collected.
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
        """Answer *request*; the parameters for connections are ignored."""
        started: list[Any] = []

        def start_response(*answer: Any) -> Callable[[bytes], object]:
            started[:] = answer[:2]
            return _write_unsupported

        pieces = self.application(_environ(request), start_response)
        status, headers = started
        response = requests.Response()
        response.status_code = int(status[:3])
        response.reason = status[4:]
        response.headers = CaseInsensitiveDict(headers)
        response.url = request.url or ""
        response.request = request
        response.encoding = _encoding(response.headers.get("Content-Type"))
        response.raw = ResponseFile(pieces)
        if not stream:
            response.content  # noqa: B018  Read now, to end the transaction.
        return response

    def leave_to_parent(self) -> None:
        """Detach from database and private folder, in a forked process: the parent closes them."""
        self.application.database.leave_to_parent()
        if self._remove_folder is not None:
            self._remove_folder.detach()

    def in_child(self) -> EmbeddedAdapter:
        """Return an adapter over the same file, for use in a forked process."""
        database = self.application.database
        return EmbeddedAdapter(
            Application(Database(database.path, read_only=database.read_only, create=False), self.application.options)
        )

    def close(self) -> None:
        """Close the database; delete a private one."""
        self.application.database.close()
        if self._remove_folder is not None:
            self._remove_folder()


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)


@functools.lru_cache(maxsize=64)
def _encoding(content_type: str | None) -> str | None:
    """Return the text encoding of a content type, by the rules of requests."""
    headers = CaseInsensitiveDict({} if content_type is None else {"Content-Type": content_type})
    return requests.utils.get_encoding_from_headers(headers)


def _write_unsupported(piece: bytes) -> None:
    """Refuse WSGI's legacy ``write``; the application never calls it."""
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
    """Return the WSGI environment variable of a header."""
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
