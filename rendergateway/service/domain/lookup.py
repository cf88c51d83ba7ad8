"""
Lookup of stacks, tiles and matches, with the three existence checks of the real service (contract, 19.1).

A stack exists by its metadata or by its tile collection, which an OFFLINE stack does not have; some requests check
neither.
"""

from __future__ import annotations

from rendergateway.number_text import double_text
from rendergateway.service.base.ids import CollectionId, StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, NotFound
from rendergateway.service.store import Store
from rendergateway.service.store.matches import Pairs
from rendergateway.service.store.sections import Extent, Sections
from rendergateway.service.store.stacks import StackRow
from rendergateway.service.store.tiles import StoredTile, Tiles

__all__ = [
    "existing_pairs",
    "existing_sections",
    "existing_stack",
    "existing_tile",
    "existing_tiles",
    "layer_extent",
    "maybe_tiles",
    "not_read_only",
    "stack_missing",
    "tile_missing",
]


def stack_missing(stack: StackId) -> NotFound:
    """Return the refusal for a missing stack."""
    return NotFound(f"{stack} does not exist")


def existing_stack(store: Store, stack: StackId) -> StackRow:
    """Return the row of a stack, or refuse with 404."""
    row = store.stacks.find(stack)
    if row is None:
        raise stack_missing(stack)
    return row


def not_read_only(row: StackRow) -> StackRow:
    """Return *row* unless its stack is READ_ONLY: then refuse with 500."""
    if row.state == "READ_ONLY":
        raise IllegalState(f"Data for stack {row.stack} cannot be modified because it is READ_ONLY.")
    return row


def maybe_tiles(store: Store, stack: StackId) -> Tiles | None:
    """Return the tiles of a stack; None if the stack or its tile collection is missing."""
    row = store.stacks.find(stack)
    return store.tiles(row) if row else None


def existing_tiles(store: Store, stack: StackId) -> Tiles:
    """Return the tiles of a stack, or refuse with 404 if it has no tile collection."""
    tiles = maybe_tiles(store, stack)
    if tiles is None:
        raise stack_missing(stack)
    return tiles


def existing_sections(store: Store, stack: StackId) -> Sections:
    """Return the layers and sections of a stack, or refuse with 404 if it has no tile collection."""
    row = store.stacks.find(stack)
    sections = store.sections(row) if row else None
    if sections is None:
        raise stack_missing(stack)
    return sections


def layer_extent(store: Store, stack: StackId, z: float) -> Extent:
    """Return the extent of the tiles of a layer, or refuse with 400 if it is empty."""
    extent = existing_sections(store, stack).layer_extent(z)
    if extent is None:
        raise IllegalArgument(f"stack {stack.stack} does not contain any tiles with a z value of {double_text(z)}")
    return extent


def existing_tile(store: Store, stack: StackId, tile_id: str | None) -> StoredTile:
    """Return one tile, or refuse with 404; a missing stack counts as a missing tile."""
    tiles = maybe_tiles(store, stack)
    tile = tiles.named(tile_id) if tiles else None
    if tile is None:
        raise tile_missing(stack, tile_id)
    return tile


def tile_missing(stack: StackId, tile_id: str | None) -> NotFound:
    """Return the refusal for a missing tile."""
    return NotFound(f"tile spec with id '{tile_id}' does not exist in the render.{stack.storage_name}__tile collection")


def existing_pairs(store: Store, collection: CollectionId) -> Pairs:
    """Return the pairs of a match collection, or refuse with 404."""
    pairs = store.collections.find(collection)
    if pairs is None:
        raise NotFound(f"match collection '{collection.storage_name}' does not exist")
    return pairs
