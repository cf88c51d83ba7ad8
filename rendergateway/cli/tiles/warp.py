"""``rendergateway warp``: a montage warped to an aligned stack."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import finite, read_z
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_collection,
    named_stack,
    open_gateway,
    sections_of,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.cli.tiles.checks import check_options, drop_option, say_dropped
from rendergateway.display import plural

__all__ = ["warp"]

_NAME = "[[OWNER/]PROJECT/]STACK"


@click.command()
@stack_argument()
@click.argument("aligned", metavar=_NAME, shell_complete=complete_stack)
@click.argument("target", metavar=_NAME, shell_complete=complete_stack)
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--common-only", is_flag=True, help="Leave out tiles that are not in both stacks.")
@click.option("--matches", metavar="[OWNER/]COLLECTION", help="Warp each cluster of matched tiles by itself.")
@click.option("--max-size", type=click.IntRange(0), help="… but leave out clusters with at most this many tiles.")
@click.option("--fraction", type=float, callback=finite, help="… the same as a fraction of the largest cluster.")
@check_options
@drop_option
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent requests")
@json_option
@service_options
def warp(
    name: str,
    aligned: str,
    target: str,
    z: Any,
    common_only: bool,
    matches: str | None,
    max_size: int | None,
    fraction: float | None,
    checks: tuple[Any, ...],
    invalid: str,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Warp a montage to an aligned stack.

    A spline per section maps tile centres of the montage, the first stack, to those of the second one. The third one,
    created if it is missing, contains the warped tiles.
    """
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        say(f"Warping {full_name(stack)} of {gateway.server} to {aligned}")
        warped = stack.warp_to(
            full_name(named_stack(gateway, target)),
            named_stack(gateway, aligned),
            sections=sections_of(stack, z),
            common_only=common_only,
            matches=None if matches is None else named_collection(gateway, matches),
            max_size=max_size,
            fraction=fraction,
            validate=checks,
            invalid=invalid,
            complete=not leave_open,
            workers=workers or gateway.bulk.workers,
            progress=True,
        )
        say_dropped(warped.dropped)
        state = warped.stack.state
        values = {"stack": full_name(warped.stack), "state": state, "tile_count": warped.tile_count}
        values["dropped"] = dict(warped.dropped)
        result(values, f"{full_name(warped.stack)} {state}: {plural(warped.tile_count, 'tile')} warped", as_json)
