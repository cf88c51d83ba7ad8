"""Views and pictures of tiles, sections, cross sections and recipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError, RecordError, TransformError
from rendergateway.geometry import Bounds, checked_frame, frame_label
from rendergateway.model.records.render_parameters import RenderParameters
from rendergateway.model.records.tiles import TileRecord
from rendergateway.number_text import double_text
from rendergateway.transforms import TransformList, tile_box
from rendergateway.wrappers.core.arguments import as_box, as_count, as_number
from rendergateway.wrappers.core.bound import Bound, Client
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.core.keys import SectionKey, StackKey, TileKey
from rendergateway.wrappers.images.options import PictureOptions
from rendergateway.wrappers.images.picture import Picture, drawn, fitted, line_of
from rendergateway.wrappers.images.view import View, checked_scale, missing_channel, pixels_of

__all__ = [
    "cross_section",
    "recipe_picture",
    "recipe_pixels",
    "section_box",
    "section_view",
    "thumbnail_scale",
    "tile_picture",
    "tile_view",
    "url_of",
]

_BYTE = 255
# A box may be wider than a whole number of pixels by rounding errors.
_ROUNDING = 1e-6
# Defaults of the Java code for a recipe without a size.
_RECIPE_SIZE = 256.0
_AXES = ("xz", "yz")


# Tiles


def tile_view(
    tile: Bound[TileKey],
    record: TileRecord,
    transforms: Callable[[], TransformList],
    frame: str = "world",
    scale: float = 1.0,
) -> View:
    """
    Return the view of a whole tile in a frame.

    Parameters
    ----------
    tile : Bound
        The tile.
    record : TileRecord
        Its record.
    transforms : callable
        Returns its resolved transforms; called for frames between raw and world only.
    frame : {'world', 'raw', 'lens_corrected', 'before:LABEL', 'after:LABEL'}
        The frame of the picture.
    scale : float
        Picture pixels per pixel of the frame.

    Raises
    ------
    RecordError
        If the record lacks the box or the size that the frame requires.
    TransformError
        If no transform has the label of the frame, or several do and the service would cut at another one.
    """
    frame, scale = checked_frame(frame, more=("world",)), checked_scale(scale)
    values: dict[str, Any] = {**tile.key._asdict(), "scale": scale}
    if frame == "world":
        box = _box_in_world(record)
    elif frame == "raw":
        width, height = _size(record)
        box = Bounds(0, 0, math.ceil(width), math.ceil(height))
        values["exclude_all_transforms"] = True
    else:
        whole = transforms().flattened()
        box = tile_box(whole.split_at(frame)[0], *_size(record), record.mesh_cell_size)
        values |= _cut(whole, frame, box)
    return View(tile.client, "tile", values, box, scale, f"tile {record.tile_id!r}", frame)


def _cut(transforms: TransformList, frame: str, box: Bounds) -> dict[str, Any]:
    """Return the query values for a picture in a frame between raw and world."""
    labelled = frame_label(frame)
    if labelled is None:
        # The service draws these pictures from the origin unless it is given the corner.
        corner = {"x": int(box.min_x), "y": int(box.min_y), "width": int(box.width), "height": int(box.height)}
        return {**corner, "normalize_for_matching": True}
    side, label = labelled
    if side == "after":
        return {"exclude_transforms_after_last": [label]}
    count = sum(label in transform.labels for transform in transforms)
    if count != 1:
        raise TransformError(
            f"frame {frame!r} cannot be drawn: the service cuts at the first transform of the label, the frame at the "
            f"last, got {count} transforms of it"
        )
    return {"exclude_first_transform_and_all_after": [label]}


def _box_in_world(record: TileRecord) -> Bounds:
    if record.bounds is None:
        raise RecordError(f"tile {record.tile_id!r} has no bounding box, so its place in the world is unknown; "
                          "use frame='raw'")  # fmt: skip
    return _whole_pixels(record.bounds, math.trunc)


def _size(record: TileRecord) -> tuple[float, float]:
    if record.width is None or record.height is None:
        raise RecordError(f"tile {record.tile_id!r} has no width and height; only frame='world' can be drawn")
    return record.width, record.height


def tile_picture(view: View, record: TileRecord, options: PictureOptions) -> Picture:
    """Draw a tile; see `TileWrapper.image`."""
    return drawn(view, _with_depth(record, options))


def _with_depth(record: TileRecord, options: PictureOptions) -> PictureOptions:
    """Return options with the bit depth of the tile; raise if it lacks a channel."""
    ranges = {channel.name: channel.max_intensity for channel in record.channels}
    for name in (*options.channel_names, *(options.channels or ())):
        if name not in ranges:
            raise missing_channel(name, set(ranges), f"tile {record.tile_id!r}")
    if options.dtype is not None or options.intensity is not None or options.channels is not None:
        return options
    first = next(iter(ranges.values()), record.max_intensity)
    chosen = [ranges[name] for name in options.channel_names] or [first]
    is_deep = max(highest or 0 for highest in chosen) > _BYTE and not options.of_recipe()
    return attrs.evolve(options, dtype="uint16" if is_deep else None)


# Sections


def _whole_pixels(box: Bounds, whole: Callable[[float], float]) -> Bounds:
    """Return a box of the same corner whose sides are whole numbers of pixels."""
    width, height = whole(box.width), whole(box.height)
    return Bounds(box.min_x, box.min_y, box.min_x + width, box.min_y + height)


def _words(section: Bound[SectionKey]) -> str:
    return f"section {double_text(section.key.z)} of stack {section.key.stack}"


def section_box(section: Bound[SectionKey], box: Bounds | None) -> Bounds:
    """
    Return a box of a section in whole pixels.

    Raises
    ------
    TypeError, ValueError
        If *box* is not a Bounds, or a maximum is below its minimum.
    ImageError
        If it is None, because the section has no tiles, or empty.
    """
    chosen = as_box(box)
    if chosen is None:
        raise ImageError(f"{_words(section)} has no tiles to draw")
    if not (all(map(math.isfinite, chosen)) and chosen.width > 0 and chosen.height > 0):
        raise ImageError(
            f"{_words(section)}: the box {tuple(chosen)} is empty or not finite; pass min_x < max_x and min_y < max_y"
        )
    return _whole_pixels(chosen, lambda side: math.ceil(side - _ROUNDING))


def section_view(section: Bound[SectionKey], box: Bounds | None, scale: float = 1.0) -> View:
    """Return the view of a box of a section."""
    shown, scale = section_box(section, box), checked_scale(scale)
    place = {"x": shown.min_x, "y": shown.min_y, "width": round(shown.width), "height": round(shown.height)}
    values = {**section.key._asdict(), **place, "scale": scale}
    return View(section.client, "box", values, shown, scale, _words(section))


# Stacks


def cross_section(
    stack: Bound[StackKey],
    z_values: Sequence[float],
    bounds: Bounds | None,
    *,
    axis: str,
    at: float,
    scale: float,
    options: PictureOptions,
    bulk: Bulk,
) -> Picture:
    """Draw a cross section of the sections at *z_values*; see `StackWrapper.cross_section`."""
    if axis not in _AXES:
        raise ValueError(f"axis must be 'xz' or 'yz', got {axis!r}; section.image() draws xy")
    if options.channels is not None:
        raise TypeError("a cross section has one channel; channels= is for tiles and sections")
    if bounds is None or not z_values:
        raise ImageError(f"stack {stack.key.stack} has no sections in this range, or no bounds because it is LOADING; "
                         "pass box=")  # fmt: skip
    scale = checked_scale(scale)
    line = _line_box(bounds, axis, as_number(at, "at"), scale)
    views = [section_view(stack.at(SectionKey(*stack.key, z)), line, scale) for z in z_values]
    values = options.of_values()
    rows = mapped(lambda view: pixels_of(view, values), views, bulk, what=f"Drawing sections of {stack.key.stack}")
    alpha = None
    if any(one is not None for _, one in rows):
        full = (np.full(pixels.shape[:2], _BYTE, np.uint8) if one is None else one for pixels, one in rows)
        alpha = np.stack([line_of(one, axis) for one in full])
    pixels, options = fitted(np.stack(_alike([line_of(pixels, axis) for pixels, _ in rows])), options)
    low, high = (bounds.min_x, bounds.max_x) if axis == "xz" else (bounds.min_y, bounds.max_y)
    return Picture(pixels, alpha, views, options, box=Bounds(low, z_values[0], high, z_values[-1]), frame=axis)


def _line_box(box: Bounds, axis: str, at: float, scale: float) -> Bounds:
    """Return the part of a box that one row of pixels shows."""
    thickness = math.ceil(1 / scale)
    if int(thickness * scale) < 1:
        thickness += 1
    if axis == "xz":
        return Bounds(box.min_x, at, box.max_x, at + thickness)
    return Bounds(at, box.min_y, at + thickness, box.max_y)


def _alike(rows: list[Any]) -> list[Any]:
    """Return grey and coloured rows all in colour, if any is."""
    if all(row.ndim == 1 for row in rows):
        return rows
    return [row if row.ndim == 2 else np.repeat(row[:, np.newaxis], 3, axis=1) for row in rows]


# Recipes


def recipe_picture(client: Client, recipe: RenderParameters, options: PictureOptions) -> Picture:
    """Draw a recipe; see `Gateway.render`."""
    if not isinstance(recipe, RenderParameters):
        raise TypeError(f"render() takes RenderParameters, as tile.render_parameters() returns, got {recipe!r}")
    width, height = (_RECIPE_SIZE if side is None else side for side in (recipe.width, recipe.height))
    x, y, scale = recipe.x or 0.0, recipe.y or 0.0, 1.0 if recipe.scale is None else recipe.scale
    box = Bounds(x, y, x + width, y + height)
    view = View(client, "recipe", {}, box, scale, "a recipe", recipe=recipe)
    return drawn(view, options)


def recipe_pixels(
    client: Client, recipe: bytes, compute: str
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
    """Draw a recipe, as JSON, in 8 bits; return its pixels and their opacity, None if it is opaque."""
    picture = recipe_picture(client, RenderParameters.from_json(recipe), PictureOptions(compute=compute))
    return picture.pixels, picture.alpha


# URLs


def thumbnail_scale(box: Bounds, width: int) -> float:
    """Return the scale at which a box is *width* pixels wide; slightly larger, because sizes are truncated."""
    try:
        pixels = as_count(width, "the width of a thumbnail")
    except ValueError as error:
        raise ImageError(str(error)) from error
    return (pixels + 0.5) / box.width if box.width else 0.0


def url_of(view: View, modified: datetime | None, kind: str, options: PictureOptions) -> str:
    """Return the URL of a picture; *modified*, of its stack, makes it another one after a change."""
    view.check()
    path = view.path(options, kind)
    mark = "" if modified is None else f"{'&' if '?' in path else '?'}v={quote(f'{modified.timestamp() * 1000:.0f}')}"
    return f"{view.conn.image_base_url}{path}{mark}"
