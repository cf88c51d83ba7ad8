"""Methods that template engines call implicitly change nothing; all methods of all wrappers are checked."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest

from rendergateway import Collection, Gateway, wrappers
from rendergateway.endpoints import ENDPOINTS
from rendergateway.wrappers.core import registry
from rendergateway.wrappers.core.blitz import OBJECT_ALIASES

WRITING = {name for name, endpoint in ENDPOINTS.items() if endpoint.effect != "read"}
MODULES = [
    importlib.import_module(name) for _, name, _ in pkgutil.walk_packages(wrappers.__path__, "rendergateway.wrappers.")
]


def marked(function: ast.FunctionDef) -> bool:
    names = {node.id for decorator in function.decorator_list for node in ast.walk(decorator) if hasattr(node, "id")}
    return "changes_data" in names


# Classes that can be passed to a page; other classes, such as an edit, come from marked methods.
SHOWN: list[type[Any]] = [*registry._BASES.values(), Collection, Gateway]
REACHED = {one for owner in SHOWN for one in owner.__mro__}


def writers(module: Any) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a module whose text names a writing endpoint, or calls one of its class that does."""
    for owner in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(owner, ast.ClassDef) or getattr(module, owner.name, None) not in REACHED:
            continue
        functions = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        writing = {name for name, node in functions.items() if WRITING & words(node)}
        while more := {name for name, node in functions.items() if calls(node) & writing} - writing:
            writing |= more
        yield from ((f"{owner.name}.{name}", functions[name]) for name in sorted(writing))


def words(function: ast.FunctionDef) -> set[str]:
    return {node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def calls(function: ast.FunctionDef) -> set[str]:
    """The names of methods of the same object that a function mentions."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_written__all_marked(module: Any) -> None:
    """A public method whose source names a writing endpoint is marked, with arguments or without."""
    for name, function in writers(module):
        public = not function.name.startswith("_")
        assert not public or marked(function), f"{name} writes, and is not marked with changes_data"


def test_aliases__carry_the_mark() -> None:
    """An alias of a verb that changes something is marked as that is, in every class."""
    for owner in (*registry._BASES.values(), Gateway):
        table = wrappers.GATEWAY_ALIASES if owner is Gateway else OBJECT_ALIASES
        for alias, name in table.items():
            primary = inspect.getattr_static(owner, name)
            assert hasattr(getattr(owner, alias), "alters_data") == hasattr(primary, "alters_data")
