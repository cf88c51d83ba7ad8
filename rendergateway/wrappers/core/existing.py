"""Whether what an object stands for is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.errors import NotFoundError

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["MayBeMissing"]


class MayBeMissing:
    """An object of which the service can say that it has none."""

    __slots__ = ()

    if TYPE_CHECKING:

        def load(self) -> Self:
            """Load the object if it is not loaded; return it."""

    @property
    def exists(self) -> bool:
        """
        Whether the service knows this object.

        Notes
        -----
        The request that loads it, ``stack.read``, ``match.collections``, ``tile.read``, ``transform.read`` or
        ``match.between_tiles``, unless it is loaded.
        """
        try:
            self.load()
        except NotFoundError:
            return False
        return True
