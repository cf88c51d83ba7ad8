"""``rendergateway demo``: generate a volume, walk through it, and suggest next steps."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rendergateway.cli.stacks.outline import Branch, first_of, stack_branch, timed
from rendergateway.cli.terminal import json_option, result, result_console, say
from rendergateway.display import plural
from rendergateway.extras import require
from rendergateway.gateway import Gateway
from rendergateway.progress import tracking
from rendergateway.wrappers import MatchCollectionWrapper, MatchPairWrapper, StackWrapper

if TYPE_CHECKING:
    from rendergateway.demo.folder import DemoFolder

__all__ = ["demo"]

_PICTURE_SCALE = 0.5
# Where `rendergateway serve` listens by default.
_CATALOGUE = "http://127.0.0.1:8080/"


@click.command()
@click.argument("folder", default="rendergateway-demo")
@json_option
def demo(folder: str, as_json: bool) -> None:
    """
    Generate a small volume in FOLDER and walk through it.

    Three sections of 4 x 4 overlapping tiles of synthetic tissue, with images, transforms and point matches, in an
    embedded service, which draws a picture of the first section. FOLDER is rendergateway-demo by default; a second run
    reuses it.
    """
    from rendergateway.demo.folder import COLLECTION, STACK, DemoFolder

    require("the demo", "cv2", "werkzeug")
    place = DemoFolder(Path(folder))
    say(f"Demo in {place.path}")
    place.prepare()
    _draw(place)
    with contextlib.closing(Gateway(place.address, owner="demo", project="volume")) as gateway:
        _fill(place, gateway)
        if not as_json:
            _walk(gateway)
        drawn = _draw_section(place, gateway)
    if not as_json:
        _what_next(place)
    values = {
        "service": place.address,
        "images": str(place.images),
        "stack": STACK,
        "match_collection": f"demo/{COLLECTION}",
        "picture": str(place.picture),
        "catalogue": _CATALOGUE,
    }
    picture = f"A picture of {drawn}: {_from_here(place.picture)}"
    result(values, f"\n{picture}\nThe catalogue, while the second command runs: {_CATALOGUE}", as_json)


def _draw(place: DemoFolder) -> None:
    missing = place.missing_images()
    if not missing:
        say("The images exist already.")
        return
    started = time.perf_counter()
    with tracking(True, "Drawing images", len(missing)) as progress:
        place.draw(missing, progress)
    say(f"Drew {plural(len(missing), 'image')} in {time.perf_counter() - started:.1f} s.")


def _fill(place: DemoFolder, gateway: Gateway) -> None:
    started = time.perf_counter()
    if place.fill(gateway):
        say(f"Stored tiles and point matches in {time.perf_counter() - started:.1f} s.")
    else:
        say("Tiles and point matches exist already.")


def _walk(gateway: Gateway) -> None:
    """Read the volume from the owner down, and print it."""
    from rendergateway.demo.folder import COLLECTION, STACK

    stack, collection = gateway.stack(STACK), gateway.match_collection(COLLECTION)
    started = time.perf_counter()
    with gateway.counting() as requests:
        project = Branch("project", stack.project.name)
        project.below = [timed(lambda: stack_branch(stack, sections=3, tiles=1, with_times=True))]
        matches = timed(lambda: _matches_branch(collection, stack))
    console = result_console()
    console.print(Branch("owner", stack.owner.name, below=[project, matches]).as_tree())
    console.print(f"Read with {plural(len(requests), 'request')} in {time.perf_counter() - started:.2f} s.")


def _matches_branch(collection: MatchCollectionWrapper, stack: StackWrapper) -> Branch:
    groups = collection.groups()
    chosen = [(f"within {group}", collection.pairs(within=group)) for group in groups]
    chosen += [
        (f"between {one} and {other}", collection.pairs(between=(one, other)))
        for one, other in itertools.pairwise(groups)
    ]
    below = []
    for words, pairs in chosen:
        shown = first_of(pairs, 1, "pair", lambda pair: _pair_branch(pair, stack))
        below.append(Branch("pairs", words, f"{len(pairs)} with {sum(map(len, pairs))} points", below=shown))
    return Branch("match collection", collection.name, plural(collection.pair_count, "pair"), below=below)


def _pair_branch(pair: MatchPairWrapper, stack: StackWrapper) -> Branch:
    here, there = stack.tile(pair.p_id).world_from_local(pair.p), stack.tile(pair.q_id).world_from_local(pair.q)
    apart = abs(here - there).max()
    return Branch("pair", f"{pair.p_id} – {pair.q_id}", f"{len(pair)} points, {apart:.3f} px apart in the world")


def _draw_section(place: DemoFolder, gateway: Gateway) -> str:
    """Draw the first section into a file; return its description."""
    from rendergateway.demo.folder import STACK

    section = gateway.stack(STACK).sections()[0]
    picture = section.image(scale=_PICTURE_SCALE)
    picture.save(place.picture)
    height, width = picture.shape
    return f"section {section} with its {plural(section.tile_count, 'tile')}, {width} × {height} pixels"


def _what_next(place: DemoFolder) -> None:
    from rendergateway.demo.folder import STACK

    program, python = _program(), _from_here(sys.executable)
    database, images = _from_here(place.database), _from_here(place.images)
    look = f'from rendergateway import Gateway as G; print(G("embedded:{database}").stack("{STACK}").bounds)'
    click.echo("\nWhat next:")
    click.echo(f"  {program} tree {STACK} --service {shlex.quote(f'embedded:{database}')}")
    click.echo(f"  {program} serve {shlex.quote(database)} --images {shlex.quote(images)}")
    click.echo(f"  {shlex.quote(python)} -c {shlex.quote(look)}")


def _program() -> str:
    """Return the command that starts this program from the current folder."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(_from_here(sys.executable))} -m rendergateway.cli"
    found = shutil.which(called.name)
    if found is not None and os.path.realpath(found) == os.path.realpath(called):
        return called.name
    return shlex.quote(_from_here(called))


def _from_here(path: str | os.PathLike[str]) -> str:
    """Return *path* relative to the current folder if that is shorter; links are not followed."""
    full = os.path.abspath(path)
    relative = os.path.relpath(full)
    return relative if len(relative) < len(full) else full
