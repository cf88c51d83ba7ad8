"""The images of an import, from their listing to the tiles: values that the steps of an import pass on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from rendergateway.display import plural
from rendergateway.errors import ImageError, RecordError, add_note
from rendergateway.local_files import file_path
from rendergateway.transforms import Transform

if TYPE_CHECKING:
    from rendergateway.rendering.base.recipe import ImageAddress
    from rendergateway.wrappers import StackWrapper

__all__ = ["ImageListing", "Imported", "ListedImage", "check_unique", "image_url", "refuse_bad"]

# A message lists so many bad images, each in a note.
_MOST_LISTED = 50
_STACK_LOADER = "IMAGEJ_TIFF_STACK"


def image_url(path: str | os.PathLike[str]) -> str:
    """
    Return the URL of an image for a tile spec: that of an absolute path; URLs are unchanged.

    Examples
    --------
    >>> image_url("/data/tile 1.png"), image_url("s3://bucket/a.png")
    ('file:///data/tile%201.png', 's3://bucket/a.png')
    """
    text = os.fspath(path)
    return text if file_path(text) != text else Path(os.path.abspath(text)).as_uri()


@attrs.frozen(kw_only=True)
class ListedImage:
    """
    One image to import, as its list describes it; missing values are None.

    Attributes
    ----------
    where : str
        Origin, for messages: "positions.csv, line 3".
    url : str
        URL of the image.
    tile_id : str
        Id of its tile.
    z : float or None
        Section position.
    section_id : str or None
        Name of the section. Default: the text of z.
    position : (float, float) or None
        x and y of the top left corner, in pixels.
    stage : (float, float) or None
        x and y as listed, in their own unit.
    row, column : int or None
        Place in a grid.
    transforms : tuple of Transform or None
        All transforms, instead of a position.
    size : (float, float) or None
        Width and height that the list expects, in pixels.
    window : (float, float) or None
        Intensity window that the list specifies.
    slice_number : int or None
        Which image of a TIFF stack, counted from 1.
    camera_id, scope_id, mask_url : str or None
    rotation : float or None
    """

    where: str
    url: str
    tile_id: str
    z: float | None = None
    section_id: str | None = None
    position: tuple[float, float] | None = None
    stage: tuple[float, float] | None = None
    row: int | None = None
    column: int | None = None
    transforms: tuple[Transform, ...] | None = None
    size: tuple[float, float] | None = None
    window: tuple[float, float] | None = None
    slice_number: int | None = None
    camera_id: str | None = None
    scope_id: str | None = None
    mask_url: str | None = None
    rotation: float | None = None

    @property
    def loader(self) -> str | None:
        """Loader type of the tile spec; None for that of single images."""
        return None if self.slice_number is None else _STACK_LOADER

    @property
    def address(self) -> ImageAddress:
        """Address of the image, for reading it."""
        from rendergateway.rendering import ImageAddress

        loader = self.loader
        return ImageAddress(self.url) if loader is None else ImageAddress(self.url, loader, self.slice_number)


@attrs.frozen
class ImageListing:
    """
    The images of an import.

    Attributes
    ----------
    name : str
        The folder or file that lists them.
    images : list of ListedImage
        At least one.
    unit : str or None
        Unit of the stage positions, if the list specifies one.
    unlisted, notes : tuple of str
        As in `Imported`.
    """

    name: str
    images: list[ListedImage] = attrs.field(repr=False)
    unit: str | None = None
    unlisted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Imported:
    """
    Summary of an import.

    Attributes
    ----------
    stack : StackWrapper
        The stack.
    tile_count : int
        Number of saved tiles; of a dry run, the number that would be saved.
    z : tuple of float
        Their sections, ascending.
    sizes : dict of (int, int) to int
        Width and height of images in pixels → their number.
    kinds : dict of str to int
        Pixel type, ``uint8``, ``uint16``, ``float32`` or ``RGB`` → number of images.
    windows : dict of str to (float, float)
        Pixel type → values drawn black and white.
    skipped : tuple of str
        Images that are missing or damaged and were left out, with the reasons.
    unlisted : tuple of str
        Image files of the folder that no line of the positions, or no name of the pattern, refers to.
    notes : tuple of str
        Choices that the import made: one sentence each.
    stored : bool
        False for a dry run.
    """

    stack: StackWrapper
    tile_count: int
    z: tuple[float, ...]
    sizes: dict[tuple[int, int], int]
    kinds: dict[str, int]
    windows: dict[str, tuple[float, float]]
    skipped: tuple[str, ...] = attrs.field(default=(), repr=False)
    unlisted: tuple[str, ...] = attrs.field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    stored: bool = True

    def __str__(self) -> str:
        sizes = ", ".join(f"{width} × {height}" for width, height in self.sizes)
        words = [plural(self.tile_count, "tile"), plural(len(self.z), "section")]
        if self.skipped:
            words.append(f"{plural(len(self.skipped), 'image')} skipped")
        return f"{', '.join(words)}; images of {sizes} pixels, {', '.join(self.kinds)}"


def check_unique(images: Sequence[ListedImage]) -> None:
    """
    Check that the tile ids of all images differ.

    Raises
    ------
    RecordError
        If there are no images, or two have the same tile id; the message names both places.
    """
    if not images:
        raise RecordError("no images to import; check the folder and the pattern")
    seen: dict[str, ListedImage] = {}
    for image in images:
        first = seen.setdefault(image.tile_id, image)
        if first is not image:
            raise RecordError(
                f"duplicate tile id {image.tile_id!r}: {first.where}, and {image.where}; rename one of them"
            )


def refuse_bad(bad: Iterable[str], count: int) -> None:
    """
    Refuse an import of *count* images because some are missing or damaged.

    Raises
    ------
    ImageError
        If *bad* is not empty: each of its lines, image and problem, is a note of the error.
    """
    lines = list(bad)
    if not lines:
        return
    error = ImageError(
        f"{len(lines)} of {plural(count, 'image')} cannot be imported: got {lines[0]}; nothing was stored; correct "
        "them, or leave them out with skip_bad=True"
    )
    for line in lines[1:_MOST_LISTED]:
        add_note(error, line)
    if len(lines) > _MOST_LISTED:
        add_note(error, f"… and {len(lines) - _MOST_LISTED} more")
    raise error
