"""Files of tile specs and shared transforms: arrays, lines, resolved tiles or single specs, plain or gzipped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

import attrs

from rendergateway.errors import RecordError
from rendergateway.model.files.gzipped import unpacked
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_list, cut_object, decode_text, shown_names

__all__ = ["STANDARD_INPUT", "FoundSpec", "SpecFile", "SpecSource", "cut_specs", "read_specs", "read_text"]

STANDARD_INPUT = "-"
_Source: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

_ZIP, _BYTE_ORDER_MARK = b"PK\x03\x04", b"\xef\xbb\xbf"
_TILES, _TRANSFORMS = "tileIdToSpecMap", "transformIdToSpecMap"
_MARKS_OF_A_TILE = frozenset({"tileId", "transforms", "mipmapLevels", "layout", "minX", "width"})
_MARKS_OF_A_TRANSFORM = frozenset({"className", "dataString", "specList", "refId", "lambda"})
_MARKS_OF_A_SINGLE_SPEC = frozenset({"tileId", "transforms"}) | _MARKS_OF_A_TRANSFORM
_EXPECTED = (
    "expected an array of tile specs (objects with tileId), an array of shared transforms (objects with id), or "
    f"resolved tiles (an object with {_TILES})"
)


@attrs.frozen
class FoundSpec:
    """
    One tile spec or shared transform of a file.

    Attributes
    ----------
    file : str
        Name of the file.
    place : str
        Position in the file: "element 3".
    id : str
        Id of the tile or transform.
    text : JSON text
        Byte for byte as in the file.
    """

    file: str
    place: str
    id: str
    text: bytes | Raw = attrs.field(repr=False)

    def __str__(self) -> str:
        return f"{self.file}, {self.place}"


@attrs.frozen
class SpecFile:
    """Tile specs and shared transforms of one file, in its order."""

    name: str
    tiles: list[FoundSpec] = attrs.field(factory=list, repr=False)
    transforms: list[FoundSpec] = attrs.field(factory=list, repr=False)


# A path, JSON as bytes, a file open for reading bytes, or a file that was read.
SpecSource: TypeAlias = _Source | SpecFile


def read_specs(source: SpecSource) -> SpecFile:
    """
    Read a file of tile specs, of shared transforms, or of both.

    Parameters
    ----------
    source : str, Path, bytes, binary file or SpecFile
        Plain or gzipped, regardless of its name; ``-`` for standard input. A `SpecFile` is returned as it is.

    Raises
    ------
    RecordError
        If the file is not JSON, is truncated or contains something else; the message names file and element.
    OSError
        If the file cannot be read.
    """
    return source if isinstance(source, SpecFile) else cut_specs(read_text(source), _name_of(source))


def _name_of(source: _Source) -> str:
    if isinstance(source, bytes):
        return "the bytes given"
    if isinstance(source, str | os.PathLike):
        return "standard input" if os.fspath(source) == STANDARD_INPUT else os.fspath(source)
    return str(getattr(source, "name", "the open file"))


def read_text(source: _Source) -> bytes:
    """
    Return the text of a file, decompressed if it is gzipped.

    Parameters
    ----------
    source : str, Path, bytes or binary file
        As for `read_specs`.

    Raises
    ------
    RecordError
        If it is compressed otherwise, or the gzip data is truncated or corrupt.
    OSError
        If the file cannot be read.
    TypeError
        If an open file was opened in text mode.
    """
    content, name = _content(source), _name_of(source)
    if content.startswith(_ZIP):
        raise RecordError(f"{name} is a zip archive; expected JSON, plain or gzipped")
    return unpacked(content, name)


def _content(source: _Source) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | os.PathLike):
        return sys.stdin.buffer.read() if os.fspath(source) == STANDARD_INPUT else Path(source).read_bytes()
    content: object = source.read()
    if not isinstance(content, bytes):
        raise TypeError(f"{_name_of(source)} is open for text; open it with mode 'rb'")
    return content


def cut_specs(text: bytes, name: str) -> SpecFile:
    """
    Split the text of a file into tile specs and shared transforms, whose text is preserved.

    Parameters
    ----------
    text : bytes
        JSON: an array or lines of tile specs, transforms or both, resolved tiles, or a single spec.
    name : str
        Name of the file, for error messages.

    Raises
    ------
    RecordError
        If the text is something else.
    """
    found = SpecFile(name)
    for place, spec in _elements(text.removeprefix(_BYTE_ORDER_MARK).strip(), name):
        _sort_in(found, place, spec)
    return found


def _elements(text: bytes, name: str) -> Iterator[tuple[str, bytes | Raw]]:
    """Yield the position, for error messages, and text of each spec of a file."""
    if not text:
        raise RecordError(f"{name} is empty; {_EXPECTED}")
    if text[:1] not in (b"[", b"{"):
        raise RecordError(f"{name} is not JSON: it begins with {_begin(text)}; {_EXPECTED}")
    try:
        items = cut_list(text) if text[:1] == b"[" else None
        members = cut_object(text) if items is None else {}
    except RecordError as error:
        lines = _lines(text)
        if not lines:
            raise RecordError(f"{name} {_problem(error)}; {_EXPECTED}") from error
        yield from lines
        return
    if items is not None:
        yield from ((f"element {number}", item) for number, item in enumerate(items, 1))
    elif _TILES in members:
        yield from _resolved(members, name)
    elif members.keys() & _MARKS_OF_A_SINGLE_SPEC:
        yield "its one object", text
    else:
        raise RecordError(f"{name} contains an object of {shown_names(members)}; {_EXPECTED}")


def _lines(text: bytes) -> list[tuple[str, bytes]]:
    """Return the lines of newline-delimited JSON with their positions; none if the first is not an object."""
    first, *others = (line.strip() for line in text.split(b"\n"))
    try:
        cut_object(first)
    except RecordError:
        return []
    return [(f"line {number}", line) for number, line in enumerate([first, *others], 1) if line]


def _resolved(members: Mapping[str, Raw], name: str) -> Iterator[tuple[str, bytes | Raw]]:
    for map_name in (_TRANSFORMS, _TILES):
        text = members.get(map_name, Raw(b"{}"))
        try:
            specs = cut_object(text)
        except RecordError as error:
            raise RecordError(f"{name}, {map_name}: expected an object of specs by id: got {_begin(text)}") from error
        yield from ((f"{map_name}, {key!r}", spec) for key, spec in specs.items())


def _sort_in(found: SpecFile, place: str, text: bytes | Raw) -> None:
    where = f"{found.name}, {place}"
    try:
        members = cut_object(text)
    except RecordError as error:
        raise RecordError(f"{where}: expected a tile spec or a transform: got {_begin(text)}") from error
    if "transform" in members and "transforms" not in members:
        raise RecordError(f"{where} is a change of a tile's transforms; expected a tile spec, which has transforms")
    if members.keys() & _MARKS_OF_A_TILE:
        found.tiles.append(FoundSpec(found.name, place, _id(members, "tileId", f"{where} is a tile spec"), text))
    elif members.keys() & _MARKS_OF_A_TRANSFORM:
        found.transforms.append(FoundSpec(found.name, place, _id(members, "id", f"{where} is a transform"), text))
    else:
        raise RecordError(f"{where} is an object of {shown_names(members)}; expected a tile spec, with tileId")


def _id(members: Mapping[str, Raw], name: str, what: str) -> str:
    text = members.get(name, b"null")
    try:
        value = "" if copy_of(text) == b"null" else decode_text(text)
    except RecordError as error:
        raise RecordError(f"{what} whose {name} is {_begin(text)}; expected a string") from error
    if not value:
        raise RecordError(f"{what} without {name}; expected a non-empty string")
    return value


def _problem(error: RecordError) -> str:
    reason = str(error.__cause__)
    return "is cut short" if "truncated" in reason else f"is not JSON: {reason}"


def _begin(text: Text) -> str:
    words = " ".join(copy_of(text)[:200].decode("utf-8", "replace").split())
    return words[:30] + ("…" if len(words) > 30 else "")
