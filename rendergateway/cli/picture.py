"""``rendergateway picture``: a section, a box of one, or a tile into a file."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import look_options, read_box
from rendergateway.cli.services import named_stack, open_gateway, service_options
from rendergateway.geometry import Bounds
from rendergateway.wrappers import Picture, StackWrapper
from rendergateway.wrappers.images.options import PICTURE_FRAMES
from rendergateway.wrappers.images.picture import checked_kind

__all__ = ["picture"]


@click.command()
@click.argument("name", metavar="[[OWNER/]PROJECT/]STACK")
@click.option("--z", type=float, help="Which section.")
@click.option("--tile", "tile_id", metavar="ID", help="A tile in the place of a section.")
@click.option("--frame", type=click.Choice(PICTURE_FRAMES), default="world", show_default=True, help="Of a tile.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="World pixels; all of the section unless given.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Pixels of the picture a world pixel.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Its end says the format: .png, .jpg, .tif.")
@look_options
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
) -> None:
    """Draw a section, a box of one, or a tile into a file."""
    if (z is None) == (tile_id is None):
        raise click.UsageError("give --z, or --tile")
    if tile_id is not None and box is not None:
        raise click.UsageError("--box is a part of a section; a tile is drawn whole")
    if tile_id is None and frame != "world":
        raise click.UsageError("--frame is for a --tile: a section lies in the world")
    checked_kind(output)
    with open_gateway(service, profile, image_paths=look.pop("image_paths", None)) as gateway:
        drawn = _drawn(named_stack(gateway, name), z, tile_id, frame, box, scale, look)
        drawn.save(output)
        height, width = drawn.shape[:2]
        click.echo(f"{output}: {width} × {height} pixels of {drawn.dtype}")


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
    return stack.image(z or 0.0, box, scale=scale, **look)
