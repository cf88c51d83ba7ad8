"""Cache invalidation by write epochs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rendergateway.model.records.record import Record
from rendergateway.mutators import changes_data

__all__ = ["NOTHING_HELD", "OVER", "Epoch", "Held", "Seen", "fact"]

T = TypeVar("T")


class Epoch:
    """
    The time between two writes of a gateway to one stack or match collection.

    Values read in an epoch are stale once it is over. Checking is one attribute access, because it is done at
    every read of a field.
    """

    __slots__ = ("is_over",)

    def __init__(self) -> None:
        self.is_over = False

    @changes_data
    def end(self) -> None:
        """Invalidate everything that was read in this epoch."""
        self.is_over = True


OVER = Epoch()
OVER.end()


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
