"""The grid of boxes of a section, anchored at the origin of the world, and its parts for several jobs."""

from __future__ import annotations

import math

import attrs
import numpy as np

from rendergateway.geometry import Bounds, FloatArray

__all__ = ["BoxGrid", "checked_part", "share_of"]


@attrs.frozen
class BoxGrid:
    """
    Rows and columns of boxes that cover a section; boxes left of or above the origin do not exist.

    Attributes
    ----------
    width, height : int
        Size of a box in world pixels.
    first_row, last_row, first_column, last_column : int
        Inclusive.
    """

    width: int
    height: int
    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @classmethod
    def around(cls, bounds: Bounds, width: int, height: int) -> BoxGrid:
        """
        Return the grid of a section with these bounds.

        Examples
        --------
        >>> BoxGrid.around(Bounds(92, -20, 1230, 1228), 256, 256)
        BoxGrid(width=256, height=256, first_row=0, last_row=4, first_column=0, last_column=4)
        """
        rows, columns = (
            (int(max(low, 0.0) / side), int(high / side))
            for low, high, side in ((bounds.min_y, bounds.max_y, height), (bounds.min_x, bounds.max_x, width))
        )
        return cls(width, height, *rows, *columns)

    def occupied(self, boxes: FloatArray) -> list[tuple[int, int]]:
        """
        Return the rows and columns of the boxes that any tile touches, row by row.

        Parameters
        ----------
        boxes : ndarray, shape (N, 4)
            Bounding boxes of the tiles; those that are not finite are ignored.
        """
        rows, columns = self.last_row - self.first_row + 1, self.last_column - self.first_column + 1
        if rows <= 0 or columns <= 0:
            return []
        known = boxes[np.isfinite(boxes).all(axis=1)]
        found = np.zeros((rows, columns), dtype=bool)
        sides = np.array([self.width, self.height] * 2, dtype=np.float64)
        first = (self.first_column, self.first_row)
        # Common edges count, as in the queries of the service.
        low = np.ceil(known[:, :2] / sides[:2]).astype(np.int64) - 1 - first
        high = np.floor(known[:, 2:] / sides[2:]).astype(np.int64) - first
        for (left, top), (right, bottom) in zip(low.clip(0).tolist(), high.tolist(), strict=True):
            if right >= 0 and bottom >= 0:
                found[top : bottom + 1, left : right + 1] = True
        return [(int(row) + self.first_row, int(column) + self.first_column) for row, column in np.argwhere(found)]

    def box(self, row: int, column: int) -> Bounds:
        """Return a box in world pixels."""
        left, top = column * self.width, row * self.height
        return Bounds(left, top, left + self.width, top + self.height)

    def in_part(self, part: tuple[int, int], levels: int, row: int, column: int) -> bool:
        """
        Return whether a box belongs to a part of the section.

        Parts consist of areas of 2 ** *levels* boxes along each side, so that each box of the highest level is of one
        part.
        """
        side = 2**levels
        first_row, first_column = self.first_row // side, self.first_column // side
        rows, columns = self.last_row // side - first_row + 1, self.last_column // side - first_column + 1
        area = (row // side - first_row) * columns + column // side - first_column
        return area in share_of(rows * columns, part)


def share_of(count: int, part: tuple[int, int]) -> range:
    """
    Return the numbers of the items of one of several parts; the first parts may have one more.

    Examples
    --------
    >>> [list(share_of(5, (part, 3))) for part in (1, 2, 3)]
    [[0, 1], [2, 3], [4]]
    """
    number, parts = part
    each, more = divmod(count, parts)
    first = (number - 1) * each + min(number - 1, more)
    return range(first, first + each + (number <= more))


def checked_part(part: tuple[int, int] | None) -> tuple[int, int]:
    """
    Return number and count of parts; the whole by default.

    Raises
    ------
    ValueError
        If the number is not between 1 and the count.
    """
    if part is None:
        return 1, 1
    number, count = part
    if not 1 <= number <= count:
        raise ValueError(f"part must be (number, count) with 1 <= number <= count: got {tuple(part)}")
    return number, count


def clipped_size(size: tuple[int, int], bounds: Bounds, level: int) -> tuple[int, int]:
    """Return the part of a box of a level that a stack with these bounds covers, if it covers less than all of it."""
    width, height = size
    right, bottom = bounds.max_x / 2**level, bounds.max_y / 2**level
    return (math.trunc(right), math.trunc(bottom)) if right <= width and bottom <= height else size
