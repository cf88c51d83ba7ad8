"""When a request is sent again."""

from __future__ import annotations

import attrs

__all__ = ["Retries"]


@attrs.frozen
class Retries:
    """
    How often, and how soon, a request is sent again that may be.

    Only requests that do no harm when repeated are: which ones, the table of endpoints says.

    Parameters
    ----------
    total : int
        Attempts after the first.
    statuses : tuple of int
        Answers that are worth another attempt. A lost connection and a time-out always are.
    backoff_s, backoff_max_s : float
        Wait before the second attempt, doubled before each further one up to the maximum. The wait is drawn between
        half of that and all of it, so that many workers do not come back at once. ``Retry-After`` counts where it
        is longer.
    """

    total: int = 3
    statuses: tuple[int, ...] = (429, 502, 503, 504)
    backoff_s: float = 0.2
    backoff_max_s: float = 20.0

    def wait_s(self, attempt: int, retry_after: str | None, now: float) -> float:
        """Return the seconds to wait after attempt number *attempt* (from 1), at epoch time *now*."""
        import random  # It and the parser of dates are not light, and seldom needed.

        ceiling = min(self.backoff_s * 2.0 ** (attempt - 1), self.backoff_max_s)
        drawn = ceiling * random.uniform(0.5, 1.0)
        return max(drawn, _seconds(retry_after, now))


def _seconds(retry_after: str | None, now: float) -> float:
    if not retry_after:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(retry_after).timestamp() - now
    except ValueError:
        return 0.0
