"""
Records and tables against renderapi (PyPI ``render-python``): tile specs and matches read, written and made.

Run: ``python benchmarks/model.py [--tiles 100000] [--full]``; ``--full`` streams a file of 1 GB, not one of 64 MB.

Every figure but those of streams is a ratio of two measurements of CPU time that alternate in one run, so that a busy
machine slows both. The garbage collector is on and collected before each measurement, on both sides; what a side reads
from memory are the same bytes, of about 0.8 kB a tile as the service writes them.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import renderapi

from rendergateway.model.files.tiles import read_tiles, write_tiles
from rendergateway.model.records.json_slices import cut_list
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.model.tables.tile_table import TileTable

AFFINE = "mpicbg.trakem2.transform.AffineModel2D"
# About 64 tiles.
BLOCK = 1 << 16


def tile_text(number: int) -> str:
    """A tile spec of about 0.8 kB, as the service writes it."""
    row, col = divmod(number, 250)
    x, y = 1900.0 * col, 1900.0 * row
    tile = {
        "tileId": f"150226{number:06d}_col{col:04d}_row{row:04d}_cam0.3407.0",
        "layout": {"sectionId": "3407.0", "temca": "1", "camera": "0", "imageRow": row, "imageCol": col,
                   "stageX": x, "stageY": y, "rotation": 0.0},
        "z": 3407.0, "minX": x, "minY": y, "maxX": x + 2560, "maxY": y + 2160, "width": 2560.0, "height": 2160.0,
        "minIntensity": 0.0, "maxIntensity": 255.0,
        "mipmapLevels": {"0": {"imageUrl": f"file:/nobackup/150226/col{col:04d}/col{col:04d}_row{row:04d}_cam0.tif",
                               "maskUrl": "file:/nobackup/images/masks/temca7_cam0_2560x2160.png"}},
        "transforms": {"type": "list", "specList": [
            {"type": "leaf", "className": AFFINE,
             "dataString": f"0.9941442 -0.0575239 0.0556459 1.0000075 {x}123456 {y}654321"}]},
        "meshCellSize": 64.0,
    }  # fmt: skip
    return json.dumps(tile)


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def report(what: str, ratio: float, goal: str, detail: str = "") -> None:
    print(f"{what:62s} {ratio:7.2f}   goal {goal:7s} {detail}", flush=True)


def compare(
    what: str, goal: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int, count: int
) -> None:
    """Report how many times as long theirs takes."""
    pairs = [(cpu_of(ours), cpu_of(theirs)) for _ in range(rounds)]
    ours_s, theirs_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    report(what, theirs_s / ours_s, goal, f"{ours_s / count * 1e6:.2f} and {theirs_s / count * 1e6:.2f} µs each")


def their_tiles(text: bytes) -> list[Any]:
    return [renderapi.tilespec.TileSpec(json=spec) for spec in json.loads(text)]


def their_columns(text: bytes) -> list[Any]:
    tiles = their_tiles(text)
    return [
        [tile.tileId for tile in tiles],
        np.array([tile.z for tile in tiles]),
        np.array([tile.bbox for tile in tiles]),
        np.array([(tile.width, tile.height) for tile in tiles]),
        np.array([tile.tforms[-1].M[:2] for tile in tiles]),
    ]


def their_text(tiles: list[Any]) -> bytes:
    return json.dumps([tile.to_dict() for tile in tiles]).encode()


def their_changed(tiles: list[Any], affines: Any) -> bytes:
    for tile, ((m00, m01, tx), (m10, m11, ty)) in zip(tiles, affines.tolist(), strict=True):
        tile.tforms[-1] = renderapi.transform.AffineModel(m00, m01, m10, m11, tx, ty)
    return their_text(tiles)


def compare_reading(text: bytes, count: int, rounds: int) -> None:
    names = ("tile_id", "z", "box", "size", "last_affine")

    def cut() -> object:
        return TileTable.from_json(text).texts

    def columns() -> object:
        return TileTable.from_json(text).columns(*names)

    compare("tile specs → usable collection", "≥ 40", cut, lambda: their_tiles(text), rounds, count)
    compare("tile specs → columns", "≥ 10", columns, lambda: their_columns(text), rounds, count)


def compare_writing(text: bytes, count: int, rounds: int) -> None:
    table, tiles = TileTable(TileTable.from_json(text).texts), their_tiles(text)
    affines = table.last_affine + 0.125

    def changed() -> bytes:
        return table.evolve(last_affine=affines).to_json()

    compare("→ written back unchanged", "≥ 25", table.to_json, lambda: their_text(tiles), rounds, count)
    compare("→ with one changed transform each", "≥ 8", changed, lambda: their_changed(tiles, affines), rounds, count)


def compare_making(count: int, rounds: int) -> None:
    """Tiles of a mosaic from arrays to JSON."""
    row, col = np.divmod(np.arange(count), 250)
    ids = [f"3407_{r}_{c}" for r, c in zip(row.tolist(), col.tolist(), strict=True)]
    urls = [f"file:/data/images/{tile_id}.tif" for tile_id in ids]
    shifts = np.stack([col * 1900.25, row * 1900.5], axis=1)

    def ours() -> bytes:
        return TileTable.from_columns(
            tile_id=ids, z=3407.0, width=2560, height=2160, section_id="3407.0", scope_id="1", camera_id="0",
            image_row=row, image_col=col, stage=shifts, rotation=0.0, min_intensity=0, max_intensity=255,
            image_url=urls, mask_url="file:/data/mask.png", translation=shifts,
        ).to_json()  # fmt: skip

    def theirs() -> bytes:
        tiles = [
            renderapi.tilespec.TileSpec(
                tileId=tile_id, z=3407.0, width=2560, height=2160, imageUrl=url, maskUrl="file:/data/mask.png",
                minint=0, maxint=255, tforms=[renderapi.transform.AffineModel(B0=x, B1=y)],
                layout=renderapi.layout.Layout(sectionId="3407.0", scopeId="1", cameraId="0", imageRow=r, imageCol=c,
                                               stageX=x, stageY=y, rotation=0.0))
            for tile_id, url, (x, y), r, c in zip(ids, urls, shifts.tolist(), row.tolist(), col.tolist(), strict=True)
        ]  # fmt: skip
        return their_text(tiles)

    compare("tile specs from columns to JSON", "≥ 15", ours, theirs, rounds, count)


def pair_text(number: int, points: int) -> str:
    random = np.random.default_rng(number)
    p, q = random.uniform(0, 2560, (2, 2, points)).tolist()
    ids = {"pGroupId": "3407.0", "pId": f"tile_{number}", "qGroupId": "3408.0", "qId": f"tile_{number + 1}"}
    return json.dumps({**ids, "matches": {"p": p, "q": q, "w": [1.0] * points}, "matchCount": points})


def compare_matches(pairs: int, points: int, rounds: int) -> None:
    text = f"[{','.join(pair_text(number, points) for number in range(pairs))}]".encode()

    def ours() -> Any:
        table = MatchTable.from_json(text)
        return table.p, table.q, table.weights

    def theirs() -> list[Any]:
        matches = [pair["matches"] for pair in json.loads(text)]
        return [(np.array(each["p"]).T, np.array(each["q"]).T, np.array(each["w"])) for each in matches]

    compare(f"{pairs} match pairs × {points} points → arrays", "≥ 8", ours, theirs, rounds, pairs)


def held(make: Callable[[], object]) -> int:
    """Bytes that the result of *make* holds."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = make()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return after - before


def compare_memory(text: bytes, count: int) -> None:
    ours = held(lambda: TileTable(cut_list(bytes(bytearray(text)))))
    theirs = held(lambda: their_tiles(text))
    detail = f"{ours // count} and {theirs // count} bytes, {len(text) // count} of ours are the JSON"
    report("held memory per tile, our JSON kept (ours / renderapi)", ours / theirs, "≤ 0.25", detail)
    blocks = [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
    packed = sum(len(zlib.compress(block, 1)) for block in blocks)
    packing_s = cpu_of(lambda: [zlib.compress(block, 1) for block in blocks])
    cutting_s = cpu_of(lambda: cut_list(text))
    print(
        f"  the JSON alone is {len(text) / theirs:.2f} of theirs. Packed in blocks of {BLOCK >> 10} kB it would be "
        f"{packed / theirs:.2f}, at {packing_s / count * 1e6:.1f} µs a tile, {packing_s / cutting_s:.1f} times what "
        "cutting a listing costs"
    )


# Files as streams


def peak_mb() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    if found is not None:
        return int(found[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def stream(path: str) -> None:
    """Read the tiles of a file, write them to another; print how much more memory that took."""
    before = peak_mb()
    count = write_tiles(f"{path}.copy.json", (tile.evolve(z=tile.z) for tile in read_tiles(path)))
    print(count, peak_mb() - before)


def measure_streams(size_mb: int) -> None:
    """Stream files of two sizes through processes of their own."""
    for size in (size_mb // 8, size_mb):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tiles.json"
            count = size * 1_000_000 // len(tile_text(0))
            write_tiles(path, (TileRecord.from_json(tile_text(number)) for number in range(count)))
            command = [sys.executable, __file__, "--stream", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            read, grown_mb = done.stdout.split()
            print(
                f"{int(read)} tiles, {size} MB, read from a file and written to another: {float(grown_mb):.1f} MB held"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--tiles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="stream a file of 1 GB, not of 64 MB")
    parser.add_argument("--stream", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream:
        stream(options.stream)
        return
    count, rounds = options.tiles, options.rounds
    measure_streams(1000 if options.full else 64)
    text = f"[{','.join(map(tile_text, range(count)))}]".encode()
    compare_reading(text, count, rounds)
    compare_writing(text, count, rounds)
    compare_making(count, rounds)
    compare_matches(count // 5, 100, rounds)
    compare_memory(text, count)


if __name__ == "__main__":
    main()
