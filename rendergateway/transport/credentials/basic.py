"""Credentials: the protocol, user name and password, and functions that sign."""

from __future__ import annotations

import base64
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol, cast

from rendergateway.errors import CredentialsError
from rendergateway.mutators import changes_data, keep_marks, refuse_marked

__all__ = ["AuthorizationHeader", "BasicLogin", "Credentials", "LeftBehind", "as_credentials"]


class Credentials(Protocol):
    """Signs requests."""

    def sign(self, headers: MutableMapping[str, str]) -> None:
        """Add the authentication to the *headers* of a request."""

    def refresh(self, refused: str | None = None) -> bool:
        """
        Renew the credentials after the authorization *refused* was rejected (401); return False if that is impossible.

        If the current authorization is not *refused*, another thread has renewed it already.
        """
        ...


class AuthorizationHeader:
    """
    Base of credentials that sign with the header ``Authorization``.

    Attributes
    ----------
    travels : bool
        Whether a pickle contains where to find the secret, so that another process can sign too.
    """

    travels = True

    def __init_subclass__(cls) -> None:
        """Mark overridden methods: a template must neither read the secret nor renew it."""
        keep_marks(cls)

    @changes_data
    def authorization(self) -> str:
        """Return the current value of the header."""
        raise NotImplementedError

    @changes_data
    def sign(self, headers: MutableMapping[str, str]) -> None:
        """
        Add the current authorization.

        Raises
        ------
        CredentialsError
            If the secret is missing, unreadable or malformed.
        """
        headers["Authorization"] = self.authorization()

    @changes_data
    def refresh(self, refused: str | None = None) -> bool:
        """Return whether the secret, looked up again, differs from *refused*."""
        return self.authorization() != refused


class _NotPickled:
    """Credentials that contain a secret stay in their process."""

    travels = False

    @changes_data
    def refresh(self, refused: str | None = None) -> bool:
        """Return False: the secret is fixed."""
        return False

    def __reduce__(self) -> Any:
        raise CredentialsError(f"{type(self).__name__} cannot be pickled; pass the other process its own credentials")


class BasicLogin(_NotPickled, AuthorizationHeader):
    """A user name and password, sent with each request (RFC 7617)."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password

    def __repr__(self) -> str:
        return f"BasicLogin({self.username!r}, …)"

    def authorization(self) -> str:
        """Return the basic authorization."""
        pair = f"{self.username}:{self._password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


class _Signer(_NotPickled):
    """A function that signs by changing the headers."""

    def __init__(self, function: Callable[[MutableMapping[str, str]], object]) -> None:
        self._function = function

    def __repr__(self) -> str:
        return "_Signer(…)"

    @changes_data
    def sign(self, headers: MutableMapping[str, str]) -> None:
        self._function(headers)


class LeftBehind(AuthorizationHeader):
    """Placeholder for credentials that were not pickled, in a process that found no others."""

    def __init__(self, what: str, server: str) -> None:
        self.what, self.server = what, server

    def authorization(self) -> str:
        """Raise `CredentialsError`; a process never prompts for credentials."""
        raise CredentialsError(
            f"no credentials for {self.server} in this process: the gateway was pickled with a {self.what}, and "
            "secrets are not pickled. Use a TokenFile, `rendergateway login`, RENDERGATEWAY_TOKEN or "
            "gateway.change_auth(…)"
        )


def as_credentials(auth: object) -> Credentials | None:
    """
    Convert *auth* to credentials.

    Parameters
    ----------
    auth : None, False, (str, str), Credentials or callable
        User name and password, an object that signs, or a function that changes the headers of each request.

    Raises
    ------
    CredentialsError
        If *auth* is none of these; the message does not contain it.
    """
    if auth is None or auth is False:
        return None
    if isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(word, str) for word in auth):
        return BasicLogin(*auth)
    if hasattr(auth, "sign") and hasattr(auth, "refresh"):
        return cast(Credentials, auth)
    if callable(auth):
        refuse_marked(auth, "auth=")
        return _Signer(auth)
    raise CredentialsError(
        "auth must be a (user name, password) pair, a BearerToken, a TokenFile, or a function of the headers: "
        f"got {type(auth).__name__}"
    )
