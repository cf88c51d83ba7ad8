"""How fresh what was read is: epochs end with a write, and of two readings the later one counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rendergateway.model import Record

if TYPE_CHECKING:
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["NOTHING_HELD", "OVER", "Epoch", "Held", "Seen", "fact"]

T = TypeVar("T")


class Epoch:
    """
    The time between two writes of a gateway to one stack or collection.

    What was read in an epoch that is over is old. To look is one attribute: that is done at every reading of a field.
    """

    __slots__ = ("is_over",)

    def __init__(self) -> None:
        self.is_over = False

    def end(self) -> None:
        """Make all that was read in this epoch old."""
        self.is_over = True


OVER = Epoch()
OVER.end()


class Seen:
    """
    When a listing was read, and what it says of all its objects alike.

    Attributes
    ----------
    epoch : Epoch
        When.
    serial : int
        Larger than that of what was read before.
    known : mapping
        Values of `fact` properties: ``z`` of the tiles of a section.
    above : tuple of ObjectWrapper
        The objects that the listing was reached from, which its objects keep alive.
    """

    __slots__ = ("above", "epoch", "known", "serial")

    def __init__(
        self, epoch: Epoch, serial: int, known: Mapping[str, Any], above: tuple[ObjectWrapper[Any], ...] = ()
    ) -> None:
        self.above = above
        self.epoch = epoch
        self.serial = serial
        self.known = known


# What an object holds, put in the place of what it held before by one assignment, so that no thread sees half of it:
# when it was read; values that were made of the record since, by the name of the property; the record, or its text
# until somebody needs the record; and a number larger than that of what was read before. A plain tuple, because one is
# made for each tile of a section and unpacked at each reading of a field.
Held: TypeAlias = "tuple[Epoch, Mapping[str, Any], Record | bytes | None, int]"
NOTHING_HELD: Held = (OVER, {}, None, 0)


if TYPE_CHECKING:
    fact = property
else:

    def fact(read: Callable[[ObjectWrapper[Any]], T]) -> property:
        """
        Make a property whose value is read once from the record, and again only after a write.

        It is remembered by its name: of a class and those that it derives from, one may have a fact of that name.
        """
        name = read.__name__

        def get(self: ObjectWrapper[Any]) -> T:
            # A reading of a field must cost about what an attribute does: no call between here and the value.
            epoch, told, _, _ = self._held
            if not epoch.is_over:
                try:
                    return told[name]
                except KeyError:
                    pass
            return self._fact(name, read)

        get.__name__ = name
        return property(get, doc=read.__doc__)
