"""``rendergateway match``: the matches of the tile pairs of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rendergateway.alignment.matches import FILTERS
from rendergateway.alignment.stages import MatchStage, stages_of
from rendergateway.batch.match import match_files
from rendergateway.cli.look import finite
from rendergateway.cli.services import open_gateway, service_options, workers_option
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.errors import CommandError
from rendergateway.transforms.fitting.consensus import MODELS

__all__ = ["match"]


F = TypeVar("F", bound=Callable[..., Any])


def _number(name: str, default: float | None, help: str) -> Callable[[F], F]:
    return click.option(name, type=float, callback=finite, default=default, show_default=default is not None, help=help)


def _model(name: str, default: str | None, help: str) -> Callable[[F], F]:
    choice = click.Choice(list(MODELS), case_sensitive=False)
    return click.option(name, type=choice, default=default, show_default=default is not None, help=help)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="PAIRS …")
@click.option("--into", required=True, metavar="[OWNER/]COLLECTION", help="Match collection.")
@click.option("--stages", "stage_file", metavar="FILE", help="JSON array of stages, in place of the options below.")
@_number("--scale", 1.0, "Picture pixels per pixel of a tile.")
@click.option(
    "--filter/--no-filter", "is_filtered", default=True, help="Apply the filters of the service. Default: do."
)
@click.option("--mask", is_flag=True, help="Apply masks.")
@_number("--min-scale", 0.5, "Least scale of a picture with features.")
@_number("--max-scale", 0.85, "Largest scale of a picture with features.")
@_number("--rod", 0.92, "Largest ratio of the distances of the nearest and the second descriptor.")
@_model("--model", "AFFINE", "Transform that matches agree on.")
@_model("--regularizer", None, "Second model, mixed with the first one.")
@_number("--regularizer-weight", None, "Weight of the second model.")
@_number("--epsilon", 20.0, "Largest distance of a match in pixels of the pictures.")
@click.option("--min-inliers", type=click.IntRange(1), default=4, show_default=True, help="Least number of matches.")
@click.option(
    "--match-filter", type=click.Choice(FILTERS, case_sensitive=False), default="SINGLE_SET", show_default=True,
    help="Which sets of matches are kept.",
)  # fmt: skip
@click.option("--compute", type=click.Choice(["service", "local"]), default="service", show_default=True)
@click.option("--skip-existing", is_flag=True, help="Leave out pairs that have matches: continue an interrupted run.")
@click.option("--features", metavar="FOLDER", help="Folder where features are kept.")
@click.option("--failed-pairs", metavar="FOLDER", help="Folder for files of the pairs without matches.")
@click.option("--to", "path", metavar="FILE", help="Write the matches to a file instead of saving them.")
@click.option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that does the work.")
@workers_option("Processes")
@json_option
@service_options
def match(
    files: tuple[str, ...],
    into: str,
    stage_file: str | None,
    is_filtered: bool,
    regularizer: str | None,
    epsilon: float,
    compute: str,
    skip_existing: bool,
    features: str | None,
    failed_pairs: str | None,
    path: str | None,
    dask: str | None,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Match the tile pairs of files, and save their matches."""
    if stage_file is None:
        one = MatchStage.of(filter=is_filtered, regularizer=regularizer, epsilon_px=epsilon, **options)
        stages: tuple[MatchStage, ...] = (one,)
    else:
        stages = stages_of(Path(stage_file).read_bytes(), stage_file)
    with open_gateway(service, profile) as gateway:
        owner, _, name = into.rpartition("/")
        if not owner and not gateway.default_owner:
            raise CommandError(f"match collection {into!r} needs its owner: pass owner/collection, or set RENDER_OWNER")
        collection = gateway.match_collection(name, owner=owner or None)
        say(f"Matching pairs into {collection.owner}/{collection} of {gateway.server}")
        found = match_files(
            collection, files, stages, failed_pairs=failed_pairs, compute=compute, skip_existing=skip_existing,
            feature_cache=features, to=path, dask=dask, workers=workers, progress=True,
        )  # fmt: skip
        values = {
            "pairs": found.pair_count,
            "matched": found.matched_count,
            "skipped": found.skipped_count,
            "matches": found.point_count,
        }
        skipped = f", {found.skipped_count} skipped" if found.skipped_count else ""
        sentence = f"{plural(found.matched_count, 'pair')} of {found.pair_count} matched, {found.point_count} matches"
        result(values, f"{sentence}{skipped}", as_json)
