"""Tiles on their way into a stack: derived, checked, stored (contract, 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

from rendergateway.model.wire import ResolvedTiles, Spec, TileSpec, encode, references
from rendergateway.number_text import double_text
from rendergateway.service.boxes import derive_box
from rendergateway.service.refusals import IllegalArgument, NullPointer
from rendergateway.service.store.tiles import Tiles

__all__ = ["check_and_derive", "save"]

_BOX = ("minX", "minY", "maxX", "maxY")


def check_and_derive(body: ResolvedTiles, z: float | None, *, derive: bool) -> dict[str | None, TileSpec]:
    """
    Return the tiles of a request by id, ready to be stored.

    Raises
    ------
    ServiceRefusal
        If one of them cannot be stored; then none is.
    """
    given = list((body.tileIdToSpecMap or {}).values())
    tiles = [_present(tile) for tile in given]
    if not tiles:
        raise IllegalArgument(
            "collection does not have any tiles (maybe they were removed by a prior validation process)"
        )
    shared = {name: spec for name, spec in (body.transformIdToSpecMap or {}).items() if spec is not None}
    if derive:
        for tile in tiles:
            _check_references(tile, shared)
            derive_box(tile, shared)
    for tile in tiles:
        _check(tile, z)
        if not derive:
            _check_references(tile, shared)
        tile.tidy()
    # Of two entries for one tile, the later one wins.
    return {tile.tileId: tile for tile in tiles}


def _present(tile: TileSpec | None) -> TileSpec:
    if tile is None or tile.transforms is None:
        raise NullPointer
    return tile


def _check(tile: TileSpec, z: float | None) -> None:
    if tile.minX is None or tile.minY is None or tile.maxX is None or tile.maxY is None:
        raise IllegalArgument(
            f"tile with id '{_text(tile.tileId)}' is missing bounding box attributes (minX, minY, maxX, and/or maxY)"
        )
    if z is not None and tile.z != z:
        found = "null" if tile.z is None else double_text(float(tile.z))
        raise IllegalArgument(
            f"all tiles must have a z value of {double_text(z)} "
            f"but tile with id '{_text(tile.tileId)}' has a z value of {found}"
        )


def _check_references(tile: TileSpec, shared: Mapping[str, Spec]) -> None:
    """Refuse a tile that refers to what the request does not bring, or to what itself refers on."""
    missing: dict[str, None] = {}
    for name in references(tile.transforms):
        spec = shared.get(name or "")
        unresolved = [name] if spec is None else references(spec)
        missing.update(dict.fromkeys(map(_text, unresolved)))
    if missing:
        raise IllegalArgument(f"tile {_text(tile.tileId)} requires the following transform ids [{', '.join(missing)}]")


def _text(value: str | None) -> str:
    return "null" if value is None else value


def save(tiles: Tiles, body: ResolvedTiles, ready: dict[str | None, TileSpec]) -> None:
    """Store the tiles of a request that were checked, and its shared transforms by their own ids."""
    specs = (spec for spec in (body.transformIdToSpecMap or {}).values() if spec is not None)
    tiles.save_shared((spec.id, encode(spec)) for spec in specs)
    tiles.save(ready.values())
