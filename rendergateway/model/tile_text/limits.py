"""Limits for the bounding boxes of tiles, which detect misplaced tiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text
from rendergateway.transforms import Transform

__all__ = ["TileLimits"]

_RANGES = {"coordinate": ("min_coordinate", "max_coordinate"), "size": ("min_size", "max_size")}


@attrs.frozen(kw_only=True)
class TileLimits:
    """
    Limits of the coordinates and sizes of tile bounding boxes, in world pixels.

    Parameters
    ----------
    min_coordinate, max_coordinate : float
        Range of the sides of a box, in x and y.
    min_size, max_size : float
        Range of the width and height of a box.

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
        Parse limits of the form ``size=500..10000,coordinate=-500..100000``; either end may be omitted.

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
                raise ValueError(f"limits are size=LOW..HIGH and coordinate=LOW..HIGH: got {part!r}")
            limits |= {key: float(end) for key, end in zip(_RANGES[name], (low, high), strict=True) if end}
        return cls(**limits)

    def problems(self, texts: Sequence[Text], boxes: FloatArray, shared: Mapping[str, Transform]) -> dict[int, str]:
        """Return why tiles are invalid; see `TileValidator`."""
        found = self._beyond(boxes)
        return {row: self._sentence(boxes[row], found[row]) for row in np.flatnonzero(found.any(axis=1)).tolist()}

    def _beyond(self, boxes: FloatArray) -> npt.NDArray[np.bool_]:
        """Return the mask (N, 6) of min x, min y, max x, max y, width and height beyond the limits."""
        sizes = boxes[:, 2:] - boxes[:, :2]
        # Negated comparisons, so that NaN is beyond.
        low, high = boxes[:, :2] >= self.min_coordinate, boxes[:, 2:] <= self.max_coordinate
        wide = (sizes >= self.min_size) & (sizes <= self.max_size)
        return ~np.concatenate([low, high, wide], axis=1)

    def _sentence(self, box: FloatArray, beyond: npt.NDArray[np.bool_]) -> str:
        values = [*box, box[2] - box[0], box[3] - box[1]]
        names = ("min x", "min y", "max x", "max y", "width", "height")
        first = int(np.flatnonzero(beyond)[0])
        return f"{names[first]} is {values[first]:g}, allowed is {self._range(first)}"

    def _range(self, place: int) -> str:
        low, high = (self.min_coordinate, self.max_coordinate) if place < 4 else (self.min_size, self.max_size)
        return f"{low:g} to {high:g}"
