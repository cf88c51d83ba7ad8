"""
Numbers as the service reads and writes them in paths, sentences and layout files: Java's text.

Inside JSON any text of the same value will do, so JSON does not come here.
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
    Return *value* as Java's ``Double.toString`` writes it: ``1.0``, ``1.0E7``, ``9.999E-4``, ``NaN``.

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
    Read a number as Java's ``Double.parseDouble`` does.

    Raises
    ------
    ValueError
        If Java would refuse it. ``1_000``, ``inf`` and an empty text are refused; ``1d``, ``0x1p0`` and blanks
        around a number are not.
    """
    word = text.strip(_BLANKS)
    if _DECIMAL.fullmatch(word):
        return float(word.rstrip("fFdD"))
    if _NOT_FINITE.fullmatch(word):
        return float(word.replace("Infinity", "inf"))
    if _HEXADECIMAL.fullmatch(word):
        mantissa, exponent = re.split("[pP]", word.rstrip("fFdD"))
        return float.fromhex(f"{mantissa}p{exponent}")
    raise ValueError(f'For input string: "{text}"')


def parse_integer(text: str) -> int:
    """
    Read a 32-bit integer as Java's ``Integer.parseInt`` does.

    Raises
    ------
    ValueError
        If the text is no integer (``100.0``, blanks) or lies outside 32 bits.
    """
    if not _INTEGER.fullmatch(text) or int(text) not in _INTEGERS:
        raise ValueError(f'For input string: "{text}"')
    return int(text)


def truncated(value: float) -> int:
    """
    Return *value* as Java turns a double into an int: without its fraction, within 32 bits, 0 for what is no number.

    Examples
    --------
    >>> truncated(-2.7), truncated(1e300), truncated(float("nan"))
    (-2, 2147483647, 0)
    """
    return 0 if value != value else math.trunc(max(_INTEGERS[0], min(value, _INTEGERS[-1])))


def parse_boolean(text: str) -> bool:
    """Read a switch as Java's ``Boolean.parseBoolean`` does: ``true`` in any case is true, all else false."""
    return text.lower() == "true"
