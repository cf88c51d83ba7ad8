"""Rendering of images from render parameters, after the checks that the real service makes."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator

import attrs

from rendergateway import rendering
from rendergateway.endpoints import Endpoint
from rendergateway.errors import FilterError, ImageError, MissingChannelError
from rendergateway.local_files import LocalFile
from rendergateway.number_text import truncated
from rendergateway.rendering import MOST_PIXELS, RenderedImage, Sources
from rendergateway.rendering.filters.registry import FILTERS, NEWER_FILTERS, built, step_of
from rendergateway.rendering.images.remote import downloaded
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, NullPointer
from rendergateway.service.domain.image_files import check_tile, local_file
from rendergateway.service.domain.render_options import check_channels
from rendergateway.wire import RenderParametersJson, flatten

__all__ = ["drawn_image", "render_image"]

# Java's syntax of a URI; it allows letters of all languages.
_URI = re.compile(r"(?:[-\w.~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")


def render_image(
    parameters: RenderParametersJson, endpoint: Endpoint, options: Options, most_tiles: int | None = None
) -> bytes:
    """
    Render an image in the format of *endpoint*.

    Parameters
    ----------
    parameters : RenderParameters
    endpoint : Endpoint
        The last word of its name is the image format.
    options : Options
    most_tiles : int, optional
        If there are more tiles, only their boxes are drawn, and neither their files nor their transforms are checked.
        Below 0: no limit.

    Raises
    ------
    IllegalArgument
        If channels are malformed, the image would have no pixels, a tile cannot be drawn, or a filter is unknown or has
        invalid parameters.
    IllegalState
        If the image would be too large, or a filter cannot be applied; the real service fails in these cases.
    NullPointer
        If there is no list of tiles, the averaged channels of a tile are incompatible, or a filter is null or has no
        parameters.
    """
    outlines = _checked(parameters, options, most_tiles)
    kind = endpoint.name.rpartition(".")[2].rpartition("_")[2]
    with _as_refusals():
        recipe = _recipe(parameters, options)
        if outlines:
            return rendering.encoded_outlines(recipe, kind)
        return rendering.encoded(rendering.draw(recipe, _sources(options)), recipe, kind)


def drawn_image(parameters: RenderParametersJson, options: Options) -> RenderedImage:
    """Render an image to its values; refusals as by `render_image`."""
    _checked(parameters, options, None)
    with _as_refusals():
        return rendering.draw(_recipe(parameters, options), _sources(options))


def _recipe(parameters: RenderParametersJson, options: Options) -> rendering.Recipe:
    return attrs.evolve(rendering.read_recipe(parameters), edges=options.is_like_2019)


def _checked(parameters: RenderParametersJson, options: Options, most_tiles: int | None) -> bool:
    """Refuse what cannot be rendered; return whether only the boxes of the tiles are drawn."""
    if not isinstance(parameters.tileSpecs, list):
        raise NullPointer
    if parameters.tileSpecUrl is not None and not parameters.tileSpecs:
        # The real service would request it; this one sends no requests.
        url = re.sub("^file:/+", "file:/", parameters.tileSpecUrl)
        raise IllegalArgument(f"failed to load tile specification from {url}")
    if not _URI.fullmatch(parameters.out or ""):
        raise IllegalArgument(f"failed to create uniform resource identifier for '{parameters.out}'")
    check_channels(parameters.channels or "")
    outlines = most_tiles is not None and 0 <= most_tiles < len(parameters.tileSpecs)
    for tile in parameters.tileSpecs:
        if outlines:
            if tile is not None:
                tile.transforms = None
            continue
        if tile is not None and tile.transforms is not None:
            tile.transforms = flatten(tile.transforms, lambda name: None)
        check_tile(tile, options)
    _check_size(parameters)
    if parameters.tileSpecs and not outlines:
        _check_filters(parameters, options)
    return outlines


@contextlib.contextmanager
def _as_refusals() -> Iterator[None]:
    """Turn errors of drawing into refusals."""
    try:
        yield
    except MissingChannelError as error:
        raise NullPointer from error
    except FilterError as error:
        raise IllegalState(str(error)) from error
    except ImageError as error:
        raise IllegalArgument(str(error)) from error


@functools.lru_cache(maxsize=8)
def _sources(options: Options) -> Sources:
    """Return the image sources, and their caches, of a service with these options."""

    def opened(url: str) -> LocalFile | bytes:
        file = local_file(url, options)
        return downloaded(url, options.remote_images) if file is None else file

    return Sources(opened)


def _check_filters(parameters: RenderParametersJson, options: Options) -> None:
    """Refuse what the real service cannot build: it does not have the newer filters, unless its lists name them."""
    listed = {step.class_name for steps in options.filter_lists.values() for step in steps}
    for spec in parameters.filterSpecs or ():
        if spec is None:
            raise NullPointer
        if spec.className in NEWER_FILTERS.keys() - listed:
            raise IllegalArgument(f"filter class '{spec.className}' cannot be found")
        try:
            built(step_of(spec))
        except FilterError as error:
            if spec.parameters is None and spec.className in FILTERS:
                raise NullPointer from error
            raise IllegalArgument(str(error)) from error


def _check_size(parameters: RenderParametersJson) -> None:
    scale = float(parameters.scale or 0.0)
    width, height = (truncated(scale * (side or 0)) for side in (parameters.width, parameters.height))
    if width <= 0 or height <= 0:
        raise IllegalArgument(f"Width ({width}) and height ({height}) cannot be <= 0")
    # The real service counts pixels in 32 bits: a product that wraps around to few pixels is found later.
    counted = (width * height + 2**31) % 2**32 - 2**31
    if counted != width * height and 0 <= counted <= MOST_PIXELS:
        raise IllegalArgument(f"Dimensions (width={width} height={height}) are too large")
    if width * height > MOST_PIXELS:
        raise IllegalState(f"image too large: got {width} x {height} pixels, limit {MOST_PIXELS}; request parts of it")
