"""Points carried between tiles and the world: one a record, many a table."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import CoordinateError, RecordError
from rendergateway.geometry import FloatArray, IntArray, as_points
from rendergateway.model.records.json_slices import Text, cut_list, encode
from rendergateway.model.records.record import Record, optional
from rendergateway.model.tables.table import Column, read_only

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

__all__ = ["CoordinateRecord", "CoordinateTable"]

_FRAMES = ("local", "world")
_SHOWN = 3
_COLUMNS = ("point", "tile_id", "x", "y", "z", "visible", "error")


class CoordinateRecord(Record):
    """
    One point of one tile, as the service carries it between local and world pixels.

    Attributes
    ----------
    tile_id : str or None
        The tile; missing where a world point lies on none.
    local, world : list of float or None
        x, y and sometimes z.
    visible : bool
        Whether the tile is the topmost one at this point; the service leaves the member out where it is not.
    error : str or None
        Why the point could not be carried; the other members are then those that were sent.
    """

    tile_id = optional("tileId", str)
    local = optional("local", list)
    world = optional("world", list)
    visible = optional("visible", bool, False)
    error = optional("error", str)


def _integers(values: npt.ArrayLike) -> IntArray:
    column: IntArray = read_only(np.array(values, dtype=np.int64))
    return column


def _floats(values: npt.ArrayLike) -> FloatArray:
    column: FloatArray = read_only(np.array(values, dtype=np.float64))
    return column


def _flags(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    column: npt.NDArray[np.bool_] = read_only(np.array(values, dtype=np.bool_))
    return column


def _objects(values: Sequence[Any] | Column) -> Column:
    column: Column = np.empty(len(values), dtype=object)
    column[:] = values
    column.setflags(write=False)
    return column


@attrs.frozen(eq=False, repr=False)
class CoordinateTable(Sequence[CoordinateRecord]):
    """
    Points carried between tiles and the world, as columns.

    A row is a point on one tile; several tiles may lie under a point, and a point that could not be carried is one row
    that says why. An index gives the record of a row; a slice, a mask or an array of indices gives another table.

    Parameters
    ----------
    point : array_like of int, shape (N,)
        Number of the point among those that were asked for.
    tile_id : array_like of str or None, shape (N,)
        The tile; None where no tile is known.
    x, y, z : array_like, shape (N,)
        Pixels of the frame, and the tile's section; NaN where the point could not be carried or has none.
    visible : array_like of bool, shape (N,)
        Whether the tile is the topmost one under the point.
    error : array_like of str, shape (N,)
        Why the point could not be carried; empty where it was.
    frame : {'world', 'local'}
        What x and y count: pixels of the stack, or of the tile.

    Examples
    --------
    >>> found = CoordinateTable.from_json(b'[{"tileId":"a","world":[7.5,2,3]},{"tileId":"b","error":"no such tile"}]')
    >>> found[found.error == ""].xy.tolist()
    [[7.5, 2.0]]
    >>> found.raise_errors()
    Traceback (most recent call last):
        ...
    rendergateway.errors.CoordinateError: 1 of 2 points could not be carried: point 1: no such tile
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
        shapes = {name: getattr(self, name).shape for name in _COLUMNS}
        if set(shapes.values()) != {(len(self.point),)}:
            raise RecordError(f"columns have one value a row; these are {shapes}")

    @classmethod
    def from_points(
        cls, points: npt.ArrayLike, *, frame: str, tile_id: Any = None, z: npt.ArrayLike = np.nan
    ) -> CoordinateTable:
        """
        Return the table of points that are to be carried: a row each.

        Parameters
        ----------
        points : array_like, shape (N, 2)
            x, y in pixels of the frame.
        frame : {'world', 'local'}
            What they count.
        tile_id : str or sequence of str, optional
            The tile of all points, or of each.
        z : array_like, optional
            The section of all points, or of each.
        """
        array = as_points(points).reshape(-1, 2)
        count = len(array)
        ids = np.full(count, None, dtype=object)
        ids[:] = tile_id
        x, y = array.T
        of_z = np.broadcast_to(np.asarray(z, dtype=np.float64), count)
        return cls(np.arange(count), ids, x, y, of_z, np.zeros(count, bool), [""] * count, frame=frame)

    @classmethod
    def from_json(cls, text: Text, *, frame: str | None = None) -> CoordinateTable:
        """
        Read coordinates as the service and the files of its clients have them.

        Parameters
        ----------
        text : JSON text
            An array of ``{tileId, local | world, visible, error}``, or an array of such arrays, one a point.
        frame : {'world', 'local'}, optional
            Which member counts; left out, the one that the rows without an error have.

        Raises
        ------
        RecordError
            If the text is something else.
        """
        items = _read(text)
        groups: list[list[_Row]] = [item if isinstance(item, list) else [item] for item in items]
        rows = [row for group in groups for row in group]
        frame = frame or _frame_of(rows)
        values = [None if row.error else getattr(row, frame) for row in rows]
        numbers = np.array([_three(value) for value in values], dtype=np.float64).reshape(-1, 3)
        x, y, z = numbers.T
        return cls(
            np.repeat(np.arange(len(groups)), [len(group) for group in groups]),
            [row.tile_id for row in rows],
            x,
            y,
            z,
            [bool(row.visible) for row in rows],
            [row.error or "" for row in rows],
            frame=frame,
        )

    @classmethod
    def joined(cls, tables: Iterable[CoordinateTable], *, frame: str) -> CoordinateTable:
        """Return the rows of all *tables*, which are of one frame, one table after the other."""
        parts = [cls.from_points(np.empty((0, 2)), frame=frame), *tables]
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS]
        return cls(*columns, frame=frame)

    @property
    def xy(self) -> FloatArray:
        """X and y: (N, 2)."""
        return np.stack([self.x, self.y], axis=1)

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        """Which rows are points that could not be carried: (N,)."""
        return np.asarray(self.error != "", dtype=bool)

    def raise_errors(self) -> CoordinateTable:
        """
        Return this table if every point was carried.

        Raises
        ------
        CoordinateError
            If one was not; the message has the reasons of the first few.
        """
        failed = np.flatnonzero(self.failed)
        if len(failed):
            reasons = [f"point {self.point[row]}: {self.error[row]}" for row in failed[:_SHOWN]]
            more = ["…"] if len(failed) > _SHOWN else []
            count = len(np.unique(self.point))
            raise CoordinateError(f"{len(failed)} of {count} points could not be carried: {'; '.join(reasons + more)}")
        return self

    def to_json(self, *, nested: bool = False) -> bytes:
        """
        Return the JSON text that the service and its clients take and give.

        Parameters
        ----------
        nested : bool
            Whether rows of one point stand in an array of their own, as the service lists the tiles under a point.
        """
        rows = list(map(self._members, range(len(self))))
        if not nested:
            return encode(rows)
        groups = itertools.groupby(zip(self.point.tolist(), rows, strict=True), key=lambda pair: pair[0])
        return encode([[row for _, row in group] for _, group in groups])

    def to_pandas(self) -> pandas.DataFrame:
        """Return a frame of the columns, a row a row; needs pandas."""
        from rendergateway.model.tables.pandas import frame_of

        return frame_of({name: getattr(self, name) for name in _COLUMNS})

    def _members(self, row: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        if self.tile_id[row] is not None:
            members["tileId"] = self.tile_id[row]
        if self.visible[row]:
            members["visible"] = True
        x, y, z = float(self.x[row]), float(self.y[row]), float(self.z[row])
        # What is not a number is not said.
        if x == x and y == y:
            members[self.frame] = [x, y] if z != z else [x, y, z]
        if self.error[row]:
            members["error"] = self.error[row]
        return members

    def __len__(self) -> int:
        return len(self.point)

    @overload
    def __getitem__(self, chosen: int) -> CoordinateRecord: ...
    @overload
    def __getitem__(self, chosen: slice | npt.NDArray[Any] | list[int] | list[bool]) -> CoordinateTable: ...
    def __getitem__(self, chosen: Any) -> CoordinateRecord | CoordinateTable:
        if isinstance(chosen, int | np.integer):
            return CoordinateRecord.from_json(encode(self._members(range(len(self))[chosen])))
        return attrs.evolve(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def __iter__(self) -> Iterator[CoordinateRecord]:
        return map(self.__getitem__, range(len(self)))

    def __repr__(self) -> str:
        failed = int(self.failed.sum())
        return f"<CoordinateTable of {len(self)} rows, {self.frame} pixels{f', {failed} failed' if failed else ''}>"


class _Row(msgspec.Struct, gc=False, rename={"tile_id": "tileId"}):
    tile_id: str | None = None
    visible: bool | None = None
    local: list[float | str | None] | None = None
    world: list[float | str | None] | None = None
    error: str | None = None


_decoder = msgspec.json.Decoder(list[_Row | list[_Row]])


def _read(text: Text) -> list[Any]:
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError as error:
        # What is wrong is said by the record that it is in.
        cut_list(text)
        raise RecordError(f"expected an array of {{tileId, local | world, visible, error}}: {error}") from error


def _frame_of(rows: Sequence[_Row]) -> str:
    carried = [row for row in rows if not row.error]
    if carried:
        return "local" if any(row.local is not None for row in carried) else "world"
    # What failed holds what was sent: the frame is the other one.
    return "local" if any(row.world is not None for row in rows) else "world"


def _three(values: Sequence[float | str | None] | None) -> tuple[float, float, float]:
    """Return x, y and z, NaN where one is missing; texts are numbers that JSON has not."""
    x, y, z = (*map(_number, (values or ())[:3]), *(float("nan"),) * 3)[:3]
    return x, y, z


def _number(value: float | str | None) -> float:
    try:
        return float("nan") if value is None else float(value)
    except ValueError as error:
        raise RecordError(f"expected a number, not {value!r}") from error
