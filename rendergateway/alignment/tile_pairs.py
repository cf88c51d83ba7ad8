"""
Pairs of tiles that may overlap, from the bounding boxes of their layers.

The rule is that of the service's own tool, which keeps the boxes of a layer in an R-tree of 32-bit floats: a tile is a
neighbour if its box is at most the radius away from the center of the other one, and both are rounded to 32 bits.
"""

from __future__ import annotations

import operator

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.obscured import obscured
from rendergateway.alignment.touching import Indices, touching
from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.tables.pair_table import PairTable

__all__ = ["PairRule", "TileBoxes", "pairs_across", "pairs_within"]

Mask = npt.NDArray[np.bool_]
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
    boxes: FloatArray

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
        longest: FloatArray = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=-np.inf)
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
    source, other = _neighbours(layer.boxes, layer.boxes, rule, sources)
    apart = source != other
    source, other = source[apart], other[apart]
    if not rule.same_section:
        apart = layer.groups[source] != layer.groups[other]
        source, other = source[apart], other[apart]
    dx, dy = (layer.boxes[other, :2] - layer.boxes[source, :2]).T
    # Tiles at the same place: the one whose neighbour is sought is on top, so that both orders are pairs.
    is_same = (dx == 0) & (dy == 0)
    rank = _ranks(layer.groups, layer.ids)
    swap = np.where(is_same, False, source > other)
    first, second = np.where(swap, other, source), np.where(swap, source, other)
    _, kept = np.unique(first * len(layer) + second, return_index=True)
    first, second, dx, dy, swap = first[kept], second[kept], dx[kept], dy[kept], swap[kept]
    sign = np.where(swap, -1.0, 1.0)
    dx, dy = sign * dx, sign * dy
    # Number of the position of the first, in `_AT`: the second is to the right of it if dx > 0, below it if dy >= 0.
    at = np.where(np.abs(dx) > np.abs(dy), np.where(dx > 0, 1, 2), np.where(dy >= 0, 3, 4))
    if rule.without_position is not None:
        apart = (_AT[at] != rule.without_position) & (_OPPOSITE[at] != rule.without_position)
        first, second, at = first[apart], second[apart], at[apart]
    return _ordered(layer, layer, first, second, rank[first], rank[second], at, 0.0)


def pairs_across(
    layer: TileBoxes, other: TileBoxes, delta_z: float, rule: PairRule, sources: Mask | None = None
) -> PairTable:
    """
    Return the pairs of a tile of one layer with a tile of a later one, *delta_z* away; see `pairs_within`.

    The corners are judged from the box of the first tile alone.
    """
    source, found = _neighbours(layer.boxes, other.boxes, rule, sources)
    if not rule.same_section:
        apart = layer.groups[source] != other.groups[found]
        source, found = source[apart], found[apart]
    rank = _ranks(np.concatenate([layer.groups, other.groups]), np.concatenate([layer.ids, other.ids]))
    ranks = rank[: len(layer)][source], rank[len(layer) :][found]
    return _ordered(layer, other, source, found, *ranks, np.zeros(len(source), np.int64), delta_z)


def _ordered(
    layer: TileBoxes,
    other: TileBoxes,
    first: Indices,
    second: Indices,
    first_rank: Indices,
    second_rank: Indices,
    at: Indices,
    delta_z: float,
) -> PairTable:
    """Return pairs as columns, sorted, each with the side that sorts first as p."""
    equal = np.flatnonzero(first_rank == second_rank)
    if equal.size:
        row = int(equal[0])
        words = f"{layer.groups[first[row]]}/{layer.ids[first[row]]}"
        raise RecordError(f"tile pair has two tiles of the same group and id: got {words} twice; ids must be unique")
    swap = first_rank > second_rank
    p_at, q_at = np.where(swap, _MIRRORED[at], at), np.where(swap, at, _MIRRORED[at])
    p_rank, q_rank = np.where(swap, second_rank, first_rank), np.where(swap, first_rank, second_rank)
    # Few pairs have equal tiles and different positions: they are ordered by position only then.
    order = np.lexsort([p_at, q_rank, p_rank]) if (p_at > 0).any() else np.lexsort([q_rank, p_rank])
    swap, first, second = swap[order], first[order], second[order]
    tiles = len(layer)
    p, q = np.where(swap, second + tiles, first), np.where(swap, first, second + tiles)
    groups, ids = np.concatenate([layer.groups, other.groups]), np.concatenate([layer.ids, other.ids])
    return PairTable(
        p_group=groups[p],
        p_id=ids[p],
        p_position=_AT[p_at[order]],
        q_group=groups[q],
        q_id=ids[q],
        q_position=_AT[q_at[order]],
        delta_z=np.full(len(first), float(delta_z)),
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


def _neighbours(sources: FloatArray, boxes: FloatArray, rule: PairRule, wanted: Mask | None) -> tuple[Indices, Indices]:
    """Return rows of sources and of boxes that are neighbours by *rule*, ordered by source."""
    rows = np.arange(len(sources)) if wanted is None else np.flatnonzero(wanted)
    center = (sources[rows, :2] + sources[rows, 2:]) / 2
    radius = rule.radii(sources)[rows]
    around = np.hstack([center - radius[:, np.newaxis], center + radius[:, np.newaxis]])
    center32, radius32, boxes32 = (values.astype(np.float32) for values in (center, radius, boxes))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    found = []
    for one, other in touching(around, boxes):
        gap = np.maximum(boxes32[other, :2] - center32[one], center32[one] - boxes32[other, 2:])
        distance = np.hypot(*np.maximum(gap, 0).astype(np.float64).T).astype(np.float32)
        near = distance <= radius32[one]
        if not rule.corners:
            own, at = sources[rows[one]], middle[other]
            near &= ((own[:, :2] <= at) & (at <= own[:, 2:])).any(axis=1)
        found.append((rows[one[near]], other[near]))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])
