"""Whether the files that tiles name are there, and may be looked at (contract, 10.5)."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from rendergateway.model.wire import Level, Spec, TileSpec, references
from rendergateway.service.boxes import map_of
from rendergateway.service.options import Options
from rendergateway.service.refusals import IllegalArgument, NullPointer

__all__ = ["check_files", "check_tile", "check_transform", "readable_path"]


def readable_path(url: str, options: Options) -> Path | None:
    """
    Return the file that *url* names.

    None where it names none on this machine. A file outside of the folders that may be read is returned as one that
    is missing: whoever asks must not learn what else is there.
    """
    if url.startswith("file:"):
        text = "/" + unquote(url.removeprefix("file:")).lstrip("/")
    elif ":" in url.partition("/")[0]:
        return None
    else:
        text = os.path.abspath(url)
    path = Path(text)
    if options.images is None:
        return path
    real = path.resolve()
    inside = any(real.is_relative_to(root.resolve()) for root in options.images)
    return path if inside else Path(text + "\0")


def check_files(tile: TileSpec | None, options: Options) -> None:
    """
    Refuse a tile whose image or mask files cannot be used.

    Raises
    ------
    IllegalArgument
        If it names none, or one that is missing or empty.
    """
    if tile is None:
        raise NullPointer
    for levels in tile.pyramids:
        if not levels:
            name = "null" if tile.tileId is None else tile.tileId
            raise IllegalArgument(f"tile '{name}' does not contain any mipmapLevel elements")
        level = next(iter(levels.values())) or Level()
        if level.imageUrl is None:
            raise IllegalArgument("no imageUrl specified")
        _check_file("imageUrl", level.imageUrl, options)
        if level.maskUrl is not None:
            _check_file("maskUrl", level.maskUrl, options)


def _check_file(context: str, url: str, options: Options) -> None:
    path = readable_path(url, options)
    if path is None:
        return
    shown = str(path).rstrip("\0")
    if str(path) != shown or not path.is_file():
        raise IllegalArgument(f"cannot find {context} file '{shown}'")
    if not os.access(path, os.R_OK):
        raise IllegalArgument(f"{context} file '{shown}' is not readable")
    if path.stat().st_size == 0:
        raise IllegalArgument(f"{context} file '{shown}' is empty")


def check_tile(tile: TileSpec | None, options: Options) -> None:
    """Refuse a tile that cannot be drawn: its files, then its transforms."""
    check_files(tile, options)
    if tile is not None and tile.transforms is not None:
        check_transform(tile.transforms)


def check_transform(spec: Spec) -> None:
    """Refuse a transform with references left, or one that cannot be made."""
    left = [name for name in references(spec) if name is not None]
    if left:
        name = "null" if spec.id is None else spec.id
        raise IllegalArgument(f"spec '{name}' has the following unresolved references: [{', '.join(left)}]")
    map_of(spec, {})
