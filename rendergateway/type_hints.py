"""Type hints at run time, although the names in them are imported for type checkers only."""

from __future__ import annotations

import importlib
import sys
import typing
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from types import FunctionType
from typing import Any, TypeVar

__all__ = ["resolvable_hints"]

T = TypeVar("T")


def resolvable_hints(wrapped: type[T]) -> type[T]:
    """
    Let `typing.get_type_hints` resolve the public methods and properties of a class; usable as a decorator.

    Names that a module imports under ``TYPE_CHECKING`` are imported when the hints of a function are first read, so
    that a plain import stays light. Names of packages that are not installed stay unresolved; on Python 3.10 without
    typing_extensions ``Self`` is Any, and the hint of keyword arguments their TypedDict.
    """
    for name, member in vars(wrapped).items():
        if name.startswith("_") and name != "__init__":
            continue
        *around, function = _layers(member)
        if isinstance(function, FunctionType) and function.__annotations__:
            hints = _Hints(function.__module__, function.__annotations__)
            for layer in (*around, function):
                layer.__annotations__ = hints
    return wrapped


def _layers(member: Any) -> list[Any]:
    """Return the functions of a method or property: decorators first, the function as it is written last."""
    if isinstance(member, property):
        member = member.fget
    layers = [getattr(member, "__func__", member)]
    while hasattr(layers[-1], "__wrapped__"):
        layers.append(layers[-1].__wrapped__)
    return layers


class _Hints(dict[str, Any]):
    """
    The annotations of a function, which are texts.

    Whoever evaluates them copies them first; that imports the names that they need.
    """

    def __init__(self, module: str, annotations: dict[str, Any]) -> None:
        super().__init__(annotations)
        self._module = module

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> Any:
        """Return the names of the parameters, and ``return``."""
        _import_names(self._module)
        return super().keys()

    def items(self) -> Any:
        """Return names and annotations."""
        _import_names(self._module)
        return super().items()


@cache
def _import_names(module: str) -> None:
    """Import what a module imports under ``TYPE_CHECKING``, into the module."""
    import ast
    import inspect

    with suppress(OSError):  # A distribution without sources.
        source = inspect.getsource(sys.modules[module])
        for node in ast.parse(source).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                for name, value in _imported(node.body):
                    vars(sys.modules[module]).setdefault(name, value)


def _imported(statements: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for statement in statements:
        origin = getattr(statement, "module", None)
        for alias in getattr(statement, "names", ()):
            with suppress(ImportError):
                yield alias.asname or alias.name, _named(origin, alias.name)


def _named(origin: str | None, name: str) -> Any:
    if origin is None:
        return importlib.import_module(name)
    if origin == "typing_extensions" and hasattr(typing, name):
        # A dependency of type checkers, not of this package.
        return getattr(typing, name)
    try:
        return getattr(importlib.import_module(origin), name)
    except ImportError:
        if name in _OF_PYTHON_3_11:
            return _OF_PYTHON_3_11[name]
        raise


class _Keywords:
    """Replaces ``Unpack``: the hint of keyword arguments is the TypedDict itself."""

    def __class_getitem__(cls, keywords: Any) -> Any:
        return keywords


# Used on Python 3.10 without typing_extensions.
_OF_PYTHON_3_11 = {"Self": Any, "Unpack": _Keywords}
