"""
Copying a stack from one service to another, against renderapi's get and put on the same services.

Run: ``python benchmarks/copying.py [--full]``: 20 000 tiles in sections of 1 000, or 100 000 with ``--full``. Both
services are embedded, each served by its own process. The sides alternate; rates are tiles per second of wall
time. Most of it is spent in the services: a third side, which forwards bytes unread, shows how much. CPU and peak RSS
are those of the copying process, without the services.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.client import NAMES, peak_kb, port_in, report

SECTION = 1000


class Figures(NamedTuple):
    """Cost of a copy."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def tiles_of(z: int) -> Any:
    """The tiles of one section, each with a lens and an affine."""
    import numpy as np

    from rendergateway import TileTable

    number = np.arange(SECTION)
    place = np.stack([1900.0 * (number % 40) + 0.123456, 1900.0 * (number // 40) + 0.654321], axis=1)
    return TileTable.from_columns(
        tile_id=[f"15022614{z:04d}{one:06d}_col{one % 40:04d}_row{one // 40:04d}_cam0.{z}.0" for one in number],
        z=float(z), width=2560.0, height=2160.0, min_intensity=0.0, max_intensity=255.0, section_id=f"{z}.0",
        scope_id="1", camera_id="0", image_row=number // 40, image_col=number % 40, stage=place, rotation=0.0,
        image_url=[f"file:/images/{z}/col{one % 40:04d}_row{one // 40:04d}.tif" for one in number],
        mask_url="file:/images/masks/temca7_cam0.png", translation=place, shared=["lens"],
    )  # fmt: skip


def serve(folder: str, name: str, count: int, ports: multiprocessing.Queue[tuple[str, int]]) -> None:
    """Serve an embedded service, filled with that many tiles, from a process of its own."""
    from rendergateway import Gateway
    from rendergateway.service.serve import serve as serve_file
    from rendergateway.transforms import AffineModel2D

    # Per-request logs would cost both sides the same and hide the figures.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    path = f"{folder}/{name}.db"
    if count:
        lens = AffineModel2D([[1.001, 0, 1], [0, 0.999, 2]])
        with Gateway(f"embedded:{path}", **NAMES) as gateway, gateway.create_stack("s").editing() as edit:
            for z in range(count // SECTION):
                edit.put(tiles_of(z), transforms={"lens": lens}, boxes="local")
    serve_file(path, port=0, on_ready=lambda service: ports.put((name, port_in(service.url))))


def copy_ours(source: int, target: int, name: str, workers: int) -> None:
    """One call."""
    from rendergateway import Gateway

    with Gateway(f"127.0.0.1:{source}", **NAMES) as here, Gateway(f"127.0.0.1:{target}", **NAMES) as there:
        here.stack("s").copy_to(name, gateway=there, workers=workers, progress=False)


def copy_unread(source: int, target: int, name: str, workers: int) -> None:
    """What the services take by themselves: the bytes of each section are handed on as they come."""
    from concurrent.futures import ThreadPoolExecutor

    from rendergateway import Gateway

    with Gateway(f"127.0.0.1:{source}", **NAMES) as here, Gateway(f"127.0.0.1:{target}", **NAMES) as there:
        stack, copy = here.stack("s"), there.create_stack(name)

        def hand_on(z: float) -> None:
            text = here.call_raw("section.resolved_tiles", **stack._key._asdict(), z=z)
            there.call("stack.save_tiles", **copy._key._asdict(), body=text)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(hand_on, stack.sections().ids))
        copy.set_state("COMPLETE")


def copy_theirs(source: int, target: int, name: str) -> None:
    """Get and put, section by section, as renderapi's users write it."""
    import renderapi
    import requests

    session = requests.Session()
    here, there = (
        renderapi.connect(host="127.0.0.1", port=port, client_scripts="", memGB="1G", **NAMES)
        for port in (source, target)
    )
    renderapi.stack.create_stack(name, render=there, session=session)
    for z in renderapi.stack.get_z_values_for_stack("s", render=here, session=session):
        found = renderapi.resolvedtiles.get_resolved_tiles_from_z("s", z, render=here, session=session)
        # It writes no boxes, so that the service must derive them.
        renderapi.resolvedtiles.put_tilespecs(name, resolved_tiles=found, render=there, session=session)
    renderapi.stack.set_stack_state(name, "COMPLETE", render=there, session=session)


def warm_up(side: str, port: int) -> None:
    """Import and make one small request, excluded from the figures."""
    if side == "theirs":
        import renderapi

        render = renderapi.connect(host="127.0.0.1", port=port, client_scripts="", memGB="1G", **NAMES)
        renderapi.stack.get_full_stack_metadata("s", render=render)
    else:
        from rendergateway import Gateway

        with Gateway(f"127.0.0.1:{port}", **NAMES) as gateway:
            gateway.stack("s").load()


def measure(side: str, ports: dict[str, int], name: str, workers: int, results: multiprocessing.Queue[Figures]) -> None:
    """Copy once, in a process of its own."""
    warm_up(side, ports["source"])
    wall, cpu = time.perf_counter(), time.process_time()
    if side == "ours":
        copy_ours(ports["source"], ports["target"], name, workers)
    elif side == "unread":
        copy_unread(ports["source"], ports["target"], name, workers)
    else:
        copy_theirs(ports["source"], ports["target"], name)
    results.put(Figures(time.perf_counter() - wall, time.process_time() - cpu, peak_kb() / 1024))


def compare(count: int, rounds: int, workers: int) -> None:
    """Copy the same stack by both, in turn."""
    context = multiprocessing.get_context("spawn")
    ports: multiprocessing.Queue[tuple[str, int]] = context.Queue()
    results: multiprocessing.Queue[Figures] = context.Queue()
    found: dict[str, list[Figures]] = {"ours": [], "unread": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"source": count, "target": 0}
        servers = [
            context.Process(target=serve, args=(folder, name, size, ports), daemon=True) for name, size in sizes.items()
        ]
        for server in servers:
            server.start()
        known = dict(ports.get() for _ in servers)
        for number in range(rounds):
            for side, figures in found.items():
                process = context.Process(target=measure, args=(side, known, f"{side}{number}", workers, results))
                process.start()
                process.join()
                figures.append(results.get(timeout=10))
        check_same(known, rounds)
        for server in servers:
            server.terminate()
            server.join()
    tell(found, count)


def check_same(ports: dict[str, int], rounds: int) -> None:
    """Our copy equals the original; theirs has as many tiles, but not all their members."""
    from rendergateway import Gateway

    last = rounds - 1
    with (
        Gateway(f"127.0.0.1:{ports['source']}", **NAMES) as here,
        Gateway(f"127.0.0.1:{ports['target']}", **NAMES) as there,
    ):
        original, ours = (stack.section(0).tiles() for stack in (here.stack("s"), there.stack(f"ours{last}")))
        assert [tile._obj.to_json() for tile in ours] == [tile._obj.to_json() for tile in original]
        assert there.stack(f"theirs{last}").tile_count == here.stack("s").tile_count


def tell(found: dict[str, list[Figures]], count: int) -> None:
    median = {side: Figures(*map(statistics.median, zip(*figures, strict=True))) for side, figures in found.items()}
    ours, theirs, unread = median["ours"], median["theirs"], median["unread"]
    report(f"copying {count} tiles, rate with both services (ours / renderapi)", theirs.wall_s / ours.wall_s, "≥ 10")
    report("the same, CPU of the copying process (renderapi / ours)", theirs.cpu_s / ours.cpu_s, "≥ 10")
    report("of our time, what the services take by themselves", unread.wall_s / ours.wall_s, "→ 1")
    report("peak RSS of the copying process, MB", max(one.peak_mb for one in found["ours"]), "≤ 250")
    print(
        f"  tiles a second: {count / ours.wall_s:.0f} and {count / theirs.wall_s:.0f}; CPU: {ours.cpu_s:.2f} and "
        f"{theirs.cpu_s:.2f} s; peak RSS of renderapi: {theirs.peak_mb:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--full", action="store_true", help="100 000 tiles instead of 20 000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    compare(100_000 if options.full else 20_000, options.rounds, options.workers)


if __name__ == "__main__":
    main()
