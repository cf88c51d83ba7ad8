"""
Reading of image files: the checks of the opener beside decoding, and TIFF beside tifffile.

Ratios of CPU time, each the best of several in turn: ``python -m benchmarks.image_files``.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import tifffile

from rendergateway.local_files import LocalFile
from rendergateway.rendering.images.decoding import decoded

_SIDE, _TURNS = 2048, 7


def seconds(work: Callable[[], object], times: int) -> float:
    """Return the least CPU time of one call."""
    least = float("inf")
    for _ in range(_TURNS):
        start = time.process_time()
        for _ in range(times):
            work()
        least = min(least, (time.process_time() - start) / times)
    return least


def show(name: str, figure: float, goal: float) -> None:
    print(f"{name:62} {figure:8.4f}   ≤ {goal:<5g} {'MISSED' if figure > goal else ''}")


def opened(file: LocalFile) -> None:
    """Check and open a file, as for one picture: its state is the key of the cache."""
    file.state()
    file.open().close()


def main() -> None:
    """Print each ratio beside its goal."""
    noise = np.random.default_rng(1).integers(0, 255, (_SIDE, _SIDE)).astype(np.uint8)
    pixels = np.asarray(cv2.GaussianBlur(noise, (0, 0), 1.5))
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.realpath(folder)
        deep = Path(root, "stack", "section", "tiles")
        deep.mkdir(parents=True)
        png = LocalFile(str(deep / "tile.png"), (root,))
        cv2.imwrite(str(png), pixels)
        opening = seconds(lambda: opened(png), 500)
        show("opening a PNG tile of 2048², beside decoding it", opening / seconds(lambda: decoded(png), 2), 0.01)
        for name, compression in {"plain": None, "deflated": "zlib"}.items():
            path = str(deep / f"{name}.tif")
            tifffile.imwrite(path, pixels, compression=compression)
            ours = seconds(lambda path=path: decoded(LocalFile(path, (root,))), 3)  # type: ignore[misc]
            theirs = seconds(lambda path=path: tifffile.imread(path), 3)  # type: ignore[misc]
            show(f"reading a {name} TIFF tile of 2048², beside tifffile", ours / theirs, 1.5)


if __name__ == "__main__":
    main()
