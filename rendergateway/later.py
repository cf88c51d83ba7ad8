"""What few need, imported when it is first asked for, so that a plain import stays light."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["LaterModule", "names_from"]


class LaterModule:
    """
    Stands for a module until something of it is asked for.

    Parameters
    ----------
    name : str
        The whole name of the module.

    Examples
    --------
    >>> LaterModule("math").floor(2.5)
    2
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self._name), name)
        # The next time it is found without asking.
        setattr(self, name, value)
        return value


def names_from(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """
    Return the ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
        Its name.
    modules : mapping of str to str
        By public name, the module in the package that has it.
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{modules[name]}"), name)

    return find
