"""``rendergateway picture``: a section, a box of it, or a tile as an image file."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import finite, look_options, read_box
from rendergateway.cli.services import named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.terminal import json_option, result
from rendergateway.geometry import Bounds, checked_frame
from rendergateway.wrappers import Picture, StackWrapper
from rendergateway.wrappers.images.picture import checked_kind

__all__ = ["picture"]


def _read_frame(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        return checked_frame(value, more=("world",))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@stack_argument()
@click.option("--z", type=float, callback=finite, help="The section.")
@click.option("--tile", "tile_id", metavar="ID", help="A tile, instead of a section.")
@click.option(
    "--frame",
    callback=_read_frame,
    default="world",
    show_default=True,
    metavar="FRAME",
    help="Frame of a tile: world, raw, lens_corrected, before:LABEL or after:LABEL.",
)
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="World pixels. Default: the whole section.")
@click.option(
    "--scale", type=float, callback=finite, default=1.0, show_default=True, help="Picture pixels per world pixel."
)
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="Its extension selects the format: .png, .jpg, .tif."
)
@look_options
@json_option
@service_options
def picture(
    name: str,
    z: float | None,
    tile_id: str | None,
    frame: str,
    box: Bounds | None,
    scale: float,
    output: str,
    look: dict[str, Any],
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Draw a section, a box of it, or a tile into a file."""
    if z is None and tile_id is None:
        raise click.UsageError("--z or --tile is required")
    if z is not None and tile_id is not None:
        raise click.UsageError("--z and --tile exclude each other")
    if tile_id is not None and box is not None:
        raise click.UsageError("--box selects a part of a section; a tile is drawn whole")
    if tile_id is None and frame != "world":
        raise click.UsageError("--frame requires --tile: a section is drawn in the world")
    checked_kind(output)
    with open_gateway(service, profile, image_paths=look.pop("image_paths", None)) as gateway:
        drawn = _drawn(named_stack(gateway, name), z, tile_id, frame, box, scale, look)
        drawn.save(output)
        height, width = drawn.shape[:2]
        values = {"file": output, "width": width, "height": height, "dtype": str(drawn.dtype)}
        result(values, f"{output}: {width} × {height} pixels of {drawn.dtype}", as_json)


def _drawn(
    stack: StackWrapper,
    z: float | None,
    tile_id: str | None,
    frame: str,
    box: Bounds | None,
    scale: float,
    look: dict[str, Any],
) -> Picture:
    if tile_id is not None:
        return stack.tile(tile_id).image(frame, scale=scale, **look)
    return stack.section(z or 0.0).image(box, scale=scale, **look)
