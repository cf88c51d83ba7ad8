"""Label images: each tile drawn in one 16-bit value of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.java_random import JavaRandom
from rendergateway.rendering.base.recipe import Channel, ImageAddress, Level, Recipe, Tile
from rendergateway.rendering.draw.compositor import draw
from rendergateway.rendering.images.sources import Sources

__all__ = ["NO_LABEL", "LabelSources", "draw_labels", "labels_of"]

# The value of pixels without a tile.
NO_LABEL = 0xFFFF
_LOADER = "LABEL"
# Both bytes of a label, so that it is a colour without red in 8 bits; 0, 254 and 255 are left out.
_BYTES = range(1, 254)
_SEED = 99


def labels_of(tile_ids: Sequence[str]) -> dict[str, int]:
    """
    Return the label of each tile of a section; neighbours in the list have different brightness.

    Raises
    ------
    ImageError
        If there are more tiles than labels, 64009.

    References
    ----------
    .. [1] saalfeldlab/render, ``LabelImageProcessorCache``: the order of the labels.
    """
    values = _shuffled()
    if len(tile_ids) > len(values):
        raise ImageError(f"too many tiles for labels: got {len(tile_ids)}, there are {len(values)} labels")
    return dict(zip(tile_ids, values, strict=False))


@functools.cache
def _shuffled() -> tuple[int, ...]:
    values = [(green << 8) | blue for green in _BYTES for blue in _BYTES]
    random = JavaRandom(_SEED)
    for count in range(len(values), 1, -1):
        other = random.below(count)
        values[count - 1], values[other] = values[other], values[count - 1]
    return tuple(values)


class LabelSources(Sources):
    """Sources that also read the images of labels."""

    def _how(self, address: ImageAddress) -> tuple[Hashable, Callable[[], Any]]:
        if address.loader != _LOADER:
            return super()._how(address)
        value, width, height = map(int, address.url.split(","))
        return None, lambda: np.full((height, width), value, dtype=np.uint16)


def draw_labels(recipe: Recipe, labels: Mapping[str, int], sources: LabelSources) -> npt.NDArray[np.uint16]:
    """
    Draw the labels of the tiles of a recipe.

    Parameters
    ----------
    recipe : Recipe
    labels : mapping of str to int
        By tile id.
    sources : LabelSources
        For the masks.

    Returns
    -------
    ndarray of uint16, shape (H, W)
        Labels; `NO_LABEL` outside of tiles and their masks.

    Raises
    ------
    ImageError
        If a tile has no label or no size, and as `draw`.
    """
    tiles = tuple(_labelled(tile, labels) for tile in recipe.tiles)
    plain = attrs.evolve(recipe, tiles=tiles, channels=None, filters=(), interpolate=False, binary_mask=True)
    image = draw(plain, sources, coverage=True)
    if image.is_empty or image.covered is None:
        return np.full(image.pixels.shape, NO_LABEL, dtype=np.uint16)
    return np.where(image.covered, image.pixels, NO_LABEL).astype(np.uint16)


def _labelled(tile: Tile, labels: Mapping[str, int]) -> Tile:
    if tile.id not in labels:
        raise ImageError(f"tile '{tile.id}' has no label: it is not listed in its section")
    if tile.width is None or tile.height is None:
        raise ImageError(f"tile '{tile.id}' cannot be labelled: it has no width and height")
    channel = tile.channels[0]
    lowest = channel.levels[min(channel.levels)] if channel.levels else Level()
    address = ImageAddress(f"{labels[tile.id]},{int(tile.width)},{int(tile.height)}", _LOADER)
    return attrs.evolve(tile, channels=(Channel(levels={0: Level(address, lowest.mask)}),))
