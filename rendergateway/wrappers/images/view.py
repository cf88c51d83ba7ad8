"""Views: a tile, a box of a section or a recipe, requested from the service or drawn by this process."""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.endpoints import ENDPOINTS
from rendergateway.endpoints.address import EMBEDDED
from rendergateway.errors import ImageError, MissingChannelError, StaleBoxWarning
from rendergateway.geometry import Bounds
from rendergateway.model.records.render_parameters import RenderParameters
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.images.options import PictureOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from rendergateway.rendering import ImageOpener, Sources

__all__ = [
    "View",
    "checked_scale",
    "checked_size",
    "covered_in",
    "image_opener",
    "image_sources",
    "missing_channel",
    "pixels_of",
]

Pixels = npt.NDArray[Any]
Alpha = npt.NDArray[np.uint8]

_DEEP = "uint16"
_DEEP_ENDPOINTS = {"box": "box.png16", "tile": "tile.tiff16"}
_URL_FORMATS = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "tif": "tiff", "tiff": "tiff"}
# The service ignores the owner of a recipe.
_ANY_OWNER = "anybody"
_MAX_WORLD_PIXELS = 2**31 - 1


def checked_scale(scale: float) -> float:
    """Return *scale* as a float; raise `ImageError` unless it is finite and positive."""
    try:
        number = float(scale)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ImageError(f"scale must be picture pixels per world pixel, finite and > 0; got {scale!r}")
    return number


def checked_size(width: int, height: int, scale: float, what: str) -> tuple[int, int]:
    """
    Return width and height of a picture, in pixels.

    Parameters
    ----------
    width, height : int
        In world pixels.
    scale : float
        Picture pixels per world pixel.
    what : str
        For messages.

    Raises
    ------
    ImageError
        If the picture would have no pixels, or too many.
    """
    from rendergateway.rendering import MOST_PIXELS

    across, down = int(checked_scale(scale) * width), int(scale * height)
    if across <= 0 or down <= 0:
        raise ImageError(
            f"{what}: {width} × {height} world pixels at scale {scale:g} are {across} × {down} pixels; use a "
            "larger box or scale"
        )
    if across * down > MOST_PIXELS or max(width, height) > _MAX_WORLD_PIXELS:
        raise ImageError(
            f"{what}: {width} × {height} world pixels at scale {scale:g} are {across} × {down} pixels, more than the "
            f"maximum of {MOST_PIXELS}; use smaller boxes or a smaller scale"
        )
    return across, down


@attrs.frozen(eq=False, repr=False)
class View:
    """
    The content of a picture, without options.

    Attributes
    ----------
    conn : Gateway
        Makes the requests.
    subject : {'tile', 'box', 'recipe'}
        The first part of the endpoint names.
    values : mapping
        Path and query values of the endpoints, including the scale.
    box : Bounds
        The area shown, in pixels of the frame.
    scale : float
        Picture pixels per pixel of the frame.
    frame : str
        ``world``, ``raw`` or another of `TransformList.split_at`.
    what : str
        For messages.
    recipe : RenderParameters, optional
        The recipe, if it is known.
    """

    conn: Client
    subject: str
    values: Mapping[str, Any]
    box: Bounds
    scale: float
    what: str
    frame: str = "world"
    recipe: RenderParameters | None = None

    def __repr__(self) -> str:
        return f"<View of {self.what}>"

    def check(self) -> None:
        """Raise `ImageError` if the picture would have no pixels, or too many."""
        checked_size(round(self.box.width), round(self.box.height), self.scale, self.what)

    def parameters(self, options: PictureOptions) -> RenderParameters:
        """
        Return the recipe.

        Notes
        -----
        One request, ``box.render_parameters`` or ``tile.render_parameters``.
        """
        if self.recipe is not None:
            return self.recipe
        if options.channels is not None:
            raise TypeError(
                "a recipe has one channel; channels= are composed by this process from one picture per channel"
            )
        text = self.conn.call_raw(f"{self.subject}.render_parameters", **self.values, **options.query())
        return RenderParameters.from_json(text).evolve(**options.of_recipe())

    def path(self, options: PictureOptions, kind: str) -> str:
        """Return path and query of the picture, relative to the base URL."""
        if kind not in _URL_FORMATS:
            raise ImageError(f"format must be {', '.join(_URL_FORMATS)}; got {kind!r}")
        if options.channels is not None or options.of_recipe() or options.is_local or self.recipe is not None:
            raise TypeError(
                "a picture composed or drawn by this process, or with custom filters or background, has no URL"
            )
        limited = self.subject == "box"
        endpoint = ENDPOINTS[f"{self.subject}.{_URL_FORMATS[kind]}"]
        return endpoint.url({**self.values, **options.query(limited=limited)})


def pixels_of(view: View, options: PictureOptions) -> tuple[Pixels, Alpha | None]:
    """
    Request or draw a view.

    Returns
    -------
    pixels : ndarray, shape (H, W) or (H, W, 3)
    alpha : ndarray of uint8, shape (H, W), optional

    Raises
    ------
    ImageError
        If the picture has no pixels or too many, more tiles than the limit, or an image file cannot be read.
    MissingChannelError
        If no tile has the channel.
    ServiceError
        If the service refuses; its message names tile and file.
    """
    view.check()
    return _drawn_locally(view, options) if options.is_local else _requested(view, options)


# Drawn by the service


def _requested(view: View, options: PictureOptions) -> tuple[Pixels, Alpha | None]:
    from rendergateway.rendering.base.arrays import unencoded
    from rendergateway.rendering.images.decoding import decoded_picture

    # A service in this process need not encode what would be decoded again.
    with unencoded() if view.conn.server.startswith(EMBEDDED) else contextlib.nullcontext():
        answer = _answer(view, options)
        try:
            pixels, alpha = decoded_picture(answer)
        except ImageError as error:
            raise ImageError(f"{view.what}: the answer of the service is not a picture: {error}") from error
    if view.recipe is None and _is_suspicious(pixels, alpha, options):
        is_plain = pixels.dtype.name == _DEEP or (alpha is None and options.dtype != _DEEP)
        recipe = view.parameters(options)
        if not (_is_blank(pixels, alpha) and _has_stale_boxes(recipe, view)):
            _explain(recipe, view, options, may_be_outlines=not is_plain)
    return pixels, alpha


def _answer(view: View, options: PictureOptions) -> bytes:
    deep = options.dtype == _DEEP
    if view.recipe is not None or options.of_recipe():
        if deep:
            raise ImageError(
                "a service draws recipes, custom backgrounds and custom filters in 8 bits; compute='local' draws 16"
            )
        recipe = view.parameters(options)
        _check_limit(recipe, view, options)
        return view.conn.call_raw("recipe.png", owner=view.values.get("owner", _ANY_OWNER), body=recipe.to_json())
    endpoint = _DEEP_ENDPOINTS[view.subject] if deep else f"{view.subject}.png"
    return view.conn.call_raw(endpoint, **view.values, **options.query(limited=view.subject == "box"))


def _is_suspicious(pixels: Pixels, alpha: Alpha | None, options: PictureOptions) -> bool:
    """Return whether a picture is empty, or has only green outlines, which a service draws for too many tiles."""
    if options.dtype == _DEEP:
        return pixels.dtype.name != _DEEP or not pixels.any()
    if alpha is None:
        return not pixels.any()
    shown = alpha > 0
    if not shown.any():
        return True
    # Letters have soft edges, in another green or less opaque.
    return pixels.ndim == 3 and not pixels[shown][:, ::2].any()


def _is_blank(pixels: Pixels, alpha: Alpha | None) -> bool:
    return not (pixels if alpha is None else alpha).any()


def _has_stale_boxes(recipe: RenderParameters, view: View) -> bool:
    """Return whether stored bounding boxes explain a picture without tiles, and warn if they do."""
    from rendergateway.model.tile_text.boxes import wrong_boxes

    tiles = recipe.tiles if view.frame == "world" else []
    wrong = next(wrong_boxes([tile.to_json() for tile in tiles], {}), None)
    if wrong is not None:
        sentence = f"{view.what} shows none of its {len(tiles)} tiles; box of tile {wrong[0]!r}: {wrong[-1]}"
        remedy = "stack.check_boxes() lists such tiles, and edit.put(tiles, boxes='service') derives their boxes"
        warnings.warn(f"{sentence}; {remedy}", StaleBoxWarning, stacklevel=2)
    return wrong is not None


def _explain(recipe: RenderParameters, view: View, options: PictureOptions, *, may_be_outlines: bool) -> None:
    """Raise if a picture is empty because no tile has the channel, or shows outlines instead of tiles."""
    tiles = recipe.tiles
    if not tiles:
        return
    names = {channel.name for tile in tiles for channel in tile.channels}
    _check_channels(names, view, options)
    is_masked = any(
        level.mask_url is not None
        for tile in tiles
        for pyramid in (tile.mipmaps, *(channel.mipmaps for channel in tile.channels))
        for level in pyramid.values()
    )
    beyond = options.max_tiles is not None and len(tiles) > options.max_tiles
    if may_be_outlines and (beyond or not is_masked):
        raise _too_many(len(tiles), view, options)


def _check_channels(names: set[str | None], view: View, options: PictureOptions) -> None:
    for name in options.channel_names:
        if name not in names:
            raise missing_channel(name, names, view.what)


def missing_channel(name: str, names: set[str | None], what: str) -> MissingChannelError:
    """Return the error for a channel that no tile has; *names* are the existing ones."""
    known = ", ".join(sorted(str(one) for one in names if one is not None))
    return MissingChannelError(
        f"{what} has no channel {name!r}; " + (f"it has {known}" if known else "its tiles have one unnamed channel")
    )


def _check_limit(recipe: RenderParameters, view: View, options: PictureOptions) -> None:
    if options.max_tiles is not None and len(recipe.tiles) > options.max_tiles:
        raise _too_many(len(recipe.tiles), view, options)


def _too_many(count: int, view: View, options: PictureOptions) -> ImageError:
    if options.max_tiles is None:
        limit, remedy = "the limit of the service", "a max_tiles= above it, or compute='local'"
    else:
        limit, remedy = f"max_tiles={options.max_tiles}", "a larger max_tiles="
    return ImageError(f"{view.what} shows {count} tiles, more than {limit}; use smaller boxes or {remedy}")


# Drawn by this process


@functools.lru_cache(maxsize=8)
def _sources_of(opener: ImageOpener) -> Sources:
    from rendergateway.rendering import Sources

    return Sources(opener)


def image_opener(conn: Client) -> Callable[[str], Any]:
    """Return what opens images with the paths of a gateway."""
    from rendergateway.rendering import ImageOpener

    return ImageOpener(conn.image_paths, conn.remote_images)


def image_sources(conn: Client) -> Sources:
    """Return the image source of a gateway, with a cache of recent images."""
    return _sources_of(image_opener(conn))


def _drawn_locally(view: View, options: PictureOptions) -> tuple[Pixels, Alpha | None]:
    from rendergateway.rendering import draw, read_recipe
    from rendergateway.rendering.images.decoding import plain_picture
    from rendergateway.rendering.output.encoding import seen, sixteen_bit

    parameters = view.parameters(options)
    _check_limit(parameters, view, options)
    recipe = attrs.evolve(read_recipe(parameters.to_json()), seamless=options.seamless, edges=options.edges)
    names = {channel.name for tile in recipe.tiles for channel in tile.channels}
    if recipe.tiles:
        _check_channels(names, view, options)
    picture = draw(recipe, image_sources(view.conn))
    drawn = (sixteen_bit(picture), None) if options.dtype == _DEEP else plain_picture(*seen(picture, recipe))
    if _is_blank(*drawn):
        _has_stale_boxes(parameters, view)
    return drawn


def covered_in(view: View, options: PictureOptions) -> npt.NDArray[np.bool_]:
    """Return which pixels tiles cover, ignoring masks: the same view drawn with white images."""
    from rendergateway.rendering import Channel, ImageAddress, Level, Sources, Tile, draw, read_recipe

    def white(tile: Tile) -> Tile:
        if tile.width is None or tile.height is None:
            raise ImageError(f"tile {tile.id!r} has no width and height, so its coverage is unknown")
        width, height = int(tile.width), int(tile.height)
        size = f"minX=0&minY=0&maxX={width}&maxY={height}&width={width}&height={height}"
        level = Level(ImageAddress(f"mask://outside-box?{size}", "DYNAMIC_MASK"))
        return attrs.evolve(tile, channels=(Channel(levels={0: level}),))

    one = attrs.evolve(options, channels=None)
    recipe = read_recipe(view.parameters(one).to_json())
    names = recipe.channel_names
    tiles = tuple(white(tile) for tile in recipe.tiles if tile.selected(names))
    plain = attrs.evolve(recipe, tiles=tiles, channels=None, filters=(), exclude_mask=True)
    # The service also draws the last row and column of a tile black.
    return draw(plain, Sources()).pixels > 0
