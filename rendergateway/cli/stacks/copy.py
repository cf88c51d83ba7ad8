"""``rendergateway copy``: tiles of one stack copied to another."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import finite, read_box, read_z
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    read_tile_ids_option,
    sections_of,
    service_options,
    stack_argument,
    target_options,
    treatment,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.geometry import Bounds
from rendergateway.wrappers import Cells, TileChanges, TileSelection

__all__ = ["copy"]


def _cells(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> list[tuple[int, int]]:
    try:
        return [(int(row), int(column)) for row, column in (text.split(",") for text in texts)]
    except ValueError as error:
        raise click.BadParameter(f"must be ROW,COLUMN, got {', '.join(texts)!r}", ctx, option) from error


_NAME = "[[OWNER/]PROJECT/]STACK"


@click.command()
@stack_argument()
@click.argument("target", metavar=_NAME, shell_complete=complete_stack)
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option(
    "--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="Only tiles that touch this box, in world pixels."
)
@click.option("--ids", callback=read_tile_ids_option, metavar="FILE", help="Only the tiles of a JSON array of ids.")
@click.option("--without", callback=read_tile_ids_option, metavar="FILE", help="Leave out the tiles of a JSON array.")
@click.option(
    "--without-cell",
    "cells",
    callback=_cells,
    multiple=True,
    metavar="ROW,COLUMN",
    help="Leave out a cell; repeatable.",
)
@click.option("--only-in", metavar=_NAME, shell_complete=complete_stack, help="Only tiles that this stack has too.")
@click.option("--not-in", metavar=_NAME, shell_complete=complete_stack, help="Only tiles that this stack lacks.")
@click.option("--add-to-z", type=float, callback=finite, default=0.0, help="Added to the z of tiles.")
@click.option("--split-sections", type=click.IntRange(1), metavar="N", help="Move section ids to N layers per section.")
@click.option("--to-origin", is_flag=True, help="Translate the stack so that it begins near the origin.")
@click.option("--at-stage", is_flag=True, help="Replace last transforms by stage positions.")
@click.option("--in-grid", is_flag=True, help="Lay the tiles of each section out in a grid.")
@target_options
@workers_option("Concurrent requests")
@json_option
@service_options
def copy(
    name: str,
    target: str,
    z: Any,
    box: Bounds | None,
    ids: list[str] | None,
    without: list[str] | None,
    cells: list[tuple[int, int]],
    only_in: str | None,
    not_in: str | None,
    add_to_z: float,
    split_sections: int | None,
    to_origin: bool,
    at_stage: bool,
    in_grid: bool,
    append: bool,
    replace: bool,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Copy tiles of a stack to another one.

    All or some of them, unchanged or moved.
    The copy is a new stack, unless --append adds to an existing one or --replace replaces its sections.
    """
    existing = treatment(append, replace)
    try:
        change = TileChanges(
            add_to_z=add_to_z, split_sections=split_sections, to_origin=to_origin, at_stage=at_stage, in_grid=in_grid
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        keep = TileSelection(
            box=box,
            ids=ids,
            without=without or (),
            without_cells=[] if not cells else [Cells(cells)],
            only_in=[] if only_in is None else [named_stack(gateway, only_in)],
            not_in=[] if not_in is None else [named_stack(gateway, not_in)],
        )
        say(f"Copying {full_name(stack)} of {gateway.server} to {target}")
        made = stack.copy_to(
            full_name(named_stack(gateway, target)),
            sections=sections_of(stack, z),
            keep=None if keep == TileSelection() else keep,
            change=None if change == TileChanges() else change,
            existing=existing,
            complete=not leave_open,
            workers=workers or gateway.bulk.workers,
            progress=True,
        )
        values = {"stack": full_name(made), "state": made.state, "tile_count": made.tile_count}
        count = "" if made.tile_count is None else f": {plural(made.tile_count, 'tile')}"
        result(values, f"{full_name(made)} {made.state}{count}", as_json)
