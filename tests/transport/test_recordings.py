"""Recordings of the real service, replayed through ``gateway.call``."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import attrs
import pytest
import vcr
import yaml

from rendergateway import AnswerError, Gateway, RequestError, Retries
from rendergateway.endpoints import Endpoint, route
from rendergateway.errors import refusal

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "recordings-of-real-data"
CASSETTES = sorted((ROOT / "cassettes").rglob("*.yaml")) + sorted(SHARED.rglob("*.yaml"))
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PREFIX = "/render-ws/v1"
# Exchanges with these headers cannot be issued by `call`.
SPECIAL = {"accept", "accept-encoding", "content-encoding", "if-none-match", "if-match", "origin"}
ISSUED_AT_LEAST = 2000


@attrs.frozen
class Call:
    """A recorded request in terms of the endpoint table."""

    endpoint: Endpoint
    values: dict[str, Any]
    body: bytes | None


@functools.cache
def read_call(method: str, url: str, body: str | bytes | None) -> Call | None:
    """Return the call that corresponds to a request; None if there is none."""
    split = urlsplit(url)
    query = parse_qs(split.query, keep_blank_values=True)
    try:
        found = route(method, unquote(split.path.removeprefix(PREFIX)))
        if found is None or "%2F" in split.path.upper() or "//" in split.path or ";" in split.path:
            return None
        asked = found.endpoint.parse_query(query)
    except ValueError:
        return None
    if len(asked) != len(query):
        return None
    sent = body.encode() if isinstance(body, str) else body
    if found.endpoint.body == "none" and sent:
        return None
    return Call(found.endpoint, {**found.values, **asked}, sent or None)


def issued(method: str, url: str, body: str | bytes | None, headers: dict[str, str]) -> Call | None:
    """Return the call that sends the same request as a recorded one; None if there is none."""
    call = read_call(method, url, body)
    if call is None or SPECIAL & headers.keys():
        return None
    kind = "text/plain" if call.endpoint.body == "text" else "application/json"
    return call if headers.get("content-type", kind) == kind else None


def same_call(request: Any, recorded_request: Any) -> bool:
    """Return whether a request equals a recorded one, whatever the format of their numbers."""
    headers = {name.lower(): text(value) for name, value in recorded_request.headers.items()}
    stored = issued(recorded_request.method, recorded_request.uri, recorded_request.body, headers)
    # Compared by repr, because a recorded NaN equals no other.
    return stored is not None and repr(read_call(request.method, request.uri, request.body)) == repr(stored)


def text(value: str | bytes | list[str]) -> str:
    return value[0] if isinstance(value, list) else str(value)


def recorded(path: Path) -> Iterator[tuple[Call, dict[str, Any]]]:
    """Yield the exchanges of a recording that `call` can issue."""
    for exchange in yaml.load(path.read_text(), Loader=LOADER)["interactions"]:
        request = exchange["request"]
        headers = {name.lower(): text(value) for name, value in request["headers"].items()}
        call = issued(request["method"], request["uri"], request["body"], headers)
        if call is not None:
            yield call, exchange["response"]


def body_of(response: dict[str, Any]) -> bytes:
    body = response["body"]["string"] or b""
    return body.encode() if isinstance(body, str) else body


def expected(endpoint: Endpoint, response: dict[str, Any]) -> Any:
    """Return the expected result of `call`, or the class of the error for a recorded refusal."""
    status, body = response["status"]["code"], body_of(response)
    kind = next((v[0] for k, v in response["headers"].items() if k.lower() == "content-type"), "")
    if status >= 300:
        is_sentence = kind.startswith("text/plain") or (status == 400 and kind.startswith("text/html"))
        return type(refusal(status, body.decode() if is_sentence else ""))
    if status == 204 or endpoint.answer == "empty":
        return None
    if endpoint.answer == "bytes":
        return body
    if endpoint.answer == "text":
        return body.decode()
    try:
        return json.loads(body)
    except ValueError:  # The service writes odd tile ids without escaping them.
        return AnswerError


def outcome(gateway: Gateway, call: Call) -> Any:
    try:
        return gateway.call(call.endpoint.name, body=call.body, **call.values)
    except RequestError as error:
        return type(error)


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recording__client(path: Path) -> None:
    """Every answer is returned as recorded, and every refusal raises the error of the table."""
    recorder = vcr.VCR(record_mode="none", match_on=["same_call"])
    recorder.register_matcher("same_call", same_call)
    gateway = Gateway("http://render.test:8080", retries=Retries(total=0))

    with recorder.use_cassette(str(path)):
        for number, (call, response) in enumerate(recorded(path)):
            got = outcome(gateway, call)
            assert got == expected(call.endpoint, response), (number, call.endpoint.name, call.values)
    gateway.close()


def test_recordings__how_many_are_issued(capsys: pytest.CaptureFixture[str]) -> None:
    """Most exchanges can be issued by name; their number does not decrease unnoticed."""
    counts = {path: sum(1 for _ in recorded(path)) for path in CASSETTES if SHARED not in path.parents}
    total = sum(len(yaml.load(path.read_text(), Loader=LOADER)["interactions"]) for path in counts)

    with capsys.disabled():
        print(f" {sum(counts.values())} of {total} recorded exchanges issued by name ", end="")
    assert sum(counts.values()) >= ISSUED_AT_LEAST
