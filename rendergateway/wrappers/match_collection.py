"""Match collections: named sets of point matches between tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError
from rendergateway.model import CollectionRecord
from rendergateway.model.slices import cut_list, join_list
from rendergateway.wrappers.collection import Collection
from rendergateway.wrappers.keys import CollectionKey, MatchGroupKey, OwnerKey
from rendergateway.wrappers.match_pair import MatchPairWrapper
from rendergateway.wrappers.match_reading import MatchReading
from rendergateway.wrappers.match_selecting import Group, Selection, Tile
from rendergateway.wrappers.merged_matches import MergedMatches
from rendergateway.wrappers.object import ObjectWrapper, changes_data
from rendergateway.wrappers.owner import OwnerWrapper
from rendergateway.wrappers.registry import add_base

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.keys import Key
    from rendergateway.wrappers.match_group import MatchGroupWrapper
    from rendergateway.wrappers.match_saving import Matches

__all__ = ["MatchCollectionWrapper"]

_GROUPS = {None: "match.group_ids", "p": "match.p_group_ids", "q": "match.q_group_ids"}


@add_base
class MatchCollectionWrapper(MatchReading, ObjectWrapper[CollectionRecord]):
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
        owner: OwnerWrapper = self._wrap("owner", OwnerKey(self._key.owner))
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

    @property
    def exists(self) -> bool:
        """
        Whether the service knows the collection.

        Notes
        -----
        One request, ``match.collections``, unless the collection is loaded.
        """
        try:
            self.load()
        except NotFoundError:
            return False
        return True

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
        group: MatchGroupWrapper = self._wrap("match_group", MatchGroupKey(*self._key, name))
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
        if (other._conn.server, other._key.owner) != (self._conn.server, self._key.owner):
            raise ConfigurationError(
                f"a service merges collections of one owner; {other!r} is not beside {self!r}; copy_to() does it"
            )
        if None not in (self.frame, other.frame) and self.frame != other.frame:
            raise ConfigurationError(f"points of {self!r} are {self.frame}, those of {other!r} are {other.frame}")
        return other

    # Writing

    @changes_data
    def put(self, matches: Matches, *, batch: int = 1000) -> int:
        """
        Save matches; pairs that are there already are replaced. The collection is made when there is none.

        Parameters
        ----------
        matches : MatchTable or iterable of MatchRecord or MatchPairWrapper
            One a pair of tiles. The service stores the side first whose group, then id, sorts first as text.
        batch : int
            Pairs a request; an iterable is read no further ahead.

        Returns
        -------
        int
            How many pairs were saved.

        Raises
        ------
        RecordError
            If a pair has no points, or not as many x and y on both sides as weights: the service would store them and
            all who read them misread them. Batches before are saved; to save them again does no harm.

        Notes
        -----
        One ``match.save`` a batch.
        """
        from rendergateway.wrappers.match_saving import checked_batches

        saved = 0
        for count, text in checked_batches(matches, batch):
            self._call("match.save", body=text)
            saved += count
        return saved

    @changes_data
    def delete_pairs(
        self,
        *,
        within: Group | None = None,
        between: tuple[Group, Group] | None = None,
        outside: Group | None = None,
        tile: Tile | None = None,
        p_group: Group | None = None,
        dry_run: bool = False,
    ) -> int:
        """
        Delete pairs, chosen as for `pairs`.

        Parameters
        ----------
        within, between, outside, tile, p_group
            As for `pairs`; one of them is needed.
        dry_run : bool
            Only count.

        Returns
        -------
        int
            How many pairs there were.

        Raises
        ------
        TypeError
            If nothing is chosen; `delete` deletes the whole collection.
        NotFoundError
            If the collection does not exist.

        Notes
        -----
        The requests of ``pairs(points=False)``, then ``match.delete_between_groups`` for each two groups, or
        ``match.delete_outside_group``, ``match.delete_with_tile``, ``match.delete_with_p_group``; none if there are no
        pairs.
        """
        selection = Selection(within, between, outside, tile, p_group)
        if not selection:
            raise TypeError("say which pairs: within=, between=, outside=, tile= or p_group=; delete() deletes all")
        asked = selection.asked(self)
        found = [ids for answer in self._answers(asked, points=False) for ids, _ in asked.faced(answer)]
        if found and not dry_run:
            for endpoint, values in asked.deletions(found):
                self._call(endpoint, **values)
        return len(found)

    @changes_data
    def copy_to(
        self,
        name: str,
        *,
        owner: str | None = None,
        gateway: Gateway | None = None,
        exist_ok: bool = False,
        batch: int = 1000,
    ) -> MatchCollectionWrapper:
        """
        Copy all pairs, as they are stored, into another collection.

        Parameters
        ----------
        name : str
            The other collection; it is made with the first pair.
        owner : str, optional
            Its owner; the same where none is named.
        gateway : Gateway, optional
            Another service.
        exist_ok : bool
            Whether the other collection may be there; pairs that are in both are replaced.
        batch : int
            Pairs a request.

        Returns
        -------
        MatchCollectionWrapper
            The other collection, of the same frame.

        Raises
        ------
        BadRequestError
            If the other collection exists.
        NotFoundError
            If this one does not.

        Notes
        -----
        ``match.collections`` of the other owner, ``match.p_group_ids``, then for each group ``match.with_p_group`` and
        one ``match.save`` a batch. Never more in memory than the pairs of one group.
        """
        from rendergateway.wrappers.match_saving import batches

        target = (gateway or self._conn).match_collection(name, owner=owner or self._key.owner)
        if target == self:
            raise ValueError(f"{self!r} cannot be copied onto itself")
        if not exist_ok and target.exists:
            raise BadRequestError(f"{target!r} exists; exist_ok=True adds to it, delete() makes room")
        for table in self.iter_tables():
            for texts in batches(table.texts, batch):
                target._call("match.save", body=join_list(texts))
        return target._conn.match_collection(name, owner=target._key.owner, frame=self.frame)

    @changes_data
    def rename(self, name: str, *, owner: str | None = None) -> MatchCollectionWrapper:
        """
        Give the collection another name, and another owner if one is named; return it under that name.

        Raises
        ------
        NotFoundError
            If the collection does not exist.
        BadRequestError
            If there is one of the new name.

        Notes
        -----
        One request, ``match.rename``.
        """
        key = CollectionKey(owner or self._key.owner, name)
        self._call("match.rename", body={"owner": key.owner, "name": key.collection})
        self._conn._wrote(key._asdict())
        return self._conn.match_collection(name, owner=key.owner, frame=self.frame)

    @changes_data
    def update_counts(self) -> None:
        """
        Let the service count the points of each pair anew, for pairs stored before it did so by itself.

        Notes
        -----
        ``match.p_group_ids``, then one ``match.update_counts`` a group.
        """
        for group in self.groups(side="p"):
            self._call("match.update_counts", p_group=group)

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
