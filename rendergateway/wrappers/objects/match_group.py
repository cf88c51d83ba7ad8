"""Match groups: the tiles of a match collection with one group id, by convention a section."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from rendergateway.model.records.stacks import NameRecord
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.keys import MatchGroupKey
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.matching.pairs import PairReading
from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.match_pair import MatchPairWrapper

__all__ = ["MatchGroupWrapper"]


@add_base
class MatchGroupWrapper(ObjectWrapper[NameRecord]):
    """The tiles of a match collection with one group id: by convention the section id of their section."""

    __slots__ = ()
    KIND = "match_group"
    CHILD_KIND = "match_pair"
    RECORD = NameRecord

    _key: MatchGroupKey

    @property
    def match_collection(self) -> MatchCollectionWrapper:
        """The collection. No request."""
        return self._collection

    @property
    def _collection(self) -> MatchCollectionWrapper:
        collection: MatchCollectionWrapper = self._parent("match_collection", self._key.collection_key)
        return collection

    @property
    def parent(self) -> MatchCollectionWrapper:
        """The collection."""
        return self._collection

    @property
    def exists(self) -> bool:
        """
        Whether the collection has pairs with a tile in this group.

        Notes
        -----
        One request, ``match.group_ids``, once for all groups.
        """
        return self._key.group in MatchCollectionWrapper.groups(self._collection).ids

    def within(self) -> Collection[MatchPairWrapper]:
        """Return the pairs with both tiles in this group; one request, ``match.within_group``, when read."""
        return PairReading.pairs(self._collection, within=self._key.group)

    def outside(self) -> Collection[MatchPairWrapper]:
        """Return the pairs with exactly one tile in this group; one request, ``match.outside_group``, when read."""
        return PairReading.pairs(self._collection, outside=self._key.group)

    def pairs(self) -> Collection[MatchPairWrapper]:
        """Return the pairs with a tile in this group: those within, then those outside. Requests of both."""

        def load() -> Listing:
            within, outside = MatchGroupWrapper.within(self)._now, MatchGroupWrapper.outside(self)._now
            texts = [*(within.texts or ()), *(outside.texts or ())]
            return attrs.evolve(within, ids=[*within.ids, *outside.ids], texts=texts)

        pairs: Collection[MatchPairWrapper] = self._children("match_pair", "pairs", load)
        return pairs

    def children(self) -> Collection[MatchPairWrapper]:
        """Return the pairs."""
        return self.pairs()

    def _fetch(self) -> NameRecord:
        return NameRecord(name=self._key.group)
