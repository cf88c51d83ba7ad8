"""Addresses of services: parsing, the scheme of embedded services, loopback hosts."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import attrs

from rendergateway.errors import ConfigurationError

__all__ = ["EMBEDDED", "LOOPBACK_HOSTS", "Address"]

# Scheme of the address of a service inside the client's process: ``embedded:PATH``.
EMBEDDED = "embedded:"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_APPLICATION, _VERSION = "/render-ws", "/v1"
_HAS_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


@attrs.frozen
class Address:
    """
    The address of a service.

    Attributes
    ----------
    base_url : str
        URL up to and including the version: ``http://localhost:8080/render-ws/v1``.
    login : tuple of str or None
        User name and password from the address, if it has any; error messages never contain them.
    """

    base_url: str
    login: tuple[str, str] | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Parse an address.

        Scheme, ``/render-ws`` and ``/v1`` are optional; a proxy's path prefix may precede them.

        Raises
        ------
        ConfigurationError
            If the address has no host, an invalid port, or a scheme other than http and https.

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
                f"invalid service address: got {text!r}; use http://host:port, or embedded:PATH for a database file"
            )
        try:
            port = f":{split.port}" if split.port else ""
        except ValueError as error:
            raise ConfigurationError(f"invalid port: got {text!r}; use a number below 65536") from error
        host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
        login = (unquote(split.username), unquote(split.password or "")) if split.username else None
        return cls(f"{split.scheme}://{host}{port}{_full_path(split.path)}", login)


def _full_path(path: str) -> str:
    path = path.rstrip("/")
    if path.endswith(_VERSION):
        return path
    return path + _VERSION if path.endswith(_APPLICATION) else path + _APPLICATION + _VERSION
