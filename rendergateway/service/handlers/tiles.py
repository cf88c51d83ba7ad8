"""Reading tiles and shared transforms: stored or flattened, by id, layer or filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rendergateway.number_text import double_text
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import NotFound, Uncaught
from rendergateway.service.domain.lookup import existing_stack, existing_tile, existing_tiles, layer_extent, maybe_tiles
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.tile_query import filters_document, query_document, within_limit
from rendergateway.service.http.json_stream import json_stream
from rendergateway.service.store import Store
from rendergateway.service.store.tiles import Ids, StoredTile, Tiles
from rendergateway.wire import LastTransform, encode


def tile_read(store: Store, *, stack: StackId, tile_id: str) -> bytes:
    """Return a tile."""
    return existing_tile(store, stack, tile_id).text


def transform_read(store: Store, *, stack: StackId, transform_id: str) -> bytes:
    """Return a shared transform."""
    text = existing_tiles(store, stack).shared(transform_id)
    if text is None:
        raise NotFound(f"transform spec with id '{transform_id}' does not exist in the {stack}")
    return text


def stack_tile_specs(store: Store, *, stack: StackId, body: list[str | None] | None) -> Iterator[bytes]:
    """List tiles by id, flattened; missing ids are skipped."""
    if body is None:
        raise Uncaught("no tile ids provided")
    tiles = maybe_tiles(store, stack)
    if tiles is None:
        return iter((b"[]",))
    return _flattened(tiles, tiles.ids_of_names(body))


def section_tile_specs(store: Store, *, stack: StackId, z: float, options: Options) -> Iterator[bytes]:
    """List the tiles of a layer, flattened."""
    tiles = _layer(store, stack, z)
    return _flattened(tiles, within_limit(tiles.ids(order="tile_id", z=z), options, query_document(z=z)))


def section_last_transforms(store: Store, *, stack: StackId, z: float, options: Options) -> Iterator[bytes]:
    """List the last transform of each tile of a layer."""
    tiles = _layer(store, stack, z)
    resolver = Resolver(tiles)
    ids = within_limit(tiles.ids(order="tile_id", z=z), options, query_document(z=z))
    texts = [_last_transform(resolver, tile) for tile in tiles.stored(ids)]
    return json_stream(texts)


def _layer(store: Store, stack: StackId, z: float) -> Tiles:
    existing_stack(store, stack)
    layer_extent(store, stack, z)
    return existing_tiles(store, stack)


def _last_transform(resolver: Resolver, stored: StoredTile) -> bytes:
    tile = resolver.flattened(decoded_tile(stored))
    specs = tile.transforms.specList if tile.transforms else []
    return encode(LastTransform(tileId=tile.tileId, lastTransform=specs[-1] if specs else None))


def _flattened(tiles: Tiles, ids: Ids) -> Iterator[bytes]:
    resolver = Resolver(tiles)
    _check_references(tiles, ids, resolver)
    return json_stream(resolver.texts(tiles.stored(ids)))


def _check_references(tiles: Tiles, ids: Ids, resolver: Resolver) -> dict[str, bytes]:
    """
    Return the shared transforms that tiles refer to.

    A tile with a missing reference is refused before the first byte is sent: an error cannot be reported in the
    middle of a list.
    """
    names = tiles.refs(ids)
    shared = resolver.closure(names)
    if names - shared.keys():
        for stored in tiles.stored(ids):
            if not stored.flat:
                resolver.flattened(decoded_tile(stored))
    return shared


def section_resolved_tiles(store: Store, *, stack: StackId, z: float, options: Options) -> Iterator[bytes]:
    """Return the tiles of a layer, with the shared transforms that they refer to."""
    tiles = existing_tiles(store, stack)
    ids = within_limit(tiles.ids(z=z), options, query_document(z=z))
    if not ids:
        raise NotFound(f"no tile specifications found in {stack} for z={double_text(z)}")
    return _resolved(tiles, ids)


def stack_resolved_tiles(store: Store, *, stack: StackId, options: Options, **filters: Any) -> Iterator[bytes]:
    """Return the tiles that match all filters, with the shared transforms that they refer to."""
    tiles = maybe_tiles(store, stack)
    query = filters_document(filters)
    if filters.get("min_z") is not None and filters.get("min_z") == filters.get("max_z"):
        filters["z"] = filters.pop("min_z")
        filters.pop("max_z")
    ids = within_limit(tiles.ids(**filters), options, query) if tiles else None
    if not tiles or not ids:
        raise NotFound(f"no tile specifications found in {stack} for {query}")
    return _resolved(tiles, ids)


def _resolved(tiles: Tiles, ids: Ids) -> Iterator[bytes]:
    resolver = Resolver(tiles)
    shared = _check_references(tiles, ids, resolver)
    transforms = b",".join(b"%b:%b" % (encode(name), text) for name, text in shared.items())
    opening = b'{"transformIdToSpecMap":{%b},"tileIdToSpecMap":{' % transforms
    return json_stream(tiles.entries(ids), opening, b"}}", at_once=1)
