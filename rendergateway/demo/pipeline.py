"""From the images of the demo to an aligned stack: import, pairs, matches, solve, and pictures of a seam."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rendergateway.batch.importers import import_images
from rendergateway.demo.folder import DemoFolder
from rendergateway.demo.volume import LENS, RESOLUTION_NM, tiles
from rendergateway.display import plural
from rendergateway.errors import MissingExtraError, NotFoundError
from rendergateway.geometry import Bounds
from rendergateway.plots import seam_overlay, seam_pictures
from rendergateway.plots.base import new_figure, save_figure
from rendergateway.transforms import TransformReference

if TYPE_CHECKING:
    from rendergateway import Gateway, MatchCollectionWrapper, StackWrapper

__all__ = ["ALIGNED", "COLLECTION", "RAW", "align", "draw_seam", "draw_seam_into", "matches_of", "worst_seam"]

RAW = "demo/volume/raw"
ALIGNED = "demo/volume/aligned"
COLLECTION = "points"

# Increment with each change of the volume or of the steps below: folders of an older one are aligned again.
_RECIPE = 2
_VERSION_NOTES = f"synthetic volume of the demo, recipe {_RECIPE}"

# Rows and columns are only in the names of the images.
_NAMES = "s{}_r{row}_c{col}.png"
# Of neighbours in a section only the sides next to each other are drawn: the overlap, and the largest displacement.
_CLIP_PX = 100
_SAME_PLACE = 0.3
# The tissue changes between sections: their matches are less exact.
_CROSS_WEIGHT = 0.1
_OUTLIERS_PX = 8.0

_SEAM_SIZE_PX, _SEAM_SCALE = (200, 150), 3.0


def matches_of(gateway: Gateway) -> MatchCollectionWrapper:
    """Return the match collection of the demo, in the frame of its points."""
    return gateway.match_collection(COLLECTION, owner="demo", frame="lens_corrected")


def align(place: DemoFolder, gateway: Gateway, report: Callable[[str], object], *, progress: bool = False) -> bool:
    """
    Import the images, match and solve them, unless that was done.

    Parameters
    ----------
    place : DemoFolder
        The folder, with all images.
    gateway : Gateway
        Gateway of its service.
    report : callable
        Called with a line after each step.
    progress : bool
        Whether steps show progress bars.

    Returns
    -------
    bool
        Whether anything was stored.
    """
    raw, aligned, matches = gateway.stack(RAW), gateway.stack(ALIGNED), matches_of(gateway)
    if _is_aligned(place, raw, aligned, matches):
        return False
    # Matches of the same recipe are kept: an interrupted run continues, and a folder that was moved is soon ready.
    is_same_recipe = _notes_of(raw) == _VERSION_NOTES
    for one in (aligned, raw) if is_same_recipe else (aligned, matches, raw):
        if one.exists:
            one.delete()
    clock = _Clock(report)
    gateway.create_stack(RAW, resolution_nm=RESOLUTION_NM, notes=_VERSION_NOTES)
    imported = import_images(
        raw,
        place.images,
        positions=place.positions,
        pattern=_NAMES,
        resolution_nm=RESOLUTION_NM,
        existing="append",
        progress=progress,
    )
    _add_lens(raw)
    clock.lap(f"Imported {imported}")
    clock.lap(_match(raw, matches, progress))
    solved = raw.solve(
        matches, ALIGNED, mode="3d", cross_weight=_CROSS_WEIGHT, outliers_px=_OUTLIERS_PX, progress=progress
    )
    clock.lap(f"Solved {solved.model} transforms of {plural(solved.tile_count, 'tile')}")
    return True


def _is_aligned(place: DemoFolder, raw: StackWrapper, aligned: StackWrapper, matches: MatchCollectionWrapper) -> bool:
    known = tiles()
    url = known[0].image_url(place.images)
    try:
        return (
            _notes_of(raw) == _VERSION_NOTES
            and raw.tile_count == aligned.tile_count == len(known)
            and raw.tile(known[0].tile_id).image_url == aligned.tile(known[0].tile_id).image_url == url
            and matches.pair_count > 0
        )
    except NotFoundError:
        return False


def _notes_of(stack: StackWrapper) -> str | None:
    return stack.version.notes if stack.exists else None


def _add_lens(stack: StackWrapper) -> None:
    """Put the lens correction of the camera, known from its calibration, before the position of each tile."""
    lens = TransformReference("lens")
    with stack.editing() as edit:
        edit.put(
            [tile.evolve(transforms=[lens, *tile.transforms]) for tile in stack.tiles().records()],
            transforms={"lens": LENS},
        )


def _match(raw: StackWrapper, matches: MatchCollectionWrapper, progress: bool) -> str:
    """Match neighbours in each section, and tiles at the same place in adjacent sections; return a description."""
    options: dict[str, Any] = {
        "filter": False,
        "min_scale": 0.2,
        "max_scale": 0.5,
        "epsilon_px": 3.0,
        "skip_existing": True,
        "workers": min(4, os.cpu_count() or 1),
        "progress": progress,
    }
    beside, above = (
        raw.tile_pairs(z_distance=0),
        raw.tile_pairs(z_distance=1, radius_factor=_SAME_PLACE, same_layer=False),
    )
    found = [
        matches.derive(beside, clip_width=_CLIP_PX, clip_height=_CLIP_PX, **options),
        matches.derive(above, **options),
    ]
    pair_count, matched, skipped = (
        sum(getattr(one, name) for one in found) for name in ("pair_count", "matched_count", "skipped_count")
    )
    earlier = f", {skipped} of them before" if skipped else ""
    return f"Matched {matched} of {plural(pair_count, 'tile pair')}{earlier}"


class _Clock:
    """Reports steps with their seconds."""

    def __init__(self, report: Callable[[str], object]) -> None:
        self._report = report
        self._started = time.perf_counter()

    def lap(self, words: str) -> None:
        now = time.perf_counter()
        self._report(f"{words}: {now - self._started:.1f} s.")
        self._started = now


def worst_seam(gateway: Gateway) -> tuple[str, str]:
    """Return the ids of the tiles of the first section with the largest residuals of a pair before the solve."""
    raw = gateway.stack(RAW)
    pairs = raw.residuals(matches_of(gateway), z=raw.sections()[0].z).pairs
    worst = int(pairs.mean_px.argmax())
    return str(pairs.p_id[worst]), str(pairs.q_id[worst])


def draw_seam(place: DemoFolder, gateway: Gateway) -> tuple[str, str]:
    """
    Draw the worst seam before and after the solve, into the folder; return the ids of its tiles.

    With matplotlib the two tiles are drawn over each other in two colours, else as the service draws the section.
    """
    names = worst_seam(gateway)
    for stack, path in ((gateway.stack(RAW), place.seam_before), (gateway.stack(ALIGNED), place.seam_after)):
        try:
            figure, ax = new_figure()
        except MissingExtraError:
            one, other = map(stack.tile, names)
            stack.section(one.z).image(_middle_of(one.bounds, other.bounds), scale=_SEAM_SCALE).save(path)
        else:
            draw_seam_into(ax, stack, names)
            save_figure(figure, path)
    return names


def draw_seam_into(ax: Any, stack: StackWrapper, names: tuple[str, str]) -> None:
    """Draw two tiles of a stack over each other in two colours, around the middle of their overlap."""
    one, other = map(stack.tile, names)
    box = _middle_of(one.bounds, other.bounds)
    seam_overlay(*seam_pictures(one, other, box=box, scale=_SEAM_SCALE), names=names, ax=ax)
    ax.set_title(f"{stack.name}: {ax.get_title()}", fontsize="small")


def _middle_of(box: Bounds | None, other: Bounds | None) -> Bounds:
    """Return a box around the middle of the overlap of two boxes."""
    assert box is not None
    assert other is not None
    x = (max(box.min_x, other.min_x) + min(box.max_x, other.max_x)) / 2
    y = (max(box.min_y, other.min_y) + min(box.max_y, other.max_y)) / 2
    left, top = (round(middle - size / 2) for middle, size in zip((x, y), _SEAM_SIZE_PX, strict=True))
    return Bounds(left, top, left + _SEAM_SIZE_PX[0], top + _SEAM_SIZE_PX[1])
