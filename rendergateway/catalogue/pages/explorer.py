"""The point match explorer: the tiles of several sections and the matches between them, in 3-D."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import attrs

from rendergateway.catalogue.pages.places import SIDES, is_placed, stack_of, z_range_of
from rendergateway.catalogue.site import Page, Site, is_reachable
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["explorer_data", "explorer_page"]

# Tiles of the sections that are chosen if none are: a reader sees these at once.
_TILES_AT_FIRST = 2000
_MOST_TILES = 100_000
_MOST_LISTED = 20


@attrs.frozen(eq=False)
class Explored:
    """
    Tiles and matched pairs of some sections.

    Attributes
    ----------
    tiles : list of dict
        Tile bounds as of the service, by layers.
    layers : list of float
        Their z values.
    pairs : list of (int, int, int)
        Places of both tiles, and the number of matches between them.
    outside : int
        Pairs with a tile of another section.
    content : bytes
        All of it as JSON, for the script of the page.
    """

    tiles: list[dict[str, Any]]
    layers: list[float]
    pairs: list[tuple[int, int, int]]
    outside: int
    content: bytes = attrs.field(init=False, default=attrs.Factory(lambda self: self._encoded(), takes_self=True))

    def _encoded(self) -> bytes:
        places = {z: place for place, z in enumerate(self.layers)}
        groups = list(dict.fromkeys(str(tile.get("sectionId")) for tile in self.tiles))
        numbers = {group: number for number, group in enumerate(groups)}
        data = {
            "layers": self.layers,
            "groups": groups,
            "tiles": [
                [
                    tile["tileId"],
                    places[tile["z"]],
                    numbers[str(tile.get("sectionId"))],
                    *(tile[side] for side in SIDES),
                ]
                for tile in self.tiles
            ],
            "pairs": self.pairs,
        }
        return json.dumps(data, separators=(",", ":")).encode()

    @property
    def size(self) -> int:
        """Approximate size in bytes."""
        return 8 * len(self.content)

    @property
    def version(self) -> str:
        """A digest of the content."""
        return hashlib.blake2b(self.content, digest_size=9).hexdigest()

    def counts(self) -> list[dict[str, Any]]:
        """Return the pairs and matches of each two section ids, in the order of the layers."""
        rows: dict[tuple[int, int, str, str], list[int]] = {}
        places = {z: place for place, z in enumerate(self.layers)}
        for p, q, count in self.pairs:
            one, other = self.tiles[p], self.tiles[q]
            key = (places[one["z"]], places[other["z"]], str(one.get("sectionId")), str(other.get("sectionId")))
            row = rows.setdefault(key, [0, 0])
            row[0] += 1
            row[1] += count
        return [
            {"z": self.layers[z], "other_z": self.layers[other], "p": p, "q": q, "pairs": pairs, "matches": matches}
            for (z, other, p, q), (pairs, matches) in sorted(rows.items())
        ]

    def alone(self) -> list[dict[str, Any]]:
        """Return the tiles without a pair."""
        connected = {place for p, q, _ in self.pairs for place in (p, q)}
        return [tile for place, tile in enumerate(self.tiles) if place not in connected]


def explorer_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """
    Return the page of the matches of a collection, ``collection=``, in the sections from ``min_z=`` to ``max_z=``.

    ``stack.read``, ``stack.z_values``, ``stack.section_data`` without a range, and ``match.collections``; with a
    collection ``section.tile_bounds`` per section and ``match.with_p_group`` per section id.
    """
    shown = stack_of(site, owner, project, stack)
    names = shown.owner.match_collections().ids
    chosen = z_range_of(shown, lambda layers: _first(shown, layers))
    query = flask.request.args
    collection, merged = query.get("collection", ""), query.get("merge", "")
    explored = None
    if collection and chosen:
        explored = _read(site, shown, chosen, collection, merged)
        site.kept.keep(explored.version, explored)
    return site.page(
        "catalogue/explorer.html",
        shown=shown,
        layers=chosen,
        total=len(shown.sections()),
        collections=names,
        collection=collection,
        merged=merged,
        explored=explored,
        most_listed=_MOST_LISTED,
    )


def explorer_data(site: Site, owner: str, project: str, stack: str) -> flask.Response:
    """Return the tiles and pairs of a page of the explorer: no request unless they are no longer kept."""
    version, query = flask.request.args.get("v", ""), flask.request.args
    explored = site.kept.get(version)
    if not isinstance(explored, Explored):
        shown = stack_of(site, owner, project, stack)
        chosen = z_range_of(shown, lambda layers: _first(shown, layers))
        explored = _read(site, shown, chosen, query.get("collection", ""), query.get("merge", ""))
    response = flask.Response(explored.content, content_type="application/json")
    return site.keep(response, version if explored.version == version else None)


def _first(stack: Any, layers: Sequence[Any]) -> int:
    """Return how many of the first layers have few enough tiles."""
    if stack.state not in ("COMPLETE", "READ_ONLY"):
        return min(len(layers), 3)
    total = 0
    for place, section in enumerate(layers):
        total += section.tile_count
        if total > _TILES_AT_FIRST:
            return max(1, place)
    return len(layers)


def _read(site: Site, stack: Any, layers: Sequence[Any], collection: str, merged: str) -> Explored:
    if not collection:
        flask.abort(400, "the address needs collection=, the name of a match collection")
    call, key = site.gateway.call, stack._key._asdict()
    tiles: list[dict[str, Any]] = []
    for section in layers:
        found = call("section.tile_bounds", **key, z=section.z)
        tiles += sorted((tile for tile in found if is_placed(tile)), key=lambda tile: str(tile["tileId"]))
        if len(tiles) > _MOST_TILES:
            flask.abort(400, f"these sections have more than {_MOST_TILES} tiles; choose fewer")
    places = {tile["tileId"]: place for place, tile in enumerate(tiles)}
    pairs, outside = [], 0
    # The service cannot be asked for a group whose name is empty, or has slashes.
    for group in filter(is_reachable, dict.fromkeys(str(tile.get("sectionId") or "") for tile in tiles)):
        for pair in _pairs(site, stack._key.owner, collection, merged, group):
            p, q = places.get(pair["pId"]), places.get(pair["qId"])
            if p is None or q is None:
                outside += 1
            else:
                pairs.append((p, q, _count_of(pair)))
    return Explored(tiles, [section.z for section in layers], pairs, outside)


def _pairs(site: Site, owner: str, collection: str, merged: str, group: str) -> list[dict[str, Any]]:
    values: dict[str, Any] = {"owner": owner, "collection": collection, "p_group": group}
    if merged and merged != collection:
        values["merge_collection"] = (merged,)
    found: list[dict[str, Any]] = site.gateway.call("match.with_p_group", **values, exclude_match_details=True)
    if any("matchCount" not in pair and "matches" not in pair for pair in found):
        # Services of 2019 count the matches that they list only.
        found = site.gateway.call("match.with_p_group", **values)
    return found


def _count_of(pair: dict[str, Any]) -> int:
    count = pair.get("matchCount")
    return int(count) if count is not None else len(pair.get("matches", {}).get("w", ()))
