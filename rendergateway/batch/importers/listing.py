"""Lists of images from a table of positions, or from a pattern of file names."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rendergateway.batch.importers.choices import ORDER
from rendergateway.batch.importers.images import ImageListing, ListedImage, image_url
from rendergateway.batch.importers.names import NamePattern, tile_ids
from rendergateway.batch.importers.positions import PositionTable
from rendergateway.errors import RecordError
from rendergateway.wrappers.core.labels import natural_order

__all__ = ["listed_by_names", "listed_in_table"]

_SLASHES = re.compile(r"[/\\]+")


def listed_by_names(folder: Path, files: Sequence[Path], pattern: NamePattern, z: float | str | None) -> ImageListing:
    """
    Return the images whose names match a pattern; see `import_images`.

    Raises
    ------
    RecordError
        If no name matches, or a section is unknown.
    """
    found = {path: values for path in files if (values := pattern.values(path)) is not None}
    if not found:
        raise RecordError(
            f"no image matches the pattern {pattern.text!r}: got {files[0].name!r} and others in {folder}"
        )
    ids = tile_ids(folder, list(found))
    rows = [(os.fspath(path), path, {"tile": ids[path], **values}) for path, values in found.items()]
    unlisted = tuple(os.fspath(path) for path in files if path not in found)
    return _listing(os.fspath(folder), rows, z, unlisted=unlisted)


def listed_in_table(
    table: PositionTable, folder: Path, files: Sequence[Path], pattern: NamePattern | None, z: float | str | None
) -> ImageListing:
    """
    Return the images of a table of positions; see `import_images`.

    Raises
    ------
    RecordError
        If the name of an image is ambiguous, a value is missing or malformed, or a section is unknown.
    """
    known = _Files(folder, files)
    places = [(table.where(row), known.find(row.values["image"], table.where(row)), row.values) for row in table.rows]
    ids = tile_ids(folder, [path for _, path, _ in places]) if _are_below(folder, places) else {}
    rows = []
    for where, path, values in places:
        of_name = {} if pattern is None else pattern.values(path)
        if of_name is None:
            raise RecordError(
                f"{where}: the image does not match the pattern {pattern and pattern.text!r}: got {path.name!r}"
            )
        rows.append((where, path, {"tile": ids.get(path, path.stem), **of_name, **values}))
    named = {path for _, path, _ in rows}
    unlisted = tuple(os.fspath(path) for path in files if path not in named)
    return _listing(table.name, rows, z, unlisted=unlisted, unit=table.unit)


def _are_below(folder: Path, places: Sequence[tuple[str, Path, object]]) -> bool:
    return all(path.is_relative_to(folder) for _, path, _ in places)


class _Files:
    """Finds image files by the names in a table: with or without folders and suffix."""

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        self._folder = folder
        self._by_name: dict[str, list[Path]] = {}
        for path in files:
            for name in self._names(path):
                self._by_name.setdefault(name, []).append(path)

    def _names(self, path: Path) -> set[str]:
        relative = path.relative_to(self._folder).as_posix()
        return {os.fspath(path), relative, path.name, path.stem, os.path.splitext(relative)[0]}

    def find(self, name: str, where: str) -> Path:
        """Return the file of a name; a missing one is a file of the folder, which is reported when it is read."""
        if not name:
            raise RecordError(f"{where}: the image file is missing; fill its column, or delete the line")
        parts = _SLASHES.split(name)
        # The table may have been written on another machine: then the folders of the path mean nothing here.
        for found in (self._by_name.get("/".join(parts)), self._by_name.get(parts[-1])):
            if found is not None and len(found) > 1:
                shown = " and ".join(os.fspath(path) for path in found[:2])
                raise RecordError(f"{where}: image {name!r} is ambiguous: got {shown}; write its folder in the table")
            if found is not None:
                return found[0]
        return Path(os.path.abspath(self._folder / name))


def _listing(
    name: str,
    rows: Sequence[tuple[str, Path, Mapping[str, str]]],
    z: float | str | None,
    *,
    unlisted: tuple[str, ...],
    unit: str | None = None,
) -> ImageListing:
    sections, notes = _sections([(where, _section_text(values)) for where, _, values in rows], z)
    images = []
    for (where, path, values), (layer, section_id) in zip(rows, sections, strict=True):
        stage = _pair(where, values, "x", "y")
        cell = _pair(where, values, "row", "col")
        if stage is None and cell is None:
            raise RecordError(f"{where}: the position is missing; x and y, or row and column are required")
        images.append(
            ListedImage(
                where=where,
                url=image_url(path),
                tile_id=_tile_id(where, values["tile"]),
                z=layer,
                section_id=section_id,
                stage=stage,
                row=None if cell is None else _count(where, "row", cell[0]),
                column=None if cell is None else _count(where, "column", cell[1]),
                camera_id=values.get("camera") or None,
            )
        )
    return ImageListing(name, images, unit, unlisted, tuple(notes))


def _tile_id(where: str, text: str) -> str:
    if not text:
        raise RecordError(f"{where}: the tile id is missing; fill its column, or remove the column")
    return text


def _section_text(values: Mapping[str, str]) -> str | None:
    return values.get("z", values.get("section"))


def _pair(where: str, values: Mapping[str, str], *names: str) -> tuple[float, float] | None:
    if not all(name in values for name in names):
        return None
    one, other = (_number(where, name, values[name]) for name in names)
    return one, other


def _number(where: str, name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise RecordError(f"{where}: {name} must be a number: got {text!r}") from error
    if not math.isfinite(number):
        raise RecordError(f"{where}: {name} must be finite: got {text!r}; correct the line, or delete it")
    return number


def _count(where: str, name: str, number: float) -> int:
    if number != int(number):
        raise RecordError(f"{where}: {name} must be a whole number: got {number:g}")
    return int(number)


def _sections(
    texts: Sequence[tuple[str, str | None]], z: float | str | None
) -> tuple[list[tuple[float, str | None]], list[str]]:
    """Return z and section id of each image, and notes."""
    if isinstance(z, str) and z != ORDER:
        raise ValueError(f"z must be a number or {ORDER!r}: got {z!r}")
    unknown = [where for where, text in texts if text is None]
    if len(unknown) == len(texts):
        if z is None:
            raise RecordError(
                f"{unknown[0]}: the section is in neither a column nor the name; pass z=, a number for all images, or "
                "z='order'"
            )
        if isinstance(z, str):
            return [(float(place), None) for place in range(1, len(texts) + 1)], ["z counts the images, from 1"]
        return [(_number("z=", "z", str(z)), None)] * len(texts), []
    if z is not None:
        raise RecordError(f"sections are known from columns or names: got z={z!r} as well; pass no z=")
    return _named_sections([(where, text or "") for where, text in texts])


def _named_sections(texts: Sequence[tuple[str, str]]) -> tuple[list[tuple[float, str | None]], list[str]]:
    for where, text in texts:
        if not text:
            raise RecordError(f"{where}: the section is missing; fill its column")
    if all(_is_number(text) for _, text in texts):
        return [(_number(where, "z", text), None) for where, text in texts], []
    names = sorted({text for _, text in texts}, key=natural_order)
    order = {name: float(place) for place, name in enumerate(names, 1)}
    shown = ", ".join(_ranges(order))
    return [(order[text], text) for _, text in texts], [
        f"sections are counted in natural order of their names: {shown}"
    ]


def _ranges(order: Mapping[str, float]) -> Iterator[str]:
    shown = 3
    names = list(order)
    for name in names[:shown]:
        yield f"z {order[name]:g} is {name}"
    if len(names) > shown:
        yield f"… z {order[names[-1]]:g} is {names[-1]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
