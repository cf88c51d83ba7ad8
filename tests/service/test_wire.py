"""Strict and lenient decoding of request bodies, as in the real service."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rendergateway.errors import RecordError
from rendergateway.hash_order import hash_order
from rendergateway.wire import CanvasMatches, SentPair, StackVersionJson, TileSpec, decode_body, encode
from rendergateway.wire.lenient import decode_leniently

TAKEN = [
    ({"cycleNumber": "7"}, {"cycleNumber": 7}),
    ({"cycleNumber": " 7 "}, {"cycleNumber": 7}),
    ({"cycleNumber": 1.9}, {"cycleNumber": 1}),
    ({"cycleNumber": -1.9}, {"cycleNumber": -1}),
    ({"cycleNumber": ""}, {}),
    ({"versionNotes": True}, {"versionNotes": "true"}),
    ({"versionNotes": 12}, {"versionNotes": "12"}),
    ({"versionNotes": 12.5}, {"versionNotes": "12.5"}),
    ({"stackResolutionX": "4.5"}, {"stackResolutionX": 4.5}),
    ({"stackResolutionX": "NaN"}, {"stackResolutionX": "NaN"}),
    ({"stackResolutionX": "-Infinity"}, {"stackResolutionX": "-Infinity"}),
    ({"stackResolutionX": None, "unknown": [1]}, {}),
    ({"createTimestamp": "2024-05-06T07:08:09.5Z"}, {"createTimestamp": "2024-05-06T07:08:09.005Z"}),
    ({"createTimestamp": "2024-13-01T00:00:00.0Z rest"}, {"createTimestamp": "2025-01-01T00:00:00.000Z"}),
    ({"createTimestamp": 1000}, {"createTimestamp": "1970-01-01T00:00:01.000Z"}),
    ({"createTimestamp": ""}, {}),
]
REFUSED = [
    {"cycleNumber": "1.9"},
    {"cycleNumber": True},
    {"cycleNumber": 2**31},
    {"stackResolutionX": False},
    {"stackResolutionX": "wide"},
    {"stackResolutionX": "1_0"},
    {"versionNotes": []},
    {"createTimestamp": "2024-05-06T07:08:09Z"},
    {"createTimestamp": "2024-05-06T07:08:09.000+00:00"},
    {"createTimestamp": 1.5},
    {"mipmapPathBuilder": "text"},
    [],
]


@pytest.mark.parametrize(("sent", "kept"), TAKEN, ids=lambda value: json.dumps(value)[:40])
def test_lenient_lane__takes(sent: Any, kept: Any) -> None:
    """Bodies that the real service accepts are accepted, and stored as it stores them."""
    assert json.loads(encode(decode_body(json.dumps(sent).encode(), StackVersionJson))) == kept


@pytest.mark.parametrize("sent", REFUSED, ids=lambda value: json.dumps(value)[:40])
def test_lenient_lane__refuses(sent: Any) -> None:
    """Bodies that the real service refuses are refused, naming the member."""
    place = re.escape("".join(["$", *(f".{name}" for name in sent)]))
    with pytest.raises(RecordError, match=f"at {place}$"):
        decode_body(json.dumps(sent).encode(), StackVersionJson)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"{'a': 1}", "char 1"),
        (b"{a: 1}", "char 1"),
        (b"{,}", "char 1"),
        (b'{"a": .5}', "char 6"),
        (b'{"a": 01}', "char 7"),
        (b'{"a": NaN}', "token 'NaN'"),
    ],
)
def test_text__refused(text: bytes, place: str) -> None:
    """Text that is not JSON is refused with the place of the error, even in an unknown member."""
    with pytest.raises(RecordError, match=place):
        decode_body(text, StackVersionJson)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf{}", b"{}}", b"{} rest", '{"versionNotes":"é"}'.encode("utf-16")])
def test_text__taken(text: bytes) -> None:
    """A byte order mark, text after the value and other Unicode encodings are accepted."""
    assert isinstance(decode_body(text, StackVersionJson), StackVersionJson)


def test_number_for_text__as_written() -> None:
    """A number for a text member is stored as it was written."""
    assert decode_body(b'{"versionNotes": 1.50e3}', StackVersionJson).versionNotes == "1.50e3"


def test_half_a_character__refused() -> None:
    """An unpaired surrogate is refused."""
    with pytest.raises(RecordError, match=r"at \$\.versionNotes$"):
        decode_body(b'{"versionNotes": "\\ud800"}', StackVersionJson)


def test_nesting__limited() -> None:
    """Deeply nested JSON is refused by the lenient parser."""
    deep = b'{"a":' * 200 + b"1" + b"}" * 200
    with pytest.raises(RecordError, match="nested deeper"):
        decode_leniently(deep, StackVersionJson)


def test_overflow__becomes_text() -> None:
    """A number beyond the range of doubles is written as Infinity."""
    tile = decode_body(b'{"minX": 1e400, "z": -1e400}', TileSpec)

    assert json.loads(encode(tile))["minX"] == "Infinity"
    assert json.loads(encode(tile))["z"] == "-Infinity"


def test_tile__defaults_are_written() -> None:
    """Missing members of a tile get their defaults, or are omitted."""
    text = encode(decode_body(b'{"tileId": 1000, "other": 1, "channels": [{"name": "a"}]}', TileSpec))

    assert json.loads(text) == {
        "tileId": "1000",
        "mipmapLevels": {},
        "channels": [{"name": "a", "minIntensity": 0.0, "maxIntensity": 255.0, "mipmapLevels": {}}],
        "transforms": {"type": "list", "specList": []},
        "meshCellSize": 64.0,
    }


def test_transforms__outer_list_must_say_so() -> None:
    """The transforms of a tile need type ``list``; for the transforms inside, ``leaf`` is the default."""
    inside = b'{"transforms": {"type": "list", "specList": [{"className": "x"}, {"type": "?", "dataString": "y"}]}}'
    assert [spec.className for spec in decode_body(inside, TileSpec).transforms.specList] == ["x", None]

    with pytest.raises(RecordError):
        decode_body(b'{"transforms": {"specList": []}}', TileSpec)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number__survives(value: float) -> None:
    """A finite number is returned unchanged."""
    text = encode(decode_body(json.dumps({"z": value}).encode(), TileSpec))

    assert json.loads(text)["z"] == value


def test_matches__null_in_numbers_is_zero() -> None:
    """In arrays of numbers, null is read as 0."""
    pair = decode_body(b'{"matches": {"p": [[null, 1]], "w": [null]}}', CanvasMatches)

    assert pair.matches.p == [[0.0, 1.0]]
    assert pair.matches.w == [0.0]


def test_hash_order__as_java() -> None:
    """Channel names are in the recorded order."""
    assert hash_order(["DAPI", "TdTomato"]) == ["TdTomato", "DAPI"]


@pytest.mark.parametrize("numbers", ["[12345678901234567,1]", "[1,12345678901234567]", "[1, -12345678901234567]"])
@pytest.mark.parametrize("place", range(3))
def test_sent_pair__digits_beyond_a_double(numbers: str, place: int) -> None:
    """Integers of more digits than a double holds are stored as doubles, wherever they are; shorter ones as sent."""
    sides = ["[1,2]", "[1,2]", "[1,2]"]
    plain = '{{"p":[{},[1,2]],"q":[{},[1,2]],"w":{}}}'
    sides[place] = numbers

    sent = decode_body(b'[{"pId":"a","matches":%b}]' % plain.format(*sides).encode(), list[SentPair])[0]

    stored = bytes(sent.details(swapped=False))
    assert json.loads(stored) == json.loads(plain.format(*sides).replace("12345678901234567", "12345678901234568"))
    assert b"12345678901234567" not in stored
    short = plain.format("[1,123456789012345]", "[1,2]", "[1,2]").encode()
    assert decode_body(b'{"matches":%b}' % short, SentPair).details(swapped=False) == short
