"""Parsing of service addresses."""

from __future__ import annotations

import re

import pytest

from rendergateway import ConfigurationError, Gateway
from rendergateway.configuration import configured
from rendergateway.endpoints.address import masked
from rendergateway.transport import Address


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("localhost:8080", "http://localhost:8080/render-ws/v1"),
        ("http://localhost:8080", "http://localhost:8080/render-ws/v1"),
        ("https://render.example.org/", "https://render.example.org/render-ws/v1"),
        ("http://h:1/render-ws", "http://h:1/render-ws/v1"),
        ("http://h:1/render-ws/", "http://h:1/render-ws/v1"),
        ("http://h:1/render-ws/v1/", "http://h:1/render-ws/v1"),
        ("https://h/em/render-ws", "https://h/em/render-ws/v1"),
        ("https://h/em/v1", "https://h/em/v1"),
        ("https://h/em", "https://h/em/render-ws/v1"),
        ("[::1]:8080", "http://[::1]:8080/render-ws/v1"),
    ],
)
def test_address__parts_are_optional(text: str, base_url: str) -> None:
    """Scheme, application and version are optional; a proxy's path prefix is kept."""
    assert Address.parse(text).base_url == base_url


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid service address: got ''; use http://host:port"),
        ("ftp://h", "invalid service address: got 'ftp://h'"),
        ("http://", "invalid service address: got 'http://'"),
        ("h:port", "invalid host or port: got 'h:port'"),
        ("h:99999", "invalid host or port: got 'h:99999'; use http://host:port, with a port below 65536"),
        ("http://[bad", r"invalid host or port: got 'http://\[bad'"),
        ("h:8080?q=1", r"invalid service address: got 'h:8080\?…'; without spaces, \? and #"),
        ("http://h/#/top", "invalid service address: got 'http://h/#/top'; without spaces"),
        ("http://h /x", "invalid service address: got 'http://h /x'; without spaces"),
    ],
)
def test_address__invalid(text: str, message: str) -> None:
    """Addresses without host or with an invalid scheme or port are rejected, with the expected form."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        Address.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://me:s3cret@h",
        "http://me:s3cret@h:99999",
        "http://me:s3#cret@h",
        "http://me:12#s3cret@h",
        "http://me:12/s3cret@h",
        "http://me:12?s3cret@h",
        "http://me:s3@cret@[h",
        "me:s3cret@h:port",
        "me:s3cret@h:8080?token=s3cret",
        "http://@s3cret@h/x y",
    ],
)
def test_address__invalid_without_the_login(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for an invalid address shows host and path, never user name and password, whatever is wrong."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", text)

    for fail in (lambda: Address.parse(text), lambda: Gateway(text), Gateway):
        with pytest.raises(ConfigurationError, match="h") as caught:
            fail()
        assert not re.search("s3|cret|me:", str(caught.value))
        assert caught.value.__cause__ is None
    assert not re.search("s3|cret", repr(configured()) + repr(configured().find("service")))


def test_masked__only_the_login() -> None:
    """Host, path and database files are shown."""
    shown = ["h:8080", "http://h/a@b", "embedded:./a@b.db", "https://me:pw@h/v1"]

    assert [masked(text) for text in shown] == ["h:8080", "http://…@b", "embedded:./a@b.db", "https://…@h/v1"]


def test_address__login_is_not_shown() -> None:
    """User name and password in the address sign requests and appear in no repr."""
    gateway = Gateway("http://me:se%40cret@h:1", owner="o")

    assert gateway.server == "http://h:1/render-ws/v1"
    assert "cret" not in repr(gateway) + repr(Address.parse("http://me:se%40cret@h:1"))
    assert Address.parse("http://me:se%40cret@h:1").login == ("me", "se@cret")
