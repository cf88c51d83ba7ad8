"""Points of many match pairs as arrays, without a Python float per number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, TypeAlias

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text, copy_of, cut_list, join_list
from rendergateway.model.records.matches import MatchRecord
from rendergateway.model.records.number_arrays import SIMDJSON_ERRORS
from rendergateway.model.tables.table import read_only

__all__ = ["Sides", "read_sides"]

_MAYBE_BETWEEN = re.compile(rb"\}\s*,\s*\{")
# Bytes per step: small enough for the processor's cache, large enough to make the overhead per step negligible.
_PIECE = 1 << 18
_NO_POINTS: list[list[float]] = [[], []]
# p x, p y, q x, q y and weights of some pairs, concatenated, and the number of points per pair.
_Flat: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, npt.NDArray[np.int64]]


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
    try:
        parts = list(_read_fast(_pieces(whole) if texts is None else _joined_texts(texts)))
    except SIMDJSON_ERRORS:
        # Pair by pair, for an error that names the pair; it also accepts integers of more than 64 bits.
        rows = cut_list(whole or b"[]") if texts is None else texts
        parts = [_read_slowly(row, text) for row, text in enumerate(rows)]
    return _joined(parts)


def _pieces(whole: bytes | None) -> Iterator[bytes]:
    """
    Split an array of objects into smaller arrays, at positions that look like the end of an object.

    If each piece parses as JSON, the positions were right; this is faster than finding them with certainty.
    """
    text = (whole or b"[]").strip()
    start = 1
    while between := _MAYBE_BETWEEN.search(text, start + _PIECE):
        yield b"[%b]" % text[start : between.start() + 1]
        start = between.end() - 1
    yield b"[" + text[start:]


def _joined_texts(texts: Sequence[Text]) -> Iterator[bytes]:
    """Join texts into arrays of several of them."""
    start = size = 0
    for end, text in enumerate(texts, 1):
        size += len(copy_of(text))
        if size > _PIECE or end == len(texts):
            yield join_list(texts[start:end])
            start, size = end, 0


def _read_fast(pieces: Iterable[bytes]) -> Iterator[_Flat]:
    # Imported on use: `import rendergateway` does not load it.
    import simdjson

    parser = simdjson.Parser()
    for piece in pieces:
        # A parser reads the next text only if nothing refers to the previous one: _columns copies the numbers.
        yield _columns(parser.parse(piece))


def _columns(pairs: Any) -> _Flat:
    columns, counts = [bytearray() for _ in range(5)], []
    for pair in pairs:
        points = pair["matches"]
        p, q, weights = points["p"], points["q"], points["w"]
        counts.append(len(weights))
        if not len(weights) and not any(len(axis) for side in (p, q) for axis in side):
            continue
        (p_x, p_y), (q_x, q_y) = p, q
        if not len(p_x) == len(p_y) == len(q_x) == len(q_y) == len(weights):
            raise ValueError("numbers of x, y and weights differ")
        for column, numbers in zip(columns, (p_x, p_y, q_x, q_y, weights), strict=True):
            column += numbers.as_buffer(of_type="d")
    p_x, p_y, q_x, q_y, weights = (np.frombuffer(column, dtype=np.float64) for column in columns)
    return p_x, p_y, q_x, q_y, weights, np.array(counts, dtype=np.int64)


class _Points(msgspec.Struct):
    # Both axes, or none in a pair without points.
    p: Annotated[list[list[float]], msgspec.Meta(max_length=2)]
    q: Annotated[list[list[float]], msgspec.Meta(max_length=2)]
    w: list[float]


class _WithPoints(msgspec.Struct):
    matches: _Points


def _read_slowly(row: int, text: Text) -> _Flat:
    try:
        points = msgspec.json.decode(text, type=_WithPoints).matches
    except msgspec.DecodeError as error:
        raise RecordError(f"row {row}: {_problems(text)}; {error}") from error
    p, q = points.p or _NO_POINTS, points.q or _NO_POINTS
    if [len(numbers) for numbers in (*p, *q)] != 4 * [len(points.w)]:
        raise RecordError(f"row {row}: {_problems(text)}")
    p_x, p_y, q_x, q_y, weights = np.array([*p, *q, points.w], dtype=np.float64)
    return p_x, p_y, q_x, q_y, weights, np.array([len(weights)])


def _problems(text: Text) -> str:
    record = MatchRecord.from_json(text)
    return f"{record._label}: {'; '.join(problem.text for problem in record.validate())}"


def _joined(parts: Sequence[_Flat]) -> Sides:
    empty = np.empty(0)
    none: _Flat = empty, empty, empty, empty, empty, np.zeros(1, dtype=np.int64)
    p_x, p_y, q_x, q_y, weights, counts = zip(none, *parts, strict=True)
    offsets = np.cumsum(np.concatenate(counts))
    p, q = np.empty((offsets[-1], 2)), np.empty((offsets[-1], 2))
    for side, x, y in ((p, p_x, p_y), (q, q_x, q_y)):
        np.concatenate(x, out=side[:, 0])
        np.concatenate(y, out=side[:, 1])
    return Sides(read_only(p), read_only(q), read_only(np.concatenate(weights)), read_only(offsets))
