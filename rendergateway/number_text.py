"""
Java's text of numbers, as the service reads and writes it in paths, messages and layout files.

JSON is not affected: it allows any text of the same value.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

__all__ = ["double_text", "parse_boolean", "parse_double", "parse_integer", "truncated"]

_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7
_BLANKS = "".join(map(chr, range(33)))
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?\d+[fFdD]?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(NaN|Infinity)")
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_INTEGERS = range(-(2**31), 2**31)


def double_text(value: float) -> str:
    """
    Format *value* like Java's ``Double.toString``: ``1.0``, ``1.0E7``, ``9.999E-4``, ``NaN``.

    Examples
    --------
    >>> double_text(3407), double_text(1e10), double_text(-0.0)
    ('3407.0', '1.0E10', '-0.0')
    """
    value = float(value)
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{int(exponent) + len(digits) - 1}"


def parse_double(text: str) -> float:
    """
    Parse a number like Java's ``Double.parseDouble``.

    Raises
    ------
    ValueError
        If Java rejects the text: ``1_000``, ``inf`` and empty text are invalid; ``1d``, ``0x1p0`` and whitespace
        around a number are valid.
    """
    word = text.strip(_BLANKS)
    if _DECIMAL.fullmatch(word):
        return float(word.rstrip("fFdD"))
    if _NOT_FINITE.fullmatch(word):
        return float(word.replace("Infinity", "inf"))
    if _HEXADECIMAL.fullmatch(word):
        mantissa, exponent = re.split("[pP]", word.rstrip("fFdD"))
        return float.fromhex(f"{mantissa}p{exponent}")
    raise ValueError(f'For input string: "{text}"' if word else "empty String")


def parse_integer(text: str) -> int:
    """
    Parse a 32-bit integer like Java's ``Integer.parseInt``.

    Raises
    ------
    ValueError
        If the text is not an integer (``100.0``, whitespace) or exceeds 32 bits.
    """
    if not _INTEGER.fullmatch(text) or int(text) not in _INTEGERS:
        raise ValueError(f'For input string: "{text}"')
    return int(text)


def truncated(value: float) -> int:
    """
    Convert *value* like Java's cast from double to int: truncated, clipped to 32 bits, 0 for NaN.

    Examples
    --------
    >>> truncated(-2.7), truncated(1e300), truncated(float("nan"))
    (-2, 2147483647, 0)
    """
    return 0 if value != value else math.trunc(max(_INTEGERS[0], min(value, _INTEGERS[-1])))


def parse_boolean(text: str) -> bool:
    """Parse a flag like Java's ``Boolean.parseBoolean``: true for ``true`` in any case, else false."""
    return text.lower() == "true"
