"""Changes to the tiles of a stack: save, delete, move to another layer."""

from __future__ import annotations

from collections.abc import Iterable

from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState
from rendergateway.service.domain.lookup import existing_stack
from rendergateway.service.domain.resolver import decoded_tile
from rendergateway.service.domain.tile_upload import save_tiles
from rendergateway.service.store import Store
from rendergateway.service.store.stacks import StackRow
from rendergateway.service.store.tile_rows import TileRows
from rendergateway.service.store.tiles import Ids, Tiles
from rendergateway.wire import SentTiles, TileSpec, json_number

_MOVED_AT_ONCE = 5000


def stack_save_tiles(store: Store, *, stack: StackId, body: SentTiles | None, derive_data: bool = False) -> None:
    """Store tiles and shared transforms atomically."""
    _save(store, stack, body, None, derive=derive_data)


def section_save_tiles(
    store: Store, *, stack: StackId, z: float, body: SentTiles | None, derive_data: bool = False
) -> None:
    """Store tiles of one layer and shared transforms atomically."""
    _save(store, stack, body, z, derive=derive_data)


def _save(store: Store, stack: StackId, body: SentTiles | None, z: float | None, *, derive: bool) -> None:
    if body is None:
        raise IllegalArgument("no resolved tiles provided")
    row = existing_stack(store, stack)
    if row.state != "LOADING":
        raise IllegalState(
            f"Resolved tiles can only be saved to stacks in the LOADING state, but this stack's state is {row.state}."
        )
    save_tiles(_tiles(store, row), body, z, derive=derive)


def _tiles(store: Store, row: StackRow) -> Tiles:
    """Return the tiles of a stack; the first save after OFFLINE creates their tables again."""
    store.stacks.create_tables(row)
    tiles = store.tiles(row)
    if tiles is None:
        raise IllegalState(f"{row.stack_id} has no tiles")
    return tiles


def _deletable(store: Store, stack: StackId) -> Tiles | None:
    row = existing_stack(store, stack)
    if row.state != "LOADING":
        raise IllegalArgument(f"stack state is {row.state} but must be LOADING to delete data")
    return store.tiles(row)


def tile_delete(store: Store, *, stack: StackId, tile_id: str) -> None:
    """Delete a tile; deleting a missing tile is a no-op."""
    tiles = _deletable(store, stack)
    if tiles is not None:
        tiles.delete_named(tile_id)


def section_delete(store: Store, *, stack: StackId, z: float) -> None:
    """Delete the tiles of a layer."""
    tiles = _deletable(store, stack)
    if tiles is not None:
        tiles.delete(z=z)


def section_id_delete(store: Store, *, stack: StackId, section_id: str) -> None:
    """Delete the tiles of a section."""
    tiles = _deletable(store, stack)
    if tiles is not None:
        tiles.delete(section_id=section_id)


def section_take_tiles(store: Store, *, stack: StackId, z: float, body: list[str | None] | None) -> None:
    """Move the tiles with the posted ids to a layer."""
    existing_stack(store, stack)
    if body is None:
        raise IllegalArgument("tileIds value must be specified")
    tiles = _movable(store, stack)
    if tiles is not None:
        _move(tiles, tiles.ids_of_names(body), z)


def section_id_set_z(store: Store, *, stack: StackId, section_id: str, body: float | None) -> None:
    """Move the tiles of a section to a layer."""
    existing_stack(store, stack)
    if body is None:
        raise IllegalArgument("z value must be specified")
    tiles = _movable(store, stack)
    if tiles is not None:
        _move(tiles, tiles.ids(section_id=section_id), body)


def _movable(store: Store, stack: StackId) -> Tiles | None:
    row = existing_stack(store, stack)
    if row.state != "LOADING":
        raise IllegalState(
            f"Z values can only be updated for stacks in the LOADING state, but this stack's state is {row.state}."
        )
    return store.tiles(row)


def _move(tiles: Tiles, ids: Ids, z: float) -> None:
    for start in range(0, len(ids), _MOVED_AT_ONCE):
        chunk = ids[start : start + _MOVED_AT_ONCE]
        tiles.save(TileRows.of(_with_z(map(decoded_tile, tiles.stored(chunk)), z)))


def _with_z(moved: Iterable[TileSpec], z: float) -> Iterable[TileSpec]:
    for tile in moved:
        tile.z = json_number(float(z))
        yield tile
