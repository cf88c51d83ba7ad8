"""Proxy and certificates of the requests to one service: as configured, else from the environment."""

from __future__ import annotations

import importlib.util
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy

from rendergateway.endpoints.address import masked
from rendergateway.errors import ConfigurationError
from rendergateway.transport.settings import Settings

__all__ = ["proxy_and_certificates"]

_PROXIES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def proxy_and_certificates(base_url: str, settings: Settings) -> dict[str, Any]:
    """
    Return *proxies*, *verify* and *cert* for an adapter of the package requests.

    Raises
    ------
    ConfigurationError
        If a proxy or a file of certificates is unusable; the message names the variable or setting.
    """
    with requests.Session() as session:
        found = session.merge_environment_settings(base_url, {}, True, settings.ca, None)
    _check_proxy(select_proxy(base_url, found["proxies"]))
    cert = None if settings.cert is None else (settings.cert, settings.cert_key or settings.cert)
    if base_url.startswith("https:"):
        if isinstance(found["verify"], str):
            _check_authorities(found["verify"], settings)
        if cert is not None:
            _check_certificate(*cert)
    return {"proxies": found["proxies"], "verify": found["verify"], "cert": cert}


def _check_proxy(proxy: str | None) -> None:
    if proxy is None:
        return
    names = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value == proxy]
    what = f"proxy in {' and '.join(names) or 'the environment'}"
    try:
        split = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        # Reading a port beyond 65535 raises too.
        is_valid = split.hostname is not None and split.port != 0 and split.scheme in _PROXIES
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ConfigurationError(f"invalid {what}: got {masked(proxy)!r}; use http://host:port, or unset it")
    if proxy.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise ConfigurationError(f"the {what} needs PySocks: got {masked(proxy)!r}; pip install 'requests[socks]'")


def _check_authorities(path: str, settings: Settings) -> None:
    names = [name for name in _AUTHORITIES if os.environ.get(name) == path]
    source = "ca" if settings.ca is not None else names[0]
    try:
        folder = Path(path).is_dir()
        ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
    except OSError as error:
        raise ConfigurationError(
            f"unusable certificates of authorities in {source}: got {path!r} ({_reason(error)}); use a PEM file, or a "
            "folder of them"
        ) from error


def _check_certificate(path: str, key: str) -> None:
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        ssl.create_default_context().load_cert_chain(path, key, password="")
    except OSError as error:
        raise ConfigurationError(
            f"unusable client certificate in cert and cert_key: got {path!r} and {key!r} ({_reason(error)}); use PEM "
            "files, with a key that is not encrypted"
        ) from error


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not PEM"
    return error.strerror or type(error).__name__
