"""Batch mapping of points between the tiles of a stack and world coordinates (contract, 11)."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rendergateway.geometry import FloatArray
from rendergateway.number_text import double_text
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, ServiceRefusal
from rendergateway.service.domain.lookup import existing_tile, maybe_tiles
from rendergateway.service.domain.mesh import LocalFromWorld
from rendergateway.service.domain.resolver import Resolver, decoded_tile
from rendergateway.service.domain.tile_transforms import world_from_local
from rendergateway.service.store import Store
from rendergateway.service.store.tiles import Tiles
from rendergateway.wire import Coordinates, TileSpec, json_number

__all__ = ["StackCoordinates", "text_of_point"]

_POINTS_AT_ONCE = 2000
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
    Coordinate mapping through the tiles of one stack; each tile is read once.

    Parameters
    ----------
    store : Store
    stack : StackId
        May be missing.
    """

    def __init__(self, store: Store, stack: StackId) -> None:
        self._store = store
        self._stack = stack
        self._tiles: Tiles | None = maybe_tiles(store, stack)
        self._resolver = Resolver(self._tiles) if self._tiles else None
        self._tile = functools.cache(self._read_tile)
        self._inverse = functools.cache(self._make_inverse)

    def _read_tile(self, tile_id: str | None) -> TileSpec:
        tile = decoded_tile(existing_tile(self._store, self._stack, tile_id))
        return self._resolver.flattened(tile) if self._resolver else tile

    def _make_inverse(self, tile_id: str | None) -> LocalFromWorld:
        return LocalFromWorld(self._tile(tile_id))

    # -- local to world --------------------------------------------------------------------------------------

    def world_from_local(self, tile_id: str, points: FloatArray) -> Iterator[list[float]]:
        """Yield x, y and, if the tile has one, z of each point in the world."""
        tile = self._tile(tile_id)
        tail = [] if tile.z is None else [float(tile.z)]
        for x, y in world_from_local(tile).apply(points).tolist():
            yield [*map(json_number, (x, y)), *tail]

    def all_world_from_local(self, items: Sequence[Coordinates | None]) -> list[Coordinates]:
        """Return each point in world coordinates, or the point itself with an error message."""
        answers: list[Coordinates | None] = [None] * len(items)
        of_tile: defaultdict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(items):
            message = _problem(item, "local", 2)
            if message is not None:
                answers[number] = _with_error(item, message)
            elif item is not None and item.tileId is not None:
                of_tile[item.tileId].append(number)
        for tile_id, numbers in of_tile.items():
            for number, answer in zip(numbers, self._of_one_tile(tile_id, [items[n] for n in numbers]), strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    def _of_one_tile(self, tile_id: str, items: list[Coordinates | None]) -> Iterable[Coordinates]:
        points = _points(items, "local")
        try:
            world = list(self.world_from_local(tile_id, points))
        except ServiceRefusal as refusal:
            return [_with_error(item, str(refusal)) for item in items]
        return [Coordinates(tileId=tile_id, world=point) for point in world]

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
        x, y = points.T
        for box in tiles.boxes(tiles.ids_in_box(z, left, top, right, bottom)):
            inside = (x >= box.min_x) & (x <= box.max_x) & (y >= box.min_y) & (y <= box.max_y)
            for number in np.flatnonzero(inside).tolist():
                found[number].append(box.tile_id)

    def local_from_world(self, z: float, points: FloatArray) -> list[list[Coordinates] | ServiceRefusal]:
        """Return, per point, its local coordinates in the tiles that contain it, visible tile last; or a refusal."""
        touched = self.touched(z, points)
        of_tile: defaultdict[str | None, list[int]] = defaultdict(list)
        for number, tile_ids in enumerate(touched):
            for tile_id in tile_ids:
                of_tile[tile_id].append(number)
        answers: list[list[Coordinates] | ServiceRefusal] = [[] for _ in touched]
        for tile_id in sorted(of_tile, key=lambda name: (name or "").encode()):
            self._into_tile(tile_id, of_tile[tile_id], points, answers)
        return [self._finished(answers[n], touched[n], z, points[n]) for n in range(len(touched))]

    def _into_tile(
        self,
        tile_id: str | None,
        numbers: list[int],
        points: FloatArray,
        answers: list[list[Coordinates] | ServiceRefusal],
    ) -> None:
        try:
            inverse = self._inverse(tile_id)
            local = inverse(points[numbers]).tolist()
            z = self._tile(tile_id).z
        except ServiceRefusal as refusal:
            for number in numbers:
                answers[number] = refusal
            return
        tail = [] if z is None else [float(z)]
        for number, (x, y) in zip(numbers, local, strict=True):
            answer = answers[number]
            # NaN: the point has no source in this tile.
            if (x == x or not inverse.is_finite) and isinstance(answer, list):
                answer.append(Coordinates(tileId=tile_id, local=[*map(json_number, (x, y)), *tail]))

    def _finished(
        self, answer: list[Coordinates] | ServiceRefusal, touched: list[str | None], z: float, point: FloatArray
    ) -> list[Coordinates] | ServiceRefusal:
        x, y = point.tolist()
        if not touched:
            return IllegalArgument(
                f"no tile specifications found in {self._stack} for world coordinates "
                f"x={double_text(x)}, y={double_text(y)}, z={double_text(z)}"
            )
        if isinstance(answer, ServiceRefusal):
            return answer
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
