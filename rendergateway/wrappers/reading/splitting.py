"""
Layers read in pieces: a service that gives at most 50 001 tiles at once refuses more.

A layer is halved, and halved again, until each piece is given. The service's boxes share what lies on their borders, so
that a tile is taken from the piece that holds its corner of least x and y: each tile comes once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import compress
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import BadRequestError, NotFoundError, RecordError
from rendergateway.geometry import Bounds
from rendergateway.model import ResolvedTiles, TileRecord
from rendergateway.model.records.stacks import BoundsRecord
from rendergateway.model.tables.field_values import field_values

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack_parts import StackParts

__all__ = ["Asked", "in_pieces", "is_too_broad", "pieces_of_layer"]

_EVERYWHERE = Bounds(-math.inf, -math.inf, math.inf, math.inf)


def is_too_broad(error: BadRequestError) -> bool:
    """Tell whether a service refused because there are more tiles than it gives at once."""
    return "query too broad" in error.server_message


@attrs.frozen
class Asked:
    """
    Which tiles are asked for.

    Attributes
    ----------
    z : (float, float), optional
        First and last layer.
    box : Bounds, optional
        Tiles whose boxes touch this one, in world pixels.
    group : str, optional
        Name of the tile group.
    """

    z: tuple[float | None, float | None] = (None, None)
    box: Bounds | None = None
    group: str | None = None

    @property
    def layer(self) -> float | None:
        """The one layer asked for; None where it may be several."""
        return self.z[0] if self.z[0] == self.z[1] else None

    def values(self) -> dict[str, Any]:
        """Return what the endpoint takes."""
        named = {"min_z": self.z[0], "max_z": self.z[1], "group_id": self.group}
        if self.box is not None:
            box = self.box
            named.update(min_x=box.min_x, max_x=box.max_x, min_y=box.min_y, max_y=box.max_y)
        return {name: value for name, value in named.items() if value is not None}


def in_pieces(stack: StackParts, asked: Asked) -> ResolvedTiles:
    """Return tiles of one layer that are too many for one answer: each once, with all shared transforms."""
    whole = ResolvedTiles()
    for piece in pieces_of_layer(stack, asked):
        whole.tiles.update(piece.tiles)
        whole.transforms.update(piece.transforms)
    return whole


def pieces_of_layer(stack: StackParts, asked: Asked, *, most: int | None = None) -> Iterator[ResolvedTiles]:
    """
    Yield tiles of one layer in pieces.

    Parameters
    ----------
    stack : StackWrapper
        Whose tiles.
    asked : Asked
        Which of them; those of one layer, which has tiles.
    most : int, optional
        Tiles a piece, at most, but for tiles that overlap: where all of a box lie in both of its halves, these come
        together. Without it pieces are as large as the service gives.

    Raises
    ------
    RecordError
        If more tiles lie on one spot than the service gives.

    Notes
    -----
    One ``section.bounds`` where no box is given; then for each piece ``stack.resolved_tiles``, and some
    ``box.tile_count`` where *most* is given.
    """
    box = asked.box or BoundsRecord.from_json(stack._text("section.bounds", z=asked.layer)).bounds
    if box is not None:
        of_box = attrs.evolve(asked, box=box)
        if most is None:
            yield from _parts(stack, of_box, _EVERYWHERE)
        else:
            yield from _small_parts(stack, of_box, _EVERYWHERE, most, _count(stack, of_box))


def _parts(stack: StackParts, asked: Asked, owned: Bounds) -> Iterator[ResolvedTiles]:
    """Yield the tiles that are asked for and whose corner lies in *owned*, halved as often as the service wants."""
    assert asked.box is not None
    try:
        piece = _owned(_read(stack, asked), owned)
    except BadRequestError as error:
        if not is_too_broad(error):
            raise
        for half, own_half in _halved(asked, owned, *_middle(stack, asked.box)):
            yield from _parts(stack, half, own_half)
    else:
        if len(piece):
            yield piece


def _small_parts(stack: StackParts, asked: Asked, owned: Bounds, most: int, count: int) -> Iterator[ResolvedTiles]:
    """Yield what `_parts` does, of a box that *count* tiles touch, halved until *most* do or halving parts none."""
    assert asked.box is not None
    for axis, middle in _middles(asked.box) if count > most else ():
        halves = _halved(asked, owned, axis, middle)
        counts = [_count(stack, half) for half, _ in halves]
        if min(counts) < count:
            for (half, own_half), in_half in zip(halves, counts, strict=True):
                yield from _small_parts(stack, half, own_half, most, in_half)
            return
    if count:
        yield from _parts(stack, asked, owned)


def _count(stack: StackParts, asked: Asked) -> int:
    """Ask how many tiles a box holds; about, because boxes in paths have whole sizes."""
    assert asked.box is not None
    x, y = math.floor(asked.box.min_x), math.floor(asked.box.min_y)
    size = {"width": math.ceil(asked.box.max_x) - x, "height": math.ceil(asked.box.max_y) - y}
    count: int = stack._call("box.tile_count", z=asked.layer, x=x, y=y, **size)
    return count


def _read(stack: StackParts, asked: Asked) -> ResolvedTiles:
    try:
        return ResolvedTiles.from_json(stack._text("stack.resolved_tiles", **asked.values()))
    except NotFoundError:
        return ResolvedTiles()


def _owned(found: ResolvedTiles, owned: Bounds) -> ResolvedTiles:
    if owned == _EVERYWHERE:
        return found
    texts = list(found.tiles.values())
    x, y = (field_values(TileRecord, (side,), texts) for side in ("min_x", "min_y"))
    here = [
        owned.min_x <= left < owned.max_x and owned.min_y <= top < owned.max_y for left, top in zip(x, y, strict=True)
    ]
    return ResolvedTiles(dict(compress(found.tiles.items(), here)), found.transforms)


def _sides(box: Bounds) -> list[tuple[str, float, float]]:
    """Return the sides of a box, the longer one first."""
    sides = [("x", box.min_x, box.max_x), ("y", box.min_y, box.max_y)]
    return sorted(sides, key=lambda side: side[1] - side[2])


def _middle(stack: StackParts, box: Bounds) -> tuple[str, float]:
    """Return where to cut a box: across its longer side."""
    axis, low, high = _sides(box)[0]
    middle = (low + high) / 2
    if not low < middle < high:
        raise RecordError(f"{stack!r} has more tiles on one spot, {tuple(box)}, than one answer may hold")
    return axis, middle


def _middles(box: Bounds) -> list[tuple[str, float]]:
    """Return where a box may be cut; within a pixel the service counts no fewer tiles, its boxes have whole sizes."""
    return [(axis, (low + high) / 2) for axis, low, high in _sides(box) if high - low > 1]


def _halved(asked: Asked, owned: Bounds, axis: str, middle: float) -> list[tuple[Asked, Bounds]]:
    """Return both halves of what is asked for, each with the half of *owned* that goes with it."""
    assert asked.box is not None
    boxes = _halves(asked.box, axis, middle)
    return [(attrs.evolve(asked, box=box), own) for box, own in zip(boxes, _halves(owned, axis, middle), strict=True)]


def _halves(box: Bounds, axis: str, middle: float) -> tuple[Bounds, Bounds]:
    return attrs.evolve(box, **{f"max_{axis}": middle}), attrs.evolve(box, **{f"min_{axis}": middle})
