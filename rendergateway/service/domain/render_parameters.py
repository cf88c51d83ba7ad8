"""Render parameters of tiles, layers and boxes (contract, 9)."""

from __future__ import annotations

from typing import Any

from rendergateway.number_text import truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import NullPointer
from rendergateway.service.domain.boxes import derive_boxes
from rendergateway.service.domain.lookup import existing_stack, existing_tile, existing_tiles, layer_extent, maybe_tiles
from rendergateway.service.domain.render_options import apply_options
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.stack_metadata import version_of
from rendergateway.service.domain.tile_query import box_document, query_document, within_limit
from rendergateway.service.store import Store
from rendergateway.wire import Channel, Level, RenderParametersJson, SpecList, TileSpec

__all__ = ["box_recipe", "layer_recipe", "neighbors_recipe", "source_recipe", "tile_recipe", "without_last"]

_FACTOR = 0.3
# Width and height of a tile without them, in the real service.
_NO_SIZE = -1.0


def _of_stack(
    store: Store, stack: StackId, recipe: RenderParametersJson, query: dict[str, Any], options: Options
) -> RenderParametersJson:
    """Complete *recipe* with the options in *query* and the defaults of the stack."""
    version = version_of(existing_stack(store, stack))
    recipe.mipmapPathBuilder = version.mipmapPathBuilder
    if "channels" not in query:
        recipe.channels = version.defaultChannel
    return apply_options(recipe, query, options)


def _flat_tile(store: Store, stack: StackId, tile_id: str) -> TileSpec:
    stored = existing_tile(store, stack, tile_id)
    return Resolver(existing_tiles(store, stack)).flattened(decoded_tile(stored))


def layer_recipe(
    store: Store, stack: StackId, z: float, options: Options, query: dict[str, Any]
) -> RenderParametersJson:
    """Return the render parameters of a whole layer."""
    existing_stack(store, stack)
    extent = layer_extent(store, stack, z)
    tiles = existing_tiles(store, stack)
    ids = within_limit(tiles.ids(order="tile_id", z=z), options, query_document(z=z))
    resolver = Resolver(tiles)
    recipe = RenderParametersJson(
        x=extent.min_x,
        y=extent.min_y,
        width=truncated(extent.max_x - extent.min_x),
        height=truncated(extent.max_y - extent.min_y),
        tileSpecs=[resolver.flattened(decoded_tile(stored)) for stored in tiles.stored(ids)],
    )
    return _of_stack(store, stack, recipe, query, options)


def box_recipe(
    store: Store,
    stack: StackId,
    z: float,
    box: tuple[float, float, int, int],
    options: Options,
    query: dict[str, Any],
    group: str | None = None,
) -> RenderParametersJson:
    """Return the render parameters of a box of a layer, optionally of one tile group only."""
    existing_stack(store, stack)
    x, y, width, height = box
    recipe = RenderParametersJson(x=x, y=y, width=width, height=height)
    tiles = maybe_tiles(store, stack)
    if tiles is not None:
        edges = x, y, x + width, y + height
        ids = within_limit(tiles.ids_in_box(z, *edges, group), options, box_document(z, *edges, group))
        resolver = Resolver(tiles)
        recipe.tileSpecs = [resolver.flattened(decoded_tile(stored)) for stored in tiles.stored(ids)]
    return _of_stack(store, stack, recipe, query, options)


def neighbors_recipe(
    store: Store, stack: StackId, tile_id: str, options: Options, query: dict[str, Any]
) -> RenderParametersJson:
    """Return the render parameters of a tile and its surroundings."""
    tile = decoded_tile(existing_tile(store, stack, tile_id))
    width, height = _size(tile)
    margin_x = width * query.pop("width_factor", _FACTOR)
    margin_y = height * query.pop("height_factor", _FACTOR)
    box = (
        float(tile.minX or 0.0) - margin_x,
        float(tile.minY or 0.0) - margin_y,
        truncated(width) + truncated(2 * margin_x),
        truncated(height) + truncated(2 * margin_y),
    )
    return box_recipe(store, stack, float(tile.z or 0.0), box, options, query)


def source_recipe(
    store: Store, stack: StackId, tile_id: str, options: Options, query: dict[str, Any], *, mask: bool
) -> RenderParametersJson:
    """Return the render parameters of the image or mask of a tile, untransformed."""
    tile = decoded_tile(existing_tile(store, stack, tile_id))
    number, level = _first_level(tile)
    width, height = _size(tile)
    image = Level(
        imageUrl=level.maskUrl if mask else level.imageUrl,
        imageLoaderType=level.maskLoaderType if mask else level.imageLoaderType,
        imageSliceNumber=level.maskSliceNumber if mask else level.imageSliceNumber,
    )
    recipe = RenderParametersJson(
        width=truncated(width),
        height=truncated(height),
        skipInterpolation=True,
        tileSpecs=[TileSpec(channels=[Channel(mipmapLevels={number: image})])],
    )
    return apply_options(recipe, query, options)


def _size(tile: TileSpec) -> tuple[float, float]:
    width, height = (_NO_SIZE if side is None else float(side) for side in (tile.width, tile.height))
    return width, height


def _first_level(tile: TileSpec) -> tuple[int, Level]:
    for number, level in tile.pyramids[0].items():
        if level is not None:
            return number, level
    raise NullPointer


# -- one tile ----------------------------------------------------------------------------------------------------


def tile_recipe(
    store: Store, stack: StackId, tile_id: str, options: Options, query: dict[str, Any]
) -> RenderParametersJson:
    """Return the render parameters of one tile, normalized for matching on request (contract, 9.4)."""
    existing_stack(store, stack)
    tile = _flat_tile(store, stack, tile_id)
    normalized = query.pop("normalize_for_matching", False)
    _normalize(tile, query, legacy=normalized)
    min_x, min_y = float(tile.minX or 0.0), float(tile.minY or 0.0)
    # Normalized tiles start at the origin of the world, however they were normalized.
    x, y = (0.0, 0.0) if normalized else (min_x, min_y)
    width, height = query.pop("width", None), query.pop("height", None)
    more = 1.0 if options.is_like_2019 else 0.0
    recipe = RenderParametersJson(
        x=x + query.pop("x", 0),
        y=y + query.pop("y", 0),
        width=truncated(float(tile.maxX or 0.0) - min_x + more) if width is None else width,
        height=truncated(float(tile.maxY or 0.0) - min_y + more) if height is None else height,
        tileSpecs=[tile],
    )
    return _of_stack(store, stack, recipe, query, options)


def _normalize(tile: TileSpec, query: dict[str, Any], *, legacy: bool) -> None:
    after_last = query.pop("exclude_transforms_after_last", [])
    from_first = query.pop("exclude_first_transform_and_all_after", [])
    # This value counts even if it is false.
    exclude_all = query.pop("exclude_all_transforms", None)
    specs = list(tile.transforms.specList) if tile.transforms else []
    if exclude_all is not None or after_last or from_first:
        specs = [] if exclude_all else _cut(specs, set(after_last), set(from_first))
    elif legacy:
        specs = without_last(specs)
    else:
        return
    tile.transforms = SpecList(specList=specs)
    derive_boxes([tile], {})


def _cut(specs: list[Any], after_last: set[str], from_first: set[str]) -> list[Any]:
    last = [position for position, spec in enumerate(specs) if after_last.intersection(spec.labels)]
    if last:
        specs = specs[: last[-1] + 1]
    first = [position for position, spec in enumerate(specs) if from_first.intersection(spec.labels)]
    return specs[: first[0]] if first else specs


def without_last(specs: list[Any]) -> list[Any]:
    """Return the transforms that are applied in images for matching, by the rule for unlabelled transforms."""
    lens = [position for position, spec in enumerate(specs) if "lens" in spec.labels]
    return specs[: lens[-1] + 1] if lens else specs[:-1][:2]
