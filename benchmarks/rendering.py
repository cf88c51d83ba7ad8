"""
Speed of drawing, as ratios against bare OpenCV and against the real service; to be run on a quiet machine.

``python -m benchmarks.rendering`` prints one line per measurement: the figure, the goal, and a description. The
times of the real service are those of its CPU, scaled by how fast this machine is now. `benchmarks.boxes` compares
boxes with those of an older commit.
"""

from __future__ import annotations

import contextlib
import cProfile
import functools
import multiprocessing
import os
import pstats
import re
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import requests

from benchmarks.calibration import machine_scale
from benchmarks.service import seconds
from rendergateway.rendering import Channel, ImageAddress, Level, Recipe, Sources, Tile, draw, encoded
from rendergateway.rendering.images.levels import halved
from rendergateway.service.serve import serve
from rendergateway.transforms import AffineModel2D, Transform, TransformList, fit_lens

SIDE, STEP = 2048, 1900
TURN = [[0.999, -0.01], [0.01, 0.999]]
# Figures of the lane that approximated pictures above 65 536 pixels, in multiples of bare OpenCV: an affine tile, and
# one through a lens, the first time and again.
APPROXIMATED = {"affine": 0.98, "lens": 3.46, "lens, kept": 1.54}
# How much longer an exact tile through a lens may take.
LENS = 1.2
MIB = 2**20
least = functools.partial(seconds, times=7)
CONTEXT = multiprocessing.get_context("spawn")


def texture(side: int, seed: int) -> npt.NDArray[Any]:
    rough = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    smooth = cv2.GaussianBlur(rough, (0, 0), 1.2)
    return np.asarray(cv2.normalize(smooth, smooth, 0, 255, cv2.NORM_MINMAX))


def show(name: str, figure: float, goal: float, note: str, *, above: bool = False) -> None:
    missed = figure < goal if above else figure > goal
    print(f"{name:52} {figure:7.2f}   {'≥' if above else '≤'} {goal:<5g} {'MISSED' if missed else '      '} {note}")


def times(ours: float, bare: float) -> str:
    return f"{1e3 * ours:.1f} / {1e3 * bare:.1f} ms CPU"


def compare(name: str, figure: float) -> None:
    """Print a figure beside that of the approximating lane."""
    print(f"    exact / approximating lane, {name}: {figure / APPROXIMATED[name]:.2f}")


class Mosaic:
    """Sixteen tiles, four by four, of different images, each also at level 2."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = [str(folder / f"{number}.png") for number in range(16)]
        for number, path in enumerate(self.paths):
            pixels = texture(SIDE, number)
            cv2.imwrite(path, pixels)
            cv2.imwrite(self.second(number), halved(pixels, 2))
        points = np.random.default_rng(0).uniform(0, SIDE, (500, 2))
        bent = points + 2e-6 * (points - SIDE / 2) ** 2
        self.lens = fit_lens(points, bent, dimension=5, width=SIDE, height=SIDE)

    def second(self, number: int) -> str:
        """Return the path of an image's second level."""
        return str(self.folder / f"{number}_2.png")

    def tiles(self, columns: int, *, lens: bool = False, pyramid: bool = False) -> tuple[Tile, ...]:
        found = []
        for number in range(columns * columns):
            row, column = divmod(number, columns)
            place = AffineModel2D(np.column_stack([TURN, [column * STEP, row * STEP]]))
            whole: Transform = TransformList([self.lens, place]) if lens else place
            levels = {0: Level(ImageAddress(self.paths[number]))}
            if pyramid:
                levels[2] = Level(ImageAddress(self.second(number)))
            found.append(Tile(str(number), whole, (Channel(levels=levels),), SIDE, SIDE))
        return tuple(found)


def warps(mosaic: Mosaic) -> None:
    """Measure one tile against bare OpenCV."""
    image, sources = np.asarray(cv2.imread(mosaic.paths[0], cv2.IMREAD_UNCHANGED)), Sources()
    plain = Recipe(tiles=mosaic.tiles(1), width=SIDE, height=SIDE)
    back = AffineModel2D(np.column_stack([TURN, [0, 0]])).inverse().matrix
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    bare = least(lambda: cv2.warpAffine(image, back, (SIDE, SIDE), flags=flags))
    draw(plain, sources)
    ours = least(lambda: draw(plain, sources))
    show("affine tile / bare warpAffine", ours / bare, APPROXIMATED["affine"], times(ours, bare))
    compare("affine", ours / bare)

    x, y = np.meshgrid(np.arange(float(SIDE)), np.arange(float(SIDE)))
    maps = [(row[0] * x + row[1] * y + row[2]).astype(np.float32) for row in back]
    bare = least(lambda: cv2.remap(image, maps[0], maps[1], cv2.INTER_LINEAR))
    curved = Recipe(tiles=mosaic.tiles(1, lens=True), width=SIDE, height=SIDE)

    def fresh() -> None:
        sources.shapes.clear()
        draw(curved, sources)

    first, again = least(fresh), least(lambda: draw(curved, sources))
    show("lens + affine / bare remap", first / bare, LENS * APPROXIMATED["lens"], times(first, bare))
    compare("lens", first / bare)
    show("the same, shape kept / bare remap", again / bare, LENS * APPROXIMATED["lens, kept"], times(again, bare))
    compare("lens, kept", again / bare)


def against_the_service(mosaic: Mosaic) -> None:
    """Measure how many times less CPU pictures take than the real service: images decoded anew, and kept."""
    four, bent = (
        {"x": 900, "y": 900, "width": 2000, "height": 2000, "tiles": mosaic.tiles(2, lens=on)} for on in (False, True)
    )
    small = {"width": 7000, "height": 7000, "scale": 0.25}
    cases: list[tuple[str, dict[str, Any], str, float]] = [
        ("box 2000² of four tiles, PNG", four, "png", 1.3),
        ("the same through a lens, PNG", bent, "png", 1.4),
        ("7000² at 0.25, JPEG", {**small, "tiles": mosaic.tiles(4)}, "jpeg", 0.34),
        ("the same, level 2 stored, JPEG", {**small, "tiles": mosaic.tiles(4, pyramid=True)}, "jpeg", 0.34),
        ("one tile, JPEG", {"width": SIDE, "height": SIDE, "tiles": mosaic.tiles(1)}, "jpeg", 0.33),
    ]  # fmt: skip
    scale = machine_scale(str(mosaic.folder))
    for name, members, kind, there in cases:
        theirs = there * scale
        recipe, sources = Recipe(**members), Sources()

        def kept(recipe: Recipe = recipe, sources: Sources = sources, kind: str = kind) -> None:
            encoded(draw(recipe, sources), recipe, kind)

        def fresh(work: Callable[[], None] = kept, sources: Sources = sources) -> None:
            sources.clear()
            work()

        cold, warm = least(fresh, times=3), least(kept)
        note = f"{warm:.3f} s CPU, of {theirs:.2f}; decoding too {cold:.3f} s, {theirs / cold:.1f} x"
        show(f"{name}: real service / ours", theirs / warm, 5, note, above=True)


def served(folder: Path, lines: multiprocessing.Queue[str]) -> None:
    """Serve the images of a folder from a process of its own."""
    serve(
        folder / "render.db", port=0, images=(folder,), on_ready=lambda service: lines.put(str(service)), on_request=len
    )


def box_over_loopback(mosaic: Mosaic) -> None:
    """Measure which share of a request is decoding, warping and encoding."""
    lines: multiprocessing.Queue[str] = CONTEXT.Queue()
    server = CONTEXT.Process(target=served, args=(mosaic.folder, lines), daemon=True)
    server.start()
    base = re.findall(r"http://[\w.:]+", lines.get())[0] + "/render-ws/v1/owner/o/project/p/stack/s"
    session = requests.Session()
    session.post(base, json={}).raise_for_status()
    for number, path in enumerate(mosaic.paths):
        row, column = divmod(number, 4)
        leaf = {
            "className": AffineModel2D.JAVA_NAME,
            "dataString": f"0.999 0.01 -0.01 0.999 {column * STEP} {row * STEP}",
        }
        levels = {"0": {"imageUrl": path}, "2": {"imageUrl": mosaic.second(number)}}
        spec: dict[str, Any] = {"tileId": str(number), "z": 1, "width": SIDE, "height": SIDE, "mipmapLevels": levels,
                "transforms": {"type": "list", "specList": [leaf]}}  # fmt: skip
        body: Any = {"transformIdToSpecMap": {}, "tileIdToSpecMap": {str(number): spec}}
        session.put(f"{base}/resolvedTiles?deriveData=true", json=body).raise_for_status()
    url = f"{base}/z/1/box/0,0,7600,7600,0.25/png-image"
    session.get(url).raise_for_status()
    recipe = Recipe(tiles=mosaic.tiles(4, pyramid=True), width=7600, height=7600, scale=0.25)
    sources = Sources()
    works = (lambda: session.get(url, stream=True).raw.read(), lambda: encoded(draw(recipe, sources), recipe, "png"))
    # In turn: the machine is not as fast at one time as at another.
    turns = [[least(work, clock=time.perf_counter, times=1) for work in works] for _ in range(10)]
    total, drawing = map(min, zip(*turns, strict=True))
    show("16 tiles → 1900² PNG: drawing / request", drawing / total, 0.9, f"{drawing:.3f} / {total:.3f} s", above=True)
    profile = cProfile.Profile()
    profile.runcall(lambda: encoded(draw(recipe, sources), recipe, "png"))
    pstats.Stats(profile).sort_stats("tottime").print_stats(8)
    server.terminate()


def many_boxes(mosaic: Mosaic) -> None:
    """
    Measure how two cores share 200 boxes of a layer that four clients ask for, and what the memory grows to.

    The number of busy cores (CPU of all threads / time) depends on the load of the machine, too.
    """
    bound, tiles = 96 * MIB, mosaic.tiles(4)
    corners = [(tile, *tile.transform.apply([0, 0]).tolist()) for tile in tiles]
    recipes = []
    for x, y in ((x, y) for y in range(0, 7000, 500) for x in range(0, 7000, 500)):
        near = tuple(t for t, left, top in corners if abs(left + 1000 - x) < 1600 and abs(top + 1000 - y) < 1600)
        recipes.append(Recipe(tiles=near, x=x, y=y, width=500, height=500))
    took, grown, cores = [], [], sorted(os.sched_getaffinity(0))
    for count in (1, 2) * 3:
        _use(cores[:count])
        sources, before = Sources(cache_bytes=bound), _resident()
        start, busy = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(4) as clients:
            # As a server, which sends pictures off, it keeps none of them.
            sum(clients.map(lambda recipe, own=sources: len(encoded(draw(recipe, own), recipe, "png")), recipes))
        took.append(time.perf_counter() - start)
        busy = (time.process_time() - busy) / took[-1]
        grown.append(_resident() - before)
        note = f"memory {grown[-1]:+.0f} MiB, {sources.cached_bytes / MIB:.0f} of {bound / MIB:.0f} MiB kept"
        print(f"{len(recipes)} boxes, {count} cores: {took[-1]:.2f} s, {busy:.2f} cores at work, {note}")
    _use(cores)
    one, two = min(took[::2]), min(took[1::2])
    note = f"{one:.2f} / {two:.2f} s; two processes of bare warps {two_cores():.2f}"
    show("two cores / one", one / two, 1.7, note, above=True)
    note = f"{max(grown):.0f} MiB, of a bound of {bound / MIB:.0f}"
    show("memory grown by the boxes / bound", max(grown) * MIB / bound, 1, note)


def warps_alone(_: int = 0) -> float:
    """Return the time of bare warps in this process: two such processes show the limit of two cores."""
    cv2.setNumThreads(1)
    pixels, turn = texture(SIDE, 0), np.array([[0.999, 0.01, 3], [-0.01, 0.999, 4]])
    return least(
        lambda: [cv2.warpAffine(pixels, turn, (SIDE, SIDE)) for _ in range(10)], clock=time.perf_counter, times=3
    )


def two_cores() -> float:
    """Return how many times as much two processes do than one."""
    with CONTEXT.Pool(1) as one, CONTEXT.Pool(2) as both:
        alone = one.map(warps_alone, range(1))[0]
        return 2 * alone / max(both.map(warps_alone, range(2), chunksize=1))


def _use(cores: list[int]) -> None:
    """Let all threads there are, and those they start, run on some cores only: OpenCV's, those of `draw` and this."""
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task.name), set(cores))


def _resident() -> float:
    """Return the memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / MIB


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mosaic = Mosaic(Path(folder))
        for measure in (warps, against_the_service, box_over_loopback, many_boxes):
            measure(mosaic)


if __name__ == "__main__":
    main()
