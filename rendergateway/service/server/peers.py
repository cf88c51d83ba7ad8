"""
Connections handed from one process to another, so that those of readers are not in the process that writes.

All processes serve the same socket. The first request on a connection, or the next one, is looked at before it is
received; the socket itself is then sent to another process, and the client notices nothing.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from rendergateway.service.server.extended import dispatcher

if TYPE_CHECKING:
    from rendergateway.service.server.connection import Connection
    from rendergateway.service.server.server import Server

__all__ = ["Peers"]

# The process that writes.
_WRITER = 0
# Readers stay away from it for this long after a write.
_WRITES_ON_S = 1.0
# A connection that was handed over stays for this long, unless it belongs to another kind of process.
_STAYS_S = 1.0
_HEAD = 4096


class Peers:
    """
    The processes that serve one socket.

    Parameters
    ----------
    number : int
        Of this process.
    inbox : socket.socket
        Where this process receives connections.
    outboxes : list of socket.socket
        Where each process receives them, by its number.
    """

    def __init__(self, number: int, inbox: socket.socket, outboxes: list[socket.socket]) -> None:
        self._number, self._inbox, self._outboxes = number, inbox, outboxes
        self._next = number
        self._wrote_at = 0.0
        for outbox in outboxes:
            # If another process does not take connections, this one serves them.
            outbox.setblocking(False)

    def receive(self, server: Server) -> None:
        """Let *server* receive connections from the others."""
        _Inbox(server, self._inbox)

    def close(self) -> None:
        """Close the sockets between the processes."""
        for end in (self._inbox, *self._outboxes):
            end.close()

    def hand_over(self, connection: Connection) -> bool:
        """Send a connection with a request to the process that should answer it; return whether it was sent."""
        server = connection.server
        try:
            head = connection.socket.recv(_HEAD, socket.MSG_PEEK).decode("latin-1").split(" ", 2)
        except OSError:  # Receiving it will report the error.
            return False
        if len(head) < 3:
            return False
        writes = server.service.writes(*head[:2])
        number = self._number_for(server, connection, writes=writes)
        if number == self._number:
            return False
        try:
            socket.send_fds(self._outboxes[number], [b"1"], [connection.socket.fileno()])
        except OSError:
            return False
        connection.handle_close()
        return True

    def _number_for(self, server: Server, connection: Connection, *, writes: bool) -> int:
        now = time.time()
        if writes:
            self._wrote_at = now
            return _WRITER
        is_writer = self._number == _WRITER and (server.is_writing or now - self._wrote_at < _WRITES_ON_S)
        is_behind = server.has_waiting_readers and now - connection.creation_time > _STAYS_S
        if not (is_writer or is_behind):
            return self._number
        self._next = (self._next + 1) % len(self._outboxes)
        if self._next == self._number:
            self._next = (self._next + 1) % len(self._outboxes)
        return self._next


class _Inbox(dispatcher):
    """Receives connections from other processes."""

    def __init__(self, server: Server, inbox: socket.socket) -> None:
        self._server = server
        super().__init__(inbox, map=server._map)

    def writable(self) -> bool:
        return False

    def handle_connect(self) -> None:
        """Do nothing: a socket pair is always connected."""

    def handle_read(self) -> None:
        sockets: list[Any] = socket.recv_fds(self.socket, 1, 1)[1]
        for number in sockets:
            connection = socket.socket(fileno=number)
            try:
                address = connection.getpeername()
            except OSError:  # The client has left.
                connection.close()
                continue
            self._server.adopt(connection, address)
