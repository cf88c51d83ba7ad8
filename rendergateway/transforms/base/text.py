"""
The ``dataString`` of a leaf transform: numbers as words, and packed blocks of numbers.

Error messages start with the service's own message, followed by ``"; "`` and our details.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from rendergateway.errors import TransformError
from rendergateway.geometry import FloatArray
from rendergateway.number_text import parse_double

__all__ = [
    "decode_block",
    "encode_block",
    "inappropriate",
    "integer",
    "named_numbers",
    "number_words",
    "numbers",
    "single_precision",
    "split",
]

# Words that Python and Java parse identically; all others take the slower path.
_PLAIN = re.compile(r"[-+.eE0-9\s]*", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_MOST_DIGITS = 10
_SHOWN_CHARACTERS = 60
# Larger blocks are refused: four million landmarks, or a field of a thousand by a thousand affines.
_MOST_BLOCK_BYTES = 2**26


def inappropriate(class_name: str, problem: str) -> TransformError:
    """Return the error for a text that does not match the class, with the service's message."""
    return TransformError(f"Inappropriate parameters for {class_name}; {problem}")


def shortened(text: str) -> str:
    """Return *text* for an error message: quoted, and truncated if long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")


def split(text: str) -> list[str]:
    """Split a ``dataString`` at whitespace like Java: the word before whitespace at the start is empty."""
    words = text.split()
    return ["", *words] if text[:1].isspace() else words


def numbers(words: Sequence[str], class_name: str) -> list[float]:
    """
    Parse *words* like Java's ``Double.parseDouble``.

    Raises
    ------
    TransformError
        If a word is not a number: ``For input string: "x"; …``.
    """
    if _PLAIN.fullmatch("".join(words)):
        try:
            return [float(word) for word in words]
        except ValueError:
            pass
    return [_number(position, word, class_name) for position, word in enumerate(words, start=1)]


def _number(position: int, word: str, class_name: str) -> float:
    try:
        return parse_double(word)
    except ValueError as error:
        raise TransformError(f"{error}; word {position} of the dataString of {class_name} is not a number") from error


def integer(word: str, class_name: str, field: str) -> int:
    """Parse a whole number of 32 bits; the error names the class and the field."""
    if not _INTEGER.fullmatch(word):
        raise TransformError(f'For input string: "{word}"; {field} of {class_name} must be a whole number')
    # Python refuses to parse thousands of digits.
    digits = word.lstrip("+-").lstrip("0") or "0"
    number = int(digits if len(digits) <= _MOST_DIGITS else "9" * _MOST_DIGITS) * (-1 if word.startswith("-") else 1)
    if not -(2**31) <= number < 2**31:
        raise TransformError(f'For input string: "{word}"; {field} of {class_name} must have 32 bits')
    return number


def named_numbers(text: str, class_name: str, names: str) -> list[float]:
    """
    Parse exactly the numbers that *names* lists.

    Parameters
    ----------
    text : str
        The ``dataString``.
    class_name : str
        Java class name, for the error.
    names : str
        Names of the numbers in order, separated by spaces.
    """
    words = split(text)
    expected = len(names.split())
    if len(words) != expected:
        raise inappropriate(class_name, f"{expected} numbers expected ({names}): got {len(words)} in {shortened(text)}")
    return numbers(words, class_name)


def single_precision(values: Iterable[float]) -> list[float]:
    """
    Round to 32 bits, like the service when it parses a class with ``float`` members.

    Examples
    --------
    >>> single_precision([1234.5678901, -9.25])
    [1234.56787109375, -9.25]
    """
    with np.errstate(over="ignore"):
        return [float(np.float32(value)) for value in values]


def number_words(values: Iterable[float], class_name: str) -> str:
    """
    Format numbers as the shortest words that parse to the same doubles.

    Raises
    ------
    TransformError
        If a number is not finite: the service can neither parse Python's spelling nor use the number.
    """
    listed = [float(value) for value in values]
    if not np.isfinite(listed).all():
        position = int(np.flatnonzero(~np.isfinite(listed))[0])
        raise TransformError(
            f"parameter {position + 1} of {class_name} must be finite to be written: got {listed[position]}"
        )
    return " ".join(map(repr, listed))


def encode_block(values: FloatArray) -> str:
    """
    Pack doubles into one word: big-endian, deflated, base64.

    A block that deflating would not shrink is stored uncompressed, prefixed with ``@``.

    References
    ----------
    .. [1] trakem2-transform, ``ThinPlateSplineTransform.java``, ``encodeBase64``.
    """
    raw = np.ascontiguousarray(values, dtype=">f8").tobytes()
    packed = zlib.compress(raw)
    if len(packed) < len(raw):
        return base64.b64encode(packed).decode("ascii")
    return "@" + base64.b64encode(raw).decode("ascii")


def decode_block(word: str, count: int, class_name: str, field: str) -> FloatArray:
    """
    Unpack *count* doubles from one word.

    Raises
    ------
    TransformError
        If the word is not valid base64 or deflated data, has another length, or *count* is too large.
    """
    if 8 * count > _MOST_BLOCK_BYTES:
        raise inappropriate(class_name, f"{field} must have {_MOST_BLOCK_BYTES // 8} doubles at most: got {count}")
    try:
        raw = base64.b64decode(word.removeprefix("@"), validate=True)
        raw = raw if word.startswith("@") else _inflated(raw, 8 * count)
    except (binascii.Error, zlib.error) as error:
        raise inappropriate(class_name, f"{field} is not a packed block ({error}): got {shortened(word)}") from error
    if len(raw) > 8 * count:
        raise inappropriate(class_name, f"{field} must have {8 * count} bytes ({count} doubles): got more")
    if len(raw) != 8 * count:
        raise inappropriate(class_name, f"{field} must have {8 * count} bytes ({count} doubles): got {len(raw)}")
    return np.frombuffer(raw, dtype=">f8").astype(np.float64)


def _inflated(packed: bytes, most: int) -> bytes:
    """Inflate at most one byte more than *most*."""
    inflate = zlib.decompressobj()
    raw = inflate.decompress(packed, most + 1)
    if len(raw) <= most and not inflate.eof:
        raise zlib.error("incomplete or truncated stream")
    return raw
