"""Objects as rows of a table: their keys and marshalled attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rendergateway.errors import RenderGatewayError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.model.tables.row_table import RowTable

__all__ = ["boxes_in_nm", "row_table"]

_NO_BOX = (np.nan,) * 4


def row_table(objects: Iterable[Any], names: Sequence[str], units: str) -> RowTable:
    """
    Return a table with one row per object: the fields of its key and the attributes *names*.

    A bounding box becomes the columns ``min_x``, ``min_y``, ``max_x`` and ``max_y``, with suffix ``_nm`` in nanometres;
    a resolution becomes three columns.
    """
    rows = [dict(_cells(wrapper, names, units)) for wrapper in objects]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return RowTable({name: [row[name] for row in rows] for name in columns})


def _cells(wrapper: Any, names: Sequence[str], units: str) -> Iterator[tuple[str, Any]]:
    yield from wrapper._key._asdict().items()
    for name in names:
        value = getattr(wrapper, name)
        if name == "bounds":
            yield from _sides(wrapper, value, units)
        elif name == "resolution_nm":
            yield from zip(("resolution_x_nm", "resolution_y_nm", "resolution_z_nm"), value, strict=True)
        elif name not in wrapper._key._fields:
            yield name, value


def _sides(wrapper: Any, box: Bounds | None, units: str) -> Iterator[tuple[str, float]]:
    sides = np.array([_NO_BOX if box is None else list(box)])
    unit = ""
    if units == "nm":
        sides, unit = boxes_in_nm(sides, getattr(wrapper, "_stack", wrapper)), "_nm"
    yield from zip((f"{side}{unit}" for side in ("min_x", "min_y", "max_x", "max_y")), sides[0].tolist(), strict=True)


def boxes_in_nm(boxes: FloatArray, stack: Any) -> FloatArray:
    """
    Return bounding boxes in nanometres.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        In world pixels.
    stack : StackWrapper
        Has the resolution.

    Raises
    ------
    RenderGatewayError
        If the stack has no resolution in x and y.
    """
    x, y = stack._resolution_nm[:2]
    if not x or not y:
        raise RenderGatewayError(f"{stack!r} has no resolution; stack.update(resolution_nm=...) sets it")
    scaled: FloatArray = boxes * [x, y, x, y]
    return scaled
