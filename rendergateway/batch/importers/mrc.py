"""MRC stacks of an import, converted to TIFF files, because no image loader of the service reads MRC."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from rendergateway.batch.importers.images import ImageListing, ListedImage, image_url
from rendergateway.display import plural
from rendergateway.errors import ImageError, RecordError
from rendergateway.local_files import file_path
from rendergateway.rendering.images.mrc import MRC_SUFFIXES, mrc_sections
from rendergateway.wrappers.core.bulk import Bulk, mapped

__all__ = ["without_mrc"]


def without_mrc(listing: ImageListing, folder: str | os.PathLike[str] | None, bulk: Bulk) -> ImageListing:
    """
    Return a listing with TIFF files instead of sections of MRC stacks.

    Parameters
    ----------
    listing : ImageListing
        The images; their tile ids differ.
    folder : str or Path, optional
        Where ``{tile id}.tif`` is written for each section; it is created, and files of these names are replaced.
    bulk : Bulk
        Threads and progress.

    Raises
    ------
    RecordError
        If there are MRC stacks and no folder, or a folder and no MRC stacks.
    ImageError
        If a stack is missing, damaged, or does not have a section.
    """
    stacks: dict[str, list[int]] = {}
    for row, image in enumerate(listing.images):
        path = file_path(image.url)
        if path is not None and path.lower().endswith(MRC_SUFFIXES):
            stacks.setdefault(path, []).append(row)
    if not stacks:
        if folder is not None:
            raise RecordError(f"{listing.name} has no MRC stacks: got convert_to={os.fspath(folder)!r}; leave it out")
        return listing
    if folder is None:
        path, rows = next(iter(stacks.items()))
        raise RecordError(
            f"{listing.images[rows[0]].where}: {os.path.basename(path)!r} is an MRC file, which no image loader reads; "
            "pass convert_to=, a folder for its sections as TIFF files"
        )
    target = Path(os.path.abspath(folder))
    target.mkdir(parents=True, exist_ok=True)
    images = list(listing.images)
    for path, rows in stacks.items():
        for row, written in zip(rows, _converted(path, [images[row] for row in rows], target, bulk), strict=True):
            images[row] = attrs.evolve(images[row], url=image_url(written), slice_number=None)
    count = sum(map(len, stacks.values()))
    note = f"{plural(count, 'section')} of MRC converted to TIFF in {target}"
    return attrs.evolve(listing, images=images, notes=(*listing.notes, note))


def _converted(path: str, images: Sequence[ListedImage], folder: Path, bulk: Bulk) -> list[Path]:
    try:
        with mrc_sections(path) as (count, section):
            wrong = next((one for one in images if not 0 < (one.slice_number or 1) <= count), None)
            if wrong is not None:
                raise ImageError(
                    f"{wrong.where}: section {(wrong.slice_number or 1) - 1} is not in {path!r}: got {count} sections, "
                    "from 0"
                )
            return mapped(
                lambda image: _written(image, section, folder),
                images,
                bulk,
                what=f"Converting {os.path.basename(path)}",
            )
    except OSError as error:
        raise ImageError(f"{images[0].where}: MRC stack {path!r} cannot be converted: {error}") from error


def _written(image: ListedImage, section: Callable[[int], Any], folder: Path) -> Path:
    from rendergateway.rendering.output.encoding import file_bytes, write_whole

    path = folder / f"{image.tile_id}.tif"
    write_whole(path, file_bytes(section((image.slice_number or 1) - 1), None, "tiff"))
    return path
