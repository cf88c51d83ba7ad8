"""Bounding boxes, and the frames of coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, overload

import attrs

from rendergateway.display import call_text

__all__ = ["FRAMES", "Bounds", "as_float", "box_of", "checked_frame", "frame_label"]

# Frames of match points and tile images, all in pixels: "raw" is the image as stored, "lens_corrected" the same image
# after the leading lens transforms. Others end at the last transform with a label: "before:match", "after:lens".
FRAMES = ("raw", "lens_corrected")
_LABELLED = ("before", "after")


def as_float(value: Any) -> float:
    """Return a number as float; faster to import than ``float`` itself, a built-in that attrs inspects for 1 ms."""
    return float(value)


def frame_label(frame: str) -> tuple[str, str] | None:
    """
    Return side and label of a frame that ends at a labelled transform; None for other frames.

    Examples
    --------
    >>> frame_label("before:match"), frame_label("raw")
    (('before', 'match'), None)
    """
    side, _, label = frame.partition(":")
    return (side, label) if side in _LABELLED and label.strip() else None


def checked_frame(frame: str, *, more: tuple[str, ...] = ()) -> str:
    """
    Return *frame*.

    Raises
    ------
    ValueError
        If it is neither in `FRAMES`, nor in *more*, nor ends at a labelled transform.
    """
    if isinstance(frame, str) and (frame in FRAMES or frame in more or frame_label(frame)):
        return frame
    words = [*map(repr, (*more, *FRAMES))]
    listed = " or ".join(words) if len(words) == 2 else ", ".join(words)
    raise ValueError(
        f"frame must be {listed}, got {frame!r}; 'before:match' or 'after:lens' end at the last transform of that label"
    )


def _number_or_none(value: Any) -> float | None:
    return None if value is None else float(value)


@attrs.frozen(repr=False)
class Bounds:
    """
    An axis-parallel bounding box in world pixels.

    A sequence of min x, min y, max x, max y, the order of shapely's ``box``.

    Parameters
    ----------
    min_x, min_y, max_x, max_y : float
        Corners in world pixels.
    min_z, max_z : float, optional
        z of the first and last section, for the box of a stack or a section.

    Examples
    --------
    >>> box = Bounds(0, 0, 200, 100)
    >>> box.width, box.height, list(box), box[2]
    (200.0, 100.0, [0.0, 0.0, 200.0, 100.0], 200.0)
    """

    min_x: float = attrs.field(converter=as_float)
    min_y: float = attrs.field(converter=as_float)
    max_x: float = attrs.field(converter=as_float)
    max_y: float = attrs.field(converter=as_float)
    min_z: float | None = attrs.field(default=None, converter=_number_or_none)
    max_z: float | None = attrs.field(default=None, converter=_number_or_none)

    def __iter__(self) -> Iterator[float]:
        return iter(self._sides)

    def __len__(self) -> int:
        return len(self._sides)

    @overload
    def __getitem__(self, place: int) -> float: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[float, ...]: ...
    def __getitem__(self, place: int | slice) -> float | tuple[float, ...]:
        return self._sides[place]

    @property
    def _sides(self) -> tuple[float, float, float, float]:
        return self.min_x, self.min_y, self.max_x, self.max_y

    def __repr__(self) -> str:
        return call_text("Bounds", attrs.asdict(self))

    @property
    def width(self) -> float:
        """Extent in x."""
        return self.max_x - self.min_x

    @property
    def height(self) -> float:
        """Extent in y."""
        return self.max_y - self.min_y

    @property
    def area(self) -> float:
        """Width times height, in square pixels."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """Middle of the box: x, y."""
        return (self.min_x + self.max_x) / 2, (self.min_y + self.max_y) / 2

    def to_nm(self, resolution_nm: Sequence[float]) -> Bounds:
        """
        Return this box in nanometres.

        Parameters
        ----------
        resolution_nm : sequence of float
            Nanometres per pixel in x and y, and, for a box with a z range, the thickness of a section: a stack's
            ``resolution_nm``.

        Raises
        ------
        ValueError
            If a number is missing, not finite or not above zero.

        Examples
        --------
        >>> list(Bounds(0, 10, 200, 100).to_nm((4, 4, 40)))
        [0.0, 40.0, 800.0, 400.0]
        """
        steps = tuple(resolution_nm)
        if len(steps) not in (2, 3) or not all(math.isfinite(step) and step > 0 for step in steps):
            raise ValueError(f"resolution_nm must be 2 or 3 finite numbers above zero: got {steps}")
        x, y = steps[:2]
        z = steps[2] if len(steps) == 3 else None
        if z is None and not (self.min_z is None and self.max_z is None):
            raise ValueError(f"resolution_nm lacks the z of {self}: got {steps}; add the thickness of a section")
        min_z, max_z = (None if side is None else side * (z or 0.0) for side in (self.min_z, self.max_z))
        return Bounds(self.min_x * x, self.min_y * y, self.max_x * x, self.max_y * y, min_z, max_z)

    def overlaps(self, other: Bounds) -> bool:
        """Return whether the boxes share a point; shared edges count, as in the service."""
        return (
            self.min_x <= other.max_x
            and other.min_x <= self.max_x
            and self.min_y <= other.max_y
            and other.min_y <= self.max_y
        )

    def union(self, other: Bounds) -> Bounds:
        """Return the smallest box in x and y that contains both."""
        return Bounds(
            min(self.min_x, other.min_x),
            min(self.min_y, other.min_y),
            max(self.max_x, other.max_x),
            max(self.max_y, other.max_y),
        )


def box_of(boxes: Sequence[Bounds]) -> Bounds:
    """Return the smallest box that contains all *boxes*, a nonempty sequence."""
    around = boxes[0]
    for box in boxes[1:]:
        around = around.union(box)
    return around
