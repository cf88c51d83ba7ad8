"""Pictures of clusters for a review: overlaps, and small clusters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.files.objects import write_objects
from rendergateway.model.records.json_slices import encode
from rendergateway.progress import Progress, tracking

if TYPE_CHECKING:
    from rendergateway import SectionWrapper, StackWrapper
    from rendergateway.wrappers import ClusterSplit

__all__ = ["draw_overlaps", "draw_small_clusters"]

_GREEN, _RED = (0, 255, 0), (255, 0, 0)
_OVERLAP_PX, _CLUSTER_PX = 800, 1200
_LINE_PX = 2


def draw_overlaps(
    stack: StackWrapper, split: ClusterSplit, folder: str | os.PathLike[str], *, progress: Progress = None
) -> list[Path]:
    """
    Draw the places where two clusters of a section overlap, with the boxes of their tiles.

    Parameters
    ----------
    stack : StackWrapper
        The stack that was split.
    split : ClusterSplit
        The result of `StackWrapper.split_clusters`.
    folder : str or path-like
        For each hundred sections a folder ``problem_overlap_batch_000`` is made in it. For each section with overlaps
        it contains a JSON file of the tile ids, and for each two clusters a JPEG of at most 800 pixels: green are the
        tiles of the larger cluster, red those of the other one.
    progress : bool or callable, optional
        As for `StackWrapper.editing`; counts sections.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    ImageError
        If a picture cannot be drawn.
    OSError
        If a file cannot be written.
    """
    written: list[Path] = []
    with tracking(progress, "Drawing overlaps", len(split.clusters)) as report:
        for count, (z, clusters) in enumerate(split.clusters.items(), 1):
            written += _overlaps_of(stack, z, clusters, split.layers[z], Path(folder))
            report(count)
    return written


def _overlaps_of(
    stack: StackWrapper, z: float, clusters: Sequence[Sequence[str]], layers: Sequence[float], folder: Path
) -> list[Path]:
    if len(clusters) < 2:
        return []
    section, boxes = stack.section(z), _boxes_of(stack, z)
    sides = [np.array([boxes[tile_id] for tile_id in tiles]) for tiles in clusters]
    problems, written = [], []
    for one, green in enumerate(sides):
        for other in range(one + 1, len(sides)):
            red = sides[other]
            touch = np.array([_touching(green, box) for box in red])
            if not touch.any():
                continue
            in_green, in_red = np.flatnonzero(touch.any(axis=0)), np.flatnonzero(touch.any(axis=1))
            shown = green[in_green], red[in_red]
            bounds = _around(np.concatenate(shown))
            name = (
                f"problem_overlap_{stack}_z{z:.0f}_gz{layers[one]:.0f}_rz{layers[other]:.0f}"
                f"_x{int(bounds.min_x)}_y{int(bounds.min_y)}"
            )
            problems.append(
                {
                    "problemName": name,
                    "greenTileIds": sorted(clusters[one][row] for row in in_green.tolist()),
                    "redTileIds": sorted(clusters[other][row] for row in in_red.tolist()),
                }
            )
            path = _batch(folder, "problem_overlap_batch", z) / f"{name}.jpg"
            scale = _scale(bounds, _OVERLAP_PX)
            pixels = _colored(section.image(bounds, scale=scale).pixels)
            _write(path, pixels, bounds, scale, [(shown[0], _GREEN), (shown[1], _RED)])
            written.append(path)
    if problems:
        index = _batch(folder, "problem_overlap_batch", z) / f"problem_overlap_tile_ids_{stack}_z{z:06.0f}.json"
        write_objects(index, map(encode, problems))
    return written


def draw_small_clusters(
    stack: StackWrapper,
    split: ClusterSplit,
    folder: str | os.PathLike[str],
    max_count: int,
    *,
    progress: Progress = None,
) -> list[Path]:
    """
    Draw the clusters of at most *max_count* tiles, without the other tiles of their sections.

    Parameters
    ----------
    stack, split, progress
        As for `draw_overlaps`.
    folder : str or path-like
        For each hundred sections a folder ``z_cluster_batch_000`` is made in it. For each section with such clusters it
        contains a JSON file of the tile ids, and for each cluster a JPEG of at most 1200 pixels.
    max_count : int
        Largest number of tiles.

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    ImageError
        If a picture cannot be drawn.
    OSError
        If a file cannot be written.
    """
    written: list[Path] = []
    with tracking(progress, "Drawing clusters", len(split.clusters)) as report:
        for count, (z, clusters) in enumerate(split.clusters.items(), 1):
            small = [(number, tiles) for number, tiles in enumerate(clusters) if len(tiles) <= max_count]
            if small:
                boxes = _boxes_of(stack, z)
                batch = _batch(Path(folder), "z_cluster_batch", z)
                for number, tiles in small:
                    path = batch / f"z{z:06.0f}_cluster_{number:03d}.jpg"
                    _draw_cluster(stack.section(z), tiles, np.array([boxes[tile_id] for tile_id in tiles]), path)
                    written.append(path)
                rows = [{"clusterNumber": number, "tileIds": sorted(tiles)} for number, tiles in small]
                write_objects(batch / f"z{z:06.0f}_clusters.json", map(encode, rows))
            report(count)
    return written


def _draw_cluster(section: SectionWrapper, tiles: Sequence[str], boxes: FloatArray, path: Path) -> None:
    bounds = _around(boxes)
    scale, wanted = _scale(bounds, _CLUSTER_PX), set(tiles)
    recipe = section.render_parameters(bounds, scale=scale)
    recipe = recipe.evolve(tiles=[one for one in recipe.tiles if one.tile_id in wanted])
    picture = section._conn.render(recipe)
    _write(path, _colored(picture.pixels), bounds, scale, [(boxes, _GREEN)])


# Boxes


def _boxes_of(stack: StackWrapper, z: float) -> dict[str, FloatArray]:
    tiles = stack.section(z).tiles().table()
    return dict(zip(tiles.tile_id.tolist(), tiles.box, strict=True))


def _touching(boxes: FloatArray, box: FloatArray) -> npt.NDArray[np.bool_]:
    touch: npt.NDArray[np.bool_] = np.all((boxes[:, :2] <= box[2:]) & (boxes[:, 2:] >= box[:2]), axis=1)
    return touch


def _around(boxes: FloatArray) -> Bounds:
    return Bounds(*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


def _scale(bounds: Bounds, most_px: int) -> float:
    return min(min(most_px, int(side)) / side for side in (bounds.width, bounds.height))


# Files


def _batch(folder: Path, stem: str, z: float) -> Path:
    batch = folder / f"{stem}_{int(z / 100):03d}"
    batch.mkdir(parents=True, exist_ok=True)
    return batch


def _colored(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.array(pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2), dtype=np.uint8)


def _write(
    path: Path,
    pixels: npt.NDArray[np.uint8],
    bounds: Bounds,
    scale: float,
    frames: Sequence[tuple[FloatArray, tuple[int, int, int]]],
) -> None:
    from rendergateway.rendering.output.encoding import file_bytes, write_whole
    from rendergateway.rendering.output.outlines import draw_frame

    for boxes, color in frames:
        corners = ((boxes - [bounds.min_x, bounds.min_y] * 2) * scale).astype(int)
        for left, top, right, bottom in corners.tolist():
            for inset in range(_LINE_PX):
                draw_frame(pixels, (left + inset, top + inset, right - 1 - inset, bottom - 1 - inset), color)
    write_whole(path, file_bytes(pixels, None, "jpeg"))
