"""``rendergateway render``: tiles of a stack, or a recipe, as image files."""

from __future__ import annotations

import math
import time
from typing import Any

import click

from rendergateway.cli.look import finite, look_options, read_box
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
from rendergateway.geometry import Bounds
from rendergateway.wrappers.images.windows import rgb_of

__all__ = ["render"]


@click.command()
@stack_argument(required=False)
@many_files_options(["png", "jpg", "tif"], "Concurrent pictures")
@click.option("--tile", "tile_ids", multiple=True, metavar="ID", help="Only this tile; may be repeated.")
@click.option("--scale", type=float, callback=finite, help="Picture pixels per world pixel. Default: 1.")
@click.option("--masks", is_flag=True, help="Draw the masks instead of the images.")
@click.option("--as-stack", metavar="NAME", help="Make a stack of tiles whose images are the pictures.")
@click.option(
    "--keep", type=click.IntRange(0), default=1, show_default=True, help="Last transforms that its tiles keep."
)
@click.option("--recipe", metavar="FILE", help="Instead of STACK: render parameters, or a list of tile specs.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="Part of the world that the recipe shows.")
@look_options
@json_option
@service_options
def render(
    name: str | None,
    files: ManyFiles,
    tile_ids: tuple[str, ...],
    scale: float | None,
    masks: bool,
    as_stack: str | None,
    keep: int,
    recipe: str | None,
    box: Bounds | None,
    look: dict[str, Any],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Draw tiles of a stack into files, each alone.

    With --recipe, a picture is drawn from a file, without a service, and --to is its name. Existing files of tiles are
    kept; an interrupted run is resumed. Pictures are drawn by this process.
    """
    if (name is None) == (recipe is None):
        raise click.UsageError("pass either a STACK or --recipe")
    if recipe is not None:
        for option, is_given in {
            "--tile": tile_ids,
            "--z": files.z is not None,
            "--masks": masks,
            "--as-stack": as_stack,
        }.items():
            if is_given:
                raise click.UsageError(f"{option} is for the tiles of a STACK; leave it out with --recipe")
        _draw_recipe(recipe, files.folder, box, scale, look, as_json)
        return
    if box is not None:
        raise click.UsageError("--box is for --recipe; 'picture' and 'export' draw boxes of a stack")
    if as_stack is not None and (tile_ids or scale not in (None, 1.0)):
        raise click.UsageError("--as-stack draws whole sections at full resolution; leave out --tile and --scale")
    look["compute"] = "local"
    to, how = files.folder, {**files.how, "masks": masks}
    with open_gateway(service, profile, image_paths=look.pop("image_paths", None)) as gateway:
        stack = named_stack(gateway, name or "")
        sections = sections_of(stack, files.z)
        say(f"Drawing tiles of {full_name(stack)} of {gateway.server} to {to}")
        started = time.perf_counter()
        if as_stack is not None:
            made = stack.rasterize_to(as_stack, to, sections=sections, keep=keep, **how, **look)
            values: dict[str, Any] = {"folder": to, "stack": full_name(made), "tiles": made.tile_count}
            words = f"{full_name(made)} has {plural(made.tile_count or 0, 'tile')} of {to}"
        else:
            drawn = stack.render_tiles(to, tiles=tile_ids or None, sections=sections, scale=scale or 1.0, **how, **look)
            values, words = {"folder": to, "files": list(map(str, drawn))}, f"{to}: {plural(len(drawn), 'picture')}"
        seconds = time.perf_counter() - started
        result({**values, "seconds": round(seconds, 3)}, f"{words} in {seconds:.2f} s", as_json)


def _draw_recipe(
    recipe: str, to: str, box: Bounds | None, scale: float | None, look: dict[str, Any], as_json: bool
) -> None:
    from rendergateway.rendering import ImageOpener, Sources
    from rendergateway.rendering.output.recipe_files import read_parameters, write_recipe_picture

    members = _members(look, box, scale)
    parameters = read_parameters(recipe)
    for member, value in members.items():
        setattr(parameters, member, value)
    sources = Sources(ImageOpener(look["image_paths"], remote=True))
    width, height = write_recipe_picture(parameters, to, sources=sources, edges=look["edges"])
    result({"file": to, "width": width, "height": height}, f"{to}: {width} × {height} pixels", as_json)


def _members(look: dict[str, Any], box: Bounds | None, scale: float | None) -> dict[str, Any]:
    """Return the members of render parameters that the options set."""
    for name, option in (("max_tiles", "--max-tiles"), ("dtype", "--bits")):
        if look[name] is not None:
            raise click.UsageError(f"{option} is for tiles of a stack; leave it out with --recipe")
    if isinstance(look["filter"], str):
        raise click.UsageError("--filter-list names filters of a service; leave it out with --recipe")
    low, high = look["intensity"] or (None, None)
    background = look["background"]
    members = {
        "channels": look["channel"],
        "minIntensity": low,
        "maxIntensity": high,
        "doFilter": look["filter"] or None,
        "binaryMask": look["mask"] == "binary" or None,
        "excludeMask": look["mask"] is None or None,
        "fillWithNoise": background == "noise" or None,
        "skipInterpolation": not look["interpolate"] or None,
        "scale": scale,
    }
    if background not in (None, "noise"):
        red, green, blue = rgb_of(background)
        members["backgroundRGBColor"] = red << 16 | green << 8 | blue
    if box is not None:
        members |= {"x": box.min_x, "y": box.min_y, "width": math.ceil(box.width), "height": math.ceil(box.height)}
    return {name: value for name, value in members.items() if value is not None}
