"""``rendergateway mipmaps``: the images of tiles at reduced sizes."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.cli.look import image_path_option, part_option, read_z
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
from rendergateway.display import plural

__all__ = ["mipmaps"]


@click.command()
@stack_argument()
@click.option("--to", "folder", required=True, metavar="FOLDER", help="Folder of the levels.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--levels", type=click.IntRange(1, 30), default=6, show_default=True, help="Highest level.")
@click.option("--first-level", type=click.IntRange(1, 30), default=1, show_default=True, help="First level.")
@click.option("--format", "kind", type=click.Choice(["tif", "png", "jpg"]), default="tif", show_default=True)
@click.option("--overwrite", is_flag=True, help="Write existing files again.")
@click.option("--remove", is_flag=True, help="Delete the files instead.")
@part_option
@workers_option("Concurrent images")
@image_path_option
@json_option
@service_options
def mipmaps(
    name: str,
    folder: str,
    z: Any,
    levels: int,
    first_level: int,
    kind: str,
    overwrite: bool,
    remove: bool,
    part: tuple[int, int] | None,
    workers: int | None,
    image_paths: dict[str, str],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Write the images and masks of tiles at reduced sizes.

    The rule for their paths is stored in the stack.     Existing files are kept; an interrupted run is resumed.
    """
    if first_level > levels:
        raise click.UsageError(f"--first-level {first_level} is above --levels {levels}")
    with open_gateway(service, profile, image_paths=image_paths) as gateway:
        stack = named_stack(gateway, name)
        sections = sections_of(stack, z)
        if remove:
            count = stack.remove_mipmaps(
                folder, sections=sections, levels=levels, first_level=first_level, format=kind, part=part
            )
            result({"folder": folder, "removed": count}, f"{folder}: {plural(count, 'file')} removed", as_json)
            return
        say(f"Writing mipmap levels of {full_name(stack)} of {gateway.server} to {folder}")
        started = time.perf_counter()
        found = stack.write_mipmaps(
            folder, sections=sections, levels=levels, first_level=first_level, format=kind, overwrite=overwrite,
            part=part, workers=workers, progress=True,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        values = {
            "folder": str(found.folder),
            "files": found.count,
            "written": found.written,
            "used": found.is_used,
            "seconds": round(seconds, 3),
        }
        kept = found.count - found.written
        more = f", {kept} existed" if kept else ""
        unused = "" if found.is_used else "; the stack's rule names other files, and is kept"
        result(values, f"{found.folder}: {plural(found.written, 'file')} in {seconds:.2f} s{more}{unused}", as_json)
