"""
CPU of boxes, drawn and encoded, against an older commit.

``git archive COMMIT | tar x -C FOLDER``, then ``python -m benchmarks.boxes --against FOLDER``: two processes, one with
the package of each, draw the same boxes in turn, since the machine is not as fast at one time as at another. Images and
shapes are kept; with ``--fresh``, shapes are computed anew. The goals are those against commit 708e686, the last one
that approximated pictures above 65 536 pixels.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import attrs

from benchmarks.rendering import STEP, TURN, Mosaic
from rendergateway.rendering import Recipe, Sources, Tile, draw, encoded
from rendergateway.transforms import AffineModel2D

UPRIGHT = [[1.0, 0.0], [0.0, 1.0]]
HERE = Path(__file__).resolve().parent.parent
# The largest ratio of each box.
GOALS = {
    "whole pixels": 1.0,
    "turned": 1.0,
    "half pixels": 1.0,
    "lens": 1.2,
    "7000² at 0.25, JPEG": 0.77,
}


def moved(tiles: tuple[Tile, ...], columns: int, turn: list[list[float]], shift: float) -> tuple[Tile, ...]:
    """Return tiles of a mosaic at other places."""
    return tuple(
        attrs.evolve(tile, transform=AffineModel2D([[*turn[0], column * STEP + shift], [*turn[1], row * STEP + shift]]))
        for tile, (row, column) in zip(tiles, (divmod(number, columns) for number in range(len(tiles))), strict=True)
    )


def boxes(mosaic: Mosaic) -> dict[str, tuple[dict[str, Any], str]]:
    """Return the members of each recipe and the format of its file."""
    box = {"x": 900, "y": 900, "width": 2000, "height": 2000}
    four = mosaic.tiles(2)
    return {
        "whole pixels": ({**box, "tiles": moved(four, 2, UPRIGHT, 0.0)}, "png"),
        "turned": ({**box, "tiles": moved(four, 2, TURN, 0.0)}, "png"),
        "half pixels": ({**box, "tiles": moved(four, 2, UPRIGHT, 0.5)}, "png"),
        "lens": ({**box, "tiles": mosaic.tiles(2, lens=True)}, "png"),
        "7000² at 0.25, JPEG": ({"width": 7000, "height": 7000, "scale": 0.25, "tiles": mosaic.tiles(4)}, "jpeg"),
    }


def work() -> None:
    """Draw the box of each line, and print its CPU in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        made = {name: (Recipe(**members), kind) for name, (members, kind) in boxes(Mosaic(Path(folder))).items()}
        sources = {name: Sources() for name in made}
        for line in sys.stdin:
            name, _, fresh = line.strip().partition("|")
            recipe, kind = made[name]
            if fresh:
                sources[name].shapes.clear()
            start = time.process_time()
            encoded(draw(recipe, sources[name]), recipe, kind)
            print(time.process_time() - start, flush=True)


class Worker:
    """A process that draws boxes with the package of a folder."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--work"],
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, name: str, *, fresh: bool) -> float:
        """Return the CPU of one box."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{name}|{'fresh' if fresh else ''}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Print how many times as long each box takes as in the older commit: the least times, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="folder of the older commit")
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--fresh", action="store_true", help="compute shapes anew")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work()
        return
    if options.against is None:
        parser.error("--against is missing: name the folder of the older commit")
    workers = [Worker(options.against.resolve()), Worker(HERE)]
    for name, goal in GOALS.items():
        for worker in workers:
            worker.seconds(name, fresh=False)
        turns = [[worker.seconds(name, fresh=options.fresh) for worker in workers] for _ in range(options.times)]
        before, now = zip(*turns, strict=True)
        ratio, middle = min(now) / min(before), statistics.median(now) / statistics.median(before)
        missed = "MISSED" if ratio > goal else ""
        note = f"{1e3 * min(now):6.1f} / {1e3 * min(before):6.1f} ms CPU, of the medians {middle:.2f}"
        print(f"{name:24} {ratio:5.2f}   ≤ {goal:<5g} {missed:6} {note}", flush=True)
    for worker in workers:
        worker.close()
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
