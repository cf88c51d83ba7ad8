"""Columns written into tile specs: into those that are there, or as new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, cut_object, encode, join_list, join_object
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.record import Record
from rendergateway.model.records.tiles import Layout, TileRecord
from rendergateway.model.tables.last_transforms import AFFINE_CLASS, affine_words, with_last_affines

__all__ = ["WRITABLE", "ColumnValue", "changed_text", "checked_ids", "new_text", "numbers_of"]

ColumnValue: TypeAlias = npt.ArrayLike | Sequence[Any] | Callable[[str], str | None] | str | None

_JOINED = {"box": ("min_x", "min_y", "max_x", "max_y"), "size": ("width", "height"), "stage": ("stage_x", "stage_y")}


@attrs.frozen
class _Place:
    """Where a column stands in a tile spec: the members on the way, and the field."""

    path: tuple[str, ...]
    wire_name: str
    kind: type[Any]


def _places(kind: type[Record], *path: str) -> dict[str, _Place]:
    return {
        name: _Place(path, member.wire_name, member.kind)
        for name, member in kind.FIELDS.items()
        if member.kind in (str, float, int)
    }


_PLACES = {
    "tile_id": _Place((), "tileId", str),
    **_places(Layout, "layout"),
    **{name: place for name, place in _places(TileRecord).items() if name not in ("min_z", "max_z")},
    **_places(MipmapLevel, "mipmapLevels", "0"),
}
WRITABLE = (*_PLACES, *_JOINED, "last_affine")


def checked_ids(tile_ids: Iterable[str]) -> list[str]:
    """
    Return *tile_ids* as a list.

    Raises
    ------
    RecordError
        If one is no text, is empty or stands there twice.
    """
    ids = list(tile_ids)
    if not set(map(type, ids)) <= {str}:
        ids = [str(tile_id) if isinstance(tile_id, np.str_) else tile_id for tile_id in ids]
    if len(set(ids)) == len(ids) and set(map(type, ids)) <= {str} and "" not in ids:
        return ids
    met: set[str] = set()
    for row, tile_id in enumerate(ids):
        if not isinstance(tile_id, str) or not tile_id:
            raise RecordError(f"row {row}: tile_id is {tile_id!r}; expected a text that names the tile")
        if tile_id in met:
            raise RecordError(f"row {row}: tile id {tile_id!r} stands here twice")
        met.add(tile_id)
    return ids


def _values(name: str, column: ColumnValue, ids: Sequence[str]) -> list[Any]:
    """Return one JSON value a row; None where the member is to be missing."""
    kind = _PLACES[name].kind
    if kind is float and isinstance(column, np.ndarray | int | float):
        return _numbers(name, np.asarray(column), ids)
    if callable(column):
        column = [column(tile_id) for tile_id in ids]
    if column is None or isinstance(column, str | int | float):
        column = [column] * len(ids)
    values = column.tolist() if isinstance(column, np.ndarray | np.generic) else list(column)  # type: ignore[arg-type]
    values = values if isinstance(values, list) else [values] * len(ids)
    if len(values) != len(ids):
        raise RecordError(f"column {name} has {len(values)} values; expected {len(ids)}, one a tile")
    if kind is str:
        return _checked(name, values, ids, {str, type(None)}, "a text")
    if kind is int:
        if float in set(map(type, values)):
            values = [int(value) if isinstance(value, float) and value.is_integer() else value for value in values]
        return _checked(name, values, ids, {int, type(None)}, "a whole number")
    return _finite(name, _checked(name, values, ids, {float, int, type(None)}, "a number"), ids)


def _numbers(name: str, column: npt.NDArray[Any], ids: Sequence[str]) -> list[Any]:
    if column.dtype == object:
        return _values(name, column.tolist(), ids)
    if column.dtype.kind not in "iuf" or column.shape not in ((), (len(ids),)):
        raise RecordError(f"column {name} is {column.dtype}, {column.shape}; expected {len(ids)} numbers, one a tile")
    good = np.isfinite(column)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise RecordError(f"{name} of tile {ids[row]!r} is {column.flat[row]}; expected a finite number")
    numbers = column.astype(np.float64)
    return numbers.tolist() if column.ndim else [numbers.item()] * len(ids)


def _checked(name: str, values: list[Any], ids: Sequence[str], kinds: set[type], expected: str) -> list[Any]:
    if not set(map(type, values)) <= kinds:
        values = [value.item() if isinstance(value, np.generic) else value for value in values]
        for value, tile_id in zip(values, ids, strict=True):
            if type(value) not in kinds:
                raise RecordError(f"{name} of tile {tile_id!r} is {value!r}; expected {expected}")
    return values


def _finite(name: str, values: list[Any], ids: Sequence[str]) -> list[Any]:
    numbers = np.array([0.0 if value is None else value for value in values], dtype=np.float64)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise RecordError(f"{name} of tile {ids[row]!r} is {values[row]}; expected a finite number")
    return [None if value is None else float(value) for value in values]


def numbers_of(name: str, column: Any) -> FloatArray:
    """
    Return a column of several numbers a row.

    Raises
    ------
    RecordError
        If something in it is no number, or its rows differ in length.
    """
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RecordError(f"column {name}: expected numbers in rows of equal length: {error}") from error


def _single(columns: Mapping[str, ColumnValue], count: int) -> Iterator[tuple[str, ColumnValue]]:
    """Yield columns of one number a row in the places of those of several."""
    for name, column in columns.items():
        if name not in _JOINED:
            yield name, column
            continue
        table = numbers_of(name, column)
        if table.shape != (count, len(_JOINED[name])):
            raise RecordError(f"column {name} is {table.shape}; expected ({count}, {len(_JOINED[name])})")
        yield from zip(_JOINED[name], table.T, strict=True)


def _by_place(columns: Mapping[str, ColumnValue], ids: Sequence[str]) -> dict[tuple[str, ...], dict[str, list[Any]]]:
    """Return the values of all columns, by the members on the way to them and their names on the wire."""
    given = {name: _values(name, column, ids) for name, column in _single(columns, len(ids))}
    found: dict[tuple[str, ...], dict[str, list[Any]]] = {(): {}}
    for name, place in _PLACES.items():
        if name in given:
            found.setdefault(place.path, {})[place.wire_name] = given[name]
    return found


def affine_column(column: npt.ArrayLike, ids: Sequence[str], *, missing: bool = False) -> FloatArray:
    """Check the shape and the numbers of a column of matrices; rows of NaN stand for none where they may."""
    affines = numbers_of("last_affine", column)
    if affines.shape == (2, 3):
        affines = np.broadcast_to(affines, (len(ids), 2, 3))
    if affines.shape != (len(ids), 2, 3):
        raise RecordError(f"column last_affine is {affines.shape}; expected ({len(ids)}, 2, 3)")
    bad = ~np.isfinite(affines).all(axis=(1, 2))
    if missing:
        bad &= ~np.isnan(affines).all(axis=(1, 2))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise RecordError(f"last_affine of tile {ids[row]!r} is {affines[row].tolist()}; expected finite numbers")
    return affines


# New texts


def new_text(ids: Sequence[str], columns: Mapping[str, ColumnValue], shared: Sequence[str]) -> bytes:
    """
    Return a JSON array of a tile spec a row, with the members that *columns* have values for and no others.

    Parameters
    ----------
    ids : sequence of str
        The tile ids, checked.
    columns : mapping of str to column
        Of the names of `WRITABLE`.
    shared : sequence of str
        Ids of shared transforms that every tile refers to before its own.
    """
    plain = {name: column for name, column in columns.items() if name != "last_affine"}
    by_place = _by_place(plain, ids)
    members: dict[str, list[Any]] = {"tileId": list(ids)}
    for path, values in by_place.items():
        members |= {path[0]: _nested(path[1:], _structs(values))} if path else values
    if columns.get("last_affine") is not None or shared:
        members["transforms"] = _transform_texts(columns.get("last_affine"), ids, shared)
    return encode(_structs(members))


def _structs(members: Mapping[str, list[Any]]) -> list[Any]:
    """Return an object a row that is encoded without its missing members: quicker than a dict a row."""
    fields = [(f"f{place}", Any, msgspec.field(name=name, default=None)) for place, name in enumerate(members)]
    kind = msgspec.defstruct("Row", fields, omit_defaults=True, gc=False)
    return list(map(kind, *members.values()))


def _nested(path: tuple[str, ...], rows: list[Any]) -> list[Any]:
    for name in reversed(path):
        rows = _structs({name: rows})
    return rows


def _transform_texts(column: Any, ids: Sequence[str], shared: Sequence[str]) -> list[Raw]:
    references = [encode({"type": "ref", "refId": ref_id}) for ref_id in shared]
    if column is None:
        return [Raw(b'{"type":"list","specList":[%b]}' % b",".join(references))] * len(ids)
    leaf = b'{"type":"leaf","className":"%b","dataString":"' % AFFINE_CLASS.encode()
    head, tail = b'{"type":"list","specList":[' + b",".join([*references, leaf]), b'"}]}'
    return [Raw(head + words + tail) for words in affine_words(affine_column(column, ids))]


# Changed texts


def changed_text(texts: Sequence[Text], ids: Sequence[str], columns: Mapping[str, ColumnValue]) -> bytes:
    """
    Return a JSON array of the tile specs with the members of *columns* written anew, or removed where a value is None.

    Raises
    ------
    RecordError
        If a column is of the wrong length, type or not finite, or a last transform is not affine.
    """
    plain = {name: column for name, column in columns.items() if name != "last_affine"}
    if plain:
        by_place = _by_place(plain, ids)
        texts = [_with_members(text, by_place, row) for row, text in enumerate(texts)]
    if columns.get("last_affine") is None:
        return join_list(texts)
    return with_last_affines(texts, _words_or_none(affine_column(columns["last_affine"], ids, missing=True)), ids)  # type: ignore[arg-type]


def _words_or_none(affines: FloatArray) -> list[bytes | None]:
    """Return the words of each matrix, None in the place of those of NaN."""
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
