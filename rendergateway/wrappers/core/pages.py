"""Collections cut into pages, for views that show a part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from rendergateway.wrappers.core.collection import Collection
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Page", "Pages"]

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

    def page(self, number: int) -> Page[W]:
        """
        Return the page that readers know by this number.

        Parameters
        ----------
        number : int
            From 1. The first page is there in any case, as an empty one of an empty collection.

        Raises
        ------
        IndexError
            If there is no such page.
        """
        if not 1 <= number <= max(1, len(self)):
            raise IndexError(f"there is no page {number} of {self._of!r}: pages are 1 to {max(1, len(self))}")
        return Page(self, number, self._page(number - 1))

    def __repr__(self) -> str:
        return f"<Pages of {self._size} of {self._of!r}>"


class Page(Sequence[W], Generic[W]):
    """
    One page of a collection, and what is shown beside it.

    Attributes
    ----------
    number : int
        From 1.
    objects : Collection
        What is on the page; looping over the page does it over these.
    pages : Pages
        All of them.
    """

    def __init__(self, pages: Pages[W], number: int, objects: Collection[W]) -> None:
        self.pages = pages
        self.number = number
        self.objects = objects

    @property
    def total(self) -> int:
        """How many objects are on all pages together."""
        return len(self.pages._of)

    @property
    def previous(self) -> int | None:
        """The number of the page before this one; None on the first."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """The number of the page after this one; None on the last."""
        return self.number + 1 if self.number < len(self.pages) else None

    def __len__(self) -> int:
        return len(self.objects)

    @overload
    def __getitem__(self, place: int) -> W: ...
    @overload
    def __getitem__(self, place: slice) -> Collection[W]: ...
    def __getitem__(self, place: int | slice) -> W | Collection[W]:
        return self.objects[place]

    def __repr__(self) -> str:
        return f"<Page {self.number} of {self.pages!r}>"
