"""Validation of posted JSON and of stored tiles (contract, 15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rendergateway.errors import RecordError
from rendergateway.number_text import double_text
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, NullPointer, ServiceRefusal
from rendergateway.service.domain.image_files import check_files, check_tile, check_transform
from rendergateway.service.domain.lookup import existing_tile, existing_tiles
from rendergateway.service.domain.render_options import check_channels
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.store import Store
from rendergateway.wire import (
    Interpolated,
    Leaf,
    Reference,
    RenderParametersJson,
    SpecList,
    TileSpec,
    decode_body,
    flatten,
)

_RECIPE = "org.janelia.alignment.RenderParameters instance"
_TILE = "org.janelia.alignment.spec.TileSpec instance"
_TRANSFORM = "org.janelia.alignment.spec.TransformSpec instance"
_AnySpec = Leaf | SpecList | Reference | Interpolated
_SHOWN = ("x", "y", "width", "height", "scale", "minIntensity", "maxIntensity")


def _validated(what: str, kind: Any, body: bytes, describe: Callable[[Any], str], unreadable: str = "") -> str:
    """Return the success message; errors of the parser or of *describe* become the failure message."""
    try:
        if not body.strip():
            raise RecordError("No content to map due to end-of-input")
        value = decode_body(body, kind)
        if value is None:
            raise IllegalArgument("null")
        description = describe(value)
    except RecordError as error:
        raise _failed(what, unreadable or str(error)) from error
    except ServiceRefusal as refusal:
        raise _failed(what, str(refusal) or "null") from refusal
    return f"Successfully parsed {what} from JSON text.  Parsed value is: {description}.\n"


def _failed(what: str, message: str) -> IllegalArgument:
    return IllegalArgument(f"Failed to parse {what} from JSON text.  Specific error is: {message}\n")


def validate_render_parameters(store: Store, *, owner: str, body: bytes, options: Options) -> str:
    """Validate render parameters."""

    def describe(recipe: RenderParametersJson) -> str:
        check_channels(recipe.channels or "")
        for tile in recipe.tileSpecs:
            check_tile(tile, options)
        return _description(recipe)

    return _validated(_RECIPE, RenderParametersJson, body, describe, unreadable="failed to parse json text")


def _description(recipe: RenderParametersJson) -> str:
    standard = RenderParametersJson()
    words = [f"tileSpecs=[{len(recipe.tileSpecs)} items]"]
    for name in _SHOWN:
        value = getattr(recipe, name)
        if value is not None and value != getattr(standard, name):
            words.append(f"{name}={double_text(value) if isinstance(value, float) else value}")
    return "{" + ", ".join(words) + "}"


def validate_tile(store: Store, *, owner: str, body: bytes, options: Options) -> str:
    """Validate a tile: its files, then its transforms."""

    def describe(tile: TileSpec) -> str:
        check_tile(tile, options)
        return "null" if tile.tileId is None else tile.tileId

    return _validated(_TILE, TileSpec, body, describe)


def validate_tiles(store: Store, *, owner: str, body: bytes, options: Options) -> str:
    """Validate the files of several tiles."""

    def describe(tiles: list[TileSpec | None]) -> str:
        for tile in tiles:
            check_files(tile, options)
        return f"array of {len(tiles)} tile specifications"

    return _validated(f"array of {_TILE}s", list[TileSpec], body, describe)


def validate_transform(store: Store, *, owner: str, body: bytes) -> str:
    """Validate a transform."""

    def describe(spec: _AnySpec) -> str:
        check_transform(spec)
        return f"org.janelia.alignment.spec.{type(spec).__name__}"

    return _validated(_TRANSFORM, _AnySpec, body, describe)


def validate_transforms(store: Store, *, owner: str, body: bytes) -> str:
    """Validate several transforms, which may refer to each other."""

    def describe(specs: list[_AnySpec | None]) -> str:
        present = [spec for spec in specs if spec is not None]
        if len(present) < len(specs):
            raise NullPointer
        known = {spec.id: spec for spec in present if spec.id is not None}
        for spec in present:
            resolved = flatten(spec, known.get)
            resolved.id = spec.id
            check_transform(resolved)
        return f"array of {len(specs)} transform specifications"

    return _validated(f"array of {_TRANSFORM}s", list[_AnySpec], body, describe)


def tile_validate(store: Store, *, stack: StackId, tile_id: str, options: Options) -> str:
    """Validate a stored tile: return an empty text, or refuse with the problem."""
    stored = existing_tile(store, stack, tile_id)
    tile = Resolver(existing_tiles(store, stack)).flattened(decoded_tile(stored))
    check_tile(tile, options)
    return ""
