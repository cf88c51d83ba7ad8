"""A request before it is made."""

from __future__ import annotations

__all__ = ["Outgoing"]


class Outgoing:
    """A request to be made: endpoint, method, path and query below the base URL, body."""

    __slots__ = ("body", "content_type", "endpoint", "is_safe", "method", "path")

    def __init__(
        self,
        endpoint: str,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        is_safe: bool = False,
    ) -> None:
        self.endpoint, self.method, self.path = endpoint, method, path
        self.body, self.content_type, self.is_safe = body, content_type, is_safe
