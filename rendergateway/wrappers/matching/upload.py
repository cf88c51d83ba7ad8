"""Matches to be saved: checked, because the service checks nothing, and in batches."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, join_list
from rendergateway.model.records.matches import MatchRecord
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.wrappers.core.arguments import kind_of
from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Matches", "batches", "checked_batches"]

Matches: TypeAlias = MatchTable | Iterable[MatchRecord | ObjectWrapper[MatchRecord]]


def checked_batches(matches: Matches, size: int) -> Iterator[tuple[int, bytes]]:
    """
    Yield the number of pairs of each batch, and its text.

    Raises
    ------
    RecordError
        If a pair has no points, or different numbers of coordinates and weights; the message names the pair.
    """
    for texts in batches(_texts(matches), size):
        part = MatchTable(texts)
        try:
            # Decoding the points reports their faults.
            _ = part.offsets
        except RecordError as error:
            by_row = any(record.points is not None and record.is_by_row for record in part)
            hint = "; its points are stored by row: repaired() of record or table transposes them" if by_row else ""
            raise RecordError(f"{error}{hint}") from error
        yield len(texts), join_list(texts)


def batches(texts: Iterable[Text], size: int) -> Iterator[list[Text]]:
    """Yield lists of at most *size* texts."""
    ahead = iter(texts)
    while some := list(itertools.islice(ahead, size)):
        yield some


def _texts(matches: Matches) -> Iterable[Text]:
    if isinstance(matches, MatchTable):
        return matches.texts
    if not isinstance(matches, Iterable):
        raise TypeError(
            f"matches must be a MatchTable or an iterable of MatchRecord, got {matches!r}; pass a single pair in a list"
        )
    return (_record(match).to_json() for match in matches)


def _record(match: Any) -> MatchRecord:
    if kind_of(match) == "match_pair":
        return match._with_points  # type: ignore[no-any-return]
    if not isinstance(match, MatchRecord):
        raise TypeError(
            f"matches must be MatchRecord objects or a MatchTable, got {reprlib.repr(match)}; MatchRecord.from_dict "
            "converts a dict, MatchTable.from_pandas a frame"
        )
    return match
