"""Files of transform changes, one transform per tile, as written by solvers; read and written as streams."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.files.objects import read_objects, write_objects
from rendergateway.model.records.json_slices import (
    Raw,
    Text,
    cut_object,
    decode,
    decode_text,
    join_object,
    shown,
    shown_names,
)
from rendergateway.model.records.record import to_text
from rendergateway.transforms import Transform, from_spec

__all__ = ["read_transform_changes", "write_transform_changes"]

_EXPECTED = "an array of objects with tileId and transform, or lines of them"


def read_transform_changes(path: str | os.PathLike[str]) -> dict[str, Transform]:
    """
    Return the transform of each tile in a file, in the form that ``edit.apply`` accepts.

    Parameters
    ----------
    path : str or Path
        A JSON array of ``{tileId, transform}``, or newline-delimited JSON (detected by content), plain or gzipped.

    Raises
    ------
    RecordError
        If the file is truncated, an element is something else, a transform is malformed, or a tile id is a duplicate;
        the message names file, element and tile.
    OSError
        If the file cannot be read.
    """
    changes: dict[str, Transform] = {}
    for where, text in read_objects(path, _EXPECTED):
        tile_id, transform = _change(text, where)
        if tile_id in changes:
            raise RecordError(f"{where}: duplicate tile id {tile_id!r}; expected one transform per tile")
        changes[tile_id] = transform
    return changes


def write_transform_changes(path: str | os.PathLike[str], changes: Mapping[str, Transform]) -> int:
    """
    Write one transform per tile to a file; return their number.

    Parameters
    ----------
    path : str or Path
        Gzipped if it ends in ``.gz``. Before that, ``.ndjson`` and ``.jsonl`` mean one object per line; otherwise a
        JSON array. The file is created or replaced on success only.
    changes : mapping of str to Transform
        Transforms by tile id.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    return write_objects(
        path,
        (
            join_object({"tileId": to_text(tile_id), "transform": to_text(transform)})
            for tile_id, transform in changes.items()
        ),
    )


def _change(text: Text, where: str) -> tuple[str, Transform]:
    try:
        members = cut_object(text)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from error
    tile_id = _tile_id(members, where)
    if "transform" not in members:
        raise RecordError(f"{where}, tile {tile_id!r}: transform is missing: got {', '.join(members)}")
    try:
        return tile_id, from_spec(decode(members["transform"], dict))
    except (RecordError, TransformError) as error:
        raise RecordError(f"{where}, tile {tile_id!r}: expected a transform: {error}") from error


def _tile_id(members: Mapping[str, Raw], where: str) -> str:
    text = members.get("tileId", b"null")
    try:
        tile_id = decode_text(text)
    except RecordError:
        tile_id = ""
    if not tile_id:
        found = shown_names(members)
        raise RecordError(f"{where} is an object of {found} whose tileId is {shown(text)}; expected a non-empty string")
    return tile_id
