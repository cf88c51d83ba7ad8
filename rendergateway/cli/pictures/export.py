"""``rendergateway export``: sections as image files."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.cli.look import finite, look_options, read_box, read_z
from rendergateway.cli.services import (
    full_name,
    named_stack,
    open_gateway,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.wrappers import StackWrapper

__all__ = ["export"]

_OF_STACK = "stack"


def _box(ctx: click.Context, option: click.Parameter, text: str | None) -> Bounds | str | None:
    return text if text == _OF_STACK else read_box(ctx, option, text)


@click.command()
@stack_argument()
@click.option("--format", "kind", type=click.Choice(["png", "jpg", "tif"]), default="png", show_default=True)
@click.option("--scale", type=float, callback=finite, required=True, help="Picture pixels per world pixel.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option(
    "--box", callback=_box, metavar="X0,Y0,X1,Y1", help="The same box of each; 'stack' for the bounds of the stack."
)
@click.option("--to", "folder", required=True, metavar="FOLDER", help="Folder of the files.")
@click.option("--mode", type=click.Choice(["grey", "rgb"]), help="Store grey or colours, whatever the pictures have.")
@click.option("--overwrite", is_flag=True, help="Draw existing files again.")
@workers_option("Concurrent pictures")
@look_options
@json_option
@service_options
def export(
    name: str,
    kind: str,
    scale: float,
    z: Any,
    box: Bounds | str | None,
    folder: str,
    mode: str | None,
    overwrite: bool,
    workers: int | None,
    look: dict[str, Any],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Draw sections, or the same box of each, into files.

    Files of an earlier export are kept, unless the stack or the options have changed since; an interrupted export is
    resumed.
    """
    with open_gateway(service, profile, image_paths=look.pop("image_paths", None)) as gateway:
        stack = named_stack(gateway, name)
        say(f"Exporting {full_name(stack)} of {gateway.server} to {folder}")
        started = time.perf_counter()
        found = stack.export(
            folder, format=kind, scale=scale, z=z, box=_chosen(stack, box), mode=mode, overwrite=overwrite,
            workers=workers, progress=True, **look,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        kept = len(found.files) - found.drawn
        more = f", {kept} {'was' if kept == 1 else 'were'} up to date" if kept else ""
        values = {"folder": str(found.folder), "files": found.files, "drawn": found.drawn, "seconds": round(seconds, 3)}
        result(values, f"{found.folder}: {plural(found.drawn, 'picture')} in {seconds:.2f} s{more}", as_json)


def _chosen(stack: StackWrapper, box: Bounds | str | None) -> Bounds | None:
    if not isinstance(box, str):
        return box
    if stack.bounds is None:
        raise ImageError(f"stack {stack} is LOADING and has no bounds; pass them as --box X0,Y0,X1,Y1")
    return stack.bounds
