"""Coordinate mapping: single points, batches, posted tiles, and between stacks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.number_text import double_text
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalState, NullPointer, ServiceRefusal, Uncaught
from rendergateway.service.domain.coordinates import StackCoordinates
from rendergateway.service.domain.tile_maps import TileMap, TileMaps
from rendergateway.service.store import Store
from rendergateway.wire import Coordinates, TileSpec, encode, json_number

Points = list[Coordinates | None] | None


def coordinate_world_from_local(store: Store, *, stack: StackId, tile_id: str, x: float, y: float) -> bytes:
    """Return the world coordinates of a point of a tile."""
    world = StackCoordinates(store, stack).world_from_local(tile_id, _one(x, y))
    return encode(Coordinates(tileId=tile_id, world=world))


def coordinate_local_from_world(store: Store, *, stack: StackId, z: float, x: float, y: float) -> bytes:
    """Return the tiles that contain a world point, with its local coordinates in each."""
    return encode(_places(store, stack, z, x, y))


def coordinate_mapped_to_stack(
    store: Store,
    *,
    stack: StackId,
    z: float,
    x: float,
    y: float,
    to_stack: str,
    to_owner: str | None = None,
    to_project: str | None = None,
) -> bytes:
    """Map a world point into another stack, through its visible tile."""
    place = _places(store, stack, z, x, y)[-1]
    target = StackId(to_owner or stack.owner, to_project or stack.project, to_stack).checked()
    local = place.local or [0.0, 0.0]
    return coordinate_world_from_local(store, stack=target, tile_id=place.tileId or "", x=local[0], y=local[1])


def _one(x: float, y: float) -> FloatArray:
    return np.array([[x, y]], dtype=np.float64)


def _places(store: Store, stack: StackId, z: float, x: float, y: float) -> list[Coordinates]:
    (found,) = StackCoordinates(store, stack).local_from_world(z, _one(x, y))
    if isinstance(found, ServiceRefusal):
        raise found
    return found


# -- batches -----------------------------------------------------------------------------------------------------


def _present(body: Points) -> list[Coordinates | None]:
    if body is None:
        raise Uncaught("no coordinates provided")
    return body


def coordinate_batch_world_from_local(store: Store, *, stack: StackId, body: Points) -> bytes:
    """Map points of tiles to world coordinates."""
    return encode(StackCoordinates(store, stack).all_world_from_local(_present(body)))


def coordinate_section_world_from_local(store: Store, *, stack: StackId, z: float, body: Points) -> bytes:
    """Map points of tiles to world coordinates; *z* is ignored."""
    return coordinate_batch_world_from_local(store, stack=stack, body=body)


def coordinate_batch_local_from_world(store: Store, *, stack: StackId, body: Points) -> bytes:
    """Map world points to local coordinates; each point includes its z."""
    return encode(StackCoordinates(store, stack).all_local_from_world(_present(body), None))


def coordinate_section_local_from_world(store: Store, *, stack: StackId, z: float, body: Points) -> bytes:
    """Map world points of a layer to local coordinates."""
    return encode(StackCoordinates(store, stack).all_local_from_world(_present(body), z))


def coordinate_tile_ids(store: Store, *, stack: StackId, body: Points) -> bytes:
    """Return the tiles whose boxes contain world points; each point includes its z."""
    return encode(_named(store, stack, _present(body), None))


def coordinate_section_tile_ids(store: Store, *, stack: StackId, z: float, body: Points) -> bytes:
    """Return the tiles whose boxes contain world points of a layer."""
    return encode(_named(store, stack, _present(body), z))


def _named(store: Store, stack: StackId, items: list[Coordinates | None], z: float | None) -> list[list[Coordinates]]:
    of_layer: defaultdict[float, list[tuple[int, Coordinates]]] = defaultdict(list)
    for number, item in enumerate(items):
        if item is None or item.world is None or len(item.world) < (3 if z is None else 2):
            raise Uncaught("world values are missing")
        of_layer[float(item.world[2]) if z is None else z].append((number, item))
    answers: list[list[Coordinates]] = [[] for _ in items]
    coordinates = StackCoordinates(store, stack)
    for layer, numbered in of_layer.items():
        points = np.array([(item.world or [])[:2] for _, item in numbered], dtype=np.float64)
        for (number, item), tile_ids in zip(numbered, coordinates.touched(layer, points), strict=True):
            answers[number] = [_for_tile(item, tile_id) for tile_id in tile_ids] or [item]
    return answers


def _for_tile(item: Coordinates, tile_id: str | None) -> Coordinates:
    return Coordinates(tileId=tile_id, visible=item.visible, local=item.local, world=item.world, error=item.error)


# -- posted tiles ------------------------------------------------------------------------------------------------


def coordinate_posted_world_from_local(store: Store, *, owner: str, x: float, y: float, body: TileSpec | None) -> bytes:
    """Map a point of the posted tile to world coordinates."""
    posted = _posted(body)
    return encode([*map(json_number, posted.world_from_local(_one(x, y))[0].tolist()), *posted.tail])


def coordinate_posted_local_from_world(
    store: Store, *, owner: str, x: float, y: float, body: TileSpec | None, mesh_cell_size: float | None = None
) -> bytes:
    """Map a world point to local coordinates of the posted tile."""
    posted = _posted(body, mesh_cell_size)
    local = posted.local_from_world(_one(x, y))[0].tolist()
    if local[0] != local[0]:
        raise IllegalState(f"Noninvertible location ( {double_text(x)}, {double_text(y)} )")
    return encode([*map(json_number, local), *posted.tail])


def _posted(tile: TileSpec | None, cell_size: float | None = None) -> TileMap:
    if tile is None:
        raise NullPointer
    # A posted tile comes without shared transforms.
    return TileMaps(lambda: lambda name: None).of(tile, cell_size)
