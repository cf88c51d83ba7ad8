"""Requests to be sent, and their reports to hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from rendergateway.mutators import MarkedList

if TYPE_CHECKING:
    from rendergateway.transport.answer import Sink

__all__ = ["Exchange", "Hooks", "Outgoing"]


class Outgoing:
    """A request to be sent: endpoint, method, path and query below the base URL, body, and the sink of its answer."""

    __slots__ = ("body", "content_type", "endpoint", "is_safe", "method", "path", "sink")

    def __init__(
        self,
        endpoint: str,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str | None = None,
        is_safe: bool = False,
        sink: Callable[[], Sink] | None = None,
    ) -> None:
        self.endpoint, self.method, self.path = endpoint, method, path
        self.body, self.content_type, self.is_safe, self.sink = body, content_type, is_safe, sink


@attrs.frozen
class Exchange:
    """
    One request and its answer, as reported to `Hooks`.

    Attributes
    ----------
    endpoint : str
        Name in the endpoint table; ``request`` for other paths.
    method, url : str
        HTTP method and URL.
    status : int or None
        HTTP status; None before the answer.
    attempt : int
        Number of the attempt, from 1.
    elapsed_s : float
        Seconds since the start of the first attempt.
    sent_bytes, received_bytes : int
        Sizes of the request body and the answer body.
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


class Hooks:
    """
    Callbacks that receive an `Exchange` before each attempt, after each answer, and after each failed attempt.

    Their exceptions propagate to the caller of the request.

    Attributes
    ----------
    on_request, on_response, on_error : list of callable
        Append callbacks to these lists.
    """

    __slots__ = ("on_error", "on_request", "on_response")

    def __init__(self) -> None:
        self.on_request: list[Callable[[Exchange], object]] = MarkedList()
        self.on_response: list[Callable[[Exchange], object]] = MarkedList()
        self.on_error: list[Callable[[Exchange], object]] = MarkedList()

    def __repr__(self) -> str:
        return f"Hooks(on_request={self.on_request}, on_response={self.on_response}, on_error={self.on_error})"
