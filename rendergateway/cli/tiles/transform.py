"""``rendergateway transform``: the transforms of tiles changed, in place or into another stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from rendergateway.cli.look import read_box, read_z
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
from rendergateway.cli.tiles.checks import check_options, drop_option, say_dropped
from rendergateway.display import plural
from rendergateway.geometry import Bounds
from rendergateway.transforms import Transform, from_spec

__all__ = ["transform"]

_HOW = ("append", "prepend", "insert-before-last", "replace-last", "replace-all", "concatenate-last")


@click.command()
@stack_argument()
@click.option("--class", "class_name", metavar="CLASS", help="Class of a transform for all tiles, like AffineModel2D.")
@click.option("--data", metavar="NUMBERS", help="Its parameters, separated by commas or blanks.")
@click.option("--id", "shared_id", metavar="ID", help="Store it once, as a shared transform of this id.")
@click.option("--changes", metavar="FILE", help="One transform per tile: a JSON array of {tileId, transform}.")
@click.option("--layout", metavar="FILE", help="One transform per tile: a layout file (MET).")
@click.option(
    "--layout-version",
    "version",
    type=click.Choice(["v1", "v2", "v3"]),
    default="v1",
    show_default=True,
    help="Format of the layout file.",
)
@click.option("--remove", "count", type=click.IntRange(1), metavar="N", help="Remove the last N transforms instead.")
@click.option("--how", type=click.Choice(_HOW), default="append", show_default=True, help="How it is applied.")
@click.option(
    "--into",
    metavar="[[OWNER/]PROJECT/]STACK",
    shell_complete=complete_stack,
    help="Save the changed tiles in this stack, created if it is missing.",
)
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="Only tiles that touch this box.")
@check_options
@drop_option
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent requests")
@json_option
@service_options
def transform(
    name: str,
    class_name: str | None,
    data: str | None,
    shared_id: str | None,
    changes: str | None,
    layout: str | None,
    version: str,
    count: int | None,
    how: str,
    into: str | None,
    z: Any,
    box: Bounds | None,
    checks: tuple[Any, ...],
    invalid: str,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Change the transforms of tiles.

    One transform for all tiles, one per tile from a file, or the last ones removed. Bounding boxes are derived.
    """
    if sum(one is not None for one in (class_name, changes, layout, count)) != 1:
        raise click.UsageError("pass one of --class, --changes, --layout and --remove")
    if (class_name is None) != (data is None) or (shared_id is not None and class_name is None):
        raise click.UsageError("--class and --data need each other, and --id needs both")
    change = _read(class_name, data, changes, layout, version)
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        target = stack if into is None else stack.derived_stack(full_name(named_stack(gateway, into)))
        say(f"Changing tiles of {full_name(stack)} of {gateway.server}")
        options: dict[str, Any] = {"source": stack, "sections": sections_of(stack, z), "box": box}
        options |= {"validate": checks, "invalid": invalid}
        with target.editing(
            complete=not leave_open, workers=workers or gateway.bulk.workers, progress=True, reload=True
        ) as edit:
            if change is None:
                changed = edit.remove_transforms(count or 0, **options)
            else:
                changed = edit.apply(change, how=how.replace("-", "_"), shared_id=shared_id, **options)
            say_dropped(edit.dropped)
        values = {"stack": full_name(target), "state": target.state, "tile_count": changed, "dropped": edit.dropped}
        result(values, f"{full_name(target)} {target.state}: {plural(changed, 'tile')} changed", as_json)


def _read(
    class_name: str | None, data: str | None, changes: str | None, layout: str | None, version: str
) -> Transform | Mapping[str, Transform] | None:
    if class_name is not None:
        full = class_name if "." in class_name else f"mpicbg.trakem2.transform.{class_name}"
        return from_spec({"className": full, "dataString": (data or "").replace(",", " ")})
    if changes is not None:
        from rendergateway import read_transform_changes

        return read_transform_changes(changes)
    if layout is not None:
        from rendergateway import read_layout

        return read_layout(layout, version)
    return None
