"""Files of tile specs read and written as streams: one tile at a time is in memory."""

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
from rendergateway.model.resolved import ResolvedTiles
from rendergateway.model.slices import Raw, Text, copy_of, cut_list, cut_object
from rendergateway.model.tables import Table
from rendergateway.model.tiles import TileRecord

__all__ = ["read_tiles", "write_tiles"]

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


def read_tiles(path: str | os.PathLike[str]) -> Iterator[TileRecord]:
    """
    Yield the tiles of a file, one after the other, as they were written.

    Parameters
    ----------
    path : str or Path
        A JSON array of tile specs, resolved tiles, or newline-delimited JSON (told by its content), plain or gzipped.

    Raises
    ------
    RecordError
        If the file is cut short, or an element is no tile spec; the message names the file and the element.
    OSError
        If it cannot be read.

    Notes
    -----
    Whatever the size of the file, a few megabytes of it are in memory.
    """
    name = os.fspath(path)
    with _opened(name) as file:
        for number, text in enumerate(_objects(file, name), 1):
            yield _tile(text, f"{name}, element {number}")


def write_tiles(path: str | os.PathLike[str], tiles: ResolvedTiles | Iterable[TileRecord]) -> int:
    """
    Write tiles to a file, and return how many.

    Parameters
    ----------
    path : str or Path
        Gzipped if it ends in ``.gz``. Before that, ``.ndjson`` and ``.jsonl`` mean a tile a line; else a JSON array,
        or resolved tiles where those are given. The file appears, or is replaced, when all is written.
    tiles : iterable of TileRecord, TileTable or ResolvedTiles
        Taken one by one: an iterator is never held as a whole.

    Raises
    ------
    RecordError
        If resolved tiles are to be written as lines.
    OSError
        If it cannot be written.
    """
    name = os.fspath(path)
    partial = Path(f"{name}.part")
    lines = name.removesuffix(".gz").endswith((".ndjson", ".jsonl"))
    if lines and isinstance(tiles, ResolvedTiles):
        raise RecordError(f"{name}: lines hold tiles only; expected a name in .json for resolved tiles")
    try:
        with gzip.open(partial, "wb", 6) if name.endswith(".gz") else partial.open("wb") as file:
            count = _write(cast("BinaryIO", file), tiles, lines)
        partial.replace(name)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(file: BinaryIO, tiles: ResolvedTiles | Iterable[TileRecord], lines: bool) -> int:
    if isinstance(tiles, ResolvedTiles):
        file.write(tiles.to_json())
        return len(tiles)
    texts: Iterable[Text] = tiles.texts if isinstance(tiles, Table) else (tile.to_json() for tile in tiles)
    count = 0
    for count, text in enumerate(texts, 1):
        before = b"" if lines else b"[\n" if count == 1 else b",\n"
        file.write(before + (_one_line(text) + b"\n" if lines else copy_of(text)))
    if not lines:
        file.write(b"\n]\n" if count else b"[]\n")
    return count


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


def _objects(file: BinaryIO, name: str) -> Iterator[Text]:
    """Yield the text of each tile: of an array, of lines, or of the map of resolved tiles."""
    head = file.read(max(_PIECE, _HEAD)).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    if head[:1] == b"[":
        return _elements(head[1:], file, name, b"[", b"]", _array)
    if head[:1] != b"{":
        shown = head[:30].decode("utf-8", "replace")
        raise RecordError(
            f"{name} begins with {shown!r}; expected an array of tile specs, lines of them or resolved tiles"
        )
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


def _tile(text: Text, where: str) -> TileRecord:
    try:
        members = cut_object(text)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error
    if "tileId" not in members:
        names = ", ".join(list(members)[:5]) or "nothing"
        raise RecordError(f"{where} is an object of {names}; expected a tile spec, with tileId")
    return TileRecord.from_json(text)
