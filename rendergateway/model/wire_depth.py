"""How deep JSON text is nested, found without reading it: quotes and brackets alone, level by level."""

from __future__ import annotations

import re

from rendergateway.errors import RecordError

__all__ = ["DEEPEST", "check_depth"]

DEEPEST = 100

_MARKS = b'[]{}"\\'
_FLESH = bytes(letter for letter in range(256) if letter not in _MARKS)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BARE_STRING = re.compile(rb'"[^"]*"')


def check_depth(text: bytes) -> None:
    """
    Refuse JSON that is nested too deep; text that is no JSON is for others to refuse.

    Raises
    ------
    RecordError
        If it has more than `DEEPEST` levels.
    """
    brackets = _brackets(text)
    for _ in range(DEEPEST):
        inner = len(brackets)
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == inner:
            break
    if brackets.count(b"[") > DEEPEST or b"[]" in brackets:
        raise RecordError(f"JSON is nested deeper than {DEEPEST} levels")


def _brackets(text: bytes) -> bytes:
    """Return the brackets of *text*, as square ones, without those inside of strings."""
    marks = text.translate(_ONE_KIND, _FLESH)
    if b"\\" in marks:
        return _STRING.sub(b"", text).translate(_ONE_KIND, _FLESH + b'"\\')
    # Strings without brackets are two quotes in a row by now; where one has some, they stand between its quotes.
    marks = marks.replace(b'""', b"")
    return _BARE_STRING.sub(b"", marks) if b'"' in marks else marks
