"""Match collections: named sets of point matches between tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rendergateway.errors import ConfigurationError, NotFoundError
from rendergateway.model import CollectionRecord
from rendergateway.model.records.json_slices import cut_list
from rendergateway.wrappers.core.arguments import as_name
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.existing import MayBeMissing
from rendergateway.wrappers.core.keys import CollectionKey, MatchGroupKey, OwnerKey
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.matching.merged import MergedMatches
from rendergateway.wrappers.objects.match_changes import MatchChanges
from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
from rendergateway.wrappers.objects.owner import OwnerWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.core.keys import Key
    from rendergateway.wrappers.objects.match_group import MatchGroupWrapper

__all__ = ["MatchCollectionWrapper"]

_GROUPS = {None: "match.group_ids", "p": "match.p_group_ids", "q": "match.q_group_ids"}


@add_base
class MatchCollectionWrapper(MayBeMissing, MatchChanges):
    """
    A named set of point matches of one owner, independent of any stack.

    How pairs are chosen, `MatchReading` says.
    """

    __slots__ = ()
    KIND = "match_collection"
    CHILD_KIND = "match_pair"
    RECORD = CollectionRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("pair_count",)

    _key: CollectionKey

    @property
    def owner(self) -> OwnerWrapper:
        """The owner; no request."""
        owner: OwnerWrapper = self._parent("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def parent(self) -> OwnerWrapper:
        """The owner."""
        return self.owner

    # Facts

    @property
    def frame(self) -> str | None:
        """
        What pixels points live in: ``'raw'``, those of the image, or ``'lens_corrected'``, those behind the lens.

        Deployments differ, and the service does not know: ``gateway.match_collection(name, frame=…)`` says it, once for
        all objects of the gateway. None where nobody said; then nothing can be carried into the world.
        """
        return self._conn.match_frame(*self._key)

    @property
    def pair_count(self) -> int:
        """
        How many pairs of tiles, as the service estimates them.

        Notes
        -----
        Comes with a listing of collections, else with one request, ``match.collections``.
        """
        return self._obj.pair_count

    def groups(self, *, side: str | None = None) -> list[str]:
        """
        Return the ids of all groups, ascending as text; by convention they are section ids.

        Parameters
        ----------
        side : {'p', 'q'}, optional
            Only groups on this side of a pair, as stored; without it, on either.

        Notes
        -----
        One request, ``match.group_ids``, ``match.p_group_ids`` or ``match.q_group_ids``.

        Raises
        ------
        NotFoundError
            If the collection does not exist.
        """
        if side not in _GROUPS:
            raise ValueError(f"a side of a pair is 'p' or 'q', not {side!r}")
        groups: list[str] = self._call(_GROUPS[side])
        return groups

    def group(self, name: str) -> MatchGroupWrapper:
        """Return the group of that id; no request, so that nothing says yet whether it has pairs."""
        group: MatchGroupWrapper = self._child("match_group", MatchGroupKey(*self._key, as_name(name, "match group")))
        return group

    def children(self) -> Collection[MatchPairWrapper]:
        """Return all pairs."""
        return self.pairs()

    def merged_with(self, *others: str | MatchCollectionWrapper) -> MergedMatches:
        """
        Return this collection and others, to be read as one; no request, nothing is copied.

        Parameters
        ----------
        *others : str or MatchCollectionWrapper
            Collections of the same owner, or their names.

        Raises
        ------
        ConfigurationError
            If one belongs to another owner or service, or its points are known to live in other pixels.
        """
        found = [self._beside(other) for other in others]
        # The service counts a name once.
        return MergedMatches(tuple(dict.fromkeys([self, *found])))

    def _beside(self, other: str | MatchCollectionWrapper) -> MatchCollectionWrapper:
        if isinstance(other, str):
            collection: MatchCollectionWrapper = self._wrap("match_collection", self._key._replace(collection=other))
            return collection
        if getattr(other, "KIND", None) != self.KIND:
            raise TypeError(f"a match collection, or the name of one, is merged with this one, not {other!r}")
        if (other._conn.service_id, other._key.owner) != (self._conn.service_id, self._key.owner):
            raise ConfigurationError(
                f"a service merges collections of one owner; {other!r} is not beside {self!r}; copy_to() does it"
            )
        if None not in (self.frame, other.frame) and self.frame != other.frame:
            raise ConfigurationError(f"points of {self!r} are {self.frame}, those of {other!r} are {other.frame}")
        return other

    # Loading

    @classmethod
    def _key_of(cls, record: CollectionRecord | None) -> Key:
        if record is None:
            return super()._key_of(record)
        return CollectionKey(record.collection_id.owner, record.collection_id.name)

    def _fetch(self) -> CollectionRecord:
        for text in cut_list(self._conn.fetch("match.collections", owner=self._key.owner)):
            record = CollectionRecord.from_json(text)
            if record.collection_id.name == self._key.collection:
                return record
        raise NotFoundError(f"{self._key.owner} has no match collection {self._key.collection!r}")
