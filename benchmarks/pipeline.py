"""
A new user's way from images to an aligned stack: the ten lines, or the six commands, of ``docs/tutorial.md``.

Run: ``python -m benchmarks.pipeline [--sections 2] [--workers 2]``. The images are 3 x 9 tiles of 1024 x 1024 pixels
per section, with an overlap of a tenth and positions that are wrong by up to 12 pixels; drawing them is not measured.
Goal: at most 20 s for 54 images on two cores that do nothing else, by either way.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rendergateway import Bounds, Gateway
from rendergateway.batch.importers import import_images
from rendergateway.demo.texture import draw_section
from rendergateway.plots import seam_overlay, seam_pictures
from rendergateway.plots.base import save_figure
from rendergateway.rendering.output.encoding import write_png

ROWS, COLUMNS = 3, 9
SIZE_PX, STEP_PX, JITTER_PX, CLIP_PX = 1024, 920, 12.0, 150
GOAL_S = 20.0
PROGRAM = [sys.executable, "-m", "rendergateway.cli"]
COMMANDS = """
import images --stack lab/cortex/raw --positions positions.csv --resolution 4,4,40
pairs lab/cortex/raw --to pairs.json.gz --z-distance 0
match pairs.json.gz --into lab/points --workers WORKERS --clip CLIP --compute local --scale 0.5 --epsilon 5
solve lab/cortex/raw points --to lab/cortex/aligned --frame lens_corrected --outliers-px 5
plot residuals lab/cortex/aligned --matches points --frame lens_corrected --before lab/cortex/raw -o residuals.png
plot seam lab/cortex/aligned --tile s1_r0_c0 --tile s1_r0_c1 -o seam.png
"""


def draw_images(sections: int) -> None:
    """Draw the images, and write the table of their inexact positions."""
    Path("images").mkdir()
    rng = np.random.default_rng(3)
    pixels = np.stack(np.meshgrid(*[np.arange(SIZE_PX, dtype=np.float64)] * 2), axis=-1)
    width, height = (STEP_PX * (count - 1) + SIZE_PX + 30 for count in (COLUMNS, ROWS))
    lines = ["file,x,y,z"]
    for z in range(1, sections + 1):
        tissue = draw_section(z, Bounds(-30, -30, width, height))
        for row in range(ROWS):
            for column in range(COLUMNS):
                name, place = f"s{z}_r{row}_c{column}.png", (column * STEP_PX, row * STEP_PX)
                write_png(Path("images", name), tissue.at(pixels + place + rng.uniform(-JITTER_PX, JITTER_PX, 2)))
                lines.append(f"{name},{place[0]},{place[1]},{z}")
    Path("positions.csv").write_text("\n".join(lines))


@contextlib.contextmanager
def measured(step: str) -> Iterator[None]:
    """Print the wall and processor seconds of a step, with those of its processes."""
    started, busy = time.perf_counter(), processor_s()
    yield
    print(
        f"  {step:<14}{time.perf_counter() - started:6.2f} s, {processor_s() - busy:6.2f} s of processors", flush=True
    )


def processor_s() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def by_python(workers: int) -> None:
    """Run the ten lines of the tutorial."""
    with Gateway("embedded:python.db", owner="lab", project="cortex", workers=workers) as gateway:
        raw, matches = gateway.stack("raw"), gateway.match_collection("points", frame="lens_corrected")
        with measured("import"):
            import_images(raw, "images", positions="positions.csv", resolution_nm=(4, 4, 40))
        with measured("match"):
            pairs = raw.tile_pairs(z_distance=0)
            matches.derive(
                pairs,
                scale=0.5,
                epsilon_px=5.0,
                clip_width=CLIP_PX,
                clip_height=CLIP_PX,
                compute="local",
            )
        with measured("solve"):
            solved = raw.solve(matches, "aligned", outliers_px=5)
        with measured("pictures"):
            for stack in (raw, solved.stack):
                axes = seam_overlay(*seam_pictures(stack.tile("s1_r0_c0"), stack.tile("s1_r0_c1")))
                save_figure(axes.figure, f"{stack.name}.png")  # type: ignore[arg-type]
        print(f"  {solved.before}\n  {solved.after}")


def by_commands(workers: int) -> None:
    """Run the six commands of the tutorial."""
    environment = {**os.environ, "RENDERGATEWAY_SERVICE": "embedded:commands.db"}
    # As an installed package: not compiled anew by each command.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for line in COMMANDS.replace("WORKERS", str(workers)).replace("CLIP", str(CLIP_PX)).strip().splitlines():
        with measured(" ".join(line.split()[: 2 if line.startswith("plot") else 1])):
            subprocess.run([*PROGRAM, *line.split()], check=True, capture_output=True, env=environment)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sections", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    start = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as after:
        os.chdir(folder)
        after.callback(os.chdir, start)
        draw_images(given.sections)
        for way in (by_python, by_commands):
            print(f"{given.sections * ROWS * COLUMNS} images, {way.__name__.replace('_', ' ')}")
            started, load = time.perf_counter(), os.getloadavg()[0]
            way(given.workers)
            print(f"  {time.perf_counter() - started:.1f} s, goal {GOAL_S:g} s; load {load:.1f}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    main()
