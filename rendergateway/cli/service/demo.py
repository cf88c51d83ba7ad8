"""``rendergateway demo``: generate images, align them, show the result, and suggest next steps."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rendergateway.cli.stacks.outline import Branch, stack_branch, timed
from rendergateway.cli.terminal import json_option, result, result_console, say
from rendergateway.display import plural
from rendergateway.extras import require
from rendergateway.gateway import Gateway
from rendergateway.progress import tracking

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
    Generate images of a small volume in FOLDER, and align them.

    Three sections of 4 x 4 overlapping images of synthetic tissue, with a table of inexact positions, are imported into
    an embedded service. Tile pairs are matched and solved; the result is shown with residuals and pictures of a seam
    before and after. FOLDER is rendergateway-demo by default; a second run reuses it.
    """
    require("the demo", "cv2", "werkzeug", "scipy")
    from rendergateway.demo.folder import DemoFolder
    from rendergateway.demo.pipeline import ALIGNED, COLLECTION, RAW, align, draw_seam

    place = DemoFolder(Path(folder))
    say(f"Demo in {place.path}")
    place.prepare()
    _draw(place)
    with contextlib.closing(Gateway(place.address, owner="demo", project="volume")) as gateway:
        if not align(place, gateway, say, progress=True):
            say("The images are aligned already.")
        if not as_json:
            _walk(gateway)
        drawn = _draw_section(place, gateway)
        tiles = draw_seam(place, gateway)
    if not as_json:
        _what_next(place)
    values = {
        "service": place.address,
        "images": str(place.images),
        "raw_stack": RAW,
        "stack": ALIGNED,
        "match_collection": f"demo/{COLLECTION}",
        "picture": str(place.picture),
        "seam_before": str(place.seam_before),
        "seam_after": str(place.seam_after),
        "catalogue": _CATALOGUE,
    }
    lines = [
        f"The seam of {tiles[0]} and {tiles[1]} before and after: "
        f"{_from_here(place.seam_before)} and {_from_here(place.seam_after)}",
        f"A picture of {drawn}: {_from_here(place.picture)}",
        f"The catalogue, while the second command runs: {_CATALOGUE}",
    ]
    result(values, "\n" + "\n".join(lines), as_json)


def _draw(place: DemoFolder) -> None:
    missing = place.missing_images()
    if not missing:
        say("The images exist already.")
        return
    started = time.perf_counter()
    with tracking(True, "Drawing images", len(missing)) as progress:
        place.draw(missing, progress)
    say(f"Drew {plural(len(missing), 'image')} in {time.perf_counter() - started:.1f} s.")


def _walk(gateway: Gateway) -> None:
    """Read the aligned volume from the owner down, and print it with the residuals before and after."""
    from rendergateway.demo.pipeline import ALIGNED

    stack = gateway.stack(ALIGNED)
    started = time.perf_counter()
    with gateway.counting() as requests:
        project = Branch("project", stack.project.name)
        project.below = [timed(lambda: stack_branch(stack, sections=1, tiles=1, with_times=True))]
        matches = timed(lambda: _matches_branch(gateway))
    console = result_console()
    console.print(Branch("owner", stack.owner.name, below=[project, matches]).as_tree())
    console.print(f"Read with {plural(len(requests), 'request')} in {time.perf_counter() - started:.2f} s.")


def _matches_branch(gateway: Gateway) -> Branch:
    """Return the match collection with the mean residuals per section before and after the solve."""
    from rendergateway.demo.pipeline import ALIGNED, RAW, matches_of

    matches = matches_of(gateway)
    before, after = (gateway.stack(name).residuals(matches) for name in (RAW, ALIGNED))
    rows = zip(before.sections.z, before.sections.other_z, before.sections.mean_px, after.sections.mean_px, strict=True)
    below = [
        Branch("residuals", f"within {z:g}" if z == other else f"between {z:g} and {other:g}", _change(one, two))
        for z, other, one, two in rows
    ]
    below.append(Branch("residuals", "of all", _change(before.total.mean_px, after.total.mean_px)))
    words = f"{plural(after.total.pair_count, 'pair')} with {plural(after.total.point_count, 'point')}"
    return Branch("match collection", matches.name, words, below=below)


def _change(before: float, after: float) -> str:
    return f"mean {before:.2f} px before the solve, {after:.2f} px after"


def _draw_section(place: DemoFolder, gateway: Gateway) -> str:
    """Draw the first section into a file; return its description."""
    from rendergateway.demo.pipeline import ALIGNED

    section = gateway.stack(ALIGNED).sections()[0]
    picture = section.image(scale=_PICTURE_SCALE)
    picture.save(place.picture)
    height, width = picture.shape
    return f"section {section} with its {plural(section.tile_count, 'tile')}, {width} × {height} pixels"


def _what_next(place: DemoFolder) -> None:
    from rendergateway.demo.pipeline import ALIGNED

    program, python = _program(), _from_here(sys.executable)
    database, images = _from_here(place.database), _from_here(place.images)
    look = f'from rendergateway import Gateway as G; print(G("embedded:{database}").stack("{ALIGNED}").bounds)'
    click.echo("\nWhat next:")
    click.echo(f"  {program} tree {ALIGNED} --service {shlex.quote(f'embedded:{database}')}")
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
