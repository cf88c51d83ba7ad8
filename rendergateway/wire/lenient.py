"""
Lenient decoding: JSON that strict decoding refuses but the real service accepts.

Numbers in quotes, numbers and booleans for strings, fractions for integers, ``""`` for null, a byte order mark, text
after the value, a transform without type: everything that Jackson accepts, with Jackson's limits.
"""

from __future__ import annotations

import calendar
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.records.dates import date_text
from rendergateway.number_text import parse_double
from rendergateway.wire.base import DateText, Int32, Wire
from rendergateway.wire.depth import check_depth
from rendergateway.wire.matches import CanvasMatches, SentPair
from rendergateway.wire.tiles import Channel, NoTransforms, RenderParametersJson, ResolvedTilesJson, SentTiles, TileSpec
from rendergateway.wire.transforms import Interpolated, Leaf, Reference, SpecList

__all__ = ["decode_leniently", "parse"]

_DATE = re.compile(r"\s*(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z")
_INT_RANGES = {Int32: range(-(2**31), 2**31), int: range(-(2**63), 2**63)}
_SPEC_KINDS: dict[str, type[Wire]] = {"leaf": Leaf, "list": SpecList, "ref": Reference, "interpolated": Interpolated}
# Classes whose null is not the default: a primitive number or flag becomes 0 or false, anything else is omitted when
# encoded, but not replaced by the default.
_KEEP_NULL = (TileSpec, Channel, RenderParametersJson)
_PRIMITIVES = {float: 0.0, Int32: 0, bool: False}
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
_AFTER_NUMBER = ("", " ", "\t", "\r", "\n")


def _refuse_constant(word: str) -> Any:
    raise RecordError(f"Non-standard token '{word}'")


class _Written(float):
    """A number with its original text, which becomes the value of string fields."""

    text: str


def _read_float(text: str) -> _Written:
    number = _Written(text)
    number.text = text
    return number


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_read_float)


def parse(text: bytes) -> Any:
    """
    Return the first JSON value in *text*; None if it is blank.

    Raises
    ------
    RecordError
        If it is malformed, or nested too deep.
    """
    words = _read(text).lstrip("\ufeff").lstrip(" \t\r\n")
    if not words:
        return None
    check_depth(words.encode("utf-8", "surrogatepass"))
    try:
        value, end = _decoder.raw_decode(words)
    except ValueError as error:
        raise RecordError(f"no JSON: {error}") from error
    # Text after any other value is ignored.
    if isinstance(value, (int, float)) and words[end : end + 1] not in _AFTER_NUMBER:
        raise RecordError(f"Unexpected character ({words[end]!r}): Expected space separating root-level values")
    return value


def decode_leniently(text: bytes, kind: Any) -> Any:
    """
    Decode *text* as *kind*, a wire object or a type composed of them; None if the text is blank or null.

    Raises
    ------
    RecordError
        If the real service would refuse it too.
    """
    return _coerce(parse(text), kind, "$")


def _read(text: bytes) -> str:
    try:
        return text.decode(json.detect_encoding(text))
    except UnicodeDecodeError as error:
        raise RecordError(f"Invalid UTF-8: {error}") from error


def _coerce(value: Any, kind: Any, place: str) -> Any:
    if value is None:
        return None
    return _coercion(kind)(value, place)


@functools.cache
def _coercion(kind: Any) -> Callable[[Any, str], Any]:
    if kind in _SCALARS:
        return _SCALARS[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in arguments if one not in (type(None), NoTransforms)]
        return _coercion(kinds[0]) if len(kinds) == 1 else _spec
    if origin is list:
        return functools.partial(_list, item_kind=arguments[0])
    if origin is dict:
        return functools.partial(_dict, key_kind=arguments[0], item_kind=arguments[1])
    if origin is typing.Literal:
        return functools.partial(_word, words=arguments)
    if kind is SpecList:
        return _outer_list
    if kind in _SENT:
        return _SENT[kind]
    return functools.partial(_object, kind=kind)


def _refused(value: Any, wanted: str, place: str) -> RecordError:
    shown = json.dumps(value)[:60]
    return RecordError(f"Cannot deserialize {shown} as {wanted} at {place}")


def _text(value: Any, place: str) -> str:
    if isinstance(value, str):
        return _whole(value, place)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _Written):
        return value.text
    if isinstance(value, (int, float)):
        return str(value)
    raise _refused(value, "text", place)


def _whole(text: str, place: str) -> str:
    """Return *text*; refuse a lone surrogate, which cannot be encoded."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RecordError(f"half a character at {place}") from error
    return text


def _float(value: Any, place: str) -> Any:
    if isinstance(value, str):
        return _float_from_text(value.strip(), place)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refused(value, "a number", place)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    # JSON cannot represent numbers that are not finite: the service encodes them as strings.
    return number if math.isfinite(number) else _not_finite_text(number)


def _float_from_text(word: str, place: str) -> Any:
    if not word:
        return None
    if word in (*_NOT_FINITE, "INF", "-INF"):
        return word.replace("INF", "Infinity")
    try:
        number = parse_double(word)
    except ValueError as error:
        raise _refused(word, "a number", place) from error
    return number if math.isfinite(number) else _not_finite_text(number)


def _not_finite_text(number: float) -> str:
    if number != number:
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _int(value: Any, place: str, kind: Any = int) -> int | None:
    if isinstance(value, str):
        word = value.strip()
        if not word:
            return None
        if not re.fullmatch(r"[+-]?\d+", word, re.ASCII):
            raise _refused(value, "a whole number", place)
        value = int(word)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refused(value, "a whole number", place)
    if int(value) not in _INT_RANGES[kind]:
        raise _refused(value, "a whole number of its range", place)
    return int(value)


def _bool(value: Any, place: str) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if isinstance(value, str) and value.strip() in ("true", "false", "True", "False", "TRUE", "FALSE", ""):
        return {"t": True, "f": False}.get(value.strip()[:1].lower())
    raise _refused(value, "true or false", place)


def _date(value: Any, place: str) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return _date_after_epoch(milliseconds=value)
    if not isinstance(value, str):
        raise _refused(value, "a date", place)
    if not value.strip():
        return None
    found = _DATE.match(value)
    if found is None:
        raise _refused(value, "a date", place)
    year, month, day, hour, minute, second, millisecond = map(int, found.groups())
    # Months, days and hours roll over, as in a lenient Java calendar.
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    seconds = calendar.timegm((year, month, 1, 0, 0, 0)) + (day - 1) * 86400 + hour * 3600 + minute * 60 + second
    return _date_after_epoch(milliseconds=seconds * 1000 + millisecond)


def _date_after_epoch(milliseconds: int) -> str:
    try:
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise RecordError(f"a date {milliseconds} ms after 1970 cannot be written") from error
    return date_text(moment)


def _word(value: Any, place: str, words: tuple[str, ...]) -> str | None:
    if isinstance(value, str) and value in words:
        return value
    if value == "":
        return None
    raise _refused(value, f"one of {', '.join(words)}", place)


def _list(value: Any, place: str, item_kind: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _refused(value, "a list", place)
    items = [_coerce(item, item_kind, f"{place}[{number}]") for number, item in enumerate(value)]
    # In arrays of primitive numbers the service reads null as 0.
    return [0.0 if item is None else item for item in items] if item_kind is float else items


def _dict(value: Any, place: str, key_kind: Any, item_kind: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise _refused(value, "an object", place)
    read = {_coerce(key, key_kind, place): _coerce(item, item_kind, f"{place}.{key}") for key, item in value.items()}
    if None in read:
        # An empty string is null in other places, but not a valid key.
        raise _refused("", "a name", place)
    return read


def _object(value: Any, place: str, kind: type[Wire]) -> Wire:
    if not isinstance(value, dict):
        raise _refused(value, kind.__name__.removesuffix("Json"), place)
    members: dict[str, Any] = {}
    for field in _fields(kind):
        if field.encode_name in value:
            member = _coerce(value[field.encode_name], field.type, f"{place}.{field.encode_name}")
            if member is not None or not _has_default(field):
                members[field.name] = member
            elif kind is RenderParametersJson and field.type in _PRIMITIVES:
                members[field.name] = _PRIMITIVES[field.type]
            elif kind in _KEEP_NULL:
                members[field.name] = msgspec.UNSET
    return kind(**members)


@functools.cache
def _fields(kind: type[Wire]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _has_default(field: msgspec.structs.FieldInfo) -> bool:
    return field.default_factory is not msgspec.NODEFAULT and type(None) not in typing.get_args(field.type)


def _spec(value: Any, place: str) -> Wire:
    """Decode a transform inside a list or map: an unknown or missing type is a leaf."""
    word = value.get("type", "leaf") if isinstance(value, dict) else "leaf"
    if isinstance(word, (list, dict)):
        raise _refused(word, "a type of transform", f"{place}.type")
    kind = _SPEC_KINDS.get(word, Leaf)
    return _object(value, place, kind)


def _outer_list(value: Any, place: str) -> Wire:
    if not isinstance(value, dict) or value.get("type") != "list":
        raise _refused(value, 'a list of transforms with "type": "list"', place)
    return _object(value, place, SpecList)


def _sent_pair(value: Any, place: str) -> SentPair:
    """Decode matches number by number; they are stored as text."""
    pair = _object(value, place, CanvasMatches)
    assert isinstance(pair, CanvasMatches)
    return SentPair.of(pair)


def _sent_tiles(value: Any, place: str) -> SentTiles:
    """Decode all tiles: any of them may need lenient decoding."""
    tiles = _object(value, place, ResolvedTilesJson)
    assert isinstance(tiles, ResolvedTilesJson)
    return SentTiles.of(tiles)


_SENT: dict[Any, Callable[[Any, str], Any]] = {SentPair: _sent_pair, SentTiles: _sent_tiles}
_SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    str: _text,
    float: _float,
    int: _int,
    Int32: functools.partial(_int, kind=Int32),
    bool: _bool,
    DateText: _date,
    Any: lambda value, place: value,
}
