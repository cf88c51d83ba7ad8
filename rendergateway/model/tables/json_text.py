"""JSON text of any value of this library."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from typing import Any

import attrs
import numpy as np

from rendergateway.geometry import Bounds
from rendergateway.model.records.json_slices import decode, join_list, join_object
from rendergateway.model.records.record import Record, to_text
from rendergateway.model.tables.coordinates import CoordinateTable
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.row_table import RowTable
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform

__all__ = ["bounds_members", "json_default", "to_json"]

_SIDES = {"min_x": "minX", "min_y": "minY", "min_z": "minZ", "max_x": "maxX", "max_y": "maxY", "max_z": "maxZ"}


def to_json(value: Any) -> str:
    """
    Encode *value* as JSON text: records unchanged, transforms as specs, bounds with the members of the service.

    Parameters
    ----------
    value : object
        An object of the service, record, table, page, transform, `Bounds`, date, array or plain JSON value, or a
        sequence or mapping of these.

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
    if isinstance(value, Record | Table | ResolvedTiles | CoordinateTable):
        return value.to_json()
    if isinstance(value, Transform):
        return to_text(value)
    value = _simpler(value)
    if isinstance(value, Mapping):
        return join_object({_key(name): _text(item) for name, item in value.items()})
    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | bytearray):
        return join_list(map(_text, value))
    return to_text(value)


def _simpler(value: Any) -> Any:
    """Return a value of this library, or of numpy, as a mapping, a sequence or a scalar of simpler values."""
    if isinstance(value, Bounds):
        return bounds_members(value)
    if isinstance(value, RowTable):
        return [{name: _unless_missing(cell) for name, cell in row.items()} for row in value]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "mM":
            raise TypeError(f"{value!r} has no JSON form; use datetime with a time zone")
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "simple_marshal"):
        # Wrappers and collections of wrappers, which this module cannot import.
        return value.simple_marshal()
    if attrs.has(type(value)):
        return attrs.asdict(value, recurse=False)
    return value


def bounds_members(box: Bounds) -> dict[str, float]:
    """Return the sides of a box by the names of the service, z if it is known."""
    sides = {wire: getattr(box, name) for name, wire in _SIDES.items()}
    return {wire: side for wire, side in sides.items() if side is not None}


def _unless_missing(cell: Any) -> Any:
    # NaN differs from itself; in a RowTable it is a missing number.
    return None if isinstance(cell, float) and cell != cell else cell


def _key(name: Any) -> str:
    if isinstance(name, str):
        return name
    if name is None or isinstance(name, int | float | np.number | np.bool_):
        return to_text(name).decode()
    raise TypeError(f"{name!r} is not a key of a JSON object; use text or a number")


def json_default(value: Any) -> Any:
    """
    Return *value* as plain values: a ``default`` function for ``json.dumps`` and other encoders.

    Applied to a whole value, it also converts dates, which some encoders encode in a form of their own.

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
