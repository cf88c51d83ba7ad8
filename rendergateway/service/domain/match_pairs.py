"""Match pairs: conversion between wire and stored form, and merging of collections (contract, 12.2 to 12.4)."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rendergateway.service.base.refusals import IllegalArgument, IllegalState, NullPointer, Uncaught
from rendergateway.service.store.matches import PairRow
from rendergateway.wire import CanvasMatches, Matches, SentPair, decode_stored, encode

__all__ = ["in_order", "json_of", "merged", "row_of"]

# Document size limit of the real service's database.
_LARGEST = 16 * 2**20


def _units(text: str) -> bytes | str:
    """Return the sort key of Java: UTF-16 code units."""
    return text.encode("utf-16-be", "surrogatepass")


def in_order(p: tuple[str, ...], q: tuple[str, ...]) -> bool:
    """Whether side *p* sorts before or equal to *q*, as text."""
    if all(map(str.isascii, (*p, *q))):
        return p <= q
    return [_units(text) for text in p] <= [_units(text) for text in q]


def row_of(pair: SentPair | None) -> tuple[Any, ...]:
    """
    Return the row of a pair: sides in order, matches counted.

    Raises
    ------
    ServiceRefusal
        If an id is missing, matches have no weights, or the pair is too large.
    """
    if pair is None:
        raise NullPointer
    p_group, q_group, p_id, q_id = pair.pGroupId, pair.qGroupId, pair.pId, pair.qId
    if p_group is None or q_group is None or p_id is None or q_id is None:
        raise IllegalArgument("CanvasMatches are missing required pGroupId, qGroupId, pId, and/or qId values")
    count = pair.counted()
    if count is None:
        raise NullPointer
    swapped = not in_order((p_group, p_id), (q_group, q_id))
    if swapped:
        p_group, q_group, p_id, q_id = q_group, p_group, q_id, p_id
    head = CanvasMatches(pGroupId=p_group, pId=p_id, qGroupId=q_group, qId=q_id, consensusSetData=pair.consensusSetData)
    details = pair.details(swapped=swapped)
    if len(details) > _LARGEST:
        raise IllegalState(f"matches of {p_id} and {q_id} too large: got {len(details)} bytes, the limit is {_LARGEST}")
    has_consensus = pair.consensusSetData is not None
    return p_group, q_group, p_id, q_id, has_consensus, count, encode(head)[:-1], details and b',"matches":' + details


def json_of(row: PairRow, *, details: bool = True, counts: bool = True) -> bytes:
    """Return the JSON of a stored pair, with or without its points and their number."""
    count = b"" if row.match_count is None or not counts else b',"matchCount":%d' % row.match_count
    return b"%b%b%b}" % (row.head, row.details if details else b"", count)


def merged(sources: Sequence[Iterable[PairRow]], *, details: bool, counts: bool = True) -> Iterator[bytes]:
    """
    Yield the pairs of several collections, concatenating those with the same ids.

    Raises
    ------
    Uncaught
        If a pair is in several collections and *details* is false or one of them has no matches.
    """
    ordered = heapq.merge(*sources, key=lambda row: tuple(text.encode() for text in row[:4]))
    for _, group in itertools.groupby(ordered, key=lambda row: row[:4]):
        rows = list(group)
        if len(rows) == 1:
            yield json_of(rows[0], details=details, counts=counts)
        elif not details:
            raise Uncaught("pairs cannot be merged: their matches were excluded")
        else:
            yield _concatenated(rows, counts=counts)


def _concatenated(rows: list[PairRow], *, counts: bool) -> bytes:
    pairs = [decode_stored(row.head + row.details + b"}", CanvasMatches) for row in rows]
    first: CanvasMatches = pairs[0]
    parts = [pair.matches for pair in pairs if pair.matches is not None]
    if len(parts) != len(pairs):
        raise Uncaught("pair cannot be merged: it has no matches")
    first.matches = Matches(
        p=_side([part.p or [] for part in parts]),
        q=_side([part.q or [] for part in parts]),
        w=[weight for part in parts for weight in part.w or ()],
    )
    first.matchCount = len(first.matches.w or ()) if counts else None
    return encode(first)


def _side(parts: list[list[list[float] | None]]) -> list[list[float] | None]:
    """Concatenate the points of several pairs, per dimension."""
    dimensions = itertools.zip_longest(*parts, fillvalue=None)
    return [[value for values in dimension for value in values or ()] for dimension in dimensions]
