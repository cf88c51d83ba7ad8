"""Messages of refusals: the service's own sentence, whole, in one line and bounded."""

from __future__ import annotations

import functools
import html
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rendergateway import AddressError, BadRequestError, NotFoundError, RenderGatewayError, ServerError, ServiceError
from rendergateway.errors import add_note
from rendergateway.testing.misbehaving import says, sends
from rendergateway.transport.sentences import sentence_of
from tests.transport.conftest import Connect, Serve

CASSETTES = Path(__file__).parents[2] / "cassettes"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STACK = {"owner": "o", "project": "p", "stack": "s"}
PAGE = "text/html;charset=iso-8859-1"
CHAIN = (
    'Cannot deserialize value of type `java.lang.Double` from String "wide": not a valid Double value at [Source: '
    "(org.eclipse.jetty.server.HttpInput); line: 1, column: 214] (through reference chain: "
    'org.janelia.alignment.spec.ResolvedTileSpecCollection["tileIdToSpecMap"]->java.util.LinkedHashMap["t1"]->'
    'org.janelia.alignment.spec.TileSpec["width"])'
)


@functools.cache
def refusals(name: str) -> dict[int, tuple[int, str, bytes]]:
    """Return status, content type and body of the refusals in a recording, by their numbers."""
    found = {}
    for number, exchange in enumerate(yaml.load((CASSETTES / name).read_text(), Loader=LOADER)["interactions"]):
        response = exchange["response"]
        kinds = [values[0] for name, values in response["headers"].items() if name.lower() == "content-type"]
        body: Any = response["body"]["string"] or b""
        if response["status"]["code"] >= 400 and kinds:
            found[number] = (response["status"]["code"], kinds[0], body.encode() if isinstance(body, str) else body)
    return found


# Recording, number of the exchange, error, and the end of the service's sentence.
RECORDED = [
    ("general/error_pages.yaml", 3, ServerError, "Filter list with name 'none' not found. .*filter_lists.json."),
    ("general/error_pages.yaml", 16, ServerError, 'java.lang.NumberFormatException: For input string: "x"'),
    ("general/error_pages.yaml", 30, ServerError, r"Channel b weight 0.7 is too large. .* weights are: \{a=0.7\}"),
    ("general/json_faults.yaml", 1, BadRequestError, f".*Exception: {re.escape(CHAIN)}"),
    ("general/refused.yaml", 3, BadRequestError, "URI Too Long"),
    ("general/refused.yaml", 7, BadRequestError, "Request Header Fields Too Large"),
    ("general/refused.yaml", 42, BadRequestError, "Ambiguous URI path segment"),
    ("general/refused.yaml", 40, AddressError, ""),
    ("general/invalid_stack_everywhere.yaml", 45, ServerError, "invalid stack 'not-a-name' specified, names may .*'_'"),
]


@pytest.mark.parametrize(("name", "number", "error_class", "sentence"), RECORDED)
def test_recorded__reaches_the_user(
    serve: Serve, connect: Connect, name: str, number: int, error_class: type[RenderGatewayError], sentence: str
) -> None:
    """The sentence of a recorded error page is the start of the message, without markup."""
    status, kind, body = refusals(name)[number]
    gateway = connect(serve(sends(body, status=status, content_type=kind)).url)

    with pytest.raises(error_class) as caught:
        gateway.call("stack.save_tiles", **STACK, body=b"{}")

    assert type(caught.value) is error_class
    assert re.fullmatch(sentence, getattr(caught.value, "server_message", ""))
    assert re.match(sentence, str(caught.value))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", sorted(CASSETTES.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_recordings__no_sentence_is_lost(path: Path) -> None:
    """The sentence of a recorded page is its inner exception, or the whole text if it has no tags."""
    for number, (status, kind, body) in refusals(str(path.relative_to(CASSETTES))).items():
        text = html.unescape(body.decode())
        causes = re.findall("CAUSED BY:</th><td>(.*?)</td>", text, re.DOTALL)
        wanted = causes[1] if causes else "" if "<" in body.decode() else text
        got = sentence_of(status, kind.lower(), body)
        if wanted:
            assert got.split() == wanted.removeprefix("java.lang.IllegalArgumentException: ").split(), number


@pytest.mark.parametrize("page", ["<title>502 Bad Gateway</title>", "<h1>It works</h1>", "<title>Error 502 x", "<", ""])
def test_page__of_a_proxy(page: str) -> None:
    """A page of a proxy has no sentence of the service."""
    assert sentence_of(502, PAGE, page.encode()) == ""


def test_page__of_a_proxy_with_400() -> None:
    """With status 400 the title of a proxy's page is returned: it explains, and cannot be confused with a 404."""
    page = b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"

    assert sentence_of(400, PAGE, page) == "400 The plain HTTP request was sent to HTTPS port"
    assert sentence_of(400, PAGE, b"<h1>Bad</h1>") == ""


@pytest.mark.parametrize("status", [404, 999])
def test_page__of_another_status(serve: Serve, connect: Connect, status: int) -> None:
    """A page of the framework without a message is an AddressError, whatever its status."""
    page = f"<title>Error {status} Not Found</title></head><body><h2>HTTP ERROR {status}</h2>".encode()

    assert sentence_of(404, PAGE, page) == ""
    with pytest.raises(AddressError, match=f"got {status}"):
        connect(serve(sends(page, status=status, content_type=PAGE)).url).call("owner.list")


def test_page__in_latin_1() -> None:
    """Letters of a page are read in the encoding that it declares."""
    page = "<title>Error 500 java.lang.IllegalStateException: no stack é</title><h2>HTTP ERROR 500</h2>"

    assert sentence_of(500, PAGE, page.encode("latin-1")) == "no stack é"
    assert sentence_of(500, "text/html;charset=utf-8", page.encode()) == "no stack é"


@pytest.mark.parametrize("kind", ["text/plain", PAGE])
def test_sentence__of_any_length(serve: Serve, connect: Connect, kind: str) -> None:
    """Of a sentence of 50 MB the start and the end, which names the tile, are shown."""
    sentence = b"not valid: " + b"x" * 50_000_000 + b' (through reference chain: ["t17"]->["width"])'
    gateway = connect(serve(sends(sentence, status=400, content_type=kind)).url)

    with pytest.raises(BadRequestError, match=r"^not valid: x+…x+ \(through reference chain: .*t17.*width") as caught:
        gateway.call("stack.save_tiles", **STACK, body=b"{}")

    assert len(str(caught.value)) < 3000
    assert len(caught.value.server_message) <= 2000


@pytest.mark.parametrize(
    "tag", ["<title>", "<title>Error 500 ", "<h2>HTTP ERROR", "<pre>reason: ", "<h1>Bad Message", "&#"]
)
def test_page__of_many_tags(tag: str) -> None:
    """Many unclosed tags do not slow down the reading of a page."""
    assert len(sentence_of(500, PAGE, tag.encode() * 100_000)) <= 2000


def test_message__long_names_and_urls() -> None:
    """A message shows the start and the end of a long text, its URL too; its attributes have all of it."""
    error = NotFoundError("a" * 10**6 + "z", method="GET", url="http://h/" + "b" * 10**6, elapsed_s=1)

    assert re.fullmatch(r"a{2,}…a+z \[GET http://h/b+…b+, 1\.00 s\]", str(error))
    assert len(str(error)) < 5000
    assert len(error.url) > 10**6


def test_message__control_characters(serve: Serve, connect: Connect) -> None:
    """Control characters in a service's sentence are escaped, line breaks joined; in other messages and notes too."""
    gateway = connect(serve(says(400, "no \x1b[31mred\x1b[0m\r\n\x9b2J \u202eabc")).url)
    with pytest.raises(ServiceError) as caught:
        gateway.call("owner.list")
    assert str(caught.value).startswith(r"no \x1b[31mred\x1b[0m \x9b2J \u202eabc [GET")

    error = RenderGatewayError("tile \x1b]0;title\x07\nline two")
    add_note(error, "while processing \x1b[2J")
    assert str(error) == "tile \\x1b]0;title\\x07\nline two"
    assert vars(error)["__notes__"] == ["while processing \\x1b[2J"]
