"""Table of library exceptions and the errors raised for them."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any, TypeAlias

import requests
import urllib3

from rendergateway.errors import AnswerError, ConnectionFailedError, RequestError, TimedOutError
from rendergateway.transport.limits import MalformedError

__all__ = ["LIBRARY_ERRORS", "explain", "is_permanent"]

# Exceptions of requests, urllib3 and sockets for failed requests.
LIBRARY_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)

_Row: TypeAlias = tuple[tuple[type[BaseException], ...], type[RequestError], bool, str]

# Exceptions, our error class, whether the request may have taken effect, the message. The first row that matches the
# exception or one of its causes applies, so specific rows precede general ones. Placeholders: {server}, {connect_s},
# {data_s} and {reason}.
_TABLE: tuple[_Row, ...] = (
    (
        (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
        ConnectionFailedError,
        False,
        "{server} is unreachable: the proxy failed ({reason}); check http_proxy, https_proxy and no_proxy",
    ),
    (
        (ssl.SSLCertVerificationError,),
        ConnectionFailedError,
        False,
        "{server} has an untrusted certificate: {reason}; pass the certificates of its authority with Gateway(ca=…) or "
        "REQUESTS_CA_BUNDLE",
    ),
    (
        (ssl.SSLError,),
        ConnectionFailedError,
        False,
        "{server} is unreachable: TLS failed ({reason}); is it http, not https, or does it ask for Gateway(cert=…)?",
    ),
    (
        (socket.gaierror,),
        ConnectionFailedError,
        False,
        "{server} is unreachable: unknown host name; check address and network",
    ),
    (
        (ConnectionRefusedError,),
        ConnectionFailedError,
        False,
        "{server} is unreachable: connection refused; check address and port, and that the service is running",
    ),
    (
        (requests.ConnectTimeout,),
        TimedOutError,
        False,
        "{server} is unreachable: no connection within {connect_s:.3g} s (timeout_s); check address and network",
    ),
    (
        (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError),
        TimedOutError,
        True,
        "{server} did not answer in time: no data for {data_s:.3g} s (data_timeout_s); request less at once, or "
        "increase Gateway(data_timeout_s=…)",
    ),
    (
        (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError),
        AnswerError,
        False,
        "{server} sent an answer that cannot be decompressed",
    ),
    (
        (MalformedError,),
        AnswerError,
        True,
        "{server} sent an answer that violates HTTP: {reason}; check for a proxy between",
    ),
    (
        (http.client.IncompleteRead,),
        ConnectionFailedError,
        True,
        "{server} sent a truncated answer: {reason}",
    ),
    (
        (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError),
        ConnectionFailedError,
        True,
        "{server} closed the connection before the answer was complete",
    ),
    (
        (http.client.HTTPException,),
        ConnectionFailedError,
        True,
        "{server} did not answer in HTTP ({reason}); check the port",
    ),
    (LIBRARY_ERRORS, ConnectionFailedError, True, "{server} is unreachable ({reason}); check address and network"),
)


def explain(error: Exception, server: str, connect_s: float, data_s: float) -> tuple[type[RequestError], bool, str]:
    """
    Return our error class for *error*, whether the request may have taken effect, and the message.

    Parameters
    ----------
    error : Exception
        One of `LIBRARY_ERRORS`.
    server : str
        Base URL of the service.
    connect_s, data_s : float
        Time limits in effect.
    """
    causes = list(_causes(error))
    for kinds, error_class, is_open, sentence in _TABLE:
        found = next((cause for cause in causes if isinstance(cause, kinds)), None)
        if found is not None:
            reason = _reason(found)
            words = {"server": server, "connect_s": connect_s, "data_s": data_s, "reason": reason}
            return error_class, is_open, sentence.format(**words)
    raise error


def is_permanent(error: BaseException) -> bool:
    """Return whether another attempt would fail too: after an error of TLS, or if there is no proxy at its address."""
    causes = list(_causes(error))
    if any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
        return any(isinstance(cause, ConnectionRefusedError | socket.gaierror) for cause in causes)
    return any(isinstance(cause, ssl.SSLError) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and its causes, which the libraries store as cause, context, reason or argument."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        related = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        waiting += [one for one in related if isinstance(one, BaseException)]


def _reason(error: BaseException) -> str:
    """Return a short reason; never the text of errors of requests, which may contain the password of a proxy."""
    if isinstance(error, MalformedError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS"
    if isinstance(error, http.client.IncompleteRead):
        # http.client stores the received bytes, urllib3 their number.
        partial: Any = error.partial
        received = partial if isinstance(partial, int) else len(partial)
        return f"{received} bytes received, {error.expected} missing"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, requests.RequestException):
        return error.strerror
    return type(error).__name__
