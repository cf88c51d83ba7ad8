"""Addresses as people write them."""

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
def test_address__as_people_write_it(text: str, base_url: str) -> None:
    """Scheme, application and version may be missing; a proxy's prefix stays."""
    assert Address.parse(text).base_url == base_url


@pytest.mark.parametrize("text", ["", "ftp://h", "http://", "h:port", "h:99999"])
def test_address__none(text: str) -> None:
    """What names no host and port is refused, with the way to write it."""
    with pytest.raises(ConfigurationError, match=r"address|port"):
        Address.parse(text)


def test_address__login_is_not_shown() -> None:
    """A user name and password in the address sign requests and show nowhere."""
    gateway = Gateway("http://me:se%40cret@h:1", owner="o")

    assert gateway.server == "http://h:1/render-ws/v1"
    assert "cret" not in repr(gateway) + repr(Address.parse("http://me:se%40cret@h:1"))
    assert Address.parse("http://me:se%40cret@h:1").login == ("me", "se@cret")
