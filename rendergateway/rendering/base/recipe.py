"""What a picture is made from, whoever asks for it: values without any request in them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.transforms import AffineModel2D, Transform, TransformList

__all__ = ["MOST_PIXELS", "Channel", "FilterStep", "ImageAddress", "Level", "PathRule", "Recipe", "Tile"]

# More pixels in one picture are refused.
MOST_PIXELS = 10**8


@attrs.frozen
class ImageAddress:
    """
    Where an image is, and how it is to be read.

    Parameters
    ----------
    url : str
        A path, ``file:`` or another address; what may be opened is the opener's business.
    loader : str
        As a tile's ``imageLoaderType``; `IMAGEJ_DEFAULT` reads the first image of a file.
    number : int, optional
        Which image of a file of several, counted from 1.
    """

    url: str
    loader: str = "IMAGEJ_DEFAULT"
    number: int | None = None


@attrs.frozen
class Level:
    """Image and mask of one level of a pyramid."""

    image: ImageAddress | None = None
    mask: ImageAddress | None = None


@attrs.frozen
class PathRule:
    """How the address of a level that is not listed follows from that of one that is."""

    root: str
    level_count: int
    extension: str

    def derived(self, level: int, listed: Level) -> tuple[int, Level]:
        """Return the level to look for in place of *level*, and where its files should be."""
        number = min(level, self.level_count)
        image, mask = (
            address and ImageAddress(self._url(address.url, number)) for address in (listed.image, listed.mask)
        )
        return number, Level(image, mask)

    def _url(self, url: str, level: int) -> str:
        root = self.root if self.root.endswith("/") else f"{self.root}/"
        path = url.partition(":")[2] if ":" in url else url
        return f"{root}{level}{path if path.startswith('/') else '/' + path}.{self.extension}"


@attrs.frozen
class Channel:
    """One channel of a tile; the only one of a tile without channels has no name."""

    name: str | None = None
    min_intensity: float = 0.0
    max_intensity: float = 255.0
    levels: Mapping[int, Level] = attrs.field(factory=dict)
    path_rule: PathRule | None = None

    @property
    def is_deep(self) -> bool:
        """Whether its range makes 8-bit images 16-bit ones."""
        return self.max_intensity > 255.0

    @property
    def has_mask(self) -> bool:
        """Whether it counts as masked: the lowest level that is listed decides, whichever is drawn."""
        return bool(self.levels) and self.levels[min(self.levels)].mask is not None


@attrs.frozen
class Tile:
    """
    One image and where it lies.

    Parameters
    ----------
    id : str
        For sentences and outlines.
    transform : Transform
        From local to world pixels, references resolved.
    channels : tuple of Channel
        At least one.
    width, height : float, optional
        Size in local pixels; read from the image where it is missing.
    box : Bounds, optional
        World pixels; for outlines only.
    """

    id: str
    transform: Transform
    channels: tuple[Channel, ...]
    width: float | None = None
    height: float | None = None
    box: Bounds | None = None

    def selected(self, names: tuple[str | None, ...]) -> tuple[Channel, ...]:
        """Return the channels of these names, in the order of the tile."""
        return tuple(channel for channel in self.channels if channel.name in names)


@attrs.frozen
class FilterStep:
    """One filter: the last word of its Java class, and its parameters as text."""

    name: str
    parameters: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Recipe:
    """
    All that a picture is made from.

    Parameters
    ----------
    tiles : tuple of Tile
        In the order of drawing: later ones cover earlier ones.
    x, y : float
        World pixels of the upper left corner.
    width, height : int
        Size in world pixels.
    scale : float
        Pixels of the picture for one world pixel.
    channels : tuple of (str, float), optional
        Names and weights; several are averaged. None: the first channel of the first tile.
    min_intensity, max_intensity : float, optional
        In place of those of the tiles.
    interpolate : bool
        Bilinear; else the nearest pixel is taken.
    binary_mask : bool
        A pixel with a mask above 0 covers, others leave what is below: no blending.
    exclude_mask : bool
        Draw as if there were no masks.
    filters : tuple of FilterStep
        Applied to each image, at the level that is drawn.
    background : int, optional
        0xRRGGBB, where a masked picture is transparent.
    noise : bool
        Noise in that place.
    seed : int, optional
        Makes noise, and filters with noise in them, repeatable.
    mesh_cell_size, min_mesh_cell_size : float
        Local pixels, picture pixels: about how wide the triangles are by which curved transforms are drawn.
    convert_to_gray : bool
        A JPEG of one channel.
    quality : float
        Of a JPEG, 0 … 1.
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

    def size(self, most_pixels: int = MOST_PIXELS) -> tuple[int, int]:
        """
        Return width and height of the picture in pixels: cut, not rounded.

        Raises
        ------
        ImageError
            If there would be no pixels, or more than *most_pixels*.
        """
        width, height = (_cut(self.scale * side) for side in (self.width, self.height))
        if width <= 0 or height <= 0:
            raise ImageError(f"Width ({width}) and height ({height}) cannot be <= 0")
        if width * height > most_pixels:
            raise ImageError(
                f"a picture of {width} × {height} pixels is larger than the {most_pixels} that are drawn at once; "
                "draw it in parts, or at a smaller scale"
            )
        return width, height

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Width and height of what tiles are drawn on: rounded, where those of the picture are cut."""
        return int(self.width * self.scale + 0.5), int(self.height * self.scale + 0.5)

    @property
    def cell_size(self) -> float:
        """Local pixels between the vertices of a mesh."""
        return max(self.mesh_cell_size, self.min_mesh_cell_size / self.scale)

    @property
    def channel_names(self) -> tuple[str | None, ...]:
        """Which channels are drawn."""
        if self.channels is not None:
            return tuple(name for name, _ in self.channels)
        return tuple(channel.name for channel in self.tiles[0].channels[:1]) if self.tiles else ()

    def picture_from_local(self, tile: Tile) -> Transform:
        """Return the map from local pixels of *tile* to pixels of the picture."""
        place = AffineModel2D([[self.scale, 0, -self.x * self.scale], [0, self.scale, -self.y * self.scale]])
        return TransformList([tile.transform, place])


def _cut(length: float) -> int:
    return math.trunc(length) if math.isfinite(length) else 0
