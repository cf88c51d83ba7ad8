"""How requests are made: time limits, pool, retries and headers, each in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rendergateway.errors import ConfigurationError
from rendergateway.transport.retries import Retries

__all__ = ["Settings"]

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


def _check_headers(settings: Settings, attribute: attrs.Attribute[Any], headers: Mapping[str, str]) -> None:
    secret = [name for name in headers if name.lower() in _SECRET_HEADERS]
    if secret:
        raise ConfigurationError(
            f"the header {secret[0]} is a secret, which would travel with every pickle of the gateway; give it as "
            "auth=: a pair, a BearerToken, a TokenFile, or a function that adds to the headers of each request"
        )


def _check_positive(settings: Settings, attribute: attrs.Attribute[Any], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{attribute.name} is a number above 0, not {value!r}")


def _check_retries(settings: Settings, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Retries):
        raise ConfigurationError(f"retries is a number, or Retries(total=…, …), not {value!r}")


def _limit(default: float) -> Any:
    return attrs.field(default=default, validator=_check_positive)


@attrs.frozen(kw_only=True)
class Settings:
    """
    How requests are made.

    Attributes
    ----------
    timeout_s : float
        Seconds to wait for a connection.
    data_timeout_s : float
        Seconds to wait for each next piece of data, sent or received.
    budget_s : float
        Seconds for a request with all its attempts and waits, whatever the server does.
    answer_limit : int
        Most bytes of one answer, decompressed.
    pool_size : int
        Connections kept open.
    pool_block : bool
        Whether a request waits for a free connection when all are in use; else another one is opened.
    retries : Retries
        When a request is sent again.
    headers : mapping of str to str
        Sent with every request.
    """

    timeout_s: float = _limit(10.0)
    data_timeout_s: float = _limit(120.0)
    budget_s: float = _limit(900.0)
    answer_limit: int = _limit(1 << 32)
    pool_size: int = _limit(16)
    pool_block: bool = False
    retries: Retries = attrs.field(factory=Retries, validator=_check_retries)
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=dict, validator=_check_headers, repr=False)

    @classmethod
    def of(cls, **given: Any) -> Settings:
        """Return settings from what is given; a number for *retries* is how often."""
        return cls(**_with_retries(given))

    def with_given(self, **given: Any) -> Settings:
        """Return settings that differ in what is given and not None."""
        return attrs.evolve(self, **_with_retries({name: one for name, one in given.items() if one is not None}))


def _with_retries(given: dict[str, Any]) -> dict[str, Any]:
    retries = given.get("retries")
    return {**given, "retries": Retries(total=retries)} if isinstance(retries, int) else given
