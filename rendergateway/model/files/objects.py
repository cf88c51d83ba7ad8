"""Files of many JSON objects, arrays or lines, read and written as streams with a few megabytes in memory."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from rendergateway.errors import RecordError
from rendergateway.model.files.gzipped import opened
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_list, cut_object
from rendergateway.model.tables.resolved import ResolvedTiles

__all__ = ["is_of_lines", "read_objects", "write_file", "write_objects"]

_PIECE = 1 << 20
_BLANK = b" \t\r\n"
# The separator of two elements; it also occurs elsewhere.
_MAYBE_BETWEEN = re.compile(rb"\}\s*,")
_TRIES = 100
# Bytes that suffice to detect the kind of file.
_HEAD = 256
_LARGEST = 1 << 28
_TILES = re.compile(rb'"tileIdToSpecMap"\s*:\s*\{')


def read_objects(path: str | os.PathLike[str], expected: str) -> Iterator[tuple[str, Text]]:
    """
    Yield the position, for error messages, and text of each object of a file.

    Parameters
    ----------
    path : str or Path
        A JSON array, newline-delimited JSON (detected by content), or resolved tiles, whose tiles are read; plain or
        gzipped.
    expected : str
        Description of valid content, for error messages.

    Raises
    ------
    RecordError
        If the file is truncated or something else; the message names it.
    OSError
        If the file cannot be read.
    """
    name = os.fspath(path)
    with opened(name) as file:
        for number, text in enumerate(_objects(file, name, expected), 1):
            yield f"{name}, element {number}", text


@contextmanager
def write_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing, gzipped if its name ends in ``.gz``; it is created or replaced on success only."""
    name = os.fspath(path)
    partial = Path(f"{name}.part")
    try:
        with gzip.open(partial, "wb", 6) if name.endswith(".gz") else partial.open("wb") as file:
            yield cast("BinaryIO", file)
        partial.replace(name)
    finally:
        partial.unlink(missing_ok=True)


def write_objects(path: str | os.PathLike[str], texts: Iterable[Text]) -> int:
    """
    Write objects to a file, as lines or an array depending on its name; return their number.

    Parameters
    ----------
    path : str or Path
        Gzipped if it ends in ``.gz``; before that, ``.ndjson`` and ``.jsonl`` mean one object per line.
    texts : iterable of JSON text
        Consumed one by one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    lines, count = is_of_lines(path), 0
    with write_file(path) as file:
        for count, text in enumerate(texts, 1):
            before = b"" if lines else b"[\n" if count == 1 else b",\n"
            file.write(before + (_one_line(text) + b"\n" if lines else copy_of(text)))
        if not lines:
            file.write(b"\n]\n" if count else b"[]\n")
    return count


def is_of_lines(path: str | os.PathLike[str]) -> bool:
    """Return whether a file name means one object per line."""
    return os.fspath(path).removesuffix(".gz").endswith((".ndjson", ".jsonl"))


def _one_line(text: Text) -> bytes:
    # In JSON, unescaped line breaks occur between tokens only.
    return copy_of(text).replace(b"\n", b" ").replace(b"\r", b" ")


def _objects(file: BinaryIO, name: str, expected: str) -> Iterator[Text]:
    """Yield the text of each object of an array, of lines, or of the map of resolved tiles."""
    head = file.read(max(_PIECE, _HEAD)).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if head[:1] == b"[":
        return _elements(head[1:], file, name, b"[", b"]", _array)
    if head[:1] != b"{":
        shown = head[:30].decode("utf-8", "replace")
        raise RecordError(f"{name} begins with {shown!r}; expected {expected}")
    if re.match(rb'\{\s*"(tile|transform)IdToSpecMap"', head) is None:
        return _lines(head, file, name)
    return _elements(_from_tiles_on(head, file, name), file, name, b'{"tileIdToSpecMap":{', b"}}", _map)


def _lines(head: bytes, file: BinaryIO, name: str) -> Iterator[bytes]:
    *whole, rest = head.split(b"\n")
    whole.append(rest + file.readline())
    if not _is_object(whole[0].strip(_BLANK)):
        return iter([_one_object(b"\n".join(whole), file, name)])
    lines = (line.strip(_BLANK) for line in chain(whole, file))
    return (line for line in lines if line)


def _one_object(text: bytes, file: BinaryIO, name: str) -> bytes:
    """Return the one object of a file, on several lines."""
    text = (text + file.read(_LARGEST)).strip(_BLANK)
    try:
        cut_object(text)
    except RecordError as error:
        raise RecordError(f"{name} is cut short or is not JSON: {error}") from error
    return text


def _from_tiles_on(text: bytes, file: BinaryIO, name: str) -> bytes:
    """Return the text after the opening of the map of tiles, which may follow the map of transforms."""
    while True:
        for found in _TILES.finditer(text):
            # The text before it is an object if one member is added: so this is a member of the outermost object.
            if _is_object(text[: found.start()] + b'"":0}'):
                return text[found.end() :]
        piece = file.read(max(_PIECE, len(text)))
        if not piece:
            raise RecordError(f"{name} has no tileIdToSpecMap, or is cut short before it")
        text += piece


def _is_object(text: bytes) -> bool:
    try:
        cut_object(text)
    except RecordError:
        return False
    return True


def _array(text: bytes) -> list[Raw]:
    return cut_list(text)


def _map(text: bytes) -> list[Raw | bytes]:
    return list(ResolvedTiles.from_json(text).tiles.values())


def _elements(
    text: bytes, file: BinaryIO, name: str, opening: bytes, closing: bytes, cut: Callable[[bytes], Sequence[Text]]
) -> Iterator[Text]:
    """
    Yield the elements of an array or a map that starts with *text*.

    A prefix that ends after an element is detected by closing it: the result is valid JSON.
    """
    while piece := file.read(max(_PIECE, len(text))):
        if len(text) > _LARGEST:
            raise RecordError(f"{name}: no element ends within {len(text)} bytes; expected JSON")
        elements, done = _whole_elements(text, opening, closing, cut)
        yield from elements
        text = text[done:] + piece
    try:
        elements = cut(opening + text)
    except RecordError as error:
        raise RecordError(f"{name} is cut short or is not JSON: {error}") from error
    yield from elements


def _whole_elements(
    text: bytes, opening: bytes, closing: bytes, cut: Callable[[bytes], Sequence[Text]]
) -> tuple[Sequence[Text], int]:
    """Return the complete elements, and the start of the next one."""
    for between in reversed(list(_MAYBE_BETWEEN.finditer(text))[-_TRIES:]):
        try:
            return cut(opening + text[: between.start() + 1] + closing), between.end()
        except RecordError:
            continue
    return (), 0
