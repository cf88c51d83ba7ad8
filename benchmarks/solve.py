"""
Solves against BigFeta (PyPI ``bigfeta``): the same stack, matches and regularization over the same embedded service.

Run: ``python benchmarks/solve.py [montage] [volume] [large …] [--bigfeta PYTHON]``, where PYTHON is the interpreter of
an environment with bigfeta, which needs older libraries than this package: ``python3.9 -m venv ENV``, then
``ENV/bin/pip install --prefer-binary bigfeta==1.1.4 "setuptools<60"``. Each side reads, assembles, solves and
writes in a process of its own, after its imports; its CPU time, that of its children included (and wall time), and
peak memory are shown, and the
largest distance between the corners of the tiles of both results, as a part of the image size.

``large`` takes numbers of sections of 1000 tiles: ``python benchmarks/solve.py large 25 50 100``.
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
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

SIZE, STEP = 1000.0, 900.0
OWNER, PROJECT, LAMBDA, FACTOR = "o", "p", 1000.0, 1e-5
NOISE_PX = 0.3

# What runs in the environment of BigFeta.
BIGFETA = """
import json, os, resource, sys, time
import numpy
for name, kind in (("float", float), ("int", int), ("bool", bool)):
    vars(numpy).setdefault(name, kind)
from bigfeta.bigfeta import BigFeta
start, cpu = time.perf_counter(), sum(os.times()[:4])
solver = BigFeta(input_data=json.loads(sys.argv[1]), args=[])
solver.run()
results = {name: numpy.asarray(solver.results[name]).tolist() for name in ("precision", "error", "mag")}
results.update(seconds=sum(os.times()[:4]) - cpu, wall=time.perf_counter() - start)
results["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("RESULT" + json.dumps(results))
"""


def volume(sections: int, rows: int, columns: int, pairs: int) -> tuple[Any, ...]:
    """Return true and nominal affines, section numbers and about that many pairs of neighbouring tiles."""
    random = np.random.default_rng(16)
    count = sections * rows * columns
    section, row, column = np.unravel_index(np.arange(count), (sections, rows, columns))
    place = np.stack([column * STEP, row * STEP], axis=1)
    true, nominal = np.zeros((2, count, 2, 3))
    true[:, :, :2] = np.eye(2) + random.normal(0, 0.003, (count, 2, 2))
    true[:, :, 2] = place + random.normal(0, 5, (count, 2))
    nominal[:, :, :2], nominal[:, :, 2] = np.eye(2), place
    grid = np.arange(count).reshape(sections, rows, columns)
    steps = [(0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 0)] if sections > 1 else []
    steps += [(0, 1, 1), (0, 1, -1)] if sections == 1 else [(1, 1, 1)]
    steps = steps if sections > 1 else [(0, 0, 1), (0, 1, 0), *steps]
    found = [_shifted(grid, step) for step in steps]
    return true, nominal, section, np.concatenate(found)[:pairs]


def _shifted(grid: Any, step: tuple[int, int, int]) -> Any:
    here, there = [], []
    for size, shift in zip(grid.shape, step, strict=True):
        here.append(slice(max(0, -shift), size - max(0, shift)))
        there.append(slice(max(0, shift), size - max(0, -shift)))
    return np.stack([grid[tuple(here)].ravel(), grid[tuple(there)].ravel()], axis=1)


def fill(path: str, sections: int, rows: int, columns: int, pairs: int, points: int) -> tuple[int, int]:
    """Store the stack ``rough`` and its matches ``m``; return the numbers of tiles and pairs."""
    from rendergateway import Gateway, MatchRecord, TileTable

    true, nominal, section, found = volume(sections, rows, columns, pairs)
    random = np.random.default_rng(17)
    # BigFeta drops pairs of groups whose order as text is not that of their sections.
    ids = np.array([f"s{z:03d}_t{number:06d}" for number, z in enumerate(section)], dtype=object)
    groups = np.array([f"{z + 1:04d}.0" for z in section], dtype=object)
    place = nominal[:, :, 2]
    inverse = np.linalg.inv(true[:, :, :2])

    def matches() -> Any:
        for p, q in found.tolist():
            low, high = np.maximum(place[p], place[q]), np.minimum(place[p], place[q]) + SIZE
            world = low + random.random((points, 2)) * (high - low)
            local = [(world - true[tile, :, 2]) @ inverse[tile].T for tile in (p, q)]
            local[1] += random.normal(0, NOISE_PX, local[1].shape)
            yield MatchRecord(p_group=groups[p], p_id=ids[p], q_group=groups[q], q_id=ids[q], p=local[0], q=local[1])

    with Gateway(f"embedded:{path}", owner=OWNER, project=PROJECT) as gateway:
        table = TileTable.from_columns(
            tile_id=ids,
            z=section + 1.0,
            section_id=groups,
            width=SIZE,
            height=SIZE,
            last_affine=nominal,
            image_url="file:/none.tif",
            min_intensity=0,
            max_intensity=255,
            stage=place,
        )
        with gateway.create_stack("rough", resolution_nm=(4, 4, 40)).editing() as edit:
            edit.put(table)
        gateway.match_collection("m").put(matches())
    return len(ids), len(found)


def serve_all(path: str, ports: Any) -> None:
    """Serve the file, from a process of its own, without its log."""
    from rendergateway.service.serve import serve

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    serve(path, port=0, on_ready=lambda service: ports.put(service.url))


def ours(url: str, mode: str, solver: str) -> None:
    """Solve with this package, in a process of its own; print the result."""
    import resource

    import_module("scipy.sparse.linalg")
    import_module("simdjson")
    import_module("rendergateway.batch.solve")
    import_module("rendergateway.transport.connection")
    from rendergateway import Gateway

    start, cpu = time.perf_counter(), sum(os.times()[:4])
    with Gateway(url, owner=OWNER, project=PROJECT) as gateway:
        stack = gateway.stack("rough")
        matches = gateway.match_collection("m", frame="raw")
        solved = stack.solve(
            matches, "ours", mode=mode, default_lambda=LAMBDA, translation_factor=FACTOR, solver=solver, progress=False
        )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    after = solved.after
    values = {
        "error": after.error_px,
        "mag": [after.mean_px, after.sd_px],
        "iterations": int(solved.sections.iterations.sum()),
    }
    print(
        "RESULT"
        + json.dumps(
            {**values, "seconds": sum(os.times()[:4]) - cpu, "wall": time.perf_counter() - start, "memory": memory}
        )
    )


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command; return the result that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    if not lines:
        raise SystemExit(f"{command[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    values: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT"))
    return values


def bigfeta(python: str, url: str, mode: str, sections: int) -> dict[str, Any]:
    """Solve with BigFeta."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    place = {"owner": OWNER, "project": PROJECT, "host": host, "port": int(port), "db_interface": "render"}
    place |= {"client_scripts": os.devnull, "mongo_host": "", "mongo_port": 0}
    arguments = {
        "first_section": 1,
        "last_section": sections,
        "solve_type": mode.replace("3d", "3D"),
        "transformation": "AffineModel",
        "output_mode": "stack",
        "n_parallel_jobs": 2,
        "log_level": "ERROR",
        "input_stack": {**place, "name": "rough", "collection_type": "stack"},
        "output_stack": {**place, "name": "theirs", "collection_type": "stack", "use_rest": True},
        "pointmatch": {**place, "name": "m", "collection_type": "pointmatch"},
        "matrix_assembly": {"depth": [0, 1], "cross_pt_weight": 1.0, "montage_pt_weight": 1.0},
        "regularization": {"default_lambda": LAMBDA, "translation_factor": FACTOR},
    }
    return measured([python, "-W", "ignore", "-c", BIGFETA, json.dumps(arguments)])


def difference(path: str) -> float:
    """Return the largest distance of corners in both results, as a part of the image size."""
    from rendergateway import Gateway

    with Gateway(f"embedded:{path}", owner=OWNER, project=PROJECT) as gateway:
        tables = [gateway.stack(name).tiles().table() for name in ("ours", "theirs")]
    assert tables[0].tile_id.tolist() == tables[1].tile_id.tolist()
    corners = np.array([[0, 0, 1], [SIZE, 0, 1], [0, SIZE, 1], [SIZE, SIZE, 1]])
    away = (tables[0].last_affine - tables[1].last_affine) @ corners.T
    return float(np.abs(away).max() / SIZE)


def shown(who: str, result: dict[str, Any]) -> None:
    times = f"{result['seconds']:8.1f} s ({result['wall']:.1f} s) {result['memory']:8.0f} MB"
    (mean, deviation), (x, y) = result["mag"], result["error"]
    print(f"  {who:8} {times}   residuals {mean:.9g} ± {deviation:.9g} px, norms {x:.9g} {y:.9g}", flush=True)


def compare(
    mode: str, sections: int, rows: int, columns: int, pairs: int, points: int, python: str | None, solver: str
) -> None:
    """Solve one stack with both."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "render.db")
        # In a process of its own: the peak memory of this one would be that of the processes started below.
        with multiprocessing.Pool(1) as pool:
            tiles, count = pool.apply(fill, (path, sections, rows, columns, pairs, points))
        print(f"{mode}: {tiles} tiles in {sections} sections, {count} pairs × {points} points", flush=True)
        ports: Any = multiprocessing.Queue()
        server = multiprocessing.Process(target=serve_all, args=(path, ports), daemon=True)
        server.start()
        url = ports.get()
        here = measured([sys.executable, __file__, "--ours", url, mode, solver])
        shown("ours", here)
        print(f"  {here['iterations']} iterations")
        if python is not None:
            there = bigfeta(python, url, mode, sections)
            shown("BigFeta", there)
            speed, memory = there["seconds"] / here["seconds"], there["memory"] / here["memory"]
            print(f"  {speed:.1f} × faster, 1/{memory:.1f} of the memory")
        server.terminate()
        server.join()
        if python is not None:
            print(f"  largest difference: {difference(path):.2g} of the image size")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", default=["montage", "volume"])
    parser.add_argument("--bigfeta", metavar="PYTHON", help="interpreter of an environment with bigfeta")
    parser.add_argument("--solver", default="auto", help="that of this package")
    parser.add_argument("--ours", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.ours:
        ours(*chosen.ours)
        return
    sizes = [int(word) for word in chosen.works if word.isdecimal()] or [100]
    for work in chosen.works:
        if work == "montage":
            compare("montage", 1, 50, 100, 20_000, 50, chosen.bigfeta, chosen.solver)
        elif work == "volume":
            compare("3d", 20, 25, 40, 100_000, 20, chosen.bigfeta, chosen.solver)
        elif work == "small":
            compare("montage", 1, 10, 10, 1000, 20, chosen.bigfeta, chosen.solver)
        elif work == "large":
            for size in sizes:
                compare("3d", size, 25, 40, 5000 * size, 20, None, chosen.solver)


if __name__ == "__main__":
    main()
