"""``rendergateway pairs``: the tile pairs of a stack, in files."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.cli.look import finite, read_box, read_z
from rendergateway.cli.services import full_name, named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.geometry import Bounds

__all__ = ["pairs"]


@click.command()
@stack_argument()
@click.option("--to", "path", required=True, metavar="FILE", help="File of the pairs; gzipped if it ends in .gz.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option(
    "--z-distance", type=click.IntRange(0), default=2, show_default=True, help="Largest difference of z; 0: same z."
)
@click.option(
    "--radius-factor", type=float, callback=finite, default=0.9, show_default=True,
    help="Radius as a multiple of the longer side of a tile.",
)  # fmt: skip
@click.option("--radius", type=float, callback=finite, help="Radius in world pixels, in place of the factor.")
@click.option("--corners", is_flag=True, help="Keep neighbours at the corners of a tile.")
@click.option("--obscured", is_flag=True, help="Keep tiles that others cover completely.")
@click.option("--across-only", is_flag=True, help="No pairs of one section.")
@click.option("--rows-and-columns", is_flag=True, help="Place tiles by row and column; needs --z-distance 0.")
@click.option("--box", callback=read_box, metavar="X0,Y0,X1,Y1", help="Only tiles that touch this box.")
@click.option("--only-in", metavar="STACK", help="Only tiles that this stack has too.")
@click.option("--near", multiple=True, metavar="TILE", help="Only pairs of this tile; may be repeated.")
@click.option("--exclude", metavar="COLLECTION", help="Leave out the pairs of this match collection.")
@click.option(
    "--min-matches", type=click.IntRange(0), default=0, show_default=True,
    help="Leave out only pairs with more matches than this.",
)  # fmt: skip
@click.option(
    "--max-pairs", type=click.IntRange(1), default=100_000, show_default=True, help="Pairs per file; more make parts."
)
@json_option
@service_options
def pairs(
    name: str,
    path: str,
    z: Any,
    z_distance: int,
    radius_factor: float,
    radius: float | None,
    corners: bool,
    obscured: bool,
    across_only: bool,
    rows_and_columns: bool,
    box: Bounds | None,
    only_in: str | None,
    near: tuple[str, ...],
    exclude: str | None,
    min_matches: int,
    max_pairs: int,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Write the pairs of tiles that may overlap to a file."""
    if exclude == "":
        raise click.UsageError("--exclude needs the name of a match collection, got an empty one")
    if rows_and_columns and z_distance:
        raise click.UsageError("--rows-and-columns needs --z-distance 0: rows of two sections are not comparable")
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        say(f"Pairing tiles of {full_name(stack)} of {gateway.server}")
        found = stack.tile_pairs(
            z=z, z_distance=z_distance, radius_factor=radius_factor, radius_px=radius, corners=corners,
            obscured=obscured, same_layer=not across_only, by_row_and_column=rows_and_columns, box=box,
            only_in=only_in, near=near or None, min_matches=min_matches,
            exclude=None if exclude is None else gateway.match_collection(exclude, owner=str(stack.owner)),
        )  # fmt: skip
        written = found.write(path, max_pairs_per_file=max_pairs, progress=True)
        files = list(map(str, written.files))
        values = {"pairs": written.pair_count, "files": files}
        where = f" in {', '.join(files)}" if files else ", no file"
        result(values, f"{plural(written.pair_count, 'pair')}{where}", as_json)
