"""What is done with all objects of a collection: columns, records, work on each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from rendergateway.model import Record
from rendergateway.model.records.json_slices import Text

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.progress import Progress
    from rendergateway.wrappers.core.listing import Listing, Loaded
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["AllAtOnce"]

R = TypeVar("R")
W = TypeVar("W", bound="ObjectWrapper[Any]")


class AllAtOnce(Sequence[W]):
    """The part of a collection that reads or works on all its objects."""

    if TYPE_CHECKING:
        _what: str

        @property
        def _current(self) -> Loaded: ...
        @property
        def _now(self) -> Listing: ...
        @property
        def _class(self) -> type[Any]: ...

    @property
    def texts(self) -> Sequence[Text]:
        """The JSON text of each record, as it came; where the listing has none, objects are loaded one by one."""
        texts = self._now.texts
        return texts if texts is not None else [wrapper._obj.to_json() for wrapper in self]

    def records(self) -> Iterator[Record]:
        """Yield the record of each object, without wrapping it."""
        if self._now.texts is None:
            yield from (wrapper._obj for wrapper in self)
        else:
            yield from map(self._class.RECORD.from_json, self.texts)

    def table(self, *, units: str = "px") -> Any:
        """
        Return the objects as columns: a `TileTable`, a `MatchTable` or, for all else, a `RowTable`.

        Parameters
        ----------
        units : {'px', 'nm'}
            With ``nm`` boxes come in nanometres, in a `RowTable`: numbers to look at, not tiles to be written.

        Raises
        ------
        RenderGatewayError
            If nanometres are asked for and nobody said how large a pixel of the stack is.
        """
        if units not in ("px", "nm"):
            raise ValueError(f"units are 'px' or 'nm', not {units!r}")
        return self._class._table_of(self, units)

    def map(
        self,
        work: Callable[[W], R],
        *,
        workers: int | None = None,
        processes: int | None = None,
        progress: Progress = None,
    ) -> list[R]:
        """
        Return what *work* makes of each object, in order.

        Parameters
        ----------
        work : callable
            Given one object. In other processes it must be one that pickle knows: a function of a module.
        workers : int
            Threads; 8 where nothing is said.
        processes : int
            Processes in the place of threads, for work that keeps a core busy. Objects arrive there with all that
            they hold, and no credentials.
        progress : bool or callable, optional
            As everywhere: a bar on a terminal where nothing is said.

        Raises
        ------
        TypeError
            If *work* does not travel to other processes.
        BaseException
            The first error in the order of the objects, with a note that says of which. What is under way is finished
            (processes are ended), nothing else is begun; the same on Ctrl-C.
        """
        from rendergateway.wrappers.core.mapping import mapped

        return mapped(work, self, what=self._what, workers=workers, processes=processes, progress=progress)

    def prefetch(self, *, workers: int = 8, progress: Progress = None) -> Self:
        """
        Load the children of each object, or objects without children themselves, several at a time; return self.

        The objects are kept as long as this listing is, so that what was fetched is there when they are reached.
        """
        loaded = self._current
        loaded.held = list(self)
        self.map(_load_children, workers=workers, progress=progress)
        return self

    def simple_marshal(self) -> list[dict[str, Any]]:
        """Return plain values of each object for JSON, as `ObjectWrapper.simple_marshal` does of one."""
        return [wrapper.simple_marshal() for wrapper in self]


def _load_children(wrapper: ObjectWrapper[Any]) -> None:
    if wrapper.CHILD_KIND is not None:
        wrapper.children().load()
    else:
        wrapper.load()
