"""The options ``--minX --maxX --minY --maxY``."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.options import Options, option
from rendergateway.errors import CommandError
from rendergateway.geometry import Bounds
from rendergateway.number_text import double_text

__all__ = ["BoxOptions"]


@attrs.frozen
class BoxOptions(Options):
    """A box in world pixels that tiles must touch: all sides or none."""

    min_x: float | None = option(help="Only tiles that touch a box in world pixels: its left edge.")
    max_x: float | None = option(help="Right edge of the box.")
    min_y: float | None = option(help="Upper edge of the box.")
    max_y: float | None = option(help="Lower edge of the box.")

    def box(self) -> Bounds | None:
        """
        Return the box; None if no side is given.

        Raises
        ------
        CommandError
            If some sides are missing, or a minimum is above its maximum.
        """
        min_x, max_x, min_y, max_y = self.min_x, self.max_x, self.min_y, self.max_y
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
