"""A request before it is made."""

from __future__ import annotations

import attrs

__all__ = ["Outgoing"]


@attrs.frozen
class Outgoing:
    """A request to be made: endpoint, method, path and query below the base URL, body."""

    endpoint: str
    method: str
    path: str
    body: bytes | None = None
    content_type: str | None = None
    is_safe: bool = False
