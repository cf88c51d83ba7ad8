"""Tiles of some sections with the matches between them, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.errors import NotFoundError, RecordError, TransformError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model.tables.match_points import MatchReader
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.wrappers.coordinates.tile_maps import TileMaps
from rendergateway.wrappers.core.arguments import ZRange, as_z_range
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.bulk import read_ahead
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.matching.pairs import PairReading
from rendergateway.wrappers.matching.selection import Selection
from rendergateway.wrappers.matching.world import known_frame
from rendergateway.wrappers.reading.tiles import StackReader
from rendergateway.wrappers.reading.z_values import listed_z_values

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["MatchedTiles", "Unknown", "frame_of", "z_in_range"]

_SHOWN = 3


def frame_of(matches: PairReading[Any]) -> str:
    """
    Return the frame of the points of a match collection.

    Raises
    ------
    TypeError
        If *matches* is something else.
    ConfigurationError
        If the frame is not set.
    """
    if not isinstance(matches, PairReading):
        raise TypeError(
            f"matches must be a match collection, like gateway.match_collection(name, frame='raw'): got {matches!r}"
        )
    return known_frame(matches._frame, matches._pair_source.collection.key.collection)


def z_in_range(stack: StackWrapper, z: ZRange) -> list[float]:
    """
    Return the z values of the sections of a stack in a range, ascending.

    Raises
    ------
    NotFoundError
        If there are none.
    """
    low, high = as_z_range(z)
    limits = {name: value for name, value in (("min_z", low), ("max_z", high)) if value is not None}
    found = sorted(listed_z_values(stack._bound, **limits))
    if not found:
        # A missing stack has no sections either.
        stack._bound.fetch("stack.read")
        raise NotFoundError(f"stack {stack._bound} has no sections" + (f" at z {z}" if limits else ""))
    return found


@attrs.define
class Unknown:
    """
    Pairs whose tiles are not all among the tiles.

    Attributes
    ----------
    pairs : int
        Pairs that name a tile which should be among them: its group is.
    tiles : dict of str to str
        Some of these tiles, with their groups.
    outside : int
        Pairs with tiles of other groups.
    """

    pairs: int = 0
    tiles: dict[str, str] = attrs.field(factory=dict)
    outside: int = 0

    def __str__(self) -> str:
        named = ", ".join(f"{tile!r} of group {group!r}" for tile, group in list(self.tiles.items())[:_SHOWN])
        return f"{self.pairs} pairs of matches name tiles that are not in the stack: got {named}"


@attrs.frozen(eq=False)
class MatchedTiles:
    """
    The tiles of some sections of a stack.

    Attributes
    ----------
    table : TileTable
        The tiles, section by section.
    reader : StackReader
        With the shared transforms of the tiles.
    groups : list of str
        Section ids of the tiles, the groups of their matches.
    """

    table: TileTable
    reader: StackReader
    groups: list[str]
    _rows: dict[str, int]

    @classmethod
    def read(
        cls, stack: Bound[StackKey], z_values: Sequence[float], workers: int, report: Callable[[int], object]
    ) -> MatchedTiles:
        """
        Read the tiles of sections.

        Parameters
        ----------
        stack : Bound
            The stack.
        z_values : sequence of float
            The sections.
        workers : int
            Concurrent requests.
        report : callable
            Receives the number of sections read.

        Raises
        ------
        NotFoundError
            If there are no tiles.
        RecordError
            If no tile has a section id.

        Notes
        -----
        One ``section.resolved_tiles`` per section.
        """
        reader = StackReader.fresh(stack)
        texts: dict[str, Any] = {}
        with read_ahead(z_values, reader.layer, workers) as layers:
            for count, layer in enumerate(layers, 1):
                texts.update(layer.tiles)
                report(count)
        if not texts:
            raise NotFoundError(f"stack {stack} has no tiles at z {', '.join(f'{z:g}' for z in z_values[:_SHOWN])}")
        table = TileTable(list(texts.values()))
        groups = sorted(set(table.columns("section_id", "z", "last_affine", "last_class")["section_id"]) - {None})
        if not groups:
            raise RecordError(f"no tile of stack {stack} has a section id, the group of its matches; set section_id")
        return cls(table, reader, groups, {tile_id: row for row, tile_id in enumerate(texts)})

    def __len__(self) -> int:
        return len(self._rows)

    def rows_of(self, tile_ids: Iterable[str]) -> IntArray:
        """Return the row of each tile, -1 for a tile that is not among them."""
        row = self._rows.get
        return np.array([row(tile_id, -1) for tile_id in tile_ids], dtype=np.int64)

    def maps(self, frame: str, table: TileTable | None = None) -> Callable[[TileMatches], TileMatches]:
        """
        Return a function that maps the points of matches from a frame into the world.

        Parameters
        ----------
        frame : str
            As of a match collection.
        table : TileTable, optional
            The same tiles with other transforms.
        """
        chosen = self.table if table is None else table
        maps = TileMaps(chosen, self.reader.shared, frame)
        if maps.are_identities:
            return lambda matches: matches

        def mapped(row: IntArray, points: FloatArray) -> FloatArray:
            found = maps.world_from_rows(row, points)
            failed = np.flatnonzero(found.error != "")
            if len(failed):
                tile_id = self.table.tile_id[row[failed[0]]]
                raise TransformError(f"tile {tile_id!r} of stack {self.reader.stack}: {found.error[failed[0]]}")
            return found.points

        def mapped_matches(matches: TileMatches) -> TileMatches:
            sides = np.empty((2, *matches.p.shape))
            for part in matches.parts():
                for side, points in enumerate((matches.p, matches.q)):
                    rows = np.repeat(matches.tiles[part.pairs, side], part.counts)
                    sides[side, part.points] = mapped(rows, points[part.points])
            return attrs.evolve(matches, p=sides[0], q=sides[1])

        return mapped_matches

    def matches(
        self,
        collection: PairReading[Any],
        mapped: Callable[[TileMatches], TileMatches],
        unknown: Unknown,
        *,
        within: bool = False,
        report: Callable[[int], object] = lambda count: None,
        chosen: Callable[[IntArray], npt.NDArray[np.bool_]] | None = None,
        at_most: int | None = None,
    ) -> Iterator[TileMatches]:
        """
        Yield the matches between the tiles, answer by answer.

        Parameters
        ----------
        collection : MatchCollectionWrapper or MergedMatches
            The matches.
        mapped : callable
            Maps the points; see `maps`.
        unknown : Unknown
            Counts other pairs.
        within : bool
            Whether only pairs within these sections are read, which are one section.
        report : callable
            Receives the number of answers read.
        chosen : callable, optional
            From pairs of rows (N, 2) to whether they are used.
        at_most : int, optional
            Points per pair that are used.

        Notes
        -----
        One ``match.with_p_group``, or ``match.within_group``, per section id.
        """
        source = collection._pair_source
        for count, selection in enumerate(self._selections(within), 1):
            for answer in source.columns(source.query(selection)):
                part = self._numbered(answer, unknown)
                if chosen is not None:
                    part = part.of_pairs(chosen(part.tiles), at_most)
                yield mapped(part)
            report(count)

    def _selections(self, within: bool) -> Iterator[Selection]:
        for place, group in enumerate(self.groups):
            if not within:
                yield Selection(p_group=group)
                continue
            yield Selection(within=group)
            for other in self.groups[:place]:
                yield Selection(between=(other, group))

    def _numbered(self, answer: MatchReader, unknown: Unknown) -> TileMatches:
        sides, row = answer.sides(), self._rows.get
        ends = [(row(p_id, -1), row(q_id, -1)) for _, p_id, _, q_id in answer.ids]
        tiles = np.array(ends, dtype=np.int64).reshape(-1, 2)
        is_known: npt.NDArray[np.bool_] = np.logical_and(*(tiles >= 0).T)
        if not is_known.all():
            for number in np.flatnonzero(~is_known).tolist():
                p_group, p_id, q_group, q_id = answer.ids[number]
                missing = {
                    tile: group
                    for group, tile, at in zip((p_group, q_group), (p_id, q_id), ends[number], strict=True)
                    if at < 0
                }
                lost = {tile: group for tile, group in missing.items() if group in self.groups}
                unknown.pairs += bool(lost)
                unknown.outside += not lost
                if len(unknown.tiles) < _SHOWN:
                    unknown.tiles.update(lost)
        whole = TileMatches(tiles, sides.offsets, sides.p, sides.q, sides.weights)
        return whole if is_known.all() else whole.of_pairs(is_known)
