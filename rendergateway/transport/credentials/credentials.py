"""Credentials: objects that sign requests, never shown, never pickled, never sent to another host."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from rendergateway.errors import CredentialsError
from rendergateway.forks import new_lock

__all__ = ["BasicLogin", "BearerToken", "Credentials", "as_credentials", "bearer"]


class Credentials(Protocol):
    """What signs a request."""

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add to the *headers* of a request what proves who asks."""

    def refresh(self, refused: str | None = None) -> bool:
        """
        Get new credentials, after a refusal (401) of the authorization *refused*; False where there are no others.

        Where the present ones are not those that were refused, another thread has renewed them: nothing is to be done.
        """


class _NotPickled:
    """Credentials stay in the process that they were given to."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise CredentialsError(f"{type(self).__name__} is not pickled; give the other process credentials of its own")


def bearer(token: object, source: str) -> str:
    """
    Return the authorization that carries *token*.

    Raises
    ------
    CredentialsError
        If it is no token; the message names its *source*, not the token.
    """
    if not isinstance(token, str) or not token or not token.isascii() or any(letter.isspace() for letter in token):
        raise CredentialsError(f"a bearer token is one word of text; {source} is not")
    return f"Bearer {token}"


class BasicLogin(_NotPickled):
    """A user name and a password, sent with each request (RFC 7617)."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password

    def __repr__(self) -> str:
        return f"BasicLogin({self.username!r}, …)"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add the basic authorization."""
        pair = f"{self.username}:{self._password}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")

    def refresh(self, refused: str | None = None) -> bool:
        """There is no other password."""
        return False


class _Fetched:
    """A token as fetched: the authorization, or what went wrong."""

    __slots__ = ("at", "authorization", "failure")

    def __init__(self, authorization: str | None, at: float, failure: Exception | None = None) -> None:
        self.authorization, self.at, self.failure = authorization, at, failure


class BearerToken:
    """
    A token sent with each request (RFC 6750).

    Parameters
    ----------
    source : str or callable
        The token, or what returns a fresh one; it is called when the first request is made.
    max_age_s : float, optional
        Age at which a fetched token is fetched again. A refusal (401) fetches it again too, once.

    Notes
    -----
    One thread fetches, the others wait and take what it got. A function that stands in a module by its name travels to
    other processes as that name; a token given as text, or a function made on the way, does not travel.

    Examples
    --------
    >>> headers = {}
    >>> BearerToken(lambda: "secret", max_age_s=300).sign(headers)
    >>> headers
    {'Authorization': 'Bearer secret'}
    """

    def __init__(self, source: str | Callable[[], str], max_age_s: float = float("inf")) -> None:
        self.max_age_s = max_age_s
        self._source = source
        self._fetched = _Fetched(None, 0.0)
        self._lock = new_lock()

    def __repr__(self) -> str:
        return f"BearerToken(…, max_age_s={self.max_age_s:g})"

    @property
    def travels(self) -> bool:
        """Whether another process can find the source again by its name."""
        return _name_of(self._source) is not None

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """
        Add the bearer authorization, with a token that is young enough.

        Raises
        ------
        CredentialsError
            If the token cannot be fetched, or is none.
        """
        fetched = self._fetched
        if fetched.authorization is None or self._is_old(fetched):
            fetched = self._renewed(fetched)
        headers["Authorization"] = str(fetched.authorization)

    def refresh(self, refused: str | None = None) -> bool:
        """Fetch the token again, unless another thread has; False where it was given as text."""
        if isinstance(self._source, str):
            return False
        fetched = self._fetched
        if refused is None or fetched.authorization == refused:
            self._renewed(fetched)
        return True

    def _is_old(self, fetched: _Fetched) -> bool:
        return time.monotonic() - fetched.at > self.max_age_s

    def _renewed(self, before: _Fetched) -> _Fetched:
        with self._lock:
            if self._fetched is before:
                self._fetched = self._fetch()
            fetched = self._fetched
        if fetched.failure is not None:
            raise CredentialsError(
                f"a token could not be fetched ({type(fetched.failure).__name__})"
                if not isinstance(fetched.failure, CredentialsError)
                else str(fetched.failure)
            ) from fetched.failure
        return fetched

    def _fetch(self) -> _Fetched:
        try:
            token = self._source if isinstance(self._source, str) else self._source()
            return _Fetched(bearer(token, "what was given or fetched"), time.monotonic())
        except Exception as error:
            return _Fetched(None, 0.0, error)

    def __reduce__(self) -> Any:
        name = _name_of(self._source)
        if name is None:
            raise CredentialsError(
                "a BearerToken is not pickled unless its function stands in a module; give the other process "
                "credentials of its own"
            )
        return _token_from, (*name, self.max_age_s)


def _name_of(source: object) -> tuple[str, str] | None:
    """Return module and name of a function that can be found again by them; a pickle must not carry what it holds."""
    module, name = getattr(source, "__module__", None), getattr(source, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    return (module, name) if getattr(sys.modules.get(module), name, None) is source else None


def _token_from(module: str, name: str, max_age_s: float) -> BearerToken:
    import importlib

    try:
        return BearerToken(getattr(importlib.import_module(module), name), max_age_s)
    except (ImportError, AttributeError) as error:
        raise CredentialsError(
            f"the function {module}.{name}, which fetches the token, is not found in this process"
        ) from error


class _Signer(_NotPickled):
    """A function of the headers, the user's own way to sign."""

    def __init__(self, function: Callable[[MutableMapping[str, str]], object]) -> None:
        self._function = function

    def __repr__(self) -> str:
        return "_Signer(…)"

    def sign(self, headers: MutableMapping[str, str]) -> None:
        self._function(headers)

    def refresh(self, refused: str | None = None) -> bool:
        return False


class LeftBehind:
    """Credentials that did not travel to this process, where no others were found."""

    travels = True

    def __init__(self, what: str, server: str) -> None:
        self.what, self.server = what, server

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Say what is missing; nothing is asked for at a terminal."""
        raise CredentialsError(
            f"the gateway came from another process, where {self.what} signed its requests; secrets do not travel. "
            f"Let this process find credentials for {self.server}: a TokenFile, `rendergateway login`, "
            "RENDERGATEWAY_TOKEN, or gateway.change_auth(…)"
        )

    def refresh(self, refused: str | None = None) -> bool:
        """There are no others."""
        return False


def as_credentials(auth: object) -> Credentials | None:
    """
    Return *auth* as credentials.

    Parameters
    ----------
    auth : None, False, (str, str), Credentials or callable
        A user name and password, an object that signs, or a function that adds to the headers of each request.

    Raises
    ------
    CredentialsError
        If it is none of these; the message does not show it.
    """
    if auth is None or auth is False:
        return None
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(word, str) for word in auth):
        return BasicLogin(*auth)
    if hasattr(auth, "sign") and hasattr(auth, "refresh"):
        return auth
    if callable(auth):
        return _Signer(auth)
    raise CredentialsError(
        "auth is a (user name, password) pair, a BearerToken, a TokenFile, or a function of the request's headers; "
        f"this is a {type(auth).__name__}"
    )
