"""Drawings of tiles beside each other with the matches between them, as values of inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from rendergateway.catalogue.pages.pictures import look_of
from rendergateway.catalogue.site import Site
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.wrappers.images.render import tile_view

__all__ = ["Drawing", "Line", "Side", "lines_between", "tiles_side_by_side"]

_PICTURE_PX = 480
_GAP_PX = 16
_COLOURS = 4


@attrs.frozen(eq=False)
class Side:
    """A tile of a drawing: its picture, and its place in the drawing."""

    tile: Any
    url: str
    box: Bounds
    x: float
    y: float
    scale: float

    @property
    def width(self) -> float:
        """Width in the drawing."""
        return self.box.width * self.scale

    @property
    def height(self) -> float:
        """Height in the drawing."""
        return self.box.height * self.scale

    def place(self, points: FloatArray) -> FloatArray:
        """Return points (N, 2) of the frame of the picture as points of the drawing."""
        return (points - [self.box.min_x, self.box.min_y]) * self.scale + [self.x, self.y]


@attrs.frozen
class Line:
    """A match: both ends, the number that selects its colour, and the address of its pair."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: int
    url: str | None = None


@attrs.frozen(eq=False)
class Drawing:
    """Tiles, and lines between them."""

    sides: Sequence[Side]
    lines: Sequence[Line]

    @property
    def width(self) -> float:
        """Width in pixels."""
        return max(side.x + side.width for side in self.sides)

    @property
    def height(self) -> float:
        """Height in pixels."""
        return max(side.y + side.height for side in self.sides)


def tiles_side_by_side(
    site: Site, stack: Any, rows: Sequence[Sequence[Any]], frame: str, px: int = _PICTURE_PX
) -> list[Side]:
    """
    Place tiles in rows; None leaves a gap.

    Parameters
    ----------
    site, stack
        Of the tiles.
    rows : sequence of sequences of TileWrapper or None
        Of equal length.
    frame : str
        The frame of the pictures.
    px : int
        The longer side of a picture, at most; all tiles have the same scale.
    """
    grid = [[None if tile is None else _box_of(tile, frame) for tile in row] for row in rows]
    boxes = [box for row in grid for box in row if box is not None]
    scale = min(1.0, px / max(max(box.width, box.height) for box in boxes))
    across = [
        max((box.width for box in column if box is not None), default=0.0) * scale for column in zip(*grid, strict=True)
    ]
    version, sides, y = site.version_of(stack), [], 0.0
    for row, places in zip(rows, grid, strict=True):
        x = 0.0
        for tile, box, width in zip(row, places, across, strict=True):
            if tile is not None and box is not None:
                values = {**look_of(), "id": tile.tile_id, "frame": frame, "px": px, "v": version}
                url = site.url_for("tile_picture", **stack._key._asdict(), **values)
                sides.append(Side(tile, url, box, x, y, scale))
            x += width + _GAP_PX
        y += max((box.height for box in places if box is not None), default=0.0) * scale + _GAP_PX
    return sides


def _box_of(tile: Any, frame: str) -> Bounds:
    return tile_view(tile._bound, tile.load()._obj, lambda: tile.resolved_transforms, frame).box


def lines_between(
    one: Side, other: Side, p: FloatArray, q: FloatArray, *, url: str | None = None, first: int = 0
) -> list[Line]:
    """Return the lines between points p (N, 2) of one tile and q (N, 2) of another; *first* selects their colours."""
    ends = np.concatenate([one.place(p), other.place(q)], axis=1)
    numbered = enumerate(ends.tolist(), first)
    return [Line(x1, y1, x2, y2, number % _COLOURS, url) for number, (x1, y1, x2, y2) in numbered]
