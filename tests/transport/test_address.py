"""Parsing of service addresses."""

from __future__ import annotations

import pytest

from rendergateway import ConfigurationError, Gateway
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
        ("h:port", "invalid port: got 'h:port'"),
        ("h:99999", "invalid port: got 'h:99999'; use a number below 65536"),
    ],
)
def test_address__invalid(text: str, message: str) -> None:
    """Addresses without host or with an invalid scheme or port are rejected, with the expected form."""
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        Address.parse(text)


def test_address__login_is_not_shown() -> None:
    """User name and password in the address sign requests and appear in no repr."""
    gateway = Gateway("http://me:se%40cret@h:1", owner="o")

    assert gateway.server == "http://h:1/render-ws/v1"
    assert "cret" not in repr(gateway) + repr(Address.parse("http://me:se%40cret@h:1"))
    assert Address.parse("http://me:se%40cret@h:1").login == ("me", "se@cret")
