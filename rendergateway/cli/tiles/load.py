"""``rendergateway load``: tile specs from files into a stack."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.batch.load import Loaded, load_specs
from rendergateway.cli.look import finite
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    service_options,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.cli.tiles.checks import check_options, drop_option, say_dropped
from rendergateway.display import plural
from rendergateway.model.files.spec_set import gather_specs
from rendergateway.wrappers import StackWrapper

__all__ = ["existing_value", "load"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--stack",
    "name",
    required=True,
    metavar="[[OWNER/]PROJECT/]NAME",
    shell_complete=complete_stack,
    help="The stack.",
)
@click.option("--z", type=float, callback=finite, help="Section of tiles without z.")
@click.option("--transforms", multiple=True, metavar="FILE", help="Shared transforms of all files; may be repeated.")
@click.option(
    "--transforms-each",
    "each",
    is_flag=True,
    help="The second half of FILE… are shared transforms, one file per file of tiles: z1 z2 --transforms-each t1 t2.",
)
@check_options
@drop_option
@click.option(
    "--boxes",
    type=click.Choice(["keep", "derive"]),
    default="keep",
    show_default=True,
    help="Keep bounding boxes and derive missing ones, or derive all.",
)
@click.option("--allow-nan", is_flag=True, help="Load numbers that are not finite, as of a diverged solve.")
@click.option("--append", is_flag=True, help="Add to an existing stack; tiles with the same id are replaced.")
@click.option("--replace", is_flag=True, help="Replace an existing stack: delete its other tiles after loading.")
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@workers_option("Concurrent requests")
@json_option
@service_options
def load(
    files: tuple[str, ...],
    name: str,
    z: float | None,
    transforms: tuple[str, ...],
    each: bool,
    checks: tuple[Any, ...],
    invalid: str,
    boxes: str,
    allow_nan: bool,
    append: bool,
    replace: bool,
    leave_open: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Load tile specs from files into a stack.

    FILE is an array of tile specs, an array of shared transforms, or resolved tiles; plain or gzipped; - is standard
    input. Tiles may refer to shared transforms in any of the files. Nothing is stored if a file is invalid. The stack
    is created if it does not exist.
    """
    existing = existing_value(append, replace)
    if each:
        half, odd = divmod(len(files), 2)
        if odd:
            raise click.UsageError(
                f"--transforms-each needs one file of transforms per file of tiles, got {len(files)}"
            )
        files, transforms = files[:half], (*transforms, *files[half:])
    with open_gateway(service, profile, makes_file=True) as gateway:
        stack = named_stack(gateway, name)
        say(f"Loading into stack {full_name(stack)} of {gateway.server}")
        specs = gather_specs(files, transforms=transforms, z=z, allow_nan=allow_nan)
        started = time.perf_counter()
        loaded = load_specs(
            stack, specs, existing=existing, complete=not leave_open, workers=workers or gateway.bulk.workers,
            boxes="service" if boxes == "derive" else boxes, validate=checks, invalid=invalid, progress=True,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        say_dropped(loaded.dropped)
        values = {
            "stack": full_name(stack),
            "state": stack.state,
            "tile_count": loaded.tile_count,
            "z": loaded.z,
            "transform_count": loaded.transform_count,
            "dropped": dict(loaded.dropped),
            "seconds": round(seconds, 3),
        }
        result(values, _summary(stack, loaded, seconds), as_json)


def existing_value(append: bool, replace: bool) -> str:
    """Return the value of *existing* that the flags mean."""
    if append and replace:
        raise click.UsageError("--append and --replace exclude each other")
    return "append" if append else "replace" if replace else "refuse"


def _summary(stack: StackWrapper, loaded: Loaded, seconds: float) -> str:
    what = [plural(loaded.tile_count, "tile"), plural(len(loaded.z), "section")]
    if loaded.transform_count:
        what.append(plural(loaded.transform_count, "shared transform"))
    return f"{full_name(stack)} {stack.state}: {', '.join(what)} in {seconds:.2f} s"
