"""
Pairs of tiles that may overlap, from the bounding boxes of their layers.

The rule is that of the service's own tool, which keeps the boxes of a layer in an R-tree of 32-bit floats: a tile is a
neighbour if its box is at most the radius away from the center of the other one, and both are rounded to 32 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.tables.pair_table import PairTable

__all__ = ["PairRule", "TileBoxes", "pairs_across", "pairs_within"]

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Column = npt.NDArray[np.object_]

# Positions of a tile by number, and the numbers of those of its partner.
_AT = np.array(["", "LEFT", "RIGHT", "TOP", "BOTTOM"], dtype=object)
_MIRRORED = np.array([0, 2, 1, 4, 3])
_OPPOSITE = _AT[_MIRRORED]
# Candidates of a block of sources that are compared at once.
_BLOCK = 4_000_000


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
        return self.selected(~_obscured(self.boxes, self.ids))


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


# Geometry


def _neighbours(sources: FloatArray, boxes: FloatArray, rule: PairRule, wanted: Mask | None) -> tuple[Indices, Indices]:
    """Return rows of sources and of boxes that are neighbours by *rule*, ordered by source."""
    rows = np.arange(len(sources)) if wanted is None else np.flatnonzero(wanted)
    center = (sources[rows, :2] + sources[rows, 2:]) / 2
    radius = rule.radii(sources)[rows]
    around = np.hstack([center - radius[:, np.newaxis], center + radius[:, np.newaxis]])
    center32, radius32, boxes32 = (values.astype(np.float32) for values in (center, radius, boxes))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    found = []
    for one, other in _touching(around, boxes):
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


def _touching(areas: FloatArray, boxes: FloatArray) -> Iterator[tuple[Indices, Indices]]:
    """
    Yield rows of areas and of boxes that touch, and a few that almost do, in blocks.

    Boxes are sorted by bands of y, as high as the highest of them, and within a band by x. Those that touch an area are
    runs in the bands that it spans.
    """
    areas_of = np.flatnonzero(np.isfinite(areas).all(axis=1))
    boxes_of = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    areas, boxes = areas[areas_of], boxes[boxes_of]
    if not len(areas) or not len(boxes):
        return
    # The 32-bit comparison may see boxes nearer than they are, by the rounding of both.
    margin = 4 * np.spacing(np.float32(max(np.abs(areas).max(), np.abs(boxes).max(), 1.0))).astype(np.float64)
    width, height = (boxes[:, 2:] - boxes[:, :2]).max(axis=0)
    origin = boxes[:, 1].min()
    band_height = max(height, np.median(areas[:, 3] - areas[:, 1]) / 2, margin)
    # One sorted number for band and x: an area's run in a band is between two of them.
    left = min(boxes[:, 0].min(), areas[:, 0].min()) - margin - width
    stride = 2.0 ** np.ceil(np.log2(max(boxes[:, 0].max(), areas[:, 2].max()) + margin - left + 1))
    band = np.floor((boxes[:, 1] - origin) / band_height)
    order = np.lexsort([boxes[:, 0], band])
    key = band[order] * stride + (boxes[order, 0] - left)
    low = np.maximum(np.floor((areas[:, 1] - margin - height - origin) / band_height), 0)
    high = np.minimum(np.floor((areas[:, 3] + margin - origin) / band_height), band.max())
    # Large keys are rounded more than the numbers they are made of.
    margin += float(np.spacing(key[-1]))
    for step in range(int((high - low).max(initial=-1)) + 1):
        inside = np.flatnonzero(low + step <= high)
        base = (low[inside] + step) * stride - left
        first = np.searchsorted(key, base + areas[inside, 0] - margin - width, side="left")
        last = np.searchsorted(key, base + areas[inside, 2] + margin, side="right")
        yield from _runs(areas, boxes[order], inside, first, last, margin, areas_of, boxes_of[order])


def _runs(
    areas: FloatArray,
    boxes: FloatArray,
    inside: Indices,
    first: Indices,
    last: Indices,
    margin: float,
    areas_of: Indices,
    boxes_of: Indices,
) -> Iterator[tuple[Indices, Indices]]:
    """Yield the members of runs of boxes that touch their areas."""
    lengths = np.maximum(last - first, 0)
    edges = np.cumsum(lengths)
    block = 0
    while block < len(inside):
        done = edges[block - 1] if block else 0
        stop = max(int(np.searchsorted(edges, done + _BLOCK, side="right")), block + 1)
        count = lengths[block:stop]
        area = np.repeat(inside[block:stop], count)
        within = np.arange(len(area)) - np.repeat(np.cumsum(count) - count, count)
        box = np.repeat(first[block:stop], count) + within
        a, b = areas[area], boxes[box]
        touch = ((b[:, :2] <= a[:, 2:] + margin) & (b[:, 2:] >= a[:, :2] - margin)).all(axis=1)
        yield areas_of[area[touch]], boxes_of[box[touch]]
        block = stop


def _obscured(boxes: FloatArray, ids: Column) -> Mask:
    """Return which boxes are covered completely by those with greater ids."""
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    covered: Mask = area <= 0
    place = _ranks(np.full(len(ids), "", dtype=object), ids)
    over: list[tuple[Indices, Indices]] = []
    shared = np.zeros(len(boxes))
    for one, other in _touching(boxes, boxes):
        above = place[other] > place[one]
        one, other = one[above], other[above]
        low = np.maximum(boxes[one, :2], boxes[other, :2])
        high = np.minimum(boxes[one, 2:], boxes[other, 2:])
        common = np.prod(np.maximum(high - low, 0), axis=1)
        np.add.at(shared, one, common)
        over.append((one[common > 0], other[common > 0]))
    # A tile whose overlaps have less area in sum than itself is visible; few others are left.
    doubtful = ~covered & (shared >= area * (1 - 1e-12))
    if not doubtful.any():
        return covered
    one, other = (np.concatenate([part[side] for part in over]) for side in (0, 1))
    chosen = doubtful[one]
    one, other = one[chosen], other[chosen]
    order = np.argsort(one, kind="stable")
    one, other = one[order], other[order]
    rows, starts = np.unique(one, return_index=True)
    for row, some in zip(rows.tolist(), np.split(other, starts[1:]), strict=True):
        covered[row] = _is_covered(boxes[row], boxes[some])
    return covered


def _is_covered(box: FloatArray, others: FloatArray) -> bool:
    """Return whether the union of *others* covers *box*, cell by cell of the grid of their edges."""
    x, y = (
        np.unique(
            np.clip(np.concatenate([box[axis::2], others[:, axis], others[:, axis + 2]]), box[axis], box[axis + 2])
        )
        for axis in (0, 1)
    )
    cells = np.zeros((len(y) - 1, len(x) - 1), dtype=bool)
    for left, top, right, bottom in np.clip(others, box[[0, 1, 0, 1]], box[[2, 3, 2, 3]]):
        columns = slice(*np.searchsorted(x, [left, right]))
        rows = slice(*np.searchsorted(y, [top, bottom]))
        cells[rows, columns] = True
    return bool(cells.all())
