"""Files of tile specs read and written as streams: one tile at a time is in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from rendergateway.errors import RecordError
from rendergateway.model.files.objects import is_of_lines, read_objects, write_file, write_objects
from rendergateway.model.records.json_slices import Text, cut_object
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.table import Table

__all__ = ["read_tiles", "write_tiles"]

_EXPECTED = "an array of tile specs, lines of them or resolved tiles"


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
    for where, text in read_objects(path, _EXPECTED):
        yield _tile(text, where)


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
    if isinstance(tiles, ResolvedTiles):
        if is_of_lines(path):
            raise RecordError(f"{path}: lines hold tiles only; expected a name in .json for resolved tiles")
        with write_file(path) as file:
            file.write(tiles.to_json())
        return len(tiles)
    return write_objects(path, tiles.texts if isinstance(tiles, Table) else (tile.to_json() for tile in tiles))


def _tile(text: Text, where: str) -> TileRecord:
    try:
        members = cut_object(text)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error
    if "tileId" not in members:
        names = ", ".join(list(members)[:5]) or "nothing"
        raise RecordError(f"{where} is an object of {names}; expected a tile spec, with tileId")
    return TileRecord.from_json(text)
