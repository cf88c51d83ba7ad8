"""Strict and lenient decoding of wire objects, and canonical encoding."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from rendergateway.errors import RecordError
from rendergateway.number_text import double_text
from rendergateway.wire.base import Wire
from rendergateway.wire.depth import DEEPEST, check_depth
from rendergateway.wire.lenient import decode_leniently

__all__ = ["decode_body", "decode_stored", "encode", "encode_numbers", "json_list", "json_number"]

_encoder = msgspec.json.Encoder()


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode_body(text: bytes, kind: Any, deepest: int = DEEPEST) -> Any:
    """
    Decode a request body as *kind*; None if it is empty or ``null``.

    Raises
    ------
    RecordError
        If the real service would refuse it, or it is nested deeper than *deepest* levels.
    """
    check_depth(text, deepest)
    return decode_stored(text, kind)


def decode_stored(text: bytes | msgspec.Raw, kind: Any) -> Any:
    """Decode canonical text as *kind*; numbers that are not finite are strings in it."""
    if not text:
        return None
    try:
        return _decoder(kind).decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decode_leniently(bytes(text), kind)
    except RecursionError as error:
        raise RecordError("JSON is nested too deep") from error


def encode(value: Any) -> bytes:
    """Return the canonical text of *value*."""
    return _encoder.encode(value)


def encode_numbers(value: Wire) -> bytes:
    """Return the canonical text of *value*; numbers of its own that are not finite are encoded as strings."""
    text = encode(value)
    if b":null" not in text:
        return text
    numbers = {name: member for name in value.__struct_fields__ if isinstance(member := getattr(value, name), float)}
    return encode(msgspec.structs.replace(value, **{name: json_number(one) for name, one in numbers.items()}))


def json_number(number: float) -> float:
    """Return *number*, or a string if it is not finite, as the service encodes it."""
    # A string in a number field: only `encode` reads it.
    return number if math.isfinite(number) else double_text(number)  # type: ignore[return-value]


def json_list(items: Iterable[bytes]) -> bytes:
    """Return a JSON array of items that are already encoded."""
    return b"[%b]" % b",".join(items)
