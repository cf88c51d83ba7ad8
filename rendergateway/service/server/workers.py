"""Several processes that serve one database at one socket: started, replaced when they end, and stopped together."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

import attrs

from rendergateway import extensions
from rendergateway.errors import ConfigurationError
from rendergateway.service.server.job import Job
from rendergateway.service.server.peers import Peers

__all__ = ["serve_in_processes", "work"]

# A process that ends sooner is not replaced before this time, so that a permanent fault does not occupy the machine.
_PAUSE_S = 1.0
_STOPS_IN_S = 10.0
_PROGRAM = "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); " + (
    "from rendergateway.service.server.workers import work; work()"
)
_log = logging.getLogger(__name__)


@attrs.frozen
class _Order:
    """What a process is started with, besides the module path."""

    job: Job
    number: int
    listener: int
    ready: int
    inbox: int
    outboxes: list[int]
    extensions: dict[str, dict[str, bytes]]


def serve_in_processes(job: Job, listener: socket.socket, workers: int, on_ready: Callable[[], object]) -> None:
    """
    Serve with *workers* processes until `SystemExit` is raised in this thread.

    Parameters
    ----------
    job : Job
    listener : socket.socket
        Bound.
    workers : int
    on_ready : callable
        Called once all processes accept connections.

    Raises
    ------
    ConfigurationError
        If `job.on_request` cannot be sent to another process.
    """
    if getattr(job.on_request, "__module__", "") == "__main__" or not _is_picklable(job):
        raise ConfigurationError(
            "on_request must be a function of an importable module when workers > 1: got "
            f"{job.on_request!r}; define it in a module of its own"
        )
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(workers)]
        for end in (end for pair in pairs for end in pair):
            stack.enter_context(end)
        listener.listen()
        running = [_Worker(job, number, listener, pairs) for number in range(workers)]
        try:
            for worker in running:
                worker.wait_until_ready()
            on_ready()
            while True:
                ended, _, _ = select.select(running, [], [])
                for worker in ended:
                    worker.replace()
        finally:
            for worker in running:
                worker.stop()
            for worker in running:
                worker.join()


def _is_picklable(job: Job) -> bool:
    try:
        pickle.dumps(job)
    except Exception:  # Pickling calls code of the function.
        return False
    return True


class _Worker:
    """One process, and its successors under the same number."""

    def __init__(
        self, job: Job, number: int, listener: socket.socket, pairs: list[tuple[socket.socket, socket.socket]]
    ) -> None:
        self._job, self._number, self._listener, self._pairs = job, number, listener, pairs
        self._start()

    def _start(self) -> None:
        self._started = time.monotonic()
        self._ready, ready = os.pipe()
        inbox, outboxes = self._pairs[self._number][0].fileno(), [pair[1].fileno() for pair in self._pairs]
        listener = self._listener.fileno()
        order = _Order(self._job, self._number, listener, ready, inbox, outboxes, extensions.portable())
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                pass_fds=(listener, ready, inbox, *outboxes),
                # Ctrl-C reaches this process only, which then stops the others.
                start_new_session=True,
            )
        finally:
            os.close(ready)
        with contextlib.suppress(BrokenPipeError):
            self._input.write(pickle.dumps(sys.path) + pickle.dumps(order))
            self._input.flush()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def fileno(self) -> int:
        """Return a descriptor that can be read once the process has ended."""
        return self._ready

    def wait_until_ready(self) -> None:
        """Wait until the process accepts connections, or has ended."""
        os.read(self._ready, 1)

    def replace(self) -> None:
        """Start a successor of the process, which has ended."""
        self.stop()
        status = self.join()
        _log.warning("worker %d has ended with status %d; another one is started", self._number, status)
        time.sleep(max(0.0, self._started + _PAUSE_S - time.monotonic()))
        self._start()
        self.wait_until_ready()

    def stop(self) -> None:
        """Let the process answer its requests, and end."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()

    def join(self) -> int:
        """Wait for the end of the process; return its status. May be called again, if a signal ends `replace`."""
        ready, self._ready = self._ready, -1
        if ready >= 0:
            os.close(ready)
        try:
            return self._process.wait(_STOPS_IN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def work() -> None:
    """Serve as one of the processes, until the starting process closes standard input or ends."""
    order: _Order = pickle.load(sys.stdin.buffer)
    extensions.receive(order.extensions)
    outboxes = [socket.socket(fileno=number) for number in order.outboxes]
    peers = Peers(order.number, socket.socket(fileno=order.inbox), outboxes)
    with order.job.opened(socket.socket(fileno=order.listener), peers) as server:

        def stop() -> None:
            sys.stdin.buffer.read()
            server.stop()

        threading.Thread(target=stop, daemon=True).start()
        os.write(order.ready, b"1")
        server.run()
