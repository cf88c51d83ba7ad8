"""Tiles of imported images, saved as a stack once all images have been read and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from rendergateway.batch.importers.choices import CHECKS
from rendergateway.batch.importers.files import ReadImages, read_images
from rendergateway.batch.importers.images import (
    ImageListing,
    Imported,
    ListedImage,
    check_unique,
    refuse_bad,
)
from rendergateway.batch.importers.places import Placing
from rendergateway.batch.importers.tile_specs import tile_of
from rendergateway.batch.load import check_existing, load_specs
from rendergateway.display import plural
from rendergateway.errors import RecordError
from rendergateway.model.files.spec_set import SpecSet
from rendergateway.model.files.specs import FoundSpec, SpecFile
from rendergateway.progress import Progress
from rendergateway.rendering.images.summary import RGB, ImageSummary

if TYPE_CHECKING:
    from rendergateway.wrappers import StackWrapper

__all__ = ["SaveKeywords", "save_images"]


class SaveKeywords(TypedDict, total=False):
    """Options of reading and saving that all imports share; see `import_images`."""

    resolution_nm: Sequence[float | None] | None
    window: tuple[float, float] | None
    percentiles: tuple[float, float]
    sample: int
    check: str
    mixed_sizes: bool
    skip_bad: bool
    dry_run: bool
    existing: str
    complete: bool
    workers: int | None
    batch: int | None
    progress: Progress


def save_images(
    stack: StackWrapper,
    listing: ImageListing,
    placing: Placing,
    *,
    resolution_nm: Sequence[float | None] | None = None,
    window: tuple[float, float] | None = None,
    percentiles: tuple[float, float] = (0.5, 99.5),
    sample: int = 32,
    check: str = "pixels",
    mixed_sizes: bool = False,
    skip_bad: bool = False,
    dry_run: bool = False,
    existing: str = "refuse",
    complete: bool = True,
    workers: int | None = None,
    batch: int | None = None,
    progress: Progress = None,
) -> Imported:
    """Read the images of a list, and save them as tiles; for parameters and errors see `import_images`."""
    _check_options(window, percentiles, sample, check)
    check_existing(stack, existing)
    check_unique(listing.images)
    bulk = stack._bulk(workers, batch, progress)
    read = read_images(stack._conn, listing.images, sample=sample, check=check, bulk=bulk)
    bad = {**read.problems, **_unexpected_sizes(listing.images, read.facts)}
    skipped = tuple(bad[row] for row in sorted(bad))
    if not skip_bad or len(skipped) == len(listing.images):
        refuse_bad(skipped, len(listing.images))
    kept = [(image, one) for row, (image, one) in enumerate(zip(listing.images, read.facts, strict=True))
            if row not in bad and one is not None]  # fmt: skip
    images, facts = [image for image, _ in kept], [one for _, one in kept]
    sizes = Counter((one.width, one.height) for one in facts)
    if not mixed_sizes:
        _check_sizes(images, facts, sizes)
    # Kinds of images without a window of their own.
    open_kinds = {one.kind for image, one in kept if image.window is None}
    windows = read.windows(percentiles) if window is None else dict.fromkeys(read.samples, window)
    windows = {kind: windows[kind] for kind in sorted(open_kinds & windows.keys())}
    corners = placing.corners(images, facts)
    pixel_size = (resolution_nm or (None,))[0]
    found = []
    for image, one, corner in zip(images, facts, corners.tolist(), strict=True):
        tile = tile_of(image, one, corner, windows, pixel_size)
        found.append(FoundSpec(image.where, f"tile {image.tile_id!r}", image.tile_id, tile.to_json()))
    specs = SpecSet()
    specs.add(SpecFile(listing.name, found))
    doubt = placing.doubt(corners, np.array([image.z for image in images]), facts)
    notes = (*listing.notes, *_window_notes(read, windows, window, percentiles), *filter(None, [placing.note, doubt]))
    if not dry_run:
        load_specs(
            stack, specs, existing=existing, complete=complete, workers=bulk.workers, batch=bulk.batch,
            progress=progress, resolution_nm=resolution_nm,
        )  # fmt: skip
    return Imported(
        stack=stack,
        tile_count=len(found),
        z=tuple(sorted(specs.z)),
        sizes=dict(sizes.most_common()),
        kinds=dict(Counter(one.kind for one in facts).most_common()),
        windows=windows,
        skipped=skipped,
        unlisted=listing.unlisted,
        notes=notes,
        stored=not dry_run,
    )


def _check_options(
    window: tuple[float, float] | None, percentiles: tuple[float, float], sample: int, check: str
) -> None:
    if window is not None and not (np.isfinite(window).all() and window[0] < window[1]):
        raise ValueError(f"window must be (low, high) with low < high, both finite: got {window!r}")
    if not 0 <= percentiles[0] < percentiles[1] <= 100:
        raise ValueError(f"percentiles must be (low, high) with 0 <= low < high <= 100: got {percentiles!r}")
    if sample < 1:
        raise ValueError(f"sample must be >= 1: got {sample}")
    if check not in CHECKS:
        raise ValueError(f"check must be one of {', '.join(CHECKS)}: got {check!r}")


def _unexpected_sizes(images: Sequence[ListedImage], facts: Sequence[ImageSummary | None]) -> dict[int, str]:
    return {
        row: f"{image.where}: expected {image.size[0]:g} × {image.size[1]:g} pixels, found {one.width} × {one.height}"
        for row, (image, one) in enumerate(zip(images, facts, strict=True))
        if one is not None and image.size is not None and image.size != (one.width, one.height)
    }


def _check_sizes(images: Sequence[ListedImage], facts: Sequence[ImageSummary], sizes: Counter[tuple[int, int]]) -> None:
    """Refuse images of different sizes."""
    if len(sizes) <= 1:
        return
    usual = sizes.most_common(1)[0][0]
    image, other = next(
        (image, one) for image, one in zip(images, facts, strict=True) if (one.width, one.height) != usual
    )
    raise RecordError(
        f"images differ in size: got {other.width} × {other.height} pixels of {image.where}, and {usual[0]} × "
        f"{usual[1]} of {plural(sizes[usual], 'image')}; nothing was stored; remove it, or pass mixed_sizes=True"
    )


def _window_notes(
    read: ReadImages,
    windows: Mapping[str, tuple[float, float]],
    given: tuple[float, float] | None,
    percentiles: tuple[float, float],
) -> list[str]:
    notes = []
    for kind, (low, high) in windows.items():
        origin = f"percentiles {percentiles[0]:g} and {percentiles[1]:g} of {plural(len(read.samples[kind]), 'image')}"
        notes.append(f"intensity window of {kind}: {low:g} … {high:g}" + ("" if given else f", {origin}"))
    if any(one is not None and one.kind == RGB for one in read.facts):
        notes.append("intensity window of RGB: 0 … 255")
    kinds = Counter(one.kind for one in read.facts if one is not None)
    if len(kinds) > 1:
        shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        notes.append(f"images have several pixel types: {shown}")
    return notes
