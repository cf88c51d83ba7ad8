"""Points of many match pairs as arrays, without a Python float a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.matches import MatchRecord
from rendergateway.model.slices import Text, copy_of, cut_list
from rendergateway.model.tables import read_only

__all__ = ["Sides", "read_sides"]

_MAYBE_BETWEEN = re.compile(rb"\}\s*,\s*\{")
# p, q (each all x, then all y) and weights of one pair, flat.
_Flat: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]


@attrs.frozen(eq=False)
class Sides:
    """The points of all pairs, one pair after the other: (M, 2), (M, 2), (M,), and where each pair begins (N + 1,)."""

    p: FloatArray
    q: FloatArray
    weights: FloatArray
    offsets: npt.NDArray[np.int64]


def read_sides(whole: bytes | None, texts: Sequence[Text] | None) -> Sides:
    """
    Read the points of match pairs, given as one array or cut already.

    Raises
    ------
    RecordError
        If a pair has no points, or not as many x and y on both sides as weights; the message names it.
    """
    try:
        parts = list(_read_fast(whole, texts))
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError):
        # Without simdjson, or something is wrong: pair by pair, with names.
        parts = [
            _read_slowly(row, text) for row, text in enumerate(cut_list(whole or b"[]") if texts is None else texts)
        ]
    return _joined(parts)


def _read_fast(whole: bytes | None, texts: Sequence[Text] | None) -> Iterator[_Flat]:
    import simdjson

    parser = simdjson.Parser()
    pairs: Any = (parser.parse(copy_of(text)) for text in (_pieces(whole or b"[]") if texts is None else texts))
    for pair in pairs:
        points = pair["matches"]
        weights = _numbers(points["w"])
        yield _side(points["p"], len(weights)), _side(points["q"], len(weights)), weights
        # A parser reads the next text only when nothing refers to the last one.
        del pair, points


def _pieces(whole: bytes) -> list[bytes]:
    """
    Cut an array of objects where it looks like between two of them.

    If each piece is JSON, as the parser finds out, so was the cut right; this is quicker than to cut with certainty.
    """
    pieces = _MAYBE_BETWEEN.split(whole.strip()[1:-1])
    if len(pieces) < 2:
        return pieces if pieces[0].strip() else []
    return [pieces[0] + b"}", *(b"{%b}" % piece for piece in pieces[1:-1]), b"{" + pieces[-1]]


def _side(side: Any, count: int) -> FloatArray:
    numbers = _numbers(side)
    # Two lists, the first of the right length, and so the second.
    if not (len(side) == 2 and numbers.size == 2 * count and len(side[0]) == count):
        raise ValueError("not all x, then all y, as many as weights")
    return numbers


def _numbers(array: Any) -> FloatArray:
    return np.frombuffer(array.as_buffer(of_type="d"), dtype=np.float64)


class _Points(msgspec.Struct):
    p: tuple[list[float], list[float]]
    q: tuple[list[float], list[float]]
    w: list[float]


class _WithPoints(msgspec.Struct):
    matches: _Points


def _read_slowly(row: int, text: Text) -> _Flat:
    try:
        points = msgspec.json.decode(text, type=_WithPoints).matches
    except msgspec.DecodeError as error:
        raise RecordError(f"row {row}: {_what_is_wrong(text)}; {error}") from error
    if len({len(numbers) for numbers in (*points.p, *points.q, points.w)}) != 1:
        raise RecordError(f"row {row}: {_what_is_wrong(text)}")
    return np.ravel(points.p), np.ravel(points.q), np.array(points.w, dtype=np.float64)


def _what_is_wrong(text: Text) -> str:
    record = MatchRecord.from_json(text)
    return f"{record!r}: {'; '.join(problem.text for problem in record.validate())}"


def _joined(parts: Sequence[_Flat]) -> Sides:
    offsets = np.cumsum([0, *(len(weights) for _, _, weights in parts)], dtype=np.int64)
    p, q = np.empty((offsets[-1], 2)), np.empty((offsets[-1], 2))
    for side, points in enumerate((p, q)):
        for axis in range(2):
            halves = [part[side][: len(part[2])] if axis == 0 else part[side][len(part[2]) :] for part in parts]
            np.concatenate([np.empty(0), *halves], out=points[:, axis])
    weights = np.concatenate([np.empty(0), *(part[2] for part in parts)])
    return Sides(read_only(p), read_only(q), read_only(weights), read_only(offsets))
