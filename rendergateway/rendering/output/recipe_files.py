"""Pictures of recipe files: render parameters and tile specs read from paths and URLs, drawn without a service."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import numpy as np

from rendergateway import wire
from rendergateway.errors import ImageError, RecordError
from rendergateway.local_files import file_path
from rendergateway.rendering.draw.compositor import draw
from rendergateway.rendering.draw.recipe_reader import read_recipe
from rendergateway.rendering.images.decoding import decoded
from rendergateway.rendering.images.locations import ImageOpener
from rendergateway.rendering.images.remote import downloaded
from rendergateway.rendering.images.sources import Sources
from rendergateway.rendering.output.encoding import SUFFIXES, file_bytes, seen, write_whole
from rendergateway.rendering.pixels.intensity import over_background

__all__ = ["complete_recipe", "read_parameters", "write_recipe_picture"]


def complete_recipe(parameters: wire.RenderParametersJson) -> wire.RenderParametersJson:
    """
    Return render parameters with what their URLs name; they are changed in place.

    ``parametersUrl`` names parameters for the members that have their default; ``tileSpecUrl`` a list of tile specs.

    Raises
    ------
    ImageError
        If a file cannot be read.
    RecordError
        If one is malformed.
    """
    if parameters.parametersUrl is not None:
        parameters = _merged(parameters, _read(parameters.parametersUrl, wire.RenderParametersJson))
    if parameters.tileSpecUrl is not None and not parameters.tileSpecs:
        parameters.tileSpecs = _read(parameters.tileSpecUrl, list[wire.TileSpec | None])
    for tile in parameters.tileSpecs:
        if tile is not None and tile.transforms is not None:
            tile.transforms = wire.flatten(tile.transforms, lambda name: None)
    return parameters


def read_parameters(url: str) -> wire.RenderParametersJson:
    """
    Read render parameters, or a list of tile specs, whose boxes are then the region.

    Raises
    ------
    ImageError
        If the file cannot be read, or tile specs of a list have no boxes.
    RecordError
        If it is malformed.
    """
    data = _bytes(url)
    if not data.lstrip().startswith(b"["):
        return complete_recipe(_decoded(url, data, wire.RenderParametersJson))
    tiles = _decoded(url, data, list[wire.TileSpec | None])
    sides = [(tile.minX, tile.minY, tile.maxX, tile.maxY) for tile in tiles if tile is not None]
    if not sides or any(None in corners for corners in sides):
        raise ImageError(f"{url}: tile specs need minX, minY, maxX and maxY to be drawn without render parameters")
    left, top, right, bottom = ([float(one[place] or 0) for one in sides] for place in range(4))
    x, y = min(left), min(top)
    width, height = math.ceil(max(right) - x), math.ceil(max(bottom) - y)
    return complete_recipe(wire.RenderParametersJson(x=x, y=y, width=width, height=height, tileSpecs=tiles))


def _merged(parameters: wire.RenderParametersJson, base: wire.RenderParametersJson) -> wire.RenderParametersJson:
    default = wire.RenderParametersJson()
    for name in default.__struct_fields__:
        given = getattr(parameters, name)
        if given != getattr(default, name):
            setattr(base, name, given)
    return base


def _read(url: str, kind: Any) -> Any:
    return _decoded(url, _bytes(url), kind)


def _bytes(url: str) -> bytes:
    path = file_path(url)
    try:
        return downloaded(url, [urlsplit(url).netloc]) if path is None else Path(path).read_bytes()
    except ImageError as error:
        raise ImageError(f"{url}: {error}") from error


def _decoded(url: str, data: bytes, kind: Any) -> Any:
    try:
        found = wire.decode_body(data, kind)
    except RecordError as error:
        raise RecordError(f"{url}: {error}") from error
    if found is None:
        raise RecordError(f"{url}: expected an object or a list, got null")
    return found


def write_recipe_picture(
    parameters: wire.RenderParametersJson,
    to: str | os.PathLike[str],
    *,
    sources: Sources | None = None,
    edges: bool = False,
) -> tuple[int, int]:
    """
    Draw render parameters into a file, in colours with opacity, or in grey if they have convertToGray.

    Parameters
    ----------
    parameters : RenderParametersJson
        Complete; ``in`` names an image that is drawn upon, and whose size the picture has.
    to : path
        Its suffix selects the format.
    sources : Sources, optional
        Default: local files.
    edges : bool
        As of `Recipe`.

    Returns
    -------
    (int, int)
        Width and height of the picture.

    Raises
    ------
    ImageError
        If the suffix is unknown, a source image cannot be read, or the picture has no pixels or too many.
    OSError
        If the file cannot be written.
    """
    kind = SUFFIXES.get(Path(to).suffix.lower())
    if kind is None:
        raise ImageError(f"{os.fspath(to)!r} has an unknown suffix; use {', '.join(SUFFIXES)} to select the format")
    if parameters.addWarpFieldDebugOverlay:
        raise ImageError("the overlay of warp fields cannot be drawn; leave out addWarpFieldDebugOverlay")
    recipe = attrs.evolve(read_recipe(parameters), edges=edges)
    pixels, alpha = seen(draw(recipe, sources or Sources(ImageOpener())), recipe)
    if parameters.in_ is not None:
        pixels, alpha = _drawn_upon(parameters.in_, pixels, alpha), None
    mode = "grey" if recipe.convert_to_gray else "rgb"
    write_whole(to, file_bytes(pixels, alpha, kind, quality=recipe.quality, mode=mode))
    return pixels.shape[1], pixels.shape[0]


def _drawn_upon(url: str, pixels: Any, alpha: Any) -> Any:
    """Return the image at *url* with a picture at its upper left corner."""
    path = file_path(url)
    if path is None:
        raise ImageError(f"the image to draw upon must be a local file: got {url!r}")
    below = decoded(Path(path))
    if below.dtype != np.uint8:
        raise ImageError(f"the image to draw upon must have 8 bits: got {below.dtype} of {url}")
    if below.ndim != pixels.ndim:
        below, pixels = (
            one if one.ndim == 3 else np.repeat(one[..., np.newaxis], 3, axis=2) for one in (below, pixels)
        )
    height, width = (min(sides) for sides in zip(below.shape[:2], pixels.shape[:2], strict=True))
    canvas, above = below.copy(), pixels[:height, :width]
    part = canvas[:height, :width]
    part[...] = above if alpha is None else over_background(above, alpha[:height, :width], part.copy())
    return canvas
