"""A service on loopback whose connections break on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from rendergateway.service.app import app_for


class _Quiet(WSGIRequestHandler):
    def log(self, *words: Any) -> None:
        pass


class BreakingService:
    """
    The embedded service behind a socket.

    ``breaks`` lists, for each saving of tiles in turn, what happens: "ok", "before" (the connection breaks and nothing
    is stored) or "after" (it is stored, and the answer is lost). Unlisted ones are "ok".
    """

    def __init__(self, path: Path) -> None:
        self.app = app_for(path)
        self.breaks: list[str] = []
        self.saves = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        fate = self._fate(environ)
        if fate == "before":
            return self._lost(environ, start_response)
        if fate == "ok":
            return self.app(environ, start_response)
        b"".join(self.app(environ, lambda *words: lambda data: None))
        return self._lost(environ, start_response)

    def _fate(self, environ: dict[str, Any]) -> str:
        if environ["REQUEST_METHOD"] != "PUT" or not environ["PATH_INFO"].endswith("/resolvedTiles"):
            return "ok"
        with self._lock:
            self.saves += 1
            return self.breaks.pop(0) if self.breaks else "ok"

    @staticmethod
    def _lost(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("500 Lost", [], None)
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return []


@contextlib.contextmanager
def served(service: BreakingService) -> Iterator[str]:
    """Serve it; yield the address."""
    server = make_server("127.0.0.1", 0, service, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        service.app.database.close()
