"""The server: accepts connections while there is room, makes room, and hands requests to readers and writers."""

from __future__ import annotations

import errno
import logging
import operator
import resource
import socket
import sys
import time
from typing import Any

from rendergateway.service.app import Application
from rendergateway.service.server.connection import Connection
from rendergateway.service.server.extended import Adjustments, TcpWSGIServer, ThreadedTaskDispatcher
from rendergateway.service.server.parser import BODY_IN_MEMORY
from rendergateway.service.server.peers import Peers
from rendergateway.service.server.unsent import Room

__all__ = ["Server", "most_connections"]

# While one writes, the next one decodes its body.
WRITERS = 2
# Files that are not connections: the database, images, libraries; and a few more for each thread.
_OTHER_FILES, _FILES_PER_THREAD = 16, 3
# A connection may need another file for its body, or for its answer.
_FILES_PER_CONNECTION = 2
_MOST_CONNECTIONS = 1000
# Above this part of the limit, connections end with their answers.
_CROWDED = 0.8
# Only a connection without activity for this long is closed in favour of a new one: between two requests, or in the
# middle of one.
_SPARED_IDLE_S, _SPARED_S = 0.1, 5.0
_REST_S = 1.0
# A thread that wants to run waits this long for one that computes; by default 5 ms, several times per answer.
_SWITCH_S = 0.0005
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_log = logging.getLogger(__name__)


def most_connections(threads: int) -> int:
    """Return how many connections the limit of open files allows."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    left = files - _OTHER_FILES - _FILES_PER_THREAD * threads
    return max(2, min(_MOST_CONNECTIONS, left // _FILES_PER_CONNECTION))


class Server(TcpWSGIServer):
    """
    A server of one application at one socket.

    Parameters
    ----------
    wsgi : WSGI application
        *service*, possibly within middleware.
    service : Application
        Knows which requests write, and which are refused unread.
    listener : socket.socket
        Bound.
    threads : int
        Number of requests that are read from the database at the same time; a few others may write.
    peers : Peers, optional
        Other processes that serve the same socket.
    """

    channel_class = Connection
    next_channel_cleanup: float

    def __init__(
        self, wsgi: Any, service: Application, listener: socket.socket, threads: int, peers: Peers | None = None
    ) -> None:
        self.service = service
        self.room = Room()
        self._limit = most_connections(threads)
        self._rests_until = 0.0
        self._logged_at = 0.0
        self._is_stopped = False
        settings = Adjustments(
            sockets=[listener],
            threads=threads,
            ident=None,
            max_request_body_size=service.options.body_limit + 1,
            # Receive large bodies in large pieces: one thread receives the bodies of all requests.
            recv_bytes=1 << 18,
            inbuf_overflow=BODY_IN_MEMORY,
            # Nothing is kept in waitress's own buffers: see `Unsent`.
            outbuf_high_watermark=sys.maxsize,
            cleanup_interval=1,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=True,
            # A client that leaves is not an error of the service.
            log_socket_errors=False,
        )
        self._writers = ThreadedTaskDispatcher()
        self._writers.set_thread_count(WRITERS)
        readers = ThreadedTaskDispatcher()
        readers.set_thread_count(threads)
        where = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(wsgi, {}, True, listener, readers, settings, sockinfo=where, bind_socket=False)
        self._peers = peers
        if peers is not None:
            peers.receive(self)

    @property
    def is_crowded(self) -> bool:
        """Whether connections should end with their answers, in favour of others."""
        return len(self.active_channels) > _CROWDED * self._limit

    @property
    def is_writing(self) -> bool:
        """Whether a request that writes is being processed or waits."""
        return bool(self._writers.queue or self._writers.active_count)

    @property
    def has_waiting_readers(self) -> bool:
        """Whether a request that reads waits for a thread."""
        return bool(self.task_dispatcher.queue)

    def hand_over(self, connection: Connection) -> bool:
        """Send a connection with a new request to the process that should answer it; return whether it was sent."""
        return self._peers is not None and self._peers.hand_over(connection)

    def adopt(self, connection: socket.socket, address: Any) -> None:
        """Serve a connection that was accepted here or by another process."""
        Connection(self, connection, address, self.adj, map=self._map)

    def add_task(self, task: Connection) -> None:
        """Hand the next request of a connection to the threads that read, or to those that write."""
        request = task.requests[0]
        writes = request.error is None and self.service.writes(request.command, request.request_uri)
        (self._writers if writes else self.task_dispatcher).add_task(task)

    def readable(self) -> bool:
        """Whether a connection may be accepted."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        if len(self.active_channels) > self._limit:
            self._make_room(now)
        return len(self.active_channels) <= self._limit and now >= self._rests_until

    def handle_accept(self) -> None:
        """Accept a connection; pause while the process has no files left."""
        try:
            accepted = self.accept()
            if accepted is None:
                return
            connection, address = accepted
            self.set_socket_options(connection)
        except OSError as error:
            # Other errors are those of a client that has left already.
            if error.errno in _EXHAUSTED:
                self._rest(error)
            return
        self.adopt(connection, address)

    def _rest(self, error: OSError) -> None:
        now = time.time()
        self._rests_until = now + _REST_S
        self._make_room(now)
        if now - self._logged_at > 60.0:
            _log.warning(
                "connections wait to be accepted: %s; raise the limit of open files (ulimit -n)", error.strerror
            )
        self._logged_at = now

    def maintenance(self, now: float) -> None:
        """Close connections whose clients have stopped."""
        for connection in list(self.active_channels.values()):
            if connection.is_over(now):
                connection.handle_close()

    def _make_room(self, now: float) -> None:
        """Close one connection: the longest idle one, else one whose client has stopped."""
        quiet = [
            (not one.is_idle, one.last_activity, one) for one in self.active_channels.values() if not one.is_working
        ]
        quiet = [one for one in quiet if now - one[1] > (_SPARED_S if one[0] else _SPARED_IDLE_S)]
        if quiet:
            min(quiet, key=operator.itemgetter(0, 1))[2].handle_close()

    def room_is_short_for(self, connection: Connection) -> bool:
        """Whether *connection* has to end, because it takes its answer slowest and there is no room left."""
        if not self.room.is_short:
            return False
        waiting = [one for one in list(self.active_channels.values()) if one.total_outbufs_len]
        slowest = min(waiting, key=lambda one: one.last_activity, default=connection)
        if slowest is connection:
            return True
        self.drop(slowest)
        return False

    def drop(self, connection: Connection) -> None:
        """Close a connection from any thread: the thread of all connections does it."""
        connection.last_activity = 0.0
        self.next_channel_cleanup = 0.0
        self.pull_trigger()

    def run(self) -> None:
        """Serve until `stop`, `SystemExit` or `KeyboardInterrupt`."""
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            while not self._is_stopped:
                is_full = len(self.active_channels) > self._limit
                self.asyncore.loop(timeout=_SPARED_IDLE_S if is_full else 1.0, map=self._map, use_poll=True, count=1)
        except (SystemExit, KeyboardInterrupt):
            pass
        finally:
            sys.setswitchinterval(switch_s)
            for lane in (self.task_dispatcher, self._writers):
                lane.shutdown()
            for connection in list(self.active_channels.values()):
                connection.handle_close()
            self.close()
            if self._peers is not None:
                self._peers.close()

    def stop(self) -> None:
        """End `run`, from another thread."""
        self._is_stopped = True
        self.pull_trigger()
