"""``rendergateway solve``: the transforms of a stack from its matches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import click

from rendergateway.alignment.solve_options import MODELS, SOLVERS, SolveOptions
from rendergateway.cli.look import finite, read_z
from rendergateway.cli.services import (
    complete_stack,
    full_name,
    named_stack,
    open_gateway,
    service_options,
    stack_argument,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.gateway import Gateway
from rendergateway.geometry import checked_frame
from rendergateway.wrappers import StackWrapper

__all__ = ["solve"]

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULTS = SolveOptions()


def _number(name: str, help: str) -> Callable[[F], F]:
    default = getattr(_DEFAULTS, name)
    option = f"--{name.replace('_', '-')}"
    # None by default: of 0 pixels all points would be farther.
    kind = click.FloatRange(0, min_open=default is None)
    return click.option(
        option, name, type=kind, callback=finite, default=default, show_default=default is not None, help=help
    )


def _count(name: str, help: str) -> Callable[[F], F]:
    option = f"--{name.replace('_', '-')}"
    return click.option(
        option, name, type=click.IntRange(1), default=getattr(_DEFAULTS, name), show_default=True, help=help
    )


def _frame(ctx: click.Context, option: click.Parameter, text: str) -> str:
    try:
        return checked_frame(text)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, option) from error


def _all_finite(ctx: click.Context, option: click.Parameter, values: tuple[float, ...]) -> tuple[float, ...]:
    for value in values:
        finite(ctx, option, value)
    return values


def _matches(stack: StackWrapper, names: tuple[str, ...], frame: str) -> Any:
    gateway: Gateway = stack._conn
    found = []
    for name in names:
        owner, slash, collection = name.rpartition("/")
        found.append(gateway.match_collection(collection, owner=owner if slash else stack._key.owner, frame=frame))
    return found[0].merged_with(*found[1:]) if len(found) > 1 else found[0]


@click.command()
@stack_argument()
@click.argument("collections", nargs=-1, required=True, metavar="[OWNER/]COLLECTION…")
@click.option(
    "--to",
    required=True,
    metavar="[[OWNER/]PROJECT/]NAME",
    shell_complete=complete_stack,
    help="The new stack.",
)
@click.option(
    "--frame",
    required=True,
    callback=_frame,
    help="Pixels of the points: raw, lens_corrected, before:LABEL, after:LABEL.",
)
@click.option("--3d", "is_volume", is_flag=True, help="All sections together, instead of each alone.")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--model", type=click.Choice(list(MODELS)), default=_DEFAULTS.model, show_default=True)
@click.option("--append", is_flag=True, help="Append the solved transform, instead of replacing the last one.")
@click.option("--template", metavar="STACK", help="Stack whose transforms are the template. Default: the stack itself.")
@_number("default_lambda", "Weight of the distance from the template.")
@_number("translation_factor", "Factor of it for translations.")
@_number("montage_weight", "Factor of the weights of matches within a section.")
@_number("cross_weight", "Factor of the weights of matches between sections.")
@click.option("--inverse-dz/--no-inverse-dz", default=True, help="Divide weights by the distance in z plus 1.")
@_number("depth", "Largest distance in z of matches that are used.")
@_count("npts_min", "Pairs with fewer points are not used.")
@_count("npts_max", "Points of a pair that are used.")
@_number("outliers_px", "Points with larger residuals are outliers, in world pixels.")
@_count("passes", "Solves, each regularized toward the result of the one before.")
@click.option("--solver", type=click.Choice(list(SOLVERS)), default=_DEFAULTS.solver, show_default=True)
@click.option("--any-scale", is_flag=True, help="Accept tiles that change their scale by more than 0.5 … 2.")
@click.option("--fixed", multiple=True, metavar="TILE_ID", help="Tile that keeps its transform; may be repeated.")
@click.option(
    "--fixed-section",
    "fixed_sections",
    multiple=True,
    type=float,
    callback=_all_finite,
    metavar="Z",
    help="Section that does; may be repeated.",
)
@click.option(
    "--unconnected",
    type=click.Choice(["keep", "drop_unmatched", "drop"]),
    default="keep",
    show_default=True,
    help="Tiles without matches, and outside of the largest cluster.",
)
@click.option("--skip-unknown", is_flag=True, help="Leave out matches of tiles that the stack does not have.")
@click.option("--leave-open", is_flag=True, help="Leave the new stack LOADING instead of COMPLETE.")
@click.option("--processes", type=click.IntRange(1), help="Processes for the sections of a montage.")
@click.option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster for the sections of a montage.")
@workers_option("Concurrent requests")
@json_option
@service_options
def solve(
    name: str,
    collections: tuple[str, ...],
    to: str,
    frame: str,
    is_volume: bool,
    z: Any,
    append: bool,
    template: str | None,
    any_scale: bool,
    fixed: tuple[str, ...],
    fixed_sections: tuple[float, ...],
    unconnected: str,
    skip_unknown: bool,
    leave_open: bool,
    processes: int | None,
    dask: str | None,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """
    Solve the transforms of a stack from its matches.

    They are written as a new stack. Matches of several collections are merged. Nothing is written if the solve
    fails; the stack itself stays as it is.
    """
    if options["npts_max"] < options["npts_min"]:
        raise click.UsageError(f"--npts-max {options['npts_max']} is below --npts-min {options['npts_min']}")
    if processes is not None and dask is not None:
        raise click.UsageError("--processes and --dask exclude each other; pass one of them")
    if is_volume and (processes is not None or dask is not None):
        raise click.UsageError("--processes and --dask are for the sections of a montage; leave them out with --3d")
    with open_gateway(service, profile) as gateway:
        stack = named_stack(gateway, name)
        say(f"Solving {full_name(stack)} of {gateway.server}")
        started = time.perf_counter()
        solved = stack.solve(
            _matches(stack, collections, frame), to, mode="3d" if is_volume else "montage", z=z,
            how="append" if append else "replace_last", template=named_stack(gateway, template) if template else None,
            fixed=fixed, fixed_sections=fixed_sections or None, unconnected=unconnected,
            unknown_tiles="skip" if skip_unknown else "refuse", complete=not leave_open, processes=processes,
            dask=dask, workers=workers, progress=True,
            scale_limits=None if any_scale else _DEFAULTS.scale_limits, **options,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        values = {
            "stack": full_name(solved.stack),
            "model": solved.model,
            "tile_count": solved.tile_count,
            "before": attrs.asdict(solved.before),
            "after": attrs.asdict(solved.after),
            "outlier_count": solved.outlier_count,
            "sections": list(solved.sections),
            "unconnected": list(solved.unconnected),
            "collinear": list(solved.collinear),
            "unknown_pair_count": solved.unknown_pair_count,
            "seconds": round(seconds, 3),
        }
        result(values, f"{full_name(solved.stack)}: {solved} in {seconds:.2f} s", as_json)
