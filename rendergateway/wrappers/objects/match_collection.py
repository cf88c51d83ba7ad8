"""Match collections: named sets of point matches between tiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rendergateway.display import plural
from rendergateway.endpoints.address import EMBEDDED
from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError, add_note
from rendergateway.model.records.json_slices import cut_list, join_list
from rendergateway.model.records.matches import CollectionRecord, MatchRecord
from rendergateway.progress import Progress, tracking
from rendergateway.visible_text import visible
from rendergateway.wrappers.core.arguments import (
    as_client,
    as_count,
    as_name,
    as_part,
    check_new_name,
    is_local,
    kind_of,
)
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.epochs import fact
from rendergateway.wrappers.core.keys import CollectionKey, Key, MatchGroupKey, OwnerKey, keys_below
from rendergateway.wrappers.core.object import ObjectWrapper, changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.matching.pairs import PairReading, PairSource
from rendergateway.wrappers.matching.selection import Group, Selection, Tile
from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
from rendergateway.wrappers.objects.owner import OwnerWrapper

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.alignment.stages import MatchStage, StageKeywords
    from rendergateway.wrappers.core.bound import Client
    from rendergateway.wrappers.core.bulk import Bulk
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.matching.derive import Derived
    from rendergateway.wrappers.matching.pair_sources import DerivedPairs
    from rendergateway.wrappers.matching.upload import Matches
    from rendergateway.wrappers.objects.match_group import MatchGroupWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["MatchCollectionWrapper", "MergedMatches"]

_GROUPS = {None: "match.group_ids", "p": "match.p_group_ids", "q": "match.q_group_ids"}


@add_base
class MatchCollectionWrapper(PairReading[MatchPairWrapper], ObjectWrapper[CollectionRecord]):
    """
    A named set of point matches of one owner, independent of any stack.

    See `PairReading` for the selection of pairs.
    """

    __slots__ = ()
    KIND = "match_collection"
    CHILD_KIND = "match_pair"
    RECORD = CollectionRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("pair_count",)

    _key: CollectionKey

    @property
    def owner(self) -> OwnerWrapper:
        """The owner. No request."""
        return self._owner

    @property
    def parent(self) -> OwnerWrapper:
        """The owner."""
        return self._owner

    @property
    def _owner(self) -> OwnerWrapper:
        owner: OwnerWrapper = self._parent("owner", OwnerKey(self._key.owner))
        return owner

    # Facts

    @property
    def frame(self) -> str | None:
        """
        Coordinate frame of the match points: ``'raw'`` image pixels, ``'lens_corrected'`` ones, or others.

        ``'before:match'`` ends before the last transform labelled ``match``, the frame of the service's solvers;
        ``'after:lens'`` after the last one labelled ``lens``, that of pictures requested with
        ``excludeTransformsAfterLast=lens``. Any label may be used; see `TransformList.split_at`.

        Deployments differ, and the service does not store it: it belongs to the collection opened by
        ``gateway.match_collection(name, frame=…)``, its groups and pairs, and the collections that it is copied to.
        None if it is not set; then points cannot be transformed into the world.
        """
        return self._frame

    @property
    def _frame(self) -> str | None:
        frame: str | None = self._conn.match_frames.get(self._key)
        return frame

    @fact
    def pair_count(self) -> int:
        """
        Number of pairs, as the service estimates it.

        Notes
        -----
        Included in a listing of collections, else one request, ``match.collections``.
        """
        return self._obj.pair_count

    # Groups and pairs

    def groups(self, *, side: str | None = None) -> Collection[MatchGroupWrapper]:
        """
        Return the groups, ordered by id as text; by convention they are section ids.

        Parameters
        ----------
        side : {'p', 'q'}, optional
            Only groups on this side of a pair, as stored. Default: on either side.

        Raises
        ------
        ValueError
            If *side* is unknown.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now; one, ``match.group_ids``, ``match.p_group_ids`` or ``match.q_group_ids``, when the collection is
        first read.
        """
        if side not in _GROUPS:
            raise ValueError(f"side must be 'p' or 'q', got {side!r}")

        def load() -> Listing:
            return Listing(self._bound.call(_GROUPS[side]), keys_below(MatchGroupKey, *self._key))

        what = f"{side} groups" if side else "groups"
        groups: Collection[MatchGroupWrapper] = self._children("match_group", what, load)
        return groups

    def group(self, name: str) -> MatchGroupWrapper:
        """Return the group with that id. No request; existence is not checked."""
        group: MatchGroupWrapper = self._child("match_group", MatchGroupKey(*self._key, as_name(name, "match group")))
        return group

    def children(self) -> Collection[MatchPairWrapper]:
        """Return all pairs."""
        return self.pairs()

    def merged_with(self, *others: str | MatchCollectionWrapper) -> MergedMatches:
        """
        Return this collection and others, to be read as one. No request; nothing is copied.

        Parameters
        ----------
        *others : str or MatchCollectionWrapper
            Collections of the same owner, or their names.

        Raises
        ------
        ConfigurationError
            If one belongs to another owner or service, or has another frame.
        """
        found = [self._same_owner(other) for other in others]
        # A collection that is named twice counts once.
        return MergedMatches(tuple(dict.fromkeys([self, *found])))

    def _same_owner(self, other: str | MatchCollectionWrapper) -> MatchCollectionWrapper:
        if isinstance(other, str):
            collection: MatchCollectionWrapper = self._wrap("match_collection", self._key._replace(collection=other))
            return collection
        if kind_of(other) != self.KIND:
            raise TypeError(f"merged_with() takes match collections or their names, got {other!r}")
        if (other._conn.service_id, other._key.owner) != (self._conn.service_id, self._key.owner):
            raise ConfigurationError(
                f"a service merges collections of one owner, but {other!r} and {self!r} differ; use copy_to() first"
            )
        if None not in (self._frame, other._frame) and self._frame != other._frame:
            raise ConfigurationError(f"the frame of {self!r} is {self._frame}, that of {other!r} is {other._frame}")
        return other

    @property
    def _pair_source(self) -> PairSource:
        return PairSource(self._bound, (), self._p_groups, self._scope, self)

    def _p_groups(self) -> list[str]:
        # Not the cached groups: tables and iterators read what the service has now.
        names: list[str] = self._bound.call("match.p_group_ids")
        return names

    def _cached_pairs(self, name: Any, make: Callable[[], Any], is_whole: bool) -> Any:
        return self._remembered(name, make) if is_whole else self._while_held(name, make)

    def _maps(self, stack: Any, tile_ids: list[str], frame: str) -> Any:
        from rendergateway.wrappers.coordinates.locate import maps_of

        return maps_of(stack._bound, tile_ids, frame)

    # Writing

    @changes_data
    def put(
        self,
        matches: Matches,
        *,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Save matches; existing pairs are replaced. The collection is created by the first pair.

        Parameters
        ----------
        matches : MatchTable or iterable of MatchRecord or MatchPairWrapper
            One per pair of tiles. The service stores the side first whose group, then id, sorts first as text.
        workers, batch, progress : optional
            Concurrent requests, pairs per request, and progress. Default: those of the gateway, see `Bulk`. An iterable
            is read no further ahead.

        Returns
        -------
        int
            Number of pairs saved.

        Raises
        ------
        RecordError
            If a pair is a duplicate, in either order of its sides, because the service would keep only one; or has no
            points, or different numbers of coordinates and weights, which the service would store and every reader
            misread. Nothing is saved; of an iterator, earlier batches are, and saving them again is safe.

        Notes
        -----
        One ``match.save`` per batch.
        """
        from rendergateway.wrappers.matching.upload import checked_batches

        bulk = self._conn.bulk.with_given(workers=workers, batch=batch, progress=progress)
        return self._save(checked_batches(matches, bulk.batch), bulk)

    @changes_data
    def put_files(
        self,
        files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        duplicates: str = "refuse",
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Save the matches of files; existing pairs are replaced.

        Parameters
        ----------
        files : str, path-like or iterable of these
            Each a JSON array of matches or newline-delimited JSON, plain or gzipped.
        duplicates : {'refuse', 'replace'}
            Treatment of a pair that occurs twice, in either order of its sides: an error; or the last one is stored.
        workers, batch, progress : optional
            As for `put`. Files are read as streams: only a few batches are in memory.

        Returns
        -------
        int
            Number of pairs saved.

        Raises
        ------
        RecordError
            If a file is invalid, as for `put`; the message names file and element or pair. Nothing is saved then.
        OSError
            If a file cannot be read.

        Notes
        -----
        One ``match.save`` per batch. Files are read twice: all are checked before the first is saved. To replace
        duplicates, batches are saved one after another.
        """
        from rendergateway.wrappers.matching.upload import check_files, file_batches

        paths = [files] if isinstance(files, str | os.PathLike) else list(files)
        check_files(paths, duplicates)
        in_order = 1 if duplicates == "replace" else workers
        bulk = self._conn.bulk.with_given(workers=in_order, batch=batch, progress=progress)
        return self._save(file_batches(paths, bulk.batch), bulk)

    def _save(self, batches: Iterable[tuple[int, bytes]], bulk: Bulk) -> int:
        """Save batches of pairs, given their numbers and texts; return the number of pairs."""
        from rendergateway.wrappers.editing.upload import Uploader

        bound = self._bound

        def save(count: int, text: bytes) -> int:
            bound.call("match.save", body=text)
            return count

        with tracking(bulk.progress, f"Saving matches in {self}") as report:
            uploader = Uploader(workers=bulk.workers, is_there=self._ping, patience_s=60.0, report=report)
            try:
                return uploader.run(partial(save, count, text) for count, text in batches)
            except BaseException as error:
                saved = plural(uploader.acknowledged, "pair")
                add_note(error, f"saved before this error: {saved}; saving them again is safe")
                raise

    @changes_data
    def derive(
        self,
        pairs: DerivedPairs,
        stages: MatchStage | Sequence[MatchStage] | None = None,
        *,
        stack: StackWrapper | None = None,
        compute: str = "service",
        skip_existing: bool = False,
        feature_cache: str | os.PathLike[str] | None = None,
        cached_only: bool = False,
        dask: Any = None,
        to: str | os.PathLike[str] | None = None,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
        **options: Unpack[StageKeywords],
    ) -> Derived:
        """
        Match pairs of tiles, and save their matches; existing ones are replaced.

        Tiles are drawn without the transforms that place them in the world: with those up to the last one labelled
        ``lens``, or without labels the first two except the last. So the frame of the matches is ``lens_corrected``.

        Parameters
        ----------
        pairs : TilePairs, PairsAt, PairTable, iterable of TilePair, or path or paths of pair files
            The pairs. Tables and iterables of pairs need *stack*.
        stages : MatchStage or sequence of MatchStage, optional
            Attempts, in order: a pair without matches in one is tried in the next. Default: one of *options*.
        stack : StackWrapper, optional
            The stack of the tiles.
        compute : {'service', 'local'}
            Whether the service draws the tiles, or the processes that match, from the image files.
        skip_existing : bool
            Leave out the pairs that the collection has. So an interrupted run is continued.
        feature_cache : str or Path, optional
            Folder of features, which are read if everything that determines them is unchanged, else made and written.
        cached_only : bool
            Raise if features are not in the folder.
        dask : distributed.Client or str, optional
            A client of a Dask cluster, or the address of its scheduler: its workers do the work instead of processes.
        to : str or Path, optional
            Write the matches to this file, a JSON array, instead of saving them.
        workers : int, optional
            Processes; 1: this one. Default: that of the gateway, see `Bulk`; 1 for an embedded service without a file,
            which other processes cannot reach.
        batch : int, optional
            Pairs per request. Default: 100.
        progress : bool or callable, optional
            See `rendergateway.progress.tracking`; counts pairs.
        **options
            Values of the only stage, as for `MatchStage.of`: ``scale=0.5, epsilon_px=5.0, model="RIGID"``.

        Returns
        -------
        Derived
            Numbers of pairs, and those without matches.

        Raises
        ------
        TypeError
            If both *stages* and *options* are given, or *stack* is missing.
        ConfigurationError
            If `frame` is set to another one.
        RecordError
            If a file is not one of tile pairs.
        NotFoundError
            If a tile does not exist, or its features are not in the folder and must be.
        ImageError
            If a tile cannot be drawn.
        KeyboardInterrupt
            On Ctrl-C. Before this or an error is raised, the matches that were found are saved; a note reports how
            many pairs of tiles were.

        Notes
        -----
        Per tile ``tile.render_parameters`` and, if the service draws, ``recipe.png``; each is drawn and described once.
        Per batch ``match.save``. With *skip_existing* one ``match.with_p_group`` per group. The samples of the search
        are the same each time, so the same tiles have the same matches, wherever they are matched.
        """
        from rendergateway.model.files.objects import write_objects
        from rendergateway.wrappers.images.render import recipe_pixels
        from rendergateway.wrappers.matching.derive import Matcher, derive, stored_pairs
        from rendergateway.wrappers.matching.pair_sources import checked_stages, sources_of

        if self._frame not in (None, "lens_corrected"):
            raise ConfigurationError(
                f"matches are derived in the frame 'lens_corrected': got the frame {self._frame!r} of {self!r}; open "
                "the collection without a frame, or with that one"
            )

        def save(records: list[MatchRecord]) -> object:
            return MatchCollectionWrapper.put(self, records, workers=1, progress=False)

        if workers is None and self._conn.server == EMBEDDED:
            workers = 1
        bulk = self._conn.bulk.with_given(workers=workers, progress=progress)
        matcher = Matcher(
            client=self._conn,
            stages=checked_stages(stages, options),
            draw=recipe_pixels,
            compute="local" if is_local(compute) else "service",
            workers=bulk.workers,
            dask=dask,
            feature_cache=None if feature_cache is None else os.fspath(feature_cache),
            cached_only=cached_only,
        )
        found = derive(
            sources_of(pairs, None if stack is None else stack._bound),
            matcher,
            save if to is None else None,
            batch=100 if batch is None else as_count(batch, "batch"),
            what=f"Matching tiles into {self}",
            stored=stored_pairs(self._bound) if skip_existing else None,
            progress=bulk.progress,
        )
        if to is not None:
            write_objects(to, (record.to_json() for record in found.records))
        return found

    def _ping(self) -> object:
        return self._conn.call("service.version")

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
        Delete selected pairs.

        Parameters
        ----------
        within, between, outside, tile, p_group
            As for `pairs`; one of them is required.
        dry_run : bool
            Only count.

        Returns
        -------
        int
            Number of selected pairs.

        Raises
        ------
        TypeError
            If there is no criterion; `delete` deletes the whole collection.
        NotFoundError
            If the collection does not exist.

        Notes
        -----
        The requests of ``pairs(points=False)``, then ``match.delete_between_groups`` per two groups, or
        ``match.delete_outside_group``, ``match.delete_with_tile``, ``match.delete_with_p_group``; none if there are no
        pairs.
        """
        selection = Selection(within, between, outside, tile, p_group)
        if not selection:
            raise TypeError("pass within=, between=, outside=, tile= or p_group=; delete() deletes the collection")
        source = self._pair_source
        query = source.query(selection)
        found = [ids for answer in source.answers(query, points=False) for ids, _ in query.faced(answer)]
        if found and not dry_run:
            for endpoint, values in query.deletions(found):
                self._bound.call(endpoint, **values)
        return len(found)

    @changes_data
    def copy_to(
        self,
        name: str,
        *,
        owner: str | None = None,
        gateway: Client | None = None,
        groups: Iterable[Group] | None = None,
        exist_ok: bool = False,
        replace_groups: bool = False,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> MatchCollectionWrapper:
        """
        Copy pairs, as stored, into another collection.

        Parameters
        ----------
        name : str
            The other collection; it is created by the first pair.
        owner : str, optional
            Its owner. Default: this owner.
        gateway : Gateway, optional
            Of another service.
        groups : iterable of str, SectionWrapper or MatchGroupWrapper, optional
            Groups whose pairs are copied: those with p, as stored, in one of them. Default: all.
        exist_ok : bool
            Whether the other collection may exist; pairs that are in both are replaced.
        replace_groups : bool
            Whether the other collection may exist, and its pairs with p in a group that is copied are deleted first.
        workers, batch, progress : optional
            As for `put`.

        Returns
        -------
        MatchCollectionWrapper
            The other collection, with the same frame.

        Raises
        ------
        BadRequestError
            If the other collection exists.
        NotFoundError
            If this one does not.

        Notes
        -----
        ``match.collections`` of the other owner, ``match.p_group_ids`` unless groups are given, then per group
        ``match.with_p_group``, ``match.delete_with_p_group`` to replace it, and one ``match.save`` per batch. At most
        the pairs of one group are in memory.
        """
        target = self._opened(name, owner, gateway)
        if target == self:
            raise ValueError(f"{self!r} cannot be copied onto itself")
        is_there = target._exists
        if is_there and not (exist_ok or replace_groups):
            raise BadRequestError(f"{target!r} exists; use exist_ok=True to add to it, or delete() it first")
        source = self._pair_source
        # A group passed as a section may be several.
        selections = [Selection()] if groups is None else [Selection(p_group=group) for group in groups]
        requests = [values for one in selections for _, values in source.query(one).requests]
        bulk = self._conn.bulk.with_given(workers=workers, batch=batch, progress=progress)
        from rendergateway.wrappers.matching.upload import batches

        saved = 0
        with tracking(bulk.progress, f"Copying matches of {self}") as report:
            for values in requests:
                texts = cut_list(self._bound.fetch("match.with_p_group", **values))
                if texts and is_there and replace_groups:
                    target._bound.call("match.delete_with_p_group", **values)
                for some in batches(texts, bulk.batch):
                    target._bound.call("match.save", body=join_list(some))
                    saved += len(some)
                    report(saved)
        return target

    def _opened(self, name: str, owner: str | None, gateway: Client | None = None) -> MatchCollectionWrapper:
        """Return another collection with the frame of this one."""
        client = self._conn if gateway is None else as_client(gateway)
        key = CollectionKey(as_part(owner, "owner") or self._key.owner, as_name(name, "match collection"))
        if self._frame is not None:
            client = client.in_frame(key, self._frame)
        opened: MatchCollectionWrapper = client.objects.opened("match_collection", key)
        return opened

    @changes_data
    def rename(self, name: str, *, owner: str | None = None) -> MatchCollectionWrapper:
        """
        Rename the collection, and move it to another owner if one is given; return the renamed collection.

        Raises
        ------
        NotFoundError
            If the collection does not exist.
        BadRequestError
            If a collection with the new name exists, or the new name has no URL.

        Notes
        -----
        One request, ``match.rename``.
        """
        key = CollectionKey(as_part(owner, "owner") or self._key.owner, as_name(name, "match collection"))
        check_new_name({"owner": key.owner, "match collection": key.collection})
        self._bound.call("match.rename", body={"owner": key.owner, "name": key.collection})
        return self._opened(name, key.owner)

    @changes_data
    def update_counts(self, groups: Iterable[str] | None = None, *, progress: Progress = None) -> None:
        """
        Let the service count the matches of each pair, for pairs stored by old versions that did not.

        Parameters
        ----------
        groups : iterable of str, optional
            Only pairs with p, as stored, in one of these groups. Default: all.
        progress : bool or callable, optional
            As for `put`; counts groups.

        Raises
        ------
        NotFoundError
            If the collection does not exist.

        Notes
        -----
        ``match.p_group_ids`` unless groups are given, then one ``match.update_counts`` per group.
        """
        names = self._p_groups() if groups is None else [as_name(group, "match group") for group in groups]
        bulk = self._conn.bulk.with_given(progress=progress)
        with tracking(bulk.progress, f"Counting matches of {self}", len(names)) as report:
            for count, group in enumerate(names, 1):
                self._bound.call("match.update_counts", p_group=group)
                report(count)

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the collection with all its pairs.

        Parameters
        ----------
        dry_run : bool
            Only count the pairs.

        Returns
        -------
        Removal or None
            The count of a dry run, as the service estimates it.

        Raises
        ------
        NotFoundError
            If the collection does not exist.

        Notes
        -----
        One request, ``match.delete``; for a dry run ``match.collections``.
        """
        if dry_run:
            from rendergateway.wrappers.editing.deletions import Removal

            return Removal(pair_count=self._fetch().pair_count)
        self._bound.call("match.delete")
        return None

    # Loading

    @classmethod
    def _key_of(cls, record: CollectionRecord | None) -> Key:
        if record is None:
            return super()._key_of(record)
        return CollectionKey(record.collection_id.owner, record.collection_id.name)

    def _fetch(self) -> CollectionRecord:
        for text in cut_list(self._conn.call_raw("match.collections", owner=self._key.owner)):
            record = CollectionRecord.from_json(text)
            if record.collection_id.name == self._key.collection:
                return record
        raise NotFoundError(f"{self._key.owner} has no match collection {self._key.collection!r}")


class MergedMatches(PairReading[MatchPairWrapper]):
    """
    Several match collections of one owner, merged by the service when they are read.

    A pair that is in several collections is returned once, with the points of all, those of the first collection first.
    Nothing is copied, and nothing can be written.

    Parameters
    ----------
    collections : sequence of MatchCollectionWrapper
        Of one owner and one service.
    """

    __slots__ = ("collections",)

    def __init__(self, collections: tuple[MatchCollectionWrapper, ...]) -> None:
        self.collections = collections

    @property
    def frame(self) -> str | None:
        """Coordinate frame of the match points of all of them; None if it is not set."""
        return self._frame

    @property
    def _frame(self) -> str | None:
        return next((one._frame for one in self.collections if one._frame is not None), None)

    def groups(self, *, side: str | None = None) -> list[str]:
        """
        Return the ids of the groups in any of the collections, sorted as text; see `MatchCollectionWrapper.groups`.

        Notes
        -----
        One request per collection.
        """
        return sorted({name for one in self.collections for name in MatchCollectionWrapper.groups(one, side=side).ids})

    @property
    def _pair_source(self) -> PairSource:
        first, *others = self.collections
        # Invalidated by a write to any collection of the owner.
        scope = OwnerKey(first._key.owner)
        names = tuple(other._key.collection for other in others)
        return PairSource(first._bound, names, self._p_groups, scope, first)

    def _p_groups(self) -> list[str]:
        return sorted({name for collection in self.collections for name in collection._p_groups()})

    def _cached_pairs(self, name: Any, make: Callable[[], Any], is_whole: bool) -> Any:
        return make()

    def _maps(self, stack: Any, tile_ids: list[str], frame: str) -> Any:
        from rendergateway.wrappers.coordinates.locate import maps_of

        return maps_of(stack._bound, tile_ids, frame)

    def __str__(self) -> str:
        return "+".join(collection._key.collection for collection in self.collections)

    def __repr__(self) -> str:
        return visible(f"<MergedMatches {self.collections[0]._key.owner}/{self}>")
