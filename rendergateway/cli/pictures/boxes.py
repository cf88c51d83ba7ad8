"""``rendergateway boxes``: boxes of sections as files for a viewer."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.cli.look import look_options, part_option
from rendergateway.cli.pictures.many_files import ManyFiles, many_files_options
from rendergateway.cli.services import (
    full_name,
    named_stack,
    open_gateway,
    sections_of,
    service_options,
    stack_argument,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural

__all__ = ["boxes"]


def _read_size(ctx: click.Context, option: click.Parameter, text: str) -> tuple[int, int]:
    width, x, height = text.lower().partition("x")
    sides = (width, height if x else width)
    if not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise click.BadParameter(f"must be WIDTHxHEIGHT in pixels, as 1024x1024, got {text!r}", ctx, option)
    return int(sides[0]), int(sides[1])


@click.command()
@stack_argument()
@many_files_options(["png", "jpg", "tif"], "Concurrent boxes")
@click.option(
    "--size", callback=_read_size, default="1024x1024", show_default=True, metavar="WIDTHxHEIGHT", help="Of each box."
)
@click.option(
    "--levels", type=click.IntRange(0, 30), default=0, show_default=True, help="Highest level, of lowest resolution."
)
@click.option(
    "--mode", type=click.Choice(["grey", "rgb"]), default="grey", show_default=True, help="Channels of files."
)
@click.option("--overview", type=click.IntRange(1), metavar="PIXELS", help="Width of an overview of each section.")
@click.option("--index", is_flag=True, help="Write an iGrid file per section, which lists the boxes.")
@click.option("--labels", is_flag=True, help="Draw each tile in one 16-bit value of its own.")
@part_option
@look_options
@json_option
@service_options
def boxes(
    name: str,
    files: ManyFiles,
    size: tuple[int, int],
    levels: int,
    mode: str,
    overview: int | None,
    index: bool,
    labels: bool,
    part: tuple[int, int] | None,
    look: dict[str, Any],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Draw boxes of sections into files for a viewer.

    The files are LEVEL/Z/ROW/COLUMN.png. Level 0 has full resolution, each level above it half of that below.
    Existing files are kept; an interrupted run is resumed.
    """
    with open_gateway(service, profile, image_paths=look.pop("image_paths", None)) as gateway:
        stack = named_stack(gateway, name)
        say(f"Drawing boxes of {full_name(stack)} of {gateway.server} to {files.folder}")
        started = time.perf_counter()
        found = stack.render_boxes(
            files.folder, width=size[0], height=size[1], sections=sections_of(stack, files.z), levels=levels, mode=mode,
            overview=overview or 0, index=index, labels=labels, part=part, **files.how, **look,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        values = {
            "folder": str(found.folder),
            "files": found.count,
            "drawn": found.drawn,
            "cut": list(found.cut),
            "seconds": round(seconds, 3),
        }
        kept = found.count - found.drawn
        more = f", {kept} existed" if kept else ""
        if found.cut:
            more += f"; {plural(len(found.cut), 'section')} cut at the origin of the world"
        result(values, f"{found.folder}: {plural(found.drawn, 'file')} in {seconds:.2f} s{more}", as_json)
