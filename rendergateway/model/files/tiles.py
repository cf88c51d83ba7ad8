"""Files of tile specs, read and written as streams of one tile at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from rendergateway.errors import RecordError
from rendergateway.model.files.objects import is_of_lines, read_objects, write_file, write_objects
from rendergateway.model.records.json_slices import Text, cut_object, shown_names
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.table import Table

__all__ = ["read_tiles", "write_tiles"]

_EXPECTED = "an array of tile specs, lines of them or resolved tiles"


def read_tiles(path: str | os.PathLike[str]) -> Iterator[TileRecord]:
    """
    Yield the tiles of a file as they were written.

    Parameters
    ----------
    path : str or Path
        A JSON array of tile specs, resolved tiles, or newline-delimited JSON (detected by content), plain or gzipped.

    Raises
    ------
    RecordError
        If the file is truncated, or an element is not a tile spec; the message names the file and the element.
    OSError
        If the file cannot be read.

    Notes
    -----
    Memory use is a few megabytes, regardless of the size of the file.
    """
    for where, text in read_objects(path, _EXPECTED):
        yield _tile(text, where)


def write_tiles(path: str | os.PathLike[str], tiles: ResolvedTiles | Iterable[TileRecord]) -> int:
    """
    Write tiles to a file; return their number.

    Parameters
    ----------
    path : str or Path
        Gzipped if it ends in ``.gz``. Before that, ``.ndjson`` and ``.jsonl`` mean one tile per line; otherwise a JSON
        array, or resolved tiles if *tiles* are. The file is created or replaced on success only.
    tiles : iterable of TileRecord, TileTable or ResolvedTiles
        Consumed one by one: an iterator is never held in memory as a whole.

    Raises
    ------
    RecordError
        If resolved tiles are to be written as lines.
    OSError
        If the file cannot be written.
    """
    if isinstance(tiles, ResolvedTiles):
        if is_of_lines(path):
            raise RecordError(f"{path}: resolved tiles cannot be written as lines; use a name in .json")
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
        raise RecordError(f"{where} is an object of {shown_names(members)}; expected a tile spec, with tileId")
    return TileRecord.from_json(text)
