"""How deep JSON text is nested, found without reading it: quotes and brackets alone, level by level."""

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
    Refuse JSON that is nested too deep; text that is no JSON is for others to refuse.

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
    """Return the brackets of *text*, as square ones, without those inside of strings."""
    marks = b"".join(map(_marks, _pieces(text)))
    # Strings without brackets are two quotes in a row by now; where one has some, they stand between its quotes.
    marks = marks.replace(b'""', b"")
    return _BARE_STRING.sub(b"", marks) if b'"' in marks else marks


def _pieces(text: bytes) -> Iterator[bytes]:
    """Yield *text* in pieces that end with no back-slash: what it escapes stays with it."""
    start = 0
    while start < len(text):
        end = start + _PIECE
        while text[end - 1 : end] == b"\\":
            end += 1
        yield text[start:end]
        start = end


def _marks(piece: bytes) -> bytes:
    """Return brackets, as square ones, and the quotes around strings."""
    if b"\\" in piece:
        # In a run of back-slashes the pairs go first; one that is left escapes what follows.
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
    return piece.translate(_ONE_KIND, _FLESH)
