"""Failing servers: each failure is one error with a remedy, within the time limits."""

from __future__ import annotations

import http.client
import io
import pickle
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
    ConfigurationError,
    ConnectionFailedError,
    Gateway,
    NotFoundError,
    RenderGatewayError,
    RequestError,
    Retries,
    ServerError,
    TimedOutError,
)
from rendergateway.model.tables.match_points import MatchReader
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
from rendergateway.transport.blocks import single_attempt
from rendergateway.transport.limits import Limits, TimedSource
from tests.transport.conftest import Connect, Serve

STACK = {"owner": "o", "project": "p", "stack": "s"}
# Much shorter than a wait without limit, much longer than the delays of a busy machine.
SOON_S = 10.0
PAGE = b"<html><body>Sign in</body></html>"
# Limits that a server exceeds; each alone, so that a busy machine does not exceed the other one first.
SILENCE = {"data_timeout_s": 0.3}
DRIPPING = {"budget_s": 0.6}
UNKNOWN = "it is unknown whether it took effect"


def no_http(line: Line) -> None:
    """Greet like an SSH server."""
    line.send(b"SSH-2.0\r\n")
    line.hang_up()


# Behaviour of the server, error, message, and attempts at a read with two retries.
TABLE: dict[str, tuple[Behaviour, type[RequestError], str, int]] = {
    "slow head": (keeps_silent, TimedOutError, r"did not answer in time: no data for 0\.3 s", 3),
    "slow body": (stalls(), TimedOutError, r"did not answer in time: no data for 0\.3 s", 3),
    "dripping head": (drips(head=True), TimedOutError, r"not finish within 0\.6 s.*Gateway\(budget_s=…\)", 1),
    "dripping body": (drips(), TimedOutError, r"not finish within 0\.6 s.*Gateway\(budget_s=…\)", 1),
    "reset before the head": (breaks_off(), ConnectionFailedError, "closed the connection before", 3),
    "reset in the body": (breaks_off(b"[1,"), ConnectionFailedError, "closed the connection before", 3),
    "hung up before the head": (breaks_off(reset=False), ConnectionFailedError, "closed the connection before", 3),
    "hung up in the body": (breaks_off(b"[1,", reset=False), ConnectionFailedError, "3 bytes received, 97 missing", 3),
    "502 with a page": (sends(PAGE, status=502, content_type="text/html"), ServerError, "answered 502 without a", 3),
    "503 with a sentence": (says(503, "busy"), ServerError, "^busy ", 3),
    "504": (says(504), ServerError, "answered 504 without a message", 3),
    "500": (says(500, "it broke"), ServerError, "^it broke ", 1),
    "page in the place of JSON": (sends(PAGE, content_type="text/html"), AnswerError, "HTML page.*login", 1),
    "truncated JSON": (sends(b'["a", "b"'), AnswerError, "not JSON: truncated after 9 bytes", 1),
    "no JSON": (sends(b"[}]"), AnswerError, "not JSON: ", 1),
    "empty body": (sends(b""), AnswerError, "the answer is empty; expected JSON", 1),
    "more announced than sent": (sends(b"[]", length=99), ConnectionFailedError, "2 bytes received, 97 missing", 3),
    "less announced than sent": (sends(b"[1, 2]", length=4), AnswerError, "truncated after 4 bytes", 1),
    "length that is no number": (sends(b'["a"]', headers={"Content-Length": "x, y"}), AnswerError, "violates HTTP", 1),
    "bad gzip": (sends(b"no gzip", headers={"Content-Encoding": "gzip"}), AnswerError, "cannot be decompressed", 1),
    "no HTTP": (no_http, ConnectionFailedError, "did not answer in HTTP", 3),
    "endless body": (never_ends, AnswerError, r"longer than 1000000 bytes.*Gateway\(answer_limit=…\)", 1),
    "huge body": (sends(b"", length=10**12), AnswerError, "longer than 1000000 bytes", 1),
    "elsewhere": (redirects("https://me:pw@other.example/x?token=s"), AddressError, "to https://other.example/x;", 1),
    "elsewhere here": (redirects("/render-ws/v1/x"), AddressError, "got 302 to /render-ws/v1/x", 1),
}  # fmt: skip


# Creating a stack ignores the body of the answer, so these are successes.
SUCCESSFUL_POSTS = {"truncated JSON", "no JSON", "empty body", "less announced than sent"}


def limits_of(name: str) -> dict[str, float]:
    return {"slow": SILENCE, "dripping": DRIPPING}.get(name.split()[0], {})


@pytest.mark.parametrize("name", TABLE)
def test_server__its_error(serve: Serve, connect: Connect, name: str) -> None:
    """Each failure of a read is its error, with message, number of attempts and URL, within the time limit."""
    behaviour, error_class, message, attempts = TABLE[name]
    server = serve(behaviour)
    gateway = connect(server.url, retries=Retries(total=2), answer_limit=1_000_000, **limits_of(name))
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
def test_server__recovers(serve: Serve, connect: Connect, name: str) -> None:
    """A retried failure is a success if the next attempt succeeds."""
    server = serve(TABLE[name][0], answers(["lab"]))

    assert connect(server.url, **limits_of(name)).call("owner.list") == ["lab"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", TABLE)
def test_server__a_post_is_sent_once(serve: Serve, connect: Connect, name: str) -> None:
    """A POST is never retried; the error states if it may have taken effect."""
    server = serve(TABLE[name][0], answers([]))
    gateway = connect(server.url, answer_limit=1_000_000, **limits_of(name))

    if name in SUCCESSFUL_POSTS:
        gateway.call("stack.create", **STACK, body={})
    else:
        with pytest.raises(RequestError) as caught:
            gateway.call("stack.create", **STACK, body={})
        is_open = isinstance(caught.value, ConnectionFailedError | TimedOutError) or name == "length that is no number"
        assert (UNKNOWN in str(caught.value)) == is_open
        assert caught.value.attempts == 1

    assert [request.method for request in server.requests] == ["POST"]


def test_server__repeated_again_after_a_single_attempt(serve: Serve, connect: Connect) -> None:
    """Requests are sent once in the block of a caller that repeats them, and repeated after it, even if it fails."""
    gateway = connect(serve(says(503, "busy"), says(503, "busy"), answers(["lab"])).url)

    with pytest.raises(ServerError, match="busy") as caught, single_attempt():
        gateway.call("owner.list")

    assert caught.value.attempts == 1
    assert gateway.call("owner.list") == ["lab"]


def test_server__a_failed_write_invalidates(serve: Serve, connect: Connect) -> None:
    """An object is read again after a failed write, which may have taken effect."""
    stored = answers({"stackId": {"owner": "o", "project": "p", "stack": "s"}, "state": "LOADING"})
    gateway = connect(serve(stored, says(503, "busy"), stored).url)
    stack = gateway.stack("s").load()

    with pytest.raises(ServerError, match="busy"):
        gateway.call("stack.set_state", **STACK, state="COMPLETE")

    with gateway.counting() as requests:
        assert stack.state == "LOADING"
    assert requests == ["stack.read"]


def test_server__usable_after_a_wrong_length(serve: Serve, connect: Connect) -> None:
    """Bytes beyond the announced length are not part of the next answer."""

    def too_much(line: Line) -> None:
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]garbage")

    gateway = connect(serve(too_much, answers(["lab"])).url)

    assert gateway.call("owner.list") == []
    assert gateway.call("owner.list") == ["lab"]


def test_server__an_html_page_is_no_image_or_text(serve: Serve, connect: Connect) -> None:
    """An HTML page of a proxy is never returned as an image or text."""
    gateway = connect(serve(sends(PAGE, content_type="text/html")).url)

    for endpoint, values in (("section.png", {**STACK, "z": 1}), ("service.unique_id", {})):
        with pytest.raises(AnswerError, match="HTML page"):
            gateway.call(endpoint, **values)
    with pytest.raises(AnswerError, match="HTML page"):
        gateway.call_raw("owner.list")
    assert gateway.request("GET", "anything").content == PAGE


def test_server__json_of_another_content_type(serve: Serve, connect: Connect) -> None:
    """JSON is accepted under any content type."""
    assert connect(serve(sends(b'["a"]', content_type="application/x-thing")).url).call("owner.list") == ["a"]


def test_sink__a_repeated_attempt_begins_anew(serve: Serve, connect: Connect) -> None:
    """What a failed attempt wrote is not in the sink of the next one."""
    server = serve(breaks_off(b"[" + 500_000 * b"1,", length=2_000_000, reset=False), answers([3, 4]))

    sink = connect(server.url, retries=1).call_into("stack.z_values", io.BytesIO, **STACK)

    assert sink.getvalue() == b"[3, 4]"


def test_sink__receives_lists_only(serve: Serve, connect: Connect) -> None:
    """A refusal, a page and an object are the errors that they are without a sink; the size limit holds."""
    sinks: list[io.BytesIO] = []

    def sink() -> io.BytesIO:
        sinks.append(io.BytesIO())
        return sinks[-1]

    server = serve(
        sends(b"[1]", status=503),
        says(404, "stack s is missing"),
        sends(PAGE, content_type="text/html"),
        answers({}),
        answers([1] * 99),
    )
    gateway = connect(server.url, retries=0, answer_limit=100)
    for error, message in (
        (ServerError, "answered 503"),
        (NotFoundError, "stack s is missing"),
        (AnswerError, "HTML page"),
        (AnswerError, "not JSON of this endpoint"),
        (AnswerError, "longer than 100 bytes"),
    ):
        with pytest.raises(error, match=message):
            gateway.call_into("stack.z_values", sink, **STACK)
    assert [one.getvalue() for one in sinks[:4]] == 4 * [b""]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("end", ["pair", "number", "axis", "words"])
def test_sink__unusable_answers_are_those_of_a_reading_without(
    serve: Serve, connect: Connect, end: str, large: bool
) -> None:
    """A list that is truncated, wherever, or not JSON is an AnswerError for a sink as for a call."""
    pair = b'{"pGroupId":"g","pId":"a","qGroupId":"g","qId":"b","matches":{"p":[[1],[2]],"q":[[3],[4]],"w":[1]}}'
    cut = {"pair": b"", "number": pair[:-12], "axis": pair[: pair.index(b"[2]") + 3], "words": b"sorry]"}[end]
    text = b"[" + (20_000 if large else 1) * (pair + b",") + cut
    if not cut:
        text = text[:-1]
    gateway, group = connect(serve(*[sends(text)] * 2).url), {"owner": "o", "collection": "m", "p_group": "g"}

    for request in (
        lambda: gateway.call("match.with_p_group", **group),
        lambda: gateway.call_into("match.with_p_group", MatchReader, **group),
    ):
        with pytest.raises(AnswerError, match=r"the answer is not JSON: .*GET"):
            request()


def test_sink__blanks_before_the_list(serve: Serve, connect: Connect) -> None:
    """A list that begins with white space is read as a whole."""
    server = serve(sends(b" [1]", content_type="application/json"))

    assert connect(server.url).call_into("stack.z_values", io.BytesIO, **STACK).getvalue() == b" [1]"


def test_server__redirections_get_no_credentials(serve: Serve, connect: Connect) -> None:
    """A redirection to another server is not followed, so no credentials are sent there."""
    other = serve(answers([]))
    gateway = connect(serve(redirects(f"{other.url}/render-ws/v1/owners")).url, auth=("me", "secret"))

    with pytest.raises(AddressError, match=f"got 302 to {other.url}"):
        gateway.call("owner.list")

    assert other.requests == []


@pytest.mark.parametrize("seconds", ["7", "date"])
def test_retry_after__seconds_or_date(serve: Serve, connect: Connect, seconds: str) -> None:
    """The wait is the server's Retry-After, in either format."""
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=7.9), usegmt=True)
    server = serve(says(503, "busy", Retry_After=seconds if seconds == "7" else later), answers([]))
    gateway = connect(server.url)

    assert gateway.call("owner.list") == []
    (wait,) = gateway.waits  # type: ignore[attr-defined]
    assert 4 < wait <= 8


def test_retry_after__beyond_the_budget(serve: Serve, connect: Connect) -> None:
    """A Retry-After beyond the budget is not waited for."""
    gateway = connect(serve(says(503, "busy", Retry_After="3600")).url)

    with pytest.raises(ServerError, match="busy"):
        gateway.call("owner.list")

    assert gateway.waits == []  # type: ignore[attr-defined]


def test_address__refused(connect: Connect) -> None:
    """The error of a refused connection is specific and suggests a check."""
    with refused_url() as url, pytest.raises(ConnectionFailedError, match=r"connection refused; .*3 attempts"):
        connect(url, retries=Retries(total=2)).call("owner.list")


def test_address__refused_post(connect: Connect) -> None:
    """The error of a refused POST does not claim that it may have taken effect."""
    with refused_url() as url, pytest.raises(ConnectionFailedError) as caught:
        connect(url).call("stack.create", **STACK, body={})

    assert UNKNOWN not in str(caught.value)
    assert caught.value.attempts == 1


def test_address__no_such_host(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of an unknown host name differs from that of an unreachable server."""

    def unknown(*arguments: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(ConnectionFailedError, match="unknown host name"):
        connect("http://nowhere.invalid", retries=Retries(total=0)).call("owner.list")


def test_tls__spoken_to_a_server_without(serve: Serve, connect: Connect) -> None:
    """The error of https to an http server suggests http, after one attempt."""
    url = serve(answers([])).url.replace("http:", "https:")

    with pytest.raises(ConnectionFailedError, match=r"TLS failed \(.*\); is it http") as caught:
        connect(url).call("owner.list")
    assert caught.value.attempts == 1


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that only this test trusts."""
    return trustme.CA()


def secured(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return a TLS context for a server of that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_tls__not_trusted(serve: Serve, connect: Connect, authority: trustme.CA) -> None:
    """A certificate of an unknown authority is rejected without retries; the error contains the remedy."""
    server = serve(answers([]), tls=secured(authority, "127.0.0.1"))

    with pytest.raises(ConnectionFailedError, match=r"untrusted certificate: .*REQUESTS_CA_BUNDLE") as caught:
        connect(server.url).call("owner.list")

    assert caught.value.attempts == 1
    assert server.requests == []


@pytest.mark.parametrize("is_tls", [False, True])
def test_tls__write_never_began(serve: Serve, connect: Connect, authority: trustme.CA, is_tls: bool) -> None:
    """The error of a write that was never sent does not call its effect unknown."""
    server = serve(answers([]), tls=secured(authority, "127.0.0.1") if is_tls else None)

    with pytest.raises(ConnectionFailedError, match=r"untrusted certificate|TLS failed") as caught:
        connect(server.url if is_tls else server.url.replace("http:", "https:")).call(
            "stack.delete", owner="lab", project="cortex", stack="s"
        )

    assert "unknown whether" not in str(caught.value)
    assert server.requests == []


def test_tls__trusted(
    serve: Serve, connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the authority in REQUESTS_CA_BUNDLE requests work, with time limits; another host name is rejected."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    server = serve(answers(["lab"]), drips(), tls=secured(authority, "127.0.0.1"))
    gateway = connect(server.url, budget_s=1.5)

    assert gateway.call("owner.list") == ["lab"]
    with pytest.raises(TimedOutError, match="did not finish within"):
        gateway.call("owner.list")
    with pytest.raises(ConnectionFailedError, match="untrusted certificate"):
        connect(serve(answers([]), tls=secured(authority, "other.example")).url).call("owner.list")


def test_proxy__fails(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a failing proxy names the proxy, without its password."""
    with refused_url() as url:
        monkeypatch.setenv("https_proxy", url.replace("http://", "http://me:s3cret@"))
        with pytest.raises(ConnectionFailedError, match=r"the proxy failed.*https_proxy") as caught:
            connect("https://render.example.org", retries=Retries(total=0)).call("owner.list")
    assert "s3cret" not in str(caught.value)


def test_tls__certificates_of_the_gateway(
    serve: Serve, connect: Connect, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authorities and the client's certificate are arguments of a gateway, or settings; the environment is not used."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("me@example.org")
    client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    client.private_key_pem.write_to_path(tmp_path / "key.pem")
    wanting = secured(authority, "127.0.0.1")
    wanting.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(wanting)
    server = serve(answers(["lab"]), tls=wanting)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    ca = tmp_path / "ca.pem"

    assert connect(server.url, ca=ca, cert=tmp_path / "both.pem").call("owner.list") == ["lab"]
    pair = {"cert": tmp_path / "cert.pem", "cert_key": str(tmp_path / "key.pem")}
    assert connect(server.url, ca=ca, **pair).call("owner.list") == ["lab"]
    with pytest.raises(ConnectionFailedError, match=r"TLS failed .*Gateway\(cert=…\)"):
        connect(server.url, ca=ca, retries=Retries(total=0)).call("owner.list")
    monkeypatch.setenv("RENDERGATEWAY_CA", str(ca))
    monkeypatch.setenv("RENDERGATEWAY_CERT", str(tmp_path / "both.pem"))
    gateway = connect(server.url)
    assert pickle.loads(pickle.dumps(gateway)).settings == gateway.settings
    assert gateway.call("owner.list") == ["lab"]


def locked_certificate(authority: trustme.CA, folder: Path) -> Path:
    """Write a certificate and a private key with a password."""
    key = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA"
    marks = [f"-----{word} RSA PRIVATE KEY-----\n" for word in ("BEGIN", "END")]
    pem = authority.issue_cert("me@example.org").cert_chain_pems[0].bytes().decode()
    (folder / "locked.pem").write_text(f"{pem}{marks[0]}{key}\n{marks[1]}")
    return folder / "locked.pem"


@pytest.mark.parametrize("where", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "ca"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_tls__unusable_authorities(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, content: str | None
) -> None:
    """A missing or damaged file of authorities is an error before any attempt, with its path and the setting."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if where != "ca":
        monkeypatch.setenv(where, str(path))
    gateway = connect("https://127.0.0.1:1", **({"ca": path} if where == "ca" else {}))

    with pytest.raises(ConfigurationError, match=f"^unusable certificates of authorities in {where}: got '{path}'"):
        gateway.call("owner.list")
    assert gateway.waits == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["missing", "damaged", "locked"])
def test_tls__unusable_client_certificate(connect: Connect, authority: trustme.CA, tmp_path: Path, kind: str) -> None:
    """A missing, damaged or encrypted client certificate is an error before any attempt; no password is asked for."""
    path = locked_certificate(authority, tmp_path) if kind == "locked" else tmp_path / "cert.pem"
    if kind == "damaged":
        path.write_text("no certificate")

    with pytest.raises(ConfigurationError, match=f"^unusable client certificate in cert and cert_key: got '{path}'"):
        connect("https://127.0.0.1:1", cert=path).call("owner.list")


@pytest.mark.parametrize(
    "proxy", ["http://", "http://[bad", "ftp://me:s3cret@proxy:1", "http://me:s3cret@proxy:99999", "http://:3128"]
)
@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_proxy__invalid(connect: Connect, monkeypatch: pytest.MonkeyPatch, proxy: str, variable: str) -> None:
    """An invalid address of a proxy is an error before any attempt, with its variable and without its password."""
    monkeypatch.setenv(variable, proxy)
    monkeypatch.setenv("ftp_proxy", "http://another.example.org:3128")
    gateway = connect("http://render.example.org")

    with pytest.raises(ConfigurationError, match=f"^invalid proxy in {variable}: got '") as caught:
        gateway.call("owner.list")
    assert "s3cret" not in str(caught.value)
    assert gateway.waits == []  # type: ignore[attr-defined]


def test_proxy__socks_without_its_library(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy needs a library, which the error names."""
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigurationError, match=r"proxy in https_proxy needs PySocks: .*requests\[socks\]"):
        connect("https://render.example.org").call("owner.list")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy__not_there(connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """A proxy that refuses connections is asked once."""
    with refused_url() as url:
        monkeypatch.setenv(f"{scheme}_proxy", url)
        with pytest.raises(ConnectionFailedError, match="the proxy failed") as caught:
            connect(f"{scheme}://render.example.org").call("owner.list")
    assert caught.value.attempts == 1


def test_proxy__none_for_an_embedded_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service in this process is reached without the proxy of the environment."""
    monkeypatch.setenv("http_proxy", "http://[bad")

    with Gateway("embedded:") as gateway:
        assert gateway.call("owner.list") == []


def take_slowly(listener: socket.socket, wanted: int) -> None:
    """Receive a request of *wanted* bytes slowly, then answer."""
    sock, _ = listener.accept()
    pacing = threading.Event()
    with sock:
        while wanted > 0:
            wanted -= len(sock.recv(1 << 16))
            pacing.wait(0.01)
        sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def test_sending__a_long_body_may_take_long(connect: Connect) -> None:
    """The time limit of a connection does not apply to sending a long body."""
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
    """The wait for a piece ends with the budget, even if its own limit is longer."""
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
    """An endless fast answer is aborted at the end of the budget."""
    with pytest.raises(TimedOutError, match=r"did not finish within 0\.05 s"):
        connect(serve(never_ends).url, budget_s=0.05).call("owner.list")


def test_sending__body_not_received(connect: Connect) -> None:
    """A request to a server that does not read its body is aborted in time."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        gateway = connect(f"http://127.0.0.1:{deaf.getsockname()[1]}", **DRIPPING, retries=Retries(total=0))
        with pytest.raises(TimedOutError):
            gateway.call("stack.save_tiles", **STACK, body=b"x" * (64 << 20))


def test_pool__waits_within_the_budget(serve: Serve, connect: Connect) -> None:
    """Waiting for a free connection is part of the budget, and a context shares the limit of its gateway."""
    gateway = connect(serve(answers([])).url, pool_size=1, pool_block=True, budget_s=0.1, retries=Retries(total=0))

    limits = Limits(60, 60, time.monotonic() + 60)

    with gateway._client._pool.place_in_pool(limits), pytest.raises(TimedOutError, match="did not finish within"):
        gateway.using(project="q").call("owner.list")


def test_pool__failures_free_the_connection(serve: Serve, connect: Connect) -> None:
    """A failed request returns its connection, so the next one need not wait."""
    server = serve(says(503, "busy"), breaks_off(), answers([]))
    gateway = connect(server.url, pool_size=1, pool_block=True, budget_s=SOON_S, retries=Retries(total=0))

    for error in (ServerError, ConnectionFailedError):
        with pytest.raises(error):
            gateway.call("owner.list")
    assert gateway.call("owner.list") == []


def test_errors__no_connection_in_time() -> None:
    """The error of a host that does not accept connections has the limit; the request has not taken effect."""
    error_class, is_open, message = failures.explain(requests.ConnectTimeout(), "http://h", 2.5, 60)

    assert (error_class, is_open) == (TimedOutError, False)
    assert message.startswith("http://h is unreachable: no connection within 2.5 s (timeout_s)")


def test_errors__every_library_exception_is_converted() -> None:
    """No exception of requests, urllib3 or http.client reaches the caller unconverted."""
    # A ValueError of urllib3 for proxy settings that requests rejects before.
    ours = (*failures.LIBRARY_ERRORS, urllib3.exceptions.ProxySchemeUnsupported)
    for module in (requests.exceptions, urllib3.exceptions, http.client):
        for name, exception in vars(module).items():
            is_own = getattr(exception, "__module__", "") == module.__name__ and isinstance(exception, type)
            if is_own and issubclass(exception, Exception) and not issubclass(exception, Warning):
                assert issubclass(exception, ours), name


def test_wrapper__a_broken_answer_names_its_request(serve: Serve, connect: Connect) -> None:
    """The error of a truncated answer contains the request."""
    stack = connect(serve(sends(b'{"stackId": {"owner"')).url).stack("s")

    with pytest.raises(RenderGatewayError, match=r"truncated after 20 bytes \[GET http.*/stack/s"):
        stack.load()


def test_refusal__404_of_a_proxy(serve: Serve, connect: Connect) -> None:
    """A 404 of a proxy is an AddressError; a 404 with the service's message is a NotFoundError."""
    server = serve(sends(PAGE, status=404, content_type="text/html"), says(404, "stack s does not exist"))
    stack = connect(server.url).stack("s")

    with pytest.raises(AddressError, match="check the address"):
        stack.load()
    with pytest.raises(NotFoundError, match="stack s does not exist"):
        stack.load()
