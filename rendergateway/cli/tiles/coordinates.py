"""``rendergateway coordinates``: files of points mapped between tiles, stacks and the world."""

from __future__ import annotations

from pathlib import Path

import click

from rendergateway.cli.look import finite
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural

__all__ = ["coordinates"]


@click.command()
@stack_argument()
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="TARGET")
@click.option("--z", type=float, callback=finite, help="Section of all points. Default: points have their own z.")
@click.option("--to-world", is_flag=True, help="Map points of tiles to the world. Default: world points to tiles.")
@click.option(
    "--into",
    metavar="[[OWNER/]PROJECT/]STACK",
    shell_complete=complete_stack,
    help="Map world points to the world of this stack.",
)
@workers_option("Batches of points at a time")
@json_option
@service_options
def coordinates(
    name: str,
    source: str,
    target: str,
    z: float | None,
    to_world: bool,
    into: str | None,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Map the points of files.

    SOURCE is a JSON array of points, or a folder of SWC files with --into. A point that cannot be mapped has an error
    in the JSON of TARGET; nodes of SWC files are then at -999, and listed in failed_mappings.txt.
    """
    from rendergateway.batch.coordinates import map_coordinate_file, map_swc_folder

    is_folder = Path(source).is_dir()
    if to_world and into is not None:
        raise click.UsageError("--to-world and --into exclude each other")
    if is_folder and (into is None or to_world or z is not None):
        raise click.UsageError("a folder of SWC files needs --into, without --to-world and --z")
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        other = None if into is None else named_stack(gateway, into)
        say(f"Mapping points through {full_name(stack)} of {gateway.server}")
        count = workers or gateway.bulk.workers
        if is_folder and other is not None:
            folder = map_swc_folder(stack, source, target, to_stack=other, workers=count, progress=True)
            points, failed = folder.count, folder.failed
        else:
            to = "world" if to_world else "local"
            file = map_coordinate_file(stack, source, target, z=z, to=to, to_stack=other, workers=count, progress=True)
            points, failed = file.count, file.failed
        sentence = f"{target}: {plural(points, 'point')}{f', {failed} failed' if failed else ''}"
        result({"target": target, "count": points, "failed": failed}, sentence, as_json)
