"""One request and its answer, as those are told who watch."""

from __future__ import annotations

import attrs

__all__ = ["Exchange"]


@attrs.frozen
class Exchange:
    """
    One request and its answer.

    Attributes
    ----------
    endpoint : str
        Name in the table of endpoints; ``request`` for any other path.
    method, url : str
        What was asked for.
    status : int or None
        HTTP status; None before there is an answer.
    attempt : int
        From 1.
    elapsed_s : float
        Seconds since the first attempt began.
    sent_bytes, received_bytes : int
        Sizes of the two bodies.
    """

    endpoint: str
    method: str
    url: str
    status: int | None = None
    attempt: int = 1
    elapsed_s: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0

    def __str__(self) -> str:
        return (
            f"{self.method} {self.url} {self.status or '…'} {1e3 * self.elapsed_s:.1f} ms, "
            f"{self.sent_bytes} bytes out, {self.received_bytes} in"
        )
