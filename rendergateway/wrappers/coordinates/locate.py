"""
Points between tiles and the world, computed by this process or by the service.

Local computation follows the rule of the service: the tiles whose stored boxes contain a point, ordered by id, each
inverted through its mesh; the last one that can be inverted is visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray, IntArray, as_points, boxes_under, checked_frame
from rendergateway.model.records.json_slices import Text, cut_list, encode
from rendergateway.model.tables.coordinates import CoordinateTable
from rendergateway.model.tables.table import Column
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.number_text import double_text
from rendergateway.wrappers.coordinates.tile_maps import METHODS, Mapped, TileMaps
from rendergateway.wrappers.core.arguments import is_local, tile_id_of
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import SectionKey, StackKey

__all__ = [
    "SectionTiles",
    "flattened",
    "is_computed_here",
    "local_from_world",
    "locate",
    "locate_in_stack",
    "maps_of",
    "not_inverted",
    "outside_box",
    "through_tiles",
    "world_from_local",
]

# Points and tiles per request, as the service's own clients split their work.
_POINTS_PER_REQUEST = 25_000
_TILES_PER_REQUEST = 50_000


def world_from_local(
    stack: Bound[StackKey],
    tile_ids: str | Sequence[str],
    points: npt.ArrayLike,
    compute: str = "local",
    frame: str = "raw",
) -> CoordinateTable:
    """Transform local points into the world; see `StackWrapper.world_from_local`."""
    local = _points(points)
    ids = _ids(tile_ids, len(local))
    if not is_computed_here(compute, frame=frame):
        items = [{"tileId": tile_id, "local": point} for tile_id, point in zip(ids, _finite(local), strict=True)]
        return _checked(stack, _requested(stack, "coordinate.batch_world_from_local", items, "world"))
    maps = maps_of(stack, ids, frame)
    return _of_each(stack, maps, ids, local, maps.world_from_local, "world")


def local_from_world(
    stack: Bound[StackKey],
    tile_ids: str | Sequence[str],
    points: npt.ArrayLike,
    compute: str = "local",
    method: str = "exact",
    frame: str = "raw",
) -> CoordinateTable:
    """Transform world points, each into its named tile; see `StackWrapper.local_from_world`."""
    world = _points(points)
    ids = _ids(tile_ids, len(world))
    local = is_computed_here(compute, method, frame)
    maps = maps_of(stack, ids, frame)
    if not local:
        return _of_named_tiles(stack, maps, ids, world)

    def transform(some_ids: Sequence[str], some: FloatArray) -> Mapped:
        found = maps.local_from_world(some_ids, some, method)
        if method == "mesh":
            _drop_points_outside_boxes(found, maps.in_boxes(some_ids, some), some_ids, some)
        _explain_missing(found, some_ids, some)
        return found

    return _of_each(stack, maps, ids, world, transform, "local")


@attrs.frozen(eq=False)
class SectionTiles:
    """The tiles of a section, ordered by id: columns, and maps between local and world pixels."""

    ids: Column
    boxes: FloatArray
    sizes: FloatArray
    maps: TileMaps

    @classmethod
    def of(cls, texts: Sequence[Text], shared: Any) -> SectionTiles:
        """Return the tiles of these texts, with *shared* transforms by id."""
        tiles = TileTable(texts)
        return cls(tiles.tile_id, tiles.box, tiles.size, TileMaps(tiles, shared))


def locate(
    section: Bound[SectionKey],
    points: npt.ArrayLike,
    tiles: Callable[[], SectionTiles],
    compute: str = "local",
    method: str = "mesh",
) -> CoordinateTable:
    """Find the tiles under world points; see `SectionWrapper.locate`. *tiles* reads them, if they are needed."""
    world = _points(points)
    if not is_computed_here(compute, method):
        stack = section.at(section.key.stack_key)
        items = [{"world": point} for point in _finite(world)]
        found = _requested(stack, "coordinate.section_local_from_world", items, "local", z=section.key.z)
        return _checked(stack, found)
    layer = tiles()
    point, place = boxes_under(world, layer.boxes)
    mapped = layer.maps.local_from_world(layer.ids[place].tolist(), world[point], method)
    if method == "exact":
        _drop_points_outside(mapped, layer.sizes[place])
    return _under_points(
        lambda number: _not_covered(section.key, world[number]), world, point, layer.ids[place], mapped
    )


def locate_in_stack(
    stack: Bound[StackKey], points: npt.ArrayLike, z: npt.ArrayLike, compute: str = "local", method: str = "mesh"
) -> CoordinateTable:
    """Find the tiles under world points of any sections; see `StackWrapper.locate`."""
    world = _points(points)
    layers = np.broadcast_to(np.asarray(z, dtype=np.float64), len(world))
    items = [{"world": point} for point in _finite(np.column_stack([world, layers]))]
    if not is_computed_here(compute, method):
        return _checked(stack, _requested(stack, "coordinate.batch_local_from_world", items, "local"))
    under = _requested(stack, "coordinate.tile_ids", items, "world")
    under = under[np.array([tile_id is not None for tile_id in under.tile_id], dtype=bool)]
    maps = maps_of(stack, under.tile_id.tolist())
    # A tile may have been deleted in between.
    under = under[np.fromiter((tile_id in maps for tile_id in under.tile_id), bool, len(under))]
    mapped = maps.local_from_world(under.tile_id.tolist(), world[under.point], method)
    if method == "exact":
        _drop_points_outside(mapped, maps.sizes(under.tile_id.tolist()))

    def missing(number: int) -> str:
        return _not_covered(SectionKey(*stack.key, float(layers[number])), world[number])

    return _checked(stack, _under_points(missing, world, under.point, under.tile_id, mapped))


def through_tiles(
    target: Bound[StackKey], located: CoordinateTable, count: int, compute: str = "local"
) -> CoordinateTable:
    """
    Transform points into the world of *target*, through the tiles that show them in another stack.

    Parameters
    ----------
    target : Bound
        The stack of the result.
    located : CoordinateTable
        The tiles under the points in the other stack.
    count : int
        Number of points.
    compute : {'local', 'service'}
        Where the points are transformed.
    """
    ids: Column = np.full(count, None, dtype=object)
    local, error = np.full((count, 2), np.nan), np.full(count, "", dtype=object)
    shown, failed = located[located.visible], located[located.failed]
    error[failed.point] = failed.error
    # Tiles with an error may be below the one that shows the point.
    error[shown.point] = ""
    ids[shown.point], local[shown.point] = shown.tile_id, shown.xy
    good = np.flatnonzero(error == "")
    mapped = world_from_local(target, ids[good].tolist(), local[good], compute)
    whole = np.full((count, 3), np.nan)
    whole[good] = np.column_stack([mapped.xy, mapped.z])
    error[good] = mapped.error
    x, y, z = whole.T
    return CoordinateTable(np.arange(count), ids, x, y, z, error == "", error, frame="world")


def maps_of(stack: Bound[StackKey], tile_ids: Sequence[str], frame: str = "raw") -> TileMaps:
    """
    Return the maps of tiles of a stack; missing tiles are left out.

    Notes
    -----
    One request, ``stack.tile_specs``, per 50 000 tiles; shared transforms are resolved in the answers.
    """
    return TileMaps(TileTable(list(flattened(stack, sorted(set(tile_ids))))), {}, frame)


def flattened(stack: Bound[StackKey], tile_ids: Sequence[str]) -> Iterator[Text]:
    """Yield tiles by their ids, with shared transforms resolved; missing ones are left out."""
    for start in range(0, len(tile_ids), _TILES_PER_REQUEST):
        yield from cut_list(stack.fetch("stack.tile_specs", body=encode(tile_ids[start : start + _TILES_PER_REQUEST])))


# Arguments


def _points(points: npt.ArrayLike) -> FloatArray:
    # An empty list has no points, whatever its shape.
    return as_points(points).reshape(-1, 2) if np.size(points) else np.empty((0, 2))


def _ids(tile_ids: str | Sequence[str], count: int) -> list[str]:
    is_one = isinstance(tile_ids, str) or not isinstance(tile_ids, Iterable)
    ids = [tile_id_of(tile_ids)] * count if is_one else list(map(tile_id_of, tile_ids))
    if len(ids) != count:
        raise ValueError(f"expected one tile id per point, got {len(ids)} tile ids and {count} points")
    return ids


def is_computed_here(compute: str, method: str = "exact", frame: str = "raw") -> bool:
    """Return whether points are transformed by this process; raise ValueError for unknown words."""
    if method not in METHODS:
        raise ValueError(f"method must be 'exact' or 'mesh', got {method!r}")
    here = is_local(compute)
    if checked_frame(frame) != "raw" and not (here and method == "exact"):
        raise ValueError(
            f"frame {frame!r} needs compute='local' and method='exact', got {compute!r} and {method!r}; the service "
            "maps raw pixels only"
        )
    return here


# Each point in a tile of its own


def _of_each(
    stack: Bound[StackKey],
    maps: TileMaps,
    ids: list[str],
    points: FloatArray,
    transform: Callable[[Sequence[str], FloatArray], Mapped],
    frame: str,
) -> CoordinateTable:
    """Return the table of points that are transformed by their named tiles; a missing tile is an error of its row."""
    is_known = np.fromiter((tile_id in maps for tile_id in ids), bool, len(ids))
    known, missing = np.flatnonzero(is_known), np.flatnonzero(~is_known)
    rows: list[int] = known.tolist()
    found = transform([ids[row] for row in rows], points[known])
    whole = np.full((len(ids), 3), np.nan)
    whole[known] = np.column_stack([found.points, found.z])
    error: Column = np.empty(len(ids), dtype=object)
    error[known] = found.error
    error[missing] = [
        f"tile spec with id '{ids[row]}' does not exist in {_words(stack.key)}" for row in missing.tolist()
    ]
    whole[error != ""] = np.nan
    x, y, z = whole.T
    table = CoordinateTable(np.arange(len(ids)), ids, x, y, z, np.zeros(len(ids), bool), error, frame=frame)
    return _checked(stack, table)


def _drop_points_outside_boxes(
    found: Mapped, inside: npt.NDArray[np.bool_], ids: Sequence[str], points: FloatArray
) -> None:
    """Drop the points that the service does not find in their tiles: it selects tiles by their stored boxes."""
    found.points[~inside] = np.nan
    for row in np.flatnonzero(~inside & (found.error == "")).tolist():
        found.error[row] = outside_box(points[row], ids[row])


def _explain_missing(found: Mapped, ids: Sequence[str], points: FloatArray) -> None:
    rows: list[int] = np.flatnonzero(np.isnan(found.points).any(axis=1) & (found.error == "")).tolist()
    for row in rows:
        found.error[row] = not_inverted(points[row], [ids[row]])


def _of_named_tiles(stack: Bound[StackKey], maps: TileMaps, ids: list[str], world: FloatArray) -> CoordinateTable:
    """Request all tiles under each point, and keep the named one."""

    def transform(some_ids: Sequence[str], some: FloatArray) -> Mapped:
        z = maps.z(some_ids)
        items = [{"world": [*point, of_z]} for point, of_z in zip(_finite(some), z.tolist(), strict=True)]
        answer = _requested(stack, "coordinate.batch_local_from_world", items, "local")
        named = answer.tile_id == np.array(some_ids, dtype=object)[answer.point]
        found = Mapped(np.full_like(some, np.nan), z, np.full(len(some), "", dtype=object), np.zeros(len(some), bool))
        found.error[answer.point[answer.failed]] = answer.error[answer.failed]
        found.points[answer.point[named]] = answer.xy[named]
        found.error[np.isnan(z)] = "the tile has no z"
        _explain_missing(found, some_ids, some)
        return found

    return _of_each(stack, maps, ids, world, transform, "local")


# All tiles under each point


def _drop_points_outside(mapped: Mapped, sizes: FloatArray) -> None:
    inside = ((mapped.points >= 0) & (mapped.points <= sizes)).all(axis=1)
    mapped.points[~inside] = np.nan
    # A tile that cannot be inverted by formula is not under the point.
    mapped.error[~inside & ~mapped.blocked] = ""


def _under_points(
    missing: Callable[[int], str], world: FloatArray, point: IntArray, ids: Column, mapped: Mapped
) -> CoordinateTable:
    """
    Return the rows of the tiles that show each point or have an error, and of the points in no tile.

    *missing* returns why the point of a number is in no tile.
    """
    failed = mapped.error != ""
    is_row = failed | ~np.isnan(mapped.points).any(axis=1)
    alone = np.setdiff1d(np.arange(len(world)), point[is_row])
    error: Column = np.empty(len(alone), dtype=object)
    for row, number in enumerate(alone.tolist()):
        under = ids[slice(*np.searchsorted(point, [number, number + 1]))].tolist()
        error[row] = not_inverted(world[number], under) if under else missing(number)
    numbers = np.concatenate([point[is_row], alone])
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    values = np.column_stack([mapped.points, mapped.z])[is_row]
    values[failed[is_row]] = np.nan
    x, y, z = np.concatenate([values, np.full((len(alone), 3), np.nan)])[order].T
    names = np.concatenate([ids[is_row], np.full(len(alone), None, dtype=object)])[order]
    reasons = np.concatenate([mapped.error[is_row], error])[order]
    # The last tile is on top; if it has an error, whether it shows the point is unknown.
    last = np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)]
    return CoordinateTable(numbers, names, x, y, z, last & (reasons == ""), reasons, frame="local")


def _words(stack: StackKey) -> str:
    owner, project, name = stack
    return f"stack with owner '{owner}', project '{project}', and name '{name}'"


def outside_box(point: FloatArray, tile_id: str) -> str:
    """Return why the mesh method does not map a point: the service would not find it in the tile."""
    x, y = map(double_text, point.tolist())
    return f"world coordinate ({x}, {y}) is outside of the stored box of tile '{tile_id}'"


# The sentences of the service, so that results read the same wherever they were computed.


def not_inverted(point: Iterable[float], tile_ids: Sequence[str]) -> str:
    """Return why a point is in the stored boxes of tiles, but in none of their meshes."""
    x, y = map(double_text, point)
    return f"world coordinate ({x}, {y}) found in tile id(s) [{', '.join(tile_ids)}] cannot be inverted"


def _not_covered(section: SectionKey, point: FloatArray) -> str:
    x, y = map(double_text, point.tolist())
    where = f"x={x}, y={y}, z={double_text(section.z)}"
    return f"no tile specifications found in {_words(section.stack_key)} for world coordinates {where}"


# The service


def _finite(points: FloatArray) -> list[list[float]]:
    """Return *points* as lists; refuse numbers that JSON cannot represent, which the service would read as 0."""
    wrong = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(wrong):
        raise TransformError(
            f"point {wrong[0]} is {tuple(points[wrong[0]].tolist())}; coordinates must be finite for the service"
        )
    return points.tolist()  # type: ignore[no-any-return]


def _requested(
    stack: Bound[StackKey], endpoint: str, items: Sequence[dict[str, Any]], frame: str, **values: Any
) -> CoordinateTable:
    parts = []
    for start in range(0, len(items), _POINTS_PER_REQUEST):
        body = encode(items[start : start + _POINTS_PER_REQUEST])
        part = CoordinateTable.from_json(stack.fetch(endpoint, body=body, **values), frame=frame)
        parts.append(attrs.evolve(part, point=part.point + start))
    return CoordinateTable.joined(parts, frame=frame)


def _checked(stack: Bound[StackKey], table: CoordinateTable) -> CoordinateTable:
    """Return *table*; if all points failed, check that the stack exists, which batches do not report."""
    if len(table) and table.failed.all():
        stack.fetch("stack.read")
    return table
