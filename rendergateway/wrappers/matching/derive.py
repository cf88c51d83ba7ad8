"""Matching of many tile pairs: in blocks, in stages, stored in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

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
from rendergateway.wrappers.matching.canvases import Canvas, DescribeTask, Painter, canvas_of
from rendergateway.wrappers.matching.runners import MatchTask, Runner, runner

__all__ = ["Derived", "Matcher", "PairsAt", "derive", "match_records", "stored_pairs"]

# Pairs that are described, then matched, before the next ones, per process.
_BLOCK = 50


@attrs.frozen(eq=False)
class PairsAt:
    """Tile pairs, and the URL template of the render parameters of their tiles, see `PairFile`."""

    template: str
    pairs: PairTable


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
    """

    pair_count: int
    matched_count: int
    skipped_count: int
    point_count: int
    described_count: int
    unmatched: PairTable


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
    store: Callable[[list[MatchRecord]], object],
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
    store : callable
        Stores some records.
    batch : int
        Pairs of tiles that are stored together.
    what : str
        For messages.
    stored : callable, optional
        Returns the unordered ids of the stored pairs of a p group; those are skipped.
    progress : bool or callable, optional
        Counts pairs.

    Notes
    -----
    What was found is stored before an error, also Ctrl-C, is raised; a note on it reports how much.
    """
    run = _Run(matcher, store, batch)
    known = _Known(stored)
    total = sum(len(source.pairs) for source in sources)
    try:
        with tracking(progress, what, total) as report, runner(_workers(matcher, total), matcher.dask) as runs:
            work = [
                (source, _Work(pair, source.template))
                for source in sources
                for pair in source.pairs
                if not known.has(pair)
            ]
            run.begin(work for _, work in work)
            report(known.count)
            size = _BLOCK * matcher.workers
            for start in range(0, len(work), size):
                for _ in run.block(runs, [one for _, one in work[start : start + size]]):
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
    )


def _workers(matcher: Matcher, pairs: int) -> int:
    # A process costs more than a single pair.
    return max(1, min(matcher.workers, pairs))


@attrs.frozen(eq=False)
class _Work:
    """A pair to be matched."""

    pair: TilePair
    template: str

    def canvases(self, stage: MatchStage) -> tuple[Canvas, Canvas]:
        pair = self.pair
        return (
            canvas_of(self.template, pair.p_group, pair.p_id, stage.picture, pair.p_position),
            canvas_of(self.template, pair.q_group, pair.q_id, stage.picture, pair.q_position),
        )


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

    def __init__(self, matcher: Matcher, store: Callable[[list[MatchRecord]], object], batch: int) -> None:
        self.done = self.matched = self.points = self.described = self.stored = 0
        self.unmatched: list[TilePair] = []
        self._matcher = matcher
        self._store = store
        self._batch = batch
        self._found: list[MatchRecord] = []
        self._uses: Counter[tuple[str, str, str]] = Counter()
        # Features by what determines them, and what must be forgotten with a tile.
        self._features: dict[Any, Any] = {}
        self._of_tile: dict[tuple[str, str, str], list[Any]] = {}

    def begin(self, work: Iterable[_Work]) -> None:
        """Count the pairs of each tile, so that its features are kept exactly as long as they are needed."""
        for one in work:
            self._uses.update(_tiles_of(one))

    def block(self, runs: Runner, work: Sequence[_Work]) -> Iterator[None]:
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
            for tile in _tiles_of(one):
                self._uses[tile] -= 1
                if not self._uses[tile]:
                    for key in self._of_tile.pop(tile, ()):
                        runs.forget(self._features.pop(key))

    def _fail(self, work: _Work) -> None:
        self.unmatched.append(work.pair)
        self.done += 1

    def _attempt(self, runs: Runner, work: Sequence[_Work], stage: MatchStage) -> Iterator[tuple[_Work, Matched]]:
        keys = [tuple((canvas, stage.picture, stage.features) for canvas in one.canvases(stage)) for one in work]
        new = {key: tile for pair, one in zip(keys, work, strict=True) for key, tile in zip(pair, _tiles_of(one), strict=True)
               if key not in self._features}  # fmt: skip
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
        self._found += records
        if len(self._found) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Store what was found."""
        if self._found:
            self._store(self._found)
            self.stored += len(self._found)
            self._found = []

    def flush_after(self, error: BaseException, what: str) -> None:
        """Store what was found before an error, and report how much on it."""
        try:
            self.flush()
        except Exception as another:
            add_note(error, f"{len(self._found)} pairs that were found could not be stored: {another}")
        add_note(
            error,
            f"{what}: {self.stored} pairs of tiles were stored before; the same work with skip_existing continues it",
        )


def _tiles_of(work: _Work) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    pair = work.pair
    return (work.template, pair.p_group, pair.p_id), (work.template, pair.q_group, pair.q_id)


def _in_reach(work: list[_Work], stage: MatchStage) -> tuple[list[_Work], list[_Work]]:
    """Return the pairs that a stage is for, and those whose layers are too far apart for it."""
    most = stage.max_z_distance
    if most is None:
        return work, []
    return [one for one in work if one.pair.delta_z <= most], [one for one in work if one.pair.delta_z > most]


def match_records(pair: TilePair, found: Matched, p: Features, q: Features, scale: float) -> list[MatchRecord]:
    """Return the matches of a pair as records in pixels of full scale: one, or one per consensus set."""
    records = []
    for number, (p_points, q_points) in enumerate(found.sets):
        ids = {"p_group": pair.p_group, "p_id": pair.p_id, "q_group": pair.q_group, "q_id": pair.q_id}
        if len(found.sets) > 1:
            suffix = f"_set_{pair.p_group}_{pair.q_group}_{number}"
            ids["p_id"], ids["q_id"] = f"{pair.p_id}{suffix}", f"{pair.q_id}{suffix}"
        record = MatchRecord(
            **ids,
            p=p.full_scale(p_points, scale),
            q=q.full_scale(q_points, scale),
            match_count=len(p_points),
        )
        if len(found.sets) > 1:
            data = {"index": number, "originalPId": pair.p_id, "originalQId": pair.q_id}
            record = record.evolve(consensus_set=data)
        records.append(record)
    return records


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
