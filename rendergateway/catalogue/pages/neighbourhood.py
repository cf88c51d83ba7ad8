"""A tile among its neighbours: pictures in the order of the mosaic, sections side by side, with drawn matches."""

from __future__ import annotations

from typing import Any

from rendergateway.catalogue.drawing import Drawing, Line, Side, lines_between, tiles_side_by_side
from rendergateway.catalogue.pages.matches import FRAMES
from rendergateway.catalogue.pages.places import frame_of, full_name, stack_of
from rendergateway.catalogue.pages.tiles import tile_of
from rendergateway.catalogue.site import Page, Site
from rendergateway.errors import RecordError
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["neighbourhood_page"]

# Pictures in one drawing; each is a request of the browser.
_MOST_TILES = 36
_PICTURE_PX = 240
_FACTORS = (0.0, 0.3, 0.6, 1.0)
_STEPS = {"ArrowLeft": (0, -1), "ArrowRight": (0, 1), "ArrowUp": (-1, 0), "ArrowDown": (1, 0)}


def neighbourhood_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """
    Return the page of a tile, ``id=``, among the tiles within ``factor=`` of its size and ``dz=`` sections.

    ``stack.read``, ``tile.read``, ``stack.resolved_tiles`` and ``match.collections``; with ``collection=``
    ``match.with_tile``, of each tile shown if ``all=`` is given.
    """
    query = flask.request.args
    shown = stack_of(site, owner, project, stack)
    tile, frame = tile_of(shown), frame_of("raw")
    factor = min(max(query.get("factor", 0.0, type=float), 0.0), _FACTORS[-1])
    dz = min(max(query.get("dz", 1, type=int), 0), 2)
    problem, found = "", [tile]
    try:
        record = tile.load()._obj
        margin = factor * max(record.width or 0.0, record.height or 0.0)
        found += list(tile.neighbours(margin_px=margin, dz=dz))
    except RecordError as error:
        problem = str(error)
    kept = sorted(found[1:], key=lambda one: abs(one._obj.z - tile._obj.z))[: _MOST_TILES - 1]
    grid, steps = _grid(tile, kept)
    sides = tiles_side_by_side(site, shown, grid, frame, _PICTURE_PX)
    collection = query.get("collection", "")
    lines, pairs = _lines(site, shown, tile, sides, collection, of_all=bool(query.get("all")))
    return site.page(
        "catalogue/neighbourhood.html",
        shown=tile,
        stack=shown,
        drawing=Drawing(sides, lines),
        pairs=pairs,
        pair_urls={pair.q_id: site.url(pair, stack=full_name(shown), frame=frame) for pair in pairs},
        left_out=len(found) - 1 - len(kept),
        problem=problem,
        frame=frame,
        frames=FRAMES,
        factor=factor,
        factors=_FACTORS,
        dz=dz,
        of_all=bool(query.get("all")),
        collections=shown.owner.match_collections().ids,
        collection=collection,
        steps={key: steps[step] for key, step in _STEPS.items() if step in steps},
    )


def _grid(tile: Any, others: list[Any]) -> tuple[list[list[Any]], dict[tuple[int, int], Any]]:
    """Return rows of tiles, None in gaps, sections side by side; and the neighbours of the tile by row and column."""
    tiles = [tile, *others]
    places = {one.tile_id: _place_of(one, tile) for one in tiles}
    row, column = places[tile.tile_id]
    steps = {(r - row, c - column): one for one in tiles for r, c in [places[one.tile_id]] if one._obj.z == tile._obj.z}
    rows = sorted({r for r, _ in places.values()})
    columns = sorted({(one._obj.z, places[one.tile_id][1]) for one in tiles})
    cells: dict[tuple[int, float, int], list[Any]] = {}
    for one in tiles:
        r, c = places[one.tile_id]
        cells.setdefault((r, one._obj.z, c), []).append(one)
    # Tiles at the same place, of two section ids for example, are below each other.
    grid = []
    for r in rows:
        some = [cells.get((r, *at), []) for at in columns]
        depth = max(map(len, some))
        grid += [[cell[level] if level < len(cell) else None for cell in some] for level in range(depth)]
    return grid, steps


def _place_of(one: Any, tile: Any) -> tuple[int, int]:
    """Return row and column in the mosaic; of a tile without them by its place beside the chosen tile."""
    layout = one._obj.layout
    if layout is not None and None not in (layout.image_row, layout.image_col):
        return int(layout.image_row), int(layout.image_col)
    box, middle = one._obj.bounds, tile._obj.bounds
    if box is None or middle is None:
        return 0, 0
    return (
        round((box.min_y - middle.min_y) / max(middle.height, 1.0)),
        round((box.min_x - middle.min_x) / max(middle.width, 1.0)),
    )


def _lines(
    site: Site, stack: Any, tile: Any, sides: list[Side], collection: str, *, of_all: bool
) -> tuple[list[Line], list[Any]]:
    """Return the matches between the tiles of a drawing, and the pairs of the chosen tile."""
    if not collection:
        return [], []
    by_id = {side.tile.tile_id: side for side in sides}
    pairs = list(tile.matches(collection))
    every = list(pairs)
    if of_all:
        for side in sides:
            every += side.tile.matches(collection) if side.tile.tile_id != tile.tile_id else []
    lines: list[Line] = []
    seen = set()
    for pair in every:
        ends = frozenset(((pair.p_group, pair.p_id), (pair.q_group, pair.q_id)))
        if ends in seen or pair.p_id not in by_id or pair.q_id not in by_id:
            continue
        seen.add(ends)
        url = site.url(pair, stack=full_name(stack))
        lines += lines_between(by_id[pair.p_id], by_id[pair.q_id], pair.p, pair.q, url=url, first=len(lines))
    return lines, pairs
