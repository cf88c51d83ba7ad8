"""
The embedded service with a large stack and with several clients: ratios, to be run on a quiet machine.

``python -m benchmarks.service_large`` measures a stack of 100 000 tiles, with ``--million`` one of 1 000 000: saved,
completed, cloned, deleted, its space given back; then the CPU of single requests against what the real service needed,
scaled by what this machine takes for the same calibration.
"""

# Each measurement finishes within its iteration, so that a lambda sees the values of that iteration.
# ruff: noqa: B023

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from benchmarks.calibration import machine_scale
from benchmarks.service import COLLECTION, STACK, Client, report, seconds, tile
from rendergateway.service.store import compact

BATCH, LAYERS = 5_000, 100
COPY = STACK + "copy"
# CPU of the real service in microseconds, on the machine of the calibration.
REAL_US = {
    "tile PUT": 168.0,
    "tile PUT, box derived": 230.0,
    "tile of a layer read": 108.0,
    "small GET": 1300.0,
    "match pair PUT": 1100.0,
    "match pair GET": 450.0,
    "point local to world": 400.0,
}


def peak_mb() -> float:
    """Return the most memory that this process had."""
    return int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


def layered(number: int, count: int) -> dict[str, Any]:
    """Return a tile of a stack of many layers."""
    z = float(number * LAYERS // count)
    return tile(number, boxed=True) | {"z": z, "layout": {"sectionId": str(z)}}


def large_bodies(count: int) -> Iterator[bytes]:
    """Yield the requests that save a large stack."""
    for start in range(0, count, BATCH):
        tiles = {f"t{n}": layered(n, count) for n in range(start, start + BATCH)}
        yield json.dumps({"tileIdToSpecMap": tiles}).encode()


def timed(name: str, work: Callable[[], object]) -> float:
    """Print how long *work* took, and return it."""
    took = seconds(work, clock=time.perf_counter)
    print(f"{name:44s} {took * 1e3:10.2f} ms", flush=True)
    return took


def large_stack(client: Client, path: str, count: int) -> None:
    """Take a stack of *count* tiles through its life."""
    client.send("POST", STACK, b"{}")
    took = sum(seconds(lambda: client.send("PUT", f"{STACK}/resolvedTiles", body)) for body in large_bodies(count))
    print(f"{'PUT ' + str(count) + ' tiles':44s} {took / count * 1e6:10.2f} us each", flush=True)
    connection = sqlite3.connect(path)
    table = connection.execute("SELECT 'tile_' || contents FROM stack").fetchone()[0]
    one_pass = f"SELECT COUNT(*), MIN(min_x), MAX(max_x), SUM(length(CAST(text AS TEXT))) FROM {table}"
    bare = seconds(lambda: connection.execute(one_pass).fetchone(), 2)
    report("COMPLETE", seconds(lambda: client.send("PUT", f"{STACK}/state/COMPLETE")), bare, 3.0)
    for word in ("sectionData", "zValues"):
        timed(f"GET {word} of {LAYERS} layers", lambda: client.send("GET", f"{STACK}/{word}"))
    copied = seconds(lambda: client.send("PUT", f"{STACK}/cloneTo/scopy", b"{}"))
    report("clone", copied, bare_copy(connection, table), 1.5)
    connection.close()
    timed("DELETE", lambda: client.send("DELETE", COPY))
    slices = [seconds(lambda: client.send("PUT", f"{STACK}/cycle", b"{}"), clock=time.perf_counter) for _ in range(20)]
    print(f"{'the longest of 20 writes after that':44s} {max(slices) * 1e3:10.2f} ms", flush=True)
    client.send("DELETE", STACK)
    timed("compact", lambda: compact(client.adapter.application.database))
    print(f"{'peak memory, this program included':44s} {peak_mb():10.0f} MB", flush=True)


def bare_copy(connection: sqlite3.Connection, table: str) -> float:
    """Return the time of copying the rows into a table with the same indexes."""
    made = connection.execute("SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", (table,))
    for (statement,) in made.fetchall():
        connection.execute(statement.replace(table, "bare_copy"))

    def copy() -> None:
        connection.execute(f"INSERT INTO bare_copy SELECT * FROM {table}")
        connection.commit()

    took = seconds(copy)
    connection.execute("DROP TABLE bare_copy")
    connection.commit()
    return took


def cpu_us(work: Callable[[], object], count: int) -> float:
    """Return the CPU of *work* for one of *count* things, in microseconds: the median of five runs."""
    found = []
    for _ in range(5):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found) / count * 1e6


def against_the_real_service(client: Client, folder: str) -> None:
    """Compare the CPU of single requests with that of the real service."""
    scale = machine_scale(folder)
    client.send("POST", STACK, b"{}")
    given = json.dumps({"tileIdToSpecMap": {f"t{n}": tile(n, boxed=True) for n in range(BATCH)}}).encode()
    derived = json.dumps({"tileIdToSpecMap": {f"t{n}": tile(n, boxed=False) for n in range(BATCH)}}).encode()
    row = [round(n * 1.37 + 0.123456, 6) for n in range(100)]
    points = {"p": [row, row], "q": [row, row], "w": [1.0] * 100}
    names = [{"pGroupId": "1", "pId": f"a{n}", "qGroupId": "2", "qId": "b"} for n in range(1000)]
    pairs = json.dumps([name | {"matches": points} for name in names]).encode()
    where = [{"tileId": tile(n % 400, boxed=True)["tileId"], "local": [1.5, 2.5]} for n in range(5000)]
    asked, one = json.dumps(where).encode(), f"{STACK}/tile/{tile(5, boxed=True)['tileId']}"

    def put(url: str, body: bytes) -> Callable[[], object]:
        return lambda: client.send("PUT", url, body)

    def get(url: str, times: int = 1) -> Callable[[], object]:
        # Exclude the client's request preparation.
        prepared = requests.Request("GET", url).prepare()
        return lambda: [client.adapter.send(prepared) for _ in range(times)]

    for name, work, count, goal in (
        ("tile PUT", put(f"{STACK}/resolvedTiles", given), BATCH, 5),
        ("tile PUT, box derived", put(f"{STACK}/resolvedTiles?deriveData=true", derived), BATCH, 5),
        ("tile of a layer read", get(f"{STACK}/z/3407/resolvedTiles"), BATCH, 10),
        ("small GET", get(one, 500), 500, 5),
        ("match pair PUT", put(f"{COLLECTION}/matches", pairs), 1000, 5),
        ("match pair GET", get(f"{COLLECTION}/pGroup/1/matches"), 1000, 10),
        ("point local to world", put(f"{STACK}/local-to-world-coordinates", asked), 5000, 5),
    ):
        ours, real = cpu_us(work, count), REAL_US[name] * scale
        print(f"{name:44s} {real / ours:6.1f} x less CPU (goal {goal} x)  {ours:8.1f} us against {real:8.1f} us")


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="a stack of 1 000 000 tiles")
    count = 1_000_000 if parser.parse_args().million else 100_000
    with tempfile.TemporaryDirectory() as folder:
        client = Client(folder)
        large_stack(client, f"{folder}/render.db", count)
        against_the_real_service(client, folder)
        client.adapter.close()


if __name__ == "__main__":
    main()
