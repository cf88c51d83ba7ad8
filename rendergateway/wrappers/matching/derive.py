"""Matching of many tile pairs: in blocks, in stages, stored in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import attrs

from rendergateway.alignment.features import Features
from rendergateway.alignment.matches import Matched
from rendergateway.alignment.stages import MatchStage
from rendergateway.errors import NotFoundError, add_note
from rendergateway.model.records.json_slices import cut_list
from rendergateway.model.records.matches import MatchRecord, pair_ids, unordered
from rendergateway.model.tables.pair_table import PairTable, TilePair
from rendergateway.progress import Progress, tracking
from rendergateway.wrappers.core.bound import Bound, Client
from rendergateway.wrappers.core.keys import CollectionKey
from rendergateway.wrappers.matching.canvases import Canvas, DescribeTask, Painter, canvas_of, check_service
from rendergateway.wrappers.matching.runners import MatchTask, Runner, runner

__all__ = ["Derived", "Matcher", "PairsAt", "derive", "match_records", "of_sets", "stored_pairs"]

# Pairs that are described, then matched, before the next ones, per process.
_BLOCK = 50
# URL, group and id of a tile.
Side: TypeAlias = tuple[str, str, str]


@attrs.frozen(eq=False)
class PairsAt:
    """
    Tile pairs, and the URLs of the render parameters of their tiles.

    Attributes
    ----------
    pairs : PairTable
    template : str
        The URL of each tile, see `PairFile`; the query values of the stage are added to it.
    urls : tuple of (str, str), optional
        The complete URLs of each pair, in place of the template.
    """

    pairs: PairTable
    template: str = ""
    urls: tuple[tuple[str, str], ...] | None = None

    def all_urls(self) -> Iterable[str]:
        """Return the template, or all URLs."""
        return [self.template] if self.urls is None else {url for pair in self.urls for url in pair}

    def work(self) -> Iterator[PairWork]:
        """Yield the work of each pair."""
        for number, pair in enumerate(self.pairs):
            if self.urls is None:
                yield PairWork(pair, self.template, self.template, is_template=True)
            else:
                yield PairWork(pair, *self.urls[number])


@attrs.frozen
class PairWork:
    """A pair to be matched, and the URLs of both sides."""

    pair: TilePair
    p_url: str
    q_url: str
    is_template: bool = False

    @property
    def sides(self) -> tuple[Side, Side]:
        """URL, group and id of both sides."""
        pair = self.pair
        return (self.p_url, pair.p_group, pair.p_id), (self.q_url, pair.q_group, pair.q_id)

    def canvases(self, stage: MatchStage) -> tuple[Canvas, Canvas]:
        """Return the pictures of both tiles for a stage."""
        query = stage.picture.query() if self.is_template else {}
        positions = (self.pair.p_position, self.pair.q_position) if stage.picture.clips else ("", "")
        p, q = (canvas_of(*side, query, position) for side, position in zip(self.sides, positions, strict=True))
        return p, q


@attrs.frozen(eq=False)
class Derived:
    """
    Summary of the matching of tile pairs.

    Attributes
    ----------
    pair_count : int
        Pairs of tiles.
    matched_count : int
        Those with matches, now or, if existing ones were skipped, before.
    skipped_count : int
        Those that were skipped because they have matches.
    point_count : int
        Matches that were found now.
    described_count : int
        Pictures whose features were read or computed.
    unmatched : PairTable
        The pairs without matches.
    records : tuple of MatchRecord
        The matches, if they were not stored.
    """

    pair_count: int
    matched_count: int
    skipped_count: int
    point_count: int
    described_count: int
    unmatched: PairTable
    records: tuple[MatchRecord, ...] = ()


@attrs.frozen(kw_only=True)
class Matcher:
    """
    How and where pairs are matched.

    Attributes
    ----------
    client : Client
        Makes the requests.
    stages : tuple of MatchStage
        Tried in order until one finds matches.
    draw : callable
        Draws a recipe.
    compute : {'local', 'service'}
        Where pictures are drawn.
    workers : int
        Processes.
    dask : optional
        See `runner`.
    feature_cache : str, optional
        Folder of known features.
    cached_only : bool
        Whether unknown features are an error.
    """

    client: Client
    stages: tuple[MatchStage, ...]
    draw: Painter
    compute: str = "service"
    workers: int = 1
    dask: Any = None
    feature_cache: str | None = None
    cached_only: bool = False

    def task(self, canvas: Canvas, stage: MatchStage) -> DescribeTask:
        """Return the work of describing a canvas for a stage."""
        return DescribeTask(
            self.client,
            canvas,
            stage.picture,
            stage.features,
            self.draw,
            self.compute,
            self.feature_cache,
            self.cached_only,
        )


def derive(
    sources: Sequence[PairsAt],
    matcher: Matcher,
    store: Callable[[list[MatchRecord]], object] | None,
    *,
    batch: int,
    what: str,
    stored: Callable[[str], set[tuple[str, ...]]] | None = None,
    progress: Progress = None,
) -> Derived:
    """
    Match tile pairs, and store the matches in batches.

    Parameters
    ----------
    sources : sequence of PairsAt
    matcher : Matcher
    store : callable, optional
        Stores some records. Default: all are returned.
    batch : int
        Pairs of tiles that are stored together.
    what : str
        For messages.
    stored : callable, optional
        Returns the unordered ids of the stored pairs of a p group; those are skipped.
    progress : bool or callable, optional
        Counts pairs.

    Raises
    ------
    ConfigurationError
        If a URL is one of another service.

    Notes
    -----
    Matches are stored before an error, also Ctrl-C, is raised; a note on it reports how much.
    """
    for source in sources:
        check_service(source.all_urls(), matcher.client.server)
    run = _Run(matcher, store, batch)
    known = _Known(stored)
    total = sum(len(source.pairs) for source in sources)
    try:
        with tracking(progress, what, total) as report, runner(_workers(matcher, total), matcher.dask) as runs:
            work = [one for source in sources for one in source.work() if not known.has(one.pair)]
            run.begin(work)
            report(known.count)
            size = _BLOCK * matcher.workers
            for start in range(0, len(work), size):
                for _ in run.block(runs, work[start : start + size]):
                    report(known.count + run.done)
        run.flush()
    except BaseException as error:
        run.flush_after(error, what)
        raise
    return Derived(
        pair_count=total,
        matched_count=run.matched + known.count,
        skipped_count=known.count,
        point_count=run.points,
        described_count=run.described,
        unmatched=PairTable.of(run.unmatched),
        records=tuple(run.found),
    )


def _workers(matcher: Matcher, pairs: int) -> int:
    # A process costs more than a single pair.
    return max(1, min(matcher.workers, pairs))


class _Known:
    """The stored pairs, read group by group."""

    def __init__(self, stored: Callable[[str], set[tuple[str, ...]]] | None) -> None:
        self.count = 0
        self._stored = stored
        self._read: dict[str, set[tuple[str, ...]]] = {}

    def has(self, pair: TilePair) -> bool:
        if self._stored is None:
            return False
        ids = unordered((pair.p_group, pair.p_id, pair.q_group, pair.q_id))
        if ids[0] not in self._read:
            self._read[ids[0]] = self._stored(ids[0])
        is_stored = ids in self._read[ids[0]]
        self.count += is_stored
        return is_stored


class _Run:
    """The state of a run: features in use, and matches to be stored."""

    def __init__(self, matcher: Matcher, store: Callable[[list[MatchRecord]], object] | None, batch: int) -> None:
        self.done = self.matched = self.points = self.described = self.stored = 0
        self.unmatched: list[TilePair] = []
        self.found: list[MatchRecord] = []
        self._matcher = matcher
        self._store = store
        self._batch = batch
        self._uses: Counter[Side] = Counter()
        # Features by what determines them, and what must be forgotten with a tile.
        self._features: dict[Any, Any] = {}
        self._of_tile: dict[Side, list[Any]] = {}

    def begin(self, work: Iterable[PairWork]) -> None:
        """Count the pairs of each tile, so that its features are kept exactly as long as they are needed."""
        for one in work:
            self._uses.update(one.sides)

    def block(self, runs: Runner, work: Sequence[PairWork]) -> Iterator[None]:
        """Match a block, stage by stage; yield after each pair that is done."""
        left = list(work)
        for number, stage in enumerate(self._matcher.stages):
            left, ended = _in_reach(left, stage)
            for one in ended:
                self._fail(one)
                yield
            is_last = number + 1 == len(self._matcher.stages)
            following = []
            for one, found in self._attempt(runs, left, stage):
                if len(found):
                    self.matched += 1
                    self.done += 1
                    yield
                elif is_last:
                    self._fail(one)
                    yield
                else:
                    following.append(one)
            left = following
        for one in work:
            for tile in one.sides:
                self._uses[tile] -= 1
                if not self._uses[tile]:
                    for key in self._of_tile.pop(tile, ()):
                        runs.forget(self._features.pop(key))

    def _fail(self, work: PairWork) -> None:
        self.unmatched.append(work.pair)
        self.done += 1

    def _attempt(self, runs: Runner, work: Sequence[PairWork], stage: MatchStage) -> Iterator[tuple[PairWork, Matched]]:
        keys = [tuple((canvas, stage.picture, stage.features) for canvas in one.canvases(stage)) for one in work]
        both = [one for pair, work_of in zip(keys, work, strict=True) for one in zip(pair, work_of.sides, strict=True)]
        new = {key: tile for key, tile in both if key not in self._features}
        # Clips of one tile after each other: a process describes them together, from one image in its cache.
        new = dict(sorted(new.items(), key=lambda item: item[1]))
        tasks = [self._matcher.task(canvas, stage) for canvas, _, _ in new]
        for (key, tile), features in zip(new.items(), runs.describe(tasks), strict=True):
            self._features[key] = features
            self._of_tile.setdefault(tile, []).append(key)
            self.described += 1
        scale = stage.picture.scale
        matching = [MatchTask(self._features[p], self._features[q], stage.matches, scale) for p, q in keys]
        for one, (found, p, q) in zip(work, runs.match(matching), strict=True):
            self._add(match_records(one.pair, found, p, q, scale))
            self.points += len(found)
            yield one, found

    def _add(self, records: list[MatchRecord]) -> None:
        self.found += records
        if len(self.found) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Store the matches."""
        if self.found and self._store is not None:
            # Tiles at the same place are two pairs, one in each order; the last one counts, as in the service.
            once = {unordered((one.p_group, one.p_id, one.q_group, one.q_id)): one for one in self.found}
            self._store(list(once.values()))
            self.stored += len(once)
            self.found = []

    def flush_after(self, error: BaseException, what: str) -> None:
        """Store the matches before an error, and report their number on it."""
        if self._store is None:
            add_note(error, f"{what}: {len(self.found)} pairs of tiles had matches, which are lost")
            return
        try:
            self.flush()
        except Exception as another:
            add_note(error, f"{len(self.found)} pairs that were found could not be stored: {another}")
        add_note(
            error,
            f"{what}: {self.stored} pairs of tiles were stored before; the same work with skip_existing continues it",
        )


def _in_reach(work: list[PairWork], stage: MatchStage) -> tuple[list[PairWork], list[PairWork]]:
    """Return the pairs that a stage is for, and those whose layers are too far apart for it."""
    most = stage.max_z_distance
    if most is None:
        return work, []
    return [one for one in work if one.pair.delta_z <= most], [one for one in work if one.pair.delta_z > most]


def match_records(pair: TilePair, found: Matched, p: Features, q: Features, scale: float) -> list[MatchRecord]:
    """Return the matches of a pair as records in pixels of full scale: one, or one per consensus set."""
    ids = {"p_group": pair.p_group, "p_id": pair.p_id, "q_group": pair.q_group, "q_id": pair.q_id}
    records = [
        MatchRecord(**ids, p=p.full_scale(p_points, scale), q=q.full_scale(q_points, scale), match_count=len(p_points))
        for p_points, q_points in found.sets
    ]
    return of_sets(records)


def of_sets(records: list[MatchRecord]) -> list[MatchRecord]:
    """Return the consensus sets of a pair as records with ids of their own; a single one keeps its ids."""
    if len(records) == 1:
        return records
    return [
        record.evolve(
            p_id=f"{record.p_id}_set_{record.p_group}_{record.q_group}_{number}",
            q_id=f"{record.q_id}_set_{record.p_group}_{record.q_group}_{number}",
            consensus_set={"index": number, "originalPId": record.p_id, "originalQId": record.q_id},
        )
        for number, record in enumerate(records)
    ]


def stored_pairs(collection: Bound[CollectionKey]) -> Callable[[str], set[tuple[str, ...]]]:
    """Return what reads the unordered ids of the stored pairs of a p group; none if there is no collection."""

    def read(group: str) -> set[tuple[str, ...]]:
        try:
            texts = cut_list(collection.fetch("match.with_p_group", p_group=group, exclude_match_details=True))
        except NotFoundError:
            return set()
        found = set()
        for text in texts:
            ids = pair_ids(text)
            original = MatchRecord.from_json(text).consensus_set
            if original:
                ids = (ids[0], original.get("originalPId", ids[1]), ids[2], original.get("originalQId", ids[3]))
            found.add(unordered(ids))
        return found

    return read
