"""The objects of a gateway that live: one for each class and key, and how fresh each is."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from rendergateway.model import Record
from rendergateway.model.slices import Text
from rendergateway.wrappers.keys import Key, Scope, StackKey
from rendergateway.wrappers.registry import DEFAULT, Registry, load_entry_points

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.object import ObjectWrapper

__all__ = ["LivingObjects"]


class LivingObjects:
    """
    Wrapping, identity and freshness.

    Attributes
    ----------
    registry : Registry
        Which classes stand for which kinds here.
    """

    _lock: threading.RLock

    def __init__(self, registry: Registry | None) -> None:
        load_entry_points()
        self.registry = registry or Registry(DEFAULT)
        self._epochs: dict[Scope, int] = {}
        self._serials = itertools.count(1)
        self._alive: weakref.WeakValueDictionary[tuple[Any, ...], ObjectWrapper[Any]] = weakref.WeakValueDictionary()

    def register(self, wrapper_class: type[ObjectWrapper[Any]]) -> type[ObjectWrapper[Any]]:
        """Let a subclass of a wrapper stand for its kind in this gateway, from the next wrap on; it decorates."""
        return self.registry.register(wrapper_class)

    def wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        """Return the object of that kind and key: the one that lives, else a new one of the registered class."""
        return self.wrap_as(self.registry[kind], key, record, **extra)

    def wrap_as(
        self, wrapper_class: type[ObjectWrapper[Any]], key: Key, record: Record | None = None, **extra: Any
    ) -> Any:
        """Return the object of that class and key, as `wrap` does."""
        alive = self._alive.get((wrapper_class, key))
        if alive is None:
            new = wrapper_class(cast("Gateway", self), record, key=key, **extra)
            with self._lock:
                alive = self._alive.setdefault((wrapper_class, key), new)
        if record is not None and not alive.is_loaded:
            alive._take(record)
        return alive

    def wrap_text(self, kind: str, key: Key, text: Text | None, serial: int) -> Any:
        """Return the object of a listing's item; what a later listing says of an object that lives counts."""
        wrapper = self.wrap(kind, key)
        if text is not None and (wrapper._serial < serial or not wrapper.is_loaded):
            wrapper._take(wrapper.RECORD.from_json(text), serial)
        return wrapper

    def next_serial(self) -> int:
        """Return a number larger than all before: what was read later has the larger one."""
        return next(self._serials)

    def epoch(self, scope: Scope) -> int:
        """Return how often this gateway has written to a stack or collection, or below an owner or project."""
        return self._epochs.get(scope, 0)

    def _wrote(self, values: Mapping[str, Any]) -> None:
        owner, project = values.get("owner"), values.get("project")
        stacks = [StackKey(str(owner), str(project), values["stack"])] if "stack" in values else []
        if "to_stack" in values:
            stacks.append(StackKey(str(owner), str(values.get("to_project") or project), values["to_stack"]))
        scopes: set[Scope] = {stack[:size] for stack in stacks for size in range(4)}
        if "collection" in values:
            scopes |= {(str(owner), values["collection"]), (str(owner),), ()}
        with self._lock:
            for scope in scopes or {(), (str(owner),), (str(owner), str(project))}:
                self._epochs[scope] = self._epochs.get(scope, 0) + 1
