"""
Boxes and points in the plane of a section.

x runs to the right and y down, in pixels. *Local* pixels are pixels of a tile's image, *world* pixels those of the
stack. The names of ``points`` are imported on first use, with numpy.
"""

from typing import TYPE_CHECKING

from rendergateway.geometry.boxes import FRAMES, Bounds, as_float, box_of, checked_frame, frame_label
from rendergateway.lazy import names_from

if TYPE_CHECKING:
    from rendergateway.geometry.points import (
        INTEGERS,
        FloatArray,
        IntArray,
        as_points,
        border_points,
        boxes_under,
        service_box,
    )

__all__ = [
    "FRAMES",
    "INTEGERS",
    "Bounds",
    "FloatArray",
    "IntArray",
    "as_float",
    "as_points",
    "border_points",
    "box_of",
    "boxes_under",
    "checked_frame",
    "frame_label",
    "service_box",
]

if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report missing names.
    __getattr__, __dir__ = names_from(
        __name__,
        dict.fromkeys(
            ("INTEGERS", "FloatArray", "IntArray", "as_points", "border_points", "boxes_under", "service_box"), "points"
        ),
    )
