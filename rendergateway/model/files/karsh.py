"""KARSH layout files: a line per tile with its image, its place and an affine transform."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import attrs

from rendergateway.errors import RecordError, TransformError
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, Transform, from_spec

__all__ = ["KarshTile", "read_karsh"]

_AFFINE_COUNT = 6
# Position of the rows of a matrix in the numbers of a transform, which are by columns.
_BY_COLUMNS = (0, 3, 1, 4, 2, 5)
_NULL = "null"


@attrs.frozen(kw_only=True)
class KarshTile:
    """
    A line of a layout file; missing values are None.

    Attributes
    ----------
    where : str
        File and line, for messages.
    section_id : str or None
    tile_id : str
    transform : Transform
        Last transform of the tile, from local or lens-corrected to world pixels.
    column, row : int or None
        Place in the mosaic.
    camera, path, scope : str or None
        The camera, the image file, and the microscope.
    rotation, z : float or None
    """

    where: str
    section_id: str | None
    tile_id: str
    transform: Transform
    column: int | None = None
    row: int | None = None
    camera: str | None = None
    path: str | None = None
    scope: str | None = None
    rotation: float | None = None
    z: float | None = None


def read_karsh(path: str | os.PathLike[str]) -> list[KarshTile]:
    """
    Read a layout file, as ``stack.layout_file`` of the service writes it; the fields from the microscope on may be
    missing.

    Parameters
    ----------
    path : str or Path
        Lines separated by tabs, or blanks: section id, tile id, the rows of an affine matrix (or a count above 6 and so
        many numbers of `PolynomialTransform2D`), column, row, camera, image path, microscope, rotation, z and URL.

    Raises
    ------
    RecordError
        If a line has too few fields, a number is malformed, or there are no lines; the message names the line.
    OSError
        If the file cannot be read.
    """
    name = os.fspath(path)
    tiles = []
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                words = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
                tiles.append(_tile([word.strip() for word in words], f"{name}, line {number}"))
    if not tiles:
        raise RecordError(f"{name} is empty; expected a line per tile")
    return tiles


def _tile(words: Sequence[str], where: str) -> KarshTile:
    if len(words) < 2 + _AFFINE_COUNT:
        raise RecordError(f"{where}: expected section, tile id, six numbers and an image, got {len(words)} fields")
    transform, rest = _transform(words[2:], where)
    fields: list[str | None] = [None if word in ("", _NULL) else word for word in rest]
    fields += [None] * (7 - len(fields))
    column, row, camera, path, scope, rotation, z = fields[:7]
    return KarshTile(
        where=where,
        section_id=None if words[0] in ("", _NULL) else words[0],
        tile_id=words[1],
        transform=transform,
        column=_count(column, where, "column"),
        row=_count(row, where, "row"),
        camera=camera,
        path=path,
        scope=scope,
        rotation=None if rotation is None else _number(rotation, where, "rotation"),
        z=None if z is None else _number(z, where, "z"),
    )


def _transform(words: Sequence[str], where: str) -> tuple[Transform, Sequence[str]]:
    first = words[0]
    count = int(first) if first.isdigit() and int(first) > _AFFINE_COUNT else _AFFINE_COUNT
    numbers = words[1 : 1 + count] if count > _AFFINE_COUNT else words[:count]
    if len(numbers) < count:
        raise RecordError(f"{where}: expected {count} numbers of the transform, got {len(numbers)}")
    for number in numbers:
        _number(number, where, "number of the transform")
    ordered = [numbers[place] for place in _BY_COLUMNS] if count == _AFFINE_COUNT else numbers
    kind = AffineModel2D if count == _AFFINE_COUNT else PolynomialTransform2D
    try:
        transform = from_spec({"className": kind.JAVA_NAME, "dataString": " ".join(ordered)})
    except TransformError as error:
        raise RecordError(f"{where}: {error}") from error
    return transform, words[count + (count > _AFFINE_COUNT) :]


def _number(text: str, where: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RecordError(f"{where}: {name} must be a finite number: got {text!r}")
    return number


def _count(text: str | None, where: str, name: str) -> int | None:
    if text is None:
        return None
    number = _number(text, where, name)
    if number != int(number):
        raise RecordError(f"{where}: {name} must be a whole number: got {text!r}")
    return int(number)
