"""The access log: one line per request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rendergateway.service.http.access_log import AccessLog
from tests.service.conftest import STACK, Service


def _send(logged: AccessLog, target: str, *, read: bool = True) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": target,
        "PATH_INFO": target,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "localhost",
    }
    answer: Any = logged(environ, lambda *started: lambda text: None)
    if read:
        assert isinstance(b"".join(answer), bytes)
    answer.close()


def test_log__one_line_per_answer(stack: Service) -> None:
    """A line has time, client, request, status, bytes and duration, also for refused and streamed requests."""
    lines: list[str] = []
    logged = AccessLog(stack.adapter.application, lines.append)

    for target in ("/render-ws/v1/owners?a=b", f"/render-ws/v1{STACK}/tileIds", "/render-ws/v1/nowhere"):
        _send(logged, target)

    assert [re.sub(r"^\S+Z (.*) [\d.]+ ms$", r"\1", line) for line in lines] == [
        "127.0.0.1 GET /render-ws/v1/owners?a=b 200 7 bytes",
        f"127.0.0.1 GET /render-ws/v1{STACK}/tileIds 200 2 bytes",
        "127.0.0.1 GET /render-ws/v1/nowhere 404 0 bytes",
    ]


def test_log__aborted_answer(stack: Service) -> None:
    """An aborted answer is logged, and its transaction ends."""
    lines: list[str] = []

    _send(AccessLog(stack.adapter.application, lines.append), f"/render-ws/v1{STACK}/tileIds", read=False)

    assert "200 0 bytes" in lines[0]


def test_log__control_characters(stack: Service) -> None:
    """Line breaks and terminal codes in a path are escaped."""
    lines: list[str] = []

    _send(AccessLog(stack.adapter.application, lines.append), "/render-ws/v1/a\nb\x1b[2J\x9b")

    assert "/render-ws/v1/a%0Ab%1B[2J%9B" in lines[0]


def test_log__failing_body() -> None:
    """An answer that fails while it is sent is logged."""
    lines: list[str] = []

    def failing(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"abc"
        raise OSError

    answer: Any = AccessLog(failing, lines.append)({}, lambda *started: lambda text: None)
    pieces = iter(answer)
    assert next(pieces) == b"abc"
    answer.close()

    assert "200 3 bytes" in lines[0]
