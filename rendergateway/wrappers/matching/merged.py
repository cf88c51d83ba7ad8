"""Several match collections of one owner, read as one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rendergateway.model.records.json_slices import Text
from rendergateway.wrappers.core.keys import CollectionKey, OwnerKey, Scope
from rendergateway.wrappers.objects.match_reading import MatchReading

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper

__all__ = ["MergedMatches"]


class MergedMatches(MatchReading):
    """
    Several match collections of one owner, merged by the service as they are read.

    A pair that is in several of them comes once, with the points of all: those of the first collection first.
    Nothing is copied, and nothing can be written.

    Parameters
    ----------
    collections : sequence of MatchCollectionWrapper
        Of one owner and one service.
    """

    __slots__ = ("_key", "collections")

    def __init__(self, collections: tuple[MatchCollectionWrapper, ...]) -> None:
        self.collections = collections
        self._key: CollectionKey = collections[0]._key

    @property
    def _conn(self) -> Gateway:
        return self.collections[0]._conn

    @property
    def _scope(self) -> Scope:
        # Old after a write to any collection of the owner.
        return OwnerKey(self._key.owner)

    @property
    def _merged(self) -> tuple[str, ...]:
        return tuple(collection.name for collection in self.collections[1:])

    @property
    def frame(self) -> str | None:
        """What pixels the points of all of them live in; None where nobody said."""
        return self.collections[0].frame

    def groups(self, *, side: str | None = None) -> list[str]:
        """
        Return the ids of the groups in any of the collections, ascending as text; see `MatchCollectionWrapper.groups`.

        Notes
        -----
        One request a collection.
        """
        return sorted({name for collection in self.collections for name in collection.groups(side=side)})

    def _text(self, endpoint: str, **values: Any) -> Text:
        return self._conn.fetch(endpoint, **self._key._asdict(), **values)

    def _remembered(self, name: Any, make: Callable[[], Any]) -> Any:
        return make()

    _while_held = _remembered

    def __str__(self) -> str:
        return "+".join(collection.name for collection in self.collections)

    def __repr__(self) -> str:
        return f"<MergedMatches {self._key.owner}/{self}>"
