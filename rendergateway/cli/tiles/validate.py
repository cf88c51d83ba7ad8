"""``rendergateway validate``: invalid tiles listed or deleted."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import read_z
from rendergateway.cli.services import (
    full_name,
    named_stack,
    open_gateway,
    sections_of,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.cli.tiles.checks import check_options
from rendergateway.display import plural

__all__ = ["validate"]


@click.command()
@stack_argument()
@check_options
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--remove", is_flag=True, help="Delete the invalid tiles.")
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING after deletions, instead of COMPLETE.")
@workers_option("Concurrent deletions")
@json_option
@service_options
def validate(
    name: str,
    checks: tuple[Any, ...],
    z: Any,
    remove: bool,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    List the invalid tiles of a stack.

    Without options: those without an image, or with transforms that cannot be computed.
    """
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        say(f"Validating tiles of {full_name(stack)} of {gateway.server}")
        found = stack.validate(*checks, sections=sections_of(stack, z), progress=True)
        if remove and len(found):
            with stack.editing(complete=not leave_open, workers=workers or gateway.bulk.workers) as edit:
                edit.delete(found.tile_id.tolist())
        lines = [f"{row['tile_id']}: {row['problem']}" for row in found]
        deleted = remove and bool(lines)
        lines.append(f"{plural(len(found), 'invalid tile')}{' deleted' if deleted else ''}")
        result({"stack": full_name(stack), "invalid": list(found), "deleted": deleted}, "\n".join(lines), as_json)
