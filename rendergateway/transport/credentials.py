"""Credentials: objects that sign requests, never shown, never pickled, never sent to another host."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

import attrs

from rendergateway.errors import CredentialsError

__all__ = ["BasicLogin", "BearerToken", "Credentials", "as_credentials"]


class Credentials(Protocol):
    """What signs a request."""

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add to the *headers* of a request what proves who asks."""

    def refresh(self) -> bool:
        """Get new credentials after a refusal (401); False where there are no others."""


class _NotPickled:
    """Credentials stay in the process that they were given to."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise CredentialsError(f"{type(self).__name__} is not pickled; give the other process credentials of its own")


@attrs.frozen
class BasicLogin(_NotPickled):
    """A user name and a password, sent with each request (RFC 7617)."""

    username: str
    password: str = attrs.field(repr=lambda _: "…")

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add the basic authorization."""
        pair = f"{self.username}:{self.password}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")

    def refresh(self) -> bool:
        """There is no other password."""
        return False


@attrs.define(eq=False)
class BearerToken(_NotPickled):
    """
    A token sent with each request (RFC 6750).

    Parameters
    ----------
    source : str or callable
        The token, or what returns a fresh one; it is called when the first request is made.
    max_age_s : float, optional
        Age at which a fetched token is fetched again. A refusal (401) fetches it again too, once.
    """

    source: str | Callable[[], str] = attrs.field(repr=lambda _: "…")
    max_age_s: float = float("inf")
    _token: str | None = attrs.field(default=None, init=False, repr=False)
    _fetched_at: float = attrs.field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add the bearer authorization, with a token that is young enough."""
        with self._lock:
            if self._token is None or time.monotonic() - self._fetched_at > self.max_age_s:
                self._fetch()
            headers["Authorization"] = f"Bearer {self._token}"

    def refresh(self) -> bool:
        """Fetch the token again; False where it was given as text."""
        if isinstance(self.source, str):
            return False
        with self._lock:
            self._fetch()
        return True

    def _fetch(self) -> None:
        token = self.source if isinstance(self.source, str) else self.source()
        if not token or not isinstance(token, str) or any(letter.isspace() for letter in token):
            raise CredentialsError("a bearer token is one word of text; what was given or fetched is not")
        self._token, self._fetched_at = token, time.monotonic()


@attrs.frozen
class _Signer(_NotPickled):
    """A function of the headers, the user's own way to sign."""

    function: Callable[[MutableMapping[str, str]], object] = attrs.field(repr=lambda _: "…")

    def sign(self, headers: MutableMapping[str, str]) -> None:
        self.function(headers)

    def refresh(self) -> bool:
        return False


def as_credentials(auth: object) -> Credentials | None:
    """
    Return *auth* as credentials.

    Parameters
    ----------
    auth : None, (str, str), Credentials or callable
        A user name and password, an object that signs, or a function that adds to the headers of each request.

    Raises
    ------
    CredentialsError
        If it is none of these; the message does not show it.
    """
    if auth is None:
        return None
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(word, str) for word in auth):
        return BasicLogin(*auth)
    if hasattr(auth, "sign") and hasattr(auth, "refresh"):
        return auth
    if callable(auth):
        return _Signer(auth)
    raise CredentialsError(
        "auth is a (user name, password) pair, a BearerToken, or a function of the request's headers; "
        f"this is a {type(auth).__name__}"
    )
