"""
Eight clients that read from the embedded service at a steady rate, alone and beside one that writes.

``python -m benchmarks.service_clients --workers 2`` runs service, readers and writer in processes of their own. They
share the cores of the machine; the cost of that alone is measured with readers of an empty application in another
process, beside the same writer: where even these wait, no service could answer sooner.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.synchronize
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from benchmarks.service import STACK, report, tile
from rendergateway.service.embedded import BASE_URL
from rendergateway.service.serve import Listening, serve

READERS, RATE_HZ, SPAN_S = 8, 20.0, 6.0
WRITTEN_AT_ONCE = 200
CONTEXT = multiprocessing.get_context("spawn")


def layered(number: int) -> dict[str, Any]:
    """Return one of 1000 tiles of ten layers."""
    z = float(number // 100)
    return tile(number, boxed=True) | {"z": z, "layout": {"sectionId": str(z)}}


def served(path: str, workers: int, lines: multiprocessing.Queue[str]) -> None:
    """Serve *path* with *workers* processes."""

    def ready(service: Listening) -> None:
        lines.put(str(service))

    # Discard the log, which is not part of the service.
    serve(path, port=0, threads=READERS + 1, workers=workers, on_ready=ready, on_request=len)


def served_empty(lines: multiprocessing.Queue[str]) -> None:
    """Serve an application with a constant answer of the size of one small GET."""
    from waitress.server import create_server

    answer = json.dumps(layered(5)).encode()

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    server = create_server(application, host="127.0.0.1", port=0, threads=READERS + 1)
    lines.put(f"empty at http://127.0.0.1:{server.effective_port}/,")
    server.run()


def reader(url: str, start: multiprocessing.synchronize.Barrier, results: multiprocessing.Queue[list[float]]) -> None:
    """Read at a steady rate over one connection; report each answer's delay after its due time."""
    split, found = urlsplit(url), []
    request = f"GET {split.path} HTTP/1.1\r\nHost: {split.netloc}\r\n\r\n".encode()
    with socket.create_connection((split.hostname or "", split.port or 0)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start.wait()
        begin = time.perf_counter() + 0.1 + os.getpid() % READERS / READERS / RATE_HZ
        for number in range(int(RATE_HZ * SPAN_S)):
            due = begin + number / RATE_HZ
            time.sleep(max(0.0, due - time.perf_counter()))
            connection.sendall(request)
            _receive(connection)
            found.append(time.perf_counter() - due)
    results.put(found)


def _receive(connection: socket.socket) -> None:
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(1 << 16)
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200")
    while len(body) < length:
        body += connection.recv(1 << 16)


class Writer:
    """A client that saves batches of tiles as fast as it can."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._connection = HTTPConnection(split.netloc, timeout=60)
        self._path = f"{split.path}/resolvedTiles"
        tiles = {f"w{number}": layered(number) for number in range(WRITTEN_AT_ONCE)}
        self._body = json.dumps({"tileIdToSpecMap": tiles}).encode()

    def send(self, method: str, path: str, body: bytes) -> None:
        """Send one request; it must succeed."""
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status < 300, text

    def rate(self) -> float:
        """Return how many batches a second are saved, while readers that began just now still read."""
        time.sleep(0.3)
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < SPAN_S - 1.0:
            self.send("PUT", self._path, self._body)
            count += 1
        return count / (time.perf_counter() - start)


@attrs.frozen
class Reading:
    """Latency of the readers, 95th percentile in seconds, and the figure measured meanwhile."""

    percentile_s: float
    meanwhile: float


def read(url: str, meanwhile: Callable[[], float]) -> Reading:
    """Let all readers read *url*, and do something else meanwhile."""
    start, results = CONTEXT.Barrier(READERS + 1), CONTEXT.Queue()
    clients = [CONTEXT.Process(target=reader, args=(url, start, results)) for _ in range(READERS)]
    for client in clients:
        client.start()
    start.wait()
    measured = meanwhile()
    times = [value for _ in clients for value in results.get()]
    for client in clients:
        client.join()
    return Reading(statistics.quantiles(times, n=20)[-1], measured)


def cpu_s(pid: int) -> float:
    """Return the CPU that a process and its children took so far, in seconds."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_s, map(int, children)))


def measure(folder: str, workers: int) -> None:
    """Measure readers and writer, each alone and both together."""
    lines: multiprocessing.Queue[str] = CONTEXT.Queue()
    service = CONTEXT.Process(target=served, args=(f"{folder}/served.db", workers, lines), daemon=True)
    service.start()
    url = lines.get().split()[2].rstrip(",") + STACK.removeprefix(BASE_URL)
    empty = CONTEXT.Process(target=served_empty, args=(lines,), daemon=True)
    empty.start()
    empty_url = lines.get().split()[2].rstrip(",")
    below = urlsplit(url).path
    for name in (below, f"{below}writes"):
        Writer(url).send("POST", name, b"{}")
    tiles = {f"t{number}": layered(number) for number in range(1000)}
    Writer(url).send("PUT", f"{below}/resolvedTiles", json.dumps({"tileIdToSpecMap": tiles}).encode())
    one, writer = f"{url}/tile/{layered(5)['tileId']}", Writer(f"{url}writes")

    writer.rate()
    alone = writer.rate()
    quiet = read(one, lambda: 0.0)
    before = cpu_s(service.pid or 0)
    both = read(one, writer.rate)
    busy = (cpu_s(service.pid or 0) - before) / SPAN_S
    elsewhere = read(empty_url, writer.rate)

    report("8 readers, 95th percentile beside a writer", both.percentile_s, quiet.percentile_s, 3.0)
    report("the same beside what the cores allow", both.percentile_s, elsewhere.percentile_s, 2.0)
    for name, rate in (("8 readers of the service", both.meanwhile), ("8 readers of nothing", elsewhere.meanwhile)):
        print(f"{'the writer beside ' + name:44s} {rate / alone:6.2f} of its rate alone (goal 0.7)  {rate:7.1f} /s")
    print(f"{'the service meanwhile':44s} {busy:6.2f} cores of {os.cpu_count()}", flush=True)
    for process in (service, empty):
        process.terminate()
        process.join()


def main() -> None:
    """Measure as often as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="repeat the whole")
    parser.add_argument("--workers", type=int, default=1, help="processes of the service")
    options = parser.parse_args()
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as folder:
            measure(folder, options.workers)


if __name__ == "__main__":
    main()
