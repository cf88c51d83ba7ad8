"""``rendergateway load``: tile specs from files into a stack."""

from __future__ import annotations

import time

import click

from rendergateway.batch.load import Loaded, gather_specs, load_specs
from rendergateway.cli.services import full_name, named_stack, open_gateway, service_options
from rendergateway.cli.terminal import plural, progress_bar, say
from rendergateway.wrappers import StackWrapper

__all__ = ["load"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--stack", "name", required=True, metavar="[[OWNER/]PROJECT/]NAME", help="Where the tiles go.")
@click.option("--z", type=float, help="Section of the tiles that do not say theirs.")
@click.option("--append", is_flag=True, help="Add to a stack that is there; tiles of the same id are replaced.")
@click.option("--replace", is_flag=True, help="Empty a stack that is there first.")
@click.option("--keep-loading", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@service_options
def load(
    files: tuple[str, ...],
    name: str,
    z: float | None,
    append: bool,
    replace: bool,
    keep_loading: bool,
    service: str | None,
    profile: str | None,
) -> None:
    """
    Put real tile specs into a stack.

    FILE holds an array of tile specs, an array of shared transforms, or resolved tiles; plain or gzipped; - is
    standard input. Several files go together: tiles find their shared transforms in any of them. Boxes that are
    there are kept, missing ones are derived. Nothing is stored unless every file is right.
    """
    if append and replace:
        raise click.UsageError("--append and --replace exclude each other")
    existing = "append" if append else "replace" if replace else "refuse"
    with open_gateway(service, profile, makes_file=True) as gateway:
        stack = named_stack(gateway, name)
        say(f"Loading into stack {full_name(stack)} of {gateway.server}")
        specs = gather_specs(files, z=z)
        started = time.perf_counter()
        with progress_bar("Saving tiles", len(specs.tiles)) as progress:
            loaded = load_specs(stack, specs, existing=existing, complete=not keep_loading, progress=progress)
        click.echo(_summary(stack, loaded, time.perf_counter() - started))


def _summary(stack: StackWrapper, loaded: Loaded, seconds: float) -> str:
    what = [plural(loaded.tile_count, "tile"), plural(len(loaded.z), "section")]
    if loaded.transform_count:
        what.append(plural(loaded.transform_count, "shared transform"))
    return f"{full_name(stack)} {stack.state}: {', '.join(what)} in {seconds:.2f} s"
