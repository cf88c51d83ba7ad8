"""Conversion of tables to and from pandas data frames; the only module that imports pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rendergateway.errors import RecordError
from rendergateway.extras import needed_for
from rendergateway.model.records.matches import PAIR_IDS, MatchRecord
from rendergateway.model.tables.table import Column
from rendergateway.model.tables.tile_columns import JOINED

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from rendergateway.model.tables.match_table import MatchTable

__all__ = ["columns_of", "frame_of", "frame_of_matches", "pairs_of"]

_AFFINE = tuple(f"last_{name}" for name in ("m00", "m01", "tx", "m10", "m11", "ty"))
_SPLIT = {**JOINED, "last_affine": _AFFINE}
_POINTS = ("p_x", "p_y", "q_x", "q_y", "weight")


def frame_of(columns: Mapping[str, Column]) -> pandas.DataFrame:
    """Return a data frame of columns; columns of several numbers are split."""
    series: dict[str, Any] = {}
    for name, column in columns.items():
        if name in _SPLIT:
            series.update(zip(_SPLIT[name], column.reshape(len(column), -1).T, strict=True))
        else:
            series[name] = column
    return _data_frame(series)


def _data_frame(columns: dict[str, Any]) -> pandas.DataFrame:
    with needed_for("a frame"):
        import pandas
    return pandas.DataFrame(columns)


def columns_of(frame: pandas.DataFrame) -> dict[str, Any]:
    """Return the arguments of `TileTable.from_columns` for a data frame; missing values are None."""
    columns: dict[str, Any] = {
        str(name): _with_none(frame[name]) for name in frame.columns if name not in (*_AFFINE, "last_class")
    }
    if set(_AFFINE) <= set(frame.columns):
        columns["last_affine"] = frame[list(_AFFINE)].to_numpy(dtype=np.float64).reshape(-1, 2, 3)
    return columns


def _with_none(series: Any) -> list[Any]:
    return [None if missing else value for value, missing in zip(series.tolist(), series.isna(), strict=True)]


def frame_of_matches(table: MatchTable) -> pandas.DataFrame:
    """Return a data frame with one row per point."""
    ids = {name: getattr(table, name)[table.pair] for name in PAIR_IDS}
    points = np.column_stack([table.p, table.q, table.weights])
    return _data_frame({**ids, **dict(zip(_POINTS, points.T, strict=True))})


def pairs_of(frame: pandas.DataFrame) -> Iterator[MatchRecord]:
    """
    Yield the match pairs of a data frame with one row per point, in order of first appearance.

    Raises
    ------
    RecordError
        If a column, an id or a number is missing.
    """
    missing = [name for name in (*PAIR_IDS, *_POINTS) if name not in frame.columns]
    if missing:
        raise RecordError(f"a frame of matches lacks columns {missing}; expected {', '.join((*PAIR_IDS, *_POINTS))}")
    without = np.argwhere(frame[list(PAIR_IDS)].isna().to_numpy())
    if len(without):
        row, place = without[0].tolist()
        raise RecordError(f"row {row}: {PAIR_IDS[place]} is missing; expected an id")
    ids: Any
    for ids, part in frame.groupby(list(PAIR_IDS), sort=False):
        points = part[list(_POINTS)].to_numpy(dtype=np.float64)
        sides = dict(zip(PAIR_IDS, map(str, ids), strict=True))
        yield MatchRecord(**sides, p=points[:, :2], q=points[:, 2:4], weights=points[:, 4])
