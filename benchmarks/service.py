"""
The embedded service against the least that could do the same: ratios, to be run on a quiet machine.

``python -m benchmarks.service`` prints one line per measurement: the ratio, the goal, and the CPU of both.
"""

# Each measurement finishes within its iteration, so that a lambda sees the values of that iteration.
# ruff: noqa: B023

from __future__ import annotations

import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

from rendergateway.service.embedded import BASE_URL, EmbeddedAdapter, embedded_adapter

TILES, BATCH = 100_000, 5_000
SIDE, STEP = 2_048, 1_900
COLUMNS = 316
PAIRS, POINTS = 20_000, 100
COORDINATES = 20_000
STACK = f"{BASE_URL}/v1/owner/o/project/p/stack/s"
COLLECTION = f"{BASE_URL}/v1/owner/o/matchCollection/m"


def tile(number: int, *, boxed: bool) -> dict[str, Any]:
    """Return a tile of a large mosaic, about 0.8 kB of JSON."""
    row, column = divmod(number, COLUMNS)
    x, y = column * STEP, row * STEP
    data = f"1.00000{number % 7} 0.0001 -0.0001 0.99999{number % 5} {x}.25 {y}.75"
    spec: dict[str, Any] = {
        "tileId": f"150304141121{number:08d}.3407.0",
        "layout": {"sectionId": "3407.0", "temca": "4", "camera": "1", "imageRow": row, "imageCol": column,
                   "stageX": float(x), "stageY": float(y), "rotation": 0.0},
        "z": 3407.0,
        "width": float(SIDE),
        "height": float(SIDE),
        "mipmapLevels": {"0": {"imageUrl": f"file:/data/tier2/150304/141121_{number:08d}/col{column:04d}_cam1.tif",
                               "maskUrl": "file:/data/tier2/masks/temca4_camera1_mask.png"}},
        "transforms": {"type": "list", "specList": [
            {"type": "leaf", "className": "mpicbg.trakem2.transform.AffineModel2D", "dataString": data}]},
    }  # fmt: skip
    if boxed:
        spec |= {"minX": float(x), "minY": float(y), "maxX": float(x + SIDE), "maxY": float(y + SIDE)}
    return spec


def seconds(work: Callable[[], object], times: int = 1, clock: Callable[[], float] = time.process_time) -> float:
    """Return the least CPU time of *work* in this process, or the least time by another clock."""
    found = []
    for _ in range(times):
        start = clock()
        work()
        found.append(clock() - start)
    return min(found)


def report(name: str, ours: float, bare: float, goal: float) -> None:
    """Print one measurement."""
    print(f"{name:44s} {ours / bare:6.2f} x  (goal {goal:g} x)  {ours * 1e3:9.2f} ms against {bare * 1e3:9.2f} ms")


class Client:
    """Requests to a service in this process, without a session's own cost."""

    def __init__(self, folder: str) -> None:
        self.adapter: EmbeddedAdapter = embedded_adapter(f"embedded:{folder}/render.db")

    def send(self, method: str, url: str, body: bytes | None = None) -> requests.Response:
        """Send one request; it must succeed."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        prepared = requests.Request(method, url, data=body, headers=headers).prepare()
        answer = self.adapter.send(prepared)
        answer.raise_for_status()
        return answer


def bodies(*, boxed: bool) -> list[bytes]:
    """Return the requests that save the mosaic."""
    return [
        json.dumps({"tileIdToSpecMap": {f"t{n}": tile(n, boxed=boxed) for n in range(start, start + BATCH)}}).encode()
        for start in range(0, TILES, BATCH)
    ]


def bare_insert(folder: str, rows: list[tuple[Any, ...]], name: str) -> float:
    """Return the time of inserting the same rows and text into SQLite, with one index."""
    connection = sqlite3.connect(f"{folder}/{name}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE tile (tile_id TEXT, z REAL, min_x REAL, min_y REAL, max_x REAL, max_y REAL, text BLOB)"
    )
    connection.execute("CREATE INDEX place ON tile (z, min_x)")

    def insert() -> None:
        for start in range(0, TILES, BATCH):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO tile VALUES (?, ?, ?, ?, ?, ?, ?)", rows[start : start + BATCH])
            connection.execute("COMMIT")

    took = seconds(insert)
    connection.close()
    return took


def saving(folder: str) -> Client:
    """Save the mosaic, boxes given and derived, each into a new file; return a client of the last one."""
    rows = []
    for number in range(TILES):
        spec = tile(number, boxed=True)
        box = (spec["minX"], spec["minY"], spec["maxX"], spec["maxY"])
        rows.append((spec["tileId"], spec["z"], *box, json.dumps(spec, separators=(",", ":")).encode()))
    bare = bare_insert(folder, rows, "bare")
    for name, boxed, goal in (
        ("PUT 100 000 tiles, boxes derived", False, 6.0),
        ("PUT 100 000 tiles, boxes given", True, 4.5),
    ):
        texts = bodies(boxed=boxed)
        client = Client(tempfile.mkdtemp(dir=folder))
        client.send("POST", STACK, b"{}")
        url = f"{STACK}/resolvedTiles?deriveData={'false' if boxed else 'true'}"
        report(name, seconds(lambda: [client.send("PUT", url, text) for text in texts]), bare, goal)
    return client


def bare_boxes(folder: str) -> sqlite3.Connection:
    """Return the bare table again."""
    return sqlite3.connect(f"{folder}/bare.db")


def boxes(client: Client, folder: str) -> None:
    """Ask for the tiles of boxes, against the bare indexed query."""
    connection = bare_boxes(folder)
    query = "SELECT text FROM tile WHERE z = ? AND min_x BETWEEN ? AND ? AND max_x >= ? AND min_y <= ? AND max_y >= ?"
    for name, size in (("box of about 5 tiles", 2_000), ("box of about 500 tiles", 41_000)):
        x = y = 200_000

        def bare(x: int = x, y: int = y, size: int = size) -> int:
            values = (3407.0, x - SIDE, x + size, x, y + size, y)
            return len(b",".join(text for (text,) in connection.execute(query, values)))

        url = f"{STACK}/z/3407/box/{x},{y},{size},{size},1/render-parameters"
        report(name, seconds(lambda: client.send("GET", url), 10), seconds(bare, 10), 5.0)
    connection.close()


def small_get(client: Client) -> None:
    """Ask for one tile, against an application that answers nothing."""

    def empty(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    url = f"{STACK}/tile/{tile(5, boxed=True)['tileId']}"
    prepared = requests.Request("GET", url).prepare()
    ours = seconds(lambda: [client.adapter.send(prepared) for _ in range(1000)], 5)
    bare_adapter = EmbeddedAdapter(empty)  # type: ignore[arg-type]
    bare = seconds(lambda: [bare_adapter.send(prepared) for _ in range(1000)], 5)
    report("one small GET in process, x 1000", ours, bare, 20.0)


def served(application: Any) -> Iterator[str]:
    """Serve *application* on loopback; yield its address."""
    from waitress.server import create_server

    server = create_server(application, host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def loopback(client: Client, folder: str) -> None:
    """Ask for a tile and for a layer over a socket, against the least that waitress can do."""
    path = Path(folder, "layer.json")
    path.write_bytes(client.send("GET", f"{STACK}/z/3407/resolvedTiles").content)

    def plain(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        if environ["PATH_INFO"] == "/file":
            file = path.open("rb")
            return iter(lambda: file.read(1 << 18), b"")
        return [b"{}"]

    session = requests.Session()
    session.trust_env = False
    below = STACK.removeprefix("http://embedded")
    for ours in served(client.adapter.application):
        for bare in served(plain):
            layer = seconds(lambda: session.get(f"{ours}{below}/z/3407/resolvedTiles").content, 3)
            report(
                "GET a layer of 100 000 tiles",
                layer,
                seconds(lambda: session.get(f"{bare}/file").content, 3),
                3.0,
            )
            one = f"{ours}{below}/tile/{tile(5, boxed=True)['tileId']}"
            small = seconds(lambda: [session.get(one) for _ in range(200)], 3)
            report(
                "one small GET over loopback, x 200",
                small,
                seconds(lambda: [session.get(bare) for _ in range(200)], 3),
                2.0,
            )


def coordinates(client: Client) -> None:
    """Map points both ways, against decoding and encoding their JSON."""
    numbers = range(COORDINATES)
    local = [
        {"tileId": tile(n % 400, boxed=True)["tileId"], "local": [n % 1800 + 0.5, n % 1700 + 0.25]} for n in numbers
    ]
    world = [{"world": [n % 190 * 100 + 77.5, n // 190 * 100 + 55.25, 3407.0]} for n in numbers]
    for name, way, items in (
        ("20 000 points into the world", "local-to-world", local),
        ("20 000 points into tiles", "world-to-local", world),
    ):
        body = json.dumps(items).encode()
        url = f"{STACK}/{way}-coordinates"
        answer = client.send("PUT", url, body).content
        bare = seconds(lambda: (json.loads(body), json.dumps(json.loads(answer))), 3)
        report(name, seconds(lambda: client.send("PUT", url, body), 3), bare, 3.0)


def matches(client: Client, folder: str) -> None:
    """Save and read pairs, against their text in SQLite."""
    row = [round(n * 1.37 + 0.123456, 6) for n in range(POINTS)]
    details = {"p": [row, row], "q": [row, row], "w": [1.0] * POINTS}
    pairs = [
        {"pGroupId": "1.0", "pId": f"a{n:06d}", "qGroupId": "2.0", "qId": f"b{n:06d}", "matches": details}
        for n in range(PAIRS)
    ]
    body = json.dumps(pairs).encode()
    rows = [(pair["pGroupId"], pair["pId"], pair["qGroupId"], pair["qId"], json.dumps(pair).encode()) for pair in pairs]
    connection = sqlite3.connect(f"{folder}/pairs.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE pair (a TEXT, b TEXT, c TEXT, d TEXT, text BLOB, PRIMARY KEY (a, c, b, d))")

    def insert() -> None:
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO pair VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")

    bare = seconds(insert)
    report(
        "PUT 20 000 pairs of 100 points", seconds(lambda: client.send("PUT", f"{COLLECTION}/matches", body)), bare, 4.0
    )
    read = seconds(
        lambda: b",".join(text for (text,) in connection.execute("SELECT text FROM pair ORDER BY a, c, b, d")), 3
    )
    report(
        "GET 20 000 pairs of 100 points",
        seconds(lambda: client.send("GET", f"{COLLECTION}/pGroup/1.0/matches"), 3),
        read,
        2.0,
    )
    connection.close()


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        client = saving(folder)
        boxes(client, folder)
        small_get(client)
        loopback(client, folder)
        coordinates(client)
        matches(client, folder)
        client.adapter.close()


if __name__ == "__main__":
    main()
