"""Files of coordinates mapped between tiles, stacks and the world: JSON, and folders of SWC files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.files.objects import write_file
from rendergateway.model.files.specs import read_text
from rendergateway.model.files.swc import SwcFile, read_swc
from rendergateway.progress import Progress, tracking
from rendergateway.wire import Coordinates, decode_body, encode
from rendergateway.wrappers.coordinates.items import local_items, world_items
from rendergateway.wrappers.core.bulk import read_ahead

if TYPE_CHECKING:
    from rendergateway import StackWrapper

__all__ = ["MappedFile", "MappedFolder", "map_coordinate_file", "map_swc_folder"]

T = TypeVar("T")

_POINTS_PER_BATCH = 25_000
_FAILURES = "failed_mappings.txt"
_FAILED = (-999, -999, -999)


@attrs.frozen
class MappedFile:
    """
    Summary of a mapped coordinate file.

    Attributes
    ----------
    count, failed : int
        Numbers of points, and of those with an error.
    """

    count: int
    failed: int


def map_coordinate_file(
    stack: StackWrapper,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    z: float | None = None,
    to: str = "local",
    to_stack: StackWrapper | None = None,
    workers: int | None = None,
    progress: Progress = None,
) -> MappedFile:
    """
    Map the points of a JSON file, and write them to another one.

    Parameters
    ----------
    stack : StackWrapper
        The stack of the points.
    source : str or Path
        An array of ``{world: [x, y, z]}`` or, to map to the world, an array of arrays of ``{tileId, local: [x, y]}``;
        the visible element of each counts, else the first. Plain or gzipped.
    target : str or Path
        The file to write; gzipped if it ends in ``.gz``. Created or replaced on success only.
    z : float, optional
        The section of all points, whose own z is then ignored.
    to : {'local', 'world'}
        Local pixels of the tiles under each point, or world pixels.
    to_stack : StackWrapper, optional
        Map world points on to the world of this stack, through the tiles that show them.
    workers, progress : optional
        Batches of 25 000 points at a time, and progress in points.

    Returns
    -------
    MappedFile
        Numbers of points and failures; a point that could not be mapped has an ``error`` in the file.

    Raises
    ------
    RecordError
        If the source is not such an array.
    ServiceError
        If the service refuses a point, for example because world values are missing.
    OSError
        If a file cannot be read or written.

    Notes
    -----
    Per batch ``coordinate.section_tile_ids`` or ``coordinate.tile_ids``, and ``stack.tile_specs``.
    """
    if to not in ("local", "world"):
        raise ValueError(f"to must be 'local' or 'world', got {to!r}")
    kind = list[list[Coordinates | None] | None] if to == "world" else list[Coordinates | None]
    items: list[Any] = _read(source, kind)

    def work(some: list[Any]) -> list[Any]:
        if to == "world":
            return world_items(stack._bound, some, z)
        local = local_items(stack._bound, some, z)
        return local if to_stack is None else world_items(to_stack._bound, local, None)

    count = stack._bulk(workers, None, progress)
    done = _in_batches(work, items, count.workers, count.progress, f"Mapping points of {stack}")
    with write_file(target) as file:
        file.write(encode(done) + b"\n")
    return MappedFile(len(done), sum(_has_error(one) for one in done))


def _read(source: str | os.PathLike[str], kind: Any) -> list[Any]:
    try:
        items = decode_body(read_text(source), kind)
        if not isinstance(items, list):
            raise RecordError("expected an array")
    except RecordError as error:
        raise RecordError(f"failed to parse {os.fspath(source)}: {error}") from error
    return items


def _has_error(one: Coordinates | list[Coordinates]) -> bool:
    return (one[0] if isinstance(one, list) else one).error is not None


def _in_batches(
    work: Callable[[list[Any]], list[T]], items: Sequence[Any], workers: int, progress: Progress, what: str
) -> list[T]:
    def batch(start: int) -> list[T]:
        return work(list(items[start : start + _POINTS_PER_BATCH]))

    starts = range(0, len(items), _POINTS_PER_BATCH)
    done: list[T] = []
    with tracking(progress, what, len(items)) as report, read_ahead(starts, batch, workers) as results:
        for result in results:
            done += result
            report(len(done))
    return done


# SWC files


@attrs.frozen
class MappedFolder:
    """
    Summary of a mapped folder of SWC files.

    Attributes
    ----------
    files : list of Path
        The files that were written, without the list of failures.
    count, failed : int
        Numbers of nodes, and of those that could not be mapped.
    """

    files: list[Path]
    count: int
    failed: int


def map_swc_folder(
    stack: StackWrapper,
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to_stack: StackWrapper,
    workers: int | None = None,
    progress: Progress = None,
) -> MappedFolder:
    """
    Map the nodes of the SWC files of a folder from the world of one stack to that of another.

    Coordinates of the files are nanometres; the resolutions of the stacks convert them. A node between two sections is
    mapped in the nearest one and keeps its distance from it, in sections.

    Parameters
    ----------
    stack, to_stack : StackWrapper
        The stacks, with the same tiles.
    source, target : str or Path
        Folders; the target is created if it is missing. Each ``*.swc`` is written under its name, after all nodes are
        mapped. Other lines are copied.
    workers, progress : optional
        Batches of 25 000 nodes at a time, and progress in nodes.

    Returns
    -------
    MappedFolder
        The files. A node that cannot be mapped is written at -999, -999, -999, so that references between nodes stay
        valid; ``failed_mappings.txt`` of the target lists its line.

    Raises
    ------
    RecordError
        If a stack has no resolution, or a number in a file cannot be read.
    OSError
        If a file cannot be read or written.

    Notes
    -----
    ``stack.read`` of both stacks; per batch as `StackWrapper.world_from`.
    """
    here, there = _resolution(stack), _resolution(to_stack)
    files = [read_swc(path) for path in sorted(Path(source).iterdir()) if path.suffix == ".swc"]
    nodes = np.concatenate([np.empty((0, 3)), *(file.points for file in files)]) / here
    layers = np.floor(nodes[:, 2] + 0.5)
    bulk = stack._bulk(workers, None, progress)

    def work(rows: list[int]) -> list[list[float]]:
        found = to_stack.world_from(stack, nodes[rows, :2], z=layers[rows])
        mapped = np.column_stack([found.xy, found.z + (nodes[rows, 2] - layers[rows])])
        mapped[found.failed | np.isnan(mapped).any(axis=1)] = np.nan
        return (mapped * there).tolist()  # type: ignore[no-any-return]

    done = _in_batches(work, range(len(nodes)), bulk.workers, bulk.progress, f"Mapping nodes of {stack}")
    return _written(Path(target), files, np.array(done, dtype=np.float64).reshape(-1, 3))


def _resolution(stack: StackWrapper) -> FloatArray:
    given = stack.resolution_nm
    if None in given:
        raise RecordError(f"SWC mapping cannot be performed because stack {stack} does not have resolution attributes")
    return np.array(given, dtype=np.float64)


def _written(folder: Path, files: Sequence[SwcFile], points: FloatArray) -> MappedFolder:
    folder.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    paths = []
    start = 0
    for file in files:
        some = points[start : start + len(file.points)]
        start += len(file.points)
        path = folder / file.path.name
        with write_file(path) as out:
            out.write(file.with_points(some, _FAILED).encode("utf-8", "surrogateescape"))
        paths.append(path)
        failures += [f"{file.path}: {file.line(row)}\n" for row in np.flatnonzero(np.isnan(some).any(axis=1)).tolist()]
    if failures:
        with write_file(folder / _FAILURES) as out:
            out.write("".join(failures).encode("utf-8", "surrogateescape"))
    return MappedFolder(paths, len(points), len(failures))
