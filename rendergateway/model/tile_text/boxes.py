"""Bounding boxes of many tiles, derived from sizes and transforms with the algorithm of the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.transform_groups import TransformGroup, TransformGroups
from rendergateway.transforms import Transform
from rendergateway.transforms.meshes.boxes import affine_boxes, lens_boxes, tile_box

__all__ = ["derivable_boxes", "derived_boxes", "wrong_boxes"]


def derived_boxes(texts: Iterable[Text], shared: Mapping[str, Transform]) -> FloatArray:
    """
    Derive the bounding boxes that the service would derive.

    Tiles of equal size whose transforms differ only in the last one, an affine, are mapped together.

    Parameters
    ----------
    texts : iterable of JSON text
        One per tile.
    shared : mapping of str to Transform
        The shared transforms that the tiles refer to, by id.

    Returns
    -------
    ndarray, shape (N, 4)
        min x, min y, max x, max y in world pixels: whole numbers.

    Raises
    ------
    RecordError
        If a tile has no size or a transform cannot be applied locally; the message names the tile.

    References
    ----------
    .. [1] saalfeldlab/render, ``TileSpec.java``, ``deriveBoundingBox``, the "sloppy" branch.
    """
    boxes, problems = derivable_boxes(texts, shared)
    if problems:
        raise RecordError(problems[min(problems)])
    return boxes


def derivable_boxes(texts: Iterable[Text], shared: Mapping[str, Transform]) -> tuple[FloatArray, dict[int, str]]:
    """
    Derive bounding boxes as `derived_boxes` does; return those of NaN with the reason, by row, instead of raising.

    Parameters
    ----------
    texts, shared
        As for `derived_boxes`.
    """
    found = TransformGroups.of(texts)
    problems = dict(found.problems)
    boxes = np.full((len(found.tile_ids), 4), np.nan)
    for group in found.groups:
        reason = "the box is not finite; check the transforms"
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                boxes[group.rows] = _boxes(group, shared)
        except (TransformError, RecordError) as error:
            reason = str(error)
        for place in np.flatnonzero(~np.isfinite(boxes[group.rows]).all(axis=1)).tolist():
            row = group.rows[place]
            problems[row] = f"cannot derive the box of tile {found.tile_ids[row]!r}: {reason}"
    return boxes, problems


def _boxes(group: TransformGroup, shared: Mapping[str, Transform]) -> FloatArray:
    size = (group.width, group.height)
    if group.affines is not None and group.is_bare:
        return affine_boxes(group.affines, *size)
    lens = group.head(shared)
    if group.affines is not None:
        return lens_boxes(lens, group.affines, *size, group.cell_size)
    return np.tile(list(tile_box(lens, *size, group.cell_size))[:4], (len(group.rows), 1))


def wrong_boxes(
    texts: Sequence[Text], shared: Mapping[str, Transform], tolerance_px: float = 1.0
) -> Iterator[tuple[str, float | None, float | None, str]]:
    """
    Yield the tiles whose stored bounding box is missing, differs from the derived one, or cannot be derived.

    Parameters
    ----------
    texts, shared
        As for `derived_boxes`.
    tolerance_px : float
        Allowed difference of each side, in world pixels.

    Yields
    ------
    tile_id : str
    z : float or None
    off_px : float or None
        The largest difference; None if it is unknown.
    problem : str
    """
    tiles = TileTable(texts)
    derived, problems = derivable_boxes(texts, shared)
    with np.errstate(invalid="ignore"):
        off = np.abs(tiles.box - derived).max(axis=1, initial=0.0)
    for row in np.flatnonzero(~(off <= tolerance_px)).tolist():
        missing = bool(np.isnan(tiles.box[row]).any())
        stored, right = tuple(tiles.box[row].tolist()), tuple(derived[row].tolist())
        reason = problems.get(row) or ("no box is stored" if missing else f"stored is {stored}, derived is {right}")
        distance = None if np.isnan(off[row]) else float(off[row])
        yield tiles.tile_id[row], None if np.isnan(tiles.z[row]) else float(tiles.z[row]), distance, reason
