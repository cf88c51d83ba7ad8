"""What changes a match collection: pairs saved and deleted, copies, another name."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rendergateway.errors import BadRequestError
from rendergateway.model import CollectionRecord
from rendergateway.model.records.json_slices import join_list
from rendergateway.wrappers.core.arguments import as_name, check_new_name
from rendergateway.wrappers.core.keys import CollectionKey
from rendergateway.wrappers.core.object import ObjectWrapper, changes_data
from rendergateway.wrappers.matching.selection import Group, Selection, Tile
from rendergateway.wrappers.objects.match_reading import MatchReading

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.matching.upload import Matches
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper

__all__ = ["MatchChanges"]


class MatchChanges(MatchReading, ObjectWrapper[CollectionRecord]):
    """A match collection that can be written to."""

    __slots__ = ()

    _key: CollectionKey

    @property
    def _itself(self) -> MatchCollectionWrapper:
        return cast("MatchCollectionWrapper", self)

    @property
    def _above_pairs(self) -> MatchCollectionWrapper:
        return self._itself

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
        from rendergateway.wrappers.matching.upload import checked_batches

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
        asked = selection.asked(self._itself)
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
        from rendergateway.wrappers.matching.upload import batches

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
            If there is one of the new name; or a service would rename to it and find nothing under it any more.

        Notes
        -----
        One request, ``match.rename``.
        """
        key = CollectionKey(owner or self._key.owner, as_name(name, "match collection"))
        check_new_name({"owner": key.owner, "match collection": key.collection})
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
        for group in self._itself.groups(side="p"):
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
