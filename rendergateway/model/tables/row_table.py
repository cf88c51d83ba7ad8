"""Columns by name: what is said of several stacks, sections or tiles, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rendergateway.errors import RecordError
from rendergateway.model.tables.table import Column, read_only

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

__all__ = ["RowTable"]


class RowTable:
    """
    Columns of one length, by name: ``table["z"]`` or ``table.z``.

    Parameters
    ----------
    columns : mapping of str to array_like
        A column of numbers becomes one of float64 or int64, NaN for None; any other an array of objects.

    Raises
    ------
    RecordError
        If columns differ in length.

    Examples
    --------
    >>> table = RowTable({"z": [1.0, 2.0], "tile_count": [4, None]})
    >>> table.tile_count.tolist(), table["z"].tolist(), len(table)
    ([4.0, nan], [1.0, 2.0], 2)
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns: dict[str, Column] = {name: read_only(_column(values)) for name, values in columns.items()}
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            raise RecordError(f"columns of one table are of one length; these are {lengths}")
        self._length = next(iter(lengths.values()), 0)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __getattr__(self, name: str) -> Column:
        columns: dict[str, Column] = vars(self).get("columns", {})
        if name not in columns:
            raise AttributeError(f"this table has the columns {', '.join(columns)}; {name!r} is none of them")
        return columns[name]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = [column.tolist() for column in self.columns.values()]
        return (dict(zip(self.columns, row, strict=True)) for row in zip(*columns, strict=True))

    def __len__(self) -> int:
        return self._length

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def to_pandas(self) -> pandas.DataFrame:
        """Return a frame of the same columns; a box becomes four. Needs pandas."""
        from rendergateway.model.tables.pandas import frame_of

        return frame_of(self.columns)

    def __repr__(self) -> str:
        return f"<RowTable of {self._length} rows: {', '.join(self.columns)}>"


def _column(values: Any) -> Column:
    if isinstance(values, np.ndarray):
        return values.copy()
    items = list(values)
    if items and all(item is None or type(item) in (int, float) for item in items):
        return np.array([np.nan if item is None else item for item in items])
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column
