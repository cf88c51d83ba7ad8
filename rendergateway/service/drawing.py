"""From render parameters to a picture: what is checked before it is drawn."""

from __future__ import annotations

import math

from rendergateway.endpoints import Endpoint
from rendergateway.model.wire import RenderParameters, flatten
from rendergateway.service.files import check_tile
from rendergateway.service.options import Options
from rendergateway.service.refusals import IllegalArgument, NotBuilt

__all__ = ["draw"]


def draw(recipe: RenderParameters, endpoint: Endpoint, options: Options, most_tiles: int | None = None) -> bytes:
    """
    Return the picture that *recipe* describes, in the format that *endpoint* promises.

    Raises
    ------
    IllegalArgument
        If it would have no pixels, or a tile cannot be drawn.
    """
    if most_tiles is None or len(recipe.tileSpecs) <= most_tiles:
        for tile in recipe.tileSpecs:
            if tile is not None and tile.transforms is not None:
                tile.transforms = flatten(tile.transforms, lambda name: None)
            check_tile(tile, options)
    _check_size(recipe)
    raise NotBuilt(f"{endpoint.name} is not part of the embedded service yet: it draws no pictures")


def _check_size(recipe: RenderParameters) -> None:
    width, height = (_scaled(recipe.scale or 0.0, side or 0) for side in (recipe.width, recipe.height))
    if width <= 0 or height <= 0:
        raise IllegalArgument(f"Width ({width}) and height ({height}) cannot be <= 0")


def _scaled(scale: float, side: int) -> int:
    length = scale * side
    return math.trunc(length) if math.isfinite(length) else 0
