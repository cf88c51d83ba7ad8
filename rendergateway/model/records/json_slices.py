"""
JSON text split into slices without decoding them.

A slice is a ``Raw``: a view into the text it was cut from, so that a response of many tiles costs its bytes and one
pointer per tile. A slice preserves unknown members, their order and the number text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Raw

from rendergateway.errors import RecordError
from rendergateway.visible_text import one_line

__all__ = [
    "Raw",
    "Text",
    "copy_of",
    "cut_list",
    "cut_object",
    "decode",
    "decode_text",
    "encode",
    "join_list",
    "join_object",
    "shown",
    "shown_names",
]

T = TypeVar("T")
Text: TypeAlias = bytes | bytearray | memoryview | str | Raw

_SHOWN, _SHOWN_NAMES = 60, 5
# Not UTF-8, and nested too deep, are found by other errors.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_object_decoder = msgspec.json.Decoder(dict[str, Raw])
_list_decoder = msgspec.json.Decoder(list[Raw])


def _plain(value: Any) -> Any:
    """Return a numpy scalar as a plain Python value."""
    import numpy as np  # Imported for such a value only.

    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def shown(text: Text) -> str:
    """Return the start of *text*, for error messages."""
    words = copy_of(text)
    return one_line(words[:_SHOWN].decode("utf-8", "replace"), _SHOWN) + ("…" if len(words) > _SHOWN else "")


def shown_names(members: Mapping[str, Text]) -> str:
    """Return the first names of a JSON object's *members*, for error messages."""
    names = list(members)
    return (", ".join(names[:_SHOWN_NAMES]) or "nothing") + (", …" if len(names) > _SHOWN_NAMES else "")


def copy_of(text: Text) -> bytes:
    """Return *text* as bytes that do not keep a larger buffer alive."""
    return text.encode() if isinstance(text, str) else bytes(text)


def cut_object(text: Text) -> dict[str, Raw]:
    """
    Split a JSON object into its members, each as text.

    Raises
    ------
    RecordError
        If *text* is not a JSON object.
    """
    try:
        return _object_decoder.decode(text)
    except _UNREADABLE as error:
        raise RecordError(f"expected a JSON object, not {shown(text)}: {error}") from error


def cut_list(text: Text) -> list[Raw]:
    """
    Split a JSON array into its items, each as text.

    Raises
    ------
    RecordError
        If *text* is not a JSON array.
    """
    try:
        return _list_decoder.decode(text)
    except _UNREADABLE as error:
        raise RecordError(f"expected a JSON array, not {shown(text)}: {error}") from error


def join_object(members: Mapping[str, Text]) -> bytes:
    """Return a JSON object of *members*, whose values are already JSON text."""
    return b"{%b}" % b",".join(b"%b:%b" % (_encoder.encode(name), copy_of(text)) for name, text in members.items())


def join_list(items: Iterable[Text]) -> bytes:
    """Return a JSON array of *items*, which are already JSON text."""
    return b"[%b]" % b",".join([item.encode() if isinstance(item, str) else item for item in items])


def decode(text: Text, kind: type[T] | Any = Any) -> T:
    """
    Decode *text* as *kind*.

    Raises
    ------
    RecordError
        If it is not JSON or not of that type; the message quotes the text.
    """
    try:
        value: T = msgspec.json.decode(text, type=kind)
    except _UNREADABLE as error:
        raise RecordError(f"{error}: got {shown(text)}") from error
    return value


def decode_text(text: Text) -> str:
    """
    Decode a JSON string; a number or boolean is its text, as in the service.

    Raises
    ------
    RecordError
        If it is something else.

    Examples
    --------
    >>> decode_text('"a"'), decode_text("7.50")
    ('a', '7.50')
    """
    try:
        return decode(text, str)
    except RecordError:
        if isinstance(decode(text), bool | int | float):
            return copy_of(text).decode()
        raise


def encode(value: Any) -> bytes:
    """
    Return *value* as compact JSON text.

    Raises
    ------
    TypeError
        If *value* contains a type without a JSON form.
    """
    return _encoder.encode(value)
