"""Answers that violate HTTP or JSON: each is one typed error, within the limits, and ends its connection."""

from __future__ import annotations

import gzip
import os
import random
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from rendergateway import (
    AddressError,
    AnswerError,
    ConnectionFailedError,
    Gateway,
    RenderGatewayError,
    RequestError,
    Retries,
)
from rendergateway.testing.misbehaving import answers, sends, transmits
from tests.transport.conftest import Connect, Serve

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
STACK = {"owner": "o", "project": "p", "stack": "s"}
LIMIT = 1_000_000
GOOD = b'["lab"]'
# Without the time: ids of tests are made of it.
GZIPPED = gzip.compress(GOOD, mtime=0)

# One endpoint per kind of request and answer.
KINDS: dict[str, Callable[[Gateway], Any]] = {
    "read": lambda gateway: gateway.call("owner.list"),
    "read one object": lambda gateway: gateway.call("stack.read", **STACK),
    "read text": lambda gateway: gateway.call("service.unique_id"),
    "unparsed": lambda gateway: gateway.call_raw("stack.resolved_tiles", **STACK),
    "put": lambda gateway: gateway.call("stack.save_tiles", **STACK, body=b"{}"),
    "post": lambda gateway: gateway.call("stack.create", **STACK, body={}),
    "delete": lambda gateway: gateway.call("stack.delete", **STACK),
    "picture": lambda gateway: gateway.call("section.png", **STACK, z=1),
    "any path": lambda gateway: gateway.request("GET", "anything"),
    "listing": lambda gateway: gateway.stack("s").section(1).tiles().ids,
    "streamed": lambda gateway: list(gateway.stack("s").iter_tiles()),
}


def head(*lines: str, status: str = "200 OK") -> bytes:
    """Return the head of an answer."""
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, "")).encode()


def chunked(body: bytes) -> bytes:
    """Return an answer with this body of chunks."""
    return head("Content-Type: application/json", "Transfer-Encoding: chunked") + body


def compressed(body: bytes, coding: str = "gzip") -> bytes:
    """Return an answer with this compressed body."""
    return head("Content-Type: application/json", f"Content-Length: {len(body)}", f"Content-Encoding: {coding}") + body


BOTH = ("Transfer-Encoding: chunked", "Content-Length: 5")
VIOLATES = "sent an answer that violates HTTP"

# The bytes of the answer, the error of each kind of request, and its message.
MALFORMED: dict[str, tuple[bytes, type[RequestError], str]] = {
    "status 101": (head("Upgrade: h2c", status="101 Switching Protocols"), AnswerError, f"{VIOLATES}: status 101"),
    "status 102": (head(status="102 Processing") + head("Content-Length: 0"), AnswerError, "status 102"),
    "status 103": (head(status="103 Early Hints") + head("Content-Length: 0"), AnswerError, "status 103"),
    "length and chunks": (head(*BOTH) + b"7\r\n" + GOOD + b"\r\n0\r\n\r\n", AnswerError, "both Content-Length and"),
    "length of 5 000 digits": (head(f"Content-Length: {'9' * 5000}") + GOOD, AnswerError, r"Length is '9{30,50}…9+'"),
    "length of 19 digits": (head(f"Content-Length: {'9' * 19}") + GOOD, AnswerError, "Content-Length is '9{19}'"),
    "negative length": (head("Content-Length: -1") + GOOD, AnswerError, "Content-Length is '-1'"),
    "signed length": (head("Content-Length: +7") + GOOD, AnswerError, r"Content-Length is '\+7'"),
    "length with an underscore": (head("Content-Length: 0_7") + GOOD, AnswerError, "Content-Length is '0_7'"),
    "length in other digits": (head("Content-Length: ²") + GOOD, AnswerError, "Content-Length is "),
    "empty length": (head("Content-Length: ") + GOOD, AnswerError, "Content-Length is ''"),
    "two lengths": (head("Content-Length: 7", "Content-Length: 7") + GOOD, AnswerError, "Content-Length is '7, 7'"),
    "other transfer encoding": (head("Transfer-Encoding: gzip, chunked") + GOOD, AnswerError, "'gzip, chunked'"),
    "chunked twice": (head(*["Transfer-Encoding: chunked"] * 2) + GOOD, AnswerError, "'chunked, chunked'"),
    "chunked with a blank": (head("Transfer-Encoding: chunked ") + b"0\r\n\r\n", AnswerError, "is 'chunked '"),
    "negative chunk": (chunked(b"-5\r\n" + GOOD), AnswerError, "the size of a chunk is b'-5'"),
    "chunk in Python's notation": (chunked(b"0x7\r\n" + GOOD + b"\r\n0\r\n\r\n"), AnswerError, "a chunk is b'0x7'"),
    "second chunk without size": (chunked(b"1\r\n[\r\n\r\n"), AnswerError, "the size of a chunk is b''"),
    "chunk of 5 000 digits": (chunked(b"9" * 5000 + b"\r\n" + GOOD), AnswerError, "a chunk is b'9{20}'"),
    "endless size of a chunk": (chunked(b"1;" + b"x" * 200_000), AnswerError, "the size of a chunk is b'1'"),
    "compression that was not accepted": (compressed(GOOD, "br"), AnswerError, "in 'br', which was not accepted"),
    "doubly compressed": (compressed(GZIPPED, "gzip, gzip"), AnswerError, "in 'gzip, gzip'"),
    "gzip bomb": (compressed(gzip.compress(bytes(200_000_000), 1)), AnswerError, "longer than 1000000 bytes"),
    "deflate bomb": (compressed(zlib.compress(bytes(200_000_000), 1), "deflate"), AnswerError, "longer than 1000000"),
    "huge chunk": (chunked(b"fffffffffffffff\r\n" + b" " * 2 * LIMIT), AnswerError, "longer than 1000000 bytes"),
    "truncated chunk": (chunked(b"64\r\n" + GOOD), ConnectionFailedError, "truncated answer"),
    "without the last chunk": (chunked(b"7\r\n" + GOOD + b"\r\n"), ConnectionFailedError, "truncated answer|violates"),
    "long header": (head(f"X: {'x' * 70_000}"), ConnectionFailedError, "did not answer in HTTP"),
    "many headers": (head(*["X: y"] * 200), ConnectionFailedError, "did not answer in HTTP"),
    "long status line": (b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n", ConnectionFailedError, "not answer in HTTP"),
    "status that is no number": (head(status="²00 OK"), ConnectionFailedError, "did not answer in HTTP"),
    "status 1000": (head("Content-Length: 0", status="1000 OK"), ConnectionFailedError, "did not answer in HTTP"),
    "another protocol": (b"RTSP/1.0 200 OK\r\n\r\n", ConnectionFailedError, "did not answer in HTTP"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed__its_error(serve: Serve, connect: Connect, name: str, kind: str) -> None:
    """An answer that violates HTTP is its error for each kind of request; the next request opens a connection."""
    message, error_class, words = MALFORMED[name]
    server = serve(transmits(message, hangs_up=error_class is ConnectionFailedError), answers(["lab"]))
    gateway = connect(server.url, retries=Retries(total=0), answer_limit=LIMIT, budget_s=20)

    with pytest.raises(error_class, match=words) as caught:
        KINDS[kind](gateway)

    assert caught.value.attempts == len(server.requests) == 1
    assert len(str(caught.value)) < 1000
    assert gateway.call("owner.list") == ["lab"]
    assert server.connections == 2


def test_malformed__a_write_may_have_taken_effect(serve: Serve, connect: Connect) -> None:
    """The error of a write whose answer violates HTTP states that its effect is unknown."""
    gateway = connect(serve(transmits(MALFORMED["status 103"][0])).url)

    with pytest.raises(AnswerError, match="unknown whether it took effect"):
        KINDS["post"](gateway)


@pytest.mark.parametrize("name", ["gzip bomb", "deflate bomb", "huge chunk", "endless size of a chunk"])
def test_limit__of_memory(serve: Serve, connect: Connect, name: str) -> None:
    """An answer beyond the limit takes little more memory than the limit, whatever it announces."""
    gateway = connect(serve(transmits(MALFORMED[name][0])).url, answer_limit=LIMIT)
    gateway.call_raw  # noqa: B018  Loads the transport before it is measured.

    tracemalloc.start()
    with pytest.raises(AnswerError):
        gateway.call("owner.list")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 100 * LIMIT


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (("Content-Length: 7",), GOOD),
        (("Transfer-Encoding: chunked",), b"3\r\n[\"l\r\n4;a=b\r\nab\"]\r\n0\r\nX-Trailer: 1\r\n\r\n"),
        (("Transfer-Encoding: Chunked",), b"07\r\n" + GOOD + b"\r\n0\r\n\r\n"),
        (("Content-Encoding: identity", "Content-Length: 7"), GOOD),
        (("Content-Encoding: GZIP", f"Content-Length: {len(GZIPPED)}"), GZIPPED),
        (("Content-Encoding: deflate", f"Content-Length: {len(zlib.compress(GOOD))}"), zlib.compress(GOOD)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, None])
def test_pieces__are_joined(serve: Serve, connect: Connect, lines: tuple[str, ...], body: bytes, size: int) -> None:
    """An answer may come in any pieces, with a length or in chunks, compressed or not; its connection is used again."""
    server = serve(transmits(head("Content-Type: application/json", *lines) + body, size=size))
    gateway = connect(server.url)

    assert [gateway.call("owner.list") for _ in range(3)] == [["lab"]] * 3
    assert server.connections == 1


def test_no_content__with_a_body(serve: Serve, connect: Connect) -> None:
    """A body after 204, which must not be there, is not taken for the next answer."""
    nothing = head("Content-Length: 7", status="204 No Content") + GOOD
    in_chunks = head("Transfer-Encoding: chunked", status="204 No Content") + b"7\r\n" + GOOD + b"\r\n0\r\n\r\n"
    server = serve(transmits(nothing), transmits(in_chunks), transmits(head(status="204 No Content")), answers(["lab"]))
    gateway = connect(server.url)

    assert [KINDS["put"](gateway) for _ in range(3)] == [None] * 3
    assert gateway.call("owner.list") == ["lab"]
    assert server.connections == 3


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "any path"])
def test_page__is_no_success(serve: Serve, connect: Connect, kind: str) -> None:
    """A page of a proxy or a login is an error for each kind of request, for those without an answer too."""
    gateway = connect(serve(sends(b"<html>Sign in</html>", content_type="text/html")).url)

    with pytest.raises(AnswerError, match="the answer is an HTML page"):
        KINDS[kind](gateway)


VALUES: dict[str, dict[str, Any]] = {
    "owner.list": {},
    "stack.read": STACK,
    "box.tile_count": {**STACK, "z": 1, "x": 0, "y": 0, "width": 9, "height": 9},
    "section.png": {**STACK, "z": 1},
    "service.unique_id": {},
}


@pytest.mark.parametrize(
    ("endpoint", "body", "words"),
    [
        ("owner.list", b"{}", r"not JSON of this endpoint, list: got \{\} "),
        ("owner.list", b"null", "not JSON of this endpoint, list: got null"),
        ("owner.list", b'"[]"', "not JSON of this endpoint, list"),
        ("owner.list", b"", "empty; expected JSON"),
        ("owner.list", b" [1, ", "truncated after 5 bytes"),
        ("stack.read", b"[]", r"not JSON of this endpoint, object: got \[\]"),
        ("stack.read", b"Sign in", "not JSON of this endpoint, object: got Sign in"),
        ("stack.read", b'{"a"', "truncated after 4 bytes"),
        ("box.tile_count", b"[1]", "not JSON of this endpoint, scalar"),
        ("box.tile_count", b"true", "not JSON of this endpoint, scalar"),
        ("box.tile_count", b"", "empty; expected JSON"),
        ("section.png", b"", "empty; expected an image"),
    ],
)
def test_kind__of_another_endpoint(serve: Serve, connect: Connect, endpoint: str, body: bytes, words: str) -> None:
    """An answer must be of the endpoint's kind, whatever its content type."""
    gateway = connect(serve(sends(body)).url)

    with pytest.raises(AnswerError, match=words):
        gateway.call(endpoint, **VALUES[endpoint])


@pytest.mark.parametrize(
    ("endpoint", "body", "value"),
    [
        ("owner.list", b' ["a"]\r\n', ["a"]),
        ("stack.read", b'\n{"a": 1} ', {"a": 1}),
        ("box.tile_count", b" 7", 7),
        ("box.tile_count", b"-0.5", -0.5),
        ("box.tile_count", b'"NaN"', "NaN"),
        ("section.png", b"\x89PNG", b"\x89PNG"),
        ("service.unique_id", b"", ""),
    ],
)
def test_kind__of_the_endpoint(serve: Serve, connect: Connect, endpoint: str, body: bytes, value: object) -> None:
    """White space around JSON does not count, and a text may be empty."""
    assert connect(serve(sends(body)).url).call(endpoint, **VALUES[endpoint]) == value


@pytest.mark.parametrize("endpoint", ["owner.list", "section.png"])
def test_kind__missing(serve: Serve, connect: Connect, endpoint: str) -> None:
    """Objects, scalars and texts may be missing, which is None; lists and images may not."""
    gateway = connect(serve(sends(b"", status=204)).url)

    with pytest.raises(AnswerError, match="the answer is empty"):
        gateway.call(endpoint, **VALUES[endpoint])
    assert gateway.call("stack.read", **STACK) is None
    assert gateway.call("service.unique_id") is None


@pytest.mark.parametrize("length", [LIMIT, LIMIT + 1])
@pytest.mark.parametrize("in_chunks", [False, True])
def test_limit__to_the_byte(serve: Serve, connect: Connect, length: int, in_chunks: bool) -> None:
    """An answer of exactly the limit is returned."""
    body = b"[" + b" " * (length - 2) + b"]"
    message = (
        chunked(b"%x\r\n" % length + body + b"\r\n0\r\n\r\n") if in_chunks else head(f"Content-Length: {length}") + body
    )
    gateway = connect(serve(transmits(message)).url, answer_limit=LIMIT)

    if length == LIMIT:
        assert gateway.call("owner.list") == []
    else:
        with pytest.raises(AnswerError, match="longer than 1000000 bytes"):
            gateway.call("owner.list")


# Answers in good HTTP whose JSON cannot be used.
UNREADABLE = {
    "nested lists": b"[" * 200_000 + b"]" * 200_000,
    "nested objects": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "no UTF-8": b'{"\xff":["\xff"]}',
    "number of 5 000 digits": b'{"a":[' + b"9" * 5000 + b"]}",
    "lone surrogate": b'{"\\ud800":["\\ud800"]}',
    "other brackets": b"{]}",
    "several lines": b"[\r\n}\x1b[2J\n]",
}


@pytest.mark.parametrize("kind", ["read", "read one object", "listing", "streamed"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_json__unreadable(serve: Serve, connect: Connect, name: str, kind: str) -> None:
    """JSON that cannot be decoded is a typed error in one line of bounded length."""
    gateway = connect(serve(sends(UNREADABLE[name])).url)

    with pytest.raises(RenderGatewayError) as caught:
        KINDS[kind](gateway)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("place", ["http://[bad", "http://[::1", "//[", "http://me:pw@[x]/"])
def test_redirection__to_an_invalid_address(serve: Serve, connect: Connect, place: str) -> None:
    """A redirection to an invalid address is an AddressError, without user name and password."""
    gateway = connect(serve(transmits(head(f"Location: {place}", "Content-Length: 0", status="302 Found"))).url)

    with pytest.raises(AddressError, match="got 302") as caught:
        gateway.call("owner.list")
    assert "pw" not in str(caught.value)


HEADERS = [
    b"Content-Length: 7", b"Content-Length: 0", b"Content-Length: 99999999999", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity", b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Connection: close",
    b"Retry-After: 0", b"Retry-After: \xb2", b"Location: http://[", b"Content-Type: text/html", b"Content-Type: \xff",
    b": nameless", b"no colon", b" folded", b"Set-Cookie: a=b; expires=never", b"WWW-Authenticate: Basic",
]  # fmt: skip
BODIES = [
    GOOD,
    b"",
    b"7\r\n" + GOOD + b"\r\n0\r\n\r\n",
    GZIPPED,
    b"<html>",
    b"\x89PNG\r\n\x1a\n",
    b"{}",
]
STATUSES = [200, 200, 200, 201, 204, 206, 304, 302, 100, 103, 400, 401, 404, 414, 500, 503, 599, 999]


def random_answer(seed: int) -> bytes:
    """Return an answer of random status, headers and body, some of whose bytes are changed."""
    chance = random.Random(seed)
    lines = chance.choices(HEADERS, k=chance.randrange(5))
    body = chance.choice(BODIES)
    if chance.random() < 0.5:
        lines.append(b"Content-Length: %d" % len(body))
    message = bytearray(b"\r\n".join([b"HTTP/1.1 %d x" % chance.choice(STATUSES), *lines, b"", b""]) + body)
    for _ in range(chance.choice([0, 0, 1, 3, 30])):
        place = chance.randrange(len(message))
        message[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(message)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(6000 if FULL else 120))
def test_random__ends_in_a_typed_error(serve: Serve, connect: Connect, seed: int) -> None:
    """After arbitrary bytes the request succeeds or raises a RequestError, and the next one gets its own answer."""
    # Half of the servers leave the connection open, so that the client may wait for the rest of the answer.
    server = serve(transmits(random_answer(seed), hangs_up=seed % 2 == 0), answers(["next"]))
    gateway = connect(server.url, retries=Retries(total=0), answer_limit=LIMIT, data_timeout_s=0.2)

    error = None
    try:
        list(KINDS.values())[seed % len(KINDS)](gateway)
    except RenderGatewayError as raised:
        error = raised
    assert error is None or (len(str(error)) < 5000 and str(error).isprintable())

    # Repeated, because the server may close the connection while the request is on its way.
    patient = gateway.using(retries=Retries(total=2, backoff_s=0), data_timeout_s=60)
    assert patient.call("owner.list") == ["next"]
