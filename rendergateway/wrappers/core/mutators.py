"""Marks for template engines on methods that change data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["changes_data"]

F = TypeVar("F", bound=Callable[..., Any])


def changes_data(method: F) -> F:
    """Mark *method* so that Django templates and Jinja2's sandbox do not call it."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method
