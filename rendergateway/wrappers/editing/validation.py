"""Reports on the invalid tiles of a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rendergateway.errors import NotFoundError
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.row_table import RowTable
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.validators import TileValidator, invalid_tiles
from rendergateway.progress import Progress, tracking

__all__ = ["validate"]

_NAMES = ("tile_id", "z", "problem")


def validate(
    validators: Sequence[TileValidator],
    z_values: Iterable[float],
    pieces_of: Callable[[float], Iterator[ResolvedTiles]],
    progress: Progress,
    what: str,
) -> RowTable:
    """
    Check the tiles of layers; see `StackWrapper.validate`.

    Parameters
    ----------
    validators : sequence of TileValidator
        What rejects tiles.
    z_values : iterable of float
        The layers.
    pieces_of : callable
        From z to the tiles of a layer, in pieces.
    progress, what
        As for `tracking`.
    """
    rows: list[tuple[Any, ...]] = []
    count = 0
    with tracking(progress, what) as report:
        for z in z_values:
            before = count
            for piece in pieces_of(z):
                rows += _problems(validators, piece)
                count += len(piece)
                report(count)
            if count == before:
                raise NotFoundError(f"no tile specifications found for z={z:g}")
    return RowTable({name: [row[place] for row in rows] for place, name in enumerate(_NAMES)})


def _problems(validators: Sequence[TileValidator], piece: ResolvedTiles) -> Iterator[tuple[str, float | None, str]]:
    texts = list(piece.tiles.values())
    tiles = TileTable(texts)
    for row, problem in invalid_tiles(validators, texts, tiles.box, piece.shared()).items():
        z = float(tiles.z[row])
        yield tiles.tile_id[row], None if np.isnan(z) else z, problem
