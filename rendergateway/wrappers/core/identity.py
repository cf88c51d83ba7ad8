"""One object for each class and key, as long as it is referenced."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rendergateway.forks import new_lock
from rendergateway.wrappers.core.keys import Key

if TYPE_CHECKING:
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Living"]

# References to objects that died are swept out when there are more references than this.
_SWEEP_FROM = 4096


class Living(dict[Key, "weakref.ref[ObjectWrapper[Any]]"]):
    """
    The objects of one class that live, by key: references that may be dead.

    They have no callbacks, which would cost more than all the rest of wrapping.
    """

    __slots__ = ("_lock", "_sweep_at")

    def __init__(self) -> None:
        super().__init__()
        self._lock = new_lock()
        self._sweep_at = _SWEEP_FROM

    def find(self, key: Key) -> ObjectWrapper[Any] | None:
        """Return the object of that key; None if there is none."""
        ref = self.get(key)
        return ref() if ref is not None else None

    def settle(self, key: Key, new: ObjectWrapper[Any]) -> ObjectWrapper[Any]:
        """Let *new* be the object of that key, unless another thread was first; return the one that is."""
        ref = weakref.ref(new)
        if self.setdefault(key, ref) is ref:
            if len(self) > self._sweep_at:
                self._sweep()
            return new
        with self._lock:
            first = self.setdefault(key, ref)()
            if first is not None:
                return first
            # Dead references are replaced or removed only under the lock, so this one is still dead.
            self[key] = ref
            return new

    def _sweep(self) -> None:
        """Forget the dead. Done when the table has doubled, so that it costs each object the same little."""
        with self._lock:
            # A copy made in one step, and without a pair for each item, which would call the garbage collector.
            for key in [key for key, ref in self.copy().items() if ref() is None]:
                del self[key]
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self))

    def objects(self) -> Iterator[ObjectWrapper[Any]]:
        """Yield the objects that are referenced elsewhere."""
        for ref in self.copy().values():
            alive = ref()
            if alive is not None:
                yield alive
