"""Recipes: everything that determines a rendered image, as plain values."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

import attrs

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.transforms import AffineModel2D, Transform, TransformList

__all__ = ["MOST_PIXELS", "Channel", "FilterStep", "ImageAddress", "Level", "PathRule", "Recipe", "Tile"]

# Larger images are refused.
MOST_PIXELS = 10**8


@attrs.frozen
class ImageAddress:
    """
    Location of an image, and how to read it.

    Parameters
    ----------
    url : str
        A path, ``file:`` or other URL; the opener decides whether it may be opened.
    loader : str
        As ``imageLoaderType`` of a tile; `IMAGEJ_DEFAULT` reads the first image of a file.
    number : int, optional
        Which image of a multi-image file, counted from 1.
    """

    url: str
    loader: str = "IMAGEJ_DEFAULT"
    number: int | None = None

    @property
    def full_url(self) -> str:
        """The URL with its scheme; a path is that of a file."""
        return self.url if ":" in self.url else f"file:{self.url}"


@attrs.frozen
class Level:
    """Image and mask of one level of a pyramid."""

    image: ImageAddress | None = None
    mask: ImageAddress | None = None


@attrs.frozen
class PathRule:
    """Rule for the URLs of unlisted mipmap levels."""

    root: str
    level_count: int
    extension: str

    def derived(self, level: int, listed: Level) -> tuple[int, Level]:
        """Return the number of the level to use for *level*, and the URLs of its files."""
        number = min(level, self.level_count)
        image, mask = (
            address and ImageAddress(self._url(address.url, number)) for address in (listed.image, listed.mask)
        )
        return number, Level(image, mask)

    def _url(self, url: str, level: int) -> str:
        root = self.root if self.root.endswith("/") else f"{self.root}/"
        path = url.partition(":")[2] if ":" in url else url
        return f"{root}{level}{path if path.startswith('/') else '/' + path}.{self.extension}"


def _without_package(name: str) -> str:
    return name.removeprefix("org.janelia.alignment.filter.")


@attrs.frozen
class FilterStep:
    """One filter: its full Java class name, and its parameters as text; None if missing."""

    class_name: str | None
    parameters: Mapping[str, str] | None = attrs.field(factory=dict)

    @property
    def key(self) -> Hashable:
        """Equal for steps that do the same."""
        return self.class_name, None if self.parameters is None else frozenset(self.parameters.items())


@attrs.frozen
class Channel:
    """One channel of a tile; a tile without channels has a single one without a name."""

    name: str | None = None
    min_intensity: float = 0.0
    max_intensity: float = 255.0
    levels: Mapping[int, Level] = attrs.field(factory=dict)
    path_rule: PathRule | None = None
    # Applied when the image is loaded, before the filters of the recipe.
    filter: FilterStep | None = None

    @property
    def is_deep(self) -> bool:
        """Whether its intensity range promotes 8-bit images to 16 bits."""
        return self.max_intensity > 255.0

    @property
    def has_mask(self) -> bool:
        """Whether it counts as masked: whether its lowest listed level has a mask, whichever level is drawn."""
        return bool(self.levels) and self.levels[min(self.levels)].mask is not None


@attrs.frozen
class Tile:
    """
    The images of one tile and its transform.

    Parameters
    ----------
    id : str
        For messages and outlines.
    transform : Transform
        From local to world pixels, with references resolved.
    channels : tuple of Channel
        At least one.
    width, height : float, optional
        Size in local pixels; by default the size of the image.
    box : Bounds, optional
        In world pixels; used for outlines only.
    """

    id: str
    transform: Transform
    channels: tuple[Channel, ...]
    width: float | None = None
    height: float | None = None
    box: Bounds | None = None

    def selected(self, names: tuple[str | None, ...]) -> tuple[Channel, ...]:
        """Return the channels with these names, in the order of the tile."""
        return tuple(channel for channel in self.channels if channel.name in names)


@attrs.frozen
class Recipe:
    """
    Everything that determines a rendered image.

    Parameters
    ----------
    tiles : tuple of Tile
        In drawing order: later tiles cover earlier ones.
    x, y : float
        World pixels of the upper left corner.
    width, height : int
        Size in world pixels.
    scale : float
        Image pixels per world pixel.
    channels : tuple of (str, float), optional
        Names and weights; several channels are averaged. None: the first channel of the first tile.
    min_intensity, max_intensity : float, optional
        Override the intensity range of the tiles.
    interpolate : bool
        Bilinear interpolation; otherwise nearest neighbour.
    binary_mask : bool
        Pixels with a mask above 0 replace those below, without blending.
    exclude_mask : bool
        Ignore masks.
    filters : tuple of FilterStep
        Applied to each image at its mipmap level.
    background : int, optional
        0xRRGGBB; fills the transparent pixels of a masked image.
    noise : bool
        Fill the transparent pixels with noise.
    seed : int, optional
        Makes noise, and filters that add noise, reproducible.
    mesh_cell_size, min_mesh_cell_size : float
        Approximate triangle width for nonlinear transforms, in local pixels and in image pixels.
    convert_to_gray : bool
        Encode JPEG with one channel.
    quality : float
        JPEG quality, 0 … 1.
    seamless : bool
        Select the mipmap level of a tile independently of x and y, which the service does not do at scales between two
        levels: boxes side by side fit together.
    edges : bool
        Draw the last column and row of each image, which the service, since 2020, draws black if it interpolates.
    """

    tiles: tuple[Tile, ...] = ()
    x: float = 0.0
    y: float = 0.0
    width: int = 256
    height: int = 256
    scale: float = 1.0
    channels: tuple[tuple[str, float], ...] | None = None
    min_intensity: float | None = None
    max_intensity: float | None = None
    interpolate: bool = True
    binary_mask: bool = False
    exclude_mask: bool = False
    filters: tuple[FilterStep, ...] = ()
    background: int | None = None
    noise: bool = False
    seed: int | None = None
    mesh_cell_size: float = 64.0
    min_mesh_cell_size: float = 0.0
    convert_to_gray: bool = False
    quality: float = 0.85
    seamless: bool = False
    edges: bool = False

    def size(self, most_pixels: int = MOST_PIXELS) -> tuple[int, int]:
        """
        Return width and height of the image in pixels, truncated.

        Raises
        ------
        ImageError
            If the image would have no pixels, or more than *most_pixels*.
        """
        width, height = (_truncated(self.scale * side) for side in (self.width, self.height))
        if width <= 0 or height <= 0:
            raise ImageError(f"Width ({width}) and height ({height}) cannot be <= 0")
        if width * height > most_pixels:
            raise ImageError(
                f"image too large: got {width} × {height} pixels, the limit is {most_pixels}; "
                "draw it in parts, or at a smaller scale"
            )
        return width, height

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Width and height of the canvas: rounded, while the size of the image is truncated."""
        return int(self.width * self.scale + 0.5), int(self.height * self.scale + 0.5)

    @property
    def cell_size(self) -> float:
        """Distance between mesh vertices in local pixels."""
        return max(self.mesh_cell_size, self.min_mesh_cell_size / self.scale)

    @property
    def channel_names(self) -> tuple[str | None, ...]:
        """Names of the channels to draw."""
        if self.channels is not None:
            return tuple(name for name, _ in self.channels)
        return tuple(channel.name for channel in self.tiles[0].channels[:1]) if self.tiles else ()

    def picture_from_local(self, tile: Tile) -> Transform:
        """Return the transform from local pixels of *tile* to image pixels."""
        place = AffineModel2D([[self.scale, 0, -self.x * self.scale], [0, self.scale, -self.y * self.scale]])
        return TransformList([tile.transform, place])


def _truncated(length: float) -> int:
    return math.trunc(length) if math.isfinite(length) else 0
