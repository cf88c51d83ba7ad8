"""
The embedded service with tiles behind a lens: CPU per item, to be run on a quiet machine.

``python -m benchmarks.service_lens`` measures one layer of 4 000 tiles, each with a shared lens correction of dimension
5 and an affine: saved with derived boxes, and points mapped both ways. ``--against FOLDER`` runs the same requests on
the checkout in FOLDER as well, in turns, and prints the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import requests

from rendergateway.service.embedded import BASE_URL, embedded_adapter
from rendergateway.transforms import fit_lens

TILES, COLUMNS = 4_000, 64
SIDE, STEP = 2_048, 1_900
STACK = f"{BASE_URL}/v1/owner/o/project/p/stack/s"
TURNS = 3


def lens() -> dict[str, Any]:
    """Return the specification of the shared lens correction."""
    points = np.random.default_rng(3).random((400, 2)) * SIDE
    bend = fit_lens(points, points + 2e-6 * (points - SIDE / 2) ** 2, dimension=5, width=SIDE, height=SIDE)
    return {**bend.to_spec(), "id": "lens"}


def tile(number: int) -> dict[str, Any]:
    """Return a tile without a box."""
    row, column = divmod(number, COLUMNS)
    place = f"1.00000{number % 7} 0.0001 -0.0001 0.99999{number % 5} {column * STEP}.25 {row * STEP}.75"
    return {
        "tileId": f"150304141121{number:08d}.1.0",
        "layout": {"sectionId": "1.0", "imageRow": row, "imageCol": column},
        "z": 1.0,
        "width": float(SIDE),
        "height": float(SIDE),
        "mipmapLevels": {"0": {"imageUrl": f"file:/data/150304/141121_{number:08d}.tif"}},
        "transforms": {"type": "list", "specList": [
            {"type": "ref", "refId": "lens"},
            {"type": "leaf", "className": "mpicbg.trakem2.transform.AffineModel2D", "dataString": place},
        ]},
    }  # fmt: skip


def measured(folder: str) -> dict[str, float]:
    """Return the least CPU per item of each row, in microseconds."""
    adapter = embedded_adapter(f"embedded:{folder}/render.db")

    def request(method: str, url: str, value: Any = None) -> requests.PreparedRequest:
        return requests.Request(method, url, json=value).prepare()

    def send(prepared: requests.PreparedRequest) -> requests.Response:
        answer = adapter.send(prepared)
        answer.raise_for_status()
        return answer

    def least_us(work: Callable[[], object], count: int) -> float:
        found = []
        for _ in range(TURNS):
            start = time.process_time()
            work()
            found.append(time.process_time() - start)
        return min(found) / count * 1e6

    specs = {str(number): tile(number) for number in range(TILES)}
    saved = request(
        "PUT",
        f"{STACK}/resolvedTiles?deriveData=true",
        {"transformIdToSpecMap": {"lens": lens()}, "tileIdToSpecMap": specs},
    )
    places = [(divmod(number, COLUMNS), spec["tileId"]) for number, spec in enumerate(specs.values())]
    into_world = [{"tileId": tile_id, "local": [n % 1800 + 40.5, 77.25]} for n, (_, tile_id) in enumerate(places)]
    into_tiles = [{"world": [column * STEP + 40.5, row * STEP + 1000.25]} for (row, column), _ in places]
    many = [{"world": [n % 3800 + 77.5, n // 3800 * 100 + 55.25]} for n in range(20_000)]
    send(request("POST", STACK, {}))
    rows = {"tile PUT through a lens, box derived": least_us(lambda: send(saved), TILES)}
    for name, url, items in (
        ("point local to world, one per tile", f"{STACK}/local-to-world-coordinates", into_world),
        ("point world to local, one per tile", f"{STACK}/z/1.0/world-to-local-coordinates", into_tiles),
        ("point world to local, many per tile", f"{STACK}/z/1.0/world-to-local-coordinates", many),
    ):
        mapped = request("PUT", url, items)
        rows[name] = least_us(lambda mapped=mapped: send(mapped), len(items))  # type: ignore[misc]
    for name, urls in (
        (
            "GET of one point, local to world",
            [f"{STACK}/tile/{i}/local-to-world-coordinates/40.5,77.25" for _, i in places],
        ),
        (
            "GET of one point, world to local",
            [f"{STACK}/z/1.0/world-to-local-coordinates/{x * STEP + 40},{y * STEP + 1000}" for (y, x), _ in places],
        ),
    ):
        asked = [request("GET", url) for url in urls[:500]]
        rows[name] = least_us(lambda asked=asked: [send(one) for one in asked], len(asked))  # type: ignore[misc]
    adapter.close()
    return rows


def in_another_process(checkout: str) -> dict[str, float]:
    """Return the rows of the package in the folder *checkout*."""
    command = [sys.executable, "-P", __file__, "--json"]
    found = subprocess.run(command, env={**os.environ, "PYTHONPATH": checkout}, check=True, capture_output=True)
    rows: dict[str, float] = json.loads(found.stdout)
    return rows


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="FOLDER", help="another checkout of the package")
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args()
    if options.json:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(folder)))
        return
    checkouts = [os.getcwd(), *([options.against] if options.against else [])]
    turns = [[in_another_process(checkout) for checkout in checkouts] for _ in range(TURNS)]
    for name in turns[0][0]:
        ours, *other = (min(turn[place][name] for turn in turns) for place in range(len(checkouts)))
        ratio = "".join(f"   {one / ours:6.2f} x less than {one:10.1f} us" for one in other)
        print(f"{name:44s} {ours:10.1f} us{ratio}")


if __name__ == "__main__":
    main()
