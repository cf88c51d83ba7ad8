"""
Layers read in pieces, because a service returns at most 50 001 tiles per answer.

A layer is halved until the service accepts each piece. Boxes of the service include tiles on their borders, so a tile
is taken from the piece that contains its corner of least x and y: each tile is returned once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import compress
from typing import Any

import attrs

from rendergateway.errors import BadRequestError, NotFoundError, RecordError
from rendergateway.geometry import Bounds
from rendergateway.model.records.stacks import BoundsRecord
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.field_values import field_values
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey

__all__ = ["TileQuery", "in_pieces", "is_too_broad", "pieces_of_layer"]

_EVERYWHERE = Bounds(-math.inf, -math.inf, math.inf, math.inf)


def is_too_broad(error: BadRequestError) -> bool:
    """Return whether a service refused because more tiles match than it returns per answer."""
    return "query too broad" in error.server_message


@attrs.frozen
class TileQuery:
    """
    Tiles of a stack by position or group.

    Attributes
    ----------
    z : (float, float), optional
        First and last layer.
    box : Bounds, optional
        Tiles whose bounding boxes touch this one, in world pixels.
    group : str, optional
        Name of the tile group.
    """

    z: tuple[float | None, float | None] = (None, None)
    box: Bounds | None = None
    group: str | None = None

    @property
    def layer(self) -> float | None:
        """The only layer of the query; None if there may be several."""
        return self.z[0] if self.z[0] == self.z[1] else None

    def values(self) -> dict[str, Any]:
        """Return the query values of the endpoint."""
        named = {"min_z": self.z[0], "max_z": self.z[1], "group_id": self.group}
        if self.box is not None:
            box = self.box
            named.update(min_x=box.min_x, max_x=box.max_x, min_y=box.min_y, max_y=box.max_y)
        return {name: value for name, value in named.items() if value is not None}


def in_pieces(stack: Bound[StackKey], query: TileQuery) -> ResolvedTiles:
    """Return the tiles of one layer that are too many for one answer: each once, with all shared transforms."""
    whole = ResolvedTiles()
    for piece in pieces_of_layer(stack, query):
        whole.tiles.update(piece.tiles)
        whole.transforms.update(piece.transforms)
    return whole


def pieces_of_layer(stack: Bound[StackKey], query: TileQuery, *, limit: int | None = None) -> Iterator[ResolvedTiles]:
    """
    Yield the tiles of one layer in pieces.

    Parameters
    ----------
    stack : Bound
        The stack.
    query : TileQuery
        Selects tiles of one layer that has tiles.
    limit : int, optional
        Maximum tiles per piece, except for overlapping tiles: if all tiles of a box touch both of its halves, they
        come together. Without it pieces are as large as the service returns.

    Raises
    ------
    RecordError
        If more tiles overlap at one spot than the service returns per answer.

    Notes
    -----
    One ``section.bounds`` unless the query has a box; then per piece ``stack.resolved_tiles``, and some
    ``box.tile_count`` if *limit* is given.
    """
    box = query.box or BoundsRecord.from_json(stack.fetch("section.bounds", z=query.layer)).bounds
    if box is not None:
        of_box = attrs.evolve(query, box=box)
        if limit is None:
            yield from _parts(stack, of_box, _EVERYWHERE)
        else:
            yield from _small_parts(stack, of_box, _EVERYWHERE, limit, _count(stack, of_box))


def _parts(stack: Bound[StackKey], query: TileQuery, owned: Bounds) -> Iterator[ResolvedTiles]:
    """Yield the tiles of the query whose corners lie in *owned*, halved as often as the service requires."""
    assert query.box is not None
    try:
        piece = _owned(_read(stack, query), owned)
    except BadRequestError as error:
        if not is_too_broad(error):
            raise
        for half, own_half in _halved(query, owned, *_middle(stack, query.box)):
            yield from _parts(stack, half, own_half)
    else:
        if len(piece):
            yield piece


def _small_parts(
    stack: Bound[StackKey], query: TileQuery, owned: Bounds, limit: int, count: int
) -> Iterator[ResolvedTiles]:
    """Yield `_parts` of a box that *count* tiles touch, halved until at most *limit* do or no cut separates any."""
    assert query.box is not None
    for axis, middle in _middles(query.box) if count > limit else ():
        halves = _halved(query, owned, axis, middle)
        counts = [_count(stack, half) for half, _ in halves]
        if min(counts) < count:
            for (half, own_half), in_half in zip(halves, counts, strict=True):
                yield from _small_parts(stack, half, own_half, limit, in_half)
            return
    if count:
        yield from _parts(stack, query, owned)


def _count(stack: Bound[StackKey], query: TileQuery) -> int:
    """Request the number of tiles in a box; approximate, because boxes in paths have whole sizes."""
    assert query.box is not None
    x, y = math.floor(query.box.min_x), math.floor(query.box.min_y)
    size = {"width": math.ceil(query.box.max_x) - x, "height": math.ceil(query.box.max_y) - y}
    count: int = stack.call("box.tile_count", z=query.layer, x=x, y=y, **size)
    return count


def _read(stack: Bound[StackKey], query: TileQuery) -> ResolvedTiles:
    try:
        return ResolvedTiles.from_json(stack.fetch("stack.resolved_tiles", **query.values()))
    except NotFoundError:
        return ResolvedTiles()


def _owned(found: ResolvedTiles, owned: Bounds) -> ResolvedTiles:
    if owned == _EVERYWHERE:
        return found
    texts = list(found.tiles.values())
    x, y = (field_values(TileRecord, (side,), texts) for side in ("min_x", "min_y"))
    inside = [
        owned.min_x <= left < owned.max_x and owned.min_y <= top < owned.max_y for left, top in zip(x, y, strict=True)
    ]
    return ResolvedTiles(dict(compress(found.tiles.items(), inside)), found.transforms)


def _sides(box: Bounds) -> list[tuple[str, float, float]]:
    """Return the sides of a box, the longer one first."""
    sides = [("x", box.min_x, box.max_x), ("y", box.min_y, box.max_y)]
    return sorted(sides, key=lambda side: side[1] - side[2])


def _middle(stack: Bound[StackKey], box: Bounds) -> tuple[str, float]:
    """Return axis and coordinate of a cut across the longer side of a box."""
    axis, low, high = _sides(box)[0]
    middle = (low + high) / 2
    if not low < middle < high:
        raise RecordError(f"stack {stack} has more overlapping tiles at {tuple(box)} than one answer may hold")
    return axis, middle


def _middles(box: Bounds) -> list[tuple[str, float]]:
    """Return the possible cuts of a box; boxes in paths have whole sizes, so none within a pixel."""
    return [(axis, (low + high) / 2) for axis, low, high in _sides(box) if high - low > 1]


def _halved(query: TileQuery, owned: Bounds, axis: str, middle: float) -> list[tuple[TileQuery, Bounds]]:
    """Return both halves of a query, each with its half of *owned*."""
    assert query.box is not None
    boxes = _halves(query.box, axis, middle)
    return [(attrs.evolve(query, box=box), own) for box, own in zip(boxes, _halves(owned, axis, middle), strict=True)]


def _halves(box: Bounds, axis: str, middle: float) -> tuple[Bounds, Bounds]:
    return attrs.evolve(box, **{f"max_{axis}": middle}), attrs.evolve(box, **{f"min_{axis}": middle})
