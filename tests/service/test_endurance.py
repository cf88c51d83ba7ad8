"""A served service under many requests: mixed ones, and malformed ones."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from rendergateway.endpoints import ENDPOINTS
from tests.service.conftest import AFFINE, STACK, tile

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
CLIENTS = 32
MIXED = int(os.environ.get("RENDERGATEWAY_REQUESTS", 100_000 if FULL else 1_000))
FUZZED = int(os.environ.get("RENDERGATEWAY_REQUESTS", 200_000 if FULL else 600))
PAIRS = "/owner/lab/matchCollection/pairs"
LAYERS, TILES = 5, 40
PROGRAM = """
import sys
from rendergateway.service.serve import serve
serve(sys.argv[1], port=0, on_request=len)
"""


class Process:
    """A service in a process of its own."""

    def __init__(self, folder: Path) -> None:
        words = [sys.executable, "-c", PROGRAM, str(folder / "render.db")]
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        self.netloc = self._process.stdout.readline().split()[2].split("/")[2]

    def used(self) -> tuple[int, int, int]:
        """Return memory in MiB, open files and threads of the process."""
        folder = Path(f"/proc/{self._process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") // 2**20
        return memory, len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir()))

    def close(self) -> int:
        """End the process; return its status."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.wait(60)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A service with a stack of five layers and a match collection."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("reads /proc")
    process = Process(tmp_path)
    client = Client(process.netloc, 0)
    assert client.send("POST", STACK, {}) == 201
    for z in range(LAYERS):
        tiles = [tile(f"t{z}_{number}", z, number * 90.0) for number in range(TILES)]
        body = {"tileIdToSpecMap": {one["tileId"]: one for one in tiles}}
        assert client.send("PUT", f"{STACK}/resolvedTiles?deriveData=true", body) == 201
    assert client.send("PUT", f"{PAIRS}/matches", [pair(0)]) == 201
    client.close()
    yield process
    assert process.close() == 0


def pair(number: int) -> dict[str, object]:
    sides = {"p": [[1.0], [2.0]], "q": [[3.0], [4.0]], "w": [1.0]}
    return {"pGroupId": "1", "pId": f"p{number}", "qGroupId": "2", "qId": "q", "matches": sides}


class Client:
    """Sends random valid requests over one connection at a time."""

    def __init__(self, netloc: str, seed: int) -> None:
        self._netloc, self._chance = netloc, random.Random(seed)
        self._connection = HTTPConnection(netloc, timeout=120)

    def send(self, method: str, path: str, value: object = None, *, abort: bool = False) -> int:
        """Send one request and read its answer, or break it off; return the status."""
        body = None if value is None else json.dumps(value)
        headers = {"Content-Type": "application/json"} if body else {}
        for is_last in (False, True):
            try:
                self._connection.request(method, f"/render-ws/v1{path}", body, headers)
                answer = self._connection.getresponse()
                break
            except (ConnectionError, OSError):
                # A connection that was idle may have been closed.
                self._connection.close()
                if is_last:
                    raise
        if abort:
            self._connection.close()
        else:
            answer.read()
        return answer.status

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def mixed(self) -> int:
        """Send one of the usual requests."""
        chance = self._chance
        z, number = chance.randrange(LAYERS), chance.randrange(TILES)
        kind = chance.randrange(10)
        if kind == 0:
            one = tile(f"t{z}_{number}", z, number * 90.0)
            return self.send("PUT", f"{STACK}/resolvedTiles?deriveData=true", {"tileIdToSpecMap": {one["tileId"]: one}})
        if kind == 1:
            return self.send("PUT", f"{PAIRS}/matches", [pair(number)])
        if kind == 2:
            return self.send("GET", f"{STACK}/z/{z}/resolvedTiles", abort=chance.random() < 0.2)
        if kind == 3:
            points = [{"tileId": f"t{z}_{number}", "local": [5, 5]}]
            return self.send("PUT", f"{STACK}/z/{z}/local-to-world-coordinates", points)
        paths = [
            f"{STACK}/tile/t{z}_{number}",
            f"{STACK}/z/{z}/tileBounds",
            f"{STACK}/z/{z}/box/0,0,500,500,1.0/render-parameters",
            f"{STACK}/tileIds?matchPattern=^t{z}",
            f"{PAIRS}/group/1/matchesOutsideGroup",
            "/owners",
        ]
        return self.send("GET", chance.choice(paths))


def test_mixed_requests__no_error_and_no_growth(process: Process) -> None:
    """Many clients at once get no 5xx, and memory, files and threads of the service do not grow."""
    clients = [Client(process.netloc, seed) for seed in range(CLIENTS)]

    def work(client: Client, count: int) -> Counter[int]:
        return Counter(client.mixed() for _ in range(count))

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = sum(pool.map(work, clients, [max(10, MIXED // 10 // CLIENTS)] * CLIENTS), Counter())
        before = process.used()
        statuses += sum(pool.map(work, clients, [MIXED // CLIENTS] * CLIENTS), Counter())
    after = process.used()
    for client in clients:
        client.close()

    assert set(statuses) <= {200, 201}, statuses
    assert after[0] <= before[0] * 1.2 + 20
    assert after[1] <= before[1] + 8
    assert after[2] <= before[2]
    assert process.log.read_text() == ""


class Fuzz:
    """Random requests: endpoints with random values, broken heads, broken bodies."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._endpoints = sorted(ENDPOINTS.values(), key=lambda endpoint: endpoint.name)

    def _value(self, name: str) -> str:
        usual = {"owner": "lab", "project": "tissue", "stack": "raw", "collection": "pairs", "tile_id": "t1_1"}
        odd = [
            "1",
            "-1",
            "NaN",
            "1e400",
            "9" * 5000,
            "%",
            "..",
            "a/b",
            "\u00e9",
            "\x01",
            "",
            "x" * 300,
            "[",
            "2,2",
            "t0_1",
        ]
        is_usual = name in usual and self._chance.random() < 0.8
        return usual[name] if is_usual else urllib.parse.quote(self._chance.choice(odd), safe="")

    def _body(self) -> bytes:
        chance = self._chance
        spec: dict[str, Any] = {
            "type": chance.choice(["leaf", "list", [], None]),
            "className": AFFINE,
            "dataString": "1 0 0 1 0 x",
        }
        values = [
            {"tileIdToSpecMap": {"f": tile("f", transforms={"type": "list", "specList": [spec]})}},
            [{"tileId": "t1_1", "local": [1, "NaN"]}], [pair(1) | {"pId": None}], ["t1_1"], {}, [], None, 5, "[" * 500,
        ]  # fmt: skip
        text = json.dumps(chance.choice(values)).encode()
        return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.2 else text

    def request(self) -> bytes:
        """Return the bytes of one request, with ``Connection: close``."""
        chance = self._chance
        endpoint = chance.choice(self._endpoints)
        path = endpoint.path
        for name in endpoint.path_values:
            path = path.replace(f"{{{name}}}", self._value(name))
        names = [value.wire_name for value in endpoint.query_values.values()]
        query = "&".join(f"{name}={self._value(name)}" for name in names if chance.random() < 0.3)
        method = endpoint.method if chance.random() < 0.9 else chance.choice(["PUT", "HEAD", "TRACE", "FOO", "OPTIONS"])
        body = self._body() if endpoint.body != "none" else b""
        kind = "text/plain" if endpoint.body == "text" else "application/json"
        headers = ["Connection: close", "Host: localhost", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        odd = ["Host: [", "Origin: http://[", "Accept: /", "Content-Length: 5", "Transfer-Encoding: chunked", "X", ":"]
        if chance.random() < 0.1:
            headers.append(chance.choice(odd))
        text = (
            "\r\n".join([f"{method} /render-ws/v1{path}?{query} HTTP/1.1", *headers, "", ""]).encode("latin-1") + body
        )
        if chance.random() < 0.05:
            place = chance.randrange(len(text))
            text = text[:place] + bytes([chance.randrange(256)]) + text[place + 1 :]
        return text


def test_fuzzed_requests__no_traceback(process: Process) -> None:
    """Whatever arrives, the log has no traceback, and the service continues."""
    host, _, port = process.netloc.partition(":")
    answers: Counter[bytes] = Counter()
    lock = threading.Lock()

    def work(seed: int) -> None:
        fuzz = Fuzz(seed)
        for _ in range(FUZZED // 8):
            with socket.create_connection((host, int(port)), timeout=120) as connection:
                answer = b""
                with contextlib.suppress(ConnectionError):
                    connection.sendall(fuzz.request())
                    # A request may promise more than it has: then the service waits for the rest.
                    connection.shutdown(socket.SHUT_WR)
                    answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            with lock:
                answers[answer[9:12]] += 1
            assert b"see the log" not in answer, answer

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert len(answers) > 5, answers
    assert "Traceback" not in process.log.read_text()
    client = Client(process.netloc, 0)
    assert client.send("GET", "/owners") == 200
    client.close()
