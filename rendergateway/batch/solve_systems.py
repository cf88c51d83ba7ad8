"""The systems of a solve: sections alone, or together; in this process, others, or on a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve import Solution, solve
from rendergateway.alignment.solve_matches import TileMatches
from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.batch.matched_tiles import MatchedTiles, Unknown, frame_of
from rendergateway.batch.solved_tiles import WAYS, SolvedTiles, templates_of, without_last
from rendergateway.errors import NotFoundError, SolveError
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.progress import tracking
from rendergateway.wrappers.coordinates.tile_maps import TileMaps
from rendergateway.wrappers.core.arguments import tile_id_of
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.matching.runners import dask_client

if TYPE_CHECKING:
    from rendergateway.wrappers.matching.pairs import PairReading
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["MODES", "SolvePlan", "SolvedPart", "as_fixed", "solved_parts"]

MODES = ("montage", "3d")
_KEEPING = ("keep", "drop_unmatched", "drop")
_UNKNOWN = ("refuse", "skip")


def _one_of(words: Sequence[str]) -> Any:
    def check(plan: SolvePlan, field: attrs.Attribute[Any], value: object) -> None:
        if value not in words:
            raise ValueError(f"{field.name} must be {' or '.join(map(repr, words))}: got {value!r}")

    return check


@attrs.frozen(kw_only=True)
class SolvePlan:
    """
    The tiles to solve, and the way to write them; see `StackWrapper.solve`.

    Attributes
    ----------
    mode, how, unconnected, unknown_tiles : str
    template : StackWrapper, optional
    fixed : frozenset of str
        Tile ids.
    fixed_z : frozenset of float
        Sections.
    options : SolveOptions
    """

    mode: str = attrs.field(default="montage", validator=_one_of(MODES))
    how: str = attrs.field(default="replace_last", validator=_one_of(WAYS))
    unconnected: str = attrs.field(default="keep", validator=_one_of(_KEEPING))
    unknown_tiles: str = attrs.field(default="refuse", validator=_one_of(_UNKNOWN))
    template: Any = None
    fixed: frozenset[str] = frozenset()
    fixed_z: frozenset[float] = frozenset()
    options: SolveOptions = attrs.field(factory=SolveOptions)


def as_fixed(tiles: Any) -> frozenset[str]:
    """Return the ids of tiles, given as one or many ids, tiles or records."""
    given = [tiles] if isinstance(tiles, str) or not isinstance(tiles, Iterable) else tiles
    return frozenset(tile_id_of(tile) for tile in given)


@attrs.frozen(eq=False)
class SolvedPart:
    """The result of one system: a section, or a range of z."""

    z: tuple[float, float]
    tiles: SolvedTiles
    tile_z: FloatArray
    cluster: IntArray
    collinear: tuple[str, ...]
    before: Residuals
    after: Residuals
    outlier_count: int
    iterations: int
    unknown_pair_count: int


def solved_parts(
    stack: StackWrapper,
    matches: PairReading[Any],
    plan: SolvePlan,
    systems: list[list[float]],
    bulk: Bulk,
    processes: int | None,
    dask: Any,
) -> list[SolvedPart]:
    """
    Solve systems of sections, each a list of z.

    Parameters
    ----------
    stack, matches, plan, bulk, processes, dask
        As for `solve_stack`.
    systems : list of list of float
        For a montage one per section, else one.
    """
    work = partial(_system, stack, matches, plan, bulk.workers)
    what = f"Solving {stack}"
    if plan.mode == "3d":
        with tracking(bulk.progress, what, 2 * len(systems[0])) as report:
            return [work(systems[0], report)]
    if dask is not None or processes is not None:
        # Raises ConfigurationError for a service that other processes cannot reach.
        pickle.dumps(work)
    if dask is not None:
        with dask_client(dask) as client:
            futures = client.map(work, systems, pure=False)
            try:
                with tracking(bulk.progress, what, len(systems)) as report:
                    return [_counted(future.result(), count, report) for count, future in enumerate(futures, 1)]
            except BaseException:
                client.cancel(futures)
                raise
    if processes is not None:
        return mapped(work, systems, bulk, what=what, processes=processes)
    with tracking(bulk.progress, what, len(systems)) as report:
        return [_counted(work(z_values), count, report) for count, z_values in enumerate(systems, 1)]


def _counted(part: SolvedPart, count: int, report: Callable[[int], object]) -> SolvedPart:
    report(count)
    return part


def _system(
    stack: StackWrapper,
    matches: PairReading[Any],
    plan: SolvePlan,
    workers: int,
    z_values: list[float],
    report: Callable[[int], object] = lambda count: None,
) -> SolvedPart:
    """Read and solve the tiles of sections together; in whatever process."""
    tiles = MatchedTiles.read(stack._bound, z_values, workers, report)
    order = max(plan.options.order or 1, 1)
    start = templates_of(tiles.table, plan.how, order)
    templates = start if plan.template is None else _templates(tiles, plan, z_values, workers, order)
    try:
        unknown = Unknown()
        found = _matches(tiles, matches, plan, unknown, lambda count: report(len(z_values) + count))
        if unknown.pairs and (plan.unknown_tiles == "refuse" or not len(found)):
            raise NotFoundError(f"{unknown}; nothing was written: unknown_tiles='skip' leaves these pairs out")
        z, tile_ids, fixed = tiles.table.z, tiles.table.tile_id, _fixed(tiles, plan)
        # The texts of the tiles may take more memory than the solve.
        del tiles
        if plan.mode == "montage" and not len(found):
            solution = _unsolved(templates)
        else:
            solution = solve(
                templates,
                z,
                found,
                plan.options,
                fixed=fixed if fixed.any() else None,
                start=None if plan.template is None else start,
                tile_ids=tile_ids,
            )
    except SolveError as error:
        where = f"z {z_values[0]:g}" if len(z_values) == 1 else f"z {z_values[0]:g} to {z_values[-1]:g}"
        raise SolveError(f"stack {stack._bound}, {where}: {error}") from error
    return _part(z, tile_ids, plan, solution, fixed, unknown)


def _unsolved(templates: FloatArray) -> Solution:
    """Return the solution of a section without matches, such as one of a single tile: all tiles are kept."""
    count, nothing = len(templates), Residuals.of(np.empty((0, 2)), 0)
    nowhere = np.full(count, -1, dtype=np.int64)
    return Solution(templates, nowhere, np.zeros(count, dtype=np.bool_), nothing, nothing, 0, 0, 0)


def _templates(tiles: MatchedTiles, plan: SolvePlan, z_values: Sequence[float], workers: int, order: int) -> FloatArray:
    """Return the transforms of the same tiles in the template."""
    other = MatchedTiles.read(plan.template._bound, z_values, workers, lambda count: None)
    rows = other.rows_of(tiles.table.tile_id)
    if (rows < 0).any():
        tile_id = tiles.table.tile_id[int(np.flatnonzero(rows < 0)[0])]
        raise NotFoundError(
            f"{int((rows < 0).sum())} tiles are not in the template {plan.template._bound}: got {tile_id!r}"
        )
    return templates_of(other.table[rows], "replace_last", order)


def _matches(
    tiles: MatchedTiles,
    collection: PairReading[Any],
    plan: SolvePlan,
    unknown: Unknown,
    report: Callable[[int], object],
) -> TileMatches:
    frame, z, options = frame_of(collection), tiles.table.z, plan.options

    def is_near(pairs: IntArray) -> npt.NDArray[np.bool_]:
        return options.weights_at(np.abs(z[pairs[:, 0]] - z[pairs[:, 1]])) > 0

    is_montage = plan.mode == "montage"
    found = tiles.matches(
        collection,
        _into_frame_of_solve(tiles, frame, plan.how),
        unknown,
        within=is_montage,
        report=report,
        chosen=None if is_montage else is_near,
        at_most=options.npts_max,
    )
    return TileMatches.joined(list(found))


def _into_frame_of_solve(tiles: MatchedTiles, frame: str, how: str) -> Callable[[TileMatches], TileMatches]:
    """
    Return a function that maps matches into the frame which the solved transforms are applied to.

    Raises
    ------
    SolveError
        If the points are in a frame after the transform to be replaced.
    """
    if how == "append":
        return tiles.maps(frame)
    maps = TileMaps(tiles.table, tiles.reader.shared, frame)
    row = None if frame == "raw" else maps.first_empty()
    if row is not None:
        raise SolveError(
            f"the frame {frame!r} of the matches is after the last transform of tile {tiles.table.tile_id[row]!r}; "
            "how='append' adds the solved transform after it"
        )
    # The usual case, without new texts of all tiles.
    return (lambda matches: matches) if maps.are_single_affines else tiles.maps(frame, without_last(tiles.table))


def _fixed(tiles: MatchedTiles, plan: SolvePlan) -> npt.NDArray[np.bool_]:
    fixed = np.isin(tiles.table.z, list(plan.fixed_z))
    rows = tiles.rows_of(plan.fixed)
    fixed[rows[rows >= 0]] = True
    return fixed


def _part(
    z: FloatArray,
    ids: npt.NDArray[Any],
    plan: SolvePlan,
    solution: Solution,
    fixed: npt.NDArray[np.bool_],
    unknown: Unknown,
) -> SolvedPart:
    unmatched = solution.cluster < 0
    dropped = {"keep": np.zeros_like(unmatched), "drop_unmatched": unmatched, "drop": solution.cluster != 0}
    # A tile that nothing moves is written as it is.
    is_solved = ~(unmatched | fixed) | (plan.template is not None) | (plan.how == "append")
    rows = {tile_id: row for row, tile_id in enumerate(ids.tolist())}
    return SolvedPart(
        (float(z.min()), float(z.max())),
        SolvedTiles(rows, solution.coefficients, is_solved, ~dropped[plan.unconnected], plan.how),
        z,
        solution.cluster,
        tuple(ids[solution.collinear].tolist()),
        solution.before,
        solution.after,
        solution.outlier_count,
        solution.iterations,
        unknown.pairs,
    )
