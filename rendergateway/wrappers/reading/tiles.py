"""Tiles of a stack as they are stored, by whatever they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from rendergateway.errors import BadRequestError
from rendergateway.model import ResolvedTiles, TileBoundsRecord
from rendergateway.model.records.json_slices import cut_list
from rendergateway.wrappers.core.keys import TileKey, keys_below
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.reading.splitting import Asked, in_pieces, is_too_broad, pieces_of_layer

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack_parts import StackParts

__all__ = [
    "MOST_AT_ONCE",
    "ids_that_match",
    "pieces_in_turn",
    "read_layer",
    "read_tiles",
    "tile_listing",
    "tiles_asked_for",
    "tiles_of_section_id",
]

T = TypeVar("T")

# Tiles of a layer that are held at once where many are read one after another.
MOST_AT_ONCE = 20_000


def tile_listing(stack: StackParts, found: ResolvedTiles, known: Mapping[str, Any] | None = None) -> Listing:
    """Return tiles by id; the shared transforms that came with them are remembered."""
    stack.shared_transforms.add(found.transforms)
    ids = sorted(found.tiles)
    texts = list(map(found.tiles.__getitem__, ids))
    return Listing(ids, keys_below(TileKey, *stack._key), texts, known or {})


def read_layer(stack: StackParts, z: float) -> ResolvedTiles:
    """Return the tiles of a layer, in pieces where they are too many for one answer; none where there are none."""

    def read() -> ResolvedTiles:
        try:
            return ResolvedTiles.from_json(stack._text("section.resolved_tiles", z=z))
        except BadRequestError as error:
            return _or_raise(error, lambda: in_pieces(stack, Asked((z, z))))

    return stack._unless_missing(read, ResolvedTiles())


def read_tiles(stack: StackParts, asked: Asked) -> ResolvedTiles:
    """Return the tiles that are asked for, in pieces where they are too many for one answer."""

    def read() -> ResolvedTiles:
        try:
            return ResolvedTiles.from_json(stack._text("stack.resolved_tiles", **asked.values()))
        except BadRequestError as error:
            return _or_raise(error, lambda: _read_more(stack, asked))

    return stack._unless_missing(read, ResolvedTiles())


def tiles_asked_for(stack: StackParts, asked: Asked) -> Listing:
    """List the tiles that are asked for; of one layer, z is known."""
    return tile_listing(stack, read_tiles(stack, asked), None if asked.layer is None else {"z": float(asked.layer)})


def _or_raise(error: BadRequestError, read: Callable[[], T]) -> T:
    if not is_too_broad(error):
        raise error
    return read()


def _read_more(stack: StackParts, asked: Asked) -> ResolvedTiles:
    """Read layer by layer what is too much for one answer, and a layer that still is in pieces."""
    if asked.layer is not None:
        return in_pieces(stack, asked)
    whole = ResolvedTiles()
    low, high = asked.z
    for z in stack.sections(z=(low, high)).ids:
        part = read_tiles(stack, attrs.evolve(asked, z=(z, z)))
        whole.tiles.update(part.tiles)
        whole.transforms.update(part.transforms)
    return whole


def pieces_in_turn(stack: StackParts, z: float, count: int | None, most: int | None = None) -> Iterator[ResolvedTiles]:
    """
    Yield a layer of *count* tiles in pieces, as `pieces_of_layer` cuts them; in one piece if the count is not known.

    Raises
    ------
    ValueError
        If a piece would hold no tile.
    """
    most = MOST_AT_ONCE if most is None else most
    if most < 1:
        raise ValueError(f"batch must be >= 1, got {most}")
    if count is not None and count > most:
        yield from pieces_of_layer(stack, Asked((z, z)), most=most)
    elif count != 0:
        yield read_layer(stack, z)


def tiles_of_section_id(stack: StackParts, section_id: str) -> Listing:
    """
    List the tiles whose layouts carry a section id, in whatever layers they lie.

    Notes
    -----
    One ``section_id.tile_bounds``, which says where they are, and ``section.resolved_tiles`` for each layer.
    """
    texts = stack._unless_missing(lambda: cut_list(stack._text("section_id.tile_bounds", section_id=section_id)), [])
    rows = list(map(TileBoundsRecord.from_json, texts))
    wanted = {row.tile_id for row in rows}
    found = ResolvedTiles()
    for z in sorted({row.z for row in rows if row.z is not None}):
        layer = read_layer(stack, z)
        found.tiles.update((tile_id, text) for tile_id, text in layer.tiles.items() if tile_id in wanted)
        found.transforms.update(layer.transforms)
    return tile_listing(stack, found)


def ids_that_match(stack: StackParts, pattern: str, z: tuple[float | None, float | None]) -> Listing:
    """List tiles by id alone; the service knows no more of a pattern, so that each tile loads when it is read."""
    values = {"match_pattern": pattern, "min_z": z[0], "max_z": z[1]}
    ids: Iterable[str] = stack._call(
        "stack.tile_ids", **{name: value for name, value in values.items() if value is not None}
    )
    if not ids:
        # An unknown stack has no ids either.
        stack._text("stack.read")
    return Listing(sorted(ids), keys_below(TileKey, *stack._key))
