"""``rendergateway mipmaps``: the images of tiles at reduced sizes."""

from __future__ import annotations

import time
from typing import Any

import click

from rendergateway.cli.look import image_path_option, part_option
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

__all__ = ["mipmaps"]


@click.command()
@stack_argument()
@many_files_options(["tif", "png", "jpg"], "Concurrent images")
@click.option("--levels", type=click.IntRange(1, 30), default=6, show_default=True, help="Highest level.")
@click.option("--first-level", type=click.IntRange(1, 30), default=1, show_default=True, help="First level.")
@click.option("--remove", is_flag=True, help="Delete the files instead.")
@part_option
@image_path_option
@json_option
@service_options
def mipmaps(
    name: str,
    files: ManyFiles,
    levels: int,
    first_level: int,
    remove: bool,
    part: tuple[int, int] | None,
    image_paths: dict[str, str],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Write the images and masks of tiles at reduced sizes.

    The rule for their paths is stored in the stack. Existing files are kept; an interrupted run is resumed.
    """
    if first_level > levels:
        raise click.UsageError(f"--first-level {first_level} is above --levels {levels}")
    with open_gateway(service, profile, image_paths=image_paths) as gateway:
        stack = named_stack(gateway, name)
        folder, sections = files.folder, sections_of(stack, files.z)
        which: dict[str, Any] = {"sections": sections, "levels": levels, "first_level": first_level, "part": part}
        if remove:
            count = stack.remove_mipmaps(folder, format=files.how["format"], **which)
            result({"folder": folder, "removed": count}, f"{folder}: {plural(count, 'file')} removed", as_json)
            return
        say(f"Writing mipmap levels of {full_name(stack)} of {gateway.server} to {folder}")
        started = time.perf_counter()
        found = stack.write_mipmaps(folder, **which, **files.how)
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
