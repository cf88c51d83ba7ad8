"""Aliases of the verbs of OMERO's Blitz Gateway: one closed table, no second implementation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from rendergateway.mutators import changes_data

if TYPE_CHECKING:
    from rendergateway.wrappers.core.collection import Collection

__all__ = ["GATEWAY_ALIASES", "OBJECT_ALIASES", "HasChildren", "HasParent", "add_aliases"]

V = TypeVar("V", covariant=True)

# Alias → primary name. ObjectWrapper and Gateway declare them for type checkers; a test compares.
OBJECT_ALIASES: Mapping[str, str] = {
    "countChildren": "count_children",
    "getAncestry": "ancestry",
    "getId": "id",
    "getName": "name",
    "getParent": "parent",
    "listChildren": "children",
    "simpleMarshal": "simple_marshal",
}
GATEWAY_ALIASES: Mapping[str, str] = {
    "getObject": "get_object",
    "getObjects": "get_objects",
    "listProjects": "projects",
}


class HasParent(Protocol[V]):
    """An object with a parent of one type, for type checkers."""

    @property
    def parent(self) -> V:
        """The object above."""
        ...


class HasChildren(Protocol[V]):
    """An object with children of one type, for type checkers."""

    def children(self) -> Collection[V]:
        """Return the objects below."""
        ...


def _alias(name: str, of: str, primary: Any) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **values: Any) -> Any:
        found = getattr(self, of)
        return found(*args, **values) if callable(found) and not hasattr(found, "KIND") else found

    # help() shows the signature of the primary verb.
    shown: Any = primary.fget if isinstance(primary, property) else primary
    functools.update_wrapper(call, shown)
    call.__name__ = name
    call.__qualname__ = name
    call.__doc__ = f"Blitz Gateway's name for `{of}`."
    return call


def add_aliases(owner: type[Any], table: Mapping[str, str]) -> None:
    """Add each alias of *table* to *owner*; an alias calls the primary verb of the object's own class."""
    for name, of in table.items():
        primary = getattr(owner, of)
        alias = _alias(name, of, primary)
        setattr(owner, name, changes_data(alias) if hasattr(primary, "alters_data") else alias)
