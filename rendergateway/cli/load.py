"""``rendergateway load``: tile specs from files into a stack."""

from __future__ import annotations

import time

import click

from rendergateway.batch.load import Loaded, load_specs
from rendergateway.cli.services import full_name, named_stack, open_gateway, service_options
from rendergateway.cli.terminal import plural, say
from rendergateway.model.files.spec_set import gather_specs
from rendergateway.model.tile_text.limits import TileLimits
from rendergateway.wrappers import StackWrapper

__all__ = ["load"]

_EACH = "--transforms-each"


class _LoadCommand(click.Command):
    """A command with an option that takes all words up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_repeated_option(args))


def _with_repeated_option(words: list[str]) -> list[str]:
    """Write ``--transforms-each a b`` as the repeated option that click knows."""
    written: list[str] = []
    takes_more = False
    for word in words:
        if word == _EACH or (word.startswith("-") and word != "-"):
            takes_more = word == _EACH
            if not takes_more:
                written.append(word)
        else:
            written += [_EACH, word] if takes_more else [word]
    return written


def _limits(ctx: click.Context, option: click.Parameter, text: str | None) -> TileLimits | None:
    try:
        return None if text is None else TileLimits.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error


@click.command(cls=_LoadCommand)
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--stack", "name", required=True, metavar="[[OWNER/]PROJECT/]NAME", help="Where the tiles go.")
@click.option("--z", type=float, help="Section of the tiles that do not say theirs.")
@click.option("--transforms", multiple=True, metavar="FILE", help="Shared transforms of all files; may be repeated.")
@click.option(_EACH, "each", multiple=True, metavar="FILE…", help="Shared transforms, a file for each FILE, in order.")
@click.option(
    "--limits",
    callback=_limits,
    metavar="size=LOW..HIGH,coordinate=LOW..HIGH",
    help="Refuse tiles whose boxes are of another size, or lie elsewhere, in world pixels.",
)
@click.option("--append", is_flag=True, help="Add to a stack that is there; tiles of the same id are replaced.")
@click.option("--replace", is_flag=True, help="Delete what else is in a stack that is there, once all is stored.")
@click.option("--leave-open", is_flag=True, help="Leave the stack LOADING instead of COMPLETE.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Requests made at once.")
@service_options
def load(
    files: tuple[str, ...],
    name: str,
    z: float | None,
    transforms: tuple[str, ...],
    each: tuple[str, ...],
    limits: TileLimits | None,
    append: bool,
    replace: bool,
    leave_open: bool,
    workers: int,
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
    if each and len(each) != len(files):
        raise click.UsageError(f"{_EACH} takes one file for each FILE: there are {len(each)} for {len(files)}")
    existing = "append" if append else "replace" if replace else "refuse"
    with open_gateway(service, profile, makes_file=True) as gateway:
        stack = named_stack(gateway, name)
        say(f"Loading into stack {full_name(stack)} of {gateway.server}")
        specs = gather_specs(files, transforms=(*transforms, *each), z=z)
        started = time.perf_counter()
        loaded = load_specs(
            stack, specs, existing=existing, complete=not leave_open, workers=workers, validate=limits, progress=True
        )
        click.echo(_summary(stack, loaded, time.perf_counter() - started))


def _summary(stack: StackWrapper, loaded: Loaded, seconds: float) -> str:
    what = [plural(loaded.tile_count, "tile"), plural(len(loaded.z), "section")]
    if loaded.transform_count:
        what.append(plural(loaded.transform_count, "shared transform"))
    return f"{full_name(stack)} {stack.state}: {', '.join(what)} in {seconds:.2f} s"
