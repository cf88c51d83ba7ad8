"""Boxes of sections as image files: a pyramid for viewers, in folders by level, z, row and column."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds, FloatArray
from rendergateway.number_text import double_text
from rendergateway.wrappers.core.arguments import as_count
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.images.grid import BoxGrid, checked_part, clipped_size
from rendergateway.wrappers.images.options import AUTO, PictureOptions
from rendergateway.wrappers.images.picture import checked_kind, drawn
from rendergateway.wrappers.images.view import View, image_opener

__all__ = ["BoxFiles", "BoxLayout", "BoxSection", "box_drawer", "render_boxes", "with_own_folders"]


@attrs.frozen
class BoxFiles:
    """
    The result of drawing boxes.

    Attributes
    ----------
    folder : Path
        The folder of the levels.
    count : int
        Number of files of all levels, of this part of the sections.
    drawn : int
        Number of files that were written; the others existed.
    cut : tuple of float
        z of sections with tiles left of or above the origin of the world, where the grid has no boxes.
    """

    folder: Path
    count: int
    drawn: int
    cut: tuple[float, ...]


def _side(value: Any) -> int:
    return as_count(value, "size of a box")


def _number(value: Any) -> int:
    return as_count(value, "levels and overview", 0)


@attrs.frozen
class BoxLayout:
    """
    Layout of the files of boxes.

    Attributes
    ----------
    folder : Path
        The folder of the levels.
    width, height : int
        Size of a box in pixels.
    levels : int
        Highest level; each has half the resolution of the one below.
    format : str
        Suffix of the files.
    mode : str or None
        As of `Picture.save`.
    overview : int
        Width of the overview of each section; 0 for none.
    index : bool
        Whether an index of the boxes is written for each section.
    labels : bool
        Whether boxes have labels instead of images.
    overwrite : bool
        Whether existing files are drawn again.
    part : (int, int)
        Number and count of the parts of each section.
    """

    folder: Path
    width: int = attrs.field(converter=_side)
    height: int = attrs.field(converter=_side)
    levels: int = attrs.field(converter=_number)
    format: str = "png"
    mode: str | None = "grey"
    overview: int = attrs.field(default=0, converter=_number)
    index: bool = False
    labels: bool = False
    overwrite: bool = False
    part: tuple[int, int] = attrs.field(default=None, converter=checked_part)

    def __attrs_post_init__(self) -> None:
        checked_kind(f"a.{self.format}")
        if self.labels and not self.format.startswith(("png", "tif")):
            raise ImageError(f"labels have 16 bits: got format {self.format!r}; use 'png' or 'tif'")

    def path(self, level: int, z: float, row: int, column: int) -> Path:
        """Return the file of a box."""
        return self.folder / str(level) / str(int(z)) / str(row) / f"{column}.{self.format}"

    @property
    def empty(self) -> Path:
        """The file that viewers show in the place of a missing box."""
        return self.folder / f"empty.{self.format}"

    def write(self, path: Path, pixels: Any, alpha: Any = None) -> None:
        """Write one box."""
        from rendergateway.rendering.output.encoding import file_bytes, write_whole

        path.parent.mkdir(parents=True, exist_ok=True)
        mode = None if self.labels else self.mode
        write_whole(path, file_bytes(pixels, alpha, checked_kind(path), mode=mode))

    def write_empty(self) -> None:
        """Write the file for missing boxes, if there is none."""
        if not self.empty.exists():
            self.write(self.empty, np.full((self.height, self.width), self.nothing, self.dtype))

    @property
    def nothing(self) -> int:
        """The value of pixels without a tile."""
        from rendergateway.rendering.draw.labels import NO_LABEL

        return NO_LABEL if self.labels else 0

    @property
    def dtype(self) -> type[np.unsignedinteger[Any]]:
        """The type of grey pixels."""
        return np.uint16 if self.labels else np.uint8


@attrs.frozen(eq=False)
class BoxSection:
    """
    One section.

    Attributes
    ----------
    z : float
    bounds : Bounds or None
        Of its tiles; None without tiles.
    tile_boxes : callable
        Returns the bounding boxes of the tiles, shape (N, 4).
    draw : callable
        From a box in world pixels to pixels and opacity.
    """

    z: float
    bounds: Bounds | None
    tile_boxes: Callable[[], FloatArray]
    draw: Callable[[Bounds], tuple[Any, Any]]


def box_drawer(
    client: Client,
    view_of: Callable[[Bounds], View],
    options: PictureOptions,
    tile_ids: Callable[[], Sequence[str]] | None,
) -> Callable[[Bounds], tuple[Any, Any]]:
    """
    Return what draws a box of a section.

    Parameters
    ----------
    client : Client
        Opens the masks of labels.
    view_of : callable
        Returns the view of a box.
    options : PictureOptions
        For pictures.
    tile_ids : callable, optional
        Returns the tiles of the section, for labels instead of pictures.

    Raises
    ------
    ValueError
        If the intensity window would differ from box to box.
    """
    if options.intensity == AUTO:
        raise ValueError("intensity='auto' would differ from box to box; pass (low, high)")
    if tile_ids is None:

        def picture(box: Bounds) -> tuple[Any, Any]:
            found = drawn(view_of(box), options)
            return found.pixels, found.alpha

        return picture
    from rendergateway.rendering import read_recipe
    from rendergateway.rendering.draw.labels import LabelSources, draw_labels, labels_of

    labels = functools.cache(lambda: labels_of(sorted(tile_ids())))
    sources = functools.cache(lambda: LabelSources(image_opener(client)))

    def draw(box: Bounds) -> tuple[Any, Any]:
        recipe = read_recipe(view_of(box).parameters(options).to_json())
        return draw_labels(recipe, labels(), sources()), None

    return draw


def with_own_folders(z_values: list[float]) -> list[float]:
    """
    Return z values that differ in their whole numbers, which are the names of folders.

    Raises
    ------
    ImageError
        If two of them do not.
    """
    seen: dict[int, float] = {}
    for z in z_values:
        other = seen.setdefault(int(z), z)
        if other != z:
            raise ImageError(f"sections {other:g} and {z:g} would have the same folder {int(z)}; draw one of them")
    return z_values


def render_boxes(
    layout: BoxLayout, sections: Iterable[BoxSection], stack_bounds: Bounds | None, bulk: Bulk, what: str
) -> BoxFiles:
    """Draw boxes of sections into files; see `StackWrapper.render_boxes`."""
    if layout.overview and stack_bounds is None:
        raise ImageError(f"overviews need the bounds of the stack: {what} has none; complete it")
    layout.folder.mkdir(parents=True, exist_ok=True)
    layout.write_empty()
    count = written = 0
    cut: list[float] = []
    for section in sections:
        done = _Section(layout, section, bulk, what).render(what, stack_bounds)
        count, written = count + len(done), written + sum(done.values())
        if section.bounds is not None and min(section.bounds.min_x, section.bounds.min_y) < 0:
            cut.append(section.z)
    return BoxFiles(layout.folder, count, written, tuple(cut))


class _Section:
    """The boxes of one section, by level; files are True if they were drawn now."""

    def __init__(self, layout: BoxLayout, section: BoxSection, bulk: Bulk, what: str) -> None:
        if section.bounds is None:
            raise ImageError(f"stack {what} does not contain any tiles with a z value of {double_text(section.z)}")
        self._layout, self._section, self._bulk = layout, section, bulk
        self._grid = BoxGrid.around(section.bounds, layout.width, layout.height)

    def render(self, what: str, stack_bounds: Bounds | None) -> dict[Path, bool]:
        """Draw all levels; return the files, and whether each was drawn now."""
        layout, z = self._layout, self._section.z
        drawn = self._level_zero(f"{what} z {z:g}")
        files = {layout.path(0, z, *place): now for place, now in drawn.items()}
        if layout.index:
            self._write_index(drawn)
        overview = layout.folder / "small" / f"{int(z)}.{layout.format}"
        needs_overview = bool(layout.overview) and (layout.overwrite or not overview.exists())
        last = self._grid.last_row, self._grid.last_column
        for level in range(1, layout.levels + 1):
            drawn = self._level_above(level, drawn)
            files |= {layout.path(level, z, *place): now for place, now in drawn.items()}
            last = last[0] // 2, last[1] // 2
            if needs_overview and last == (0, 0) and (0, 0) in drawn and stack_bounds is not None:
                self._write_overview(overview, level, stack_bounds)
                files[overview], needs_overview = True, False
        return files

    def _level_zero(self, what: str) -> dict[tuple[int, int], bool]:
        layout, grid = self._layout, self._grid
        places = [
            place
            for place in grid.occupied(self._section.tile_boxes())
            if layout.part == (1, 1) or grid.in_part(layout.part, layout.levels, *place)
        ]
        existing = [place for place in places if not layout.overwrite and self._path(0, place).exists()]
        # Another program may have been stopped while it wrote the last one.
        kept = set(existing[:-1])

        def draw(place: tuple[int, int]) -> bool:
            if place in kept:
                return False
            layout.write(self._path(0, place), *self._section.draw(grid.box(*place)))
            return True

        found = mapped(draw, places, self._bulk, what=f"Drawing boxes of {what}")
        return dict(zip(places, found, strict=True))

    def _path(self, level: int, place: tuple[int, int]) -> Path:
        return self._layout.path(level, self._section.z, *place)

    def _level_above(self, level: int, below: Mapping[tuple[int, int], bool]) -> dict[tuple[int, int], bool]:
        places = sorted({(row // 2, column // 2) for row, column in below})

        def draw(place: tuple[int, int]) -> bool:
            row, column = place
            children = [(2 * row + down, 2 * column + across) for down in (0, 1) for across in (0, 1)]
            path = self._path(level, place)
            if path.exists() and not any(below.get(child) for child in children):
                return False
            self._layout.write(path, self._joined(level, [child if child in below else None for child in children]))
            return True

        found = mapped(draw, places, self._bulk, what=f"Drawing level {level} of z {self._section.z:g}")
        return dict(zip(places, found, strict=True))

    def _joined(self, level: int, children: list[tuple[int, int] | None]) -> Any:
        """Return four boxes of the level below, half as large; missing ones are black, or have no label."""
        from rendergateway.rendering.images.decoding import decoded
        from rendergateway.rendering.images.levels import halved

        height, width = self._layout.height, self._layout.width
        images = [None if place is None else decoded(self._path(level - 1, place)) for place in children]
        first = next(image for image in images if image is not None)
        four = np.full((2 * height, 2 * width, *first.shape[2:]), self._layout.nothing, dtype=first.dtype)
        for number, image in enumerate(images):
            if image is not None:
                top, left = number // 2 * height, number % 2 * width
                four[top : top + height, left : left + width] = image
        # A mean of labels would be another label.
        return four[::2, ::2] if self._layout.labels else halved(four)

    def _write_index(self, drawn: Mapping[tuple[int, int], bool]) -> None:
        from rendergateway.model.files.objects import write_file

        rows, columns = self._grid.last_row + 1, self._grid.last_column + 1
        path = self._layout.folder / "0" / "iGrid" / f"{double_text(self._section.z)}.iGrid"
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_file(path) as file:
            file.write(f"Columns: {columns}\nRows: {rows}\n".encode())
            for row in range(rows):
                for column in range(columns):
                    place = (row, column)
                    # Boxes of other parts may exist.
                    is_there = place in drawn or (self._layout.part != (1, 1) and self._path(0, place).exists())
                    cell = self._path(0, place) if is_there else self._layout.empty
                    file.write(os.fsencode(cell.absolute()) + b"\n")

    def _write_overview(self, path: Path, level: int, stack_bounds: Bounds) -> None:
        from rendergateway.rendering.images.decoding import decoded
        from rendergateway.rendering.pixels.resizing import resized

        image = decoded(self._path(level, (0, 0)))
        width, height = clipped_size((image.shape[1], image.shape[0]), stack_bounds, level)
        if width < 1 or height < 1:
            raise ImageError(f"overview of z {self._section.z:g} has no pixels: the stack ends at {stack_bounds}")
        across = self._layout.overview
        down = int(across / width * height)
        part = image[:height, :width]
        if self._layout.labels:
            rows, columns = (np.arange(side) * size // side for side, size in ((down, height), (across, width)))
            self._layout.write(path, part[np.ix_(rows, columns)])
        else:
            self._layout.write(path, resized(part, across, down))
