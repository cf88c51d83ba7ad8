"""``rendergateway export``: sections as image files."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.cli.look import finite, look_options, read_box
from rendergateway.cli.pictures.many_files import ManyFiles, many_files_options
from rendergateway.cli.services import full_name, named_stack, open_gateway, service_options, stack_argument
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
@many_files_options(["png", "jpg", "tif"], "Concurrent pictures")
@click.option("--scale", type=float, callback=finite, required=True, help="Picture pixels per world pixel.")
@click.option(
    "--box", callback=_box, metavar="X0,Y0,X1,Y1", help="The same box of each; 'stack' for the bounds of the stack."
)
@click.option("--mode", type=click.Choice(["grey", "rgb"]), help="Store grey or colours, whatever the pictures have.")
@look_options
@json_option
@service_options
def export(
    name: str,
    files: ManyFiles,
    scale: float,
    box: Bounds | str | None,
    mode: str | None,
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
        say(f"Exporting {full_name(stack)} of {gateway.server} to {files.folder}")
        started = time.perf_counter()
        found = stack.export(
            files.folder, scale=scale, z=files.z, box=_chosen(stack, box), mode=mode, **files.how, **look
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
