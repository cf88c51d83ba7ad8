"""Import of image files with a table of positions, or with a pattern of names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rendergateway.batch.importers.images import Imported
from rendergateway.batch.importers.listing import listed_by_names, listed_in_table
from rendergateway.batch.importers.names import NamePattern, image_files
from rendergateway.batch.importers.places import Placing
from rendergateway.batch.importers.positions import read_positions
from rendergateway.batch.importers.save import SaveKeywords, save_images
from rendergateway.errors import RecordError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.wrappers import StackWrapper

__all__ = ["import_images"]


def import_images(
    stack: StackWrapper,
    images: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    positions: str | os.PathLike[str] | None = None,
    columns: Mapping[str, str] | None = None,
    pattern: str | None = None,
    unit: str | None = None,
    flip: str = "",
    overlap: float | None = None,
    z: float | str | None = None,
    **options: Unpack[SaveKeywords],
) -> Imported:
    """
    Import image files as the tiles of a stack, which is created if it is missing.

    All images are read first: their sizes, pixel types and intensity windows come from the files, and missing or
    damaged ones are listed before anything is stored.

    Parameters
    ----------
    stack : StackWrapper
        The stack; usually a new one.
    images : str, Path, or iterable of these
        A folder, with its subfolders; a glob such as ``images/*.tif``; or files.
    positions : str or Path, optional
        CSV or TSV file with a line per image: its file, and x and y of its top left corner, or row and column.
    columns : mapping of str to str, optional
        Field → header of its column: image, tile, x, y, row, col, z and camera. Default: guessed from the headers.
    pattern : str, optional
        Pattern of the file names, such as ``{section}_{row}_{col}.tif``; see `NamePattern`. With *positions*, for
        values that the table lacks.
    unit : {'px', 'nm', 'um', 'mm'}, optional
        Unit of x and y. Default: that in the headers (``x_um``), else px. Others than px need *resolution_nm*.
    flip : {'', 'x', 'y', 'xy'}
        Axes of the positions, or of the grid, that point to the left or upwards.
    overlap : float, optional
        Fraction of its width and height that an image shares with its neighbours, such as 0.1; required for rows and
        columns.
    z : float or 'order', optional
        Section of all images; or ``'order'``: each image is a section, in natural order of the names from 1. For
        images with z neither in the table nor in the name; sections with names that are not numbers are counted from 1
        in natural order.
    resolution_nm : (float, float, float), optional
        Nanometres per pixel in x and y, and section thickness; stored with a new stack.
    window : (float, float), optional
        Intensity window of all grey images. Default: percentiles of a sample.
    percentiles : (float, float)
        Percentiles of the values drawn black and white. Default: 0.5 and 99.5.
    sample : int
        Number of images that the percentiles are computed from, evenly spaced. Default: 32.
    check : {'pixels', 'headers'}
        Whether each image is decoded, which finds any damage, or only the sample: of other TIFF and PNG files the
        header is read, and the end must be there. Headers are for images that take hours to read.
    mixed_sizes : bool
        Whether images may differ in size.
    skip_bad : bool
        Whether missing and damaged images are left out; the summary lists them.
    dry_run : bool
        Whether nothing is stored.
    existing, complete, workers, batch, progress
        As in `load_specs`; *workers* is also the number of threads that read images.

    Returns
    -------
    Imported
        The stack, and a summary.

    Raises
    ------
    RecordError
        If a position is missing or not finite, a tile id is a duplicate, images differ in size, or a column is missing;
        the message names file and line.
    ImageError
        If images are missing or damaged; each is a note of the error.
    BadRequestError
        If the stack exists and *existing* is ``refuse``.

    Notes
    -----
    Nothing is stored after these errors. Requests as `load_specs`.

    Examples
    --------
    >>> import numpy, tempfile
    >>> from rendergateway import Gateway
    >>> from rendergateway.batch.importers import import_images
    >>> from rendergateway.rendering import write_png
    >>> with tempfile.TemporaryDirectory() as folder, Gateway("embedded:", owner="lab", project="cortex") as gateway:
    ...     for column in range(2):
    ...         write_png(f"{folder}/s3_0_{column}.png", numpy.zeros((100, 100), dtype="uint8"))
    ...     imported = import_images(gateway.stack("raw"), folder, pattern="s{z}_{row}_{col}.png", overlap=0.1)
    ...     print(imported, imported.stack.bounds.max_x)
    2 tiles, 1 section; images of 100 × 100 pixels, uint8 190.0
    """
    placing = Placing.of(unit=unit, flip=flip, overlap=overlap, resolution_nm=options.get("resolution_nm"))
    names = None if pattern is None else NamePattern(pattern)
    folder, files = image_files(images)
    if positions is not None:
        listing = listed_in_table(read_positions(positions, columns), folder, files, names, z)
    elif columns is not None:
        raise RecordError("columns belong to a table of positions: got columns alone; pass positions=, the table")
    elif names is not None:
        listing = listed_by_names(folder, files, names, z)
    else:
        raise RecordError(
            f"positions of the images in {os.fspath(folder)} are unknown; pass positions=, a table of them, or "
            "pattern=, if the names contain rows and columns"
        )
    return save_images(stack, listing, placing.with_unit(listing.unit, listing.name), **options)
