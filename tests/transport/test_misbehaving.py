"""Every way in which a server can fail is one error that says what to do, within its time."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
import trustme
import urllib3

from rendergateway import (
    AddressError,
    AnswerError,
    ConnectionFailedError,
    NotFoundError,
    RenderGatewayError,
    RequestError,
    Retries,
    ServerError,
    TimedOutError,
)
from rendergateway.testing.misbehaving import (
    Behaviour,
    Line,
    answers,
    breaks_off,
    drips,
    keeps_silent,
    never_ends,
    redirects,
    refused_url,
    says,
    sends,
    stalls,
)
from rendergateway.transport import failures
from rendergateway.transport.limits import Limits, TimedSource
from tests.transport.conftest import Connect, Serve

STACK = {"owner": "o", "project": "p", "stack": "s"}
# Far below what any wait without a limit would take, far above what a busy machine adds.
SOON_S = 10.0
PAGE = b"<html><body>Sign in</body></html>"
SHORT = {"data_timeout_s": 0.1, "budget_s": 0.6}
UNKNOWN = "It is not known whether the service carried this out"


def no_http(line: Line) -> None:
    """Greet as another kind of server does."""
    line.send(b"SSH-2.0\r\n")
    line.hang_up()


# What a server does, what comes of it, what the message says, and how often a read is sent with two retries.
TABLE: dict[str, tuple[Behaviour, type[RequestError], str, int]] = {
    "slow head": (keeps_silent, TimedOutError, r"did not answer in time: nothing came for 0\.1 s", 3),
    "slow body": (stalls(), TimedOutError, r"did not answer in time: nothing came for 0\.1 s", 3),
    "dripping head": (drips(head=True), TimedOutError, r"not done after 0\.6 s.*Gateway\(budget_s=…\)", 1),
    "dripping body": (drips(), TimedOutError, r"not done after 0\.6 s.*Gateway\(budget_s=…\)", 1),
    "reset before the head": (breaks_off(), ConnectionFailedError, "broke the connection off", 3),
    "reset in the body": (breaks_off(b"[1,"), ConnectionFailedError, "broke the connection off", 3),
    "hung up before the head": (breaks_off(reset=False), ConnectionFailedError, "broke the connection off", 3),
    "hung up in the body": (breaks_off(b"[1,", reset=False), ConnectionFailedError, "3 bytes came, 97 are missing", 3),
    "502 with a page": (sends(PAGE, status=502, content_type="text/html"), ServerError, "answered 502 without a", 3),
    "503 with a sentence": (says(503, "busy"), ServerError, "^busy ", 3),
    "504": (says(504), ServerError, "answered 504 without a message", 3),
    "500": (says(500, "it broke"), ServerError, "^it broke ", 1),
    "page in the place of JSON": (sends(PAGE, content_type="text/html"), AnswerError, "page of HTML.*log in", 1),
    "truncated JSON": (sends(b'["a", "b"'), AnswerError, "not JSON: it breaks off after 9 bytes", 1),
    "no JSON": (sends(b"[}]"), AnswerError, "not JSON: ", 1),
    "empty body": (sends(b""), AnswerError, "the answer is empty, where JSON was expected", 1),
    "more announced than sent": (sends(b"[]", length=99), ConnectionFailedError, "2 bytes came, 97 are missing", 3),
    "less announced than sent": (sends(b"[1, 2]", length=4), AnswerError, "breaks off after 4 bytes", 1),
    "length that is no number": (sends(b'["a"]', headers={"Content-Length": "x, y"}), RequestError, "", 1),
    "bad gzip": (sends(b"no gzip", headers={"Content-Encoding": "gzip"}), AnswerError, "cannot be decompressed", 1),
    "no HTTP": (no_http, ConnectionFailedError, "what is no HTTP", 3),
    "endless body": (never_ends, AnswerError, r"longer than 1000000 bytes.*Gateway\(answer_limit=…\)", 1),
    "huge body": (sends(b"", length=10**12), AnswerError, "longer than 1000000 bytes", 1),
    "elsewhere": (redirects("https://me:pw@other.example/x?token=s"), AddressError, "to https://other.example/x;", 1),
    "elsewhere here": (redirects("/render-ws/v1/x"), AddressError, "got 302 to /render-ws/v1/x", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in TABLE if name != "length that is no number"])
def test_server__its_error(serve: Serve, connect: Connect, name: str) -> None:
    """Each failure of a read is its error, with its sentence, after the attempts that it is worth, within its time."""
    behaviour, error_class, message, attempts = TABLE[name]
    server = serve(behaviour)
    limits = SHORT if issubclass(error_class, TimedOutError) else {}
    gateway = connect(server.url, retries=Retries(total=2), answer_limit=1_000_000, **limits)
    start = time.monotonic()

    with pytest.raises(error_class, match=message) as caught:
        gateway.call("owner.list")

    error = caught.value
    assert type(error) is error_class
    assert error.attempts == len(server.requests) == attempts
    assert (error.method, error.url) == ("GET", f"{gateway.server}/owners")
    assert f"[GET {gateway.server}/owners" in str(error)
    assert time.monotonic() - start < SOON_S
    assert not re.search("token=|pw@", str(error))


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[3] > 1])
def test_server__well_again(serve: Serve, connect: Connect, name: str) -> None:
    """What is worth another attempt is a success when that succeeds."""
    server = serve(TABLE[name][0], answers(["lab"]))

    assert connect(server.url, **SHORT).call("owner.list") == ["lab"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", TABLE)
def test_server__a_post_is_sent_once(serve: Serve, connect: Connect, name: str) -> None:
    """A POST is never sent twice, whatever becomes of the first; where it may have arrived, the error says so."""
    server = serve(TABLE[name][0], answers([]))
    gateway = connect(server.url, answer_limit=1_000_000, **SHORT)

    failed: RequestError | None = None
    try:
        gateway.call("stack.create", **STACK, body={})
    except RequestError as error:
        failed = error

    # Creating answers nothing, so that a body that is no JSON harms nobody.
    assert failed is None or (UNKNOWN in str(failed)) == isinstance(failed, ConnectionFailedError | TimedOutError)
    assert failed is None or failed.attempts == 1
    assert [request.method for request in server.requests] == ["POST"]


def test_server__usable_after_a_wrong_length(serve: Serve, connect: Connect) -> None:
    """What was sent beyond the announced length does not reach the next answer."""

    def too_much(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]garbage")

    gateway = connect(serve(too_much, answers(["lab"])).url)

    assert gateway.call("owner.list") == []
    assert gateway.call("owner.list") == ["lab"]


def test_server__a_page_is_no_picture_and_no_text(serve: Serve, connect: Connect) -> None:
    """A page of a proxy is never handed over as the picture or the text that was asked for."""
    gateway = connect(serve(sends(PAGE, content_type="text/html")).url)

    for endpoint, values in (("section.png", {**STACK, "z": 1}), ("service.unique_id", {})):
        with pytest.raises(AnswerError, match="page of HTML"):
            gateway.call(endpoint, **values)
    with pytest.raises(AnswerError, match="page of HTML"):
        gateway.fetch("owner.list")
    assert gateway.request("GET", "anything").content == PAGE


def test_server__json_under_another_name(serve: Serve, connect: Connect) -> None:
    """JSON is JSON, whatever the server calls it."""
    assert connect(serve(sends(b'["a"]', content_type="application/x-thing")).url).call("owner.list") == ["a"]


def test_server__credentials_stay_at_home(serve: Serve, connect: Connect) -> None:
    """A redirection to another server is not followed, so nothing is sent there."""
    other = serve(answers([]))
    gateway = connect(serve(redirects(f"{other.url}/render-ws/v1/owners")).url, auth=("me", "secret"))

    with pytest.raises(AddressError, match=f"got 302 to {other.url}"):
        gateway.call("owner.list")

    assert other.requests == []


@pytest.mark.parametrize("seconds", ["7", "date"])
def test_retry_after__seconds_or_date(serve: Serve, connect: Connect, seconds: str) -> None:
    """The wait is what the server asks for, in either form."""
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=7.9), usegmt=True)
    server = serve(says(503, "busy", Retry_After=seconds if seconds == "7" else later), answers([]))
    gateway = connect(server.url)

    assert gateway.call("owner.list") == []
    (wait,) = gateway.waits  # type: ignore[attr-defined]
    assert 4 < wait <= 8


def test_retry_after__beyond_the_budget(serve: Serve, connect: Connect) -> None:
    """Who is asked to come back after the budget is over does not wait for it."""
    gateway = connect(serve(says(503, "busy", Retry_After="3600")).url)

    with pytest.raises(ServerError, match="busy"):
        gateway.call("owner.list")

    assert gateway.waits == []  # type: ignore[attr-defined]


def test_address__refused(connect: Connect) -> None:
    """Where nobody listens, the error says so and what to check."""
    with refused_url() as url, pytest.raises(ConnectionFailedError, match=r"nothing listens there.*3 attempts"):
        connect(url, retries=Retries(total=2)).call("owner.list")


def test_address__refused_post(connect: Connect) -> None:
    """What cannot have arrived is not said to be unknown."""
    with refused_url() as url, pytest.raises(ConnectionFailedError) as caught:
        connect(url).call("stack.create", **STACK, body={})

    assert UNKNOWN not in str(caught.value)
    assert caught.value.attempts == 1


def test_address__no_such_host(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nobody knows is told from a server that is down."""

    def unknown(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(ConnectionFailedError, match="there is no host of that name"):
        connect("http://nowhere.invalid", retries=Retries(total=0)).call("owner.list")


def test_tls__spoken_to_a_server_without(serve: Serve, connect: Connect) -> None:
    """Https where http is spoken is told as that, after one attempt."""
    url = serve(answers([])).url.replace("http:", "https:")

    with pytest.raises(ConnectionFailedError, match=r"does not speak TLS as it should.*is it http") as caught:
        connect(url).call("owner.list")
    assert caught.value.attempts == 1


@pytest.fixture
def authority() -> trustme.CA:
    """Signs certificates that only this test trusts."""
    return trustme.CA()


def secured(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return what a server of that name needs to speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls__not_trusted(serve: Serve, connect: Connect, authority: trustme.CA) -> None:
    """A certificate of an unknown authority is refused, once, with what to do about it."""
    server = serve(answers([]), tls=secured(authority, "127.0.0.1"))

    with pytest.raises(ConnectionFailedError, match=r"cannot be trusted: .*REQUESTS_CA_BUNDLE") as caught:
        connect(server.url).call("owner.list")

    assert caught.value.attempts == 1
    assert server.requests == []


def test_tls__trusted(
    serve: Serve, connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the authority in the bundle the service answers, within the same limits; another name is not trusted."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    server = serve(answers(["lab"]), drips(), tls=secured(authority, "127.0.0.1"))
    gateway = connect(server.url, **SHORT)

    assert gateway.call("owner.list") == ["lab"]
    with pytest.raises(TimedOutError, match="not done after"):
        gateway.call("owner.list")
    with pytest.raises(ConnectionFailedError, match="cannot be trusted"):
        connect(serve(answers([]), tls=secured(authority, "other.example")).url).call("owner.list")


def test_proxy__fails(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is told from the service, and its password is not shown."""
    with refused_url() as url:
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://me:s3cret@"))
        with pytest.raises(ConnectionFailedError, match=r"the proxy fails.*https_proxy") as caught:
            connect("https://render.example.org", retries=Retries(total=0)).call("owner.list")
    assert "s3cret" not in str(caught.value)


def take_slowly(listener: socket.socket, wanted: int) -> None:
    """Take a request of *wanted* bytes piece by piece, then answer."""
    sock, _ = listener.accept()
    pacing = threading.Event()
    with sock:
        while wanted > 0:
            wanted -= len(sock.recv(1 << 16))
            pacing.wait(0.01)
        sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def test_sending__a_long_body_has_its_time(connect: Connect) -> None:
    """A body that is taken piece by piece is not cut off after the time that is meant for a connection."""
    body = b"[" + b" " * (8 << 20) + b"]"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = threading.Thread(target=take_slowly, args=[listener, len(body)])
        server.start()
        gateway = connect(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.02, retries=Retries(total=0))

        gateway.call("stack.save_tiles", **STACK, body=body)
        server.join()


def test_receiving__no_wait_beyond_the_deadline() -> None:
    """The wait for a piece ends with the budget, however long one may wait for a piece."""
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb", buffering=0) as source:
        ours.settimeout(SOON_S)
        limits = Limits(1, 60, time.monotonic() + 0.05)
        with pytest.raises(TimeoutError):
            TimedSource(source, ours, limits).readinto(bytearray(9))
        assert time.monotonic() < limits.deadline + SOON_S / 2
        theirs.send(b"too late")
        with pytest.raises(TimeoutError):
            TimedSource(source, ours, limits).readinto(bytearray(9))


def test_receiving__faster_than_the_budget_allows(serve: Serve, connect: Connect) -> None:
    """An answer that keeps coming is given up when the budget is over, too."""
    with pytest.raises(TimedOutError, match=r"not done after 0\.05 s"):
        connect(serve(never_ends).url, budget_s=0.05).call("owner.list")


def test_sending__nobody_takes_the_body(connect: Connect) -> None:
    """A server that does not read what it is sent is given up in time."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        gateway = connect(f"http://127.0.0.1:{deaf.getsockname()[1]}", **SHORT, retries=Retries(total=0))
        with pytest.raises(TimedOutError):
            gateway.call("stack.save_tiles", **STACK, body=b"x" * (64 << 20))


def test_pool__waits_within_the_budget(serve: Serve, connect: Connect) -> None:
    """Where connections are limited, waiting for a free one is part of the budget; `using` does not widen the limit."""
    gateway = connect(serve(answers([])).url, pool_size=1, pool_block=True, budget_s=0.1, retries=Retries(total=0))

    limits = Limits(60, 60, time.monotonic() + 60)

    with gateway._pool.place_in_pool(limits), pytest.raises(TimedOutError, match="not done after"):
        gateway.using(project="q").call("owner.list")
    assert gateway.call("owner.list") == []


def test_errors__every_exception_of_the_libraries_is_ours() -> None:
    """No exception of requests, urllib3 or http.client escapes as itself."""
    # ValueErrors of urllib3 about the settings of proxies; requests refuses such settings before.
    ours = (*failures.LIBRARY_ERRORS, urllib3.exceptions.ProxySchemeUnsupported)
    for module in (requests.exceptions, urllib3.exceptions, http.client):
        for name, exception in vars(module).items():
            is_own = getattr(exception, "__module__", "") == module.__name__ and isinstance(exception, type)
            if is_own and issubclass(exception, Exception) and not issubclass(exception, Warning):
                assert issubclass(exception, ours), name


def test_wrapper__a_broken_answer_names_its_request(serve: Serve, connect: Connect) -> None:
    """An object whose answer broke off says which request failed."""
    stack = connect(serve(sends(b'{"stackId": {"owner"')).url).stack("s")

    with pytest.raises(RenderGatewayError, match=r"breaks off after 20 bytes \[GET http.*/stack/s"):
        stack.load()


def test_refusal__plain_404_is_no_answer_of_the_service(serve: Serve, connect: Connect) -> None:
    """A 404 of a proxy says nothing about the stack; one with a sentence does."""
    server = serve(sends(PAGE, status=404, content_type="text/html"), says(404, "stack s does not exist"))
    stack = connect(server.url).stack("s")

    with pytest.raises(AddressError, match="check the address"):
        stack.load()
    with pytest.raises(NotFoundError, match="stack s does not exist"):
        stack.load()
