"""Columns by name, for display: the attributes of several stacks, sections or tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rendergateway.display import TableDisplay, plural
from rendergateway.errors import RecordError
from rendergateway.model.tables.table import Column, read_only

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

__all__ = ["RowTable"]


class RowTable(TableDisplay):
    """
    Columns of equal length by name, ``table["z"]`` or ``table.z``; iteration yields one dict per row.

    Parameters
    ----------
    columns : mapping of str to array_like
        Numbers become float64 or int64, with NaN for None; other values an array of objects.

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
            raise RecordError(f"columns differ in length: got {lengths}")

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def __getattr__(self, name: str) -> Column:
        columns: dict[str, Column] = vars(self).get("columns", {})
        if name not in columns:
            raise AttributeError(f"RowTable has no column {name!r}; it has {', '.join(columns)}")
        return columns[name]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rows = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        return (dict(zip(self.columns, row, strict=True)) for row in rows)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.columns]

    def to_pandas(self) -> pandas.DataFrame:
        """Return the columns as a data frame; needs pandas."""
        from rendergateway.model.tables.pandas import frame_of

        return frame_of(self.columns)

    def _caption(self) -> str:
        return f"RowTable of {plural(len(self), 'row')}"

    def _first_rows(self, count: int) -> dict[str, list[Any]]:
        return {name: column[:count].tolist() for name, column in self.columns.items()}


def _column(values: Any) -> Column:
    if isinstance(values, np.ndarray):
        return values.copy()
    items = list(values)
    if items and all(item is None or type(item) in (int, float) for item in items):
        return np.array([np.nan if item is None else item for item in items])
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column
