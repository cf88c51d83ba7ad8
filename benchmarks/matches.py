"""
Matches and coordinates through the gateway: against renderapi (PyPI ``render-python``), and against the service itself.

Run: ``python benchmarks/matches.py [--pairs 20000] [--tiles 1000]``. Every figure is a ratio of two measurements that
alternate in one run, so that a busy machine slows both. The service runs in a process of its own and is the same for
both sides; reading matches is client CPU, locating points is wall time, because one side's work is the service's.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NAMES: dict[str, Any] = {"owner": "o", "project": "p"}
GROUP = "3407.0"
Z = 3407.0
POINTS_A_PAIR = 100
COLUMNS = 40
SIZE = (2560, 2160)


def fill(path: str, pairs: int, tiles: int) -> None:
    """Store matches, and two sections of tiles: affine ones, and the same behind a lens."""
    from rendergateway import Gateway, MatchRecord, TileRecord
    from rendergateway.demo.volume import LENS
    from rendergateway.transforms import AffineModel2D, TransformReference

    random = np.random.default_rng(20)
    with Gateway(f"embedded:{path}", **NAMES) as gateway:
        points = np.round(random.random((pairs, 2, POINTS_A_PAIR, 2)) * 2000, 6)
        ids = [f"150226{number:06d}_cam0.{GROUP}" for number in range(pairs + 1)]
        gateway.match_collection("m").put(
            MatchRecord(p_group=GROUP, p_id=ids[row], q_group=GROUP, q_id=ids[row + 1], p=p, q=q)
            for row, (p, q) in enumerate(points)
        )
        affines = [
            AffineModel2D([[0.99, -0.01, 1900.0 * (n % COLUMNS)], [0.01, 1.01, 1900.0 * (n // COLUMNS)]])
            for n in range(tiles)
        ]
        with gateway.create_stack("s").editing() as edit:
            for z, lens in ((Z, []), (Z + 1, [TransformReference("lens")])):
                edit.put(
                    (
                        TileRecord(
                            tile_id=f"t{n:05d}.{z}", z=z, width=SIZE[0], height=SIZE[1], transforms=[*lens, affine]
                        )
                        for n, affine in enumerate(affines)
                    ),
                    transforms={"lens": LENS.evolve(id="lens")},
                )


def serve_all(path: str, ports: multiprocessing.Queue[int]) -> None:
    """Serve the file, from a process of its own."""
    from rendergateway.service.serve import serve

    serve(path, port=0, on_ready=lambda service: ports.put(int(re.findall(r":(\d+)", service.url)[0])))


def measured(work: Callable[[], object], clock: Callable[[], float]) -> float:
    gc.collect()
    start = clock()
    work()
    return clock() - start


def compare(
    what: str,
    goal: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Report how many times as long theirs takes."""
    pairs = [(measured(ours, clock), measured(theirs, clock)) for _ in range(rounds)]
    ours_s, theirs_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{what:58s} {theirs_s / ours_s:7.2f}   goal {goal:5s} {ours_s:.3f} and {theirs_s:.3f} s", flush=True)


def compare_reading(port: int, pairs: int, rounds: int) -> None:
    """All pairs of a group as arrays."""
    import renderapi

    from rendergateway import Gateway

    gateway = Gateway(f"127.0.0.1:{port}", **NAMES)
    render = renderapi.connect(host="127.0.0.1", port=port, client_scripts="", memGB="1G", **NAMES)

    def ours() -> tuple[Any, Any, Any]:
        table = gateway.match_collection("m").table(within=GROUP)
        return table.p, table.q, table.weights

    def theirs() -> tuple[Any, Any, Any]:
        found = renderapi.pointmatch.get_matches_within_group("m", GROUP, render=render)
        sides = [np.concatenate([np.array(pair["matches"][side]).T for pair in found]) for side in "pq"]
        return sides[0], sides[1], np.concatenate([pair["matches"]["w"] for pair in found])

    assert all(np.array_equal(*both) for both in zip(ours(), theirs(), strict=True))
    compare(f"{pairs} pairs × {POINTS_A_PAIR} points as arrays (renderapi / ours)", "≥ 5", ours, theirs, rounds)
    gateway.close()


def compare_locating(port: int, tiles: int, count: int, rounds: int) -> None:
    """Points of a section, located here and by the service."""
    from rendergateway import Gateway

    gateway = Gateway(f"127.0.0.1:{port}", **NAMES)
    points = np.random.default_rng(7).random((count, 2)) * [1900 * COLUMNS, 1900 * max(1, tiles // COLUMNS)]
    for z, kind in ((Z, "affine"), (Z + 1, "lens-corrected")):
        section = gateway.stack("s").section(z)

        def first(z: float = z) -> None:
            # Nothing is known yet: the section is listed, and its tiles are read.
            with Gateway(f"127.0.0.1:{port}", **NAMES) as fresh:
                fresh.stack("s").section(z).locate(points)

        def again(section: Any = section) -> Any:
            return section.locate(points)

        def asked(section: Any = section) -> Any:
            return section.locate(points, compute="service")

        assert np.array_equal(again().tile_id, asked().tile_id)
        what = f"locate {count} points, {tiles} {kind} tiles (service / here)"
        compare(f"{what}, first", "≥ 2", first, asked, rounds, time.perf_counter)
        compare(f"{what}, again", "≥ 5", again, asked, rounds, time.perf_counter)
    gateway.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--tiles", type=int, default=1000)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ports: multiprocessing.Queue[int] = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/render.db"
        fill(path, options.pairs, options.tiles)
        server = context.Process(target=serve_all, args=(path, ports), daemon=True)
        server.start()
        port = ports.get()
        try:
            compare_reading(port, options.pairs, options.rounds)
            compare_locating(port, options.tiles, options.points, options.rounds)
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
