"""Why there was no whole answer: the one table from what the libraries raise to errors and sentences."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any, TypeAlias

import requests
import urllib3

from rendergateway.errors import AnswerError, ConnectionFailedError, RequestError, TimedOutError

__all__ = ["LIBRARY_ERRORS", "explain", "is_permanent"]

# All that requests, urllib3 and sockets raise when a request goes wrong.
LIBRARY_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)

_Row: TypeAlias = tuple[tuple[type[BaseException], ...], type[RequestError], bool, str]

# Kinds of errors, what stands for them, whether it is open what became of the request, the sentence. What is found
# first, from the top, among the error and its causes counts: the particular before the general.
# {server}, {connect_s}, {data_s} and {reason} are filled in.
_TABLE: tuple[_Row, ...] = (
    (
        (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError),
        ConnectionFailedError,
        False,
        "{server} cannot be reached: the proxy fails ({reason}); check http_proxy, https_proxy and no_proxy",
    ),
    (
        (ssl.SSLCertVerificationError,),
        ConnectionFailedError,
        False,
        "{server} cannot be trusted: {reason}; name the certificates of its authority in REQUESTS_CA_BUNDLE",
    ),
    (
        (ssl.SSLError,),
        ConnectionFailedError,
        False,
        "{server} cannot be reached: it does not speak TLS as it should ({reason}); is it http, not https?",
    ),
    (
        (socket.gaierror,),
        ConnectionFailedError,
        False,
        "{server} cannot be reached: there is no host of that name; check address and network",
    ),
    (
        (ConnectionRefusedError,),
        ConnectionFailedError,
        False,
        "{server} cannot be reached: nothing listens there; check address and port, and that the service runs",
    ),
    (
        (requests.ConnectTimeout,),
        TimedOutError,
        False,
        "{server} cannot be reached: no connection within {connect_s:.3g} s (timeout_s); check address and network",
    ),
    (
        (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError),
        TimedOutError,
        True,
        "{server} did not answer in time: nothing came for {data_s:.3g} s (data_timeout_s); ask for less at once, or "
        "give Gateway(data_timeout_s=…) more",
    ),
    (
        (urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError),
        AnswerError,
        False,
        "{server} sent what cannot be decompressed",
    ),
    (
        (http.client.IncompleteRead,),
        ConnectionFailedError,
        True,
        "{server} sent less than it announced: the answer broke off ({reason})",
    ),
    (
        (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError),
        ConnectionFailedError,
        True,
        "{server} broke the connection off before its answer was complete",
    ),
    (
        (http.client.HTTPException, urllib3.exceptions.InvalidChunkLength),
        ConnectionFailedError,
        True,
        "{server} answered with what is no HTTP ({reason}); check the port",
    ),
    (LIBRARY_ERRORS, ConnectionFailedError, True, "{server} cannot be reached ({reason}); check address and network"),
)


def explain(error: Exception, server: str, connect_s: float, data_s: float) -> tuple[type[RequestError], bool, str]:
    """
    Return what stands for *error*: the class, whether it is open what became of the request, the message.

    Parameters
    ----------
    error : Exception
        One of `LIBRARY_ERRORS`.
    server : str
        Who was asked.
    connect_s, data_s : float
        The limits that counted.
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
    """Whether another attempt would fail in the same way: a certificate does not become another one."""
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """All errors that *error* came from: the libraries keep them as cause, context, reason or argument."""
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
    """Return a few words; never the text of requests' errors, which repeats the URL, a proxy's password included."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS"
    if isinstance(error, http.client.IncompleteRead):
        # http.client keeps what came, urllib3 how much.
        partial: Any = error.partial
        came = partial if isinstance(partial, int) else len(partial)
        return f"{came} bytes came, {error.expected} are missing"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, requests.RequestException):
        return error.strerror
    return type(error).__name__
