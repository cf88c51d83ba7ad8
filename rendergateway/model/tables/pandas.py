"""Pandas data frames of tables, and match pairs of them; the only module that imports pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rendergateway.errors import RecordError
from rendergateway.extras import needed_for
from rendergateway.model.records.matches import PAIR_IDS, MatchRecord
from rendergateway.model.tables.frames import SPLIT
from rendergateway.model.tables.table import Column

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from rendergateway.model.tables.match_table import MatchTable

__all__ = ["frame_of", "frame_of_matches", "pairs_of"]

_POINTS = ("p_x", "p_y", "q_x", "q_y", "weight")


def frame_of(columns: Mapping[str, Column]) -> pandas.DataFrame:
    """Return a data frame of columns; columns of several numbers are split."""
    series: dict[str, Any] = {}
    for name, column in columns.items():
        if name in SPLIT:
            series.update(zip(SPLIT[name], column.reshape(len(column), len(SPLIT[name])).T, strict=True))
        else:
            series[name] = column
    return _data_frame(series)


def _data_frame(columns: dict[str, Any]) -> pandas.DataFrame:
    with needed_for("a frame"):
        import pandas
    return pandas.DataFrame(columns)


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
