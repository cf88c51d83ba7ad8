"""The images of one tile: read, brought to the level that is drawn, filtered, and placed."""

from __future__ import annotations

import attrs
import numpy as np

from rendergateway.errors import FilterError, ImageError, TransformError
from rendergateway.rendering.filters import filtered
from rendergateway.rendering.intensity import stretched, to_8bit
from rendergateway.rendering.levels import average_scale, best_level, floor_level
from rendergateway.rendering.patches import Placement
from rendergateway.rendering.placement import place
from rendergateway.rendering.recipe import Channel, ImageAddress, Recipe, Tile
from rendergateway.rendering.sampling import Pixels
from rendergateway.rendering.sources import Sources

__all__ = ["LoadedTile", "TileJob"]

_WHOLE_RANGE = 0.0, 255.0
_DEEPER = 8


@attrs.frozen(eq=False)
class LoadedTile:
    """One tile's images at the level that is drawn."""

    job: TileJob
    images: dict[str | None, Pixels]
    masks: dict[str | None, Pixels | None]
    placement: Placement


@attrs.frozen(eq=False)
class TileJob:
    """
    One tile that is to be drawn.

    Parameters
    ----------
    recipe : Recipe
        What it is a part of.
    sources : Sources
        Where its images come from.
    number : int
        Its place in the recipe.
    tile : Tile
    channels : tuple of Channel
        Those that are drawn; at least one.
    """

    recipe: Recipe
    sources: Sources
    number: int
    tile: Tile
    channels: tuple[Channel, ...]

    def load(self) -> LoadedTile | None:
        """Read what is drawn of the tile; None where nothing is left of its image at this scale."""
        try:
            return self._load()
        except (TransformError, OverflowError) as error:
            raise ImageError(f"tile '{self.tile.id}' cannot be drawn: {error}") from error

    def _load(self) -> LoadedTile | None:
        first = self.channels[0]
        width, height = self._size(first)
        map_ = self.recipe.picture_from_local(self.tile)
        try:
            level = best_level(average_scale(map_, width, height, self.recipe.cell_size))
        except ImageError as error:
            raise ImageError(f"tile '{self.tile.id}' cannot be drawn: {error}") from error
        image, mask = self._channel(first, level)
        if not image.size:
            return None
        images, masks = {first.name: image}, {first.name: mask}
        for channel in self.channels[1:]:
            self._add(channel, level, images, masks)
        if len({found is None for found in masks.values()}) > 1:
            masks = dict.fromkeys(masks)
        placement = place(
            map_,
            level=level,
            image_size=(image.shape[1], image.shape[0]),
            tile_width=width,
            cell_size=self.recipe.cell_size,
            picture_size=self.recipe.canvas_size,
            maps=self.sources.maps,
        )
        return LoadedTile(self, images, masks, placement)

    def _size(self, channel: Channel) -> tuple[float, float]:
        if self.tile.width is not None and self.tile.height is not None:
            return self.tile.width, self.tile.height
        _, level = floor_level(channel, 0, self.sources.has)
        image = self._read(level.image, 0)
        return float(image.shape[1]), float(image.shape[0])

    def _add(
        self, channel: Channel, level: int, images: dict[str | None, Pixels], masks: dict[str | None, Pixels | None]
    ) -> None:
        """Add another channel; the service takes square images only, and only of the first one's size."""
        image, mask = self._channel(channel, level)
        first = next(iter(images.values()))
        if (image.shape[1], image.shape[1]) == (first.shape[1], first.shape[0]):
            images[channel.name], masks[channel.name] = image, mask

    def _channel(self, channel: Channel, wanted: int) -> tuple[Pixels, Pixels | None]:
        """Return image and mask; a mask of another size counts as none."""
        number, level = floor_level(channel, wanted, self.sources.has)
        image = self._read(level.image, wanted - number)
        mask = None
        if level.mask is not None and not self.recipe.exclude_mask and image.size:
            mask = self._read(level.mask, wanted - number)
            mask = to_8bit(mask, _WHOLE_RANGE) if mask.ndim == 2 else mask[..., 0]
            mask = mask if mask.shape == image.shape[:2] else None
        if channel.is_deep and image.dtype == np.uint8 and image.ndim == 2:
            image = np.left_shift(image, _DEEPER, dtype=np.uint16)
        if image.ndim == 3:
            image = stretched(image, self.value_range(channel.name))
        if self.recipe.filters and image.size:
            image = self._filtered(image, wanted)
        return image, mask

    def _read(self, address: ImageAddress | None, halvings: int) -> Pixels:
        if address is None:
            raise ImageError(f"tile '{self.tile.id}' names no image")
        try:
            return self.sources.image(address, halvings)
        except ImageError as error:
            raise ImageError(f"tile '{self.tile.id}', {error}") from error

    def _filtered(self, image: Pixels, level: int) -> Pixels:
        seed = self.recipe.seed
        random = np.random.default_rng(None if seed is None else [seed, self.number])
        try:
            return filtered(image, self.recipe.filters, 0.5**level, random)
        except FilterError as error:
            raise FilterError(f"tile '{self.tile.id}': {error}") from error

    def value_range(self, name: str | None) -> tuple[float, float]:
        """Return the values that a channel is shown between."""
        channel = next(channel for channel in self.channels if channel.name == name)
        low, high = self.recipe.min_intensity, self.recipe.max_intensity
        return (
            channel.min_intensity if low is None else float(low),
            channel.max_intensity if high is None else float(high),
        )
