"""What an object remembers of others until something is written: its collections, and what was asked for it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.freshness import OVER, Epoch
from rendergateway.wrappers.core.listing import Listing

if TYPE_CHECKING:
    import threading

    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.core.keys import Scope

__all__ = ["NO_MEMORY", "Remembering"]

NO_MEMORY: tuple[Epoch, dict[Any, Any]] = (OVER, {})


class Remembering:
    """Things made once, by name, for as long as the epoch in which they were made."""

    __slots__ = ("_memory",)

    _memory: tuple[Epoch, dict[Any, Any]]

    if TYPE_CHECKING:
        KIND: ClassVar[str]

        @property
        def _conn(self) -> Gateway: ...
        @property
        def _scope(self) -> Scope: ...
        @property
        def _present_epoch(self) -> Epoch: ...
        @property
        def _lock(self) -> threading.RLock: ...

    def _remembered(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return what *make* makes, once until something is written."""
        epoch, memory = self._memory
        if not epoch.is_over and name in memory:
            return memory[name]
        with self._lock:
            if self._memory[0].is_over:
                self._memory = (self._present_epoch, {})
            memory = self._memory[1]
            if name not in memory:
                memory[name] = make()
            return memory[name]

    def _recalled(self, name: Any) -> Any:
        """Return what is remembered under *name*; None where nothing is, or it is old."""
        epoch, memory = self._memory
        return None if epoch.is_over else memory.get(name)

    def _while_held(self, name: Any, make: Callable[[], Any]) -> Any:
        """Return what *make* makes, the same as long as somebody holds it and nothing is written."""
        with self._lock:
            held = self._remembered("held by others", weakref.WeakValueDictionary)
            found = held.get(name)
            if found is None:
                found = held[name] = make()
            return found

    def _children(self, kind: str, what: str, load: Callable[[], Listing]) -> Any:
        """Return the one collection of this object that *what* names, to be loaded by *load*."""
        return self._remembered(what, lambda: self._listed(kind, what, load, lambda: self))

    def _selection(self, kind: str, what: str, load: Callable[[], Listing]) -> Any:
        """
        Return the collection that *what* names, to be loaded by *load*: one of any number.

        Unlike children it is remembered only while somebody holds it, or it was listed just now: to look at one box
        after another must not fill the memory.
        """

        def make() -> Collection[Any]:
            selection = self._listed(kind, what, load, lambda: this())
            this = weakref.ref(selection)
            return selection

        return self._while_held(what, make)

    def _listed(
        self, kind: str, what: str, load: Callable[[], Listing], holder: Callable[[], object]
    ) -> Collection[Any]:
        """Return a collection to be loaded by *load*; then *holder* says what is kept alive for a while."""

        def loaded() -> Listing:
            listing = load()
            self._conn._recent.keep(holder(), listing)
            return listing

        return Collection(
            self._conn, kind, loaded, scope=self._scope, what=f"{what} of {self.KIND} {self}", above=cast("Any", self)
        )
