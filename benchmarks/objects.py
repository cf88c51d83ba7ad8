"""
The object layer: what an object, a field and a listing cost, and what many threads gain.

Run: ``python benchmarks/objects.py [--tiles 100000]``. Figures are ratios of measurements that alternate in one run, in
CPU of this process, but for the last one, which is wall time against a loopback server that waits 20 ms before each
answer. renderapi is PyPI ``render-python``.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import socketserver
import statistics
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.client import NAMES, report, tile_json
from rendergateway import Gateway, TileWrapper

DELAY_S = 0.02
SECTIONS = 200


class Empty:
    """The least object there is."""


class Plain:
    """An object with an attribute."""

    def __init__(self, z: float) -> None:
        self.z = z


def cpu_s(work: Callable[[], object]) -> float:
    """CPU of this process for *work*."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def medians(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Median CPU of each of several works, done in turn."""
    for work in works:
        work()
    found = [[cpu_s(work) for work in works] for _ in range(rounds)]
    return [statistics.median(values) for values in zip(*found, strict=True)]


def answer(count: int) -> bytes:
    """A section's resolved tiles as the service writes them."""
    texts = [tile_json(number) for number in range(count)]
    members = b",".join(b"%s:%s" % (json.dumps(json.loads(text)["tileId"]).encode(), text) for text in texts)
    return b'{"transformIdToSpecMap":{},"tileIdToSpecMap":{%s}}' % members


class Canned(Gateway):
    """A gateway with a canned answer, to measure the construction of objects alone."""

    content: bytes

    def call_raw(self, name: str, /, *, body: Any = None, **values: Any) -> bytes:
        """Return the answer."""
        return self.content


def compare_tiles(count: int, rounds: int) -> None:
    """Tiles from the bytes of an answer: wrapped, read, walked."""
    import renderapi

    gateway = Canned("localhost:1", **NAMES)
    gateway.content = answer(count)
    listed = json.dumps(list(json.loads(gateway.content)["tileIdToSpecMap"].values())).encode()

    def ours() -> list[float]:
        return [tile.z for tile in gateway.stack("s").section(3407.0).tiles().reload()]

    def theirs() -> list[float]:
        specs = [renderapi.tilespec.TileSpec(json=spec) for spec in json.loads(listed)]
        return [spec.z for spec in specs]

    assert ours() == theirs()
    mine, his = medians(rounds, ours, theirs)
    report(f"{count} tiles made of an answer and z read (renderapi / ours)", his / mine, "≥ 10")
    wrapping_and_reading(gateway, count, rounds)


def wrapping_and_reading(gateway: Gateway, count: int, rounds: int) -> None:
    """One element of a loaded collection beside an empty object, one attribute beside a plain one."""
    tiles = gateway.stack("s").section(3407.0).tiles().load()

    def wrap() -> None:
        for _ in tiles:
            pass

    def make() -> None:
        for _ in range(count):
            Empty()

    wrapped, empty = medians(rounds, wrap, make)
    print(f"{'wrapping one tile of a loaded collection':62s} {1e6 * wrapped / count:7.2f}   goal ≤ 4 µs")
    print(f"  making an empty object: {1e6 * empty / count:.2f} µs; one tile is {wrapped / empty:.0f} of them")

    few = [TileWrapper(gateway, tile._obj, key=tile._key) for tile in tiles[:1000]]
    plain = [Plain(1.0) for _ in few]

    def read_fields() -> None:
        for _ in range(200):
            [tile.width for tile in few]

    def read_attributes() -> None:
        for _ in range(200):
            [one.z for one in plain]

    of_wrapper, of_plain = medians(2 * rounds, read_fields, read_attributes)
    report("a field of a loaded wrapper (× a plain attribute)", of_wrapper / of_plain, "≤ 10")
    print(f"  {1e9 * of_wrapper / 200_000:.0f} ns and {1e9 * of_plain / 200_000:.0f} ns")


def compare_coordinates(count: int, rounds: int) -> None:
    """One point in each of many tiles, from the bytes of an answer to world pixels."""
    import renderapi

    gateway = Canned("localhost:1", **NAMES)
    gateway.content = b"[%s]" % b",".join(map(tile_json, range(count)))
    stack = gateway.stack("s")
    ids = [tile["tileId"] for tile in json.loads(gateway.content)]
    points = 2000 * np.random.default_rng(1).random((count, 2))

    def ours() -> npt.NDArray[Any]:
        return stack.world_from_local(ids, points).xy

    def theirs() -> npt.NDArray[Any]:
        specs = [renderapi.tilespec.TileSpec(json=spec) for spec in json.loads(gateway.content)]
        mapped = [
            renderapi.transform.estimate_dstpts(spec.tforms, point[np.newaxis])
            for spec, point in zip(specs, points, strict=True)
        ]
        return np.concatenate(mapped)

    assert np.allclose(ours(), theirs(), rtol=0, atol=1e-6)
    mine, his = medians(rounds, ours, theirs)
    report(f"one point in each of {count} tiles carried (renderapi / ours)", his / mine, "≥ 5")
    print(f"  {1e6 * mine / count:.1f} µs a tile")


def serve_slowly(ports: multiprocessing.Queue[int]) -> None:
    """Answer each request 20 ms late: z values, else one section of ten tiles."""
    z_values = json.dumps([float(z) for z in range(SECTIONS)]).encode()
    tiles = answer(10)

    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            time.sleep(DELAY_S)
            content = z_values if "zValues" in self.path else tiles
            self.send_response_only(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    socketserver.TCPServer.request_queue_size = 64
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    ports.put(server.server_address[1])
    server.serve_forever()


def compare_prefetch(rounds: int) -> None:
    """200 sections of a service that is 20 ms away."""
    ports: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve_slowly, args=(ports,), daemon=True)
    server.start()
    address = f"127.0.0.1:{ports.get()}"

    def wall_s(workers: int) -> float:
        with Gateway(address, **NAMES) as gateway:
            start = time.perf_counter()
            gateway.stack("s").sections().prefetch(workers=workers)
            return time.perf_counter() - start

    found = [(wall_s(1), wall_s(16)) for _ in range(rounds)]
    server.terminate()
    server.join()
    one, many = (statistics.median(values) for values in zip(*found, strict=True))
    report(f"{SECTIONS} sections, 20 ms away, prefetch(workers=16), × sequential", one / many, "≥ 8")
    print(f"  {one:.2f} s and {many:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    compare_tiles(options.tiles, options.rounds)
    compare_coordinates(min(options.tiles, 20_000), options.rounds)
    compare_prefetch(min(options.rounds, 3))


if __name__ == "__main__":
    main()
