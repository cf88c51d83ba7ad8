"""Collections cut into pages, for views that show a part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from rendergateway.wrappers.collection import Collection
    from rendergateway.wrappers.object import ObjectWrapper

__all__ = ["Pages"]

W = TypeVar("W", bound="ObjectWrapper[Any]")


class Pages(Sequence["Collection[W]"], Generic[W]):
    """
    The pages of a collection: each is a collection of at most *size* objects; no request beyond the listing's.

    Parameters
    ----------
    of : Collection
        What is shown.
    size : int
        Objects a page.
    """

    def __init__(self, of: Collection[W], size: int) -> None:
        if size < 1:
            raise ValueError(f"a page holds at least one object, not {size}")
        self._of = of
        self._size = size

    def __len__(self) -> int:
        return -(-len(self._of) // self._size)

    @overload
    def __getitem__(self, number: int) -> Collection[W]: ...
    @overload
    def __getitem__(self, number: slice) -> list[Collection[W]]: ...
    def __getitem__(self, number: int | slice) -> Collection[W] | list[Collection[W]]:
        numbers = range(len(self))[number]
        if isinstance(numbers, range):
            return [self._page(one) for one in numbers]
        return self._page(numbers)

    def _page(self, number: int) -> Collection[W]:
        return self._of[number * self._size : (number + 1) * self._size]

    def __repr__(self) -> str:
        return f"<Pages of {self._size} of {self._of!r}>"
