"""``rendergateway clusters``: clusters of tiles that matches connect."""

from __future__ import annotations

from typing import Any

import click

from rendergateway.batch.cluster_pictures import draw_overlaps
from rendergateway.cli.look import finite, read_z
from rendergateway.cli.services import (
    full_name,
    named_collection,
    named_stack,
    open_gateway,
    sections_of,
    service_options,
    stack_argument,
    target_options,
    treatment,
    workers_option,
)
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.display import plural
from rendergateway.wrappers import MatchCollectionWrapper, StackWrapper

__all__ = ["clusters"]


@click.command()
@stack_argument()
@click.argument("collection", metavar="[OWNER/]COLLECTION")
@click.option("--z", callback=read_z, metavar="Z or FIRST..LAST", help="Only these sections.")
@click.option("--within-sections", is_flag=True, help="Leave out matches of tiles of different sections.")
@click.option("--split-to", metavar="[[OWNER/]PROJECT/]STACK", help="Copy each cluster to a layer of its own.")
@click.option(
    "--layers-per-z", type=click.IntRange(1), default=40, show_default=True, help="Most clusters of a section."
)
@click.option("--max-size", type=click.IntRange(0), help="Leave out clusters with at most this many tiles.")
@click.option("--fraction", type=float, callback=finite, help="The same as a fraction of the largest cluster.")
@click.option("--removed-to", metavar="STACK", help="Save the tiles that are left out in this stack.")
@click.option("--overlaps", metavar="FOLDER", help="Draw the places where clusters of a section overlap.")
@target_options
@workers_option("Concurrent requests")
@json_option
@service_options
def clusters(
    name: str,
    collection: str,
    z: Any,
    within_sections: bool,
    split_to: str | None,
    overlaps: str | None,
    service: str | None,
    profile: str | None,
    as_json: bool,
    workers: int | None,
    **options: Any,
) -> None:
    """
    Count or split clusters of matched tiles.

    With --split-to each cluster of a section is copied to a layer of its own.
    """
    existing = treatment(options.pop("append"), options.pop("replace"))
    if overlaps is not None and split_to is None:
        raise click.UsageError("--overlaps needs --split-to")
    with open_gateway(service, profile) as gateway:
        stack, matches = named_stack(gateway, name), named_collection(gateway, collection)
        say(f"Reading clusters of {full_name(stack)} of {gateway.server}")
        if split_to is None:
            values, sentence = _counted(stack, matches, z, within_sections)
        else:
            split = stack.split_clusters(
                full_name(named_stack(gateway, split_to)),
                matches,
                sections=sections_of(stack, z),
                between_groups=not within_sections,
                existing=existing,
                complete=not options.pop("leave_open"),
                workers=workers or gateway.bulk.workers,
                progress=True,
                **options,
            )
            drawn = [] if overlaps is None else draw_overlaps(stack, split, overlaps, progress=True)
            removed = sum(map(len, split.removed.values()))
            values = {
                "stack": full_name(split.stack),
                "layers": dict(split.layers),
                "removed": dict(split.removed),
                "files": list(map(str, drawn)),
            }
            count = plural(sum(map(len, split.layers.values())), "layer")
            sentence = f"{full_name(split.stack)}: {count}; {plural(removed, 'tile')} left out"
        result(values, sentence, as_json)


def _counted(
    stack: StackWrapper, matches: MatchCollectionWrapper, z: Any, within_sections: bool
) -> tuple[dict[str, Any], str]:
    found = stack.clusters(matches, sections_of(stack, z), between_groups=not within_sections, progress=True)
    first = [tiles[0] for tiles in found.connected]
    values = {"stack": full_name(stack), "sizes": found.sizes, "first_tiles": first, "unmatched": found.unmatched}
    lines = [f"{size:8d}  {tile_id} …" for size, tile_id in zip(found.sizes, first, strict=True)]
    lines.append(f"{plural(len(found), 'cluster')}, {plural(len(found.unmatched), 'tile')} without a match")
    return values, "\n".join(lines)
