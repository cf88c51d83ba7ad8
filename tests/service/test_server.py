"""Connections of the served service: no client, however slow, hostile or idle, stops others from being answered."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import resource
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rendergateway.service.app import app_for
from rendergateway.service.http.access_log import AccessLog
from rendergateway.service.server import connection as connection_module
from rendergateway.service.server import peers as peers_module
from rendergateway.service.server import server as server_module
from rendergateway.service.server.peers import Peers
from rendergateway.service.server.server import Server, most_connections
from rendergateway.service.server.unsent import Room, Unsent
from tests.service.conftest import STACK, tile

DEADLINE_S = 20.0


class Served:
    """A server in a thread, and requests to it over plain sockets."""

    def __init__(self, folder: Path, listener: socket.socket | None = None, peers: Peers | None = None) -> None:
        self.application = app_for(folder / "render.db", hosts=())
        if listener is None:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.lines: list[str] = []
        logged = AccessLog(self.application, self.lines.append)
        self.server = Server(logged, self.application, listener, 1, peers)
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()

    def connect(self, text: str = "", **options: int) -> socket.socket:
        """Open a connection and send *text*."""
        connection = socket.socket()
        connection.settimeout(DEADLINE_S)
        if "received" in options:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["received"])
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(text.encode())
        return connection

    def ask(self, request: str) -> str:
        """Send one request over a connection of its own; return the whole answer."""
        with self.connect(request) as connection:
            return read_all(connection)

    def save(self, *tiles: dict[str, Any]) -> None:
        """Create the stack and save tiles."""
        self.ask(put(STACK, {}, method="POST"))
        answer = self.ask(put(f"{STACK}/resolvedTiles", {"tileIdToSpecMap": {one["tileId"]: one for one in tiles}}))
        assert answer.startswith("HTTP/1.1 201")

    def close(self) -> None:
        self.server.stop()
        self._thread.join()
        self.application.database.close()


def get(path: str, *headers: str, host: str = "localhost") -> str:
    return "\r\n".join([f"GET /render-ws/v1{path} HTTP/1.1", f"Host: {host}", *headers, "", ""])


def last(path: str) -> str:
    return get(path, "Connection: close")


def put(path: str, value: Any, method: str = "PUT") -> str:
    body = json.dumps(value)
    head = [f"{method} /render-ws/v1{path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "Connection: close", "", body])


def read_all(connection: socket.socket) -> str:
    return b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()


def until(is_true: Callable[[], object]) -> None:
    """Wait until something is true, which another thread makes so."""
    pause = threading.Event()
    for _ in range(int(DEADLINE_S / 0.01)):
        if is_true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come true")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server with one thread for reading."""
    served = Served(tmp_path)
    yield served
    served.close()


def many_tiles(count: int) -> list[dict[str, Any]]:
    box = {"minX": 0, "minY": 0, "maxX": 1, "maxY": 1}
    return [tile(f"t{number:05d}", labels=["x" * 4000], **box) for number in range(count)]


@pytest.mark.parametrize("stalled", [1, 5])
def test_stalled_reader__holds_nothing(served: Served, stalled: int) -> None:
    """Clients that do not read their answers hold neither the only reading thread, nor a snapshot, nor a writer."""
    # Of several answers of 8 MB, most wait in files.
    served.server.room = Room(memory=20_000_000)
    served.save(*many_tiles(2000))

    with contextlib.ExitStack() as clients:
        for _ in range(stalled):
            clients.enter_context(served.connect(get(f"{STACK}/z/1/tile-specs"), received=4096))
        owners = served.ask(last("/owners"))
        # The listings are generated to their end, and logged, although nothing of them was read.
        until(lambda: sum("tile-specs" in line for line in served.lines) == stalled)
        served.save(*many_tiles(1))
        with served.application.database.idle() as database:
            _, in_log, copied = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").get

    assert owners.endswith('["lab"]')
    assert (in_log, copied) == (0, 0)


def test_slow_reader__gets_all(served: Served) -> None:
    """An answer that had to wait for its client is complete, from memory and from the file."""
    served.server.room = Room(memory=100_000)
    served.save(*many_tiles(1000))

    with served.connect(last(f"{STACK}/z/1/tile-specs"), received=4096) as connection:
        until(lambda: any("tile-specs" in line for line in served.lines))
        answer = read_all(connection)

    assert answer.count('"tileId"') == 1000
    assert answer.endswith("]\r\n0\r\n\r\n")


def test_stalled_reader__ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes nothing of its answer is disconnected, and its space is free again."""
    served.save(*many_tiles(2000))
    monkeypatch.setattr(connection_module, "STALLED_S", 0.0)

    with served.connect(get(f"{STACK}/z/1/tile-specs"), received=4096):
        until(lambda: any("tile-specs" in line for line in served.lines))
        until(lambda: not served.server.active_channels)

    assert served.server.room.take_memory(64 * 2**20)


def test_unsent_answers__too_many(served: Served) -> None:
    """If all unsent answers together have no room, the one that is taken slowest ends; others are answered."""
    served.server.room = Room(memory=0, disk=1000)
    served.save(*many_tiles(2000))

    with served.connect(get(f"{STACK}/z/1/tile-specs"), received=4096) as stalled:
        until(lambda: any("tile-specs" in line for line in served.lines))
        assert served.ask(last("/owners")).endswith('["lab"]')
        assert not read_all(stalled).endswith("\r\n0\r\n\r\n")


def test_unsent_answer__no_file(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that cannot be stored for its client ends; the log has one line without a traceback."""
    served.server.room = Room(memory=0)
    served.save(*many_tiles(1))

    def fails() -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", fails)

    assert served.ask(last("/owners")) == ""
    assert [record.getMessage() for record in caplog.records] == [
        "an answer cannot wait for its client, and ends: No space left on device"
    ]
    assert not caplog.records[0].exc_info


def test_damage_in_a_listing__broken_off(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """A listing with a damaged page in its middle is broken off, visibly for the client; the log has one line."""
    served.save(*many_tiles(2000))
    path = served.application.database.path
    with served.application.database.idle() as database:
        # Nothing of the file remains in the log or in memory.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.execute("PRAGMA shrink_memory")
        pages = "SELECT pageno FROM dbstat WHERE name = 'tile_1' AND pagetype = 'overflow' ORDER BY pageno"
        page = database.execute(f"{pages} LIMIT 1 OFFSET 1500").get
    with path.open("r+b") as file:
        file.seek(page * 4096 - 100)
        file.write(b"y")

    answer = served.ask(last(f"{STACK}/z/1/resolvedTiles"))

    assert answer.count('"tileId"') < 1500
    assert not answer.endswith("\r\n0\r\n\r\n")
    until(lambda: caplog.records)
    message = f"an answer was broken off: {path} is damaged: a page does not match its checksum"
    assert caplog.records[0].getMessage().startswith(message)
    assert not caplog.records[0].exc_info


def test_unsent__in_order() -> None:
    """Bytes come out as they went in, from memory, then from the file, then from memory."""
    room = Room(memory=10)
    unsent, taken = Unsent(room), b""
    for piece in (b"01234", b"567", b"89abcdef", b"ghi"):
        unsent.append(piece)
    while len(unsent):
        part = bytes(unsent.get(4))
        unsent.skip(len(part), True)
        taken += part

    assert taken == b"0123456789abcdefghi"
    assert room.take_memory(10)
    assert not room.take_memory(1)
    assert not room.is_short
    assert unsent.get(4) == b""


def test_waiting_writers__hold_no_reader(served: Served) -> None:
    """While writers wait for the lock, readers are answered."""
    served.save(*many_tiles(1))
    with contextlib.ExitStack() as stack:
        with served.application.database.writing():
            writers = [
                stack.enter_context(served.connect(put(f"{STACK}/resolvedTiles", {"tileIdToSpecMap": {"a": one}})))
                for one in many_tiles(6)
            ]
            assert served.ask(last("/owners")).endswith('["lab"]')
        answers = [read_all(writer) for writer in writers]

    assert all(answer.startswith("HTTP/1.1 201") for answer in answers)


def test_reading_put__is_no_writer(served: Served) -> None:
    """A PUT that only reads does not wait for writers."""
    served.save(*many_tiles(1))
    with served.application.database.writing():
        answer = served.ask(put(f"{STACK}/tile-specs-with-ids", ["t00000"]))

    assert '"tileId":"t00000"' in answer


def test_idle_connections__closed_for_new_ones(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, the connection that was idle for longest is closed in favour of a new one."""
    monkeypatch.setattr(served.server, "_limit", 3)
    monkeypatch.setattr(server_module, "_SPARED_IDLE_S", -1.0)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(served.connect()) for _ in range(3)]
        until(lambda: len(served.server.active_channels) == 3)

        assert served.ask(last("/owners")).endswith("[]")
        assert idle[0].recv(1) == b""
        # The others are still served; the answers end the connections, because there is little room.
        stack.enter_context(served.connect())
        until(lambda: len(served.server.active_channels) == 3)
        idle[1].sendall(get("/owners").encode())
        answer = read_all(idle[1])

    assert "Connection: close" in answer
    assert answer.endswith("[]")


def test_half_a_request__ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that stops in the middle of its request is disconnected."""
    monkeypatch.setattr(connection_module, "STALLED_S", 0.0)

    with served.connect("GET /render-ws/v1/owners HTT") as connection:
        assert read_all(connection) == ""


def test_no_files_left__waits(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without files left, the service pauses, writes one line, and then accepts."""
    accept, failures = served.server.accept, iter(range(3))

    def fails() -> Any:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept()

    monkeypatch.setattr(server_module, "_REST_S", 0.01)
    monkeypatch.setattr(served.server, "accept", fails)

    assert served.ask(last("/owners")).endswith("[]")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "connections wait to be accepted: Too many open files; raise the limit of open files (ulimit -n)"
    ]


def test_left_before_accepted__ignored(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that leaves before it is accepted does not matter."""
    accept, gone = served.server.accept, iter([OSError(errno.EPROTO, "left"), None])

    def fails() -> Any:
        error = next(gone, 0)
        if isinstance(error, OSError):
            raise error
        return accept() if error == 0 else None

    monkeypatch.setattr(served.server, "accept", fails)

    assert served.ask(last("/owners")).endswith("[]")


@pytest.mark.parametrize(("files", "connections"), [(40, 2), (1024, 492), (resource.RLIM_INFINITY, 1000)])
def test_limit__fits_the_files(monkeypatch: pytest.MonkeyPatch, files: int, connections: int) -> None:
    """The number of connections fits the limit of open files."""
    monkeypatch.setattr("resource.getrlimit", lambda which: (files, files))

    assert most_connections(threads=8) == connections


BIG = "Content-Type: application/json\r\nContent-Length: 1073741824"


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (f"PUT {STACK}/resolvedTiles HTTP/1.1\r\nHost: attacker.example\r\n{BIG}", "403 Forbidden"),
        (f"PUT {STACK}/resolvedTiles HTTP/1.1\r\nHost: localhost\r\n{BIG}0", "413 "),
        (f"PUT /nowhere HTTP/1.1\r\nHost: localhost\r\n{BIG}", "404 Not Found"),
        (f"PUT {STACK}/resolvedTiles HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked", "415 "),
    ],
    ids=["host", "length", "path", "content type"],
)
def test_refused_head__without_its_body(served: Served, head: str, answer: str) -> None:
    """A request that is refused whatever its body is gets its answer at once; the sender may go on for a while."""
    text = head.replace(" /", " /render-ws/v1/", 1) + "\r\nExpect: 100-continue\r\n\r\n"

    with served.connect(text) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * 300_000)
        received = read_all(connection)

    assert received.startswith(f"HTTP/1.1 {answer}")
    assert "100 Continue" not in received
    until(lambda: not served.server.active_channels)


def test_refused_head__sender_goes_on(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender who continues after the refusal is disconnected."""
    monkeypatch.setattr(connection_module, "LINGER_S", 0.0)
    text = f"PUT /render-ws/v1{STACK}/resolvedTiles HTTP/1.1\r\nHost: attacker.example\r\n{BIG}\r\n\r\n"

    with served.connect(text):
        until(lambda: served.lines or not served.server.active_channels)
        until(lambda: not served.server.active_channels)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("length", ["5", "\xb9"])
def test_length_and_chunks__refused(served: Served, version: str, length: str) -> None:
    """A request with a length and chunks is refused: servers in front could see another end of the body."""
    head = f"PUT /render-ws/v1{STACK}/resolvedTiles HTTP/{version}\r\nHost: localhost\r\n"

    with served.connect() as connection:
        text = f"{head}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        connection.sendall(text.encode("latin-1"))
        assert "400 Bad Request" in read_all(connection)


def test_body__no_file(served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A body that cannot be stored ends its connection; the log has one line without a traceback."""

    def fails(*args: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", fails)
    head = put(f"{STACK}/resolvedTiles", {}).replace("Content-Length: 2", "Content-Length: 3000000")

    with served.connect(head) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * 2_000_000)
        with contextlib.suppress(ConnectionResetError):
            assert read_all(connection) == ""

    assert [record.getMessage() for record in caplog.records] == [
        "a request body cannot be received: No space left on device"
    ]


@pytest.fixture
def both(tmp_path: Path) -> Iterator[list[Served]]:
    """The writing server and another one at the same address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
    outboxes = [pair[1] for pair in pairs]
    both = [
        Served(tmp_path, listener.dup(), Peers(number, pairs[number][0], [outbox.dup() for outbox in outboxes]))
        for number in range(2)
    ]
    listener.close()
    yield both
    for served in both:
        served.close()
    for outbox in outboxes:
        outbox.close()


def exchange(connection: socket.socket, request: str) -> str:
    """Send one request; return its short answer, without the connection being closed."""
    connection.sendall(request.encode())
    head, body = "", ""
    while not body and "\r\n\r\n" not in head:
        head += connection.recv(1).decode()
    length = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
    while len(body) < length:
        body += connection.recv(length).decode()
    return head + body


def test_processes__readers_leave_the_writer(both: list[Served]) -> None:
    """One connection is served by the process that writes, then by another one: the client notices nothing."""
    create = put(STACK, {}, method="POST").replace("Connection: close\r\n", "")
    with both[0].connect() as connection:
        answers = [exchange(connection, one) for one in (create, get("/owners"), create, get("/owners"))]

    assert [answer.splitlines()[0] for answer in answers] == ["HTTP/1.1 201 Created", "HTTP/1.1 200 OK"] * 2
    until(lambda: len(both[0].lines + both[1].lines) == 4)
    assert [line.split()[2] for line in both[0].lines] == ["POST", "POST"]
    assert [line.split()[2] for line in both[1].lines] == ["GET", "GET"]


def test_processes__another_takes_no_connections(both: list[Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """If the other process does not take a connection, this one serves it."""

    def fails(*args: object) -> object:
        raise BlockingIOError

    monkeypatch.setattr(socket, "send_fds", fails)

    for _ in range(4):
        assert both[0].ask(put(STACK, {}, method="POST")).startswith("HTTP/1.1 201")
        assert both[0].ask(last("/owners")).endswith('["lab"]')


def test_processes__waiting_readers_move(both: list[Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections move from a process whose threads are all busy."""
    monkeypatch.setattr(peers_module, "_STAYS_S", -1.0)
    monkeypatch.setattr(Server, "has_waiting_readers", property(lambda server: server is both[1].server))

    for _ in range(8):
        assert both[0].ask(last("/owners")).endswith("[]")
    with both[0].connect() as connection:
        for _ in range(4):
            exchange(connection, get("/owners"))

    assert not both[1].lines


def test_processes__client_left(both: list[Served]) -> None:
    """A connection that is reset before it is received ends."""
    peers = both[1].server._peers
    assert peers is not None
    with socket.socket() as left:
        socket.send_fds(peers._outboxes[0], [b"1"], [left.fileno()])

    assert both[0].ask(last("/owners")).endswith("[]")
