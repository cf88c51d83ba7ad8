"""Marks for template engines on methods with an effect, and lists and dicts whose methods have them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["MarkedDict", "MarkedList", "changes_data", "keep_marks", "refuse_marked"]

F = TypeVar("F", bound=Callable[..., Any])
K = TypeVar("K")
V = TypeVar("V")


def changes_data(method: F) -> F:
    """Mark *method* so that Django templates and Jinja2's sandbox do not call it."""
    method.alters_data = True  # type: ignore[attr-defined]
    return method


def keep_marks(wrapper_class: type[Any]) -> None:
    """Mark the methods of a subclass that override marked ones; authors of subclasses need not."""
    members = [item for base in wrapper_class.__mro__ for item in vars(base).items()]
    for name in {name for name, member in members if getattr(member, "alters_data", False)}:
        own = inspect.getattr_static(wrapper_class, name)
        if inspect.isfunction(own):
            changes_data(own)


def refuse_marked(function: object, what: str) -> None:
    """
    Refuse to call a marked method in place of a template engine, which would not.

    Raises
    ------
    TypeError
        If *function* is marked with `changes_data`.
    """
    if getattr(function, "alters_data", False):
        raise TypeError(f"{what} must not change data: got {getattr(function, '__qualname__', function)!r}")


def _marked(method: Any) -> Any:
    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        return method(self, *arguments, **options)

    return changes_data(call)


class MarkedList(list[V]):
    """A list that a template can read, and not change."""


class MarkedDict(dict[K, V]):
    """A dict that a template can read, and not change."""


for _name in ("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"):
    setattr(MarkedList, _name, _marked(getattr(list, _name)))
for _name in ("clear", "pop", "popitem", "setdefault", "update"):
    setattr(MarkedDict, _name, _marked(getattr(dict, _name)))
