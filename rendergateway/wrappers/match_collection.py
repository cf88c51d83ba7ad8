"""Match collections and the pairs of tiles in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from rendergateway.errors import NotFoundError
from rendergateway.geometry import FloatArray
from rendergateway.model import CollectionRecord, MatchRecord
from rendergateway.model.matches import pair_ids
from rendergateway.model.slices import Text, cut_list, join_list
from rendergateway.wrappers.collection import Collection, Listing
from rendergateway.wrappers.keys import CollectionKey, OwnerKey, PairKey
from rendergateway.wrappers.object import ObjectWrapper, changes_data
from rendergateway.wrappers.owner import OwnerWrapper
from rendergateway.wrappers.registry import add_base
from rendergateway.wrappers.section import SectionWrapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from rendergateway.wrappers.keys import Key

__all__ = ["MatchCollectionWrapper", "MatchPairWrapper"]

Group: TypeAlias = "str | SectionWrapper"


@add_base
class MatchCollectionWrapper(ObjectWrapper[CollectionRecord]):
    """A named set of point matches of one owner, independent of any stack."""

    KIND = "match_collection"
    CHILD_KIND = "match_pair"
    RECORD = CollectionRecord
    MARSHALLED = ("pair_count",)

    _key: CollectionKey

    @property
    def owner(self) -> OwnerWrapper:
        """The owner; no request."""
        owner: OwnerWrapper = self._wrap("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def parent(self) -> OwnerWrapper:
        """The owner."""
        return self.owner

    @property
    def pair_count(self) -> int:
        """
        How many pairs of tiles, as the service estimates them.

        Notes
        -----
        Comes with a listing of collections, else with one request, ``match.collections``.
        """
        return self._obj.pair_count

    def groups(self) -> list[str]:
        """
        Return the ids of all groups on either side of a pair, ascending as text.

        Notes
        -----
        One request, ``match.group_ids``.

        Raises
        ------
        NotFoundError
            If the collection does not exist.
        """
        groups: list[str] = self._call("match.group_ids")
        return groups

    def pairs(
        self, *, within: Group | None = None, between: tuple[Group, Group] | None = None
    ) -> Collection[MatchPairWrapper]:
        """
        Return pairs of tiles with their matches, ordered by groups and ids as text.

        Parameters
        ----------
        within : str or SectionWrapper, optional
            Only pairs of which both tiles are in this group.
        between : pair of str or SectionWrapper, optional
            Only pairs of one tile in each of these groups, whichever side either is on.

        Raises
        ------
        TypeError
            If both selections are given.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now. When the collection is first read: one, ``match.within_group`` or ``match.between_groups``, a
        section id; for all pairs ``match.p_group_ids`` and one ``match.with_p_group`` a group.
        """
        if within is not None and between is not None:
            raise TypeError("pairs are chosen within a group or between two, not both")
        if within is not None:
            return self._chosen(f"pairs within {within}", lambda: self._within(within))
        if between is not None:
            return self._chosen(f"pairs between {between[0]} and {between[1]}", lambda: self._between(*between))
        return self._chosen("pairs", self._all)

    def children(self) -> Collection[MatchPairWrapper]:
        """Return all pairs."""
        return self.pairs()

    @changes_data
    def put(self, matches: Iterable[MatchRecord], *, batch: int = 1000) -> int:
        """
        Save matches; pairs that are there already are replaced. The collection is made when there is none.

        Parameters
        ----------
        matches : iterable of MatchRecord
            One a pair of tiles.
        batch : int
            Pairs a request.

        Returns
        -------
        int
            How many pairs were saved.

        Notes
        -----
        One ``match.save`` a batch.
        """
        texts = [match.to_json() for match in matches]
        for start in range(0, len(texts), batch):
            self._call("match.save", body=join_list(texts[start : start + batch]))
        return len(texts)

    @changes_data
    def delete(self) -> None:
        """
        Delete the collection with all its pairs.

        Notes
        -----
        One request, ``match.delete``.

        Raises
        ------
        NotFoundError
            If the collection does not exist.
        """
        self._call("match.delete")

    def _chosen(self, what: str, read: Callable[[], list[Text]]) -> Collection[MatchPairWrapper]:
        def load() -> Listing:
            texts = read()
            return Listing([pair_ids(text) for text in texts], lambda ids: PairKey(*self._key, *ids), texts)

        pairs: Collection[MatchPairWrapper] = self._children("match_pair", what, load)
        return pairs

    def _within(self, group: Group) -> list[Text]:
        return self._listed("match.within_group", ({"group": name} for name in _names(group)))

    def _between(self, one: Group, other: Group) -> list[Text]:
        groups = ({"p_group": name, "q_group": another} for name in _names(one) for another in _names(other))
        return self._listed("match.between_groups", groups)

    def _all(self) -> list[Text]:
        return self._listed("match.with_p_group", ({"p_group": group} for group in self._call("match.p_group_ids")))

    def _listed(self, endpoint: str, selections: Iterable[dict[str, str]]) -> list[Text]:
        return [text for values in selections for text in cut_list(self._text(endpoint, **values))]

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


@add_base
class MatchPairWrapper(ObjectWrapper[MatchRecord]):
    """
    The matches of two tiles: points in both that show the same spot of tissue.

    p is the side whose group, then id, sorts first as text.
    """

    KIND = "match_pair"
    RECORD = MatchRecord
    MARSHALLED = ("p_group", "p_id", "q_group", "q_id")

    _key: PairKey

    @property
    def id(self) -> tuple[str, str, str, str]:
        """Group and id of p, group and id of q."""
        return self._key[2:]

    @property
    def name(self) -> str:
        """Both sides, as text."""
        return f"{self.p_group}/{self.p_id} – {self.q_group}/{self.q_id}"

    @property
    def match_collection(self) -> MatchCollectionWrapper:
        """The collection; no request."""
        collection: MatchCollectionWrapper = self._wrap("match_collection", self._key.collection_key)
        return collection

    @property
    def parent(self) -> MatchCollectionWrapper:
        """The collection."""
        return self.match_collection

    @property
    def p_group(self) -> str:
        """Group of the first tile: by convention its section id."""
        return self._key.p_group

    @property
    def p_id(self) -> str:
        """Id of the first tile."""
        return self._key.p_id

    @property
    def q_group(self) -> str:
        """Group of the second tile."""
        return self._key.q_group

    @property
    def q_id(self) -> str:
        """Id of the second tile."""
        return self._key.q_id

    @property
    def p(self) -> FloatArray:
        """Points in the first tile, (N, 2), x and y in its local pixels."""
        return self._obj.p

    @property
    def q(self) -> FloatArray:
        """Points in the second tile, (N, 2)."""
        return self._obj.q

    @property
    def weights(self) -> FloatArray:
        """Weight of each point, (N,)."""
        return self._obj.weights

    def __len__(self) -> int:
        return len(self._obj)

    def __bool__(self) -> bool:
        return True

    @classmethod
    def _key_of(cls, record: MatchRecord | None) -> Key:
        if record is None:
            return super()._key_of(record)
        return PairKey("", "", record.p_group, record.p_id, record.q_group, record.q_id)

    def _fetch(self) -> MatchRecord:
        found = cut_list(self._text("match.between_tiles"))
        if not found:
            raise NotFoundError(f"{self._key.collection} has no matches of {self.name}")
        return MatchRecord.from_json(found[0])


def _names(group: Group) -> list[str]:
    return group.section_ids if isinstance(group, SectionWrapper) else [group]
