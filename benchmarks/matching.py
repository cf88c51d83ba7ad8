"""
Matching of 200 pairs of 2048² tiles at scale 0.5 with 2 processes, each tile drawn and described once.

Run: ``python -m benchmarks.matching [--rows 10] [--columns 11] [--workers 2] [--small]``. The share of OpenCV is that
of a profile of some of the pairs in this process, where the profiler slows all but OpenCV. Goal: at least 80 %.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SIDE, OVERLAP = 2048, 250
STEP = SIDE - OVERLAP
OPTIONS: Any = {"scale": 0.5, "filter": False, "epsilon_px": 5.0, "compute": "local"}


def fill(path: Path, rows: int, columns: int) -> None:
    """A grid of overlapping tiles, cut from one picture."""
    from rendergateway import Gateway, Layout, TileRecord
    from rendergateway.rendering import write_png
    from rendergateway.rendering.base.opencv import cv2
    from rendergateway.transforms import AffineModel2D

    size = STEP * rows + OVERLAP, STEP * columns + OVERLAP
    random = np.random.default_rng(7)
    # Structures of several sizes, as in tissue.
    whole = np.zeros(size, np.float32)
    for reduction, weight in ((2, 1.0), (6, 2.0), (20, 3.0)):
        noise = random.standard_normal((size[0] // reduction, size[1] // reduction)).astype(np.float32)
        whole += weight * cv2.resize(cv2.GaussianBlur(noise, (0, 0), 1.5), size[::-1])
    picture = np.clip(128 + 50 * whole / whole.std(), 0, 255).astype(np.uint8)
    with Gateway(f"embedded:{path}", owner="o", project="p") as gateway, gateway.create_stack("s").editing() as edit:
        for row, column in np.ndindex(rows, columns):
            x, y = STEP * column, STEP * row
            file = path.parent / f"{row}_{column}.png"
            write_png(file, picture[y : y + SIDE, x : x + SIDE])
            edit.put(
                    [
                        TileRecord(
                            tile_id=f"t{row:02d}_{column:02d}", z=1.0, width=SIDE, height=SIDE,
                            image_url=f"file:{file}",
                            layout=Layout(section_id="1.0"), transforms=[AffineModel2D([[1, 0, x], [0, 1, y]])],
                        )
                    ]
                )  # fmt: skip


def share_of_opencv(profile: cProfile.Profile) -> float:
    stats: Any = pstats.Stats(profile)
    names = ("resize", "cvtColor", "imdecode", "remap", "warpAffine", "copyMakeBorder")
    own = {key: row[2] for key, row in stats.stats.items()}
    inside = sum(
        s for (_, _, name), s in own.items() if "cv2" in name or any(f"method {one}>" in name for one in names)
    )
    return float(inside / sum(own.values()))


def main() -> None:
    from rendergateway import Gateway

    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--columns", type=int, default=11)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--small", action="store_true", help="3 rows of 4 tiles")
    options = parser.parse_args()
    rows, columns = (3, 4) if options.small else (options.rows, options.columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "render.db"
        fill(path, rows, columns)
        with Gateway(f"embedded:{path}", owner="o", project="p") as gateway:
            stack, matches = gateway.stack("s"), gateway.match_collection("m", frame="lens_corrected")
            pairs = stack.tile_pairs()
            begin = time.perf_counter()
            found = matches.derive(pairs, workers=options.workers, **OPTIONS)
            seconds = time.perf_counter() - begin
            assert found.described_count == rows * columns, "each tile is described once"
            table = matches.table()
            error = float(np.median(matches.residuals(stack, table)))
            print(f"{found.matched_count} of {found.pair_count} pairs, {found.point_count} matches, {error:.2f} px off")
            print(
                f"{seconds:.1f} s with {options.workers} processes: {found.pair_count / seconds:.2f} pairs per second"
            )
            profile = cProfile.Profile()
            profile.enable()
            gateway.match_collection("n").derive(list(pairs)[:12], stack=stack, workers=1, **OPTIONS)
            profile.disable()
            print(f"{share_of_opencv(profile):.0%} of the time in OpenCV (goal >= 80 %)")


if __name__ == "__main__":
    main()
