"""Render parameters of tiles, layers and boxes: all that a picture of them is made from (contract, 9)."""

from __future__ import annotations

from typing import Any

from rendergateway.number_text import truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.domain.boxes import derive_box
from rendergateway.service.domain.lookup import existing_stack, existing_tile, existing_tiles, layer_extent
from rendergateway.service.domain.render_options import apply_look
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.stack_metadata import version_of
from rendergateway.service.domain.tile_query import query_document, within_limit
from rendergateway.service.store import Store
from rendergateway.wire import Channel, Level, RenderParameters, SpecList, TileSpec

__all__ = ["box_recipe", "layer_recipe", "neighbors_recipe", "source_recipe", "tile_recipe", "without_last"]

_FACTOR = 0.3


def _of_stack(store: Store, stack: StackId, recipe: RenderParameters, look: dict[str, Any]) -> RenderParameters:
    """Finish *recipe* with the look asked for and what the stack says of itself."""
    version = version_of(existing_stack(store, stack))
    recipe.mipmapPathBuilder = version.mipmapPathBuilder
    if "channels" not in look:
        recipe.channels = version.defaultChannel
    return apply_look(recipe, look)


def _flat_tile(store: Store, stack: StackId, tile_id: str) -> TileSpec:
    tiles = existing_tiles(store, stack)
    return Resolver(tiles).flattened(decoded_tile(existing_tile(store, stack, tile_id)))


def layer_recipe(store: Store, stack: StackId, z: float, options: Options, look: dict[str, Any]) -> RenderParameters:
    """Return what draws a whole layer."""
    existing_stack(store, stack)
    extent = layer_extent(store, stack, z)
    tiles = existing_tiles(store, stack)
    ids = within_limit(tiles.ids(order="tile_id", z=z), options, query_document(z=z))
    resolver = Resolver(tiles)
    recipe = RenderParameters(
        x=extent.min_x,
        y=extent.min_y,
        width=truncated(extent.max_x - extent.min_x),
        height=truncated(extent.max_y - extent.min_y),
        tileSpecs=[resolver.flattened(decoded_tile(stored)) for stored in tiles.stored(ids)],
    )
    return _of_stack(store, stack, recipe, look)


def box_recipe(
    store: Store,
    stack: StackId,
    z: float,
    box: tuple[float, float, int, int],
    options: Options,
    look: dict[str, Any],
    group: str | None = None,
) -> RenderParameters:
    """Return what draws a box of a layer, or of one group of its tiles; without tiles, nothing."""
    existing_stack(store, stack)
    x, y, width, height = box
    tiles = existing_tiles(store, stack)
    ids = tiles.ids_in_box(z, x, y, x + width, y + height, group)
    resolver = Resolver(tiles)
    found = within_limit(ids, options, query_document(z=z))
    specs = [resolver.flattened(decoded_tile(stored)) for stored in tiles.stored(found)]
    recipe = RenderParameters(x=x, y=y, width=width, height=height, tileSpecs=[*specs])
    return _of_stack(store, stack, recipe, look)


def neighbors_recipe(
    store: Store, stack: StackId, tile_id: str, options: Options, look: dict[str, Any]
) -> RenderParameters:
    """Return what draws a tile and what lies around it."""
    tile = decoded_tile(existing_tile(store, stack, tile_id))
    width, height = float(tile.width or 0.0), float(tile.height or 0.0)
    margin_x = width * look.pop("width_factor", _FACTOR)
    margin_y = height * look.pop("height_factor", _FACTOR)
    box = (
        float(tile.minX or 0.0) - margin_x,
        float(tile.minY or 0.0) - margin_y,
        truncated(width) + truncated(2 * margin_x),
        truncated(height) + truncated(2 * margin_y),
    )
    return box_recipe(store, stack, float(tile.z or 0.0), box, options, look)


def source_recipe(store: Store, stack: StackId, tile_id: str, look: dict[str, Any], *, mask: bool) -> RenderParameters:
    """Return what draws a tile's image, or its mask, as it is in the file."""
    tile = decoded_tile(existing_tile(store, stack, tile_id))
    number, level = _first_level(tile)
    url = level.maskUrl if mask else level.imageUrl
    image = Level(imageUrl=url) if mask else Level(
        imageUrl=url, imageLoaderType=level.imageLoaderType, imageSliceNumber=level.imageSliceNumber
    )  # fmt: skip
    recipe = RenderParameters(
        width=truncated(float(tile.width or 0.0)),
        height=truncated(float(tile.height or 0.0)),
        skipInterpolation=True,
        tileSpecs=[TileSpec(channels=[Channel(mipmapLevels={number: image})])],
    )
    return apply_look(recipe, look)


def _first_level(tile: TileSpec) -> tuple[int, Level]:
    for number, level in tile.pyramids[0].items():
        if level is not None:
            return number, level
    return 0, Level()


# -- one tile ----------------------------------------------------------------------------------------------------


def tile_recipe(store: Store, stack: StackId, tile_id: str, look: dict[str, Any]) -> RenderParameters:
    """Return what draws one tile, normalised for matching where that is asked for (contract, 9.4)."""
    existing_stack(store, stack)
    tile = _flat_tile(store, stack, tile_id)
    normalized = look.pop("normalize_for_matching", False)
    _normalize(tile, look, legacy=normalized)
    min_x, min_y = float(tile.minX or 0.0), float(tile.minY or 0.0)
    # Normalised tiles begin at the world's origin, whichever way they were normalised.
    x, y = (0.0, 0.0) if normalized else (min_x, min_y)
    width, height = look.pop("width", None), look.pop("height", None)
    recipe = RenderParameters(
        x=x + look.pop("x", 0),
        y=y + look.pop("y", 0),
        width=truncated(float(tile.maxX or 0.0) - min_x) if width is None else width,
        height=truncated(float(tile.maxY or 0.0) - min_y) if height is None else height,
        tileSpecs=[tile],
    )
    return _of_stack(store, stack, recipe, look)


def _normalize(tile: TileSpec, look: dict[str, Any], *, legacy: bool) -> None:
    after_last = look.pop("exclude_transforms_after_last", [])
    from_first = look.pop("exclude_first_transform_and_all_after", [])
    # The mere presence of this value counts, even as false.
    exclude_all = look.pop("exclude_all_transforms", None)
    specs = list(tile.transforms.specList) if tile.transforms else []
    if exclude_all is not None or after_last or from_first:
        specs = [] if exclude_all else _cut(specs, set(after_last), set(from_first))
    elif legacy:
        specs = without_last(specs)
    else:
        return
    tile.transforms = SpecList(specList=specs)
    derive_box(tile, {})


def _cut(specs: list[Any], after_last: set[str], from_first: set[str]) -> list[Any]:
    last = [position for position, spec in enumerate(specs) if after_last.intersection(spec.labels)]
    if last:
        specs = specs[: last[-1] + 1]
    first = [position for position, spec in enumerate(specs) if from_first.intersection(spec.labels)]
    return specs[: first[0]] if first else specs


def without_last(specs: list[Any]) -> list[Any]:
    """Return the transforms that tiles had when they were drawn for matching, by the rule without labels."""
    lens = [position for position, spec in enumerate(specs) if "lens" in spec.labels]
    return specs[: lens[-1] + 1] if lens else specs[:-1][:2]
