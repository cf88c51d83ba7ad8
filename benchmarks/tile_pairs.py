"""
Tile pairs of one layer with 8 neighbours each, against a Python loop over renderapi's tile bounds with an R-tree.

Run: ``python -m benchmarks.tile_pairs [--tiles 100000] [--loop 20000]``; needs the package rtree, which is not a
dependency of the project: ``pip install rtree``. Both sides begin with the answer of the service, the tile bounds as
JSON, which renderapi parses into dicts, and end with a pair file. Only ours leaves out hidden tiles. The loop is
measured on part of the tiles and scaled: its time per tile does not fall with their number. Goals: at most 5 s, at
least 100 times faster.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rendergateway.alignment.tile_pairs import PairRule, pairs_within
from rendergateway.model.files.pair_files import PairWriter
from rendergateway.wrappers.matching.tile_pairs import layer_of

SIDE, SPACING = 2048, 1800
RULE = PairRule(corners=True)
TEMPLATE = "{baseDataUrl}/{id}"


def tile_bounds(count: int) -> bytes:
    """The answer of the service: a grid of overlapping tiles, each a little off its place."""
    side = math.ceil(math.sqrt(count))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)[:count]
    corner = SPACING * grid + np.random.default_rng(0).integers(-30, 30, grid.shape)
    return json.dumps(
        [
            {
                "tileId": f"tile_{number:06d}.1.0", "sectionId": "1.0", "z": 1.0,
                "minX": float(x), "minY": float(y), "maxX": float(x + SIDE), "maxY": float(y + SIDE),
            }
            for number, (x, y) in enumerate(corner)
        ]
    ).encode()  # fmt: skip


class Clock:
    """CPU time of each step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def __call__(self, step: str, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        found = work()
        self.spent[step] = time.process_time() - begin
        return found

    def whole(self) -> float:
        return sum(self.spent.values())


def ours(answer: bytes, folder: Path, clock: Clock) -> int:
    """Pair by columns."""
    layer = clock("read", lambda: layer_of(answer))
    visible = clock("leave out hidden", layer.visible)
    pairs = clock("pair", lambda: pairs_within(visible, RULE))
    writer = PairWriter(folder / "pairs.json", TEMPLATE, 100_000)
    clock("write", lambda: writer.write_rest(writer.write_full(pairs)))
    return len(pairs)


def by_loop(answer: bytes, folder: Path, clock: Clock) -> int:
    """Pair tile by tile, as one would with renderapi."""
    bounds: list[dict[str, Any]] = clock("read", lambda: json.loads(answer))
    found = clock("pair", lambda: neighbours(bounds))
    clock("write", lambda: write(found, folder / "loop.json"))
    return len(found)


def neighbours(bounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pairs of tiles, as dicts of a pair file."""
    import rtree

    index = rtree.index.Index()
    for number, one in enumerate(bounds):
        index.insert(number, (one["minX"], one["minY"], one["maxX"], one["maxY"]))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in bounds:
        x, y = (one["minX"] + one["maxX"]) / 2, (one["minY"] + one["maxY"]) / 2
        radius = RULE.radius_factor * max(one["maxX"] - one["minX"], one["maxY"] - one["minY"])
        for number in index.intersection((x - radius, y - radius, x + radius, y + radius)):
            other = bounds[number]
            dx = max(other["minX"] - x, x - other["maxX"], 0)
            dy = max(other["minY"] - y, y - other["maxY"], 0)
            if other is not one and math.hypot(dx, dy) <= radius:
                p, q = (one, other) if one["tileId"] < other["tileId"] else (other, one)
                found[p["tileId"], q["tileId"]] = {
                    "p": {"groupId": p["sectionId"], "id": p["tileId"]},
                    "q": {"groupId": q["sectionId"], "id": q["tileId"]},
                }
    return [found[key] for key in sorted(found)]


def write(pairs: list[dict[str, Any]], path: Path) -> None:
    """Write a pair file."""
    with path.open("w") as file:
        json.dump({"renderParametersUrlTemplate": TEMPLATE, "neighborPairs": pairs}, file)


def main() -> None:
    """Run both sides."""
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--loop", type=int, default=20_000, help="tiles of the loop; 0 leaves it out")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder, columns = Path(name), Clock()
        count = ours(tile_bounds(options.tiles), folder, columns)
        print(f"{options.tiles} tiles, {count} pairs: {columns.whole():.2f} s of CPU (goal <= 5): {shown(columns)}")
        if options.loop:
            answer, loop = tile_bounds(options.loop), Clock()
            assert by_loop(answer, folder, loop) == len(pairs_within(layer_of(answer), RULE))
            scale = options.tiles / options.loop
            loop.spent = {step: scale * seconds for step, seconds in loop.spent.items()}
            print(f"loop over tile bounds with an R-tree: {loop.whole():.2f} s: {shown(loop)}")
            whole, pairing = loop.whole() / columns.whole(), loop.spent["pair"] / columns.spent["pair"]
            print(f"{whole:.0f} times from answer to file, {pairing:.0f} times the pairing alone (goal >= 100)")


def shown(clock: Clock) -> str:
    return ", ".join(f"{step} {seconds:.2f}" for step, seconds in clock.spent.items())


if __name__ == "__main__":
    main()
