"""Columns encoded into tile specs: new specs of columns, or columns of existing specs changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, cut_object, encode, join_list, join_object
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.record import Member, Record, expectation
from rendergateway.model.records.tiles import BOX_SIDES, BOX_SOURCES, Layout, TileRecord
from rendergateway.model.tables.last_transforms import AFFINE_CLASS, affine_words, with_last_affines
from rendergateway.model.tables.tile_columns import JOINED

__all__ = ["PLACES", "WRITABLE", "ColumnValue", "changed_text", "checked_ids", "new_text", "numbers_of"]

ColumnValue: TypeAlias = npt.ArrayLike | Sequence[Any] | Callable[[str], str | None] | str | None

_TAKEN: Mapping[Any, set[type]] = {str: {str, type(None)}, int: {int, type(None)}, float: {float, int, type(None)}}


def _plain_fields(record: type[Record], *path: str) -> dict[str, tuple[tuple[str, ...], Member[Any]]]:
    """Return the path to each field with a string or number."""
    return {name: (path, member) for name, member in record.FIELDS.items() if member.kind in _TAKEN}


# By column: the members on the path to it, and its field.
PLACES = {
    "tile_id": ((), TileRecord.FIELDS["tile_id"]),
    **_plain_fields(Layout, "layout"),
    **{name: place for name, place in _plain_fields(TileRecord).items() if name not in ("min_z", "max_z")},
    **_plain_fields(MipmapLevel, "mipmapLevels", "0"),
}
WRITABLE = (*PLACES, *JOINED, "last_affine")
# Columns of the bounding box, and those that it is derived from.
_BOX = {"box", *BOX_SIDES}
_SOURCES = {"size", *BOX_SOURCES}


def checked_ids(tile_ids: Iterable[str]) -> list[str]:
    """
    Return *tile_ids* as a list of texts; integers are taken as text, as the service does.

    Raises
    ------
    RecordError
        If an id is neither a string nor an integer, is empty or is a duplicate.
    """
    ids = list(tile_ids)
    if not set(map(type, ids)) <= {str}:
        ids = [str(tile_id) if _is_id(tile_id) else tile_id for tile_id in ids]
    if len(set(ids)) == len(ids) and set(map(type, ids)) <= {str} and "" not in ids:
        return ids
    first: dict[str, int] = {}
    for row, tile_id in enumerate(ids):
        if not isinstance(tile_id, str) or not tile_id:
            raise RecordError(f"row {row}: tile_id must be a non-empty string: got {tile_id!r}")
        if first.setdefault(tile_id, row) != row:
            raise RecordError(f"duplicate tile id {tile_id!r} (rows {first[tile_id]} and {row})")
    return ids


def _is_id(value: object) -> bool:
    return isinstance(value, np.str_ | int | np.integer) and not isinstance(value, bool)


def _values(name: str, column: ColumnValue, ids: Sequence[str]) -> list[Any]:
    """Return one JSON value per row; None removes the member."""
    kind = PLACES[name][1].kind
    if kind is float and isinstance(column, np.ndarray | int | float):
        return _numbers(name, np.asarray(column), ids)
    if callable(column):
        column = [column(tile_id) for tile_id in ids]
    if column is None or isinstance(column, str | int | float):
        column = [column] * len(ids)
    values = column.tolist() if isinstance(column, np.ndarray | np.generic) else list(column)  # type: ignore[arg-type]
    values = values if isinstance(values, list) else [values] * len(ids)
    if len(values) != len(ids):
        raise RecordError(f"column {name} has {len(values)} values; expected {len(ids)}, one per tile")
    if kind is int and float in set(map(type, values)):
        values = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
    values = _checked(name, values, ids, kind)
    return _finite(name, values, ids) if kind is float else values


def _numbers(name: str, column: npt.NDArray[Any], ids: Sequence[str]) -> list[Any]:
    if column.dtype == object:
        return _values(name, column.tolist(), ids)
    if column.dtype.kind not in "iuf" or column.shape not in ((), (len(ids),)):
        raise RecordError(
            f"column {name} has dtype {column.dtype}, shape {column.shape}; expected {len(ids)} numbers, one per tile"
        )
    _refuse_not_finite(name, column, ids)
    numbers = column.astype(np.float64)
    return numbers.tolist() if column.ndim else [numbers.item()] * len(ids)


def _checked(name: str, values: list[Any], ids: Sequence[str], kind: type[Any]) -> list[Any]:
    if not set(map(type, values)) <= _TAKEN[kind]:
        values = [value.item() if isinstance(value, np.generic) else value for value in values]
        for value, tile_id in zip(values, ids, strict=True):
            if type(value) not in _TAKEN[kind]:
                raise RecordError(f"{name} of tile {tile_id!r} is {value!r}; expected {expectation(kind)}")
    return values


def _finite(name: str, values: list[Any], ids: Sequence[str]) -> list[Any]:
    try:
        numbers = [None if value is None else float(value) for value in values]
    except OverflowError as error:
        raise RecordError(f"column {name}: expected finite numbers: {error}") from error
    _refuse_not_finite(name, np.array([0.0 if value is None else value for value in numbers]), ids)
    return numbers


def _refuse_not_finite(name: str, numbers: npt.NDArray[Any], ids: Sequence[str]) -> None:
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise RecordError(f"{name} of tile {ids[row]!r} is {numbers.flat[row]}; expected a finite number")


def numbers_of(name: str, column: Any) -> FloatArray:
    """
    Return a column with several numbers per row as an array.

    Raises
    ------
    RecordError
        If a value is not a number, or rows differ in length.
    """
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(f"column {name}: expected numbers in rows of equal length: {error}") from error


def _split(columns: Mapping[str, ColumnValue], count: int) -> Iterator[tuple[str, ColumnValue]]:
    """Yield the columns, those with several numbers per row as several columns."""
    for name, column in columns.items():
        if name not in JOINED:
            yield name, column
            continue
        table = numbers_of(name, column)
        if table.shape != (count, len(JOINED[name])):
            raise RecordError(f"column {name} has shape {table.shape}; expected ({count}, {len(JOINED[name])})")
        yield from zip(JOINED[name], table.T, strict=True)


def _by_place(columns: Mapping[str, ColumnValue], ids: Sequence[str]) -> dict[tuple[str, ...], dict[str, list[Any]]]:
    """Return the values of all columns, by the path to their object and by JSON name."""
    given: dict[str, list[Any]] = {}
    for name, column in _split(columns, len(ids)):
        if name in given:
            raise TypeError(f"column {name} is given twice, alone and in {', '.join(JOINED.keys() & columns.keys())}")
        given[name] = _values(name, column, ids)
    found: dict[tuple[str, ...], dict[str, list[Any]]] = {(): {}}
    for name, (path, member) in PLACES.items():
        if name in given:
            found.setdefault(path, {})[member.wire_name] = given[name]
    return found


def affine_column(column: npt.ArrayLike, ids: Sequence[str], *, missing: bool = False) -> FloatArray:
    """Return a checked column of matrices, shape (N, 2, 3); *missing* allows rows of NaN."""
    affines = numbers_of("last_affine", column)
    if affines.shape == (2, 3):
        affines = np.broadcast_to(affines, (len(ids), 2, 3))
    if affines.shape != (len(ids), 2, 3):
        raise RecordError(f"column last_affine has shape {affines.shape}; expected ({len(ids)}, 2, 3)")
    bad = ~np.isfinite(affines).all(axis=(1, 2))
    if missing:
        bad &= ~np.isnan(affines).all(axis=(1, 2))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise RecordError(f"last_affine of tile {ids[row]!r} is {affines[row].tolist()}; expected finite numbers")
    return affines


# New texts


def new_text(
    ids: Sequence[str], columns: Mapping[str, ColumnValue], shared: Sequence[str], *, missing: bool = False
) -> bytes:
    """
    Return a JSON array with one tile spec per row, which contains the members of *columns* only.

    Parameters
    ----------
    ids : sequence of str
        The tile ids, checked.
    columns : mapping of str to column
        Columns by the names in `WRITABLE`.
    shared : sequence of str
        Ids of shared transforms that every tile refers to before its own transform.
    missing : bool
        Whether matrices of NaN are missing, instead of invalid.
    """
    plain = {name: column for name, column in columns.items() if name != "last_affine"}
    by_place = _by_place(plain, ids)
    members: dict[str, list[Any]] = {"tileId": list(ids)}
    for path, values in by_place.items():
        members |= {path[0]: _nested(path[1:], _structs(values))} if path else values
    if columns.get("last_affine") is not None or shared:
        members["transforms"] = _transform_texts(columns.get("last_affine"), ids, shared, missing)
    return encode(_structs(members))


def _structs(members: Mapping[str, list[Any]]) -> list[Any]:
    """Return one object per row, encoded without its missing members: faster than a dict per row."""
    fields = [(f"f{place}", Any, msgspec.field(name=name, default=None)) for place, name in enumerate(members)]
    kind = msgspec.defstruct("Row", fields, omit_defaults=True, gc=False)
    return list(map(kind, *members.values()))


def _nested(path: tuple[str, ...], rows: list[Any]) -> list[Any]:
    for name in reversed(path):
        rows = _structs({name: rows})
    return rows


def _transform_texts(column: Any, ids: Sequence[str], shared: Sequence[str], missing: bool) -> list[Raw]:
    references = [encode({"type": "ref", "refId": ref_id}) for ref_id in shared]
    without = Raw(b'{"type":"list","specList":[%b]}' % b",".join(references))
    if column is None:
        return [without] * len(ids)
    leaf = b'{"type":"leaf","className":"%b","dataString":"' % AFFINE_CLASS.encode()
    head, tail = b'{"type":"list","specList":[' + b",".join([*references, leaf]), b'"}]}'
    words = _words_or_none(affine_column(column, ids, missing=missing))
    return [without if one is None else Raw(head + one + tail) for one in words]


# Changed texts


def changed_text(texts: Sequence[Text], ids: Sequence[str], columns: Mapping[str, ColumnValue]) -> bytes:
    """
    Return a JSON array of the tile specs with the members of *columns* replaced, or removed if a value is None.

    Bounding boxes are removed if *columns* include one of their sources, but no side of a box.

    Raises
    ------
    RecordError
        If a column has the wrong length or type or is not finite, or a last transform is not affine.
    """
    affines = columns.get("last_affine")
    words = None if affines is None else _words_or_none(affine_column(affines, ids, missing=True))  # type: ignore[arg-type]
    columns = {name: column for name, column in columns.items() if name != "last_affine"}
    has_box = not columns.keys().isdisjoint(_BOX)
    if not has_box and not columns.keys().isdisjoint(_SOURCES):
        columns |= dict.fromkeys(BOX_SIDES)
    if columns:
        by_place = _by_place(columns, ids)
        texts = [_with_members(text, by_place, row) for row, text in enumerate(texts)]
    return join_list(texts) if words is None else with_last_affines(texts, words, ids, keep_boxes=has_box)


def _words_or_none(affines: FloatArray) -> list[bytes | None]:
    """Return the words of each matrix, None for matrices of NaN."""
    missing = np.flatnonzero(np.isnan(affines[:, 0, 0]))
    finite = np.nan_to_num(affines) if missing.size else affines
    words: list[bytes | None] = [*affine_words(finite)]
    for row in missing.tolist():
        words[row] = None
    return words


def _with_members(text: Text, by_place: Mapping[tuple[str, ...], Mapping[str, list[Any]]], row: int) -> Raw:
    members = cut_object(text)
    for path, columns in by_place.items():
        if columns:
            _write(members, path, {name: values[row] for name, values in columns.items()})
    return Raw(encode(members))


def _write(members: dict[str, Raw], path: Sequence[str], values: Mapping[str, Any]) -> None:
    if path:
        inner = cut_object(members.get(path[0], b"{}"))
        _write(inner, path[1:], values)
        members[path[0]] = Raw(join_object(inner))
        return
    for name, value in values.items():
        if value is None:
            members.pop(name, None)
        else:
            members[name] = Raw(encode(value))
