"""What template engines are told of methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["changes_data"]

F = TypeVar("F", bound=Callable[..., Any])


def changes_data(method: F) -> F:
    """Mark *method* as one that a template engine must not call: Django and Jinja2's sandbox look for the mark."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method
