"""Recipes to pictures: tiles are read and warped side by side, and put together in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import FilterError, ImageError, MissingChannelError, TransformError
from rendergateway.rendering.canvas import Canvas, converted
from rendergateway.rendering.filters import filtered
from rendergateway.rendering.intensity import stretched, to_8bit
from rendergateway.rendering.levels import average_scale, best_level, floor_level
from rendergateway.rendering.placement import Patch, Placement, place
from rendergateway.rendering.recipe import MOST_PIXELS, Channel, Recipe, Tile
from rendergateway.rendering.sampling import Pixels
from rendergateway.rendering.sources import Sources

__all__ = ["Picture", "draw"]

_BYTE = 255
_DEEPER = 8

Item = TypeVar("Item")
Result = TypeVar("Result")


@attrs.frozen(eq=False)
class Picture:
    """
    What was drawn.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Values as in the images: uint8, uint16 or float32; colours uint8.
    alpha : ndarray of uint8, shape (H, W), optional
        Opacity; None for a picture without masks, which is opaque where there is no tile, too.
    value_range : (float, float)
        Values to be shown black and white: of the tile drawn last, or as asked for.
    covered : ndarray of bool, shape (H, W), optional
        Where tiles lie; only where it was asked for.
    """

    pixels: Pixels
    alpha: npt.NDArray[np.uint8] | None = None
    value_range: tuple[float, float] = (0.0, float(_BYTE))
    covered: npt.NDArray[np.bool_] | None = None

    @classmethod
    def nothing(cls, width: int, height: int) -> Picture:
        """Return a picture without tiles: black and transparent."""
        empty = np.zeros((height, width), dtype=np.uint8)
        return cls(empty, empty, covered=empty.astype(bool))

    def as_8bit(self) -> npt.NDArray[np.uint8]:
        """Return the pixels as they are seen: stretched between the values shown black and white."""
        return to_8bit(self.pixels, self.value_range)

    @property
    def coverage(self) -> float:
        """The share of the picture in which tiles lie, 0 … 1; of a picture that was not asked for it, NaN."""
        return float("nan") if self.covered is None else float(self.covered.mean())


def draw(recipe: Recipe, sources: Sources, *, most_pixels: int = MOST_PIXELS, coverage: bool = False) -> Picture:
    """
    Draw a recipe.

    Parameters
    ----------
    recipe : Recipe
    sources : Sources
        Where images come from.
    most_pixels : int
        Larger pictures are refused.
    coverage : bool
        Whether to tell where tiles lie; takes a little longer.

    Raises
    ------
    ImageError
        If the picture would have no pixels or too many, or an image cannot be read; the message names tile and image.
    MissingChannelError
        If several channels are averaged, and a tile has some of them only.

    Examples
    --------
    >>> draw(Recipe(width=40, height=30), Sources()).pixels.shape
    (30, 40)
    """
    width, height = recipe.size(most_pixels)
    names = recipe.channel_names
    jobs = [_Job(recipe, sources, number, tile, channels) for number, tile, channels in _chosen(recipe, names)]
    loaded = _drop_empty(jobs)
    first = next(loaded, None)
    if first is None:
        return Picture.nothing(width, height)
    board = _Board(recipe, names, jobs, coverage=coverage)
    board.begin(first)
    for drawn in _in_turn(board.drawn, _and_then(first, loaded)):
        board.add(drawn)
    return board.picture(width, height)


def _chosen(recipe: Recipe, names: tuple[str | None, ...]) -> Iterator[tuple[int, Tile, tuple[Channel, ...]]]:
    for number, tile in enumerate(recipe.tiles):
        channels = tile.selected(names)
        if channels:
            yield number, tile, channels


def _and_then(first: Item, others: Iterable[Item]) -> Iterator[Item]:
    yield first
    yield from others


def _drop_empty(jobs: list[_Job]) -> Iterator[_Loaded]:
    """Yield what is there to be drawn, read side by side: an image halved too often is nothing."""
    for loaded in _in_turn(_Job.load, iter(jobs)):
        if loaded is not None:
            yield loaded


# -- one tile ----------------------------------------------------------------------------------------------------


@attrs.frozen(eq=False)
class _Loaded:
    """One tile's images at the level that is drawn."""

    job: _Job
    images: dict[str | None, Pixels]
    masks: dict[str | None, Pixels | None]
    placement: Placement


@attrs.frozen(eq=False)
class _Drawn:
    """One tile's patches; of each the samples of images, then of masks, in the order of the names."""

    loaded: _Loaded
    patches: list[Patch]


@attrs.frozen(eq=False)
class _Job:
    recipe: Recipe
    sources: Sources
    number: int
    tile: Tile
    channels: tuple[Channel, ...]

    def load(self) -> _Loaded | None:
        """Read what is drawn of the tile; None where nothing is left of its image at this scale."""
        try:
            return self._load()
        except (TransformError, OverflowError) as error:
            raise ImageError(f"tile '{self.tile.id}' cannot be drawn: {error}") from error

    def _load(self) -> _Loaded | None:
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
            picture_size=_canvas_size(self.recipe),
            maps=self.sources.maps,
        )
        return _Loaded(self, images, masks, placement)

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
            mask = to_8bit(mask, (0.0, float(_BYTE))) if mask.ndim == 2 else mask[..., 0]
            mask = mask if mask.shape == image.shape[:2] else None
        if channel.is_deep and image.dtype == np.uint8 and image.ndim == 2:
            image = np.left_shift(image, _DEEPER, dtype=np.uint16)
        if image.ndim == 3:
            image = stretched(image, self.value_range(channel.name))
        if self.recipe.filters and image.size:
            image = self._filtered(image, wanted)
        return image, mask

    def _read(self, address: Any, halvings: int) -> Pixels:
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


def _canvas_size(recipe: Recipe) -> tuple[int, int]:
    """Return the size of what tiles are drawn on: rounded, where that of the picture is cut."""
    return int(recipe.width * recipe.scale + 0.5), int(recipe.height * recipe.scale + 0.5)


# -- all of them -------------------------------------------------------------------------------------------------


class _Board:
    """The canvases of all channels."""

    def __init__(self, recipe: Recipe, names: tuple[str | None, ...], jobs: list[_Job], *, coverage: bool) -> None:
        masked = not recipe.exclude_mask and any(channel.has_mask for job in jobs for channel in job.channels)
        width, height = _canvas_size(recipe)
        self._masked = masked
        self._recipe = recipe
        self._names = names
        self._canvases = {
            name: Canvas(width, height, masked=masked, binary=recipe.binary_mask, coverage=coverage) for name in names
        }
        self._like: dict[str | None, Pixels] = {}

    def begin(self, first: _Loaded) -> None:
        """Make each canvas of the type of its first image."""
        self._check(first)
        for name, image in first.images.items():
            self._like[name] = self._canvases[name].begin(image)

    def _check(self, loaded: _Loaded) -> None:
        missing = [name for name in self._names if name not in loaded.images]
        if missing:
            raise MissingChannelError(
                f"tile '{loaded.job.tile.id}' has no channel '{missing[0]}' of the size of its first one: "
                "only square images of one size are averaged"
            )

    def drawn(self, loaded: _Loaded) -> _Drawn:
        """Warp the images of one tile."""
        self._check(loaded)
        images = [
            converted(image, self._like[name], loaded.job.value_range(name)) for name, image in loaded.images.items()
        ]
        masks = [mask for mask in loaded.masks.values() if mask is not None] if self._masked else []
        try:
            patches = loaded.placement.patches([*images, *masks], interpolate=self._recipe.interpolate)
        except (ImageError, TransformError, OverflowError) as error:
            raise ImageError(f"tile '{loaded.job.tile.id}' cannot be drawn: {error}") from error
        return _Drawn(loaded, patches)

    def add(self, drawn: _Drawn) -> None:
        """Put one tile on top."""
        names, masks = list(drawn.loaded.images), drawn.loaded.masks
        masked = [name for name in names if self._masked and masks[name] is not None]
        for patch in drawn.patches:
            samples = dict(zip(names, patch.samples, strict=False))
            above = dict(zip(masked, patch.samples[len(names) :], strict=True))
            for name in names:
                self._canvases[name].add(patch, samples[name], above.get(name))
        for name in names:
            self._canvases[name].show(drawn.loaded.job.value_range(name))

    def picture(self, width: int, height: int) -> Picture:
        """Return what was drawn: of one channel as it is, of several their sum by weight."""
        canvases = [self._canvases[name] for name in self._names]
        pixels, alpha, value_range = (
            (canvases[0].pixels, canvases[0].alpha, canvases[0].value_range) if len(canvases) == 1 else self._average()
        )
        covered = None if canvases[0].covered is None else canvases[0].covered[:height, :width] > 0
        if pixels is None:
            return Picture.nothing(width, height)
        return Picture(pixels[:height, :width], None if alpha is None else alpha[:height, :width], value_range, covered)

    def _average(self) -> tuple[Pixels, npt.NDArray[np.uint8], tuple[float, float]]:
        """Add up channels by their weights, cut after each of them; opacity likewise."""
        pixels: Pixels | None = None
        alpha: npt.NDArray[np.uint8] | None = None
        for name, weight in self._recipe.channels or ():
            canvas = self._canvases[name]
            if canvas.pixels is None:
                continue
            if pixels is None or alpha is None:
                pixels, alpha = np.zeros_like(canvas.pixels), np.zeros(canvas.pixels.shape[:2], dtype=np.uint8)
            share = np.full(alpha.shape, weight, dtype=np.float32)
            if canvas.alpha is not None:
                share *= canvas.alpha / np.float32(_BYTE)
            full = alpha / np.float32(_BYTE)
            shares = share[..., np.newaxis] if pixels.ndim == 3 else share
            pixels = (canvas.pixels * shares + pixels).astype(pixels.dtype)
            alpha = ((share + full) * np.float32(_BYTE)).astype(np.uint8)
        if pixels is None or alpha is None:
            raise MissingChannelError("no channel of those that are to be averaged is there")
        return pixels, alpha, (0.0, float(_BYTE)) if pixels.dtype == np.uint8 else (0.0, 0.0)


# -- side by side ------------------------------------------------------------------------------------------------

_THREADS: list[ThreadPoolExecutor] = []


def _threads() -> ThreadPoolExecutor:
    if not _THREADS:
        _THREADS.append(ThreadPoolExecutor(_workers(), thread_name_prefix="rendergateway-tile"))
    return _THREADS[0]


def _workers() -> int:
    return min(8, os.cpu_count() or 1)


def _in_turn(work: Callable[[Item], Result], items: Iterator[Item]) -> Iterator[Result]:
    """Yield what *work* makes of each item, in order; a few items ahead are worked on, no more are held."""
    ahead: deque[Future[Result]] = deque()
    try:
        for item in items:
            ahead.append(_threads().submit(work, item))
            if len(ahead) > _workers():
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()
