"""``rendergateway match`` and ``features``: the matches of tile pairs, and the features of their tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rendergateway.alignment.matches import FILTERS
from rendergateway.alignment.stages import MatchStage, stages_of
from rendergateway.batch.match import describe_files, match_files, url_pairs
from rendergateway.cli.look import finite
from rendergateway.cli.services import named_collection, open_gateway, service_options, workers_option
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.transforms.fitting.consensus import MODELS

__all__ = ["features", "match"]

F = TypeVar("F", bound=Callable[..., Any])


def _number(name: str, default: float | None, help: str) -> Callable[[F], F]:
    return click.option(name, type=float, callback=finite, default=default, show_default=default is not None, help=help)


def _model(name: str, default: str | None, help: str) -> Callable[[F], F]:
    choice = click.Choice(list(MODELS), case_sensitive=False)
    return click.option(name, type=choice, default=default, show_default=default is not None, help=help)


def _feature_options(command: F) -> F:
    """Add the options of the pictures and their features."""
    for option in (
        _number("--max-scale", 0.85, "Largest scale of a picture with features."),
        _number("--min-scale", 0.5, "Least scale of a picture with features."),
        click.option("--mask", is_flag=True, help="Apply masks."),
        click.option("--filter/--no-filter", default=True, help="Apply the filters of the service. Default: do."),
        _number("--scale", 1.0, "Picture pixels per pixel of a tile."),
    ):
        command = option(command)
    return command


_compute = click.option("--compute", type=click.Choice(["service", "local"]), default="service", show_default=True)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="PAIRS …")
@click.option("--urls", is_flag=True, help="PAIRS are URLs of render parameters: the two of a pair, one after another.")
@click.option("--into", required=True, metavar="[OWNER/]COLLECTION", help="Match collection.")
@click.option("--stages", "stage_file", metavar="FILE", help="JSON array of stages, in place of the options below.")
@_feature_options
@click.option(
    "--clip", type=click.IntRange(1), metavar="PIXELS",
    help="Draw only this much of a tile, next to its neighbour in the same section.",
)  # fmt: skip
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
@_compute
@click.option("--skip-existing", is_flag=True, help="Leave out pairs that have matches: continue an interrupted run.")
@click.option("--features", "folder", metavar="FOLDER", help="Folder where features are kept.")
@click.option("--failed-pairs", metavar="FOLDER", help="Folder for files of the pairs without matches.")
@click.option("--to", "path", metavar="FILE", help="Write the matches to a file instead of saving them.")
@click.option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster that does the work.")
@workers_option("Processes")
@json_option
@service_options
def match(
    files: tuple[str, ...],
    urls: bool,
    into: str,
    stage_file: str | None,
    clip: int | None,
    regularizer: str | None,
    epsilon: float,
    compute: str,
    skip_existing: bool,
    folder: str | None,
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
    if urls and len(files) % 2:
        raise click.UsageError(f"--urls needs two URLs per pair, got {len(files)}")
    if urls and failed_pairs:
        raise click.UsageError("--failed-pairs writes pair files; it excludes --urls")
    if stage_file is None:
        one = MatchStage.of(clip_width=clip, clip_height=clip, regularizer=regularizer, epsilon_px=epsilon, **options)
        stages: tuple[MatchStage, ...] = (one,)
    else:
        stages = stages_of(Path(stage_file).read_bytes(), stage_file)
    with open_gateway(service, profile) as gateway:
        collection = named_collection(gateway, into)
        say(f"Matching pairs into {collection.owner}/{collection} of {gateway.server}")
        more: Any = {
            "compute": compute,
            "skip_existing": skip_existing,
            "feature_cache": folder,
            "to": path,
            "dask": dask,
            "workers": workers,
            "progress": True,
        }
        if urls:
            pairs = url_pairs(collection, list(zip(files[::2], files[1::2], strict=True)))
            found = collection.derive(pairs, stages, **more)
        else:
            found = match_files(collection, files, stages, failed_pairs=failed_pairs, **more)
        values = {
            "pairs": found.pair_count,
            "matched": found.matched_count,
            "skipped": found.skipped_count,
            "matches": found.point_count,
        }
        skipped = f", {found.skipped_count} skipped" if found.skipped_count else ""
        sentence = f"{plural(found.matched_count, 'pair')} of {found.pair_count} matched, {found.point_count} matches"
        result(values, f"{sentence}{skipped}", as_json)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="PAIRS …")
@click.option("--to", "folder", required=True, metavar="FOLDER", help="Folder of the features, for match --features.")
@_feature_options
@_compute
@workers_option("Processes")
@json_option
@service_options
def features(
    files: tuple[str, ...],
    folder: str,
    compute: str,
    workers: int | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Describe the features of the tiles of pair files."""
    with open_gateway(service, profile) as gateway:
        say(f"Describing tiles of {gateway.server}")
        count = describe_files(
            gateway, files, MatchStage.of(**options), folder, compute=compute,
            workers=workers or gateway.bulk.workers, progress=True,
        )  # fmt: skip
        result({"folder": folder, "tiles": count}, f"features of {plural(count, 'tile')} in {folder}", as_json)
