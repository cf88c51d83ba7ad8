"""Views of tiles, sections and stacks: which endpoint shows them, and which part of which frame that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import numpy as np

from rendergateway.errors import ImageError, RecordError
from rendergateway.geometry import Bounds
from rendergateway.model import RenderParameters
from rendergateway.progress import Progress
from rendergateway.transforms import tile_box
from rendergateway.wrappers.core.arguments import as_box
from rendergateway.wrappers.core.mapping import mapped
from rendergateway.wrappers.images.options import PictureOptions, checked_picture_frame
from rendergateway.wrappers.images.picture import Picture, drawn, line_of
from rendergateway.wrappers.images.view import View, checked_scale, missing_channel, pixels_of

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = [
    "image_of_recipe",
    "image_of_section",
    "image_of_tile",
    "section_box",
    "section_view",
    "slice_of",
    "thumbnail_scale",
    "tile_view",
    "url_of",
]

_BYTE = 255
# A box may be a hair wider than a whole number of pixels by the arithmetic that made it.
_HAIR = 1e-6
# What Java takes where a recipe does not say.
_RECIPE_SIZE = 256.0
_AXES = ("xz", "yz")


# -- tiles -------------------------------------------------------------------------------------------------------


def tile_view(tile: TileWrapper, frame: str = "world", scale: float = 1.0) -> View:
    """Return the view of a whole tile in one of its frames."""
    frames = {"world": _tile_in_world, "raw": _raw_tile, "lens_corrected": _lens_corrected_tile}
    box, values = frames[checked_picture_frame(frame)](tile)
    values = {**tile._key._asdict(), "scale": checked_scale(scale), **values}
    return View(tile._conn, "tile", values, box, scale, f"tile {tile.tile_id!r}", frame)


def _tile_in_world(tile: TileWrapper) -> tuple[Bounds, dict[str, Any]]:
    box = tile.bounds
    if box is None:
        raise RecordError(
            f"tile {tile.tile_id!r} has no box: nobody knows where in the world it lies; draw frame='raw'"
        )
    return _whole_pixels(box, math.trunc), {}


def _raw_tile(tile: TileWrapper) -> tuple[Bounds, dict[str, Any]]:
    width, height = _size(tile)
    return Bounds(0, 0, math.ceil(width), math.ceil(height)), {"exclude_all_transforms": True}


def _lens_corrected_tile(tile: TileWrapper) -> tuple[Bounds, dict[str, Any]]:
    # The service begins such pictures at the origin, wherever the corrected tile lies: it is told where.
    lens, _ = tile.resolved_transforms.flattened().split_at_lens()
    box = tile_box(lens, *_size(tile), tile._obj.mesh_cell_size)
    place = {"x": int(box.min_x), "y": int(box.min_y), "width": int(box.width), "height": int(box.height)}
    return box, {"normalize_for_matching": True, **place}


def _size(tile: TileWrapper) -> tuple[float, float]:
    if tile.width is None or tile.height is None:
        raise RecordError(f"tile {tile.tile_id!r} has no width and height: only frame='world' can be drawn")
    return tile.width, tile.height


def image_of_tile(tile: TileWrapper, frame: str, scale: float, options: PictureOptions) -> Picture:
    """Draw a tile; see `TilePictures.image`."""
    return drawn(tile_view(tile, frame, scale), _with_depth(tile, options))


def _with_depth(tile: TileWrapper, options: PictureOptions) -> PictureOptions:
    """Return options with the depth that a tile's own values have; raise where it lacks a channel."""
    ranges = {channel.name: channel.max_intensity for channel in tile.channels}
    for name in filter(None, [options.channel, *(options.channels or ())]):
        if name not in ranges:
            raise missing_channel(name, set(ranges), f"tile {tile.tile_id!r}")
    if options.dtype is not None or options.intensity is not None or options.channels is not None:
        return options
    first = next(iter(ranges.values()), tile._obj.max_intensity)
    highest = first if options.channel is None else ranges[options.channel]
    is_deep = (highest or 0) > _BYTE and not options.of_recipe()
    return attrs.evolve(options, dtype="uint16" if is_deep else None)


# -- sections ----------------------------------------------------------------------------------------------------


def _whole_pixels(box: Bounds, whole: Any) -> Bounds:
    """Return a box of the same corner whose sides are whole numbers of pixels."""
    width, height = whole(box.width), whole(box.height)
    return Bounds(box.min_x, box.min_y, box.min_x + width, box.min_y + height)


def section_box(section: SectionWrapper, box: Bounds | None = None) -> Bounds:
    """
    Return what is shown of a section: *box*, or all of it, as whole pixels.

    Raises
    ------
    TypeError, ValueError
        If *box* is no Bounds, or goes from a larger number to a smaller one.
    ImageError
        If there is nothing in it.
    """
    what = f"section {section.name} of stack {section.stack}"
    chosen = section.bounds if box is None else as_box(box)
    if chosen is None:
        raise ImageError(f"{what} has no tiles: there is nothing to draw")
    if not (all(map(math.isfinite, chosen)) and chosen.width > 0 and chosen.height > 0):
        raise ImageError(
            f"{what}: there is nothing in the box {tuple(chosen)}; it goes from min_x, min_y to max_x, max_y"
        )
    return _whole_pixels(chosen, lambda side: math.ceil(side - _HAIR))


def section_view(section: SectionWrapper, box: Bounds | None = None, scale: float = 1.0) -> View:
    """Return the view of a box of a section, or of all of it."""
    shown = section_box(section, box)
    place = {"x": shown.min_x, "y": shown.min_y, "width": round(shown.width), "height": round(shown.height)}
    values = {**section._key._asdict(), **place, "scale": checked_scale(scale)}
    return View(section._conn, "box", values, shown, scale, f"section {section.name} of stack {section.stack}")


def image_of_section(section: SectionWrapper, box: Bounds | None, scale: float, options: PictureOptions) -> Picture:
    """Draw a section; see `SectionPictures.image`."""
    return drawn(section_view(section, box, scale), options)


# -- stacks ------------------------------------------------------------------------------------------------------


def slice_of(
    stack: StackWrapper,
    axis: str,
    at: float,
    z: Any,
    box: Bounds | None,
    scale: float,
    options: PictureOptions,
    workers: int,
    progress: Progress,
) -> Picture:
    """Draw a slice across the sections; see `StackPictures.slice`."""
    if axis not in _AXES:
        raise ValueError(f"a slice is axis='xz' or 'yz', not {axis!r}; section.image() draws xy")
    if options.channels is not None:
        raise TypeError("a slice shows one channel: channels= are for tiles and sections")
    shown = stack.bounds if box is None else box
    sections = list(stack.sections(z))
    if shown is None or not sections:
        raise ImageError(
            f"stack {stack} has no sections here, or is LOADING and knows no bounds; box= says what to show"
        )
    views = [section_view(section, _line_box(shown, axis, at, checked_scale(scale)), scale) for section in sections]
    drawn_rows = mapped(
        lambda view: pixels_of(view, options), views, what=f"Drawing sections of {stack}", workers=workers,
        progress=progress,
    )  # fmt: skip
    alpha = None
    if any(one is not None for _, one in drawn_rows):
        full = (np.full(pixels.shape[:2], _BYTE, np.uint8) if one is None else one for pixels, one in drawn_rows)
        alpha = np.stack([line_of(one, axis) for one in full])
    pixels = np.stack(_alike([line_of(pixels, axis) for pixels, _ in drawn_rows]))
    low, high = (shown.min_x, shown.max_x) if axis == "xz" else (shown.min_y, shown.max_y)
    return Picture(pixels, alpha, views, options, box=Bounds(low, sections[0].z, high, sections[-1].z), frame=axis)


def _line_box(box: Bounds, axis: str, at: float, scale: float) -> Bounds:
    """Return the part of a box that one row of pixels shows."""
    thickness = math.ceil(1 / scale)
    if int(thickness * scale) < 1:
        thickness += 1
    if axis == "xz":
        return Bounds(box.min_x, at, box.max_x, at + thickness)
    return Bounds(at, box.min_y, at + thickness, box.max_y)


def _alike(rows: list[Any]) -> list[Any]:
    """Return rows of grey and of colours all in colours, where any is."""
    if all(row.ndim == 1 for row in rows):
        return rows
    return [row if row.ndim == 2 else np.repeat(row[:, np.newaxis], 3, axis=1) for row in rows]


# -- recipes -----------------------------------------------------------------------------------------------------


def image_of_recipe(conn: Gateway, recipe: RenderParameters, options: Mapping[str, Any]) -> Picture:
    """Draw a recipe; see `Gateway.image`."""
    if not isinstance(recipe, RenderParameters):
        raise TypeError(f"gateway.image() draws RenderParameters, as tile.render_parameters() gives, not {recipe!r}")
    others = sorted(options.keys() - {"dtype", "render"})
    if others:
        raise TypeError(f"{', '.join(others)}: it stands in the recipe how it is to look; recipe.evolve(…) changes it")
    width, height = (_RECIPE_SIZE if side is None else side for side in (recipe.width, recipe.height))
    x, y, scale = recipe.x or 0.0, recipe.y or 0.0, 1.0 if recipe.scale is None else recipe.scale
    box = Bounds(x, y, x + width, y + height)
    view = View(conn, "recipe", {}, box, scale, "a recipe", recipe=recipe)
    return drawn(view, PictureOptions(**options))


# -- addresses ---------------------------------------------------------------------------------------------------


def thumbnail_scale(box: Bounds, width: int) -> float:
    """Return the scale at which a box is so many pixels wide; a little more, because sizes are cut."""
    if width < 1:
        raise ImageError(f"a thumbnail is at least one pixel wide, not {width}")
    return (width + 0.5) / box.width if box.width else 0.0


def url_of(view: View, stack: StackWrapper, kind: str, options: PictureOptions) -> str:
    """
    Return the address of a picture, which is another one once the stack has changed.

    Notes
    -----
    ``stack.read`` where the stack is not loaded.
    """
    view.check()
    path = view.path(options, kind)
    modified = stack.modified
    mark = "" if modified is None else f"{'&' if '?' in path else '?'}v={quote(f'{modified.timestamp() * 1000:.0f}')}"
    return f"{stack._conn.picture_base_url}{path}{mark}"
