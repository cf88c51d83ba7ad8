"""One connection: receives requests, and sends answers without ever waiting for the client."""

from __future__ import annotations

import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from rendergateway.errors import StoreError
from rendergateway.service.server.extended import ClientDisconnected, HTTPChannel, WSGITask
from rendergateway.service.server.parser import RequestParser
from rendergateway.service.server.unsent import Unsent

if TYPE_CHECKING:
    from rendergateway.service.server.server import Server

__all__ = ["Connection"]

# Without a byte sent or received for this long, a connection in the middle of a request or an answer ends.
STALLED_S = 60.0
# A connection between two requests stays open for this long.
IDLE_S = 600.0
# A refused body is discarded for this long, so that its sender reads the answer instead of an error.
LINGER_S = 2.0
_log = logging.getLogger(__name__)


class _Task(WSGITask):
    """One request: under pressure, the connection ends with the answer, and others have their turn."""

    def execute(self) -> None:
        """Send the answer; if the database fails in its middle, break it off."""
        try:
            super().execute()
        except StoreError as error:
            _log.warning("an answer was broken off: %s", error)
            raise ConnectionAbortedError from error

    def build_response_header(self) -> bytes:
        if self.channel.server.is_crowded:
            self.set_close_on_finish()
        header: bytes = super().build_response_header()
        return header


class Connection(HTTPChannel):
    """
    One connection.

    A worker that writes an answer never waits: bytes that the client does not take are kept in `Unsent`. So a client
    that stops reading holds neither a worker nor a snapshot of the database.
    """

    task_class = _Task
    server: Server
    close_when_flushed: bool

    def __init__(self, server: Server, sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:
        super().__init__(server, sock, addr, adj, map=map)
        self.outbufs = [Unsent(server.room)]
        self._lingers = False
        self._lingers_since: float | None = None

    def parser_class(self, settings: Any) -> RequestParser:
        """Return the parser of the next request."""
        return RequestParser(settings, self.server.service, self._linger)

    def _linger(self) -> None:
        self._lingers = True

    # -- state -----------------------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether it is between two requests."""
        return not (self.requests or self.request or self.total_outbufs_len)

    @property
    def is_working(self) -> bool:
        """Whether a request is being processed, and its answer does not wait for the client."""
        return bool(self.requests and not self.total_outbufs_len)

    def is_over(self, now: float) -> bool:
        """Whether it has to end, because the client has stopped."""
        if self._lingers_since is not None:
            return now - self._lingers_since > LINGER_S
        if self.is_working:
            return False
        return bool(now - self.last_activity > (IDLE_S if self.is_idle else STALLED_S))

    # -- the thread of all connections -----------------------------------------------------------------------

    def readable(self) -> bool:
        """Whether bytes may be received."""
        return self._lingers_since is not None or bool(super().readable())

    def handle_read(self) -> None:
        """Receive bytes; discard those of a refused body."""
        if self._lingers_since is None:
            try:
                if self.is_idle and self.server.hand_over(self):
                    return
                super().handle_read()
            except OSError as error:
                _log.warning("a request body cannot be received: %s", error.strerror)
                self.handle_close()
        elif not self.recv(self.adj.recv_bytes):
            self.handle_close()

    def handle_write(self) -> None:
        """Send bytes; close the connection at the end of the last answer."""
        if not (self._lingers and self.close_when_flushed and not self.will_close):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if not (self.total_outbufs_len or self.will_close):
            self.close_when_flushed, self._lingers_since = False, time.time()
            self.socket.shutdown(socket.SHUT_WR)

    # -- the thread of a worker ------------------------------------------------------------------------------

    def write_soon(self, data: bytes) -> int:
        """
        Send *data*, or keep it until the client takes it.

        Raises
        ------
        ClientDisconnected
            If the connection was closed, or too much is waiting to be sent already.
        """
        if not data:
            return 0
        with self.outbuf_lock:
            if not self.connected or self.server.room_is_short_for(self):
                raise ClientDisconnected
            try:
                self.outbufs[0].append(data)
            except OSError as error:
                _log.warning("an answer cannot wait for its client, and ends: %s", error.strerror)
                self.server.drop(self)
                raise ClientDisconnected from error
            self.total_outbufs_len += len(data)
            self._flush_exception(self._flush_some, do_close=False)
            if self.total_outbufs_len or self.will_close:
                self.server.pull_trigger()
        return len(data)
