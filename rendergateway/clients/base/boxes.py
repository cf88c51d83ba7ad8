"""The options ``--minX --maxX --minY --maxY``."""

from __future__ import annotations

from rendergateway.errors import CommandError
from rendergateway.geometry import Bounds
from rendergateway.number_text import double_text

__all__ = ["given_box"]


def given_box(min_x: float | None, max_x: float | None, min_y: float | None, max_y: float | None) -> Bounds | None:
    """
    Return the box of four options; None if none of them is given.

    Raises
    ------
    CommandError
        If some are missing, or a minimum is above its maximum.
    """
    given = {"minX": min_x, "maxX": max_x, "minY": min_y, "maxY": max_y}
    if min_x is None or max_x is None or min_y is None or max_y is None:
        if set(given.values()) == {None}:
            return None
        words = ", ".join(f"{name} ({'null' if one is None else double_text(one)})" for name, one in given.items())
        raise CommandError(f"since one or more of {words} is specified, all must be specified")
    for axis, low, high in (("X", min_x, max_x), ("Y", min_y, max_y)):
        if low > high:
            raise CommandError(
                f"min{axis} ({double_text(low)}) must be less than or equal to max{axis} ({double_text(high)})"
            )
    return Bounds(min_x, min_y, max_x, max_y)
