"""Addresses of services: parsing, the scheme of embedded services, loopback hosts."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import attrs

from rendergateway.errors import ConfigurationError

__all__ = ["EMBEDDED", "LOOPBACK_HOSTS", "Address", "masked"]

# Scheme of the address of a service inside the client's process: ``embedded:PATH``.
EMBEDDED = "embedded:"
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_APPLICATION, _VERSION = "/render-ws", "/v1"
_HAS_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def masked(address: str) -> str:
    """
    Return an address for display: without user name, password and query, also if it is invalid.

    Examples
    --------
    >>> masked("ftp://me:p#ss@host")
    'ftp://…@host'
    """
    if address.startswith(EMBEDDED):
        return address
    scheme = _HAS_SCHEME.match(address)
    start = scheme.end() if scheme else 0
    # An unquoted character of the password may end the host for a parser, so the last @ counts.
    login, at, rest = address[start:].rpartition("@")
    place, query, _ = rest.partition("?")
    return f"{address[:start]}{'…' if login else ''}{at}{place}{'?…' if query else ''}"


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
        try:
            split = urlsplit(text if _HAS_SCHEME.match(text) else f"http://{text}")
            port = f":{split.port}" if split.port else ""
        except ValueError:
            # Without the cause, whose message may contain a part of the password.
            raise ConfigurationError(
                f"invalid host or port: got {masked(text)!r}; use http://host:port, with a port below 65536"
            ) from None
        if split.scheme not in ("http", "https") or not split.hostname:
            raise ConfigurationError(
                f"invalid service address: got {masked(text)!r}; use http://host:port, or embedded:PATH for a database "
                "file"
            )
        if "@" in split.path or split.query or split.fragment or any(map(str.isspace, text)):
            raise ConfigurationError(
                f"invalid service address: got {masked(text)!r}; without spaces, ? and #, and with special characters "
                "of user name and password percent-encoded, # as %23"
            )
        host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
        login = (unquote(split.username), unquote(split.password or "")) if split.username else None
        return cls(f"{split.scheme}://{host}{port}{_full_path(split.path)}", login)


def _full_path(path: str) -> str:
    path = path.rstrip("/")
    if path.endswith(_VERSION):
        return path
    return path + _VERSION if path.endswith(_APPLICATION) else path + _APPLICATION + _VERSION
