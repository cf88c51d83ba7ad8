"""Bearer tokens: from a function, or from an environment variable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rendergateway.errors import CredentialsError
from rendergateway.forks import new_lock
from rendergateway.transport.credentials.basic import AuthorizationHeader

__all__ = ["BearerToken", "VariableToken", "bearer"]


def bearer(token: object, source: str) -> str:
    """
    Return the authorization with *token*.

    Raises
    ------
    CredentialsError
        If the token is malformed; the message contains its *source*, not the token.
    """
    if not isinstance(token, str) or not token or not token.isascii() or any(letter.isspace() for letter in token):
        raise CredentialsError(f"malformed bearer token: {source} must be one word of ASCII text")
    return f"Bearer {token}"


class _Fetched(NamedTuple):
    """Result of fetching a token: the authorization, or the failure."""

    authorization: str | None = None
    at: float = 0.0
    failure: Exception | None = None


class BearerToken(AuthorizationHeader):
    """
    A token sent with each request (RFC 6750).

    Parameters
    ----------
    source : str or callable
        The token, or a function that fetches one; it is called for the first request.
    max_age_s : float, optional
        Age at which the token is fetched again. It is also fetched again, once, after a refusal (401).

    Notes
    -----
    Thread-safe: one thread fetches the token, the others wait for its result. A pickle contains the module and name of
    the function. A token passed as text, or a function that is not at module level, cannot be pickled.

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
        self._fetched = _Fetched()
        self._lock = new_lock()

    def __repr__(self) -> str:
        return f"BearerToken(…, max_age_s={self.max_age_s:g})"

    @property
    def travels(self) -> bool:  # type: ignore[override]
        """Whether another process can find the function by its name."""
        return _name_of(self._source) is not None

    def authorization(self) -> str:
        """
        Return the bearer authorization, with a token younger than `max_age_s`.

        Raises
        ------
        CredentialsError
            If the token cannot be fetched or is malformed.
        """
        fetched = self._fetched
        if fetched.authorization is None or time.monotonic() - fetched.at > self.max_age_s:
            fetched = self._renewed(fetched)
        return str(fetched.authorization)

    def refresh(self, refused: str | None = None) -> bool:
        """Fetch the token again, unless another thread has; return False if it was passed as text."""
        if isinstance(self._source, str):
            return False
        fetched = self._fetched
        if refused is None or fetched.authorization == refused:
            self._renewed(fetched)
        return True

    def _renewed(self, before: _Fetched) -> _Fetched:
        with self._lock:
            if self._fetched is before:
                try:
                    token = self._source if isinstance(self._source, str) else self._source()
                    self._fetched = _Fetched(bearer(token, "the given or fetched token"), time.monotonic())
                except Exception as error:
                    self._fetched = _Fetched(failure=error)
            fetched = self._fetched
        if fetched.failure is None:
            return fetched
        # The text of another error may contain the secret.
        name = type(fetched.failure).__name__
        is_ours = isinstance(fetched.failure, CredentialsError)
        reason = str(fetched.failure) if is_ours else f"the token could not be fetched ({name})"
        raise CredentialsError(reason) from fetched.failure

    def __reduce__(self) -> Any:
        name = _name_of(self._source)
        if name is None:
            raise CredentialsError(
                "BearerToken cannot be pickled unless its function is at module level; pass the other process its own "
                "credentials"
            )
        return _token_from, (name, self.max_age_s)


def _name_of(source: object) -> str | None:
    """Return ``module:name`` of a function that can be imported by it; pickling the function may include secrets."""
    import pkgutil

    name = f"{getattr(source, '__module__', '')}:{getattr(source, '__qualname__', '')}"
    try:
        return name if pkgutil.resolve_name(name) is source else None
    except (ImportError, AttributeError, ValueError):
        return None


def _token_from(name: str, max_age_s: float) -> BearerToken:
    import pkgutil

    try:
        return BearerToken(pkgutil.resolve_name(name), max_age_s)
    except (ImportError, AttributeError) as error:
        raise CredentialsError(f"cannot import {name}, the function that fetches the token, in this process") from error


class VariableToken(AuthorizationHeader):
    """A bearer token in an environment variable, read for each request."""

    def __init__(self, variable: str) -> None:
        self.variable = variable

    def __repr__(self) -> str:
        return f"VariableToken({self.variable!r})"

    def authorization(self) -> str:
        """Return the bearer authorization."""
        return bearer(os.environ.get(self.variable), f"the value of {self.variable}")
