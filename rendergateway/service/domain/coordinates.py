"""Batch mapping of points between the tiles of a stack and world coordinates (contract, 11)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from rendergateway.geometry import FloatArray, boxes_under
from rendergateway.number_text import double_text
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, ServiceRefusal
from rendergateway.service.domain.lookup import maybe_tiles, tile_missing
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.tile_maps import TileKind, TileMap, TileMaps
from rendergateway.service.domain.tile_transforms import Affine
from rendergateway.service.store import Store
from rendergateway.service.store.tiles import Tiles
from rendergateway.wire import Coordinates, json_number

__all__ = ["StackCoordinates", "text_of_point"]

_POINTS_AT_ONCE = 2000
# Of a side of a box: sides that are not finite would be in no box.
_LARGEST = np.finfo(np.float64).max / 4
_COUNT_WORDS = {2: "both x and y", 3: "x, y, and z"}


def text_of_point(x: float, y: float) -> str:
    """Return a point as the real service writes it in messages."""
    return f"({double_text(x)}, {double_text(y)})"


def _problem(item: Coordinates | None, member: str, count: int) -> str | None:
    """Return why a point is invalid; None if it is valid."""
    if item is None:
        return "coordinates are missing"
    if member == "local" and item.tileId is None:
        return "tileId is missing"
    values = getattr(item, member)
    if values is None:
        return f"{member} values are missing"
    return None if len(values) >= count else f"{member} values must include {_COUNT_WORDS[count]}"


def _with_error(item: Coordinates | None, message: str) -> Coordinates:
    point = item or Coordinates()
    point.error = message
    return point


class StackCoordinates:
    """
    Coordinate mapping through the tiles of one stack.

    Each tile is read once, and tiles of one kind are mapped together.

    Parameters
    ----------
    store : Store
    stack : StackId
        May be missing.
    """

    def __init__(self, store: Store, stack: StackId) -> None:
        self._stack = stack
        self._tiles: Tiles | None = maybe_tiles(store, stack)
        self._resolver = Resolver(self._tiles) if self._tiles else None
        self._kinds = TileMaps(self._resolver.copies) if self._resolver else None
        self._known: dict[str | None, TileMap | ServiceRefusal] = {}

    def maps(self, tile_ids: Iterable[str | None]) -> dict[str | None, TileMap | ServiceRefusal]:
        """Return the maps of tiles by id, among others; the refusal of a tile that is missing or lacks transforms."""
        unknown = [tile_id for tile_id in tile_ids if tile_id not in self._known]
        self._known.update((tile_id, tile_missing(self._stack, tile_id)) for tile_id in unknown)
        if self._tiles is not None and self._resolver is not None and self._kinds is not None:
            for stored in self._tiles.all_named(unknown):
                found = self._kinds.of(decoded_tile(stored))
                try:
                    self._resolver.check(stored.tile_id, found.kind.unresolved)
                except ServiceRefusal as refusal:
                    self._known[stored.tile_id] = refusal
                else:
                    self._known[stored.tile_id] = found
        return self._known

    def _mapped(
        self,
        tile_ids: Sequence[str | None],
        points: FloatArray,
        way: Callable[[TileKind, FloatArray, Sequence[Affine | None]], FloatArray],
    ) -> list[tuple[TileMap, float, float] | ServiceRefusal]:
        """Return, per point, the map of its tile and the mapped x and y; or the refusal of the tile."""
        maps = self.maps(dict.fromkeys(tile_ids))
        answers: list[Any] = [maps[tile_id] for tile_id in tile_ids]
        of_kind: defaultdict[TileKind, list[int]] = defaultdict(list)
        for row, found in enumerate(answers):
            if isinstance(found, TileMap):
                of_kind[found.kind].append(row)
        for kind, rows in of_kind.items():
            try:
                mapped = way(kind, points[rows], [answers[row].affine for row in rows])
            except ServiceRefusal as refusal:
                for row in rows:
                    answers[row] = refusal
                continue
            for row, (x, y) in zip(rows, mapped.tolist(), strict=True):
                answers[row] = answers[row], x, y
        return answers

    # -- local to world --------------------------------------------------------------------------------------

    def world_from_local(self, tile_id: str, point: FloatArray) -> list[float]:
        """Return x, y and, if the tile has one, z of a point in the world."""
        found = self.maps([tile_id])[tile_id]
        if isinstance(found, ServiceRefusal):
            raise found
        return _numbers(found, *found.world_from_local(point)[0].tolist())

    def all_world_from_local(self, items: Sequence[Coordinates | None]) -> list[Coordinates]:
        """Return each point in world coordinates, or the point itself with an error message."""
        problems = [_problem(item, "local", 2) for item in items]
        valid = [item for item, problem in zip(items, problems, strict=True) if item is not None and problem is None]
        mapped = self._mapped([item.tileId for item in valid], _points(valid, "local"), TileKind.world_from_local)
        good = zip(valid, mapped, strict=True)
        return [
            _in_world(*next(good)) if problem is None else _with_error(item, problem)
            for item, problem in zip(items, problems, strict=True)
        ]

    # -- world to local --------------------------------------------------------------------------------------

    def touched(self, z: float, points: FloatArray) -> list[list[str | None]]:
        """Return, for each point, the sorted ids of the tiles whose boxes contain it, edges included."""
        found: list[list[str | None]] = [[] for _ in range(len(points))]
        if self._tiles is not None:
            for start in range(0, len(points), _POINTS_AT_ONCE):
                self._touch(self._tiles, z, points[start : start + _POINTS_AT_ONCE], found[start:])
        return found

    @staticmethod
    def _touch(tiles: Tiles, z: float, points: FloatArray, found: list[list[str | None]]) -> None:
        finite = points[np.isfinite(points).all(axis=1)]
        if not len(finite):
            return
        (left, top), (right, bottom) = finite.min(axis=0), finite.max(axis=0)
        near = list(tiles.boxes(tiles.ids_in_box(z, left, top, right, bottom)))
        boxes = np.array([box[-4:] for box in near], dtype=np.float64).reshape(-1, 4).clip(-_LARGEST, _LARGEST)
        for number, row in zip(*(rows.tolist() for rows in boxes_under(points, boxes)), strict=True):
            found[number].append(near[row].tile_id)

    def local_from_world(self, z: float, points: FloatArray) -> list[list[Coordinates] | ServiceRefusal]:
        """Return, per point, its local coordinates in the tiles that contain it, visible tile last; or a refusal."""
        touched = self.touched(z, points)
        tile_ids = [tile_id for some in touched for tile_id in some]
        which = np.repeat(np.arange(len(points)), [len(some) for some in touched])
        mapped = iter(self._mapped(tile_ids, points[which], TileKind.local_from_world))
        return [
            self._finished(list(itertools.islice(mapped, len(some))), some, z, point)
            for some, point in zip(touched, points, strict=True)
        ]

    def _finished(
        self,
        mapped: list[tuple[TileMap, float, float] | ServiceRefusal],
        touched: list[str | None],
        z: float,
        point: FloatArray,
    ) -> list[Coordinates] | ServiceRefusal:
        x, y = point.tolist()
        if not touched:
            return IllegalArgument(
                f"no tile specifications found in {self._stack} for world coordinates "
                f"x={double_text(x)}, y={double_text(y)}, z={double_text(z)}"
            )
        answer: list[Coordinates] = []
        refusal: ServiceRefusal | None = None
        for tile_id, found in zip(touched, mapped, strict=True):
            if isinstance(found, ServiceRefusal):
                refusal = found
            # NaN: the point has no source in this tile.
            elif found[1] == found[1] or not found[0].is_finite:
                answer.append(Coordinates(tileId=tile_id, local=_numbers(*found)))
        if refusal is not None:
            return refusal
        if not answer:
            return IllegalState(
                f"world coordinate {text_of_point(x, y)} found in tile id(s) "
                f"[{', '.join(name or 'null' for name in touched)}] cannot be inverted"
            )
        answer[-1].visible = True
        return answer

    def all_local_from_world(self, items: Sequence[Coordinates | None], z: float | None) -> list[list[Coordinates]]:
        """
        Return, per point, its local coordinates, or the point itself with an error message.

        Parameters
        ----------
        items : sequence of Coordinates
        z : float, optional
            The layer of all points; None: each point includes its own.
        """
        answers: list[list[Coordinates]] = [[] for _ in items]
        of_layer: defaultdict[float, list[int]] = defaultdict(list)
        for number, item in enumerate(items):
            message = _problem(item, "world", 2 if z is not None else 3)
            if message is not None or item is None or item.world is None:
                answers[number] = [_with_error(item, message or "")]
            else:
                of_layer[float(item.world[2]) if z is None else z].append(number)
        for layer, numbers in of_layer.items():
            points = _points([items[number] for number in numbers], "world")
            for number, answer in zip(numbers, self.local_from_world(layer, points), strict=True):
                refused = isinstance(answer, ServiceRefusal)
                answers[number] = [_with_error(items[number], str(answer))] if refused else answer  # type: ignore[assignment]
        return answers


def _points(items: Iterable[Coordinates | None], member: str) -> FloatArray:
    return np.array([getattr(item, member)[:2] for item in items], dtype=np.float64).reshape(-1, 2)


def _numbers(found: TileMap, x: float, y: float) -> list[float]:
    return [json_number(x), json_number(y), *found.tail]


def _in_world(item: Coordinates, mapped: tuple[TileMap, float, float] | ServiceRefusal) -> Coordinates:
    if isinstance(mapped, ServiceRefusal):
        return _with_error(item, str(mapped))
    return Coordinates(tileId=item.tileId, world=_numbers(*mapped))
