"""
Pairs of tiles that may overlap, from the bounding boxes of their layers.

The rule is that of the service's own tool, which keeps the boxes of a layer in an R-tree of 32-bit floats: a tile is a
neighbour if its box is at most the radius away from the center of the other one, and both are rounded to 32 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.obscured import obscured
from rendergateway.alignment.touching import Indices, touching, touching_each_other
from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.tables.pair_table import PairTable

__all__ = ["PairRule", "TileBoxes", "pairs_across", "pairs_within"]

Mask = npt.NDArray[np.bool_]
_Pairs = tuple[Indices, Indices, Indices]
Column = npt.NDArray[np.object_]

# Positions of a tile by number, and the numbers of those of its partner.
_AT = np.array(["", "LEFT", "RIGHT", "TOP", "BOTTOM"], dtype=object)
_MIRRORED = np.array([0, 2, 1, 4, 3])
_OPPOSITE = _AT[_MIRRORED]


@attrs.frozen(eq=False)
class TileBoxes:
    """
    The tiles of one layer.

    Parameters
    ----------
    ids, groups : ndarray of str, shape (N,)
        Tile ids, and the match groups of the tiles, by convention their section ids.
    boxes : ndarray, shape (N, 4)
        min x, min y, max x, max y in world pixels.
    """

    ids: Column
    groups: Column
    boxes: FloatArray = attrs.field(converter=np.asfortranarray)

    def __len__(self) -> int:
        return len(self.ids)

    def selected(self, rows: Mask) -> TileBoxes:
        """Return the tiles of a mask."""
        return TileBoxes(self.ids[rows], self.groups[rows], self.boxes[rows])

    def touching(self, box: Bounds) -> TileBoxes:
        """Return the tiles whose boxes touch *box*, its border included."""
        min_x, min_y, max_x, max_y = self.boxes.T
        touch: Mask = (min_x <= box.max_x) & (max_x >= box.min_x) & (min_y <= box.max_y) & (max_y >= box.min_y)
        return self.selected(touch)

    def visible(self) -> TileBoxes:
        """
        Return the tiles that are not covered completely by tiles with greater ids, which are drawn over them.

        A tile without area counts as covered.
        """
        return self.selected(~obscured(self.boxes, self.ids))


@attrs.frozen(kw_only=True)
class PairRule:
    """
    Which tiles are neighbours.

    Parameters
    ----------
    radius_factor : float
        Radius as a multiple of the longer side of a tile's box.
    radius_px : float, optional
        Radius in world pixels, in place of the factor.
    corners : bool
        Whether a tile is also paired with a neighbour whose center is beside its box in both x and y.
    same_section : bool
        Whether tiles of the same group are paired.
    without_position : str, optional
        One of `POSITIONS`; drops the pairs of a layer if either tile has that position.
    """

    radius_factor: float = 0.9
    radius_px: float | None = None
    corners: bool = False
    same_section: bool = True
    without_position: str | None = None

    def radii(self, boxes: FloatArray) -> FloatArray:
        """Return the radius of each tile."""
        if self.radius_px is not None:
            return np.full(len(boxes), float(self.radius_px))
        width, height = boxes.T[2:] - boxes.T[:2]
        longest: FloatArray = np.maximum(width, height)
        return self.radius_factor * longest


def pairs_within(layer: TileBoxes, rule: PairRule, sources: Mask | None = None) -> PairTable:
    """
    Return the pairs of tiles of one layer, each once.

    Parameters
    ----------
    layer : TileBoxes
    rule : PairRule
    sources : ndarray of bool, shape (N,), optional
        Tiles whose neighbours are sought. Default: all.

    Raises
    ------
    RecordError
        If two tiles of a pair have the same group and id.

    Examples
    --------
    >>> ids = np.array(["a", "b", "c"], dtype=object)
    >>> boxes = np.array([[0, 0, 100, 100], [90, 0, 190, 100], [180, 0, 280, 100.0]])
    >>> pairs = pairs_within(TileBoxes(ids, np.full(3, "1.0", dtype=object), boxes), PairRule())
    >>> list(zip(pairs.p_id.tolist(), pairs.p_position.tolist(), pairs.q_id.tolist(), strict=True))
    [('a', 'LEFT', 'b'), ('b', 'LEFT', 'c')]
    """
    return _ordered(layer.groups, layer.ids, _placed(layer, rule, sources), 0.0)


def _placed(layer: TileBoxes, rule: PairRule, sources: Mask | None) -> Iterator[_Pairs]:
    """Yield neighbours in one layer, and the positions of the first, as numbers in `_AT`."""
    min_x, min_y = layer.boxes.T[:2]
    for one, other in _mutual(layer, rule) if sources is None else _neighbours(layer, layer, rule, sources):
        dx, dy = min_x.take(other) - min_x.take(one), min_y.take(other) - min_y.take(one)
        # The other is to the right of the one if dx > 0, below it if dy >= 0. Of tiles at the same place, the one whose
        # neighbour is sought is on top, so that both orders are pairs.
        at = np.where(np.abs(dx) > np.abs(dy), np.where(dx > 0, 1, 2), np.where(dy >= 0, 3, 4))
        kept = one != other
        if rule.without_position is not None:
            kept &= (_AT[at] != rule.without_position) & (_OPPOSITE[at] != rule.without_position)
        yield one[kept], other[kept], at[kept]


def pairs_across(
    layer: TileBoxes, other: TileBoxes, delta_z: float, rule: PairRule, sources: Mask | None = None
) -> PairTable:
    """
    Return the pairs of a tile of one layer with a tile of a later one, *delta_z* away; see `pairs_within`.

    The corners are judged from the box of the first tile alone.
    """
    groups, ids = np.concatenate([layer.groups, other.groups]), np.concatenate([layer.ids, other.ids])
    found = _neighbours(layer, other, rule, sources)
    return _ordered(groups, ids, ((one, row + len(layer), np.zeros_like(one)) for one, row in found), delta_z)


def _ordered(groups: Column, ids: Column, pairs: Iterable[_Pairs], delta_z: float) -> PairTable:
    """Return pairs of rows as columns: sorted, each once, with the side that sorts first as p."""
    rank = _ranks(groups, ids)
    numbers = [np.empty(0, np.int64)]
    for one, other, at in pairs:
        first, second = rank[one], rank[other]
        equal = np.flatnonzero(first == second)
        if equal.size:
            tile = f"{groups[one[equal[0]]]}/{ids[one[equal[0]]]}"
            raise RecordError(f"tile pair has two tiles of the same group and id: got {tile} twice; ids must be unique")
        # One number sorts by tiles, and by position only where the same two tiles have different positions.
        sides = np.minimum(first, second) * len(rank) + np.maximum(first, second)
        numbers.append(sides * len(_AT) + np.where(first > second, _MIRRORED.take(at), at))
    number = np.sort(np.concatenate(numbers))
    sides, p_at = np.divmod(number[np.diff(number, prepend=-1) > 0], len(_AT))
    row_of = np.empty_like(rank)
    row_of[rank] = np.arange(len(rank))
    p, q = (row_of[side] for side in np.divmod(sides, len(rank)))
    return PairTable(
        p_group=groups[p],
        p_id=ids[p],
        p_position=_AT[p_at],
        q_group=groups[q],
        q_id=ids[q],
        q_position=_OPPOSITE[p_at],
        delta_z=np.full(len(p), float(delta_z)),
    )


def _ranks(groups: Column, ids: Column) -> Indices:
    """Return the place of each tile in the order of groups and ids as text; equal tiles share it."""
    names = ids.tolist()
    # The tiles of a layer usually have one group, and are listed by id.
    if len(set(groups.tolist())) == 1 and all(map(operator.lt, names, names[1:])):
        return np.arange(len(names))
    keys = list(zip(groups.tolist(), names, strict=True))
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    return np.fromiter(map(place.__getitem__, keys), np.int64, len(keys))


class _Disks:
    """What lies around the tiles of a layer: centers and radii, and the boxes that others may reach."""

    def __init__(self, layer: TileBoxes, rule: PairRule) -> None:
        self.layer, self.rule = layer, rule
        self.centers, self.radii = (layer.boxes[:, :2] + layer.boxes[:, 2:]) / 2, rule.radii(layer.boxes)
        with np.errstate(over="ignore"):
            self.x, self.y = np.ascontiguousarray(self.centers.T, np.float32)
            self.radius = self.radii.astype(np.float32)
            self.sides = np.ascontiguousarray(layer.boxes.T, np.float32)

    def boxes(self) -> FloatArray:
        """Return the boxes around the disks, shape (N, 4)."""
        radii = self.radii[:, np.newaxis]
        return np.hstack([self.centers - radii, self.centers + radii])

    def reach(self, one: Indices, others: _Disks, other: Indices) -> Mask:
        """Return whether the boxes of other tiles are neighbours of tiles of this layer, pair by pair."""
        x, y = self.x.take(one), self.y.take(one)
        min_x, min_y, max_x, max_y = (side.take(other) for side in others.sides)
        dx = np.maximum(np.maximum(min_x - x, x - max_x), 0).astype(np.float64)
        dy = np.maximum(np.maximum(min_y - y, y - max_y), 0).astype(np.float64)
        near: Mask = np.sqrt(dx * dx + dy * dy).astype(np.float32) <= self.radius.take(one)
        if not self.rule.corners:
            own, at = self.layer.boxes[one], others.centers[other]
            near &= ((own[:, :2] <= at) & (at <= own[:, 2:])).any(axis=1)
        if not self.rule.same_section:
            near &= self.layer.groups[one] != others.layer.groups[other]
        return near


def _neighbours(
    layer: TileBoxes, other: TileBoxes, rule: PairRule, sources: Mask | None
) -> Iterator[tuple[Indices, Indices]]:
    """Yield rows of a layer, of *sources* only, and of another one that are neighbours by *rule*, in blocks."""
    rows = np.arange(len(layer)) if sources is None else np.flatnonzero(sources)
    disks, others = _Disks(layer, rule), _Disks(other, rule)
    for source, box in touching(disks.boxes()[rows], other.boxes):
        one = rows.take(source)
        near = disks.reach(one, others, box)
        yield one[near], box[near]


def _mutual(layer: TileBoxes, rule: PairRule) -> Iterator[tuple[Indices, Indices]]:
    """Yield rows of a layer that are neighbours by *rule*: each two tiles once, or in both orders at the same place."""
    disks = _Disks(layer, rule)
    for one, other in touching_each_other(disks.boxes(), layer.boxes):
        there, back = disks.reach(one, disks, other), disks.reach(other, disks, one)
        yield one[there], other[there]
        same = np.logical_and.reduce([side.take(one) == side.take(other) for side in layer.boxes.T[:2]])
        back &= ~there | same
        yield other[back], one[back]
