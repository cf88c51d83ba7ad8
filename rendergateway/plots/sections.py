"""Sections of a stack: their bounds over z, and their order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.plots.base import axes_of, numbers
from rendergateway.wrappers.core.labels import natural_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ranks_of", "section_bounds", "section_order"]

_GAP = "#dddddd"


def section_bounds(
    z: npt.ArrayLike,
    boxes: npt.ArrayLike,
    *,
    missing_z: Sequence[float] = (),
    ax: Axes | None = None,
) -> Axes:
    """
    Draw the ranges of x and y of sections over z: jumps show sections that are displaced, or tiles that flew away.

    Parameters
    ----------
    z : array_like, shape (S,)
        Section positions; several rows per section are allowed.
    boxes : array_like, shape (S, 4)
        Bounding boxes of the sections, or of all tiles, in world pixels.
    missing_z : sequence of float
        Missing sections, drawn as grey lines.
    ax : Axes, optional
        Default: those of a new figure.

    Raises
    ------
    RecordError
        If arrays have the wrong shape.
    """
    places, sides = numbers("z", z, (None,)), numbers("boxes", boxes, (None, 4))
    if len(places) != len(sides):
        raise RecordError(f"z and boxes differ in length: got {len(places)} and {len(sides)}")
    layers, low, high = _extents(places, sides)
    ax = axes_of(ax)
    for gap in missing_z:
        ax.axvline(gap, color=_GAP, linewidth=3, zorder=0)
    for axis, name in enumerate("xy"):
        color = f"C{axis}"
        ax.fill_between(layers, low[:, axis], high[:, axis], color=color, alpha=0.3, label=f"range of {name}")
        for side in (low, high):
            ax.plot(layers, side[:, axis], color=color, linewidth=1, marker=".", markersize=4)
    ax.set_xlabel("z (sections)")
    ax.set_ylabel("world (px)")
    ax.legend(fontsize="small")
    return ax


def _extents(
    z: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the positions of the sections, and the lowest and highest x and y of each."""
    there = np.isfinite(boxes).all(axis=1) & np.isfinite(z)
    layers, row = np.unique(z[there], return_inverse=True)
    low, high = np.full((len(layers), 2), np.inf), np.full((len(layers), 2), -np.inf)
    np.minimum.at(low, row, boxes[there, :2])
    np.maximum.at(high, row, boxes[there, 2:])
    return layers, low, high


def section_order(z: npt.ArrayLike, ranks: npt.ArrayLike, *, names: Sequence[str] = (), ax: Axes | None = None) -> Axes:
    """
    Draw the rank of each section, such as its place in the order of acquisition, over z; sections out of order are red.

    Parameters
    ----------
    z : array_like, shape (S,)
        Section positions.
    ranks : array_like, shape (S,)
        Numbers that should rise with z: acquisition numbers, or numbers in section ids.
    names : sequence of str
        Name of each section; those of the first ten out of order are written.
    ax : Axes, optional
        Default: those of a new figure.

    Raises
    ------
    RecordError
        If arrays differ in length.
    """
    places, rank = numbers("z", z, (None,)), numbers("ranks", ranks, (None,))
    if len(places) != len(rank) or (names and len(names) != len(rank)):
        raise RecordError(f"z, ranks and names differ in length: got {len(places)}, {len(rank)} and {len(names)}")
    order = np.argsort(places, kind="stable")
    places, rank = places[order], rank[order]
    wrong = ~_rising(rank)
    ax = axes_of(ax)
    ax.plot(places[~wrong], rank[~wrong], ".", color="C0", label="in order")
    if wrong.any():
        ax.plot(places[wrong], rank[wrong], ".", color="C3", label=f"out of order ({int(wrong.sum())})")
        for place in np.flatnonzero(wrong)[:10] if names else ():
            ax.annotate(names[int(order[place])], (places[place], rank[place]), fontsize="x-small")
    ax.set_xlabel("z (sections)")
    ax.set_ylabel("rank")
    ax.legend(fontsize="small")
    return ax


def ranks_of(names: Sequence[str]) -> list[float]:
    """
    Return a number per name: the number that it is, or its place in natural order.

    Examples
    --------
    >>> ranks_of(["3.0", "10.0"]), ranks_of(["w9", "w10"])
    ([3.0, 10.0], [0.0, 1.0])
    """
    try:
        return [float(name) for name in names]
    except ValueError:
        order = {name: float(place) for place, name in enumerate(sorted(set(names), key=natural_order))}
        return [order[name] for name in names]


def _rising(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return a mask of the longest subsequence that does not fall; ranks that are not finite are never in it."""
    ends: list[float] = []
    rows: list[int] = []
    before = np.full(len(ranks), -1)
    for row, rank in enumerate(ranks.tolist()):
        if not np.isfinite(rank):
            continue
        length = bisect_right(ends, rank)
        before[row] = rows[length - 1] if length else -1
        ends[length:] = [rank, *ends[length + 1 :]]
        rows[length:] = [row, *rows[length + 1 :]]
    chosen = np.zeros(len(ranks), dtype=bool)
    row = rows[-1] if rows else -1
    while row >= 0:
        chosen[row] = True
        row = int(before[row])
    return chosen
