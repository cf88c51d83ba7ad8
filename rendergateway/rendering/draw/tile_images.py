"""Images of one tile: level selection, reading, filtering and placement."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from rendergateway.errors import FilterError, ImageError, TransformError
from rendergateway.rendering.base.recipe import Channel, ImageAddress, Level, Recipe, Tile
from rendergateway.rendering.filters.filter import FilterContext
from rendergateway.rendering.filters.registry import applied, built
from rendergateway.rendering.images.levels import drawn_level, floor_level
from rendergateway.rendering.images.sources import BegunImage, Sources
from rendergateway.rendering.pixels.intensity import stretched, to_8bit
from rendergateway.rendering.pixels.patches import Placement
from rendergateway.rendering.pixels.sampling import Pixels
from rendergateway.rendering.placement.placement import place
from rendergateway.transforms import Transform

__all__ = ["LoadedTile", "StartedTile", "TileJob"]

_OWN_RANGE = 0.0, 0.0
_DEEPER = 8


@attrs.frozen(eq=False)
class LoadedTile:
    """The images of one tile at the selected level."""

    job: TileJob
    images: dict[str | None, Pixels]
    masks: dict[str | None, Pixels | None]
    placement: Placement


@attrs.frozen(eq=False)
class PendingChannel:
    """One channel of a tile while its files are read."""

    channel: Channel
    image: BegunImage
    mask: BegunImage | None


@attrs.frozen(eq=False)
class StartedTile:
    """One tile while its files are read: its level is already selected."""

    job: TileJob
    picture_from_local: Transform
    width: float
    level: int
    pending: tuple[PendingChannel, ...]

    def finish(self) -> LoadedTile | None:
        """Wait for the images and place them; None if the image has no pixels at this scale."""
        return self.job.finish(self)


@attrs.frozen(eq=False)
class TileJob:
    """
    The work of drawing one tile.

    Parameters
    ----------
    recipe : Recipe
    sources : Sources
    number : int
        Position of the tile in the recipe.
    tile : Tile
    channels : tuple of Channel
        The channels to draw; at least one.
    """

    recipe: Recipe
    sources: Sources
    number: int
    tile: Tile
    channels: tuple[Channel, ...]

    def begin(self) -> StartedTile:
        """
        Select a level, and start reading its files.

        Raises
        ------
        ImageError
            If no level can be selected.
        """
        width, height = self._size(self.channels[0])
        map_ = self.recipe.picture_from_local(self.tile)
        try:
            level = drawn_level(
                self._unplaced() if self.recipe.seamless else map_, width, height, self.recipe.cell_size
            )
        except (ImageError, TransformError, OverflowError) as error:
            raise self._refused(error) from error
        return StartedTile(self, map_, width, level, tuple(self._begun(channel, level) for channel in self.channels))

    def finish(self, started: StartedTile) -> LoadedTile | None:
        """Wait for the images of the tile; see `StartedTile.finish`."""
        first, *others = started.pending
        image, mask = self._images(first, started.level)
        if not image.size:
            return None
        images, masks = {first.channel.name: image}, {first.channel.name: mask}
        for pending in others:
            self._add(pending, started.level, images, masks)
        if len({found is None for found in masks.values()}) > 1:
            masks = dict.fromkeys(masks)
        try:
            placement = place(
                started.picture_from_local,
                level=started.level,
                image_size=(image.shape[1], image.shape[0]),
                tile_width=started.width,
                cell_size=self.recipe.cell_size,
                picture_size=self.recipe.canvas_size,
                shapes=self.sources.shapes,
            )
        except (TransformError, OverflowError) as error:
            raise self._refused(error) from error
        return LoadedTile(self, images, masks, placement)

    def _unplaced(self) -> Transform:
        """Return the transform to image pixels of a picture that begins at the origin of the world."""
        return attrs.evolve(self.recipe, x=0.0, y=0.0).picture_from_local(self.tile)

    def _size(self, channel: Channel) -> tuple[float, float]:
        if self.tile.width is not None and self.tile.height is not None:
            return self.tile.width, self.tile.height
        # As in the service, the size of the lowest listed level, whichever number it has.
        image = self._read(self._begun_image(self._levels(channel)[min(channel.levels)].image, 0))
        return float(image.shape[1]), float(image.shape[0])

    def _levels(self, channel: Channel) -> Mapping[int, Level]:
        if not channel.levels:
            raise ImageError(f"tile '{self.tile.id}' cannot be drawn: no mipmap levels")
        return channel.levels

    def _level(self, channel: Channel, wanted: int) -> tuple[int, Level]:
        self._levels(channel)
        return floor_level(channel, wanted, self.sources.has)

    def _begun(self, channel: Channel, wanted: int) -> PendingChannel:
        number, level = self._level(channel, wanted)
        halvings, masked = wanted - number, level.mask is not None and not self.recipe.exclude_mask
        image = self._begun_image(level.image, halvings)
        return PendingChannel(channel, image, self._begun_image(level.mask, halvings) if masked else None)

    def _add(
        self,
        pending: PendingChannel,
        level: int,
        images: dict[str | None, Pixels],
        masks: dict[str | None, Pixels | None],
    ) -> None:
        """Add another channel; like the service, accept only square images of the size of the first channel."""
        image, mask = self._images(pending, level)
        first = next(iter(images.values()))
        if (image.shape[1], image.shape[1]) == (first.shape[1], first.shape[0]):
            images[pending.channel.name], masks[pending.channel.name] = image, mask

    def _images(self, pending: PendingChannel, level: int) -> tuple[Pixels, Pixels | None]:
        """Return image and mask; a mask of another size is ignored."""
        channel, mask = pending.channel, None
        image = self._read(pending.image)
        if image.size and (channel.filter is not None or self.recipe.filters):
            image = self._filtered(pending, level)
        else:
            image = self._shown(image, channel)
        if pending.mask is not None and image.size:
            mask = self._read(pending.mask)
            # As in ImageJ, masks of other types than bytes are scaled from their own minimum and maximum.
            mask = mask[..., 0] if mask.ndim == 3 else mask if mask.dtype == np.uint8 else to_8bit(mask, _OWN_RANGE)
            mask = mask if mask.shape == image.shape[:2] else None
        return image, mask

    def _begun_image(self, address: ImageAddress | None, halvings: int) -> BegunImage:
        if address is None:
            raise ImageError(f"tile '{self.tile.id}' cannot be drawn: missing image URL")
        return self.sources.begin(address, halvings)

    def _read(self, begun: BegunImage) -> Pixels:
        try:
            return begun()
        except ImageError as error:
            raise ImageError(f"tile '{self.tile.id}', {error}") from error

    def _shown(self, image: Pixels, channel: Channel) -> Pixels:
        """Return an image, read or filtered when it was read, as the filters of the recipe see it."""
        if channel.is_deep and image.dtype == np.uint8 and image.ndim == 2:
            image = np.left_shift(image, _DEEPER, dtype=np.uint16)
        return stretched(image, self.value_range(channel.name)) if image.ndim == 3 else image

    def _filtered(self, pending: PendingChannel, level: int) -> Pixels:
        """Return the image with its filters applied; once per version of the image, if they always do the same."""
        channel, seed, window = pending.channel, self.recipe.seed, self.value_range(pending.channel.name)
        # As in the service: the filter of the channel at the scale of the picture, not of the level.
        first = FilterContext(self.recipe.scale, None, np.random.default_rng(_seed(seed, self.number)))
        second = FilterContext(0.5**level, window, np.random.default_rng(_seed(seed, self.number)))

        def make(image: Pixels) -> Pixels:
            return applied(self._shown(applied(image, own, first), channel), others, second)

        try:
            steps = () if channel.filter is None else (channel.filter,), self.recipe.filters
            own, others = ([built(step) for step in some] for some in steps)
            if not all(one.is_repeatable for one in (*own, *others)):
                return make(pending.image())
            names = [tuple(step.key for step in some) for some in steps]
            name = *names, first.scale, second.scale, window, channel.is_deep
            return pending.image.derived(name, make)
        except FilterError as error:
            raise FilterError(f"tile '{self.tile.id}': {error}") from error

    def _refused(self, error: Exception) -> ImageError:
        return ImageError(f"tile '{self.tile.id}' cannot be drawn: {error}")

    def value_range(self, name: str | None) -> tuple[float, float]:
        """Return the values of a channel that are displayed black and white."""
        channel = next(channel for channel in self.channels if channel.name == name)
        low, high = self.recipe.min_intensity, self.recipe.max_intensity
        return (
            channel.min_intensity if low is None else float(low),
            channel.max_intensity if high is None else float(high),
        )


def _seed(seed: int | None, number: int) -> list[int] | None:
    return None if seed is None else [seed, number]
