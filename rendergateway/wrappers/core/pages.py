"""Pagination of collections, for views that show a part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rendergateway.wrappers.core.arguments import as_count

if TYPE_CHECKING:
    from rendergateway.wrappers.core.collection import Collection

__all__ = ["Page", "Pages"]

W = TypeVar("W", covariant=True)


class Pages(Sequence["Collection[W]"], Generic[W]):
    """
    The pages of a collection, each a collection of at most *size* objects; no request beyond the listing's.

    Parameters
    ----------
    of : Collection
        The objects of this page.
    size : int
        Objects per page, >= 1.
    """

    def __init__(self, of: Collection[W], size: int) -> None:
        self._of = of
        self._size = as_count(size, "the page size")

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
        Return a page by its number as shown to readers.

        Parameters
        ----------
        number : int
            From 1. An empty collection has one empty page.

        Raises
        ------
        IndexError
            If the page does not exist.
        """
        number, last = as_count(number, "the page number", None), max(1, len(self))
        if not 1 <= number <= last:
            raise IndexError(f"page {number} of {self._of!r} does not exist; pages are 1 to {last}")
        return Page(self, number, self._page(number - 1))

    def __repr__(self) -> str:
        return f"<Pages of {self._size} of {self._of!r}>"


class Page(Sequence[W], Generic[W]):
    """
    One page of a collection, with the numbers of the pages beside it.

    Attributes
    ----------
    number : int
        From 1.
    objects : Collection
        The objects on the page; iterating over the page iterates over these.
    pages : Pages
        All pages.
    """

    def __init__(self, pages: Pages[W], number: int, objects: Collection[W]) -> None:
        self.pages = pages
        self.number = number
        self.objects = objects

    @property
    def total(self) -> int:
        """Number of objects on all pages together."""
        return len(self.pages._of)

    @property
    def previous(self) -> int | None:
        """Number of the previous page; None on the first."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """Number of the next page; None on the last."""
        return self.number + 1 if self.number < len(self.pages) else None

    def simple_marshal(self) -> dict[str, Any]:
        """Return plain values for JSON: the numbers of the pages, and the objects on this one."""
        numbers = {name: getattr(self, name) for name in ("number", "previous", "next", "total")}
        return {**numbers, "objects": self.objects.simple_marshal()}

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
