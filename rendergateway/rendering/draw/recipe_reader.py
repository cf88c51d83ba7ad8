"""Recipes from render parameters."""

from __future__ import annotations

from collections.abc import Iterable

from rendergateway import wire
from rendergateway.errors import ImageError, TransformError
from rendergateway.geometry import Bounds
from rendergateway.number_text import parse_double
from rendergateway.rendering.base.recipe import Channel, FilterStep, ImageAddress, Level, PathRule, Recipe, Tile
from rendergateway.rendering.filters.lists import DEFAULT_FILTERS
from rendergateway.rendering.filters.registry import step_of
from rendergateway.transforms import TransformList
from rendergateway.wire.to_transform import to_transform

__all__ = ["read_recipe", "read_tile"]

_DEFAULT_LOADER = "IMAGEJ_DEFAULT"


def read_recipe(parameters: wire.RenderParametersJson | bytes) -> Recipe:
    """
    Convert render parameters to a recipe.

    Parameters
    ----------
    parameters : RenderParameters or bytes
        In wire form or as JSON, with resolved transforms.

    Raises
    ------
    ImageError
        If channels are malformed, or the transforms of a tile are; the message includes its id.
    RecordError
        If the JSON is malformed.

    Examples
    --------
    >>> read_recipe(b'{"width": 100, "height": 80, "scale": 0.5}').size()
    (50, 40)
    """
    if isinstance(parameters, bytes):
        return read_recipe(wire.decode_body(parameters, wire.RenderParametersJson) or wire.RenderParametersJson())
    rule = parameters.mipmapPathBuilder
    return Recipe(
        tiles=tuple(read_tile(tile, rule) for tile in parameters.tileSpecs if tile is not None),
        x=float(parameters.x or 0.0),
        y=float(parameters.y or 0.0),
        width=parameters.width or 0,
        height=parameters.height or 0,
        scale=float(parameters.scale or 0.0),
        channels=_weights(parameters.channels),
        min_intensity=parameters.minIntensity,
        max_intensity=parameters.maxIntensity,
        interpolate=not parameters.skipInterpolation,
        binary_mask=bool(parameters.binaryMask),
        exclude_mask=bool(parameters.excludeMask),
        filters=_filters(parameters),
        background=parameters.backgroundRGBColor,
        noise=bool(parameters.fillWithNoise),
        mesh_cell_size=float(parameters.meshCellSize or 0.0),
        min_mesh_cell_size=float(parameters.minMeshCellSize or 0.0),
        convert_to_gray=bool(parameters.convertToGray),
        quality=float(parameters.quality or 0.0),
    )


def _weights(text: str | None) -> tuple[tuple[str, float], ...] | None:
    """Return names and weights from ``name__weight__name__weight``; a single name has weight 1, the last one counts."""
    if text is None:
        return None
    words = text.split("__")
    if len(words) == 1:
        return ((text, 1.0),)
    try:
        weights = {name: parse_double(weight) for name, weight in zip(words[::2], words[1::2], strict=False)}
    except ValueError as error:
        raise ImageError(f"invalid channels: got {text!r}; write name__weight__name__weight") from error
    return tuple(weights.items())


def _filters(parameters: wire.RenderParametersJson) -> tuple[FilterStep, ...]:
    if parameters.filterSpecs is not None:
        return tuple(map(step_of, parameters.filterSpecs))
    return DEFAULT_FILTERS if parameters.doFilter else ()


def read_tile(tile: wire.TileSpec, rule: wire.PathBuilderJson | None = None) -> Tile:
    """
    Convert a tile spec to a tile of a recipe.

    Parameters
    ----------
    tile : TileSpec
        With resolved transforms.
    rule : PathBuilder, optional
        The default of the stack, used unless the tile has its own.

    Raises
    ------
    ImageError
        If its transforms are malformed.
    """
    name = tile.tileId or ""
    try:
        transform = to_transform(tile.transforms) if tile.transforms else TransformList()
    except TransformError as error:
        raise ImageError(f"tile '{name}': {error}") from error
    edges = (tile.minX, tile.minY, tile.maxX, tile.maxY)
    return Tile(
        id=name,
        transform=transform,
        channels=tuple(_channels(tile, rule)),
        width=tile.width,
        height=tile.height,
        box=None if None in edges else Bounds(*(float(edge or 0.0) for edge in edges)),
    )


def _channels(tile: wire.TileSpec, rule: wire.PathBuilderJson | None) -> Iterable[Channel]:
    if not tile.channels:
        low, high = tile.minIntensity, tile.maxIntensity
        yield _channel(None, low, high, tile.mipmapLevels, tile.mipmapPathBuilder or rule, tile.filterSpec)
    for channel in tile.channels or ():
        if channel is not None:
            own = channel.mipmapPathBuilder or tile.mipmapPathBuilder or rule
            low, high = channel.minIntensity, channel.maxIntensity
            yield _channel(channel.name, low, high, channel.mipmapLevels, own, channel.filterSpec)


def _channel(
    name: str | None,
    low: float | None,
    high: float | None,
    levels: dict[int, wire.Level | None] | None,
    rule: wire.PathBuilderJson | None,
    filter_: wire.Filter | None,
) -> Channel:
    return Channel(
        name=name,
        min_intensity=0.0 if low is None else float(low),
        max_intensity=255.0 if high is None else float(high),
        levels={number: _level(level or wire.Level()) for number, level in sorted((levels or {}).items())},
        path_rule=None
        if rule is None
        else PathRule(rule.rootPath or "", rule.numberOfLevels or 0, rule.extension or ""),
        filter=None if filter_ is None else step_of(filter_),
    )


def _level(level: wire.Level) -> Level:
    image = _address(level.imageUrl, level.imageLoaderType, level.imageSliceNumber)
    return Level(image, _address(level.maskUrl, level.maskLoaderType, level.maskSliceNumber))


def _address(url: str | None, loader: str | None, number: int | None) -> ImageAddress | None:
    return None if url is None else ImageAddress(url, loader or _DEFAULT_LOADER, number)
