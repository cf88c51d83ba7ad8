"""Summary of a stack: its metadata, sections, sizes, transforms and image folders, from one reading of all tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.kinds import TileKinds
from rendergateway.progress import Progress, tracking
from rendergateway.transforms import Transform, TransformList, TransformReference, UnknownTransform
from rendergateway.wrappers import StackWrapper

if TYPE_CHECKING:
    from rendergateway.model.tables.resolved import ResolvedTiles

__all__ = ["StackSummary", "missing_z", "range_words", "summarize", "tables_of"]

# Differences of z up to so many usual steps are regular.
_GAP = 1.5
_MOST_MISSING = 100_000


@attrs.frozen(kw_only=True)
class StackSummary:
    """
    Contents of a stack.

    Attributes
    ----------
    name, state : str
        ``owner/project/stack``, and LOADING, COMPLETE, READ_ONLY or OFFLINE.
    version : int or None
        Version counter.
    notes : str or None
        Notes of the version.
    resolution_nm : tuple of float or None
        Nanometres per pixel in x and y, and section thickness.
    z : ndarray, shape (S,)
        Section positions, ascending.
    tiles_per_section : ndarray, shape (S,)
        Numbers of tiles.
    missing_z : tuple of float
        Positions missing between the first and the last section.
    bounds : Bounds or None
        Box around all tiles, from their stored boxes.
    sizes : dict of (float, float) to int
        Width and height in local pixels → number of tiles.
    transforms : dict of str to int
        Classes of the transforms of a tile, in order → number of tiles.
    shared : dict of str to str
        Id of each shared transform that tiles refer to → its class.
    folders : dict of str to int
        Folder of the full-size images → number of tiles.
    windows : dict of (float, float) to int
        Intensity window → number of tiles without channels.
    channels : dict of str to int
        Name of each channel → number of tiles.
    without_image : int
        Number of tiles without an image URL.
    """

    name: str
    state: str
    version: int | None
    notes: str | None
    resolution_nm: tuple[float | None, ...]
    z: FloatArray
    tiles_per_section: FloatArray
    missing_z: tuple[float, ...]
    bounds: Bounds | None
    sizes: dict[tuple[float, float], int]
    transforms: dict[str, int]
    shared: dict[str, str]
    folders: dict[str, int]
    windows: dict[tuple[float, float], int]
    channels: dict[str, int]
    without_image: int

    @property
    def tile_count(self) -> int:
        """Number of tiles."""
        return int(self.tiles_per_section.sum())


def tables_of(stack: StackWrapper) -> Iterator[tuple[float, ResolvedTiles, TileTable]]:
    """Yield z, tiles and their table for each piece of each section, in bounded memory."""
    for section in StackWrapper.sections(stack):
        for piece in section._pieces(None):
            yield section._key.z, piece, TileTable(piece.tiles.values())


def summarize(stack: StackWrapper, *, progress: Progress = None) -> StackSummary:
    """
    Read all tiles of a stack, section by section, and return its summary.

    Parameters
    ----------
    stack : StackWrapper
        The stack.
    progress : bool or callable, optional
        Progress in tiles.

    Raises
    ------
    NotFoundError
        If the stack does not exist.

    Notes
    -----
    ``stack.read``, then as `StackWrapper.iter_tiles`.
    """
    stack.load()
    counts: Counter[float] = Counter(dict.fromkeys(stack.sections().ids, 0))
    found = {name: Counter[Any]() for name in ("sizes", "transforms", "folders", "windows", "channels")}
    shared: dict[str, str] = {}
    boxes: list[FloatArray] = []
    without_image = 0
    with tracking(progress, f"Reading tiles of {stack}", stack.tile_count) as report:
        for z, piece, table in tables_of(stack):
            counts[z] += len(table)
            found["sizes"].update(map(tuple, table.size.tolist()))
            urls = [url for url in table.image_url if url is not None]
            without_image += len(table) - len(urls)
            found["folders"].update(url.rpartition("/")[0] for url in urls)
            boxes.append(table.box)
            _count_kinds(table, piece, found, shared)
            report(sum(counts.values()))
    return StackSummary(
        name="/".join(stack._key),
        state=stack.state,
        version=stack.version_number,
        notes=stack.version.notes,
        resolution_nm=stack.resolution_nm,
        z=np.array(sorted(counts)),
        tiles_per_section=np.array([counts[z] for z in sorted(counts)]),
        missing_z=missing_z(sorted(counts)),
        bounds=_around(boxes),
        shared=dict(sorted(shared.items())),
        without_image=without_image,
        **{name: dict(counter.most_common()) for name, counter in found.items()},
    )


def _count_kinds(
    table: TileTable, piece: ResolvedTiles, found: dict[str, Counter[Any]], shared: dict[str, str]
) -> None:
    kinds = TileKinds.of(table.texts)
    for example, count in zip(kinds.examples, np.bincount(kinds.number).tolist(), strict=True):
        tile: TileRecord = table[example]
        transforms = list(TransformList(tile.transforms))
        found["transforms"][", ".join(map(_class_name, transforms)) or "none"] += count
        for transform in transforms:
            if isinstance(transform, TransformReference):
                known = piece.shared().get(transform.ref_id)
                shared[transform.ref_id] = "missing" if known is None else _class_name(known)
        found["channels"].update({channel.name: count for channel in tile.channels})
        if not tile.channels:
            found["windows"][(tile.min_intensity, tile.max_intensity)] += count


def _class_name(transform: Transform) -> str:
    if isinstance(transform, TransformReference):
        return f"shared {transform.ref_id!r}"
    if isinstance(transform, UnknownTransform):
        return transform.class_name.rpartition(".")[2]
    return type(transform).__name__


def _around(boxes: Sequence[FloatArray]) -> Bounds | None:
    if not any(len(box) for box in boxes):
        return None
    together = np.concatenate(boxes)
    finite = together[np.isfinite(together).all(axis=1)]
    return Bounds(*finite[:, :2].min(axis=0), *finite[:, 2:].max(axis=0)) if len(finite) else None


def missing_z(z: Sequence[float]) -> tuple[float, ...]:
    """
    Return the positions missing between sections at *z*, ascending: of whole numbers, or at the usual step.

    Examples
    --------
    >>> missing_z([1, 2, 5]), missing_z([0, 0.5, 1.5, 2]), missing_z([3])
    ((3.0, 4.0), (1.0,), ())
    """
    places = np.unique(np.asarray(z, dtype=np.float64))
    steps = np.diff(places)
    if not len(steps):
        return ()
    whole = bool((places == np.round(places)).all())
    step = 1.0 if whole else float(np.median(steps))
    missing: list[float] = []
    for start, distance in zip(places[:-1], steps, strict=True):
        if distance > _GAP * step:
            count = min(round(distance / step) - 1, _MOST_MISSING - len(missing))
            missing += [float(start + step * number) for number in range(1, count + 1)]
    return tuple(missing)


def range_words(z: Sequence[float]) -> str:
    """
    Return section positions for display, consecutive whole numbers as ranges.

    Examples
    --------
    >>> range_words([1, 2, 3, 7, 8.5])
    '1…3, 7, 8.5'
    """
    words: list[list[float]] = []
    for place in z:
        if words and place == words[-1][-1] + 1:
            words[-1][1:] = [place]
        else:
            words.append([place])
    return ", ".join(f"{run[0]:g}…{run[-1]:g}" if len(run) > 1 else f"{run[0]:g}" for run in words)
