"""Points of many match pairs as arrays, without a Python float per number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.large_arrays import large_array
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_list
from rendergateway.model.records.matches import MatchRecord, pair_ids
from rendergateway.model.records.number_arrays import SIMDJSON_ERRORS
from rendergateway.model.tables.table import read_only

__all__ = ["MatchReader", "Sides", "read_sides"]

_BETWEEN = re.compile(rb"\}\s*,\s*\{")
# Bytes per step: small enough for the processor's cache, large enough to make the overhead per step negligible.
_PIECE = 1 << 18
_NO_POINTS: list[list[float]] = [[], []]


@attrs.frozen(eq=False)
class Sides:
    """Concatenated points of all pairs, (M, 2), (M, 2) and (M,), and the start of each pair, (N + 1,)."""

    p: FloatArray
    q: FloatArray
    weights: FloatArray
    offsets: npt.NDArray[np.int64]


def read_sides(whole: bytes | None, texts: Sequence[Text] | None) -> Sides:
    """
    Decode the points of match pairs, given as one JSON array or as texts.

    Raises
    ------
    RecordError
        If a pair has no points, or the lengths of its points and weights differ; the message names the pair.
    """
    reader = MatchReader()
    if texts is None:
        text = memoryview(whole or b"[]")
        for start in range(0, len(text), _PIECE):
            reader.write(text[start : start + _PIECE])
    else:
        reader.write(b"[")
        for row, one in enumerate(texts):
            reader.write(b"," + copy_of(one) if row else copy_of(one))
        reader.write(b"]")
    return reader.sides()


class MatchReader:
    """
    Columns of a JSON array of match pairs that arrives piece by piece; none of its text is kept.

    Parameters
    ----------
    with_ids : bool
        Whether the ids of the pairs are read as well.

    Attributes
    ----------
    ids : list of (str, str, str, str)
        Group and id of p, group and id of q, of each pair.
    """

    def __init__(self, *, with_ids: bool = False) -> None:
        # Imported on use: `import rendergateway` does not load it.
        import simdjson

        self.ids: list[tuple[str, str, str, str]] = []
        self._with_ids = with_ids
        self._known: dict[str, str] = {}
        self._parser = simdjson.Parser()
        # p x, p y, q x, q y, and the weights, with room for more points; the numbers of points of the pairs.
        self._points, self._weights = np.empty((4, 0)), np.empty((1, 0))
        self._counts: list[int] = []
        self._count = 0
        # An array that begins with the first pair not read yet, and its least length for the next attempt.
        self._text = bytearray()
        # Pairs that simdjson refused.
        self._unread: list[Raw] = []
        self._enough = _PIECE

    def write(self, piece: bytes | memoryview) -> None:
        """Add the next piece of the text."""
        self._text += piece
        if len(self._text) >= self._enough:
            self._read_most()

    def _read_most(self) -> None:
        """
        Read up to the last position that looks like the end of a pair.

        If the array up to there parses as JSON, the position was right; this is faster than finding it with certainty.
        """
        text = self._text
        end = text.rfind(b"},{") + 1 or max((found.start() + 1 for found in _BETWEEN.finditer(text)), default=0)
        if not end or not self._is_read(b"".join((memoryview(text)[:end], b"]"))):
            # Twice as much each time, so that the time is proportional to the length, whatever the text.
            self._enough = 2 * len(text)
            return
        # The comma becomes the bracket of the rest.
        del text[: text.index(b",", end)]
        text[:1] = b"["
        self._enough = len(text) + _PIECE

    def _is_read(self, text: bytes) -> bool:
        """Append an array of pairs to the columns, if it is one as simdjson and the service have it."""
        try:
            # A parser reads the next text only if nothing refers to the previous one: numbers and ids are copied.
            ids, counts, columns = _columns(self._parser.parse(text), self._with_ids)
        except SIMDJSON_ERRORS:
            return False
        # Most ids occur several times: in memory once.
        known = self._known.setdefault
        self.ids += [(known(a, a), known(b, b), known(c, c), known(d, d)) for a, b, c, d in ids]
        self._append(counts, columns)
        return True

    def _append(self, counts: list[int], columns: Iterable[Any]) -> None:
        end = self._count + sum(counts)
        if end > self._points.shape[1]:
            self._points, self._weights = (self._larger(numbers, end) for numbers in (self._points, self._weights))
        for row, column in zip((*self._points, *self._weights), columns, strict=True):
            row[self._count : end] = np.frombuffer(column)
        self._counts += counts
        self._count = end

    def _larger(self, numbers: FloatArray, end: int) -> FloatArray:
        larger = large_array((len(numbers), max(2 * numbers.shape[1], end, _PIECE >> 5)))
        larger[:, : self._count] = numbers[:, : self._count]
        return larger

    def finish(self) -> None:
        """
        Read the rest, after the last piece.

        Raises
        ------
        RecordError
            If the text is not a JSON array.
        """
        text, self._text = bytes(self._text), bytearray(b"[]")
        if text.lstrip()[:1] != b"[" or not self._is_read(text):
            self._unread += cut_list(text)

    def sides(self) -> Sides:
        """
        Return the points of all pairs, after the last piece.

        Raises
        ------
        RecordError
            If the text is not a JSON array of pairs, a pair has no points, or the lengths of its points and weights
            differ; the message names the pair.
        """
        self.finish()
        # One by one, for an error that names the pair; this also accepts integers of more than 64 bits.
        for one in self._unread:
            self._read_slowly(one)
        self._unread = []
        offsets = np.concatenate([[0], np.cumsum(self._counts, dtype=np.int64)])
        # x and y are each contiguous: that is how they are used.
        points = read_only(self._points[:, : self._count])
        weights = read_only(self._weights[0, : self._count])
        return Sides(points[:2].T, points[2:].T, weights, read_only(offsets))

    def _read_slowly(self, text: Text) -> None:
        row = len(self._counts)
        try:
            points = msgspec.json.decode(text, type=_WithPoints).matches
        except msgspec.DecodeError as error:
            raise RecordError(f"row {row}: {_problems(text)}; {error}") from error
        p, q = points.p or _NO_POINTS, points.q or _NO_POINTS
        if [len(numbers) for numbers in (*p, *q)] != 4 * [len(points.w)]:
            raise RecordError(f"row {row}: {_problems(text)}")
        self._append([len(points.w)], np.array([*p, *q, points.w], dtype=np.float64))
        if self._with_ids:
            self.ids.append(pair_ids(text))


def _columns(pairs: Any, with_ids: bool) -> tuple[list[tuple[str, str, str, str]], list[int], list[bytearray]]:
    """Return the ids of pairs if they are wanted, their numbers of points, and their numbers."""
    ids: list[tuple[str, str, str, str]] = []
    counts, columns, end = [], [bytearray() for _ in range(5)], 0
    for pair in pairs:
        points = pair["matches"]
        p, q, weights = points["p"], points["q"], points["w"]
        if with_ids:
            p_group, p_id, q_group, q_id = pair["pGroupId"], pair["pId"], pair["qGroupId"], pair["qId"]
            if not type(p_group) is type(p_id) is type(q_group) is type(q_id) is str:
                raise TypeError("an id is not a string")
            ids.append((p_group, p_id, q_group, q_id))
        if len(weights):
            (p_x, p_y), (q_x, q_y) = p, q
            for column, numbers in zip(columns, (p_x, p_y, q_x, q_y, weights), strict=True):
                column += numbers.as_buffer(of_type="d")
        elif any(len(axis) for side in (p, q) for axis in side):
            raise ValueError("points without weights")
        counts.append((len(columns[4]) - end) // 8)
        end = len(columns[4])
        if not end == len(columns[0]) == len(columns[1]) == len(columns[2]) == len(columns[3]):
            raise ValueError("numbers of x, y and weights differ")
    return ids, counts, columns


class _Points(msgspec.Struct):
    # Both axes, or none in a pair without points.
    p: Annotated[list[list[float]], msgspec.Meta(max_length=2)]
    q: Annotated[list[list[float]], msgspec.Meta(max_length=2)]
    w: list[float]


class _WithPoints(msgspec.Struct):
    matches: _Points


def _problems(text: Text) -> str:
    record = MatchRecord.from_json(text)
    return f"{record._label}: {'; '.join(problem.text for problem in record.validate())}"
