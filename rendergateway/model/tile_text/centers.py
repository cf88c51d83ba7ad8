"""Centres of many tiles in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tile_text.transform_groups import TransformGroups
from rendergateway.transforms import Transform, affines_apply

__all__ = ["tile_centers"]


def tile_centers(texts: Sequence[Text], shared: Mapping[str, Transform]) -> FloatArray:
    """
    Return where the transforms of tiles map the centres of their images.

    Parameters
    ----------
    texts : sequence of JSON text
        One per tile.
    shared : mapping of str to Transform
        The shared transforms that the tiles refer to, by id.

    Returns
    -------
    ndarray, shape (N, 2)
        World pixels.

    Raises
    ------
    RecordError
        If a tile has no size or a transform cannot be applied; the message names the tile.
    """
    found = TransformGroups.of(texts)
    if found.problems:
        raise RecordError(found.problems[min(found.problems)])
    centers = np.empty((len(found.tile_ids), 2))
    for group in found.groups:
        try:
            center = group.head(shared).apply(np.array([[group.width / 2, group.height / 2]]))
        except TransformError as error:
            raise RecordError(f"cannot map the centre of tile {found.tile_ids[group.rows[0]]!r}: {error}") from error
        centers[group.rows] = center if group.affines is None else affines_apply(group.affines, center)[:, 0]
    return centers
