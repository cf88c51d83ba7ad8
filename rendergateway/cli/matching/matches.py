"""``rendergateway matches``: load, copy or count the matches of a collection; filter those of a file."""

from __future__ import annotations

import click

from rendergateway.alignment.matches import FILTERS, MatchRule
from rendergateway.batch.match import filter_file
from rendergateway.cli.look import finite
from rendergateway.cli.services import (
    collection_argument,
    named_collection,
    open_gateway,
    service_options,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.transforms.fitting.consensus import MODELS, FitModel

__all__ = ["matches"]


def _named(ctx: click.Context, option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...] | None:
    if "" in names:
        raise click.BadParameter("must not be empty", ctx, option)
    return names or None


_groups = click.option(
    "--group",
    "groups",
    multiple=True,
    callback=_named,
    metavar="ID",
    help="Only pairs of this first group; repeatable.",
)


@click.group()
def matches() -> None:
    """Load, copy, count or filter matches."""


@matches.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--into", required=True, metavar="[OWNER/]COLLECTION", help="The collection.")
@click.option("--last-wins", is_flag=True, help="Accept pairs that occur twice; the last one is stored.")
@workers_option("Concurrent requests")
@json_option
@service_options
def load(
    files: tuple[str, ...],
    into: str,
    last_wins: bool,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """
    Load matches from files into a collection; existing pairs are replaced.

    FILE is a JSON array of matches, or lines of them; plain or gzipped. Nothing is stored if a file is invalid.
    """
    with open_gateway(service, profile, makes_file=True) as gateway:
        collection = named_collection(gateway, into)
        say(f"Loading into {into} of {gateway.server}")
        saved = collection.put_files(
            files,
            duplicates="replace" if last_wins else "refuse",
            workers=workers or gateway.bulk.workers,
            progress=True,
        )
        result({"collection": into, "pair_count": saved}, f"{into}: {plural(saved, 'pair')}", as_json)


@matches.command()
@collection_argument("name")
@collection_argument("target")
@_groups
@click.option("--append", is_flag=True, help="Add to an existing collection; pairs that it has are replaced.")
@click.option("--replace-groups", is_flag=True, help="First delete the groups that the other collection has.")
@json_option
@service_options
def copy(
    name: str,
    target: str,
    groups: tuple[str, ...] | None,
    append: bool,
    replace_groups: bool,
    service: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Copy the matches of a collection to another one."""
    with open_gateway(service, profile) as gateway:
        source, other = named_collection(gateway, name), named_collection(gateway, target)
        if source == other:
            raise click.UsageError("a collection cannot be copied onto itself")
        say(f"Copying {name} of {gateway.server} to {target}")
        source.copy_to(
            other.name,
            owner=other.owner.name,
            groups=groups,
            exist_ok=append,
            replace_groups=replace_groups,
            progress=True,
        )
        result({"collection": target}, f"{target}: copied", as_json)


@matches.command()
@collection_argument("name")
@_groups
@json_option
@service_options
def count(name: str, groups: tuple[str, ...] | None, service: str | None, profile: str | None, as_json: bool) -> None:
    """Let the service store the number of matches with each pair, which old versions did not."""
    with open_gateway(service, profile) as gateway:
        named_collection(gateway, name).update_counts(groups, progress=True)
        result({"collection": name}, f"{name}: counted", as_json)


@matches.command("filter")
@click.argument("file", metavar="FILE")
@click.option("-o", "--output", required=True, metavar="FILE", help="File of the matches that agree.")
@click.option("--scale", type=float, callback=finite, default=1.0, show_default=True, help="Scale of the pictures.")
@click.option(
    "--model",
    type=click.Choice(list(MODELS), case_sensitive=False),
    default="AFFINE",
    show_default=True,
    help="Transform that matches agree on.",
)
@click.option(
    "--epsilon",
    type=float,
    callback=finite,
    default=20.0,
    show_default=True,
    help="Largest distance of a match in pixels of the pictures.",
)
@click.option("--min-inliers", type=click.IntRange(1), default=4, show_default=True, help="Least number of matches.")
@click.option(
    "--match-filter",
    type=click.Choice(FILTERS, case_sensitive=False),
    default="SINGLE_SET",
    show_default=True,
    help="Which sets of matches are kept.",
)
@json_option
def filter_(
    file: str, output: str, scale: float, model: str, epsilon: float, min_inliers: int, match_filter: str, as_json: bool
) -> None:
    """Filter the candidate matches of a file by their agreement on a transform."""
    rule = MatchRule(model=FitModel(model), epsilon_px=epsilon, min_inliers=min_inliers, filter=match_filter)
    count = filter_file(file, output, rule, scale=scale)
    result({"file": output, "pairs": count}, f"{output}: {plural(count, 'pair')}", as_json)
