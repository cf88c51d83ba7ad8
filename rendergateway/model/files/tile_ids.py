"""Files of tile ids."""

from __future__ import annotations

import os

from rendergateway.errors import RecordError
from rendergateway.model.files.gzipped import opened
from rendergateway.model.records.json_slices import decode

__all__ = ["read_tile_ids"]


def read_tile_ids(path: str | os.PathLike[str]) -> list[str]:
    """
    Return the tile ids of a file, in order, each once.

    Parameters
    ----------
    path : str or path-like
        A JSON array of texts, plain or gzipped.

    Raises
    ------
    RecordError
        If the file is something else; the message names it.
    OSError
        If it cannot be read.
    """
    with opened(path) as file:
        text = file.read()
    try:
        return list(dict.fromkeys(decode(text, list[str])))
    except RecordError as error:
        raise RecordError(f"{os.fspath(path)} is not a JSON array of tile ids: {error}") from error
