"""Cache invalidation by write epochs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rendergateway.forks import new_lock
from rendergateway.model.records.record import Record
from rendergateway.mutators import changes_data
from rendergateway.wrappers.core.keys import Scope

__all__ = ["NOTHING_HELD", "OVER", "Epoch", "Epochs", "Held", "Seen", "fact"]

T = TypeVar("T")


class Epoch:
    """
    The time between two writes of a gateway to one stack or match collection, or until something of it is reloaded.

    Values read in an epoch are stale once it is over. Checking is one attribute access, because it is done at
    every read of a field.

    Parameters
    ----------
    number : int
        Number of epochs before it; identifies it in pickles.
    writes : int
        Number of those that a write has ended.
    """

    __slots__ = ("is_over", "number", "writes")

    def __init__(self, number: int = 0, writes: int = 0) -> None:
        self.is_over = False
        self.number = number
        self.writes = writes

    @changes_data
    def end(self) -> None:
        """Invalidate everything that was read in this epoch."""
        self.is_over = True


OVER = Epoch()
OVER.end()


class Epochs:
    """The current epoch of each stack and match collection, and of everything below an owner or project."""

    def __init__(self) -> None:
        self._current: dict[Scope, Epoch] = {}
        self._lock = new_lock()

    @changes_data
    def of(self, scope: Scope) -> Epoch:
        """Return the current epoch of a scope."""
        epoch = self._current.get(scope)
        return epoch if epoch is not None else self._current.setdefault(scope, Epoch())

    @changes_data
    def end(self, scope: Scope, *, written: bool) -> None:
        """End the epochs of a scope, of everything above it, whose listings contain it, and of everything below it."""
        size = len(scope)
        with self._lock:
            ended = {known for known in self._current.copy() if known[:size] == scope}
            for one in ended.union(scope[:end] for end in range(size + 1)):
                self._replace(one, self.of(one).number + 1, written)

    @changes_data
    def adopt(self, scope: Scope, number: int) -> bool:
        """Return whether an epoch of another process is the current one; a later one ends the current one."""
        with self._lock:
            if number > self.of(scope).number:
                self._replace(scope, number, written=True)
            return number == self.of(scope).number

    def _replace(self, scope: Scope, number: int, written: bool) -> None:
        ended = self.of(scope)
        # Replaced before it ends: an epoch that is handed out is current or over.
        self._current[scope] = Epoch(number, ended.writes + written)
        ended.end()


class Seen:
    """
    When a listing was read, and the facts that all its objects share.

    Attributes
    ----------
    epoch : Epoch
        The epoch of the request.
    serial : int
        Larger than the serials of everything read before.
    known : mapping
        Values of `fact` properties, such as ``z`` of the tiles of a section.
    above : tuple of ObjectWrapper
        The objects that the listing was reached from; its objects keep them alive.
    """

    __slots__ = ("above", "epoch", "known", "serial")

    def __init__(self, epoch: Epoch, serial: int, known: Mapping[str, Any], above: tuple[Any, ...] = ()) -> None:
        self.above = above
        self.epoch = epoch
        self.known = known
        self.serial = serial


# The state of an object, replaced by one assignment so that no thread sees half of it: the epoch of the last read; the
# values of `fact` properties computed since, by name; the record, or its text until the record is needed; the serial
# of the read. A plain tuple, because one is made per listed tile and unpacked at each read of a field.
Held: TypeAlias = "tuple[Epoch, Mapping[str, Any], Record | bytes | None, int]"
NOTHING_HELD: Held = (OVER, {}, None, 0)


if TYPE_CHECKING:
    fact = property
else:

    def fact(read: Callable[[Any], T]) -> property:
        """
        Make a property whose value is read once from the record, and again only after a write.

        The value is cached under the name of the property: a class and its bases may have one fact of that name.
        """
        name = read.__name__

        def get(self: Any) -> T:
            # A read must cost about as much as an attribute access: no call before the cached value.
            epoch, facts, _, _ = self._held
            if not epoch.is_over:
                try:
                    return facts[name]
                except KeyError:
                    pass
            return self._fact(name, read)

        # Type and documentation are those of the field.
        return property(functools.update_wrapper(get, read))
