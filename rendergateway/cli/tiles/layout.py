"""``rendergateway layout``: the tiles of a stack as a file of another program."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.batch.importers.choices import format_of
from rendergateway.cli.look import read_z
from rendergateway.cli.services import full_name, named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.terminal import json_option, result
from rendergateway.display import plural

__all__ = ["layout"]

_TRAKEM2 = "trakem2"
# Those of `write_layout`.
_LAYOUTS = ("karsh", "scheffer", "met")


@click.command()
@stack_argument()
@click.option("-o", "--output", required=True, metavar="FILE", help=".xml or .xml.gz: TrakEM2; otherwise --format.")
@click.option("--format", "kind", type=click.Choice([_TRAKEM2, *_LAYOUTS]), help="Default: by the suffix, else karsh.")
@click.option("--z", callback=read_z, metavar="Z[..Z]", help="A section, or a range. Default: the whole stack.")
@json_option
@service_options
def layout(
    name: str, output: str, kind: str | None, z: Any, as_json: bool, service: str | None, profile: str | None
) -> None:
    """
    Write tiles as a TrakEM2 project or a layout.

    A layout is a text file with a line per tile: KARSH or SCHEFFER, as the service writes them, or MET.
    """
    from rendergateway.batch.write_project import write_layout, write_project

    chosen = kind or format_of(output) or _LAYOUTS[0]
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        stack.load()
        if chosen == _TRAKEM2:
            count = write_project(stack, output, z=z, progress=True)
        else:
            count = write_layout(stack, output, chosen, z=z, progress=True)
        values = {"file": output, "format": chosen, "stack": full_name(stack), "tile_count": count}
        result(values, f"{output}: {plural(count, 'tile')} of {full_name(stack)} as {chosen}", as_json)
