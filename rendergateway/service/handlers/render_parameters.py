"""Render parameters, named filter lists, and tile counts of boxes."""

from __future__ import annotations

from typing import Any

from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import uncaught
from rendergateway.service.domain.lookup import existing_tiles
from rendergateway.service.domain.render_options import filter_lists_json
from rendergateway.service.domain.render_parameters import (
    box_recipe,
    layer_recipe,
    neighbors_recipe,
    source_recipe,
    tile_recipe,
)
from rendergateway.service.store import Store
from rendergateway.wire import encode, encode_numbers


def service_filters(store: Store, *, options: Options) -> bytes:
    """List the named filter lists."""
    return encode(filter_lists_json(options))


def tile_render_parameters(store: Store, *, stack: StackId, tile_id: str, options: Options, **query: Any) -> bytes:
    """Return the render parameters of one tile."""
    return encode_numbers(tile_recipe(store, stack, tile_id, options, query))


def tile_neighbors_render_parameters(
    store: Store, *, stack: StackId, tile_id: str, options: Options, **query: Any
) -> bytes:
    """Return the render parameters of a tile and its surroundings."""
    return encode_numbers(neighbors_recipe(store, stack, tile_id, options, query))


def tile_source_render_parameters(
    store: Store, *, stack: StackId, tile_id: str, options: Options, **query: Any
) -> bytes:
    """Return the render parameters of the untransformed image of a tile."""
    with uncaught():
        return encode_numbers(source_recipe(store, stack, tile_id, options, query, mask=False))


def tile_mask_render_parameters(store: Store, *, stack: StackId, tile_id: str, options: Options, **query: Any) -> bytes:
    """Return the render parameters of the untransformed mask of a tile."""
    with uncaught():
        return encode_numbers(source_recipe(store, stack, tile_id, options, query, mask=True))


def section_render_parameters(store: Store, *, stack: StackId, z: float, options: Options, **query: Any) -> bytes:
    """Return the render parameters of a layer."""
    return encode_numbers(layer_recipe(store, stack, z, options, query))


def box_render_parameters(
    store: Store,
    *,
    stack: StackId,
    z: float,
    x: float,
    y: float,
    width: int,
    height: int,
    options: Options,
    group: str | None = None,
    **query: Any,
) -> bytes:
    """Return the render parameters of a box of a layer."""
    return encode_numbers(box_recipe(store, stack, z, (x, y, width, height), options, query, group))


# The same under other names; some have a tile group as an additional value.
group_box_render_parameters = dvid_render_parameters = group_dvid_render_parameters = box_render_parameters


def box_tile_count(store: Store, *, stack: StackId, z: float, x: float, y: float, width: int, height: int) -> bytes:
    """Return the number of tiles that touch a box of a layer."""
    return encode(existing_tiles(store, stack).count_in_box(z, x, y, x + width, y + height))


dvid_tile_count = box_tile_count
