"""``rendergateway remove``: tiles deleted from a stack."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import finite, read_box, read_z
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_collection,
    named_stack,
    open_gateway,
    read_tile_ids_option,
    sections_of,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.geometry import Bounds
from rendergateway.wrappers import StackWrapper

__all__ = ["remove"]


@click.command()
@stack_argument()
@click.argument("tiles", nargs=-1, metavar="[TILE…]")
@click.option("--ids", callback=read_tile_ids_option, metavar="FILE", help="The tiles of a JSON array of ids.")
@click.option("--hidden", is_flag=True, help="Tiles that others cover completely.")
@click.option("--outside", callback=read_box, metavar="X0,Y0,X1,Y1", help="Tiles that do not touch this box.")
@click.option("--unconnected", metavar="[OWNER/]COLLECTION", help="Tiles that these matches do not connect.")
@click.option("--max-size", type=click.IntRange(0), help="… and clusters with at most this many tiles.")
@click.option("--fraction", type=float, callback=finite, help="… the same as a fraction of the largest cluster.")
@click.option(
    "--keep", metavar="[[OWNER/]PROJECT/]STACK", shell_complete=complete_stack, help="… unless it is in here."
)
@click.option("--move-to", metavar="[[OWNER/]PROJECT/]STACK", help="… and save them in this stack first.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--dry-run", is_flag=True, help="Only list the tiles.")
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent requests")
@json_option
@service_options
def remove(
    name: str,
    tiles: tuple[str, ...],
    ids: list[str] | None,
    hidden: bool,
    outside: Bounds | None,
    unconnected: str | None,
    max_size: int | None,
    fraction: float | None,
    keep: str | None,
    move_to: str | None,
    z: Any,
    dry_run: bool,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Delete tiles of a stack.

    By id, or those that are hidden, outside of a box, or not connected by matches. The ids are printed, one per line.
    """
    chosen = [bool(tiles), ids is not None, hidden, outside is not None, unconnected is not None]
    if sum(chosen) != 1:
        raise click.UsageError("pass one of TILE…, --ids, --hidden, --outside and --unconnected")
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        say(f"{'Listing' if dry_run else 'Deleting'} tiles of {full_name(stack)} of {gateway.server}")
        options: dict[str, Any] = {
            "complete": not leave_open,
            "workers": workers or gateway.bulk.workers,
            "progress": True,
        }
        if unconnected is not None:
            found = stack.remove_unconnected(
                named_collection(gateway, unconnected),
                sections=sections_of(stack, z),
                max_size=max_size,
                fraction=fraction,
                keep=None if keep is None else named_stack(gateway, keep),
                move_to=None if move_to is None else full_name(named_stack(gateway, move_to)),
                dry_run=dry_run,
                **options,
            )
            removed = [tile_id for of_section in found.values() for tile_id in of_section]
        else:
            removed = list(tiles or ids or ()) or _found(stack, z, outside)
            if removed and not dry_run:
                with stack.editing(**options) as edit:
                    edit.delete(removed)
        lines = [*removed, f"{plural(len(removed), 'tile')} {'to delete' if dry_run else 'deleted'}"]
        result({"stack": full_name(stack), "tile_ids": removed, "deleted": not dry_run}, "\n".join(lines), as_json)


def _found(stack: StackWrapper, z: Any, outside: Bounds | None) -> list[str]:
    found: list[str] = []
    for section in stack.sections(z):
        found += section.hidden_tile_ids() if outside is None else section.tile_ids_outside(outside)
    return found
