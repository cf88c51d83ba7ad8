"""Images of tiles, layers, boxes and posted render parameters; one function serves all formats."""

from __future__ import annotations

from typing import Any

from rendergateway.endpoints import Endpoint
from rendergateway.number_text import truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalState, NullPointer, uncaught
from rendergateway.service.domain.image_files import check_tile, prerendered
from rendergateway.service.domain.lookup import existing_stack
from rendergateway.service.domain.render import render_image
from rendergateway.service.domain.render_parameters import (
    box_recipe,
    layer_recipe,
    neighbors_recipe,
    source_recipe,
    tile_recipe,
)
from rendergateway.service.domain.stack_metadata import version_of
from rendergateway.service.http.conditions import Conditions, ImageResult
from rendergateway.service.store import Store
from rendergateway.wire import RenderParametersJson, StackStatsJson, decode_stored

_LAYER_SCALE = 0.01
_LARGE_DATA_MOST_TILES = 40
_OVERVIEW_SIZE = 192
_SIGN_BIT = 31


def _headers(store: Store, stack: StackId, conditions: Conditions) -> dict[str, str]:
    """Check the conditional headers of the client before anything else."""
    return conditions.check(existing_stack(store, stack).modified_ms)


def tile_jpeg(
    store: Store, *, stack: StackId, tile_id: str, endpoint: Endpoint, options: Options, conditions: Conditions,
    **query: Any,
) -> ImageResult:  # fmt: skip
    """Render one tile."""
    headers = _headers(store, stack, conditions)
    return ImageResult(render_image(tile_recipe(store, stack, tile_id, options, query), endpoint, options), headers)


tile_png = tile_tiff = tile_tiff16 = tile_jpeg


def _draw_source(
    store: Store, stack: StackId, tile_id: str, endpoint: Endpoint, options: Options, conditions: Conditions,
    query: dict[str, Any], *, mask: bool,
) -> ImageResult:  # fmt: skip
    headers = _headers(store, stack, conditions)
    with uncaught():
        recipe = source_recipe(store, stack, tile_id, options, query, mask=mask)
    if "channels" in query:
        check_tile(recipe.tileSpecs[0], options)
        # A source image has no channels; the real service fails with this message.
        raise IllegalState("Index 0 out of bounds for length 0")
    return ImageResult(render_image(recipe, endpoint, options), headers)


def tile_source_jpeg(
    store: Store, *, stack: StackId, tile_id: str, endpoint: Endpoint, options: Options, conditions: Conditions,
    **query: Any,
) -> ImageResult:  # fmt: skip
    """Render the untransformed image of a tile."""
    return _draw_source(store, stack, tile_id, endpoint, options, conditions, query, mask=False)


def tile_mask_jpeg(
    store: Store, *, stack: StackId, tile_id: str, endpoint: Endpoint, options: Options, conditions: Conditions,
    **query: Any,
) -> ImageResult:  # fmt: skip
    """Render the untransformed mask of a tile."""
    return _draw_source(store, stack, tile_id, endpoint, options, conditions, query, mask=True)


tile_source_png = tile_source_tiff = tile_source_jpeg
tile_mask_png = tile_mask_tiff = tile_mask_jpeg


def tile_neighbors_jpeg(
    store: Store, *, stack: StackId, tile_id: str, endpoint: Endpoint, options: Options, conditions: Conditions,
    bounding_boxes_only: bool = False, **query: Any,
) -> ImageResult:  # fmt: skip
    """Render a tile and its surroundings."""
    headers = _headers(store, stack, conditions)
    recipe = neighbors_recipe(store, stack, tile_id, options, query)
    return ImageResult(render_image(recipe, endpoint, options, 0 if bounding_boxes_only else None), headers)


def section_jpeg(
    store: Store, *, stack: StackId, z: float, endpoint: Endpoint, options: Options, conditions: Conditions,
    max_tile_specs_to_render: int | None = None, **query: Any,
) -> ImageResult:  # fmt: skip
    """Render a layer, at a small scale by default."""
    headers = _headers(store, stack, conditions)
    recipe = layer_recipe(store, stack, z, options, {"scale": _LAYER_SCALE} | query)
    return ImageResult(render_image(recipe, endpoint, options, max_tile_specs_to_render), headers)


section_png = section_tiff = section_jpeg


def box_jpeg(
    store: Store, *, stack: StackId, z: float, x: float, y: float, width: int, height: int, endpoint: Endpoint,
    options: Options, conditions: Conditions, group: str | None = None, max_tile_specs_to_render: int | None = None,
    **query: Any,
) -> ImageResult:  # fmt: skip
    """Render a box of a layer, optionally of one tile group only."""
    headers = _headers(store, stack, conditions)
    with uncaught():
        recipe = box_recipe(store, stack, z, (x, y, width, height), options, query, group)
    return ImageResult(render_image(recipe, endpoint, options, max_tile_specs_to_render), headers)


box_png = box_tiff = box_tiff16 = box_png16 = box_raw16 = box_raw = box_jpeg
group_box_jpeg = group_box_png = group_box_tiff = box_jpeg
dvid_jpeg = dvid_png = dvid_tiff = group_dvid_jpeg = group_dvid_png = group_dvid_tiff = box_jpeg


def large_data_jpeg(
    store: Store, *, stack: StackId, width: int, height: int, level: int, z: float, row: int, column: int,
    endpoint: Endpoint, options: Options, conditions: Conditions,
    max_tile_specs_to_render: int = _LARGE_DATA_MOST_TILES, **query: Any,
) -> ImageResult:  # fmt: skip
    """Render one square of a tiled pyramid."""
    headers = _headers(store, stack, conditions)
    if max_tile_specs_to_render != 0:
        place = f"{width}x{height}/{level}/{truncated(z)}/{row}/{column}"
        drawn = _prerendered(store, stack, place, endpoint, options)
        if drawn is not None:
            return ImageResult(drawn, headers)
    size = _power_of_two(level)
    wide, high = truncated(float(width * size)), truncated(float(height * size))
    box = (float(column * wide), float(row * high), wide, high)
    with uncaught():
        recipe = box_recipe(store, stack, z, box, options, {"scale": 1.0 / size} | query)
    return ImageResult(render_image(recipe, endpoint, options, max_tile_specs_to_render), headers)


large_data_png = large_data_jpeg


def _power_of_two(level: int) -> int:
    """Return ``1 << level`` as a 32-bit integer of Java: the shift is taken modulo 32."""
    shift = level % 32
    return -(2**31) if shift == _SIGN_BIT else 1 << shift


def _prerendered(store: Store, stack: StackId, place: str, endpoint: Endpoint, options: Options) -> bytes | None:
    root = version_of(existing_stack(store, stack)).materializedBoxRootPath
    return prerendered(root, f"{place}.{endpoint.path.rpartition('.')[2]}", options)


def large_data_overview_jpeg(
    store: Store, *, stack: StackId, width: int, height: int, z: float, endpoint: Endpoint, options: Options,
    conditions: Conditions, max_overview_width_and_height: int = _OVERVIEW_SIZE, translate_origin: bool = False,
    max_tile_specs_to_render: int = _LARGE_DATA_MOST_TILES, **query: Any,
) -> ImageResult:  # fmt: skip
    """Render a layer at the size of an overview."""
    headers = _headers(store, stack, conditions)
    if max_tile_specs_to_render != 0:
        drawn = _prerendered(store, stack, f"{width}x{height}/small/{truncated(z)}", endpoint, options)
        if drawn is not None:
            return ImageResult(drawn, headers)
    stats: StackStatsJson | None = decode_stored(existing_stack(store, stack).stats or b"", StackStatsJson)
    size = max_overview_width_and_height if max_overview_width_and_height >= 1 else _OVERVIEW_SIZE
    box, scale = _overview(stats, size, translate=translate_origin)
    with uncaught():
        recipe = box_recipe(store, stack, z, box, options, {"scale": scale} | query)
    return ImageResult(render_image(recipe, endpoint, options, max_tile_specs_to_render), headers)


large_data_overview_png = large_data_overview_jpeg


def _overview(
    stats: StackStatsJson | None, size: int, *, translate: bool
) -> tuple[tuple[float, float, int, int], float]:
    """Return the bounding box of a stack, and the scale at which it fits a square of *size* pixels."""
    bounds = stats.stackBounds if stats else None
    if bounds is None:
        # A stack that was never completed has no bounds: one pixel is enlarged.
        return (0.0, 0.0, 1, 1), float(size)
    x, y = float(bounds.minX or 0.0), float(bounds.minY or 0.0)
    if not (translate or x < 0 or y < 0):
        x = y = 0.0
    width, height = float(bounds.maxX or 0.0) - x, float(bounds.maxY or 0.0) - y
    return (x, y, truncated(width), truncated(height)), size / max(width, height, 1.0)


def recipe_jpeg(
    store: Store, *, owner: str, body: RenderParametersJson | None, endpoint: Endpoint, options: Options
) -> ImageResult:
    """Render posted render parameters."""
    if body is None:
        raise NullPointer
    return ImageResult(render_image(body, endpoint, options))


recipe_png = recipe_tiff = recipe_jpeg
