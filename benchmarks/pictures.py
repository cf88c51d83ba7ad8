"""
Speed of pictures through the objects; to be run on a quiet machine.

``python -m benchmarks.pictures`` prints one line per measurement: the figure, the goal if any, and a description.
Sections have four by four tiles of 2048 × 2048 pixels with a lens, in an embedded service; each tile has an image file
of its own, so that cached images would show as growing memory.
"""

from __future__ import annotations

import itertools
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rendergateway import Bounds, Gateway, SectionWrapper, StackWrapper, TileRecord
from rendergateway.transforms import AffineModel2D, TransformReference, fit_lens

SIDE, STEP, COLUMNS = 2048, 1900, 4
SECTIONS = 100
SCALE = 0.1
# Cache limit of the service for images and lens maps; number of sections whose full-size images fill it.
CACHE_MIB = 256 + 128
SECTIONS_LOOKED_AT = 6


def texture(seed: int) -> npt.NDArray[Any]:
    rough = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(rough, (0, 0), 1.2))


def make_volume(gateway: Gateway, folder: Path) -> StackWrapper:
    """Store sections, each shifted slightly against the previous one."""
    for number in range(COLUMNS * COLUMNS):
        cv2.imwrite(str(folder / f"{number}.png"), texture(number))
        for z in range(SECTIONS):
            os.link(folder / f"{number}.png", folder / f"{z}_{number}.png")
    points = np.random.default_rng(0).uniform(0, SIDE, (500, 2))
    lens = fit_lens(points, points + 2e-6 * (points - SIDE / 2) ** 2, dimension=5, width=SIDE, height=SIDE)
    stack = gateway.create_stack("montage")
    with stack.editing() as edit:
        edit.put(
            (tile(folder, z, number) for z in range(SECTIONS) for number in range(COLUMNS * COLUMNS)),
            transforms={"lens": lens},
        )
    return stack


def tile(folder: Path, z: int, number: int) -> TileRecord:
    row, column = divmod(number, COLUMNS)
    place = AffineModel2D(np.array([[1, 0.001 * z, column * STEP + z], [0, 1, row * STEP]]))
    transforms = [TransformReference("lens"), place]
    url = (folder / f"{z}_{number}.png").as_uri()
    return TileRecord(tile_id=f"{z}_{number}", z=z, width=SIDE, height=SIDE, image_url=url, transforms=transforms)


def fill_caches(stack: StackWrapper) -> None:
    """Look at places where four tiles meet, at full size, until the service keeps as much as it ever will."""
    for z in range(SECTIONS - SECTIONS_LOOKED_AT, SECTIONS):
        for x, y in itertools.product((STEP, 3 * STEP), repeat=2):
            stack.section(z).image(box=Bounds(x - 200, y - 200, x + 500, y + 500))


def resident_mib() -> float:
    """Return the memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def cpu_of(section: SectionWrapper, **options: Any) -> float:
    """Return the least CPU of drawing a section at full size, in seconds."""
    found = []
    for _ in range(3):
        start = time.process_time()
        section.image(**options)
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name, Gateway("embedded:", owner="lab", project="cortex") as gateway:
        folder = Path(name)
        stack = make_volume(gateway, folder)
        resident: list[float] = []
        stack.section(0).image(scale=SCALE)
        fresh = resident_mib()
        fill_caches(stack)
        filled = resident_mib()
        start = time.perf_counter()
        exported = stack.export(
            folder / "out", scale=SCALE, workers=2, progress=lambda done: resident.append(resident_mib())
        )
        seconds = time.perf_counter() - start
        assert exported.drawn == SECTIONS
        size = stack.section(0).image(scale=SCALE).shape
        rate = f"{SECTIONS / seconds:7.2f} a second"
        print(f"sections to PNG at scale {SCALE}                {rate}   {SECTIONS} of {size[1]} × {size[0]}")
        print(f"RSS most / after 20 sections, caches full   {max(resident[20:]) / resident[19]:7.2f}   ≤ 1.05")
        on_the_way = ", ".join(f"{now:.0f}" for now in resident[19::20])
        print(f"  MiB, and after 20, 40, … sections         {filled:7.0f}   {on_the_way}")
        grown = (max(resident) - fresh) / CACHE_MIB
        print(f"RSS grown, of {CACHE_MIB} MiB of caches                 {grown:7.2f}   ≤ 1")
        start = time.perf_counter()
        assert stack.export(folder / "out", scale=SCALE).drawn == 0
        print(f"the same again, nothing to do               {time.perf_counter() - start:7.2f} s")
        for render in ("service", "local"):
            for _ in range(2):  # The second time images are there already.
                start = time.perf_counter()
                for z in range(SECTIONS - 10, SECTIONS):
                    stack.section(z).image(scale=SCALE, compute=render)
            print(f"a section, compute={render!r:10}             {(time.perf_counter() - start) / 10:7.3f} s")
        full = {render: cpu_of(stack.section(0), compute=render) for render in ("service", "local")}
        ratio = full["service"] / full["local"]
        print(f"a section at full size, service / local     {ratio:7.2f}   ≤ 1.3, {full['local'] * 1e3:.0f} ms local")
        first = stack.section(0).tiles()[0]
        start = time.perf_counter()
        for _ in range(1000):
            first.thumbnail_url  # noqa: B018
        print(f"tile.thumbnail_url                          {(time.perf_counter() - start) * 1000:7.1f} µs")


if __name__ == "__main__":
    main()
