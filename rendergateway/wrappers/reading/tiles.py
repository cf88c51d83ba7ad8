"""Tiles of a stack as stored, by layer, box, group, id or pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import compress
from typing import Any, TypeVar

import attrs

from rendergateway.errors import BadRequestError, RecordError
from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import Text, copy_of, cut_list, decode
from rendergateway.model.records.tiles import TileBoundsRecord, TileRecord
from rendergateway.model.tables.field_values import field_values
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.wrappers.core.arguments import as_count
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey, TileKey, keys_below
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms
from rendergateway.wrappers.reading.splitting import TileQuery, in_pieces, is_too_broad, pieces_of_layer
from rendergateway.wrappers.reading.z_values import listed_z_values, unless_missing

__all__ = [
    "MAX_IN_MEMORY",
    "StackReader",
    "tile_ids_of",
    "tiles_in_box",
]

T = TypeVar("T")
S = TypeVar("S")

# Tiles of a layer that are held in memory when many layers are read one after another.
MAX_IN_MEMORY = 20_000
# Up to this many tiles are read one by one; for more, their layers are read.
_FEW = 8


def tile_ids_of(stack: Bound[StackKey], **limits: Any) -> list[str]:
    """
    Return the ids of the tiles of a stack.

    A service that joins them without escaping, so that one with a quote or a backslash makes the list invalid JSON, is
    understood as well.

    Raises
    ------
    RecordError
        If the answer is neither.

    Notes
    -----
    One request, ``stack.tile_ids``.
    """
    text = copy_of(stack.fetch("stack.tile_ids", **limits))
    try:
        return decode(text, list[str])
    except RecordError:
        joined = text.decode("utf-8", "replace")
        if not (joined.startswith('["') and joined.endswith('"]')) or "\N{REPLACEMENT CHARACTER}" in joined:
            raise
        return joined[2:-2].split('","')


def tiles_in_box(tiles: Mapping[str, Text], box: Bounds) -> dict[str, Text]:
    """Return the tiles whose stored bounding boxes touch a box, by id."""
    from rendergateway.model.tables.tile_table import TileTable

    sides = TileTable(list(tiles.values())).box
    # A tile without a box touches none.
    touching = (sides[:, 0] <= box.max_x) & (sides[:, 1] <= box.max_y)
    touching &= (sides[:, 2] >= box.min_x) & (sides[:, 3] >= box.min_y)
    return dict(compress(tiles.items(), touching.tolist()))


@attrs.frozen(eq=False)
class StackReader:
    """
    Reads tiles of one stack; the shared transforms that come with them are kept.

    Attributes
    ----------
    stack : Bound
        The stack.
    shared : SharedTransforms
        Filled by every read.
    """

    stack: Bound[StackKey]
    shared: SharedTransforms

    @classmethod
    def fresh(cls, stack: Bound[StackKey]) -> StackReader:
        """Return a reader that shares no cache: what a write starts from."""
        return cls(stack, SharedTransforms(stack.fetch))

    # Tiles with their shared transforms

    def layer(self, z: float) -> ResolvedTiles:
        """
        Return the tiles of a layer; empty if the layer is.

        Notes
        -----
        One request, ``section.resolved_tiles``; more if the layer is too large for one answer.
        """

        def read() -> ResolvedTiles:
            try:
                return ResolvedTiles.from_json(self.stack.fetch("section.resolved_tiles", z=z))
            except BadRequestError as error:
                return _or_raise(error, lambda: in_pieces(self.stack, TileQuery((z, z))))

        return self._kept(unless_missing(self.stack, read, ResolvedTiles()))

    def tiles(self, query: TileQuery) -> ResolvedTiles:
        """Return the tiles of a query, read in pieces if they are too many for one answer."""

        def read() -> ResolvedTiles:
            try:
                return ResolvedTiles.from_json(self.stack.fetch("stack.resolved_tiles", **query.values()))
            except BadRequestError as error:
                return _or_raise(error, lambda: self._by_layer(query))

        return self._kept(unless_missing(self.stack, read, ResolvedTiles()))

    def _by_layer(self, query: TileQuery) -> ResolvedTiles:
        """Read layer by layer tiles that are too many for one answer, and a layer that is still too large in pieces."""
        if query.layer is not None:
            return in_pieces(self.stack, query)
        whole = ResolvedTiles()
        low, high = query.z
        limits = {name: z for name, z in (("min_z", low), ("max_z", high)) if z is not None}
        for z in listed_z_values(self.stack, **limits):
            part = self.tiles(attrs.evolve(query, z=(z, z)))
            whole.tiles.update(part.tiles)
            whole.transforms.update(part.transforms)
        return whole

    def pieces(self, z: float, count: int | None, limit: int | None = None) -> Iterator[ResolvedTiles]:
        """
        Yield a layer of *count* tiles in pieces, see `pieces_of_layer`; in one piece if the count is unknown.

        Parameters
        ----------
        z : float
            The layer.
        count : int, optional
            Number of tiles in it.
        limit : int, optional
            Maximum tiles per piece, >= 1; `MAX_IN_MEMORY` unless given.

        Raises
        ------
        ValueError
            If *limit* is below 1.
        """
        limit = MAX_IN_MEMORY if limit is None else as_count(limit, "batch")
        if count is not None and count > limit:
            yield from map(self._kept, pieces_of_layer(self.stack, TileQuery((z, z)), limit=limit))
        elif count != 0:
            yield self.layer(z)

    def named(self, tile_ids: Iterable[str]) -> Iterator[tuple[str, Text]]:
        """
        Yield tiles by their ids, in the order of the layers; one layer is in memory.

        Raises
        ------
        NotFoundError
            If the stack has no tile of an id.
        RecordError
            If a tile is not in the layer of its own z.

        Notes
        -----
        A ``tile.read`` and a ``section.resolved_tiles`` for each layer that contains tiles of those ids; a
        ``tile.read`` each if only a few are left.
        """
        left = dict.fromkeys(tile_ids)
        while left:
            first = next(iter(left))
            text = self.stack.fetch("tile.read", tile_id=first)
            found = ResolvedTiles({first: copy_of(text)}) if len(left) <= _FEW else self._layer_of(first, text)
            for tile_id in [tile_id for tile_id in left if tile_id in found.tiles]:
                del left[tile_id]
                yield tile_id, found.tiles[tile_id]

    def _layer_of(self, tile_id: str, text: Text) -> ResolvedTiles:
        z = TileRecord.from_json(text).z
        layer = self.layer(z) if z is not None else ResolvedTiles()
        if tile_id not in layer.tiles:
            raise RecordError(f"tile {tile_id!r} of stack {self.stack} is not in the layer of its own z, {z}")
        return layer

    def _kept(self, found: ResolvedTiles) -> ResolvedTiles:
        self.shared.add(found.transforms)
        return found

    # Listings

    def listing(self, found: ResolvedTiles, known: Mapping[str, Any] | None = None) -> Listing:
        """Return tiles as a listing, ordered by id."""
        ids = sorted(found.tiles)
        texts = list(map(found.tiles.__getitem__, ids))
        return Listing(ids, keys_below(TileKey, *self.stack.key), texts, known or {})

    def layer_listing(self, z: float) -> Listing:
        """List the tiles of a layer."""
        return self.listing(self.layer(z), {"z": z})

    def query_listing(self, query: TileQuery) -> Listing:
        """List the tiles of a query."""
        known = None if query.layer is None else {"z": float(query.layer)}
        return self.listing(self.tiles(query), known)

    def section_id_listing(self, section_id: str) -> Listing:
        """
        List the tiles with a section id in their layouts, in whatever layers they are.

        Notes
        -----
        One ``section_id.tile_bounds``, which locates them, and ``section.resolved_tiles`` for each layer.
        """

        def read() -> Any:
            return cut_list(self.stack.fetch("section_id.tile_bounds", section_id=section_id))

        rows = list(map(TileBoundsRecord.from_json, unless_missing(self.stack, read, [])))
        wanted = {row.tile_id for row in rows}
        found = ResolvedTiles()
        for z in sorted({row.z for row in rows if row.z is not None}):
            layer = self.layer(z)
            found.tiles.update((tile_id, text) for tile_id, text in layer.tiles.items() if tile_id in wanted)
            found.transforms.update(layer.transforms)
        return self.listing(found)

    def pattern_listing(self, pattern: str, z: tuple[float | None, float | None]) -> Listing:
        """List tiles whose ids match a pattern, by id alone: the service returns no more, so tiles load one by one."""
        values = {"match_pattern": pattern, "min_z": z[0], "max_z": z[1]}
        given = {name: value for name, value in values.items() if value is not None}
        ids = tile_ids_of(self.stack, **given)
        if not ids:
            # A missing stack has no ids either.
            self.stack.fetch("stack.read")
        return Listing(sorted(ids), keys_below(TileKey, *self.stack.key))

    def group_names(self, pieces: Iterable[ResolvedTiles]) -> list[str]:
        """Return the names of the tile groups in pieces of a stack, sorted."""
        path = ("group_id",)
        names = {name for piece in pieces for name in field_values(TileRecord, path, list(piece.tiles.values()))}
        return sorted(names - {None})


def _or_raise(error: BadRequestError, read: Callable[[], T]) -> T:
    if not is_too_broad(error):
        raise error
    return read()
