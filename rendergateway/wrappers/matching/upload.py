"""Matches to be saved: checked, because the service checks nothing, and in batches."""

from __future__ import annotations

import itertools
import os
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from rendergateway.errors import RecordError
from rendergateway.model.files.objects import read_objects
from rendergateway.model.records.json_slices import Text, join_list
from rendergateway.model.records.matches import MatchRecord, pair_ids, unordered
from rendergateway.model.tables.match_table import MatchTable
from rendergateway.wrappers.core.arguments import kind_of
from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Matches", "batches", "check_files", "checked_batches", "file_batches"]

T = TypeVar("T")
Path: TypeAlias = str | os.PathLike[str]
Matches: TypeAlias = MatchTable | Iterable[MatchRecord | ObjectWrapper[MatchRecord]]

_EXPECTED = "an array of matches, or lines of them"
_CHECKED_AT_ONCE = 2000


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
        _check_points(part)
        for texts in batches(part.texts, size):
            yield len(texts), join_list(texts)


def _check_points(part: MatchTable) -> None:
    try:
        # Decoding the points reports their faults.
        _ = part.offsets
    except RecordError as error:
        by_row = any(record.points is not None and record.is_by_row for record in part)
        hint = "; its points are stored by row: repaired() of record or table transposes them" if by_row else ""
        raise RecordError(f"{error}{hint}") from error


def check_files(paths: Iterable[Path], duplicates: str) -> None:
    """
    Check files of matches as `checked_batches` does, a few megabytes at a time.

    Parameters
    ----------
    paths : iterable of str or path-like
        Files of an array or lines of matches, plain or gzipped.
    duplicates : str
        ``refuse`` pairs that occur twice, in one file or in two, or ``replace`` the former one.

    Raises
    ------
    RecordError
        If a file is invalid; the message names file and element or pair.
    OSError
        If a file cannot be read.
    """
    if duplicates not in ("refuse", "replace"):
        raise ValueError(f"duplicates must be 'refuse' or 'replace': got {duplicates!r}")
    seen: dict[int, bool] = {}
    for path in paths:
        for part in batches(read_objects(path, _EXPECTED), _CHECKED_AT_ONCE):
            for where, text in part:
                _check_element(where, text)
            texts = [text for _, text in part]
            try:
                if duplicates == "refuse":
                    _check_ids(texts, seen)
                _check_points(MatchTable(texts))
            except RecordError as error:
                raise RecordError(f"{os.fspath(path)}: {error}") from error


def _check_element(where: str, text: Text) -> None:
    try:
        pair_ids(text)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error


def file_batches(paths: Iterable[Path], size: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of pairs of each batch of files, and its text; batches end with their files."""
    for path in paths:
        for part in batches((text for _, text in read_objects(path, _EXPECTED)), size):
            yield len(part), join_list(part)


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


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most *size* items."""
    ahead = iter(items)
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
