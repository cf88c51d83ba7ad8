"""Text files of montage and alignment programs: a transform per tile (MET, versions 1 to 3), or a z per tile."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from rendergateway.errors import RecordError, TransformError
from rendergateway.number_text import parse_double, parse_integer
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, Transform, from_spec

__all__ = ["read_layout", "read_tile_z_values"]

_log = logging.getLogger("rendergateway")

VERSIONS = ("v1", "v2", "v3")
# Version 1: section, tile, one word, then m00 m01 m02 m10 m11 m12, which transforms have in another order.
_V1_ORDER = (3, 6, 4, 7, 5, 8)
_COUNT_AT = 2
_AFFINE_COUNT = 6


def read_layout(path: str | os.PathLike[str], version: str = "v1") -> dict[str, Transform]:
    """
    Return the transform of each tile in a layout file, in the form that ``edit.apply`` accepts.

    Parameters
    ----------
    path : str or Path
        Lines of words: section, tile id, and in version 1 one word and the rows of an affine matrix; in versions 2 and
        3 a count and so many parameters, six of `AffineModel2D` or more of `PolynomialTransform2D`. Lines with too few
        words are skipped, with a warning in the log.
    version : {'v1', 'v2', 'v3'}
        Format of the lines.

    Raises
    ------
    RecordError
        If there is no such line, a number cannot be read, or a tile id is a duplicate; the message names the line.
    ValueError
        If the version is unknown.
    OSError
        If the file cannot be read.
    """
    if version.lower() not in VERSIONS:
        raise ValueError(f"version of a layout file must be {', '.join(VERSIONS)}; got {version!r}")
    is_first = version.lower() == "v1"
    least = max(_V1_ORDER) + 1 if is_first else _COUNT_AT + 1
    changes: dict[str, Transform] = {}
    for number, words in _lines(path, least):
        where = f"line {number} of MET file {os.fspath(path)}"
        tile_id = words[1]
        if tile_id in changes:
            raise RecordError(
                f"Tile ID {tile_id} is listed more than once in MET file {os.fspath(path)}; the second reference was "
                f"found at line {number}"
            )
        parameters = [words[place] for place in _V1_ORDER] if is_first else _counted(words, where)
        kind = AffineModel2D if len(parameters) == _AFFINE_COUNT else PolynomialTransform2D
        try:
            changes[tile_id] = from_spec({"className": kind.JAVA_NAME, "dataString": " ".join(parameters)})
        except TransformError as error:
            raise RecordError(f"Failed to parse transform data from {where}: {error}") from error
    if not changes:
        raise RecordError(f"No tile information found in MET file {os.fspath(path)}.")
    return changes


def _counted(words: list[str], where: str) -> list[str]:
    try:
        count = parse_integer(words[_COUNT_AT])
    except ValueError as error:
        raise RecordError(f"Failed to parse parameter count from {where}: got {words[_COUNT_AT]!r}") from error
    if count < _AFFINE_COUNT:
        raise RecordError(f"Failed to parse parameters from {where}: parameter count {count} must be greater than 5")
    parameters = words[_COUNT_AT + 1 : _COUNT_AT + 1 + count]
    if len(parameters) < count:
        raise RecordError(
            f"Failed to parse parameters from {where}: expected {count} parameters starting at word {_COUNT_AT + 2} "
            f"but line only contains {len(words)} words"
        )
    return parameters


def read_tile_z_values(path: str | os.PathLike[str]) -> dict[float, list[str]]:
    """
    Return the tile ids of each new z in a file.

    Parameters
    ----------
    path : str or Path
        Lines of z and tile id. Lines with too few words are skipped, with a warning in the log.

    Raises
    ------
    RecordError
        If there is no such line, or a z is not a number; the message names the line.
    OSError
        If the file cannot be read.
    """
    found: dict[float, list[str]] = {}
    for number, (text, tile_id, *_) in _lines(path, 2):
        try:
            z = parse_double(text)
        except ValueError as error:
            raise RecordError(
                f"Failed to parse z value from line {number} in {os.fspath(path)}: got {text!r}"
            ) from error
        found.setdefault(z, []).append(tile_id)
    if not found:
        raise RecordError(f"No tile information found in {os.fspath(path)}.")
    return found


def _lines(path: str | os.PathLike[str], least: int) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of each line with at least so many of them."""
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if len(words) < least:
                _log.warning("skipping line %d of %s: it only contains %d words", number, os.fspath(path), len(words))
            else:
                yield number, words
