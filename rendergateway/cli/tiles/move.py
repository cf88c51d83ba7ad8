"""``rendergateway move``: tiles moved to other sections."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import click

from rendergateway.cli.look import finite, read_box, read_z
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    sections_of,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.geometry import Bounds

__all__ = ["move"]


@click.command()
@stack_argument()
@click.argument("tiles", nargs=-1, metavar="[TILE…]")
@click.option("--to-z", type=float, callback=finite, help="The new z.")
@click.option("--divide-by", type=click.IntRange(1), metavar="N", help="The new z is z / N, rounded down.")
@click.option("--file", "path", metavar="FILE", help="Lines of z and tile id.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="All tiles of these sections.")
@click.option("--section-id", "section_ids", multiple=True, help="Only tiles with this section id; repeatable.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="Only tiles that touch this box.")
@click.option(
    "--into",
    metavar="[[OWNER/]PROJECT/]STACK",
    shell_complete=complete_stack,
    help="Save moved copies in this stack, created if it is missing.",
)
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent requests")
@json_option
@service_options
def move(
    name: str,
    tiles: tuple[str, ...],
    to_z: float | None,
    divide_by: int | None,
    path: str | None,
    z: Any,
    section_ids: tuple[str, ...],
    box: Bounds | None,
    into: str | None,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Move tiles to other sections.

    Single tiles by their ids, the tiles of a file, or those of sections.
    """
    by_section = z is not None or bool(section_ids) or box is not None or into is not None
    if sum(one is not None for one in (to_z, divide_by, path)) != 1:
        raise click.UsageError("pass one of --to-z, --divide-by and --file")
    if (tiles or path) and (by_section or divide_by or (tiles and path)):
        raise click.UsageError("TILE… and --file exclude each other, --divide-by, --z, --section-id, --box and --into")
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        target = stack if into is None else stack.derived_stack(full_name(named_stack(gateway, into)))
        say(f"Moving tiles of {full_name(stack)} of {gateway.server}")
        with target.editing(
            complete=not leave_open, workers=workers or gateway.bulk.workers, progress=True, reload=True
        ) as edit:
            if path is not None:
                from rendergateway import read_tile_z_values

                moved = sum(edit.move(new_z, some) for new_z, some in read_tile_z_values(path).items())
            elif tiles:
                moved = edit.move(to_z or 0.0, tiles)
            else:
                moved = edit.move(
                    _new_z(to_z, divide_by),
                    sections=sections_of(stack, z),
                    section_ids=section_ids or None,
                    box=box,
                    source=stack,
                )
        values = {"stack": full_name(target), "state": target.state, "moved": moved}
        result(values, f"{full_name(target)} {target.state}: {plural(moved, 'tile')} moved", as_json)


def _new_z(to_z: float | None, divide_by: int | None) -> float | Callable[[float], float]:
    if divide_by is None:
        return to_z or 0.0
    return lambda z: float(math.floor(z / divide_by))
