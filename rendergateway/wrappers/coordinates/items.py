"""Points in the JSON of coordinate files, mapped with the error texts of the service's own client."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import numpy as np

from rendergateway.errors import ServiceError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import copy_of
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.number_text import double_text
from rendergateway.wire import Coordinates, decode_body, encode
from rendergateway.wrappers.coordinates.locate import maps_of, not_inverted
from rendergateway.wrappers.coordinates.tile_maps import TileMaps
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey

__all__ = ["local_items", "world_items"]

_log = logging.getLogger("rendergateway")

Item = Coordinates | None
# The tiles at a point, or the point with an error.
Under = list[Coordinates]


def local_items(stack: Bound[StackKey], items: Sequence[Item], z: float | None) -> list[Under]:
    """
    Return the tiles under world points, with the local coordinates in each, through their meshes.

    Parameters
    ----------
    stack : Bound
        The stack.
    items : sequence of Coordinates
        World points, x, y and, without *z*, z.
    z : float, optional
        The section of all points.

    Returns
    -------
    list of list of Coordinates
        Per point, ordered by tile id, the last one visible; or one item with the error.

    Raises
    ------
    ServiceError
        If the service refuses a point, for example because its world values are missing.

    Notes
    -----
    One request, ``coordinate.section_tile_ids`` or, without *z*, ``coordinate.tile_ids``; ``stack.tile_specs`` per
    50 000 tiles.
    """
    endpoint, values = ("coordinate.tile_ids", {}) if z is None else ("coordinate.section_tile_ids", {"z": z})
    answer = stack.fetch(endpoint, body=encode(items), **values)
    under: list[Under] = decode_body(copy_of(answer), list[list[Coordinates]]) or []
    maps = _maps(stack, (one.tileId for some in under for one in some))
    pairs = [(number, one) for number, some in enumerate(under) for one in some if one.tileId in maps]
    points = np.array([(one.world or [])[:2] for _, one in pairs], dtype=np.float64).reshape(-1, 2)
    mapped = maps.local_from_world([str(one.tileId) for _, one in pairs], points, "mesh")
    found: list[Under] = [[] for _ in under]
    known: list[Under] = [[] for _ in under]
    reasons: dict[int, str] = {}
    for row, (number, one) in enumerate(pairs):
        known[number].append(one)
        if mapped.error[row]:
            reasons.setdefault(number, mapped.error[row])
        elif np.isfinite(mapped.points[row]).all():
            local = _numbers(mapped.points[row], float(mapped.z[row]))
            found[number].append(Coordinates(tileId=one.tileId, local=local))
    for number, some in enumerate(found):
        if some:
            some[-1].visible = True
        else:
            some.append(_not_found(under[number], known[number], reasons.get(number), _place(stack, z)))
    return found


def _not_found(under: Under, known: Under, reason: str | None, place: str) -> Coordinates:
    if not under:
        return Coordinates(error="coordinates are missing")
    if not known:
        world = ", ".join(map(double_text, under[0].world or []))
        return Coordinates(error=f"no tile specifications found in {place} for [{world}]")
    first = under[0]
    first.error = reason or not_inverted((first.world or [])[:2], [str(one.tileId) for one in known])
    return first


def world_items(stack: Bound[StackKey], items: Sequence[Under | None], z: float | None) -> list[Coordinates]:
    """
    Return points of tiles in the world.

    Parameters
    ----------
    stack : Bound
        The stack.
    items : sequence of list of Coordinates
        Per point, local coordinates in tiles: the visible one counts, else the first.
    z : float, optional
        For error texts only.

    Returns
    -------
    list of Coordinates
        Per point, the world coordinates, or the item with an error.

    Notes
    -----
    One request, ``stack.tile_specs``, per 50 000 tiles.
    """
    chosen = [_visible(some) for some in items]
    maps = _maps(stack, (one.tileId for one in chosen if _problem(one) is None))
    good = [one for one in chosen if _problem(one) is None and one.tileId in maps]
    points = np.array([(one.local or [])[:2] for one in good], dtype=np.float64).reshape(-1, 2)
    mapped = maps.world_from_local([str(one.tileId) for one in good], points)
    rows = iter(range(len(good)))
    done = []
    for one in chosen:
        problem = _problem(one)
        if problem is None and one.tileId not in maps:
            problem = f"tileId {one.tileId} cannot be found in {_place(stack, z)}"
        if problem is None:
            row = next(rows)
            problem = mapped.error[row] or None
            if problem is None:
                world = _numbers(mapped.points[row], float(mapped.z[row]))
                done.append(Coordinates(tileId=one.tileId, world=world))
                continue
        one.error = problem
        done.append(one)
    return done


def _visible(some: Under | None) -> Coordinates:
    if not some:
        return Coordinates(error="coordinates are missing")
    return next((one for one in some if one.visible), some[0])


def _problem(one: Coordinates) -> str | None:
    if one.error == "coordinates are missing":
        return one.error
    if one.tileId is None:
        return "tileId is missing"
    if one.local is None:
        return "local values are missing"
    return "local values must include both x and y" if len(one.local) < len("xy") else None


def _maps(stack: Bound[StackKey], tile_ids: Iterable[str | None]) -> TileMaps:
    """Return the maps of tiles; without any if the service refuses: each point has an error then."""
    try:
        return maps_of(stack, [tile_id for tile_id in tile_ids if tile_id is not None])
    except ServiceError as error:
        _log.warning("failed to retrieve tile specs: %s", error)
        return TileMaps(TileTable([]), {})


def _numbers(point: FloatArray, z: float) -> list[float]:
    return [*point.tolist(), *([] if np.isnan(z) else [z])]


def _place(stack: Bound[StackKey], z: float | None) -> str:
    layer = "" if z is None else f"layer {double_text(z)} of "
    return f"{layer}stack {stack.key.stack}"
