"""
Spatial index of tiles: a loose grid of powers of two over 64-bit coordinates.

The level of a tile is the power of two above its longer side; its cell is the square of that size that contains its
upper left corner. All tiles of one level that touch a box therefore have their corners in the cells below the box or
in the neighbouring cells to the left and above. The exact test then compares coordinates.
"""

from __future__ import annotations

import json
import math

__all__ = ["EVERYWHERE", "Place", "bands", "place_of"]

Place = tuple[int, int, int]

# The level of boxes without a cell: unknown, inverted, not finite or too far out. Every query tests them.
EVERYWHERE = 4096
_NOWHERE: Place = (EVERYWHERE, 0, 0)
_FARTHEST = 2.0**52
_MOST_BANDS = 4096


def place_of(min_x: float | None, min_y: float | None, max_x: float | None, max_y: float | None) -> Place:
    """Return level, row and column of the cell of a box."""
    if min_x is None or min_y is None or max_x is None or max_y is None:
        return _NOWHERE
    width, height = max_x - min_x, max_y - min_y
    if not (0 <= width < math.inf and 0 <= height < math.inf):
        return _NOWHERE
    level = max(0, math.frexp(width if width > height else height)[1])
    size = math.ldexp(1.0, min(level, 1023))
    row, column = min_y / size, min_x / size
    if not (-_FARTHEST <= row <= _FARTHEST and -_FARTHEST <= column <= _FARTHEST):
        return _NOWHERE
    return level, math.floor(row), math.floor(column)


def bands(levels: list[int], min_x: float, min_y: float, max_x: float, max_y: float) -> str | None:
    """
    Return the cells of a box query as JSON: ``[[level, row, first column, last column], …]``.

    None means all cells: the box is so large that a full scan is faster.
    """
    found: list[Place | tuple[int, int, int, int]] = []
    for level in levels:
        if level == EVERYWHERE:
            found.append((EVERYWHERE, 0, 0, 0))
            continue
        size = math.ldexp(1.0, min(level, 1023))
        reach = (min_x / size - 1, min_y / size - 1, max_x / size, max_y / size)
        if not all(abs(value) <= _FARTHEST for value in reach):
            return None
        left, top, right, bottom = map(math.floor, reach)
        if bottom - top + len(found) > _MOST_BANDS:
            return None
        found.extend((level, row, left, right) for row in range(top, bottom + 1))
    return json.dumps(found)
