"""Points mapped between tiles and the world: one per record, many per table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.display import TableDisplay, plural
from rendergateway.errors import CoordinateError, RecordError
from rendergateway.geometry import FloatArray, IntArray, as_points
from rendergateway.model.records.json_slices import Text, cut_list, encode
from rendergateway.model.records.record import Member, Record, optional
from rendergateway.model.records.view import view
from rendergateway.model.tables.table import Column, no_attribute, read_only
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

__all__ = ["CoordinateRecord", "CoordinateTable"]

_FRAMES = ("local", "world")
_SHOWN = 3
_COLUMNS = ("point", "tile_id", "x", "y", "z", "visible", "error")
_NAN = float("nan")


class CoordinateRecord(Record):
    """
    One point of one tile, mapped by the service between local and world pixels.

    Attributes
    ----------
    tile_id : str or None
        The tile; missing if a world point lies in no tile.
    local, world : list of float or None
        x, y and optionally z.
    visible : bool
        Whether the tile is the topmost one at this point; the service omits the member if not.
    error : str or None
        Reason why the point could not be mapped; the other members are then those of the request.
    """

    tile_id = optional("tileId", str)
    local: Member[list[float] | None] = optional("local", list)
    world: Member[list[float] | None] = optional("world", list)
    visible = optional("visible", bool, False)
    error = optional("error", str)


# One function per dtype: the attrs plugin of mypy takes named functions only.
def _integers(values: npt.ArrayLike) -> IntArray:
    return np.array(values, dtype=np.int64)


def _floats(values: npt.ArrayLike) -> FloatArray:
    return np.array(values, dtype=np.float64)


def _flags(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    return np.array(values, dtype=np.bool_)


def _objects(values: Sequence[Any] | Column) -> Column:
    return np.array(values, dtype=object)


@resolvable_hints
@attrs.frozen(eq=False, repr=False)
class CoordinateTable(TableDisplay, Sequence[CoordinateRecord]):
    """
    Points mapped between tiles and the world, as columns.

    A row is a point in one tile; several tiles may overlap at a point, and a point that could not be mapped is one row
    with the reason. An index returns the record of a row; a slice, a mask or an array of indices returns a table.

    Parameters
    ----------
    point : array_like of int, shape (N,)
        Index of the point in the request.
    tile_id : array_like of str or None, shape (N,)
        The tile; None if no tile is known.
    x, y, z : array_like, shape (N,)
        Pixels of the frame, and section position; NaN if missing or the point could not be mapped.
    visible : array_like of bool, shape (N,)
        Whether the tile is the topmost one at the point.
    error : array_like of str, shape (N,)
        Reason why the point could not be mapped; empty if it was.
    frame : {'world', 'local'}
        Frame of x and y: pixels of the stack, or of the tile.

    Examples
    --------
    >>> found = CoordinateTable.from_json(b'[{"tileId":"a","world":[7.5,2,3]},{"tileId":"b","error":"no such tile"}]')
    >>> found[found.error == ""].xy.tolist()
    [[7.5, 2.0]]
    >>> found.raise_errors()
    Traceback (most recent call last):
        ...
    rendergateway.errors.CoordinateError: 1 of 2 points could not be mapped: point 1: no such tile
    """

    point: IntArray = attrs.field(converter=_integers)
    tile_id: Column = attrs.field(converter=_objects)
    x: FloatArray = attrs.field(converter=_floats)
    y: FloatArray = attrs.field(converter=_floats)
    z: FloatArray = attrs.field(converter=_floats)
    visible: npt.NDArray[np.bool_] = attrs.field(converter=_flags)
    error: Column = attrs.field(converter=_objects)
    frame: str = attrs.field(default="world", kw_only=True, validator=attrs.validators.in_(_FRAMES))

    def __attrs_post_init__(self) -> None:
        if len(self.x) == len(self.y) == len(self.error):
            is_finite = np.isfinite(self.x) & np.isfinite(self.y)
            for row in np.flatnonzero(~is_finite & (self.error == "")).tolist():
                self.error[row] = f"{self.frame} coordinates are not finite: got ({self.x[row]}, {self.y[row]})"
        shapes = {name: read_only(getattr(self, name)).shape for name in _COLUMNS}
        if set(shapes.values()) != {(len(self.point),)}:
            raise RecordError(f"columns must have one value per row: got shapes {shapes}")

    @classmethod
    def from_points(
        cls, points: npt.ArrayLike, *, frame: str, tile_id: Any = None, z: npt.ArrayLike = np.nan
    ) -> CoordinateTable:
        """
        Return a table of points to be mapped, one row each.

        Parameters
        ----------
        points : array_like, shape (N, 2)
            x, y in pixels of the frame.
        frame : {'world', 'local'}
            Frame of the points.
        tile_id : str or sequence of str, optional
            The tile of all points, or of each.
        z : array_like, optional
            The section of all points, or of each.
        """
        x, y = as_points(points).reshape(-1, 2).T
        ids = np.full(len(x), None, dtype=object)
        ids[:] = tile_id
        of_z = np.broadcast_to(np.asarray(z, dtype=np.float64), len(x))
        return cls(np.arange(len(x)), ids, x, y, of_z, np.zeros(len(x), bool), [""] * len(x), frame=frame)

    @classmethod
    def from_json(cls, text: Text, *, frame: str | None = None) -> CoordinateTable:
        """
        Read coordinates in the JSON of the service and of the files that its clients exchange.

        Parameters
        ----------
        text : JSON text
            An array of ``{tileId, local | world, visible, error}``, or an array of such arrays, one per point.
        frame : {'world', 'local'}, optional
            The member to read; by default, the one present in the rows without an error.

        Raises
        ------
        RecordError
            If the text is something else.
        """
        groups = [item if isinstance(item, list) else [item] for item in _decoded(text)]
        rows = list(itertools.chain.from_iterable(groups))
        frame = frame or _frame_of(rows)
        x, y, z = np.array([_xyz(row, frame) for row in rows], dtype=np.float64).reshape(-1, 3).T
        point = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        visible, errors = [bool(row.visible) for row in rows], [row.error or "" for row in rows]
        ids = [None if row.tile_id is None else str(row.tile_id) for row in rows]
        return cls(point, ids, x, y, z, visible, errors, frame=frame)

    @classmethod
    def joined(cls, tables: Iterable[CoordinateTable], *, frame: str) -> CoordinateTable:
        """Return the rows of several tables of one frame, in order."""
        parts = [cls.from_points(np.empty((0, 2)), frame=frame), *tables]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS), frame=frame)

    @property
    def xy(self) -> FloatArray:
        """X and y: (N, 2)."""
        return np.stack([self.x, self.y], axis=1)

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Mask of the rows that could not be mapped: (N,)."""
        return np.asarray(self.error != "", dtype=bool)

    def raise_errors(self) -> CoordinateTable:
        """
        Return this table if every point was mapped.

        Raises
        ------
        CoordinateError
            If a point could not be mapped; the message contains the first few reasons.
        """
        failed = np.flatnonzero(self.failed)
        if len(failed):
            reasons = [f"point {self.point[row]}: {self.error[row]}" for row in failed[:_SHOWN]]
            more = ["…"] if len(failed) > _SHOWN else []
            count = len(np.unique(self.point))
            raise CoordinateError(f"{len(failed)} of {count} points could not be mapped: {'; '.join(reasons + more)}")
        return self

    def to_json(self, *, nested: bool = False) -> bytes:
        """
        Return the JSON text that the service and its clients exchange.

        Parameters
        ----------
        nested : bool
            Whether to group the rows of each point into an array, as the service lists the tiles at a point.
        """
        rows = list(map(self._members, range(len(self))))
        if not nested:
            return encode(rows)
        groups = itertools.groupby(zip(self.point.tolist(), rows, strict=True), key=lambda pair: pair[0])
        return encode([[row for _, row in group] for _, group in groups])

    def to_pandas(self) -> pandas.DataFrame:
        """Return the columns as a data frame; needs pandas."""
        from rendergateway.model.tables.pandas import frame_of

        return frame_of({name: getattr(self, name) for name in _COLUMNS})

    def _members(self, row: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        if self.tile_id[row] is not None:
            members["tileId"] = self.tile_id[row]
        if self.visible[row]:
            members["visible"] = True
        x, y, z = float(self.x[row]), float(self.y[row]), float(self.z[row])
        # NaN differs from itself: missing numbers are omitted.
        if x == x and y == y:
            members[self.frame] = [x, y] if z != z else [x, y, z]
        if self.error[row]:
            members["error"] = self.error[row]
        return members

    def __len__(self) -> int:
        return len(self.point)

    def __getitem__(self, chosen: Any) -> Any:
        if isinstance(chosen, int | np.integer):
            return CoordinateRecord.from_json(encode(self._members(range(len(self))[chosen])))
        return attrs.evolve(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report missing names.

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name)

    def __iter__(self) -> Iterator[CoordinateRecord]:
        return map(self.__getitem__, range(len(self)))

    def _caption(self) -> str:
        failed = int(self.failed.sum())
        more = f", {failed} failed" if failed else ""
        return f"CoordinateTable of {plural(len(self), 'row')}, {self.frame} pixels{more}"

    def _first_rows(self, count: int) -> dict[str, list[Any]]:
        return {name: getattr(self, name)[:count].tolist() for name in _COLUMNS}


_Numbers = list[float | str | None] | None
_Row = view(
    CoordinateRecord,
    # The service takes numbers as ids.
    tile_id=(str | int | float | None, None),
    local=(_Numbers, None),
    world=(_Numbers, None),
    visible=(bool | None, None),
    error=(str | None, None),
)
_decode = msgspec.json.Decoder(list[_Row | list[_Row]]).decode  # type: ignore[valid-type]


def _decoded(text: Text) -> list[Any]:
    try:
        return _decode(text)
    except msgspec.DecodeError as error:
        # Raises a more precise error if the text is not an array.
        cut_list(text)
        raise RecordError(f"expected an array of {{tileId, local | world, visible, error}}: {error}") from error


def _frame_of(rows: Sequence[Any]) -> str:
    mapped = [row for row in rows if not row.error]
    if mapped:
        return "local" if any(row.local is not None for row in mapped) else "world"
    # Failed rows contain the member of the request: the frame is the other one.
    return "local" if any(row.world is not None for row in rows) else "world"


def _xyz(row: Any, frame: str) -> tuple[float, ...]:
    """Return x, y and z of a row, NaN if missing; strings are numbers that JSON cannot represent."""
    values = None if row.error else getattr(row, frame)
    try:
        numbers = [_NAN if value is None else float(value) for value in (values or ())[:3]]
    except ValueError as error:
        raise RecordError(f"expected a number, not {str(error).rpartition(': ')[2]}") from error
    return (*numbers, _NAN, _NAN, _NAN)[:3]
