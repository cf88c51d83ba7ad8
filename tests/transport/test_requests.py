"""Requests and retries against a real server on loopback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from rendergateway import (
    AddressError,
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ClosedGatewayError,
    Gateway,
    NotFoundError,
    Retries,
    ServerError,
    ServiceError,
    StackStateError,
)

BASE = "/render-ws/v1"
STACK = {"owner": "o", "project": "p", "stack": "s"}
STACK_PATH = f"{BASE}/owner/o/project/p/stack/s"


@pytest.fixture
def make(httpserver: HTTPServer) -> Iterator[Callable[..., Gateway]]:
    """Creates gateways to the server of the test; their waits between attempts are recorded instead of slept."""
    made = []

    def make(**options: object) -> Gateway:
        gateway = Gateway(httpserver.url_for("/").rstrip("/"), owner="o", project="p", **options)  # type: ignore[arg-type]
        gateway.waits = []  # type: ignore[attr-defined]
        gateway._client._pool._sleep = gateway.waits.append  # type: ignore[attr-defined]
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        gateway.close()


def answers(*responses: Response) -> Callable[[Request], Response]:
    """Return a handler with one response after another; the last one is repeated."""
    left = list(responses)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def said(status: int, sentence: str, **headers: str) -> Response:
    return Response(sentence, status, content_type="text/plain;charset=utf-8", headers=headers)


def test_call__answer_kinds(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """JSON is returned parsed, text as text, bytes as bytes, and an empty answer as None."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_json(["a", "b"])
    httpserver.expect_request(f"{BASE}/likelyUniqueId").respond_with_data("0a1b", content_type="text/plain")
    httpserver.expect_request(f"{STACK_PATH}/z/1.0/png-image").respond_with_data(b"\x89PNG", content_type="image/png")
    httpserver.expect_request(f"{STACK_PATH}/hierarchicalData").respond_with_response(Response(status=204))
    gateway = make()

    assert gateway.call("owner.list") == ["a", "b"]
    assert gateway.call("service.unique_id") == "0a1b"
    assert gateway.call("section.png", **STACK, z=1) == b"\x89PNG"
    assert gateway.call("hierarchy.read", **STACK) is None


def test_call__bodies(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """Values are sent as JSON, bytes unchanged, text as text, with the content type of the endpoint."""
    seen = []

    def keep(request: Request) -> Response:
        seen.append((request.content_type, request.get_data()))
        return Response(status=200)

    httpserver.expect_request(f"{STACK_PATH}/cycle").respond_with_handler(keep)
    httpserver.expect_request(f"{STACK_PATH}/defaultChannel").respond_with_handler(keep)
    httpserver.expect_request(f"{STACK_PATH}/materializedBoxRootPath").respond_with_handler(keep)
    gateway = make()

    gateway.call("stack.set_cycle", **STACK, body={"number": 1})
    gateway.call("stack.set_cycle", **STACK, body=b'{"number" : 2}')
    gateway.call("stack.set_default_channel", **STACK, body="DAPI")
    gateway.call("stack.set_box_root", **STACK, body="/boxes")

    assert seen == [
        ("application/json", b'{"number":1}'),
        ("application/json", b'{"number" : 2}'),
        ("application/json", b"DAPI"),
        ("text/plain", b"/boxes"),
    ]
    with pytest.raises(TypeError, match="takes no body"):
        gateway.call("owner.list", body={})


def test_call__unknown_endpoint(make: Callable[..., Gateway]) -> None:
    """An unknown endpoint is rejected without a request."""
    with pytest.raises(KeyError, match=r"stack\.raed"):
        make().call("stack.raed", **STACK)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (said(404, "stack with owner 'o', project 'p', and name 's' does not exist"), NotFoundError),
        (said(400, "stack s does not contain any tiles with a z value of 1.0"), NotFoundError),
        (said(500, "Data for stack s cannot be modified because it is READ_ONLY."), StackStateError),
        (said(400, "stack state is COMPLETE but must be LOADING to delete tiles"), StackStateError),
        (said(400, "invalid stack 'a-b' specified"), BadRequestError),
        (said(500, "it broke"), ServerError),
        (said(401, "who are you?"), AuthenticationError),
        (said(403, "not for you"), AuthenticationError),
        (Response("", 404), AddressError),
        (Response("<html>nginx</html>", 404, content_type="text/html"), AddressError),
        (Response("", 405), AddressError),
        (Response("", 302, headers={"Location": "http://elsewhere.example/"}), AddressError),
        (Response("not json", 200, content_type="application/json"), AnswerError),
    ],
)
def test_refusal__its_error(
    httpserver: HTTPServer, make: Callable[..., Gateway], response: Response, error: type[Exception]
) -> None:
    """Each refusal raises the error of the table; its message contains the URL, after the service's message."""
    httpserver.expect_request(STACK_PATH).respond_with_response(response)

    with pytest.raises(error) as caught:
        make().call("stack.read", **STACK)

    message = str(caught.value)
    assert STACK_PATH in message
    if (response.content_type or "").startswith("text/plain"):
        assert message.startswith(response.get_data(as_text=True))


def test_refusal__read_only_service(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """The error of a read-only service does not suggest credentials, which would not help."""
    httpserver.expect_request(STACK_PATH).respond_with_response(said(403, "refused: this service only reads"))

    with pytest.raises(ServiceError, match=r"^refused: this service only reads \[GET") as caught:
        make().call("stack.read", **STACK)

    assert not isinstance(caught.value, AuthenticationError)


def test_refusal__facts(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """A refusal has method, URL, status, the service's message, attempts and time."""
    httpserver.expect_request(STACK_PATH).respond_with_response(said(404, "stack s does not exist"))

    with pytest.raises(NotFoundError) as caught:
        make().call("stack.read", **STACK)

    error = caught.value
    assert (error.method, error.status, error.server_message) == ("GET", 404, "stack s does not exist")
    assert error.url.endswith(STACK_PATH)
    assert error.attempts == 1
    assert error.elapsed_s > 0


def test_retry__safe_requests(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """A read is repeated after 503 until it succeeds, with increasing waits."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_handler(
        answers(said(503, "busy"), said(503, "busy"), Response("[]", content_type="application/json"))
    )
    gateway = make(retries=Retries(total=2, backoff_s=1))

    assert gateway.call("owner.list") == []
    first, second = gateway.waits  # type: ignore[attr-defined]
    assert 0.5 <= first <= 1 <= second <= 2


def test_retry__unsafe_requests(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """A change of state is sent only once, whatever the answer."""
    httpserver.expect_request(f"{STACK_PATH}/state/COMPLETE").respond_with_response(said(503, "busy"))
    gateway = make()

    with pytest.raises(ServerError) as caught:
        gateway.call("stack.set_state", **STACK, state="COMPLETE")

    assert caught.value.attempts == len(httpserver.log) == 1


def test_retry__gives_up(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """After the last attempt the refusal is raised, with the number of attempts."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_response(said(503, "busy"))

    with pytest.raises(ServerError, match="3 attempts") as caught:
        make(retries=Retries(total=2)).call("owner.list")

    assert caught.value.attempts == len(httpserver.log) == 3


def test_retry__retry_after(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """Retry-After, in seconds or as a date, takes precedence over a shorter backoff; malformed text is ignored."""
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=100), usegmt=True)
    done = Response("[]", content_type="application/json")
    busy = [said(503, "busy", **{"Retry-After": value}) for value in ("7", later, "soon")]
    httpserver.expect_request(f"{BASE}/owners").respond_with_handler(answers(*busy, done))
    gateway = make()

    gateway.call("owner.list")

    seconds, date, malformed = gateway.waits  # type: ignore[attr-defined]
    assert seconds == 7
    assert 90 < date <= 100
    assert malformed < 2


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("²", 0),
        ("-7", 0),
        ("1e3", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_retries__wait(text: str | None, wait_s: float) -> None:
    """Malformed Retry-After values and past dates are ignored."""
    assert Retries(backoff_s=0).wait_s(1, text) == wait_s


@pytest.mark.parametrize("text", ["9" * 400, "9" * 5000, "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_retries__out_of_range(text: str) -> None:
    """Retry-After values out of range are a long wait, not an error."""
    # urllib3 limits seconds to six hours.
    assert Retries(backoff_s=0).wait_s(1, text) >= 6 * 3600


@pytest.mark.parametrize("retry_after", ["60", "9" * 400, "Fri, 31 Dec 99999 23:59:59 GMT"])
def test_retry__within_the_budget(httpserver: HTTPServer, make: Callable[..., Gateway], retry_after: str) -> None:
    """A wait that would exceed the budget is not started; the refusal is raised."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_response(said(503, "busy", **{"Retry-After": retry_after}))
    gateway = make(budget_s=30)

    with pytest.raises(ServerError):
        gateway.call("owner.list")

    assert gateway.waits == []  # type: ignore[attr-defined]


def test_request__any_path(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """Any path below the version can be requested; segments and values are percent-encoded."""
    httpserver.expect_request(f"{BASE}/some/a b/c", query_string="q=1&q=x%26y").respond_with_json({"ok": True})

    answer = make().request("get", "some", "a b", "c", params={"q": [1, "x&y"]})

    assert answer.json() == {"ok": True}
    assert answer.status == 200


def test_counting__and_hooks(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """Requests are counted by endpoint, and hooks receive each exchange."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_data('["a"]')
    gateway = make()
    exchanges: list[object] = []
    gateway.hooks.on_request.append(exchanges.append)
    gateway.hooks.on_response.append(exchanges.append)

    with gateway.counting() as counted:
        gateway.call("owner.list")
    gateway.call("owner.list")

    assert counted == ["owner.list"]
    asked, answered = exchanges[:2]
    assert asked.status is None  # type: ignore[attr-defined]
    assert (answered.status, answered.received_bytes) == (200, len('["a"]'))  # type: ignore[attr-defined]
    assert "GET" in str(answered)


def test_log__one_line_per_request(
    httpserver: HTTPServer, make: Callable[..., Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    """At level DEBUG each request is logged in one line, without credentials."""
    httpserver.expect_request(f"{BASE}/owners").respond_with_json([])
    gateway = make(auth=("me", "secret"))

    gateway.call("owner.list")
    with caplog.at_level(logging.DEBUG, logger="rendergateway"):
        gateway.call("owner.list")

    (record,) = [record for record in caplog.records if record.name == "rendergateway"]
    assert record.getMessage().startswith(f"GET {gateway.server}/owners 200")
    assert "secret" not in record.getMessage()


def test_close__and_connect_again(httpserver: HTTPServer, make: Callable[..., Gateway]) -> None:
    """A closed gateway raises; connect() reopens it."""
    httpserver.expect_request(f"{BASE}/versionInfo").respond_with_json({"git.branch": "main"})
    httpserver.expect_request(f"{BASE}/owners").respond_with_json([])
    gateway = make()

    gateway.close()
    gateway.close()
    with pytest.raises(ClosedGatewayError, match="connect"):
        gateway.call("owner.list")

    assert gateway.connect().call("owner.list") == []


def test_proxy__from_the_environment(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are sent to the proxy of the environment, with the absolute URL."""
    monkeypatch.setenv("http_proxy", httpserver.url_for("/"))
    monkeypatch.delenv("no_proxy", raising=False)
    httpserver.expect_request(f"{BASE}/owners").respond_with_json(["behind"])

    gateway = Gateway("render.test:8080", retries=Retries(total=0))

    assert gateway.call("owner.list") == ["behind"]
    gateway.close()
