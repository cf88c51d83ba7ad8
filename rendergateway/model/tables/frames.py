"""
Frames of any library, or dicts of columns: their cells, and the cells that differ from a table.

No library is imported: a frame has ``columns``, and ``frame[name]`` is a column that converts to a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, copy_of, cut_object, decode
from rendergateway.model.tables.column_texts import PLACES, WRITABLE, checked_ids, numbers_of
from rendergateway.model.tables.tile_columns import COLUMN_NAMES, JOINED

if TYPE_CHECKING:
    from rendergateway.model.tables.tile_table import TileTable

__all__ = ["AFFINE", "SPLIT", "cells_of", "changes_of", "new_columns"]

AFFINE = tuple(f"last_{name}" for name in ("m00", "m01", "tx", "m10", "m11", "ty"))
# The names in a frame of the columns with several numbers per row.
SPLIT = {**JOINED, "last_affine": AFFINE}
_SPLIT_NAMES = {name: (column, place) for column, names in SPLIT.items() for place, name in enumerate(names)}
# Types of missing values of pandas and polars, besides NaN.
_MISSING = ("NoneType", "NAType", "NaTType")

Cells: TypeAlias = dict[str, list[Any]]


def cells_of(frame: Any) -> Cells:
    """
    Return the columns of a frame as lists of plain values, None for missing ones; columns of several numbers are split.

    Parameters
    ----------
    frame : data frame or mapping of str to column
        An index named ``tile_id`` is a column.

    Raises
    ------
    RecordError
        If a column is a duplicate or not a sequence, or columns differ in length.
    """
    columns = [(str(name), frame[name]) for name in getattr(frame, "columns", frame)]
    index = getattr(frame, "index", None)
    if getattr(index, "name", None) == "tile_id":
        columns.append(("tile_id", index))
    cells: Cells = {}
    for name, column in columns:
        for part, values in _parts(name, column):
            if part in cells:
                raise RecordError(f"duplicate column {part}; expected each once")
            cells[part] = values
    lengths = {name: len(values) for name, values in cells.items()}
    if len(set(lengths.values())) > 1:
        raise RecordError(f"columns differ in length: got {lengths}")
    return cells


def _parts(name: str, column: Any) -> Iterator[tuple[str, list[Any]]]:
    if name in SPLIT:
        numbers = numbers_of(name, column)
        if numbers.shape[1:] != ((2, 3) if SPLIT[name] is AFFINE else (len(SPLIT[name]),)):
            raise RecordError(f"column {name} has shape {numbers.shape}; expected {len(SPLIT[name])} numbers per row")
        numbers = numbers.reshape(len(numbers), len(SPLIT[name]))
        yield from ((part, _values(part, values)) for part, values in zip(SPLIT[name], numbers.T, strict=True))
    else:
        yield name, _values(name, column)


def _values(name: str, column: Any) -> list[Any]:
    listed = next((getattr(column, method) for method in ("to_list", "tolist") if hasattr(column, method)), None)
    values = (
        listed() if listed else list(column) if isinstance(column, Sequence) and not isinstance(column, str) else None
    )
    if not isinstance(values, list):
        raise RecordError(f"column {name} is {column!r}; expected one value per row")
    plain = (value.item() if isinstance(value, np.generic) else value for value in values)
    return [None if _is_missing(value) else value for value in plain]


def _is_missing(value: Any) -> bool:
    return value != value if isinstance(value, float) else type(value).__name__ in _MISSING


# New tiles


def new_columns(frame: Any) -> dict[str, Any]:
    """
    Return the arguments of `TileTable.from_columns` for a frame of new tiles; matrices of missing tiles are NaN.

    Raises
    ------
    RecordError
        If some columns of the matrices are missing, or the frame is one of existing tiles.
    """
    cells = cells_of(frame)
    if "last_class" in cells:
        raise RecordError(
            "the frame has a column last_class, so it is one of existing tiles, whose other members would be lost; "
            "table.with_columns(frame) changes these tiles, or drop the column to build new ones"
        )
    matrices = [cells.pop(name) for name in AFFINE if name in cells]
    if not matrices or all(value is None for column in matrices for value in column):
        return cells
    if len(matrices) != len(AFFINE):
        raise RecordError(f"the frame has some columns of a matrix; expected all of {', '.join(AFFINE)}")
    return {**cells, "last_affine": np.array(matrices, dtype=np.float64).T.reshape(-1, 2, 3)}


# Changes of existing tiles


def changes_of(table: TileTable, frame: Any) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """
    Yield rows of *table* and the columns of *frame* that differ: the rows of each set of changed columns.

    Parameters
    ----------
    table : TileTable
        The tiles.
    frame : data frame or mapping of str to column
        Any of the tiles, in any order, by ``tile_id``; missing values are unchanged.

    Raises
    ------
    RecordError
        If a tile id is missing, a duplicate or not in the table, or a value cannot be changed.
    TypeError
        If a column is unknown.
    """
    cells = cells_of(frame)
    if "tile_id" not in cells:
        raise RecordError(f"the frame has columns {', '.join(cells)}; tile_id is required, to find the tiles")
    rows = _rows(table, checked_ids(cells.pop("tile_id")))
    unknown = [name for name in cells if name not in (*WRITABLE, *AFFINE, "last_class")]
    if unknown:
        raise TypeError(f"a TileTable has no column {', '.join(unknown)}; drop it from the frame")
    groups: dict[tuple[str, ...], list[int]] = {}
    changed = {name: _changed(table, rows, name, values) for name, values in cells.items()}
    for place in range(len(rows)):
        names = tuple(name for name, values in changed.items() if values[place] is not None)
        if names:
            groups.setdefault(names, []).append(place)
    for names, places in groups.items():
        columns: dict[str, Any] = {
            name: [changed[name][place] for place in places] for name in names if name not in AFFINE
        }
        chosen = [rows[place] for place in places]
        if not set(names).isdisjoint(AFFINE):
            columns["last_affine"] = table.last_affine[chosen]
            for name in set(names).intersection(AFFINE):
                part = _SPLIT_NAMES[name][1]
                columns["last_affine"].reshape(-1, len(AFFINE))[:, part] = _numbers(name, changed[name], places)
        yield chosen, columns


def _rows(table: TileTable, tile_ids: Sequence[str]) -> list[int]:
    places = {tile_id: row for row, tile_id in enumerate(checked_ids(table.tile_id.tolist()))}
    missing = next((tile_id for tile_id in tile_ids if tile_id not in places), None)
    if missing is not None:
        raise RecordError(f"no tile {missing!r} among the {len(table)} tiles of the table")
    return [places[tile_id] for tile_id in tile_ids]


def _changed(table: TileTable, rows: Sequence[int], name: str, new: list[Any]) -> list[Any]:
    """Return the new values that differ from the old ones; None for the others."""
    old = _stored(table, rows, name)
    values = [None if one == other else one for one, other in zip(new, old, strict=True)]
    if name == "last_class" and any(value is not None for value in values):
        place = next(place for place, value in enumerate(values) if value is not None)
        tile_id = table.tile_id[rows[place]]
        raise RecordError(
            f"last_class of tile {tile_id!r} is {values[place]!r}; it cannot be changed, was {old[place]!r}"
        )
    return values


def _stored(table: TileTable, rows: Sequence[int], name: str) -> list[Any]:
    column, place = _SPLIT_NAMES.get(name, (name, 0))
    if column not in COLUMN_NAMES:
        path, member = PLACES[name]
        return [_member(table.texts[row], (*path, member.wire_name)) for row in rows]
    array = getattr(table, column)[list(rows)]
    return (array.reshape(len(array), len(SPLIT[column]))[:, place] if column in SPLIT else array).tolist()  # type: ignore[no-any-return]


def _member(text: Text, path: Sequence[str]) -> Any:
    for name in path:
        text = cut_object(text).get(name, b"null") if copy_of(text) != b"null" else b"null"
    return decode(text)


def _numbers(name: str, values: Sequence[Any], places: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return numbers_of(name, [values[place] for place in places])
