"""
Tile pairs of one layer with 8 neighbours each, against a Python loop over renderapi's tile bounds with an R-tree.

Run: ``python -m benchmarks.tile_pairs [--tiles 100000] [--loop 5000]``; needs the package rtree, which is not a
dependency of the project: ``pip install rtree``. The loop is measured on part of the tiles and scaled: its time per
tile does not fall with their number. Goals: at most 5 s with the files written, at least 100 times faster.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from rendergateway.alignment.tile_pairs import PairRule, TileBoxes, pairs_within
from rendergateway.model.files.pair_files import PairWriter

SIDE, SPACING = 2048, 1800
RULE = PairRule(corners=True)


def tiles(count: int) -> TileBoxes:
    """A grid of overlapping tiles, each a little off its place."""
    side = math.ceil(math.sqrt(count))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)[:count]
    corner = SPACING * grid + np.random.default_rng(0).integers(-30, 30, grid.shape)
    ids = np.array([f"tile_{number:06d}.1.0" for number in range(count)], dtype=object)
    return TileBoxes(ids, np.full(count, "1.0", dtype=object), np.hstack([corner, corner + SIDE]).astype(float))


def by_loop(layer: TileBoxes) -> int:
    """Pair tile by tile, as one would with renderapi: tile bounds are dicts, neighbours come from an R-tree."""
    import rtree

    bounds: list[dict[str, Any]] = [
        {"tileId": name, "sectionId": group, "minX": x0, "minY": y0, "maxX": x1, "maxY": y1}
        for name, group, (x0, y0, x1, y1) in zip(layer.ids, layer.groups, layer.boxes.tolist(), strict=True)
    ]
    index = rtree.index.Index()
    for number, one in enumerate(bounds):
        index.insert(number, (one["minX"], one["minY"], one["maxX"], one["maxY"]))
    found: set[tuple[str, str]] = set()
    for one in bounds:
        x, y = (one["minX"] + one["maxX"]) / 2, (one["minY"] + one["maxY"]) / 2
        radius = RULE.radius_factor * max(one["maxX"] - one["minX"], one["maxY"] - one["minY"])
        for number in index.intersection((x - radius, y - radius, x + radius, y + radius)):
            other = bounds[number]
            dx = max(other["minX"] - x, x - other["maxX"], 0)
            dy = max(other["minY"] - y, y - other["maxY"], 0)
            if other is not one and math.hypot(dx, dy) <= radius:
                found.add(tuple(sorted((one["tileId"], other["tileId"]))))
    return len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--loop", type=int, default=5000, help="tiles of the loop; 0 leaves it out")
    options = parser.parse_args()

    layer = tiles(options.tiles)
    begin = time.process_time()
    pairs = pairs_within(layer.visible(), RULE)
    paired_s = time.process_time() - begin
    with tempfile.TemporaryDirectory() as folder:
        writer = PairWriter(Path(folder) / "pairs.json", "{baseDataUrl}/{id}", 100_000)
        writer.write_rest(writer.write_full(pairs))
    whole_s = time.process_time() - begin
    print(f"{len(layer)} tiles, {len(pairs)} pairs: {paired_s:.2f} s of CPU, with files {whole_s:.2f} s (goal <= 5)")
    if options.loop:
        part = tiles(options.loop)
        begin = time.process_time()
        count = by_loop(part)
        loop_s = (time.process_time() - begin) * len(layer) / len(part)
        assert count == len(pairs_within(part, RULE))
        print(f"loop over tile bounds with an R-tree: {loop_s:.1f} s, {loop_s / paired_s:.0f} times (goal >= 100)")


if __name__ == "__main__":
    main()
