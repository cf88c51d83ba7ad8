"""Limits that the boxes of tiles must keep: what lies far off, or is far too large, was placed wrongly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray

__all__ = ["TileLimits"]

_SHOWN = 3
_RANGES = {"coordinate": ("min_coordinate", "max_coordinate"), "size": ("min_size", "max_size")}


@attrs.frozen(kw_only=True)
class TileLimits:
    """
    Where tiles may lie and how large they may be, in world pixels.

    Parameters
    ----------
    min_coordinate, max_coordinate : float
        Least and largest side of a box, in x and in y.
    min_size, max_size : float
        Least and largest width and height of a box.

    Examples
    --------
    >>> TileLimits.parse("size=500..10000")
    TileLimits(min_coordinate=-inf, max_coordinate=inf, min_size=500.0, max_size=10000.0)
    """

    min_coordinate: float = attrs.field(default=-math.inf, converter=float)
    max_coordinate: float = attrs.field(default=math.inf, converter=float)
    min_size: float = attrs.field(default=0.0, converter=float)
    max_size: float = attrs.field(default=math.inf, converter=float)

    @classmethod
    def parse(cls, text: str) -> TileLimits:
        """
        Read limits as a command line gives them: ``size=500..10000,coordinate=-500..100000``; a side may be left out.

        Raises
        ------
        ValueError
            If *text* has another form.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            name, _, ends = part.strip().partition("=")
            low, dots, high = ends.partition("..")
            if name not in _RANGES or not dots:
                raise ValueError(f"limits are size=LOW..HIGH and coordinate=LOW..HIGH, not {part!r}")
            limits |= {key: float(end) for key, end in zip(_RANGES[name], (low, high), strict=True) if end}
        return cls(**limits)

    def check(self, tile_ids: Sequence[str], boxes: FloatArray) -> None:
        """
        Look at the boxes of tiles.

        Parameters
        ----------
        tile_ids : sequence of str
            For the message.
        boxes : ndarray, shape (N, 4)
            min x, min y, max x, max y in world pixels.

        Raises
        ------
        RecordError
            If one of them is beyond the limits; the message names the first tiles, and what is wrong with each.
        """
        found = self._beyond(boxes)
        bad = np.flatnonzero(found.any(axis=1))
        if bad.size:
            shown = [f"{tile_ids[row]!r} ({self._sentence(boxes[row], found[row])})" for row in bad[:_SHOWN]]
            more = f" and {bad.size - _SHOWN} more" if bad.size > _SHOWN else ""
            raise RecordError(
                f"{bad.size} of the {len(boxes)} tiles looked at are beyond the limits: {', '.join(shown)}{more}"
            )

    def _beyond(self, boxes: FloatArray) -> FloatArray:
        """Return (N, 6): which of min x, min y, max x, max y, width and height are beyond the limits."""
        sizes = boxes[:, 2:] - boxes[:, :2]
        # Written so that a number that is none is beyond.
        low, high = boxes[:, :2] >= self.min_coordinate, boxes[:, 2:] <= self.max_coordinate
        wide = (sizes >= self.min_size) & (sizes <= self.max_size)
        return ~np.concatenate([low, high, wide], axis=1)

    def _sentence(self, box: FloatArray, beyond: FloatArray) -> str:
        values = [*box, box[2] - box[0], box[3] - box[1]]
        names = ("min x", "min y", "max x", "max y", "width", "height")
        first = int(np.flatnonzero(beyond)[0])
        return f"{names[first]} is {values[first]:g}, allowed is {self._range(first)}"

    def _range(self, place: int) -> str:
        low, high = (self.min_coordinate, self.max_coordinate) if place < 4 else (self.min_size, self.max_size)
        return f"{low:g} to {high:g}"
