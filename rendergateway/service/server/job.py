"""One process of a service: a database, its application, and the server of a socket."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from rendergateway.service.app import Application
from rendergateway.service.base.options import Options
from rendergateway.service.http.access_log import AccessLog
from rendergateway.service.server.peers import Peers
from rendergateway.service.server.server import Server
from rendergateway.service.store import Database

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["Job"]


@attrs.frozen
class Job:
    """
    A service to be run; can be sent to another process.

    Parameters
    ----------
    path : Path
        The database.
    options : Options
    threads : int
        Number of reading requests that are processed concurrently.
    on_request : callable
        Called with one line per answered request.
    pages : callable, optional
        Called in each process that serves; returns the WSGI application of all paths outside of the service's own.
    """

    path: Path
    options: Options
    threads: int
    on_request: Callable[[str], object]
    pages: Callable[[], WSGIApplication] | None = None

    @contextlib.contextmanager
    def opened(self, listener: socket.socket, peers: Peers | None = None) -> Iterator[Server]:
        """Yield the server, which accepts connections already; close server and database in the end."""
        # waitress warns of each request that waits for a thread, which is normal under load.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        pages = self.pages() if self.pages is not None else None
        application = Application(Database(self.path, read_only=self.options.read_only), self.options, pages)
        with contextlib.closing(application.database):
            yield Server(AccessLog(application, self.on_request), application, listener, self.threads, peers)
