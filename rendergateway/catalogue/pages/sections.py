"""The page of a section, and the data of its map."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.catalogue import show
from rendergateway.catalogue.charts import histogram
from rendergateway.catalogue.pages.pictures import CELL_PX, MOST_TILES
from rendergateway.catalogue.pages.places import collection_of, section_of, stack_of
from rendergateway.catalogue.section_map import SectionMap
from rendergateway.catalogue.site import Page, Site
from rendergateway.errors import ConfigurationError
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["clusters", "connections", "map_description", "map_piece", "residuals", "section_by_id", "section_page"]


# z values that the field of the page suggests.
_MOST_SUGGESTED = 1000


def section_page(site: Site, owner: str, project: str, stack: str, z: str) -> Page:
    """Return the page of a section: ``stack.read``, ``stack.z_values`` and ``section.resolved_tiles``."""
    section = section_of(site, owner, project, stack, z)
    if (same := site.unchanged(section.stack)) is not None:
        return same
    version = site.version_of(section.stack)
    sections = section.stack.sections()
    tiles = section.tiles()
    table = tiles.table()
    found = _kept(site, section, version, table)
    place = sections.ids.index(section.z) if section.z in sections.ids else None
    return site.page_of(
        section,
        version=version,
        tiles=site.table("tile", tiles, table=table),
        map=found,
        previous=sections[place - 1] if place else None,
        following=sections[place + 1] if place is not None and place + 1 < len(sections) else None,
        place=place,
        sections=sections,
        z_values=[f"{z:.10g}" for z in sections.ids[:_MOST_SUGGESTED]],
        sizes=histogram(table.size),
        ranges=_ranges(table.size),
        cell_px=CELL_PX,
        most_tiles=MOST_TILES,
    )


def _ranges(sizes: npt.NDArray[np.float64]) -> dict[str, str]:
    """Return smallest, largest and mean width and height in words."""
    words = {}
    for name, values in zip(("width", "height"), sizes.T, strict=True):
        known = values[np.isfinite(values)]
        few = np.unique(known)
        if len(few) < 2:
            words[name] = show.number(float(few[0]) if len(few) else None)
        else:
            low, high, mean = (show.number(float(one)) for one in (few[0], few[-1], known.mean()))
            words[name] = f"{low} to {high}, mean {mean}"
    return words


def section_by_id(site: Site, owner: str, project: str, stack: str) -> Any:
    """Lead from a section id, ``id=``, or a z, ``z=``, to the page of the section: at most ``section_id.z``."""
    shown = stack_of(site, owner, project, stack)
    name = flask.request.args.get("id", "").strip()
    if name:
        section = shown.section(section_id=name)
        return flask.redirect(site.url(section) or site.url_for("home"))
    z = flask.request.args.get("z", "").strip()
    if not z:
        return flask.redirect(site.url(shown) or site.url_for("home"))
    section = section_of(site, owner, project, stack, z)
    return flask.redirect(site.url(section) or site.url_for("home"))


# The map


def map_description(site: Site, owner: str, project: str, stack: str, z: str) -> flask.Response:
    """Return the extent of a map and its pieces; no request after the page of the section."""
    section = section_of(site, owner, project, stack, z)
    found = _versioned(site, section)
    return _lasting(site, flask.Response(json.dumps(found.description()), content_type="application/json"))


def map_piece(site: Site, owner: str, project: str, stack: str, z: str, number: int) -> flask.Response:
    """Return the outlines of one piece of a map; no request after the page of the section."""
    found = _versioned(site, section_of(site, owner, project, stack, z))
    if number >= len(found.pieces):
        flask.abort(404, f"piece {number} does not exist; the map has {len(found.pieces)}")
    return _lasting(site, flask.Response(found.piece(number), content_type="application/octet-stream"))


def _lasting(site: Site, response: flask.Response) -> flask.Response:
    return site.keep(response, flask.request.args.get("v"))


def _versioned(site: Site, section: Any) -> SectionMap:
    """Return the map with the version in the address; one that is no longer kept is read again."""
    version = flask.request.args.get("v", "")
    known: SectionMap | None = site.kept.get((tuple(section._key), version))
    return known if known is not None else _kept(site, section, version, section.tiles().table())


def _kept(site: Site, section: Any, version: str, table: Any) -> SectionMap:
    key = (tuple(section._key), version)
    known: SectionMap | None = site.kept.get(key)
    if known is not None:
        return known
    made = SectionMap.of(table, section.stack.shared_transforms)
    site.kept.keep(key, made)
    return made


# Matches in the map


def clusters(site: Site, owner: str, project: str, stack: str, z: str) -> flask.Response:
    """Return the cluster of each tile under the matches of a collection: ``section.clustered_tile_bounds``."""
    section, collection = section_of(site, owner, project, stack, z), collection_of(site, owner)
    found = site.gateway.call(
        "section.clustered_tile_bounds", **section._key._asdict(), collection=collection.name, match_owner=owner
    )
    numbers = {box["tileId"]: number for number, boxes in enumerate(found) for box in boxes}
    return flask.jsonify(sizes=list(map(len, found)), clusters=numbers)


def residuals(site: Site, owner: str, project: str, stack: str, z: str) -> flask.Response:
    """
    Return the mean residual of each tile's matches within the section, in world pixels.

    With ``adjacent=``, those with the sections before and after it count too. ``stack.z_values``,
    ``section.resolved_tiles`` per section, and ``match.with_p_group`` per section id.
    """
    section, collection = section_of(site, owner, project, stack, z), collection_of(site, owner)
    if collection.frame is None:
        raise ConfigurationError(
            f"the frame of match collection {collection.name!r} is unknown; choose the frame of its points"
        )
    low = high = section.z
    if flask.request.args.get("adjacent"):
        layers = section.stack.sections().ids
        low = max((one for one in layers if one < section.z), default=low)
        high = min((one for one in layers if one > section.z), default=high)
    found = section.stack.residuals(collection, z=(low, high)).tiles
    known = (found.z == section.z) & np.isfinite(found.mean_px)
    return flask.jsonify(residuals=dict(zip(found.tile_id[known].tolist(), found.mean_px[known].tolist(), strict=True)))


def connections(site: Site, owner: str, project: str, stack: str, z: str) -> flask.Response:
    """
    Return the neighbours by row and column without matches, or with at most ``threshold=``, as lines.

    ``section.resolved_tiles``, and ``match.within_group`` per section id.
    """
    section, collection = section_of(site, owner, project, stack, z), collection_of(site, owner)
    threshold = flask.request.args.get("threshold", 0, type=int)
    table = section.tiles().table()
    counts: dict[frozenset[str], int] = {}
    for pair in collection.pairs(within=section, points=False):
        counts[frozenset((pair.p_id, pair.q_id))] = len(pair)
    weak = [
        (p, q, counts.get(frozenset((p, q)), 0))
        for p, q in _grid_neighbours(table)
        if counts.get(frozenset((p, q)), 0) <= threshold
    ]
    found = _versioned(site, section)
    starts, ends = found.centres([p for p, _, _ in weak]), found.centres([q for _, q, _ in weak])
    lines = np.concatenate([starts, ends], axis=1)
    usable = np.asarray(np.isfinite(lines).all(axis=1))
    return flask.jsonify(
        lines=[
            {"from": p, "to": q, "matches": count, "line": line}
            for (p, q, count), line, is_usable in zip(weak, lines.tolist(), usable.tolist(), strict=True)
            if is_usable
        ]
    )


def _grid_neighbours(table: Any) -> list[tuple[str, str]]:
    """Return the tiles beside and below each other in the mosaic, per section id."""
    places: dict[tuple[Any, float, float], str] = {}
    columns = (table.section_id, table.image_row, table.image_col, table.tile_id)
    for section_id, row, column, tile_id in zip(*(one.tolist() for one in columns), strict=True):
        places[section_id, row, column] = tile_id
    found = []
    for (section_id, row, column), tile_id in places.items():
        beside = ((section_id, row, column + 1), (section_id, row + 1, column))
        found += [(tile_id, places[place]) for place in beside if place in places]
    return found
