"""Common behaviour of all endpoints: hosts, origins, limits, errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import attrs
import pytest
import requests

from rendergateway.service.embedded import BASE_URL
from tests.service.conftest import STACK, Service, tile


def _with_options(service: Service, **options: object) -> None:
    application = service.adapter.application
    application.options = attrs.evolve(application.options, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:8000", True),
        ("http://127.0.0.1", True),
        ("http://viewer.example.org", True),
        ("http://evil.example.org", False),
        ("http://localhost.evil.example.org", False),
        ("null", False),
    ],
)
def test_origin__only_known_pages_may_read(service: Service, origin: str, allowed: bool) -> None:
    """Pages of this machine and of allowed origins may read answers, never with credentials."""
    _with_options(service, allow_origin=("http://viewer.example.org",))

    headers = service.send("GET", "/owners", headers={"Origin": origin}).headers

    assert headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert "Access-Control-Allow-Credentials" not in headers
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["http://[", "http://[::zz]", "http://\\[x]:9", "null"])
def test_origin__malformed(service: Service, origin: str) -> None:
    """A malformed origin may not read answers, and the request is answered."""
    answer = service.send("GET", "/owners", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_host__unknown_name_is_refused(service: Service) -> None:
    """Requests with an unknown host name are refused."""
    _with_options(service, hosts=("render.example.org",))
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/render-ws/v1/owners", "wsgi.url_scheme": "http"}
    statuses = {}

    for host in ("localhost:8080", "render.example.org", "evil.example.org", "", "[", "[::1", "[::zz]", "@"):
        answer: list[str] = []
        request = environ | {"HTTP_HOST": host, "SERVER_NAME": "x", "SERVER_PORT": "80", "QUERY_STRING": ""}
        service.adapter.application(request, lambda status, headers, error=None, answer=answer: answer.append(status))
        statuses[host] = answer[0][:3]

    assert statuses == {
        "localhost:8080": "200",
        "render.example.org": "200",
        **dict.fromkeys(["evil.example.org", "", "[", "[::1", "[::zz]", "@"], "403"),
    }


def test_body__too_large(service: Service) -> None:
    """A body above the limit is refused, compressed or not."""
    _with_options(service, body_limit=1000)
    text = b'{"versionNotes": "%b"}' % (b"x" * 2000)

    plain = service.send("POST", STACK, body=text)
    packed = service.send("POST", STACK, body=gzip.compress(text), headers={"Content-Encoding": "gzip"})

    assert (plain.status_code, packed.status_code) == (413, 413)


def test_body__not_gzip(service: Service) -> None:
    """A body that is not gzip despite its header is refused with a message."""
    answer = service.send("POST", STACK, body=b"{}", headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 400
    assert "gzip" in answer.text


def test_read_only__refuses_changes(stack: Service) -> None:
    """A read-only service refuses changes."""
    _with_options(stack, read_only=True)

    answer = stack.send("DELETE", STACK)

    assert answer.status_code == 403
    assert answer.text == "stack.delete refused: this service is read-only"
    assert [name["stack"] for name in stack.json("/owner/lab/stackIds")] == ["raw"]


def test_tile_limit__too_many_tiles(stack: Service) -> None:
    """A result above the tile limit is refused with the message of the real service."""
    stack.save(*(tile(f"t{number}") for number in range(4)))
    _with_options(stack, tile_limit=3)

    answer = stack.send("GET", f"{STACK}/z/1/resolvedTiles")

    assert answer.status_code == 400
    assert answer.text == "query too broad, over 3 tiles match Document{{z=1.0}}"


def test_images__outside_the_folders_are_missing(stack: Service, tmp_path: Path) -> None:
    """A file outside the image folders counts as missing, also through links and dots."""
    roots, secret = tmp_path / "images", tmp_path / "secret.png"
    roots.mkdir()
    secret.write_bytes(b"x")
    (roots / "link.png").symlink_to(secret)
    (roots / "own.png").write_bytes(b"x")
    _with_options(stack, images=(roots,))
    verdicts = {}

    for path in (roots / "own.png", secret, roots / "link.png", roots / ".." / "secret.png"):
        stack.save(tile("a", mipmapLevels={"0": {"imageUrl": f"file:{path}"}}))
        verdicts[path.name + str(path).count("..") * "!"] = stack.send("GET", f"{STACK}/tile/a/validation-info").text

    assert verdicts["own.png"] == ""
    assert all(
        verdicts[name].startswith("cannot find imageUrl file") for name in ("secret.png", "link.png", "secret.png!")
    )


def test_failure__is_logged_and_named(
    stack: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An internal error sends a message to the client and a traceback to the log."""
    monkeypatch.setattr(stack.adapter.application, "_read", lambda call, arguments: 1 / 0)

    answer = stack.send("GET", STACK)

    assert (answer.status_code, answer.text) == (500, "stack.read failed; see the log of the service")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/", "*/*", 200),
        ("/render-ws/", "text/html,*/*", 200),
        ("/render-ws/", "*/*", 404),
        ("/index.html", "*/*", 404),
    ],
)
def test_start_page__for_browsers(service: Service, path: str, accept: str, status: int) -> None:
    """The address of the service shows a page with links; programs get the recorded answer below the prefix."""
    prepared = requests.Request("GET", BASE_URL, headers={"Accept": accept}).prepare()
    prepared.url = BASE_URL.replace("/render-ws", path)

    answer = service.adapter.send(prepared)

    assert answer.status_code == status
    assert ("/render-ws/v1/owners" in answer.text) == (status == 200)
