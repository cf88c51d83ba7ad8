"""Pictures: drawn by the service, passed on without decoding them."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

from rendergateway.catalogue.pages.places import frame_of, section_of, stack_of
from rendergateway.catalogue.site import Site
from rendergateway.extras import needed_for
from rendergateway.geometry import Bounds
from rendergateway.wrappers import PictureOptions
from rendergateway.wrappers.images.render import section_view, tile_view

with needed_for("the catalogue"):
    import flask

__all__ = [
    "CELL_PX",
    "MOST_TILES",
    "PAGE_PX",
    "cell",
    "look_of",
    "placeholder",
    "scale_for",
    "section_picture",
    "thumbnail",
    "tile_picture",
    "wanted_px",
]

# Side of the pictures that a map is made of.
CELL_PX = 512
# So many tiles are drawn in one picture; for more the service draws outlines.
MOST_TILES = 600
_THUMBNAIL_PX = 160
PAGE_PX = 1024
_MOST_PX = 2048
# Of one tile: full scale.
_MOST_TILE_PX = 16384
_LEVELS, _CELLS = 24, 2**32
_COLOURS = ("#c0c4cc", "#3a3f4b")


def cell(site: Site, owner: str, project: str, stack: str, z: str, level: int, column: int, row: int) -> flask.Response:
    """Return one picture of a map: 512 pixels of 2^level world pixels: ``box.jpeg``."""
    if level > _LEVELS or max(abs(column), abs(row)) > _CELLS:
        flask.abort(404, f"no such cell; levels are 0 to {_LEVELS}, columns and rows at most {_CELLS}")
    section = section_of(site, owner, project, stack, z)
    side = CELL_PX << level
    box = Bounds(column * side, row * side, (column + 1) * side, (row + 1) * side)
    return _section(site, section, box, 1 / (1 << level))


def section_picture(site: Site, owner: str, project: str, stack: str, z: str) -> flask.Response:
    """Return a picture of a box of a section, or of all of it: ``box.jpeg``, without a box ``section.tile_bounds``."""
    section = section_of(site, owner, project, stack, z)
    sides = [flask.request.args.get(name, type=float) for name in ("min_x", "min_y", "max_x", "max_y")]
    known = [side for side in sides if side is not None and math.isfinite(side)]
    box = Bounds(*known) if len(known) == 4 else section.bounds
    return _section(site, section, box, None)


def thumbnail(site: Site, owner: str, project: str, stack: str) -> flask.Response:
    """Return a picture of the middle section of a stack: ``stack.read``, ``stack.z_values`` and ``box.jpeg``."""
    shown = stack_of(site, owner, project, stack)
    box, sections = shown.bounds, shown.sections()
    if box is None or not len(sections):
        return placeholder("no picture", 404)
    share = (shown.tile_count or 0) / len(sections) / MOST_TILES
    if share > 0.25:
        # A detail from the middle: drawing thousands of tiles would take minutes.
        box = _middle_of(box, math.sqrt(0.25 / share))
    return _section(site, sections[len(sections) // 2], box, None, _THUMBNAIL_PX)


def tile_picture(site: Site, owner: str, project: str, stack: str) -> flask.Response:
    """Return a picture of a tile: ``tile.read`` and ``tile.jpeg``."""
    tile = stack_of(site, owner, project, stack).tile(_named("id"))
    frame = frame_of("world", more=("world",))
    record = tile.load()._obj
    view = tile_view(tile._bound, record, lambda: tile.resolved_transforms, frame)
    scale = scale_for(max(view.box.width, view.box.height), wanted_px(PAGE_PX, _MOST_TILE_PX))
    view = tile_view(tile._bound, record, lambda: tile.resolved_transforms, frame, scale)
    view.check()
    return _sent(site, site.gateway.call_raw("tile.jpeg", **view.values, **_options().query(limited=False)))


def _named(name: str) -> str:
    value = flask.request.args.get(name)
    if not value:
        flask.abort(400, f"the address needs {name}= in its query")
    return value


def _section(site: Site, section: Any, box: Bounds | None, scale: float | None, most: int = PAGE_PX) -> flask.Response:
    if scale is None:
        sides = (1.0,) if box is None else (box.width, box.height)
        scale = scale_for(max(sides), wanted_px(most))
    view = section_view(section._bound, box, scale)
    view.check()
    return _sent(site, site.gateway.call_raw("box.jpeg", **view.values, **_options().query(limited=True)))


def wanted_px(default: int, most: int = _MOST_PX) -> int:
    """Return the size in the query, ``px=``, at most *most*, or *default*."""
    return min(max(16, flask.request.args.get("px", default, type=int)), most)


def scale_for(side: float, most: int) -> float:
    """Return the scale, at most 1, at which a side has *most* pixels."""
    return min(1.0, (most + 0.5) / side) if side > 0 else 1.0


def _options() -> PictureOptions:
    """Return the options in the query: a channel, the values shown black and white, the filter, and the masks."""
    query = flask.request.args
    values = [query.get(name, type=float) for name in ("low", "high")]
    window = [value for value in values if value is not None and math.isfinite(value)]
    is_given = len(window) == len(values) and window[0] < window[1]
    return PictureOptions(
        channel=query.get("channel") or None,
        intensity=window if is_given else None,
        filter=bool(query.get("filter")),
        mask=None if query.get("mask") == "none" else "blended",
        max_tiles=MOST_TILES,
    )


def look_of() -> dict[str, str]:
    """Return the options of pictures in the query of a page, for the addresses of its pictures."""
    query = flask.request.args
    return {name: query[name] for name in ("low", "high", "channel", "filter", "mask") if query.get(name)}


def _sent(site: Site, content: bytes) -> flask.Response:
    return site.keep(flask.Response(content, content_type="image/jpeg"), flask.request.args.get("v"))


def _middle_of(box: Bounds, share: float) -> Bounds:
    x, y = (box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2
    half_x, half_y = box.width * share / 2, box.height * share / 2
    return Bounds(x - half_x, y - half_y, x + half_x, y + half_y)


def placeholder(sentence: str, status: int) -> flask.Response:
    """Return a picture of a sentence, for a picture that cannot be drawn."""
    back, ink = _COLOURS
    lines = [sentence[start : start + 38] for start in range(0, min(len(sentence), 190), 38)]
    words = "".join(
        f'<text x="10" y="{24 + 18 * place}" font-size="12" font-family="sans-serif" fill="{ink}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 128"><rect width="256" height="128" fill="{back}"/>'
    )
    return flask.Response(f"{svg}{words}</svg>", status, content_type="image/svg+xml; charset=utf-8")
