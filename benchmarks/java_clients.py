"""
Clients of ``run_ws_client.sh`` against a served database: the import of many tiles, and the start of a client.

``python -m benchmarks.java_clients [--tiles 100000]``. Boxes are derived, by the service. The Java client is not run:
it was recorded with 1.5 s to its first request and 0.23 ms of CPU of the service per tile, which is the least time that
an import by renderapi takes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.client import port_in
from rendergateway.clients.base.scripts import write_scripts

JAVA_START_S, JAVA_SERVICE_S_PER_TILE = 1.5, 0.23e-3
CONTEXT = multiprocessing.get_context("spawn")
SECTION = 1000
CREATE = ["--action", "CREATE"]


class Run(NamedTuple):
    """Cost of one process."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run(command: list[str]) -> Run:
    """Run a command that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit(f"{command[:3]} failed: {status}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def served(path: str, address: multiprocessing.Queue[tuple[int, str]]) -> None:
    """Serve a database."""
    from rendergateway.service.serve import Listening, serve

    def ready(service: Listening) -> None:
        address.put((os.getpid(), str(service)))

    serve(path, port=0, on_ready=ready, on_request=len)


def cpu_of(pid: int) -> float:
    """CPU time of a running process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tile(number: int) -> dict[str, Any]:
    """A tile of a mosaic, with a wrong box."""
    section, place = divmod(number, SECTION)
    x, y = 1900 * (place % 32), 1900 * (place // 32)
    return {
        "tileId": f"tile.{number}.{section}",
        "layout": {"sectionId": f"{section}.0", "imageRow": place // 32, "imageCol": place % 32},
        "z": float(section),
        "minX": 0.0,
        "minY": 0.0,
        "maxX": 1.0,
        "maxY": 1.0,
        "width": 2048.0,
        "height": 2048.0,
        "minIntensity": 0.0,
        "maxIntensity": 255.0,
        "mipmapLevels": {"0": {"imageUrl": f"file:/data/section/{section}/tile_{number}.tif"}},
        "transforms": {
            "type": "list",
            "specList": [
                {
                    "type": "leaf",
                    "className": "mpicbg.trakem2.transform.AffineModel2D",
                    "dataString": f"0.998 0.012 -0.012 0.998 {x + 0.37 * number:.6f} {y + 0.11 * number:.6f}",
                }
            ],
        },
    }


def write_tiles(path: Path, numbers: range) -> None:
    """Write tiles one by one: peak memory of this process would be that of its children, too."""
    with path.open("w") as file:
        for number in numbers:
            file.write(("," if number > numbers.start else "[") + json.dumps(tile(number)))
        file.write("]")


def measure_imports(script: Path, count: int, folder: Path, base: list[str], pid: int) -> None:
    """Import the same tiles from different numbers of files, each into a new stack."""
    java = JAVA_START_S + count * JAVA_SERVICE_S_PER_TILE
    print(f"import of {count} tiles; by the Java client at least {java:.1f} s: {count / java:.0f} tiles per second")
    for files in (1, 10, count // SECTION):
        step = -(-count // files)
        names = [folder / f"{files}_{start}.json" for start in range(0, count, step)]
        for name, start in zip(names, range(0, count, step), strict=True):
            write_tiles(name, range(start, min(count, start + step)))
        stack = ["--stack", f"from{files}"]
        run([str(script), "1G", "StackClient", *base, *stack, *CREATE])
        before = cpu_of(pid)
        cost = run([str(script), "1G", "ImportJsonClient", *base, *stack, *map(str, names)])
        print(
            f"  {files:4d} files: {cost.wall_s:6.2f} s, {count / cost.wall_s:6.0f} tiles per second, "
            f"{java / cost.wall_s:.1f} x Java; CPU {cost.cpu_s:.2f} s of the client, {cpu_of(pid) - before:.2f} s "
            f"of the service; peak {cost.peak_mb:.0f} MB",
            flush=True,
        )
        for name in names:
            name.unlink()


def measure_start(script: Path, base: list[str]) -> None:
    """Time of a client of one small request."""
    request = [*base, "--stack", "start", "--action", "SET_STATE", "--stackState", "LOADING"]
    run([str(script), "1G", "StackClient", *base, "--stack", "start", *CREATE])
    sides = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import rendergateway": [sys.executable, "-c", "import rendergateway"],
        "a client of one small request": [str(script), "1G", "StackClient", *request],
    }
    print("start, best of 9")
    for name, command in sides.items():
        runs = [run(command) for _ in range(9)]
        wall, cpu = (1000 * min(one[place] for one in runs) for place in (0, 1))
        print(f"  {name}: {wall:.0f} ms, CPU {cpu:.0f} ms", flush=True)


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0] if __doc__ else "")
    parser.add_argument("--tiles", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = write_scripts(folder / "scripts") / "run_ws_client.sh"
        address: multiprocessing.Queue[tuple[int, str]] = CONTEXT.Queue()
        service = CONTEXT.Process(target=served, args=(str(folder / "render.db"), address), daemon=True)
        service.start()
        pid, line = address.get()
        base = [
            "--baseDataUrl",
            f"http://127.0.0.1:{port_in(line)}/render-ws/v1",
            "--owner",
            "bench",
            "--project",
            "clients",
        ]
        try:
            measure_start(script, base)
            measure_imports(script, options.tiles, folder, base, pid)
        finally:
            service.terminate()
            service.join()


if __name__ == "__main__":
    main()
