"""What a gateway tells those who watch its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rendergateway.transport.exchange import Exchange

__all__ = ["Hooks"]


class Hooks:
    """
    Functions called with an `Exchange` before each attempt, after each answer, and after each attempt without one.

    What they raise reaches the caller of the request.

    Attributes
    ----------
    on_request, on_response, on_error : list of callable
        Append yours.
    """

    __slots__ = ("on_error", "on_request", "on_response")

    def __init__(self) -> None:
        self.on_request: list[Callable[[Exchange], object]] = []
        self.on_response: list[Callable[[Exchange], object]] = []
        self.on_error: list[Callable[[Exchange], object]] = []

    def __repr__(self) -> str:
        return f"Hooks(on_request={self.on_request}, on_response={self.on_response}, on_error={self.on_error})"
