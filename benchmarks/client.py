"""
The client against renderapi (PyPI ``render-python``): import, one small call, one large listing.

Run: ``python benchmarks/client.py [--tiles 50000]``. Every figure is a ratio of two measurements that alternate in one
run, so that a busy machine slows both; CPU is that of the measuring process or of its children. The garbage collector
is on, and collected before each measurement, on both sides.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECTION = {"owner": "o", "project": "p", "stack": "s"}
STACK_JSON = json.dumps(
    {
        "stackId": SECTION,
        "state": "COMPLETE",
        "lastModifiedTimestamp": "2024-05-06T07:08:09.123Z",
        "currentVersionNumber": 0,
        "currentVersion": {"createTimestamp": "2024-05-06T07:08:09.000Z", "stackResolutionX": 4.0},
        "stats": {"stackBounds": {"minX": 0.0, "minY": 0.0, "minZ": 1.0, "maxX": 9.0, "maxY": 9.0, "maxZ": 1.0}},
    }
).encode()


def import_seconds(statement: str) -> float:
    """CPU of a fresh interpreter that runs one statement, from compiled files as an installed package has them."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_imports(rounds: int) -> None:
    """Import time, net of the interpreter."""
    statements = ("pass", "import rendergateway", "import renderapi")
    for statement in statements:
        import_seconds(statement)
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement, found in times.items():
            found.append(import_seconds(statement))
    bare, ours, theirs = (statistics.median(times[statement]) for statement in statements)
    report("import, net of the interpreter (CPU)", (ours - bare) / (theirs - bare), "≤ 0.45")


def cpu_of(work: Callable[[], object], times: int) -> float:
    """CPU seconds of this process for one call of *work*."""
    gc.collect()
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def alternate(ours: Callable[[], object], theirs: Callable[[], object], rounds: int, times: int) -> tuple[float, float]:
    """Median CPU of both, measured in turn."""
    ours(), theirs()
    pairs = [(cpu_of(ours, times), cpu_of(theirs, times)) for _ in range(rounds)]
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs)


def serve_canned(port_queue: multiprocessing.Queue[int]) -> None:
    """Answer every request with the same stack, from a process of its own."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Canned(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        # Head and body in one packet: two would wait for each other's acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(STACK_JSON)))
            self.end_headers()
            self.wfile.write(STACK_JSON)
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    port_queue.put(server.server_address[1])
    server.serve_forever()


def compare_small_calls(rounds: int, times: int) -> None:
    """One reload of a stack's state."""
    import renderapi
    import requests

    from rendergateway import Gateway

    port_queue: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve_canned, args=(port_queue,), daemon=True)
    server.start()
    port = port_queue.get()
    session = requests.Session()
    theirs_by = renderapi.connect(host="127.0.0.1", port=port, client_scripts="", memGB="1G", **NAMES)

    def theirs() -> None:
        renderapi.stack.get_full_stack_metadata("s", render=theirs_by, session=session)

    with Gateway(f"127.0.0.1:{port}", **NAMES) as gateway, Gateway("embedded:", **NAMES) as embedded:
        stack, inside = gateway.stack("s"), embedded.create_stack("s")
        ours_s, theirs_s = alternate(lambda: stack.reload().state, theirs, rounds, times)
        inside_s, again_s = alternate(lambda: inside.reload().state, theirs, rounds, times)
    server.terminate()
    report("one small call, canned loopback server (client CPU)", ours_s / theirs_s, "≤ 0.5")
    report("the same on the embedded service, service included", inside_s / again_s, "≤ 0.2")


NAMES: dict[str, Any] = {"owner": "o", "project": "p"}


def tile_json(number: int) -> bytes:
    """A tile spec of about 0.8 kB, as the service writes it."""
    x, y = 1900.0 * (number % 250), 1900.0 * (number // 250)
    tile = {
        "tileId": f"150226{number:06d}_col{number % 250:04d}_row{number // 250:04d}_cam0.3407.0",
        "layout": {"sectionId": "3407.0", "temca": "1", "camera": "0", "imageRow": number // 250,
                   "imageCol": number % 250, "stageX": x, "stageY": y, "rotation": 0.0},
        "z": 3407.0, "minX": x, "minY": y, "maxX": x + 2560, "maxY": y + 2160, "width": 2560.0, "height": 2160.0,
        "minIntensity": 0.0, "maxIntensity": 255.0,
        "mipmapLevels": {"0": {"imageUrl": f"file:/images/3407/col{number % 250:04d}_row{number // 250:04d}.tif",
                               "maskUrl": "file:/images/masks/temca7_cam0.png"}},
        "transforms": {"type": "list", "specList": [
            {"type": "leaf", "className": "mpicbg.trakem2.transform.AffineModel2D",
             "dataString": f"0.9941442 -0.0575239 0.0556459 1.0000075 {x}123456 {y}654321"}]},
        "meshCellSize": 64.0,
    }  # fmt: skip
    return json.dumps(tile).encode()


def serve_tiles(folder: str, count: int, port_queue: multiprocessing.Queue[int]) -> None:
    """Serve an embedded service with one section of many tiles, from a process of its own."""
    from rendergateway import Gateway, ResolvedTiles
    from rendergateway.service.serve import serve

    path = f"{folder}/render.db"
    with Gateway(f"embedded:{path}", **NAMES) as gateway, gateway.create_stack("s").editing() as edit:
        tiles = [tile_json(number) for number in range(count)]
        edit.put(ResolvedTiles({str(json.loads(tile)["tileId"]): tile for tile in tiles}))
    serve(path, port=0, on_ready=lambda service: port_queue.put(port_in(service.url)))


def port_in(line: str) -> int:
    """The port in the URL of a service."""
    found = re.search(r"http://[^ ]*?:(\d+)", line)
    assert found is not None, line
    return int(found[1])


def peak_kb() -> int:
    """Peak RSS of this process alone; that of getrusage is inherited from the parent."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])


def listing(side: str, port: int, results: multiprocessing.Queue[tuple[float, float, float]]) -> None:
    """List the section in its own process; report CPU, wall and added peak RSS."""
    if side == "ours":
        from rendergateway import Gateway

        gateway = Gateway(f"127.0.0.1:{port}", **NAMES)
        gateway.stack("s").load()

        def work() -> int:
            return len(gateway.stack("s").section(3407.0).tiles())
    else:
        import renderapi

        render = renderapi.connect(host="127.0.0.1", port=port, client_scripts="", memGB="1G", **NAMES)
        renderapi.stack.get_full_stack_metadata("s", render=render)

        def work() -> int:
            return len(renderapi.tilespec.get_tile_specs_from_z("s", 3407.0, render=render))

    gc.collect()
    before = peak_kb()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    results.put((cpu, wall, peak_kb() - before))


def compare_listings(count: int, rounds: int) -> None:
    """One section of many tiles, from the same service."""
    context = multiprocessing.get_context("spawn")
    ports: multiprocessing.Queue[int] = context.Queue()
    results: multiprocessing.Queue[tuple[float, float, float]] = context.Queue()
    figures: dict[str, list[tuple[float, float, float]]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        server = context.Process(target=serve_tiles, args=(folder, count, ports), daemon=True)
        server.start()
        port = ports.get()
        for _ in range(rounds):
            for side, found in figures.items():
                process = context.Process(target=listing, args=(side, port, results))
                process.start()
                found.append(results.get())
                process.join()
        server.terminate()
        server.join()
    ours, theirs = ([statistics.median(values) for values in zip(*figures[side], strict=True)] for side in figures)
    report(f"listing {count} tiles, client CPU (renderapi / ours)", theirs[0] / ours[0], "≥ 20")
    report(f"listing {count} tiles, added peak RSS (ours / renderapi)", ours[2] / theirs[2], "≤ 0.25")
    print(
        f"  wall: {ours[1]:.2f} s and {theirs[1]:.2f} s; added RSS: {ours[2] / 1024:.0f} and {theirs[2] / 1024:.0f} MB"
    )


def report(what: str, ratio: float, goal: str) -> None:
    print(f"{what:62s} {ratio:7.2f}   goal {goal}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--tiles", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    compare_imports(2 * options.rounds + 1)
    compare_small_calls(options.rounds, 300)
    compare_listings(options.tiles, options.rounds)


if __name__ == "__main__":
    main()
