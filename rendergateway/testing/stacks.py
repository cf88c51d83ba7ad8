"""Made-up stacks for tests, with true transforms and matches, and optional images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rendergateway.demo.volume import LENS, RESOLUTION_NM, DemoTile, match, neighbours, pixel_places, tiles
from rendergateway.geometry import Bounds, box_of

if TYPE_CHECKING:
    from rendergateway import Gateway, StackWrapper

__all__ = ["make_stack"]

# Folder in the image URLs of stacks without images; it does not exist.
_NOWHERE = Path("/made-up-images")
_MARGIN_PX = 48.0


def make_stack(
    gateway: Gateway,
    name: str = "montage",
    *,
    sections: int | Iterable[int] = 3,
    rows: int = 2,
    columns: int = 2,
    matches: str | None = None,
    images: str | os.PathLike[str] | None = None,
    complete: bool = True,
) -> StackWrapper:
    """
    Create a made-up stack: a grid of overlapping tiles in each section, always the same for the same arguments.

    Tiles are 512 × 512 pixels at a spacing of about 448. Each has a shared lens transform, its own affine, and a layout
    with row, column and section id.

    Parameters
    ----------
    gateway : Gateway
        The gateway, for example that of the fixture ``gateway``.
    name : str
        ``[[owner/]project/]stack``; it must not exist.
    sections : int or iterable of int
        Number of sections, from z = 1; or the z values themselves.
    rows, columns : int
        Size of the grid.
    matches : str, optional
        Name of a match collection of the same owner for the true matches of neighbouring tiles.
    images : str or Path, optional
        Folder for the tiles' images; needs the extra ``service``. By default image files are not created, and the image
        URLs point to missing files.
    complete : bool
        Whether the final state is COMPLETE instead of LOADING.

    Returns
    -------
    StackWrapper
        The stack; its tile ids are ``s1_r0_c0`` for the first row and column of z = 1.

    Raises
    ------
    BadRequestError
        If the stack exists.
    ValueError
        If the stack would be empty.

    Examples
    --------
    >>> from rendergateway import Gateway
    >>> from rendergateway.testing import make_stack
    >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
    ...     stack = make_stack(gateway, sections=[5, 7], rows=1, columns=3)
    ...     print(stack.tile_count, [section.z for section in stack.sections()])
    6 [5.0, 7.0]
    """
    z_values = range(1, sections + 1) if isinstance(sections, int) else sorted(set(sections))
    made = tiles([float(z) for z in z_values], rows, columns)
    if not made:
        raise ValueError(f"a made-up stack needs tiles: got {len(z_values)} sections of {rows} × {columns} tiles")
    folder = Path(images).resolve() if images is not None else _NOWHERE
    if images is not None:
        _draw(made, folder)
    stack = gateway.create_stack(name, resolution_nm=RESOLUTION_NM)
    with stack.editing(complete=complete) as edit:
        edit.put([tile.record(folder) for tile in made], transforms={"lens": LENS})
    if matches is not None:
        collection = gateway.match_collection(matches, owner=stack._key.owner)
        collection.put(match(*pair) for pair in neighbours(made))
    return stack


def _draw(made: Sequence[DemoTile], folder: Path) -> None:
    """Draw the image of each tile from the texture at its world coordinates."""
    from rendergateway.demo.texture import draw_section
    from rendergateway.rendering.output.encoding import write_png

    folder.mkdir(parents=True, exist_ok=True)
    corrected = pixel_places()
    for z in dict.fromkeys(tile.z for tile in made):
        of_section = [tile for tile in made if tile.z == z]
        tissue = draw_section(z, bounds=_with_margin(box_of([tile.bounds for tile in of_section])))
        for tile in of_section:
            write_png(folder / tile.file_name, tissue.at(tile.affine.apply(corrected)))


def _with_margin(box: Bounds) -> Bounds:
    m = _MARGIN_PX
    return Bounds(box.min_x - m, box.min_y - m, box.max_x + m, box.max_y + m)
