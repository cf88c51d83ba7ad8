"""Tiles as maps between local and world pixels: many points on many tiles, tiles of one kind together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs
import numpy as np

from rendergateway import transforms
from rendergateway.errors import NotInvertibleError, RecordError, TransformError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model import TileRecord
from rendergateway.model.slices import Text
from rendergateway.model.tables import Column
from rendergateway.transforms import Transform, TransformList, affines_apply, affines_undo

__all__ = ["FRAMES", "METHODS", "Carried", "TileMap", "TileMaps"]

# What local pixels are: those of the image, or those behind the lens correction.
FRAMES = ("raw", "lens_corrected")
METHODS = ("exact", "mesh")

_NO_SIZE = "width and height must be set to create transform mesh"


@attrs.frozen(eq=False)
class TileMap:
    """
    One tile's way into the world: *head*, then the affine *tail*.

    Attributes
    ----------
    head : TransformList
        All transforms but the affine ones at the end; often one lens correction, the same for many tiles.
    tail : ndarray, shape (2, 3)
        The affine transforms at the end, as one.
    is_bare : bool
        Whether the tile has no transforms at all.
    z : float
        The section; NaN where the tile has none.
    width, height : float or None
        Of the image.
    cell_size : float
        The tile's ``meshCellSize``.
    problem : str
        Why the tile cannot be used; empty where it can.
    """

    head: TransformList = attrs.field(factory=TransformList)
    tail: FloatArray = attrs.field(factory=lambda: np.eye(2, 3))
    is_bare: bool = False
    z: float = float("nan")
    width: float | None = None
    height: float | None = None
    cell_size: float = 64.0
    problem: str = ""

    @classmethod
    def of(cls, tile: TileRecord, shared: Mapping[str, Transform], frame: str = "raw") -> TileMap:
        """Return the map of a tile; what stands in the way becomes its *problem*."""
        try:
            whole = tile.transforms.flattened(shared)
            chosen = whole if frame == "raw" else whole.split_at_lens()[1]
            head, tail = _parted(chosen)
        except (TransformError, RecordError) as error:
            return cls(problem=str(error))
        z = float("nan") if tile.z is None else tile.z
        return cls(head, tail, not len(chosen), z, tile.width, tile.height, tile.mesh_cell_size)


def _parted(transforms: TransformList) -> tuple[TransformList, FloatArray]:
    items = list(transforms)
    end = len(items)
    while end and items[end - 1].is_affine:
        end -= 1
    return TransformList(items[:end]), TransformList(items[end:]).as_affine().matrix


@attrs.frozen(eq=False)
class Carried:
    """Points (N, 2), NaN where there is none; the tiles' z (N,); and why tiles or points could not be used (N,)."""

    points: FloatArray
    z: FloatArray
    error: Column


class TileMaps:
    """
    The maps of many tiles by id; each is made when it is first needed.

    Parameters
    ----------
    texts : mapping of str to JSON text
        The tile specs by id.
    shared : mapping of str to Transform
        The shared transforms that they refer to.
    frame : {'raw', 'lens_corrected'}
        What local pixels are.
    """

    def __init__(self, texts: Mapping[str, Text], shared: Mapping[str, Transform], frame: str = "raw") -> None:
        self._texts = texts
        self._shared = shared
        self._frame = frame
        self._maps: dict[str, TileMap] = {}

    def __contains__(self, tile_id: object) -> bool:
        return tile_id in self._texts

    def __getitem__(self, tile_id: str) -> TileMap:
        if tile_id not in self._maps:
            self._maps[tile_id] = TileMap.of(TileRecord.from_json(self._texts[tile_id]), self._shared, self._frame)
        return self._maps[tile_id]

    def world_from_local(self, tile_ids: Sequence[str], points: FloatArray) -> Carried:
        """Carry local points (N, 2), each of its tile, into the world."""
        return self._carried(tile_ids, points, _head_of, _into_world)

    def local_from_world(self, tile_ids: Sequence[str], points: FloatArray, method: str) -> Carried:
        """
        Carry world points (N, 2), each into its tile.

        Parameters
        ----------
        method : {'exact', 'mesh'}
            *exact* inverts the transforms themselves, wherever the point lies. *mesh* gives the service's answers:
            through triangles, NaN without an error outside of 0 … width − 1 and 0 … height − 1.
        """
        if method == "exact":
            return self._carried(tile_ids, points, _head_of, _into_tiles_exactly)
        return self._carried(tile_ids, points, _mesh_of, _into_tiles_by_mesh)

    def _carried(
        self,
        tile_ids: Sequence[str],
        points: FloatArray,
        kind_of: Callable[[TileMap], object],
        carry: Callable[[list[TileMap], IntArray, FloatArray, Column], FloatArray],
    ) -> Carried:
        numbers: dict[str, int] = {}
        which = np.array([numbers.setdefault(tile_id, len(numbers)) for tile_id in tile_ids], dtype=np.int64)
        maps = [self[tile_id] for tile_id in numbers]
        carried, error = np.full_like(points, np.nan), np.full(len(points), "", dtype=object)
        for members in _alike(maps, kind_of):
            rows = np.flatnonzero(np.isin(which, members))
            some = [maps[member] for member in members]
            place = np.searchsorted(members, which[rows])
            reasons = error[rows]
            try:
                carried[rows] = carry(some, place, points[rows], reasons)
            except TransformError as problem:
                reasons[:] = str(problem)
            error[rows] = reasons
        for number, tile_map in enumerate(maps):
            if tile_map.problem:
                error[which == number] = tile_map.problem
        z = np.array([tile_map.z for tile_map in maps], dtype=np.float64)
        return Carried(carried, z[which] if len(maps) else np.empty(0), error)


def _alike(maps: Iterable[TileMap], kind_of: Callable[[TileMap], object]) -> Iterator[list[int]]:
    """Yield the numbers, ascending, of usable maps of one kind after the other."""
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for number, tile_map in enumerate(maps):
        if not tile_map.problem:
            groups[kind_of(tile_map)].append(number)
    yield from groups.values()


def _head_of(tile_map: TileMap) -> object:
    return tile_map.head


def _mesh_of(tile_map: TileMap) -> object:
    return tile_map.head, tile_map.width, tile_map.height, tile_map.cell_size, tile_map.is_bare


def _tails(maps: Sequence[TileMap]) -> FloatArray:
    return np.array([tile_map.tail for tile_map in maps])


def _into_world(maps: list[TileMap], which: IntArray, points: FloatArray, error: Column) -> FloatArray:
    head = maps[0].head
    return affines_apply(_tails(maps)[which], (head.apply(points) if len(head) else points)[:, np.newaxis])[:, 0]


# Back, by formula


def _into_tiles_exactly(maps: list[TileMap], which: IntArray, points: FloatArray, error: Column) -> FloatArray:
    found, head = affines_undo(_tails(maps)[which], points), maps[0].head
    error[np.isnan(found).any(axis=1)] = "the tile's affine has no inverse"
    return _inverted(head.inverse(), found, error) if len(head) else found


def _inverted(inverse: Transform, points: FloatArray, error: Column) -> FloatArray:
    """Apply *inverse* to the points without an error; those that it refuses are found by halving."""
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


def _into_tiles_by_mesh(maps: list[TileMap], which: IntArray, points: FloatArray, error: Column) -> FloatArray:
    first = maps[0]
    if first.is_bare:
        # A tile without transforms gives every point back, inside it or not.
        return points
    if first.width is None or first.height is None:
        raise TransformError(_NO_SIZE)
    size = first.width, first.height, first.cell_size
    vertices, triangles = transforms.tile_mesh(*size, is_affine=not len(first.head))
    target = first.head.apply(vertices)[triangles]
    return transforms.find_in_triangles(points, vertices[triangles], target, _tails(maps)[which])
