"""
Points between tiles and the world, computed here or asked of the service.

What is computed here is the service's own rule: the tiles whose stored boxes hold a point, in the order of their ids,
each inverted through its mesh; the last of those that can be is the one that shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, IntArray, as_points, boxes_under
from rendergateway.model import CoordinateTable
from rendergateway.model.records.json_slices import cut_list, encode
from rendergateway.model.tables.table import Column
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.number_text import double_text
from rendergateway.wrappers.coordinates.tile_maps import METHODS, Carried, TileMaps

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["is_here", "local_from_world", "locate", "maps_of", "world_from", "world_from_local"]

# As the service's own clients cut their work.
_POINTS_A_REQUEST = 25_000
_TILES_A_REQUEST = 50_000


def world_from_local(
    stack: StackWrapper, tile_ids: str | Sequence[str], points: npt.ArrayLike, where: str = "here"
) -> CoordinateTable:
    """Carry local points into the world; see `StackWrapper.world_from_local`."""
    local = _points(points)
    ids = _ids(tile_ids, len(local))
    if not is_here(where):
        items = [{"tileId": tile_id, "local": point} for tile_id, point in zip(ids, _finite(local), strict=True)]
        return _told_apart(stack, _asked(stack, "coordinate.batch_world_from_local", items, "world"))
    maps = maps_of(stack, ids)
    return _of_each(stack, maps, ids, local, maps.world_from_local, "world")


def local_from_world(
    stack: StackWrapper,
    tile_ids: str | Sequence[str],
    points: npt.ArrayLike,
    where: str = "here",
    method: str = "exact",
) -> CoordinateTable:
    """Carry world points, each into the tile that is named with it; see `StackWrapper.local_from_world`."""
    world = _points(points)
    ids = _ids(tile_ids, len(world))
    computed_here = is_here(where, method)
    maps = maps_of(stack, ids)
    if not computed_here:
        return _of_named_tiles(stack, maps, ids, world)

    def carry(some_ids: Sequence[str], some: FloatArray) -> Carried:
        found = maps.local_from_world(some_ids, some, method)
        _say_where_missing(found, some_ids, some)
        return found

    return _of_each(stack, maps, ids, world, carry, "local")


def locate(
    section: SectionWrapper, points: npt.ArrayLike, where: str = "here", method: str = "mesh"
) -> CoordinateTable:
    """Find the tiles under world points; see `SectionWrapper.locate`."""
    world = _points(points)
    if not is_here(where, method):
        items = [{"world": point} for point in _finite(world)]
        found = _asked(section.stack, "coordinate.section_local_from_world", items, "local", z=section.z)
        return _told_apart(section.stack, found)
    layer: _Layer = section._remembered("tile places", lambda: _Layer.of(section))
    point, place = boxes_under(world, layer.boxes)
    carried = layer.maps.local_from_world(layer.ids[place].tolist(), world[point], method)
    if method == "exact":
        _leave_out_what_is_outside(carried, layer.sizes[place])
    return _under_points(section, world, point, layer.ids[place], carried)


def world_from(
    stack: StackWrapper,
    other: StackWrapper | SectionWrapper,
    points: npt.ArrayLike,
    z: npt.ArrayLike | None = None,
    where: str = "here",
) -> CoordinateTable:
    """Carry world points of another stack into this one; see `StackWrapper.world_from`."""
    world = _points(points)
    source = other.stack if hasattr(other, "stack") else other
    layers = np.broadcast_to(np.asarray(_z_of(other, z), dtype=np.float64), len(world))
    ids: Column = np.full(len(world), None, dtype=object)
    local, error = np.full_like(world, np.nan), np.full(len(world), "", dtype=object)
    for layer in np.unique(layers).tolist():
        rows = np.flatnonzero(layers == layer)
        found = locate(source.section(layer), world[rows], where)
        shown, failed = found[found.visible], found[found.failed]
        ids[rows[shown.point]], local[rows[shown.point]] = shown.tile_id, shown.xy
        error[rows[failed.point]] = failed.error
    good = np.flatnonzero(error == "")
    carried = world_from_local(stack, ids[good].tolist(), local[good], where)
    whole = np.full((len(world), 3), np.nan)
    whole[good] = np.column_stack([carried.xy, carried.z])
    error[good] = carried.error
    x, y, new_z = whole.T
    return CoordinateTable(np.arange(len(world)), ids, x, y, new_z, error == "", error, frame="world")


def maps_of(stack: StackWrapper, tile_ids: Sequence[str], frame: str = "raw") -> TileMaps:
    """
    Return the maps of tiles of a stack; those that it does not have are not in it.

    Notes
    -----
    One request, ``stack.tile_specs``, for each 50 000 tiles: they come with shared transforms in their places.
    """
    wanted = sorted(set(tile_ids))
    texts = []
    for start in range(0, len(wanted), _TILES_A_REQUEST):
        texts += cut_list(stack._text("stack.tile_specs", body=encode(wanted[start : start + _TILES_A_REQUEST])))
    return TileMaps(TileTable(texts), {}, frame)


# What was given


def _points(points: npt.ArrayLike) -> FloatArray:
    # An empty list is no points, whatever its shape.
    return as_points(points).reshape(-1, 2) if np.size(points) else np.empty((0, 2))


def _ids(tile_ids: str | Sequence[str], count: int) -> list[str]:
    ids = [tile_ids] * count if isinstance(tile_ids, str) else list(tile_ids)
    if len(ids) != count:
        raise ValueError(f"each point has its tile: there are {count} points and {len(ids)} tile ids")
    return ids


def is_here(where: str, method: str = "mesh") -> bool:
    """Tell whether points are to be carried here; raise ValueError for words that mean nothing."""
    if where not in ("here", "service"):
        raise ValueError(f"points are carried where='here' or 'service', not {where!r}")
    if method not in METHODS:
        raise ValueError(f"tiles are inverted by method='exact' or 'mesh', not {method!r}")
    return where == "here"


def _z_of(other: StackWrapper | SectionWrapper, z: npt.ArrayLike | None) -> npt.ArrayLike:
    own: float | None = getattr(other, "z", None)
    if (own is None) == (z is None):
        raise TypeError("give a section, or a stack and z: the section of all points, or of each")
    return own if z is None else z  # type: ignore[return-value]


# Each point in a tile of its own


def _of_each(
    stack: StackWrapper,
    maps: TileMaps,
    ids: list[str],
    points: FloatArray,
    carry: Callable[[Sequence[str], FloatArray], Carried],
    frame: str,
) -> CoordinateTable:
    """Return the table of points that are carried by the tiles named with them; a tile that is missing is an error."""
    is_known = np.fromiter((tile_id in maps for tile_id in ids), bool, len(ids))
    known, missing = np.flatnonzero(is_known), np.flatnonzero(~is_known)
    found = carry([ids[row] for row in known.tolist()], points[known])
    whole = np.full((len(ids), 3), np.nan)
    whole[known] = np.column_stack([found.points, found.z])
    error: Column = np.empty(len(ids), dtype=object)
    error[known] = found.error
    error[missing] = [f"tile spec with id '{ids[row]}' does not exist in {_words(stack)}" for row in missing.tolist()]
    whole[error != ""] = np.nan
    x, y, z = whole.T
    table = CoordinateTable(np.arange(len(ids)), ids, x, y, z, np.zeros(len(ids), bool), error, frame=frame)
    return _told_apart(stack, table)


def _say_where_missing(found: Carried, ids: Sequence[str], points: FloatArray) -> None:
    for row in np.flatnonzero(np.isnan(found.points).any(axis=1) & (found.error == "")).tolist():
        found.error[row] = _not_inverted(points[row], [ids[row]])


def _of_named_tiles(stack: StackWrapper, maps: TileMaps, ids: list[str], world: FloatArray) -> CoordinateTable:
    """Ask the service for all tiles under each point, and keep the one that is named with it."""

    def carry(some_ids: Sequence[str], some: FloatArray) -> Carried:
        z = maps.z(some_ids)
        items = [{"world": [*point, of_z]} for point, of_z in zip(_finite(some), z.tolist(), strict=True)]
        answer = _asked(stack, "coordinate.batch_local_from_world", items, "local")
        named = answer.tile_id == np.array(some_ids, dtype=object)[answer.point]
        found = Carried(np.full_like(some, np.nan), z, np.full(len(some), "", dtype=object))
        found.error[answer.point[answer.failed]] = answer.error[answer.failed]
        found.points[answer.point[named]] = answer.xy[named]
        found.error[np.isnan(z)] = "the tile has no z"
        _say_where_missing(found, some_ids, some)
        return found

    return _of_each(stack, maps, ids, world, carry, "local")


# All tiles under each point


@attrs.frozen(eq=False)
class _Layer:
    """The tiles of a section as columns, by id, and as maps."""

    ids: Column
    boxes: FloatArray
    sizes: FloatArray
    maps: TileMaps

    @classmethod
    def of(cls, section: SectionWrapper) -> _Layer:
        tiles = TileTable(section.tiles().texts)
        return cls(tiles.tile_id, tiles.box, tiles.size, TileMaps(tiles, section.stack.shared_transforms))


def _leave_out_what_is_outside(carried: Carried, sizes: FloatArray) -> None:
    inside = ((carried.points >= 0) & (carried.points <= sizes)).all(axis=1)
    carried.points[~inside] = np.nan
    # Where a tile cannot be inverted by formula, it is not under the point.
    carried.error[~inside] = ""


def _under_points(
    section: SectionWrapper, world: FloatArray, point: IntArray, ids: Column, carried: Carried
) -> CoordinateTable:
    good = ~np.isnan(carried.points).any(axis=1) & (carried.error == "")
    error = _reasons(section, world, point, ids, carried, good)
    rows = good & (error[point] == "")
    failed = np.flatnonzero(error != "")
    numbers = np.concatenate([point[rows], failed])
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    whole = np.full((len(numbers), 3), np.nan)
    whole[: int(rows.sum())] = np.column_stack([carried.points, carried.z])[rows]
    x, y, z = whole[order].T
    names = np.concatenate([ids[rows], np.full(len(failed), None, dtype=object)])[order]
    reasons = error[numbers]
    last = np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)]
    return CoordinateTable(numbers, names, x, y, z, last & (reasons == ""), reasons, frame="local")


def _reasons(
    section: SectionWrapper,
    world: FloatArray,
    point: IntArray,
    ids: Column,
    carried: Carried,
    good: npt.NDArray[np.bool_],
) -> Column:
    """Return why each point lies in no tile; empty where it does. A tile that cannot be used spoils its points."""
    error: Column = np.full(len(world), "", dtype=object)
    is_found = np.zeros(len(world), dtype=bool)
    is_found[point[good]] = True
    for number in np.flatnonzero(~is_found).tolist():
        under = ids[slice(*np.searchsorted(point, [number, number + 1]))].tolist()
        error[number] = _not_inverted(world[number], under) if under else _nothing_there(section, world[number])
    spoilt = carried.error != ""
    error[point[spoilt]] = carried.error[spoilt]
    return error


def _words(stack: StackWrapper) -> str:
    owner, project, name = stack._key
    return f"stack with owner '{owner}', project '{project}', and name '{name}'"


# The service's own sentences, so that an answer reads the same wherever it was computed.


def _not_inverted(point: FloatArray, tile_ids: Sequence[str]) -> str:
    x, y = map(double_text, point.tolist())
    return f"world coordinate ({x}, {y}) found in tile id(s) [{', '.join(tile_ids)}] cannot be inverted"


def _nothing_there(section: SectionWrapper, point: FloatArray) -> str:
    x, y = map(double_text, point.tolist())
    where = f"x={x}, y={y}, z={double_text(section.z)}"
    return f"no tile specifications found in {_words(section.stack)} for world coordinates {where}"


# The service


def _finite(points: FloatArray) -> list[list[float]]:
    """Return *points* as lists; refuse what JSON has no number for, which the service would read as 0."""
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(wrong):
        raise TransformError(f"point {wrong[0]} is {tuple(points[wrong[0]].tolist())}; a service takes finite numbers")
    return points.tolist()  # type: ignore[no-any-return]


def _asked(
    stack: StackWrapper, endpoint: str, items: Sequence[dict[str, Any]], frame: str, **values: Any
) -> CoordinateTable:
    parts = []
    for start in range(0, len(items), _POINTS_A_REQUEST):
        body = encode(items[start : start + _POINTS_A_REQUEST])
        part = CoordinateTable.from_json(stack._text(endpoint, body=body, **values), frame=frame)
        parts.append(attrs.evolve(part, point=part.point + start))
    return CoordinateTable.joined(parts, frame=frame)


def _told_apart(stack: StackWrapper, table: CoordinateTable) -> CoordinateTable:
    """Return *table*; where nothing was found, make sure that the stack is there: batches do not say."""
    if len(table) and table.failed.all():
        stack._text("stack.read")
    return table
