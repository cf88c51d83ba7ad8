"""Table of match pairs: numpy arrays over their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.matches import PAIR_IDS, MatchRecord, pair_ids, unordered
from rendergateway.model.tables.column_texts import numbers_of
from rendergateway.model.tables.match_points import Sides, read_sides
from rendergateway.model.tables.table import Column, Table, read_only
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

    from rendergateway.model.records.validation import Problem

__all__ = ["MatchTable"]


@resolvable_hints
class MatchTable(Table[MatchRecord]):
    """
    Match pairs as numpy arrays, decoded lazily from their texts.

    The points of pair *i* are the rows ``offsets[i]`` to ``offsets[i + 1]`` of `p`, `q` and `weights`. Selection,
    changes and encoding work as for a `TileTable`.

    Parameters
    ----------
    texts : sequence of JSON text
        One per pair.

    Examples
    --------
    >>> ids = {"p_group": "1", "p_id": "a", "q_group": "1"}
    >>> pairs = [MatchRecord(**ids, q_id=q_id, p=[[0, 1]], q=[[5, 6]]) for q_id in "bc"]
    >>> matches = MatchTable.from_records(pairs)
    >>> matches.offsets.tolist(), matches[matches.q_id == "c"].p.tolist()
    ([0, 1, 2], [[0.0, 1.0]])
    """

    RECORD = MatchRecord
    ROW = "pair"

    @classmethod
    def from_pandas(cls, frame: pandas.DataFrame) -> MatchTable:
        """
        Return the table of a data frame in the format of `to_pandas`.

        Raises
        ------
        RecordError
            If a column is missing, or a number is not finite.
        """
        from rendergateway.model.tables.pandas import pairs_of

        return cls.from_records(pairs_of(frame))

    # Columns

    def _ids(self, name: str) -> Column:
        if name not in self._columns:
            ids = [pair_ids(text) for text in self.texts]
            table = np.array(ids, dtype=object).reshape(len(ids), len(PAIR_IDS))
            self._columns.update(zip(PAIR_IDS, map(read_only, table.T), strict=True))
        column: Column = self._columns[name]
        return column

    @property
    def p_group(self) -> Column:
        """Groups of the p tiles: (N,), strings."""
        return self._ids("p_group")

    @property
    def p_id(self) -> Column:
        """Ids of the p tiles: (N,), strings."""
        return self._ids("p_id")

    @property
    def q_group(self) -> Column:
        """Groups of the q tiles: (N,), strings."""
        return self._ids("q_group")

    @property
    def q_id(self) -> Column:
        """Ids of the q tiles: (N,), strings."""
        return self._ids("q_id")

    @property
    def _sides(self) -> Sides:
        if "sides" not in self._columns:
            self._columns["sides"] = read_sides(self._whole, self._texts)
        sides: Sides = self._columns["sides"]
        return sides

    @property
    def p(self) -> FloatArray:
        """Points in the p tiles: (M, 2), x and y, concatenated over all pairs."""
        return self._sides.p

    @property
    def q(self) -> FloatArray:
        """Points in the q tiles: (M, 2)."""
        return self._sides.q

    @property
    def weights(self) -> FloatArray:
        """Weights of the points: (M,)."""
        return self._sides.weights

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """First row of each pair's points, and the end of the last pair: (N + 1,)."""
        return self._sides.offsets

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Number of points per pair: (N,)."""
        return np.diff(self.offsets)

    @property
    def pair(self) -> npt.NDArray[np.int64]:
        """Index of the pair of each point: (M,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def _chosen_columns(self, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        return {name: read_only(self._columns[name][rows]) for name in PAIR_IDS if name in self._columns}

    # Changes and encoding

    def _first_rows(self, count: int) -> dict[str, list[Any]]:
        part = self[:count]
        return {**{name: getattr(part, name).tolist() for name in PAIR_IDS}, "points": part.counts.tolist()}

    def evolve(
        self, *, p: npt.ArrayLike | None = None, q: npt.ArrayLike | None = None, weights: npt.ArrayLike | None = None
    ) -> MatchTable:
        """
        Return a table with all points of a side, or all weights, changed.

        Parameters
        ----------
        p, q : array_like, shape (M, 2), optional
            New points, in the order of `p` and `q`.
        weights : array_like, shape (M,), optional
            New weights, in the order of `weights`.

        Raises
        ------
        RecordError
            If an array has the wrong shape or is not finite.
        """
        new = {
            "p": self.p if p is None else _checked("p", p, self.p.shape),
            "q": self.q if q is None else _checked("q", q, self.q.shape),
            "weights": self.weights if weights is None else _checked("weights", weights, self.weights.shape),
        }
        ends = zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        parts = ({name: values[start:end] for name, values in new.items()} for start, end in ends)
        return MatchTable.from_records(record.evolve(**part) for record, part in zip(self, parts, strict=True))

    def repaired(self) -> MatchTable:
        """Return a table with points that were stored by row transposed; see `MatchRecord.repaired`."""
        return MatchTable.from_records(record.repaired() for record in self)

    def merged(self) -> MatchTable:
        """
        Return a table with each pair of tiles once: the points of duplicates are joined, in the order of the rows.

        A duplicate in the other order of the sides is swapped.

        Raises
        ------
        RecordError
            If duplicates differ in their consensus sets.
        """
        found: dict[tuple[str, ...], MatchRecord] = {}
        for record in self:
            ids = pair_ids(record.to_json())
            first = found.setdefault(unordered(ids), record)
            if first is record:
                continue
            if first.consensus_set != record.consensus_set:
                raise RecordError(f"duplicate pair {record._label} differs in its consensus set; it cannot be merged")
            more = record if pair_ids(first.to_json()) == ids else record.swapped()
            points = {
                name: np.concatenate([getattr(first, name), getattr(more, name)]) for name in ("p", "q", "weights")
            }
            found[unordered(ids)] = first.evolve(**points)
        return MatchTable.from_records(found.values())

    def validate(self) -> list[Problem]:
        """Return the problems of the pairs, including duplicates in either order of the sides; see `Problem`."""
        from rendergateway.model.records.validation import check_all

        return check_all(self, id_fields=PAIR_IDS, key=unordered)

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with one row per point, with the ids of its pair; needs pandas."""
        from rendergateway.model.tables.pandas import frame_of_matches

        return frame_of_matches(self)


def _checked(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    array = numbers_of(name, values)
    if array.shape != shape:
        raise RecordError(f"{name} has shape {array.shape}; expected {shape}, one row per point")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise RecordError(f"{name} of point {row} is {array[row]}; expected finite numbers")
    return array
