"""``rendergateway stack``: create, clone, rename, complete or delete a stack."""

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
)
from rendergateway.cli.terminal import json_option, result
from rendergateway.display import plural
from rendergateway.wrappers import StackWrapper

__all__ = ["stack"]

_TARGET = click.argument("target", metavar="[[OWNER/]PROJECT/]STACK")


def _resolution(ctx: click.Context, option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        x, y, z = map(float, text.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be X,Y,Z in nanometres, got {text!r}", ctx, option) from error
    if not all(0 < value < float("inf") for value in (x, y, z)):
        raise click.BadParameter(f"must be finite and > 0, got {text!r}", ctx, option)
    return x, y, z


@click.group()
def stack() -> None:
    """Create, clone, rename, complete or delete a stack."""


@stack.command()
@stack_argument()
@click.option(
    "--resolution", callback=_resolution, metavar="X,Y,Z", help="Nanometres per pixel, and section thickness."
)
@click.option("--notes", metavar="TEXT", help="Notes of the version.")
@json_option
@service_options
def create(
    name: str, resolution: Any, notes: str | None, service: str | None, profile: str | None, as_json: bool
) -> None:
    """Create an empty stack."""
    with open_gateway(service, profile, makes_file=True) as gateway:
        target = full_name(named_stack(gateway, name))
        _show(gateway.create_stack(target, resolution_nm=resolution, notes=notes), as_json)


@stack.command()
@stack_argument()
@_TARGET
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--complete", is_flag=True, help="Complete the copy.")
@json_option
@service_options
def clone(
    name: str, target: str, z: Any, complete: bool, service: str | None, profile: str | None, as_json: bool
) -> None:
    """Let the service copy a stack within its owner; 'rendergateway copy' does more."""
    with open_gateway(service, profile) as gateway:
        source, copy = named_stack(gateway, name), named_stack(gateway, target)
        if source.owner != copy.owner:
            raise click.UsageError(
                f"a service clones within one owner, got {source.owner} and {copy.owner}; use 'rendergateway copy'"
            )
        made = source.clone_to(copy.name, project=copy.project.name, sections=sections_of(source, z), complete=complete)
        _show(made, as_json)


@stack.command()
@stack_argument()
@_TARGET
@json_option
@service_options
def rename(name: str, target: str, service: str | None, profile: str | None, as_json: bool) -> None:
    """Rename a stack, or move it to another project or owner."""
    with open_gateway(service, profile) as gateway:
        _show(named_stack(gateway, name).rename(full_name(named_stack(gateway, target))), as_json)


@stack.command()
@stack_argument()
@click.argument("new", metavar="STATE", type=click.Choice(["LOADING", "COMPLETE", "READ_ONLY"], case_sensitive=False))
@json_option
@service_options
def state(name: str, new: str, service: str | None, profile: str | None, as_json: bool) -> None:
    """Change the state of a stack."""
    with open_gateway(service, profile) as gateway:
        found = named_stack(gateway, name)
        found.set_state(new.upper())
        _show(found, as_json)


@stack.command()
@stack_argument()
@click.option(
    "--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections; the stack must be LOADING."
)
@click.option("--dry-run", is_flag=True, help="Only count the tiles.")
@json_option
@service_options
def delete(name: str, z: Any, dry_run: bool, service: str | None, profile: str | None, as_json: bool) -> None:
    """Delete a stack, or some of its sections."""
    with open_gateway(service, profile) as gateway:
        found = named_stack(gateway, name)
        doomed = [found] if z is None else list(found.sections(z))
        counts = [one.delete(dry_run=True) for one in doomed]
        tiles = sum(count.tile_count for count in counts if count is not None)
        if not dry_run:
            for one in doomed:
                one.delete()
        values = {"stack": full_name(found), "tile_count": tiles, "deleted": not dry_run}
        word = "to delete" if dry_run else "deleted"
        result(values, f"{full_name(found)}: {plural(tiles, 'tile')} {word}", as_json)


def _show(found: StackWrapper, as_json: bool) -> None:
    result({"stack": full_name(found), "state": found.state}, f"{full_name(found)} {found.state}", as_json)
