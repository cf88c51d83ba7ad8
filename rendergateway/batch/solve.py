"""Solve the transforms of a stack from its matches, and write the result as a new stack."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from rendergateway.alignment.solve_notes import SolveNotes
from rendergateway.alignment.solve_residuals import Residuals
from rendergateway.batch.matched_tiles import frame_of, z_in_range
from rendergateway.batch.solve_systems import SolvedPart, SolvePlan, solved_parts
from rendergateway.batch.solved_tiles import SolvedTiles
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
from rendergateway.model.records.stacks import StackRecord
from rendergateway.model.tables.row_table import RowTable
from rendergateway.wrappers.core.bulk import Bulk
from rendergateway.wrappers.editing.batches import check_boxes
from rendergateway.wrappers.editing.copying import Copy, create_like
from rendergateway.wrappers.editing.versions import still_exists
from rendergateway.wrappers.reading.snapshot import place_in_time

if TYPE_CHECKING:
    from rendergateway.wrappers.core.arguments import ZRange
    from rendergateway.wrappers.matching.pairs import PairReading
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["Solved", "solve_stack"]


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
        Tiles whose points lie on one line: the template determines the rest of their transforms.
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


def _names_of(matches: PairReading[Any]) -> tuple[str, ...]:
    source = matches._pair_source
    return source.collection.key.collection, *source.merged


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
    if plan.mode == "3d" and (processes is not None or dask is not None):
        given = "dask" if processes is None else "processes"
        raise TypeError(
            f"{given}= is for the sections of a montage; a 3d solve is one system, solved by this process: leave it out"
        )
    if still_exists(target._bound):
        raise BadRequestError(f"stack {target._bound} exists; delete it, or use another name")
    before = _read(stack)
    wanted = z_in_range(stack, z)
    systems = [[z] for z in wanted] if plan.mode == "montage" else [wanted]
    unknown = plan.fixed_z - set(wanted)
    if unknown:
        raise NotFoundError(f"fixed_sections names z {min(unknown):g}, which is not among the sections to be solved")
    parts = solved_parts(stack, matches, plan, systems, bulk, processes, dask)
    if place_in_time(_read(stack)) != place_in_time(before):
        raise StaleStackError(f"stack {stack._bound} was changed by others while it was solved; nothing was written")
    if not any(part.after.pair_count for part in parts):
        raise SolveError(
            f"there are no matches between the tiles of stack {stack._bound}; check the match collection, and its "
            "groups and tile ids"
        )
    tiles = SolvedTiles.joined([part.tiles for part in parts])
    missing = plan.fixed - tiles.rows.keys()
    if missing:
        raise NotFoundError(f"fixed names tile {min(missing)!r}, which is not among the tiles to be solved")
    solved = _summary(target, plan, parts)
    notes = str(SolveNotes(str(stack._bound), _names_of(matches), (str(solved), _words(plan))))
    try:
        create_like(stack._version, target._bound, notes=notes)
    except KeyboardInterrupt as error:
        add_note(error, f"stack {target._bound} may have been created, without tiles; delete it")
        raise
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


# The result


def _summary(target: StackWrapper, plan: SolvePlan, parts: list[SolvedPart]) -> Solved:
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


def _unconnected(parts: Iterable[SolvedPart]) -> RowTable:
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
