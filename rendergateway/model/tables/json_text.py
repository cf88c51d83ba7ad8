"""JSON text of any value of this library."""

from __future__ import annotations

from typing import Any

import numpy as np

from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import decode, join_list, join_object
from rendergateway.model.records.record import Record, to_text
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform

__all__ = ["json_default", "to_json"]

_SIDES = {"min_x": "minX", "min_y": "minY", "min_z": "minZ", "max_x": "maxX", "max_y": "maxY", "max_z": "maxZ"}


def to_json(value: Any) -> str:
    """
    Encode *value* as JSON text: records unchanged, transforms as specs, bounds with the members of the service.

    Parameters
    ----------
    value : object
        A record, table, transform, `Bounds`, date, array or plain JSON value, or a list or dict of these.

    Raises
    ------
    RecordError
        If a number is not finite, or a date has no time zone.
    TypeError
        If *value* contains a type without a JSON form.

    Examples
    --------
    >>> to_json([Bounds(0, 0, 2, 1), 3])
    '[{"minX":0.0,"minY":0.0,"maxX":2.0,"maxY":1.0},3]'
    """
    return _text(value).decode()


def _text(value: Any) -> bytes:
    if isinstance(value, Table | ResolvedTiles):
        return value.to_json()
    if isinstance(value, Bounds):
        sides = {wire: getattr(value, name) for name, wire in _SIDES.items()}
        return to_text({name: side for name, side in sides.items() if side is not None})
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if hasattr(value, "simple_marshal"):
        # Wrappers and collections of wrappers, which this module cannot import.
        value = value.simple_marshal()
    if isinstance(value, dict):
        return join_object({str(name): _text(item) for name, item in value.items()})
    if isinstance(value, list | tuple) and not isinstance(value, Record | Transform):
        return join_list(map(_text, value))
    return to_text(value)


def json_default(value: Any) -> Any:
    """
    Return *value* as plain values: a ``default`` function for the standard library's ``json.dumps``.

    Raises
    ------
    TypeError
        If *value* has no JSON form.

    Examples
    --------
    >>> import json
    >>> json.dumps({"box": Bounds(0, 0, 2, 1)}, default=json_default)
    '{"box": {"minX": 0.0, "minY": 0.0, "maxX": 2.0, "maxY": 1.0}}'
    """
    return decode(_text(value))
