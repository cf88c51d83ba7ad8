"""Addresses of services, as people write them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import attrs

from rendergateway.errors import ConfigurationError

__all__ = ["EMBEDDED", "Address"]

EMBEDDED = "embedded:"
_APPLICATION, _VERSION = "/render-ws", "/v1"
_HAS_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


@attrs.frozen
class Address:
    """
    Where a service answers.

    Attributes
    ----------
    base_url : str
        Up to and including the version: ``http://localhost:8080/render-ws/v1``.
    login : tuple of str or None
        User name and password, where they stood in the address; no message shows them.
    """

    base_url: str
    login: tuple[str, str] | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Read an address: scheme, ``/render-ws`` and ``/v1`` may be missing, and a proxy's prefix may stand before them.

        Raises
        ------
        ConfigurationError
            If the text names no host, or its scheme is neither http nor https.

        Examples
        --------
        >>> Address.parse("localhost:8080").base_url
        'http://localhost:8080/render-ws/v1'
        >>> Address.parse("https://example.org/em/render-ws/").base_url
        'https://example.org/em/render-ws/v1'
        """
        split = urlsplit(text if _HAS_SCHEME.match(text) else f"http://{text}")
        if split.scheme not in ("http", "https") or not split.hostname:
            raise ConfigurationError(
                f"{text!r} is no address of a service; write http://host:port, or embedded:PATH for one in a file"
            )
        try:
            port = f":{split.port}" if split.port else ""
        except ValueError as error:
            raise ConfigurationError(f"the port in {text!r} is no number below 65536") from error
        host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
        login = (unquote(split.username), unquote(split.password or "")) if split.username else None
        return cls(f"{split.scheme}://{host}{port}{_full_path(split.path)}", login)


def _full_path(path: str) -> str:
    path = path.rstrip("/")
    if path.endswith(_VERSION):
        return path
    return path + _VERSION if path.endswith(_APPLICATION) else path + _APPLICATION + _VERSION
