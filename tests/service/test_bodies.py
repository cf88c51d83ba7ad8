"""Malformed, too large and unusual request bodies."""

from __future__ import annotations

import gzip
import io
import json
import random
from typing import Any

import attrs
import pytest

from rendergateway.errors import RecordError
from rendergateway.wire import StackVersionJson, decode_body
from rendergateway.wire.depth import DEEPEST, check_depth
from rendergateway.wire.lenient import decode_leniently
from tests.service.conftest import STACK, Service, tile

GZIP = {"Content-Encoding": "gzip"}
PAIRS = "/owner/lab/matchCollection/pairs"


def _limit(service: Service, limit: int) -> None:
    application = service.adapter.application
    application.options = attrs.evolve(application.options, body_limit=limit)


@pytest.mark.parametrize(
    ("compressed", "message"),
    [
        (gzip.compress(b"{}", mtime=0)[:-3], "incomplete gzip data"),
        (gzip.compress(b"{}", mtime=0) + b"more", "4 extra bytes at its end"),
        (b"{}", "invalid gzip data"),
        (b"", "incomplete gzip data"),
    ],
    ids=["cut", "garbage", "plain", "empty"],
)
def test_gzip__broken(service: Service, compressed: bytes, message: str) -> None:
    """Invalid or incomplete gzip data are refused with a message."""
    answer = service.send("POST", STACK, body=compressed, headers=GZIP)

    assert answer.status_code == 400
    assert message in answer.text
    assert service.json("/owner/lab/stackIds") == []


def test_gzip__bomb(service: Service) -> None:
    """A small body that decompresses beyond the limit is refused."""
    _limit(service, 100_000)
    bomb = gzip.compress(b'{"versionNotes": "%b"}' % bytes(b"x" * 10_000_000))
    assert len(bomb) < 100_000

    answer = service.send("POST", STACK, body=bomb, headers=GZIP)

    assert answer.status_code == 413
    assert "body_limit" in answer.text


def test_body__declared_too_large_is_not_read(service: Service) -> None:
    """A body with a Content-Length above the limit is refused unread."""
    _limit(service, 1000)

    class Untouched(io.BytesIO):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError("the body was read")

    environ = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": f"/render-ws/v1{STACK}",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "1001",
        "wsgi.input": Untouched(),
        "wsgi.url_scheme": "http",
    }
    started: list[str] = []

    def start_response(status: str, *rest: Any) -> Any:
        started.append(status)

    pieces = service.adapter.application(environ, start_response)

    assert started[0].startswith("413")
    assert "option body_limit" in b"".join(pieces).decode()


def _sent(service: Service, body: bytes, **environ: Any) -> tuple[str, str]:
    """Return status and text of the answer to a POST with these WSGI variables."""
    request = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": f"/render-ws/v1{STACK}",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    started: list[str] = []
    pieces = service.adapter.application(request | environ, lambda status, *rest: started.append(status))  # type: ignore[arg-type]
    return started[0][:3], b"".join(pieces).decode()


def test_body__cut_off(service: Service) -> None:
    """A body shorter than its Content-Length is refused, even if it is valid JSON."""
    assert _sent(service, b"{}", CONTENT_LENGTH="3") == (
        "400",
        "request body incomplete: got 2 of 3 bytes; send it again",
    )
    assert service.json("/owner/lab/stackIds") == []


@pytest.mark.parametrize("length", ["-1", "two", "1e3"])
def test_body__length_is_no_number(service: Service, length: str) -> None:
    """An invalid Content-Length is refused."""
    assert _sent(service, b"{}", CONTENT_LENGTH=length)[0] == "400"


def test_body__in_pieces(service: Service) -> None:
    """A body that arrives in pieces is joined."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(1)

    body = b'{"versionNotes":"a"}'
    assert _sent(service, b"", CONTENT_LENGTH=str(len(body)), **{"wsgi.input": Slow(body)})[0] == "201"
    assert service.json(STACK)["currentVersion"]["versionNotes"] == "a"


def test_body__without_length(service: Service) -> None:
    """A body without Content-Length is read only if the server marks its end, up to the limit."""
    _limit(service, 10)

    assert _sent(service, b"{}")[1] == "no stack version provided"
    assert _sent(service, b"{}", **{"wsgi.input_terminated": True})[0] == "201"
    assert _sent(service, b"{" + b" " * 10 + b"}", **{"wsgi.input_terminated": True})[0] == "413"


def test_gzip__large(service: Service) -> None:
    """A large, badly compressible body is decompressed completely."""
    notes = random.Random(1).randbytes(300_000).hex()

    answer = service.send("POST", STACK, body=gzip.compress(json.dumps({"versionNotes": notes}).encode()), headers=GZIP)

    assert answer.status_code == 201
    assert service.json(STACK)["currentVersion"]["versionNotes"] == notes


@pytest.mark.parametrize("text", [b'{"versionNotes": "a', b"{", b'{"versionNotes": "\xff"}', b'{"cycleNumber": 1e999}'])
def test_json__broken(service: Service, text: bytes) -> None:
    """Truncated JSON, invalid UTF-8 and out-of-range numbers are refused, and no stack is created."""
    answer = service.send("POST", STACK, body=text)

    assert answer.status_code == 400
    assert service.json("/owner/lab/stackIds") == []


def test_id__with_a_nul(stack: Service) -> None:
    """An id may contain any character, but a URL no NUL, as in the real service."""
    stack.save(tile("a\0b"), tile("a"))

    assert sorted(stack.json(f"{STACK}/tileIds")) == ["a", "a\0b"]
    assert stack.send("GET", f"{STACK}/tile/a%00b").status_code == 400
    assert set(stack.json(f"{STACK}/z/1/resolvedTiles")["tileIdToSpecMap"]) == {"a", "a\0b"}


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 400])
def test_number__beyond_doubles(stack: Service, number: str) -> None:
    """A number beyond the range of doubles is stored as infinity, in tiles and in matches."""
    sent = json.dumps({"tileIdToSpecMap": {"a": tile("a", minX=0, minY=0, maxX=1, maxY="?")}}).replace('"?"', number)
    pair = '[{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{"p":[[?]],"q":[[1]],"w":[1]}}]'.replace(
        "?", number
    )

    assert stack.send("PUT", f"{STACK}/resolvedTiles", body=sent.encode()).status_code == 201
    assert stack.send("PUT", f"{PAIRS}/matches", body=pair.encode()).status_code == 201

    assert stack.json(f"{STACK}/tile/a")["maxY"] == "Infinity"
    assert stack.json(f"{PAIRS}/pGroup/1/matches")[0]["matches"]["p"] == [["Infinity"]]


@pytest.mark.parametrize("lane", [decode_body, decode_leniently])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a\\"]":', b"}]")])
def test_nesting__limited_in_both_lanes(lane: Any, opening: bytes, closing: bytes) -> None:
    """The maximum nesting depth is accepted and one more level refused, whatever strings contain."""
    per_piece = opening.count(b"[") + opening.count(b'{"')
    times = (DEEPEST - 1) // per_piece
    inner = opening * times + b'"[[{"' + closing * times
    more = opening * (times + 1) + b'"]]"' + closing * (times + 1)

    assert isinstance(lane(b'{"unknown":%b}' % inner, StackVersionJson), StackVersionJson)
    with pytest.raises(RecordError, match="nested deeper"):
        lane(b'{"unknown":%b}' % more, StackVersionJson)


def test_nesting__limit_is_an_option(service: Service) -> None:
    """The nesting limit is an option of the service."""
    application = service.adapter.application
    application.options = attrs.evolve(application.options, nesting_limit=3)

    assert service.send("POST", STACK, body=b'{"a":[[1]]}').status_code == 201
    answer = service.send("POST", STACK, body=b'{"a":[[[1]]]}')
    assert (answer.status_code, "deeper than 3 levels, the service&#x27;s option" in answer.text) == (400, True)


@pytest.mark.parametrize("pad", range(2**20 - 8, 2**20 + 8))
def test_nesting__escapes_across_pieces(pad: int) -> None:
    """Escaped quotes are recognized across the boundaries of scanned pieces."""
    head = b'["' + b"x" * (pad - 2)

    check_depth(head + b'\\\\\\"' + b"[" * 200 + b'"]')
    with pytest.raises(RecordError):
        check_depth(head + b'\\\\",' + b"[" * 200 + b'"]')


@pytest.mark.parametrize("text", [b'["]","["]' * 50, b'{"a":"\\\\"}', b'"' + b"[" * 500 + b'"', b"[]" * 500, b""])
def test_nesting__brackets_in_strings_do_not_count(text: bytes) -> None:
    """Brackets in strings and values side by side do not count as nesting."""
    check_depth(text)


MATCHES = [
    '{"p":[[1,2.50],[3,4]],"q":[[5, 6],[7 ,8]],"w":[1.0,0.5]}',
    '{"w":[1,2],"q":[[5,6],[7,8]],"p":[[1,2],[3,4]],"other":[]}',
    '{"p":[[9007199254740993],[12345678901234567890]],"q":[[1],[2]],"w":[1]}',
    '{"p":[[],[]],"q":[[],[]],"w":[]}',
    '{"p":[[1e2,-0.0],[1E-7,-3]],"q":[[1,2],[3,4]],"w":[ ]}',
    '{"p":null,"w":[1]}',
    '{"p1":[[1]],"q":[[2]],"w":[3]}',
    '{"p":[[null,1]],"q":[["2",3]],"w":["NaN"]}',
]


@pytest.mark.parametrize("sides", [("1", "2"), ("2", "1")])
@pytest.mark.parametrize("text", MATCHES)
def test_matches__values_survive(service: Service, text: str, sides: tuple[str, str]) -> None:
    """Matches are returned as doubles with sides in order and without unknown members, however they were written."""
    body = f'[{{"pGroupId":"{sides[0]}","pId":"a","qGroupId":"{sides[1]}","qId":"a","matches":{text}}}]'
    sent = json.loads(text, parse_int=float)
    if sides == ("2", "1"):
        sent["p"], sent["q"] = sent.get("q"), sent.get("p")
    wanted = {name: _as_read(sent[name]) for name in ("p", "q", "w") if sent.get(name) is not None}

    assert service.send("PUT", f"{PAIRS}/matches", body=body.encode()).status_code == 201

    (pair,) = service.json(f"{PAIRS}/pGroup/1/matches")
    assert pair["matches"] == wanted
    assert pair["matchCount"] == len(sent["w"])


def _as_read(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_read(item) for item in value]
    return {None: 0.0, "2": 2.0}.get(value, value)


@pytest.mark.parametrize(
    "matches",
    ['{"p":[1],"q":[[1]],"w":[1]}', '{"p":[[1]],"q":[[1]],"w":[[1]]}', '{"p":[[[1]]],"q":[[1]],"w":[1]}', "[]"],
)
def test_matches__of_another_shape(service: Service, matches: str) -> None:
    """Points that are not lists per dimension are refused."""
    body = f'[{{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{matches}}}]'

    assert service.send("PUT", f"{PAIRS}/matches", body=body.encode()).status_code == 400
