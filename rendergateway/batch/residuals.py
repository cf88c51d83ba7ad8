"""Residuals of matches in a stack, per pair, tile and section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_residuals import Residuals, ResidualSums
from rendergateway.batch.matched_tiles import MatchedTiles, Unknown, frame_of, z_in_range
from rendergateway.geometry import FloatArray
from rendergateway.model.tables.row_table import RowTable
from rendergateway.progress import tracking
from rendergateway.wrappers.core.bulk import Bulk

if TYPE_CHECKING:
    from rendergateway.wrappers.core.arguments import ZRange
    from rendergateway.wrappers.matching.pairs import PairReading
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["StackResiduals", "residuals_of_stack"]


@attrs.frozen(eq=False)
class StackResiduals:
    """
    Distances of the two points of matches in the world of a stack, in pixels.

    Attributes
    ----------
    total : Residuals
        Of all points.
    pairs : RowTable
        One row per pair: *p_id*, *q_id*, *p_z*, *q_z*, *point_count*, *mean_px*, *rms_px*, *max_px*.
    tiles : RowTable
        One row per tile: *tile_id*, *z*, *pair_count*, *point_count*, *mean_px*, *rms_px*, *max_px*; NaN for a tile
        without matches.
    sections : RowTable
        One row per section, and per two sections with matches between them: *z*, *other_z*, and the columns of
        *tiles*.
    unknown_pair_count, outside_pair_count : int
        Pairs that name tiles missing in these sections, and pairs with tiles of other sections; not included.
    """

    total: Residuals
    pairs: RowTable
    tiles: RowTable
    sections: RowTable
    unknown_pair_count: int
    outside_pair_count: int


def residuals_of_stack(stack: StackWrapper, matches: PairReading[Any], z: ZRange, bulk: Bulk) -> StackResiduals:
    """Return the residuals of matches between tiles of a stack; see `StackWrapper.residuals`."""
    frame, z_values = frame_of(matches), z_in_range(stack, z)
    unknown = Unknown()
    with tracking(bulk.progress, f"Reading {stack}", 2 * len(z_values)) as report:
        tiles = MatchedTiles.read(stack._bound, z_values, bulk.workers, report)
        mapped = tiles.maps(frame)
        parts = [
            _Sums.of(part)
            for part in tiles.matches(matches, mapped, unknown, report=lambda count: report(len(z_values) + count))
        ]
    return _tables(tiles, _Sums.joined(parts), unknown)


@attrs.frozen(eq=False)
class _Sums:
    """Rows of tiles (N, 2), number of points, and sum, sum of squares and maximum of the residuals of pairs."""

    tiles: Any
    points: Any
    sums: FloatArray
    squares: FloatArray
    highest: FloatArray
    by_axis: FloatArray

    @classmethod
    def of(cls, matches: TileMatches) -> _Sums:
        away = matches.p - matches.q
        distance = np.hypot(*away.T)
        some = np.flatnonzero(matches.counts > 0)
        starts = matches.offsets[some]
        columns = np.zeros((3, len(matches)))
        if len(some):
            columns[0, some] = np.add.reduceat(distance, starts)
            columns[1, some] = np.add.reduceat(distance**2, starts)
            columns[2, some] = np.maximum.reduceat(distance, starts)
        sums, squares, highest = columns
        return cls(matches.tiles, matches.counts, sums, squares, highest, (away**2).sum(axis=0))

    @classmethod
    def joined(cls, parts: list[_Sums]) -> _Sums:
        whole = [_Sums.of(TileMatches.empty()), *parts]
        names = [field.name for field in attrs.fields(cls) if field.name != "by_axis"]
        columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in whole]) for name in names}
        return cls(by_axis=np.sum([part.by_axis for part in whole], axis=0), **columns)


def _tables(tiles: MatchedTiles, sums: _Sums, unknown: Unknown) -> StackResiduals:
    names, z = tiles.table.tile_id, tiles.table.z
    p, q = sums.tiles.T
    values = (sums.points, sums.sums, sums.squares, sums.highest)
    of_pairs = ResidualSums(len(p))
    of_pairs.add(np.arange(len(p)), *values)
    columns = of_pairs.columns()
    del columns["pair_count"]
    pairs = RowTable({"p_id": names[p], "q_id": names[q], "p_z": z[p], "q_z": z[q], **columns})
    of_tiles = ResidualSums(len(names))
    for side in (p, q):
        of_tiles.add(side, *values)
    both = np.sort(z[sums.tiles], axis=1)
    layers, number = np.unique(both, axis=0, return_inverse=True)
    of_sections = ResidualSums(len(layers))
    of_sections.add(number.reshape(-1), *values)
    return StackResiduals(
        Residuals.of_sums(
            len(p),
            int(sums.points.sum()),
            float(sums.sums.sum()),
            float(sums.squares.sum()),
            float(sums.highest.max(initial=0.0)),
            sums.by_axis,
        ),
        pairs,
        RowTable({"tile_id": names, "z": z, **of_tiles.columns()}),
        RowTable({"z": layers[:, 0], "other_z": layers[:, 1], **of_sections.columns()}),
        unknown.pairs,
        unknown.outside,
    )
