"""Settings of requests: time limits, pool, headers and retries."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import attrs

from rendergateway.errors import ConfigurationError
from rendergateway.mutators import MarkedDict

__all__ = ["Retries", "Settings"]

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


@attrs.frozen
class Retries:
    """
    Number and timing of further attempts at a request.

    Only requests that are safe to repeat are retried, according to the endpoint table.

    Parameters
    ----------
    total : int
        Attempts after the first.
    statuses : tuple of int
        Statuses that are retried. Lost connections and timeouts always are.
    backoff_s, backoff_max_s : float
        Wait before the second attempt, doubled before each further one up to the maximum. The actual wait is random,
        between half of that and all of it, so that many workers do not retry simultaneously. A longer ``Retry-After``
        takes precedence.
    """

    total: int = 3
    statuses: tuple[int, ...] = (429, 502, 503, 504)
    backoff_s: float = 0.2
    backoff_max_s: float = 20.0

    def wait_s(self, attempt: int, retry_after: str | None) -> float:
        """Return the seconds to wait after attempt number *attempt* (from 1)."""
        import random  # Loaded only for the first retry.

        ceiling = min(self.backoff_s * 2.0 ** (attempt - 1), self.backoff_max_s)
        return max(ceiling * random.uniform(0.5, 1.0), _retry_after_s(retry_after))


def _retry_after_s(text: str | None) -> float:
    """Return the seconds of a ``Retry-After`` header: 0 if it is missing or malformed, infinity if out of range."""
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    try:
        return float(Retry().parse_retry_after(text)) if text else 0.0
    except InvalidHeader:
        return 0.0
    except (ValueError, OverflowError):
        return math.inf


def _check_headers(settings: Settings, attribute: attrs.Attribute[Any], headers: Mapping[str, str]) -> None:
    secret = [name for name in headers if name.lower() in _SECRET_HEADERS]
    if secret:
        raise ConfigurationError(
            f"the header {secret[0]} is a secret, and every pickle of the gateway would contain it; pass auth= a pair, "
            "a BearerToken, a TokenFile, or a function that changes the headers of each request"
        )


def _check_positive(settings: Settings, attribute: attrs.Attribute[Any], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ConfigurationError(f"{attribute.name} must be a number above 0: got {value!r}")


def _check_retries(settings: Settings, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, Retries):
        raise ConfigurationError(f"retries must be a number or Retries(total=…, …): got {value!r}")


def _path(given: str | os.PathLike[str] | None) -> str | None:
    # Absolute: other processes, which receive pickles, may have other working directories.
    return None if given is None else os.path.abspath(os.path.expanduser(given))


def _limit(default: float) -> Any:
    return attrs.field(default=default, validator=_check_positive)


@attrs.frozen(kw_only=True)
class Settings:
    """
    Settings of requests.

    Attributes
    ----------
    timeout_s : float
        Seconds to wait for a connection.
    data_timeout_s : float
        Seconds to wait for each next piece of data, sent or received.
    budget_s : float
        Seconds for a request including all attempts and waits.
    answer_limit : int
        Maximal size of an answer in bytes, decompressed.
    pool_size : int
        Connections kept open.
    pool_block : bool
        Whether a request waits for a free connection if all are in use, instead of opening another one.
    retries : Retries
        Number and timing of further attempts.
    headers : mapping of str to str
        Headers of every request.
    ca : str or None
        File or folder of certificates of trusted authorities, instead of those of the environment.
    cert, cert_key : str or None
        Files of the client's certificate and its key; the key may be in the first.
    """

    timeout_s: float = _limit(10.0)
    data_timeout_s: float = _limit(120.0)
    budget_s: float = _limit(900.0)
    answer_limit: int = _limit(1 << 32)
    pool_size: int = _limit(16)
    pool_block: bool = False
    retries: Retries = attrs.field(factory=Retries, validator=_check_retries)
    headers: Mapping[str, str] = attrs.field(
        factory=MarkedDict, converter=MarkedDict, validator=_check_headers, repr=False
    )
    ca: str | None = attrs.field(default=None, converter=_path)
    cert: str | None = attrs.field(default=None, converter=_path)
    cert_key: str | None = attrs.field(default=None, converter=_path)

    @classmethod
    def of(cls, **given: Any) -> Settings:
        """Return settings with the given values; a number for *retries* is the number of further attempts."""
        return cls(**_with_retries(given))

    def with_given(self, **given: Any) -> Settings:
        """Return settings with the given values that are not None; the same if there is none."""
        changed = _with_retries({name: one for name, one in given.items() if one is not None})
        return attrs.evolve(self, **changed) if changed else self


def _with_retries(given: dict[str, Any]) -> dict[str, Any]:
    retries = given.get("retries")
    return {**given, "retries": Retries(total=retries)} if isinstance(retries, int) else given
