"""Nesting depth of JSON text, measured by its quotes and brackets without parsing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rendergateway.errors import RecordError

__all__ = ["DEEPEST", "check_depth"]

DEEPEST = 100

_MARKS = b'[]{}"'
_FLESH = bytes(letter for letter in range(256) if letter not in _MARKS)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_PIECE = 2**20
_BARE_STRING = re.compile(rb'"[^"]*"')


def check_depth(text: bytes, deepest: int = DEEPEST) -> None:
    """
    Refuse JSON that is nested too deep; invalid JSON is not detected.

    Raises
    ------
    RecordError
        If it has more than *deepest* levels.
    """
    brackets = _brackets(text)
    for _ in range(deepest):
        inner = len(brackets)
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == inner:
            break
    if brackets.count(b"[") > deepest or b"[]" in brackets:
        raise RecordError(f"JSON is nested deeper than {deepest} levels, the service's option nesting_limit")


def _brackets(text: bytes) -> bytes:
    """Return the brackets of *text*, as square ones, without those inside strings."""
    marks = b"".join(map(_marks, _pieces(text)))
    # A string without brackets is now two adjacent quotes; other strings have their brackets between the quotes.
    marks = marks.replace(b'""', b"")
    return _BARE_STRING.sub(b"", marks) if b'"' in marks else marks


def _pieces(text: bytes) -> Iterator[bytes]:
    """Yield *text* in pieces that do not end with a backslash, so that no escape sequence is split."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        while text[end - 1 : end] == b"\\":
            end += 1
        yield text[start:end]
        start = end


def _marks(piece: bytes) -> bytes:
    """Return the brackets, as square ones, and the quotes that delimit strings."""
    if b"\\" in piece:
        # In a run of backslashes, pairs are removed first; a remaining one escapes the next character.
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
    return piece.translate(_ONE_KIND, _FLESH)
