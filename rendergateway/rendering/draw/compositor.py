"""Recipes to pictures: tiles are read and warped side by side, and put together in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError, MissingChannelError, TransformError
from rendergateway.rendering.base.recipe import MOST_PIXELS, Channel, Recipe, Tile
from rendergateway.rendering.base.threads import drawing, in_turn, workers
from rendergateway.rendering.draw.tile_images import LoadedTile, StartedTile, TileJob
from rendergateway.rendering.images.sources import Sources
from rendergateway.rendering.pixels.canvas import Canvas, converted
from rendergateway.rendering.pixels.intensity import to_8bit
from rendergateway.rendering.pixels.patches import Patch
from rendergateway.rendering.pixels.sampling import Pixels

__all__ = ["RenderedImage", "draw"]

_BYTE = 255


@attrs.frozen(eq=False)
class RenderedImage:
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
    def nothing(cls, width: int, height: int) -> RenderedImage:
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


def draw(recipe: Recipe, sources: Sources, *, most_pixels: int = MOST_PIXELS, coverage: bool = False) -> RenderedImage:
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
    with drawing():
        board = _drawn(recipe, sources, coverage=coverage)
    return RenderedImage.nothing(width, height) if board is None else board.picture(width, height)


def _drawn(recipe: Recipe, sources: Sources, *, coverage: bool) -> _Board | None:
    """Return the canvases with all tiles on them; None where there is nothing to draw."""
    names = recipe.channel_names
    jobs = [TileJob(recipe, sources, number, tile, channels) for number, tile, channels in _chosen(recipe, names)]
    started = _started(jobs)
    first = next(filter(None, map(StartedTile.finish, started)), None)
    if first is None:
        return None
    board = _Board(recipe, names, jobs, coverage=coverage)
    board.begin(first)

    def drawn(tile: LoadedTile | StartedTile) -> _Drawn | None:
        loaded = tile.finish() if isinstance(tile, StartedTile) else tile
        return None if loaded is None else board.drawn(loaded)

    tiles: Iterator[LoadedTile | StartedTile] = chain([first], started)
    for one in in_turn(drawn, tiles):
        if one is not None:
            board.add(one)
    return board


def _chosen(recipe: Recipe, names: tuple[str | None, ...]) -> Iterator[tuple[int, Tile, tuple[Channel, ...]]]:
    for number, tile in enumerate(recipe.tiles):
        channels = tile.selected(names)
        if channels:
            yield number, tile, channels


def _started(jobs: list[TileJob]) -> Iterator[StartedTile]:
    """Yield the tiles in turn, the files of a few more under way: as many as are decoded at once."""
    ahead: deque[StartedTile] = deque()
    for job in jobs:
        ahead.append(job.begin())
        if len(ahead) > workers():
            yield ahead.popleft()
    yield from ahead


@attrs.frozen(eq=False)
class _Drawn:
    """One tile's patches; of each the samples of images, then of masks, in the order of the names."""

    loaded: LoadedTile
    patches: list[Patch]


class _Board:
    """The canvases of all channels."""

    def __init__(self, recipe: Recipe, names: tuple[str | None, ...], jobs: list[TileJob], *, coverage: bool) -> None:
        masked = not recipe.exclude_mask and any(channel.has_mask for job in jobs for channel in job.channels)
        width, height = recipe.canvas_size
        self._masked = masked
        self._recipe = recipe
        self._names = names
        self._canvases = {
            name: Canvas(width, height, masked=masked, binary=recipe.binary_mask, coverage=coverage) for name in names
        }
        self._like: dict[str | None, Pixels] = {}

    def begin(self, first: LoadedTile) -> None:
        """Make each canvas of the type of its first image."""
        self._check(first)
        for name, image in first.images.items():
            self._like[name] = self._canvases[name].begin(image)

    def _check(self, loaded: LoadedTile) -> None:
        missing = [name for name in self._names if name not in loaded.images]
        if missing:
            raise MissingChannelError(
                f"tile '{loaded.job.tile.id}' has no channel '{missing[0]}' of the size of its first one: "
                "only square images of one size are averaged"
            )

    def drawn(self, loaded: LoadedTile) -> _Drawn:
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

    def picture(self, width: int, height: int) -> RenderedImage:
        """Return what was drawn: of one channel as it is, of several their sum by weight."""
        canvases = [self._canvases[name] for name in self._names]
        pixels, alpha, value_range = (
            (canvases[0].pixels, canvases[0].alpha, canvases[0].value_range) if len(canvases) == 1 else self._average()
        )
        covered = None if canvases[0].covered is None else canvases[0].covered[:height, :width] > 0
        if pixels is None:
            return RenderedImage.nothing(width, height)
        return RenderedImage(
            pixels[:height, :width], None if alpha is None else alpha[:height, :width], value_range, covered
        )

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
