"""Tile pairs as columns: two tiles that may overlap and should be matched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, overload

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.display import TableDisplay, plural
from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.tables.table import Column, read_only

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

__all__ = ["POSITIONS", "PairTable", "TilePair"]

# Positions of a tile relative to its partner in the same layer.
POSITIONS = ("TOP", "BOTTOM", "LEFT", "RIGHT")
_TEXTS = ("p_group", "p_id", "p_position", "q_group", "q_id", "q_position")
_COLUMNS = (*_TEXTS, "delta_z")


@attrs.frozen
class TilePair:
    """
    Two tiles that may overlap.

    Attributes
    ----------
    p_group, p_id, q_group, q_id : str
        Match group, by convention the section id, and id of each tile.
    p_position, q_position : str
        Position relative to the partner: one of `POSITIONS`, or empty if the layers differ or it is unknown.
    delta_z : float
        Distance of the layers.
    """

    p_group: str
    p_id: str
    q_group: str
    q_id: str
    p_position: str = ""
    q_position: str = ""
    delta_z: float = 0.0


class PairTable(TableDisplay):
    """
    Tile pairs as numpy columns; iteration yields `TilePair` objects, a slice or a mask returns a table.

    Parameters
    ----------
    p_group, p_id, q_group, q_id : array_like of str, shape (N,)
        Match groups and ids.
    p_position, q_position : array_like of str, shape (N,), optional
        One of `POSITIONS`; empty by default.
    delta_z : array_like, shape (N,), optional
        Distance of the layers; 0 by default.

    Raises
    ------
    RecordError
        If columns differ in length.

    Examples
    --------
    >>> pairs = PairTable(p_group=["1.0"], p_id=["a"], q_group=["1.0"], q_id=["b"])
    >>> len(pairs), pairs.q_id.tolist(), next(iter(pairs)).p_id
    (1, ['b'], 'a')
    """

    def __init__(
        self,
        *,
        p_group: Iterable[str],
        p_id: Iterable[str],
        q_group: Iterable[str],
        q_id: Iterable[str],
        p_position: Iterable[str] | None = None,
        q_position: Iterable[str] | None = None,
        delta_z: npt.ArrayLike | None = None,
    ) -> None:
        self.p_id = _texts(p_id)
        count = len(self.p_id)
        self.p_group = _texts(p_group)
        self.q_group = _texts(q_group)
        self.q_id = _texts(q_id)
        self.p_position = _texts([""] * count if p_position is None else p_position)
        self.q_position = _texts([""] * count if q_position is None else q_position)
        distances = np.zeros(count) if delta_z is None else np.array(delta_z, dtype=np.float64)
        self.delta_z: FloatArray = read_only(distances)
        lengths = {name: len(getattr(self, name)) for name in _COLUMNS}
        if len(set(lengths.values())) > 1:
            raise RecordError(f"columns differ in length: got {lengths}")

    @classmethod
    def of(cls, pairs: Iterable[TilePair]) -> PairTable:
        """Return the table of some pairs."""
        rows = list(pairs)
        return cls(**{name: [getattr(row, name) for row in rows] for name in _COLUMNS})

    @classmethod
    def joined(cls, tables: Iterable[PairTable]) -> PairTable:
        """Return the pairs of all *tables*, in their order."""
        parts = list(tables) or [cls.of([])]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS})

    @classmethod
    def merged(cls, tables: Iterable[PairTable]) -> PairTable:
        """Return the pairs of sorted *tables*, sorted."""
        parts = [table for table in tables if len(table)]
        return parts[0] if len(parts) == 1 else cls.joined(parts).sorted()

    def sorted(self) -> PairTable:
        """Return the pairs ordered by groups, ids and positions, as text."""
        sides = [
            list(zip(getattr(self, f"{side}_group").tolist(), getattr(self, f"{side}_id").tolist(), strict=True))
            for side in "pq"
        ]
        rank = {tile: number for number, tile in enumerate(sorted({*sides[0], *sides[1]}))}
        p, q = (np.fromiter(map(rank.__getitem__, side), np.int64, len(side)) for side in sides)
        code = {name: number for number, name in enumerate(["", *sorted(POSITIONS)])}
        p_at, q_at = (
            np.fromiter(map(code.__getitem__, column.tolist()), np.int64, len(self))
            for column in (self.p_position, self.q_position)
        )
        return self[np.lexsort([q_at, q, p_at, p])]

    @overload
    def __getitem__(self, rows: int) -> TilePair: ...

    @overload
    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> PairTable: ...

    def __getitem__(self, rows: Any) -> TilePair | PairTable:
        if isinstance(rows, int | np.integer):
            return next(iter(self[np.array([rows])]))
        return PairTable(**{name: getattr(self, name)[rows] for name in _COLUMNS})

    def __len__(self) -> int:
        return len(self.p_id)

    def __iter__(self) -> Iterator[TilePair]:
        rows = zip(*(getattr(self, name).tolist() for name in _COLUMNS), strict=True)
        return (TilePair(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)

    def to_pandas(self) -> pandas.DataFrame:
        """Return the columns as a data frame; needs pandas."""
        from rendergateway.model.tables.pandas import frame_of

        return frame_of({name: getattr(self, name) for name in _COLUMNS})

    def _caption(self) -> str:
        return f"PairTable of {plural(len(self), 'pair')}"

    def _first_rows(self, count: int) -> dict[str, list[Any]]:
        return {name: getattr(self, name)[:count].tolist() for name in _COLUMNS}


def _texts(values: Iterable[str]) -> Column:
    if isinstance(values, np.ndarray) and values.dtype == object:
        view: Column = read_only(values.view())
        return view
    items = list(values)
    column = np.empty(len(items), dtype=object)
    column[:] = items
    whole: Column = read_only(column)
    return whole
