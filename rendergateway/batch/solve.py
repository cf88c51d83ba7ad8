"""Solve the transforms of a stack from its matches, and write the result as a new stack."""

from __future__ import annotations

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
from rendergateway.batch.matched_tiles import MatchedTiles, Unknown, frame_of, z_in_range
from rendergateway.batch.solved_tiles import WAYS, SolvedTiles, templates_of, without_last
from rendergateway.display import plural
from rendergateway.errors import (
    BadRequestError,
    NotFoundError,
    RenderGatewayError,
    SolveError,
    StaleStackError,
    add_note,
)
from rendergateway.extras import require
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.model.records.stacks import StackRecord
from rendergateway.model.tables.row_table import RowTable
from rendergateway.progress import tracking
from rendergateway.wrappers.core.arguments import tile_id_of
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.editing.batches import check_boxes
from rendergateway.wrappers.editing.copying import Copy, create_like
from rendergateway.wrappers.editing.versions import still_exists
from rendergateway.wrappers.reading.snapshot import place_in_time

if TYPE_CHECKING:
    from rendergateway.wrappers.core.arguments import ZRange
    from rendergateway.wrappers.matching.pairs import PairReading
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["MODES", "SolvePlan", "Solved", "solve_stack"]

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
    What is solved, and how it is written; see `StackWrapper.solve`.

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


@attrs.frozen(eq=False, repr=False)
class Solved:
    """
    Summary of a solve.

    Attributes
    ----------
    stack : StackWrapper
        The new stack.
    mode, model : str
        As given.
    tile_count : int
        Tiles solved or kept.
    before, after : Residuals
        Of the points that were used, outliers excluded, in world pixels.
    outlier_count : int
        Points excluded as outliers.
    sections : RowTable
        One row per montage, or one for all sections: *z*, *last_z*, *tile_count*, *cluster_count*, *unmatched_count*,
        *pair_count*, *point_count*, *outlier_count*, *before_px*, *after_px* (mean residuals), *iterations*.
    unconnected : RowTable
        One row per tile outside of the largest cluster: *tile_id*, *z*, *cluster* (-1 without matches), *is_dropped*.
    collinear : tuple of str
        Tiles whose points lie on one line, so that the template decides what they leave open.
    unknown_pair_count : int
        Pairs that were skipped because they name missing tiles.
    """

    stack: StackWrapper
    mode: str
    model: str
    tile_count: int
    before: Residuals
    after: Residuals
    outlier_count: int
    sections: RowTable
    unconnected: RowTable
    collinear: tuple[str, ...]
    unknown_pair_count: int

    def __repr__(self) -> str:
        return f"<Solved {self.stack._key.stack}: {self}>"

    def __str__(self) -> str:
        parts = [
            f"{self.mode} {self.model}, {plural(self.tile_count, 'tile')}, {plural(self.after.pair_count, 'pair')}, "
            f"{plural(self.after.point_count, 'point')}",
            f"residuals before: {self.before}; after: {self.after}",
        ]
        counts = {
            ("outlier", "outliers"): self.outlier_count,
            ("unconnected tile", "unconnected tiles"): len(self.unconnected),
            ("tile with collinear points", "tiles with collinear points"): len(self.collinear),
            ("pair with unknown tiles", "pairs with unknown tiles"): self.unknown_pair_count,
        }
        parts += [f"{count} {one if count == 1 else many}" for (one, many), count in counts.items() if count]
        return "; ".join(parts)


@attrs.frozen(eq=False)
class _Part:
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


def solve_stack(
    stack: StackWrapper,
    matches: PairReading[Any],
    target: StackWrapper,
    plan: SolvePlan,
    *,
    z: ZRange = None,
    boxes: str = "service",
    complete: bool = True,
    bulk: Bulk,
    processes: int | None = None,
    dask: Any = None,
) -> Solved:
    """Solve a stack and write the target; see `StackWrapper.solve`."""
    require("a solve", "scipy")
    check_boxes(boxes)
    frame_of(matches)
    if processes is not None and dask is not None:
        raise TypeError("processes= and dask= exclude each other; pass one of them")
    if still_exists(target._bound):
        raise BadRequestError(f"stack {target._bound} exists; delete it, or use another name")
    before = _read(stack)
    wanted = z_in_range(stack, z)
    systems = [[z] for z in wanted] if plan.mode == "montage" else [wanted]
    unknown = plan.fixed_z - set(wanted)
    if unknown:
        raise NotFoundError(f"fixed_sections names z {min(unknown):g}, which is not among the sections to be solved")
    parts = _solved(stack, matches, plan, systems, bulk, processes, dask)
    if place_in_time(_read(stack)) != place_in_time(before):
        raise StaleStackError(f"stack {stack._bound} was changed by others while it was solved; nothing was written")
    tiles = SolvedTiles.joined([part.tiles for part in parts])
    missing = plan.fixed - tiles.rows.keys()
    if missing:
        raise NotFoundError(f"fixed names tile {min(missing)!r}, which is not among the tiles to be solved")
    solved = _summary(target, plan, parts)
    notes = f"solved from {stack._bound} with matches {matches}: {solved}; {_words(plan)}"
    create_like(stack._version, target._bound, notes=notes)
    _write(stack, target, tiles, wanted, boxes=boxes, complete=complete, bulk=bulk)
    return solved


def _read(stack: StackWrapper) -> StackRecord:
    return StackRecord.from_json(stack._bound.fetch("stack.read"))


def _words(plan: SolvePlan) -> str:
    options = plan.options
    words = [f"default_lambda {options.default_lambda:g}", f"translation_factor {options.translation_factor:g}"]
    if options.outliers_px is not None:
        words.append(f"outliers beyond {options.outliers_px:g} px")
    if plan.template is not None:
        words.append(f"template {plan.template._bound}")
    return ", ".join(words)


# Solving


def _solved(
    stack: StackWrapper,
    matches: PairReading[Any],
    plan: SolvePlan,
    systems: list[list[float]],
    bulk: Bulk,
    processes: int | None,
    dask: Any,
) -> list[_Part]:
    work = partial(_system, stack, matches, plan, bulk.workers)
    what = f"Solving {stack}"
    if plan.mode == "3d":
        with tracking(bulk.progress, what, 2 * len(systems[0])) as report:
            return [work(systems[0], report)]
    if dask is not None:
        futures = dask.map(work, systems, pure=False)
        try:
            with tracking(bulk.progress, what, len(systems)) as report:
                return [_counted(future.result(), count, report) for count, future in enumerate(futures, 1)]
        except BaseException:
            dask.cancel(futures)
            raise
    if processes is not None:
        return mapped(work, systems, bulk, what=what, processes=processes)
    with tracking(bulk.progress, what, len(systems)) as report:
        return [_counted(work(z_values), count, report) for count, z_values in enumerate(systems, 1)]


def _counted(part: _Part, count: int, report: Callable[[int], object]) -> _Part:
    report(count)
    return part


def _system(
    stack: StackWrapper,
    matches: PairReading[Any],
    plan: SolvePlan,
    workers: int,
    z_values: list[float],
    report: Callable[[int], object] = lambda count: None,
) -> _Part:
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
        fixed = _fixed(tiles, plan)
        solution = solve(
            templates,
            tiles.table.z,
            found,
            plan.options,
            fixed=fixed if fixed.any() else None,
            start=start,
            tile_ids=tiles.table.tile_id,
        )
    except SolveError as error:
        where = f"z {z_values[0]:g}" if len(z_values) == 1 else f"z {z_values[0]:g} to {z_values[-1]:g}"
        raise SolveError(f"stack {stack._bound}, {where}: {error}") from error
    return _part(tiles, plan, solution, fixed, unknown)


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
    mapped_points = tiles.maps(frame, tiles.table if plan.how == "append" else without_last(tiles.table))
    _check_frame(tiles, frame, plan.how)
    parts = []
    for count, part in enumerate(
        tiles.matches(
            collection,
            mapped_points,
            unknown,
            within=is_montage,
            chosen=None if is_montage else is_near,
            at_most=options.npts_max,
        ),
        1,
    ):
        parts.append(part)
        report(count)
    return TileMatches.joined(parts)


def _check_frame(tiles: MatchedTiles, frame: str, how: str) -> None:
    """Refuse points that are in a frame after the transform to be replaced."""
    from rendergateway.wrappers.coordinates.tile_maps import TileMaps

    if how == "replace_last":
        row = TileMaps(tiles.table, tiles.reader.shared, frame).first_empty()
        if row is not None:
            raise SolveError(
                f"the frame {frame!r} of the matches is after the last transform of tile {tiles.table.tile_id[row]!r}; "
                "how='append' adds the solved transform after it"
            )


def _fixed(tiles: MatchedTiles, plan: SolvePlan) -> npt.NDArray[np.bool_]:
    fixed = np.isin(tiles.table.z, list(plan.fixed_z))
    rows = tiles.rows_of(plan.fixed)
    fixed[rows[rows >= 0]] = True
    return fixed


def _part(
    tiles: MatchedTiles, plan: SolvePlan, solution: Solution, fixed: npt.NDArray[np.bool_], unknown: Unknown
) -> _Part:
    z, ids = tiles.table.z, tiles.table.tile_id
    unmatched = solution.cluster < 0
    dropped = {"keep": np.zeros_like(unmatched), "drop_unmatched": unmatched, "drop": solution.cluster != 0}
    # A tile that nothing moves is written as it is.
    is_solved = ~(unmatched | fixed) | (plan.template is not None) | (plan.how == "append")
    rows = {tile_id: row for row, tile_id in enumerate(ids.tolist())}
    return _Part(
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


# The result


def _summary(target: StackWrapper, plan: SolvePlan, parts: list[_Part]) -> Solved:
    rows = [
        {
            "z": part.z[0],
            "last_z": part.z[1],
            "tile_count": len(part.tile_z),
            "cluster_count": int(part.cluster.max(initial=-1)) + 1,
            "unmatched_count": int((part.cluster < 0).sum()),
            "pair_count": part.after.pair_count,
            "point_count": part.after.point_count,
            "outlier_count": part.outlier_count,
            "before_px": part.before.mean_px,
            "after_px": part.after.mean_px,
            "iterations": part.iterations,
        }
        for part in parts
    ]
    return Solved(
        target,
        plan.mode,
        plan.options.model,
        sum(int(part.tiles.is_kept.sum()) for part in parts),
        Residuals.joined([part.before for part in parts]),
        Residuals.joined([part.after for part in parts]),
        sum(part.outlier_count for part in parts),
        RowTable({name: [row[name] for row in rows] for name in rows[0]}),
        _unconnected(parts),
        tuple(tile_id for part in parts for tile_id in part.collinear),
        sum(part.unknown_pair_count for part in parts),
    )


def _unconnected(parts: Iterable[_Part]) -> RowTable:
    columns: dict[str, list[Any]] = {"tile_id": [], "z": [], "cluster": [], "is_dropped": []}
    for part in parts:
        chosen = np.flatnonzero(part.cluster != 0)
        ids = list(part.tiles.rows)
        columns["tile_id"] += [ids[row] for row in chosen.tolist()]
        columns["z"] += part.tile_z[chosen].tolist()
        columns["cluster"] += part.cluster[chosen].tolist()
        columns["is_dropped"] += (~part.tiles.is_kept[chosen]).tolist()
    return RowTable(columns)


# Writing


def _write(
    stack: StackWrapper,
    target: StackWrapper,
    tiles: SolvedTiles,
    z_values: list[float],
    *,
    boxes: str,
    complete: bool,
    bulk: Bulk,
) -> None:
    """Copy the tiles with their new transforms; after an error, or Ctrl-C, delete the new stack."""
    try:
        copy = Copy(
            stack._bound,
            target._bound,
            pieces=lambda z: stack._section(z)._pieces(None),
            count=lambda bound, z: 0,
            sections=z_values,
            edit=tiles.applied,
            boxes=boxes,
            is_resumable=False,
        )
        copy.run(bulk=bulk, complete=complete, resume=False, patience_s=60.0)
    except BaseException as error:
        try:
            target._bound.call("stack.delete")
        except RenderGatewayError as failure:
            add_note(error, f"stack {target._bound} is incomplete and could not be deleted ({failure}); delete it")
        else:
            add_note(error, f"the incomplete stack {target._bound} was deleted; the same solve may be repeated")
        raise


def as_fixed(tiles: Any) -> frozenset[str]:
    """Return the ids of tiles, given as one or many ids, tiles or records."""
    given = [tiles] if isinstance(tiles, str) or not isinstance(tiles, Iterable) else tiles
    return frozenset(tile_id_of(tile) for tile in given)
