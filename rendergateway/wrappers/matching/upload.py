"""Matches to be saved: checked, because the service checks nothing, and in batches."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, join_list
from rendergateway.model.records.matches import MatchRecord, pair_ids, unordered
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.wrappers.core.arguments import kind_of
from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Matches", "batches", "checked_batches"]

Matches: TypeAlias = MatchTable | Iterable[MatchRecord | ObjectWrapper[MatchRecord]]


def checked_batches(matches: Matches, size: int) -> Iterator[tuple[int, bytes]]:
    """
    Yield the number of pairs of each batch, and its text.

    Matches that are in memory are all checked before the first batch.

    Raises
    ------
    RecordError
        If a pair is a duplicate in either order of its sides, has no points, or different numbers of coordinates and
        weights; the message names the pair.
    """
    seen: dict[int, bool] = {}
    for part in _parts(matches, size):
        _check_ids(part.texts, seen)
        try:
            # Decoding the points reports their faults.
            _ = part.offsets
        except RecordError as error:
            by_row = any(record.points is not None and record.is_by_row for record in part)
            hint = "; its points are stored by row: repaired() of record or table transposes them" if by_row else ""
            raise RecordError(f"{error}{hint}") from error
        for texts in batches(part.texts, size):
            yield len(texts), join_list(texts)


def _parts(matches: Matches, size: int) -> Iterable[MatchTable]:
    if isinstance(matches, MatchTable):
        return [matches]
    if isinstance(matches, Sequence):
        return [MatchTable(_texts(matches))]
    return map(MatchTable, batches(_texts(matches), size))


def _check_ids(texts: Iterable[Text], seen: dict[int, bool]) -> None:
    """Refuse duplicates: the service would keep one of them. *seen* has the order of the sides of each pair."""
    for ids in map(pair_ids, texts):
        # The hash, not the ids, to keep memory small for a stream of pairs.
        mark, is_in_order = hash(unordered(ids)), unordered(ids) == ids
        if mark in seen:
            p, q = "/".join(ids[:2]), "/".join(ids[2:])
            other = f"{p} – {q}" if seen[mark] is is_in_order else f"{q} – {p}"
            raise RecordError(
                f"duplicate match pair: got {other} and {p} – {q}, and the service would keep only one; "
                "merged() of a MatchTable joins their points"
            )
        seen[mark] = is_in_order


def batches(texts: Iterable[Text], size: int) -> Iterator[list[Text]]:
    """Yield lists of at most *size* texts."""
    ahead = iter(texts)
    while some := list(itertools.islice(ahead, size)):
        yield some


def _texts(matches: Matches) -> Iterable[Text]:
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
            f"matches must be MatchRecord objects or a MatchTable, got {reprlib.repr(match)}; "
            "MatchRecord.from_dict reads a dict, MatchRecord.from_json text"
        )
    return match
