"""Files of many JSON objects as streams, arrays or lines, plain or gzipped: a few megabytes at a time are in memory."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_list, cut_object
from rendergateway.model.tables.resolved import ResolvedTiles

__all__ = ["is_of_lines", "read_objects", "write_file", "write_objects"]

_PIECE = 1 << 20
_GZIP = b"\x1f\x8b"
_BLANK = b" \t\r\n"
# Between two elements stands a comma; so it does in many other places.
_MAYBE_BETWEEN = re.compile(rb"\}\s*,")
_TRIES = 100
# Enough to see what kind of file it is.
_HEAD = 256
_LARGEST = 1 << 28
_TILES = re.compile(rb'"tileIdToSpecMap"\s*:\s*\{')


def read_objects(path: str | os.PathLike[str], expected: str) -> Iterator[tuple[str, Text]]:
    """
    Yield the text of each object of a file, with the words for its place.

    Parameters
    ----------
    path : str or Path
        A JSON array, newline-delimited JSON (told by its content) or, of resolved tiles, the tiles; plain or gzipped.
    expected : str
        What the file should hold; said in messages.

    Raises
    ------
    RecordError
        If the file is something else or cut short; the message names it.
    OSError
        If it cannot be read.
    """
    name = os.fspath(path)
    with _opened(name) as file:
        for number, text in enumerate(_objects(file, name, expected), 1):
            yield f"{name}, element {number}", text


@contextmanager
def write_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file to be written, gzipped if it ends in ``.gz``; it appears, or is replaced, when all went well."""
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
    Write objects to a file, lines of them if its name says so, else an array; return how many.

    Parameters
    ----------
    path : str or Path
        Gzipped if it ends in ``.gz``; before that, ``.ndjson`` and ``.jsonl`` mean an object a line.
    texts : iterable of JSON text
        Taken one by one.

    Raises
    ------
    OSError
        If it cannot be written.
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
    """Tell whether a file's name says that it holds an object a line."""
    return os.fspath(path).removesuffix(".gz").endswith((".ndjson", ".jsonl"))


def _one_line(text: Text) -> bytes:
    # Within a JSON text, a line break stands between words only.
    return copy_of(text).replace(b"\n", b" ").replace(b"\r", b" ")


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    with Path(name).open("rb") as plain:
        packed = plain.read(2) == _GZIP
        plain.seek(0)
        try:
            yield cast("BinaryIO", gzip.open(plain)) if packed else plain  # noqa: SIM115
        except EOFError as error:
            raise RecordError(f"{name} is cut short: its gzip data ends early") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise RecordError(f"{name} has broken gzip data: {error}") from error


def _objects(file: BinaryIO, name: str, expected: str) -> Iterator[Text]:
    """Yield the text of each object: of an array, of lines, or of the map of resolved tiles."""
    head = file.read(max(_PIECE, _HEAD)).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if head[:1] == b"[":
        return _elements(head[1:], file, name, b"[", b"]", _array)
    if head[:1] != b"{":
        shown = head[:30].decode("utf-8", "replace")
        raise RecordError(f"{name} begins with {shown!r}; expected {expected}")
    if re.match(rb'\{\s*"(tile|transform)IdToSpecMap"', head) is None:
        return _lines(head, file)
    return _elements(_from_tiles_on(head, file, name), file, name, b'{"tileIdToSpecMap":{', b"}}", _map)


def _lines(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    *whole, rest = head.split(b"\n")
    last = rest + file.readline()
    lines = (line.strip(_BLANK) for line in chain(whole, [last], file))
    return (line for line in lines if line)


def _from_tiles_on(text: bytes, file: BinaryIO, name: str) -> bytes:
    """Return what follows the opening of the map of tiles, which may stand behind that of the transforms."""
    while True:
        for found in _TILES.finditer(text):
            # What stands before it is whole with one more member: so it is a member of the outermost object.
            if _is_object(text[: found.start()] + b'"":0}'):
                return text[found.end() :]
        piece = file.read(max(_PIECE, len(text)))
        if not piece:
            raise RecordError(f"{name} has no tileIdToSpecMap, or is cut short before it")
        text += piece


def _is_object(text: bytes) -> bool:
    try:
        return bool(cut_object(text))
    except RecordError:
        return False


def _array(text: bytes) -> list[Raw]:
    return cut_list(text)


def _map(text: bytes) -> list[Raw | bytes]:
    return list(ResolvedTiles.from_json(text).tiles.values())


def _elements(
    text: bytes, file: BinaryIO, name: str, opening: bytes, closing: bytes, cut: Callable[[bytes], Sequence[Text]]
) -> Iterator[Text]:
    """
    Yield the elements of an array or a map of which *text* is the beginning.

    A beginning that ends behind an element is told by this: closed, it is JSON.
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
    """Return the elements that are there as a whole, and where the next one begins."""
    for between in reversed(list(_MAYBE_BETWEEN.finditer(text))[-_TRIES:]):
        try:
            return cut(opening + text[: between.start() + 1] + closing), between.end()
        except RecordError:
            continue
    return (), 0
