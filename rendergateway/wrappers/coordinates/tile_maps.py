"""Maps between local and world pixels of many tiles: tiles of one kind are transformed together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway import transforms
from rendergateway.errors import NotInvertibleError, RecordError, TransformError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model import TileRecord, TileTable
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tables.table import Column
from rendergateway.model.tile_text.kinds import TileKinds
from rendergateway.transforms import Transform, TransformList, affines_apply, affines_undo

__all__ = ["METHODS", "Mapped", "TileMap", "TileMaps"]

METHODS = ("exact", "mesh")

_NO_SIZE = "width and height must be set to create transform mesh"


@attrs.frozen(eq=False)
class TileMap:
    """
    The common part of the maps of tiles of one kind: *head*, *before*, then affines of each tile.

    Attributes
    ----------
    head : TransformList
        All transforms but the affine ones at the end; often one lens correction, the same for many tiles.
    before : ndarray, shape (2, 3)
        The affine transforms after the head that all have in common, composed.
    count : int
        Number of affines of each tile that follow.
    is_bare : bool
        Whether the tile has no transforms.
    width, height : float or None
        Of the image, in local pixels.
    cell_size : float
        The tile's ``meshCellSize``.
    problem : str
        Why such a tile cannot be used; empty if it can.
    """

    head: TransformList = attrs.field(factory=TransformList)
    before: FloatArray = attrs.field(factory=lambda: np.eye(2, 3))
    count: int = 0
    is_bare: bool = False
    width: float | None = None
    height: float | None = None
    cell_size: float = 64.0
    problem: str = ""

    @classmethod
    def of(cls, text: Text, shared: Mapping[str, Transform], frame: str = "raw", count: int = 0) -> TileMap:
        """Return the map of a tile with *count* last affines of its own, or with a *problem*."""
        tile = TileRecord.from_json(text)
        try:
            whole = tile.transforms.flattened(shared)
            chosen = list(whole.split_at(frame)[1])
            # Without the lens at the front, fewer may follow.
            count = min(count, len(chosen))
            head, before = _parted(chosen[: len(chosen) - count])
        except (TransformError, RecordError) as error:
            return cls(problem=str(error))
        return cls(head, before, count, not chosen, tile.width, tile.height, tile.mesh_cell_size)


def _parted(items: Sequence[Transform]) -> tuple[TransformList, FloatArray]:
    end = len(items)
    while end and items[end - 1].is_affine:
        end -= 1
    return TransformList(items[:end]), TransformList(items[end:]).as_affine().matrix


@attrs.frozen(eq=False)
class Mapped:
    """
    Points (N, 2), NaN if there is none; z of the tiles (N,); and errors (N,), empty if there is none.

    *blocked* (N,) is whether the error is the tile's, wherever the point is.
    """

    points: FloatArray
    z: FloatArray
    error: Column
    blocked: npt.NDArray[np.bool_]


class TileMaps:
    """
    The maps of many tiles by id; the map of a kind is made on first use.

    Parameters
    ----------
    tiles : TileTable
        The tile specs.
    shared : mapping of str to Transform
        The shared transforms that the tiles refer to.
    frame : str
        The frame of local pixels, see `TransformList.split_at`.
    """

    def __init__(self, tiles: TileTable, shared: Mapping[str, Transform], frame: str = "raw") -> None:
        self._tiles, self._texts, self._z = tiles, tiles.texts, tiles.z
        self._rows = {tile_id: row for row, tile_id in enumerate(tiles.tile_id.tolist())}
        self._shared = shared
        self._frame = frame
        self._maps: dict[Hashable, TileMap] = {}

    def __contains__(self, tile_id: object) -> bool:
        return tile_id in self._rows

    def z(self, tile_ids: Sequence[str]) -> FloatArray:
        """Return z of tiles; NaN if a tile has none."""
        return self._z[[self._rows[tile_id] for tile_id in tile_ids]]

    def sizes(self, tile_ids: Sequence[str]) -> FloatArray:
        """Return width and height (N, 2) of tiles in local pixels; NaN if missing."""
        return self._tiles.size[[self._rows[tile_id] for tile_id in tile_ids]]

    def in_boxes(self, tile_ids: Sequence[str], points: FloatArray) -> npt.NDArray[np.bool_]:
        """Return whether each world point lies in the stored box of its tile, borders included."""
        boxes = self._tiles.box[[self._rows[tile_id] for tile_id in tile_ids]]
        inside: npt.NDArray[np.bool_] = np.all((points >= boxes[:, :2]) & (points <= boxes[:, 2:]), axis=1)
        return inside

    def world_from_local(self, tile_ids: Sequence[str], points: FloatArray) -> Mapped:
        """Transform local points (N, 2), each by its tile, into the world."""
        return self._mapped(tile_ids, points, _head_of, _into_world)

    def world_from_rows(self, row: IntArray, points: FloatArray) -> Mapped:
        """Transform local points (N, 2), each by the tile in a row (N,) of the table, into the world."""
        rows, which = np.unique(row, return_inverse=True)
        return self._mapped_rows(rows, which.reshape(-1), points, _head_of, _into_world)

    @property
    def are_identities(self) -> bool:
        """Whether local pixels are world pixels in all tiles."""
        maps, _, tails, _ = self._grouped(self._texts, _head_of)
        return not any(len(one.head) or one.problem for one in maps) and bool((tails == np.eye(2, 3)).all())

    @property
    def are_single_affines(self) -> bool:
        """Whether each tile has one transform after its frame, an affine of its own."""
        self._grouped(self._texts, _head_of)
        return all(
            one.count == 1 and not len(one.head) and not one.problem and bool((one.before == np.eye(2, 3)).all())
            for one in self._maps.values()
        )

    def first_empty(self) -> int | None:
        """Return the first row of a tile without transforms after its frame; None if all have some."""
        maps, groups, _, _ = self._grouped(self._texts, _mesh_of)
        rows = np.flatnonzero(np.array([one.is_bare for one in maps], dtype=np.bool_)[groups])
        return int(rows[0]) if len(rows) else None

    def local_from_world(self, tile_ids: Sequence[str], points: FloatArray, method: str) -> Mapped:
        """
        Transform world points (N, 2), each into its tile.

        Parameters
        ----------
        method : {'exact', 'mesh'}
            *exact* inverts the transforms themselves, wherever the point is. *mesh* returns the results of the service:
            through triangles, NaN without an error outside of 0 … width − 1 and 0 … height − 1.
        """
        if method == "exact":
            return self._mapped(tile_ids, points, _head_of, _into_tiles_exactly)
        return self._mapped(tile_ids, points, _mesh_of, _into_tiles_by_mesh)

    def _mapped(
        self,
        tile_ids: Sequence[str],
        points: FloatArray,
        kind_of: Callable[[TileMap], Hashable],
        transform: Callable[[TileMap, FloatArray, FloatArray, Column], FloatArray],
    ) -> Mapped:
        numbers: dict[str, int] = {}
        which = np.array([numbers.setdefault(tile_id, len(numbers)) for tile_id in tile_ids], dtype=np.int64)
        rows = np.array([self._rows[tile_id] for tile_id in numbers], dtype=np.int64)
        return self._mapped_rows(rows, which, points, kind_of, transform)

    def _mapped_rows(
        self,
        rows: IntArray,
        which: IntArray,
        points: FloatArray,
        kind_of: Callable[[TileMap], Hashable],
        transform: Callable[[TileMap, FloatArray, FloatArray, Column], FloatArray],
    ) -> Mapped:
        """Transform points, each by the tile whose place in *rows* is in *which*."""
        maps, groups, tails, problem = self._grouped([self._texts[row] for row in rows.tolist()], kind_of)
        mapped, error = np.full_like(points, np.nan), problem[which]
        blocked = error != ""
        for places in _places_of_each(groups[which]):
            tile_map, reasons = maps[groups[which[places[0]]]], error[places]
            if tile_map.problem:
                continue
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    mapped[places] = transform(tile_map, tails[which[places]], points[places], reasons)
            except TransformError as refused:
                reasons[:] = str(refused)
                blocked[places] = True
            error[places] = reasons
        return Mapped(mapped, self._z[rows[which]], error, blocked)

    def _grouped(
        self, texts: Sequence[Text], kind_of: Callable[[TileMap], Hashable]
    ) -> tuple[list[TileMap], IntArray, FloatArray, Column]:
        """Return one map per group that is transformed together; group, last affines and problem of each tile."""
        kinds = TileKinds.of(texts)
        groups, tails = np.empty(len(texts), dtype=np.int64), np.empty((len(texts), 2, 3))
        problem: Column = np.full(len(texts), "", dtype=object)
        found: dict[Hashable, int] = {}
        maps: list[TileMap] = []
        for rows in _places_of_each(kinds.number):
            tile_map = self._map(kinds, int(kinds.number[rows[0]]), texts)
            groups[rows] = found.setdefault(tile_map.problem or kind_of(tile_map), len(maps))
            maps += [tile_map] * (len(found) - len(maps))
            tails[rows] = kinds.placed(rows, tile_map.count, tile_map.before)
            if tile_map.problem:
                # One by one: the message may name the tile.
                problem[rows] = [TileMap.of(texts[row], self._shared, self._frame).problem for row in rows.tolist()]
        return maps, groups, tails, problem

    def _map(self, kinds: TileKinds, kind: int, texts: Sequence[Text]) -> TileMap:
        key = kinds.keys[kind]
        if key not in self._maps:
            text, count = texts[kinds.examples[kind]], kinds.counts[kind]
            self._maps[key] = TileMap.of(text, self._shared, self._frame, count)
        return self._maps[key]


def _places_of_each(numbers: IntArray) -> list[IntArray]:
    """Return the positions, ascending, of each distinct number."""
    order = np.argsort(numbers, kind="stable")
    ends = np.flatnonzero(np.diff(numbers[order])) + 1
    return np.split(order, ends) if len(numbers) else []


def _head_of(tile_map: TileMap) -> Hashable:
    return tile_map.head


def _mesh_of(tile_map: TileMap) -> Hashable:
    return tile_map.head, tile_map.width, tile_map.height, tile_map.cell_size, tile_map.is_bare


def _into_world(tile_map: TileMap, tails: FloatArray, points: FloatArray, error: Column) -> FloatArray:
    head = tile_map.head
    return affines_apply(tails, (head.apply(points) if len(head) else points)[:, np.newaxis])[:, 0]


# Back, by formula


def _into_tiles_exactly(tile_map: TileMap, tails: FloatArray, points: FloatArray, error: Column) -> FloatArray:
    found, head = affines_undo(tails, points), tile_map.head
    error[np.isnan(found).any(axis=1)] = "the tile's affine has no inverse"
    return _inverted(head.inverse(), found, error) if len(head) else found


def _inverted(inverse: Transform, points: FloatArray, error: Column) -> FloatArray:
    """Apply *inverse* to the points without an error; points that it refuses are found by bisection."""
    rows = np.flatnonzero(error == "")
    found = np.full_like(points, np.nan)
    waiting = [rows] if len(rows) else []
    while waiting:
        some = waiting.pop()
        try:
            found[some] = inverse.apply(points[some])
        except NotInvertibleError as refused:
            if len(some) == 1:
                error[some] = str(refused)
            else:
                waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
    return found


# Back, as the service does


def _into_tiles_by_mesh(tile_map: TileMap, tails: FloatArray, points: FloatArray, error: Column) -> FloatArray:
    if tile_map.is_bare:
        # A tile without transforms returns every point, inside it or not.
        return points
    if tile_map.width is None or tile_map.height is None:
        raise TransformError(_NO_SIZE)
    mesh = transforms.MeshInverse(tile_map.head, tile_map.width, tile_map.height, tile_map.cell_size)
    return mesh.find(points, tails)
