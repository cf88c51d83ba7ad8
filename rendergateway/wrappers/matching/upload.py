"""Matches on their way into a collection: checked, because the service checks nothing, and in batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from rendergateway.errors import RecordError
from rendergateway.model import MatchRecord
from rendergateway.model.records.json_slices import Text, join_list
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.wrappers.objects.match_pair import MatchPairWrapper

__all__ = ["Matches", "batches", "checked_batches"]

Matches = MatchTable | Iterable[MatchRecord | MatchPairWrapper]


def checked_batches(matches: Matches, size: int) -> Iterator[tuple[int, bytes]]:
    """
    Yield how many pairs a batch has, and its text.

    Raises
    ------
    RecordError
        If a pair has no points, or not as many x and y on both sides as weights; the message names it.
    """
    for texts in batches(_texts(matches), size):
        part = MatchTable(texts)
        try:
            # Reading them finds what is wrong.
            _ = part.offsets
        except RecordError as error:
            problem = next((record for record in part if record.points is not None and record.is_by_row), None)
            hint = " Points stand there row by row; repaired() of record or table turns them round." if problem else ""
            raise RecordError(f"{error}{hint}") from error
        yield len(texts), join_list(texts)


def batches(texts: Iterable[Text], size: int) -> Iterator[list[Text]]:
    """Yield lists of at most *size* texts."""
    if size < 1:
        raise ValueError(f"a batch holds at least one pair, not {size}")
    ahead = iter(texts)
    while some := list(itertools.islice(ahead, size)):
        yield some


def _texts(matches: Matches) -> Iterable[Text]:
    if isinstance(matches, MatchTable):
        return matches.texts
    if not isinstance(matches, Iterable):
        raise TypeError(f"matches are a MatchTable or an iterable of MatchRecord, not {matches!r}")
    return (_record(match).to_json() for match in matches)


def _record(match: MatchRecord | MatchPairWrapper) -> MatchRecord:
    if isinstance(match, MatchPairWrapper):
        return match._with_points
    if not isinstance(match, MatchRecord):
        raise TypeError(f"matches are MatchRecord or a MatchTable, not {match!r}")
    return match
