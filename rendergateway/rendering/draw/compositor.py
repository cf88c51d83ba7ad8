"""Drawing of recipes: tiles are read and warped in parallel, and composited in order."""

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
    A rendered image.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, 3)
        Values as in the source images: uint8, uint16 or float32; colours are uint8.
    alpha : ndarray of uint8, shape (H, W), optional
        Opacity; None without masks: then the image is opaque, even outside of tiles.
    value_range : (float, float)
        Values displayed as black and white: those of the recipe, or of the tile drawn last.
    covered : ndarray of bool, shape (H, W), optional
        Whether a tile covers the pixel; None if not requested.
    is_empty : bool
        Whether there was no tile to draw: then the background is not drawn either.
    """

    pixels: Pixels
    alpha: npt.NDArray[np.uint8] | None = None
    value_range: tuple[float, float] = (0.0, float(_BYTE))
    covered: npt.NDArray[np.bool_] | None = None
    is_empty: bool = False

    @classmethod
    def nothing(cls, width: int, height: int) -> RenderedImage:
        """Return an image without tiles: black and transparent."""
        empty = np.zeros((height, width), dtype=np.uint8)
        return cls(empty, empty, covered=empty.astype(bool), is_empty=True)

    def as_8bit(self) -> npt.NDArray[np.uint8]:
        """Return the pixels as displayed: stretched between the values for black and white."""
        return to_8bit(self.pixels, self.value_range)

    @property
    def coverage(self) -> float:
        """Fraction of the pixels covered by tiles, 0 … 1; NaN if not requested."""
        return float("nan") if self.covered is None else float(self.covered.mean())


def draw(recipe: Recipe, sources: Sources, *, most_pixels: int = MOST_PIXELS, coverage: bool = False) -> RenderedImage:
    """
    Draw a recipe.

    Parameters
    ----------
    recipe : Recipe
    sources : Sources
    most_pixels : int
        Size limit; larger images are refused.
    coverage : bool
        Whether to compute `RenderedImage.covered`; takes a little longer.

    Raises
    ------
    ImageError
        If the image would have no pixels or too many, or a source image cannot be read; the message names tile and
        source.
    MissingChannelError
        If several channels are averaged, and a tile has only some of them.

    Examples
    --------
    >>> draw(Recipe(width=40, height=30), Sources()).pixels.shape
    (30, 40)
    """
    width, height = recipe.size(most_pixels)
    with drawing():
        canvases = _drawn(recipe, sources, coverage=coverage)
    return RenderedImage.nothing(width, height) if canvases is None else canvases.picture(width, height)


def _drawn(recipe: Recipe, sources: Sources, *, coverage: bool) -> _Canvases | None:
    """Return the canvases with all tiles drawn; None if there is nothing to draw."""
    names = recipe.channel_names
    jobs = [TileJob(recipe, sources, number, tile, channels) for number, tile, channels in _chosen(recipe, names)]
    started = _started(jobs)
    first = next(filter(None, map(StartedTile.finish, started)), None)
    if first is None:
        return None
    canvases = _Canvases(recipe, names, coverage=coverage)
    canvases.begin(first)

    def drawn(tile: LoadedTile | StartedTile) -> _Drawn | None:
        loaded = tile.finish() if isinstance(tile, StartedTile) else tile
        return None if loaded is None else canvases.drawn(loaded)

    tiles: Iterator[LoadedTile | StartedTile] = chain([first], started)
    for one in in_turn(drawn, tiles):
        if one is not None:
            canvases.add(one)
    return canvases


def _chosen(recipe: Recipe, names: tuple[str | None, ...]) -> Iterator[tuple[int, Tile, tuple[Channel, ...]]]:
    for number, tile in enumerate(recipe.tiles):
        channels = tile.selected(names)
        if not channels and len(names) > 1 and all(channel.name is None for channel in tile.channels):
            raise MissingChannelError(
                f"tile '{tile.id}' has no named channels to average: got {', '.join(map(str, names))}"
            )
        if channels:
            yield number, tile, channels


def _started(jobs: list[TileJob]) -> Iterator[StartedTile]:
    """Yield the tiles in order, reading the files of as many tiles ahead as there are threads."""
    ahead: deque[StartedTile] = deque()
    for job in jobs:
        ahead.append(job.begin())
        if len(ahead) > workers():
            yield ahead.popleft()
    yield from ahead


@attrs.frozen(eq=False)
class _Drawn:
    """The patches of one tile; each has the samples of its images, then of its masks, in the order of the names."""

    loaded: LoadedTile
    patches: list[Patch]


class _Canvases:
    """The canvases of all channels of an image."""

    def __init__(self, recipe: Recipe, names: tuple[str | None, ...], *, coverage: bool) -> None:
        # A mask counts even if its channel is not drawn.
        masked = not recipe.exclude_mask and any(channel.has_mask for tile in recipe.tiles for channel in tile.channels)
        width, height = recipe.canvas_size
        self._masked = masked
        self._recipe = recipe
        self._names = names
        self._canvases = {
            name: Canvas(width, height, masked=masked, binary=recipe.binary_mask, coverage=coverage) for name in names
        }
        self._like: dict[str | None, Pixels] = {}

    def begin(self, first: LoadedTile) -> None:
        """Set the dtype of each canvas from the first tile."""
        self._check(first)
        for name, image in first.images.items():
            self._like[name] = self._canvases[name].begin(image)

    def _check(self, loaded: LoadedTile) -> None:
        missing = [name for name in self._names if name not in loaded.images]
        if missing:
            raise MissingChannelError(
                f"tile '{loaded.job.tile.id}' has no channel '{missing[0]}' of the size of its first one; "
                "only square images of the same size can be averaged"
            )

    def drawn(self, loaded: LoadedTile) -> _Drawn:
        """Warp the images of one tile."""
        self._check(loaded)
        images = [
            converted(image, self._like[name], loaded.job.value_range(name)) for name, image in loaded.images.items()
        ]
        # As in the service, a tile without a mask has a full one: its last row and column fade out.
        masks = [
            np.full(loaded.images[name].shape[:2], _BYTE, dtype=np.uint8) if mask is None else mask
            for name, mask in loaded.masks.items()
        ] if self._masked else []  # fmt: skip
        try:
            patches = loaded.placement.patches(
                [*images, *masks],
                interpolate=self._recipe.interpolate,
                blended=self._masked,
                edges=self._recipe.edges,
            )
        except (ImageError, TransformError, OverflowError) as error:
            raise ImageError(f"tile '{loaded.job.tile.id}' cannot be drawn: {error}") from error
        return _Drawn(loaded, patches)

    def add(self, drawn: _Drawn) -> None:
        """Composite one tile on top."""
        names = list(drawn.loaded.images)
        for patch in drawn.patches:
            masks = patch.samples[len(names) :] if self._masked else [None] * len(names)
            for name, sample, mask in zip(names, patch.samples[: len(names)], masks, strict=True):
                self._canvases[name].add(patch, sample, mask)
        for name in names:
            self._canvases[name].show(drawn.loaded.job.value_range(name))

    def picture(self, width: int, height: int) -> RenderedImage:
        """Return the image: one channel unchanged, or the weighted sum of several."""
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
        """
        Return the weighted sum of channels, truncated after each addition, likewise the opacity, and the value range of
        the channel named first.
        """
        pixels: Pixels | None = None
        alpha: npt.NDArray[np.uint8] | None = None
        for name, weight in self._recipe.channels or ():
            canvas = self._canvases[name]
            if canvas.pixels is None or weight < 0:
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
            raise MissingChannelError("missing channels: none of those to be averaged was drawn")
        return pixels, alpha, self._canvases[self._names[0]].value_range
