"""The page of a tile."""

from __future__ import annotations

from typing import Any

from rendergateway.catalogue.pages.pictures import look_of
from rendergateway.catalogue.pages.places import stack_of
from rendergateway.catalogue.site import Page, Site, is_reachable
from rendergateway.errors import NotFoundError, RecordError, RenderGatewayError
from rendergateway.extras import needed_for
from rendergateway.transforms import TransformReference

with needed_for("the catalogue"):
    import flask

__all__ = ["tile_of", "tile_page"]

_FRAMES = {"world": "in the world", "raw": "as stored", "lens_corrected": "after the lens correction"}
_MOST_NEIGHBOURS = 24


def tile_page(site: Site, owner: str, project: str, stack: str) -> Page:
    """
    Return the page of a tile.

    ``stack.read``, ``tile.read``, ``transform.read`` per shared transform, ``stack.resolved_tiles`` for the neighbours
    and ``match.collections``; with ``collection=`` also ``match.with_tile``.
    """
    shown = stack_of(site, owner, project, stack)
    tile = tile_of(shown)
    name = flask.request.args.get("collection", "")
    if not name and (same := site.unchanged(shown)) is not None:
        return same
    record = tile.load()._obj
    frame = flask.request.args.get("frame", "world")
    return site.page_of(
        tile,
        version=site.version_of(shown),
        record=record,
        transforms=list(record.transforms.flattened() if not _has_references(record) else record.transforms),
        resolved=_resolved(tile),
        frames=_FRAMES,
        look=look_of(),
        frame=frame if frame in _FRAMES else "world",
        neighbours=_neighbours(tile),
        collections=shown.owner.match_collections().ids,
        collection=name,
        pairs=tile.matches(name) if name else [],
        can_draw=is_reachable(tile.tile_id),
    )


def tile_of(shown: Any) -> Any:
    """Return the tile ``id=`` of a stack: no request, or the section at ``z=`` for an id that has no address."""
    tile_id = flask.request.args.get("id", "")
    if not tile_id:
        flask.abort(400, "the address needs id=, the id of a tile")
    if is_reachable(tile_id):
        return shown.tile(tile_id)
    # The service cannot be asked for such a tile alone: find it among the tiles of its section.
    z = flask.request.args.get("z", type=float)
    if z is None:
        raise NotFoundError(f"tile {tile_id!r} cannot be requested alone; open it from its section")
    return shown.section(z).tiles().get(tile_id)


def _has_references(record: Any) -> bool:
    return any(isinstance(one, TransformReference) for one in record.transforms)


def _resolved(tile: Any) -> list[Any] | str:
    """Return the transforms without references and lists, or the reason why there are none."""
    try:
        return list(tile.resolved_transforms.flattened())
    except RenderGatewayError as error:
        return str(error)


def _neighbours(tile: Any) -> list[Any]:
    try:
        return list(tile.neighbours()[:_MOST_NEIGHBOURS])
    except RecordError:
        return []
