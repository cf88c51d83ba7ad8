"""Whether the files that tiles name are there, and may be looked at (contract, 10.5)."""

from __future__ import annotations

import os
from pathlib import Path

from rendergateway.rendering.images.locations import file_path
from rendergateway.rendering.images.volumes import VOLUME_LOADERS
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, NullPointer
from rendergateway.service.domain.tile_transforms import transform_of
from rendergateway.wire import Level, Spec, TileSpec, references

__all__ = ["check_files", "check_tile", "check_transform", "drawn_before", "readable_path"]


def readable_path(url: str, options: Options) -> Path | None:
    """
    Return the file that *url* names.

    None where it names none on this machine. A file outside of the folders that may be read is returned as one that
    is missing: whoever asks must not learn what else is there.
    """
    named = file_path(url)
    if named is None:
        return None
    text = os.path.abspath(named)
    path = Path(text)
    # No file has a name with the character of number 0, and asking for one is an error.
    if options.images is None or "\0" in text:
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
        _check_file("imageUrl", level.imageUrl, level.imageLoaderType, options)
        if level.maskUrl is not None:
            _check_file("maskUrl", level.maskUrl, level.maskLoaderType, options)


def _check_file(context: str, url: str, loader: str | None, options: Options) -> None:
    # Behind the name of a volume stands which part of it is meant; it may be a folder.
    volume = loader in VOLUME_LOADERS
    path = readable_path(url.partition("?")[0] if volume else url, options)
    if path is None:
        return
    shown = str(path).rstrip("\0")
    if str(path) != shown or not (path.is_file() or (volume and path.is_dir())):
        raise IllegalArgument(f"cannot find {context} file '{shown}'")
    if not os.access(path, os.R_OK):
        raise IllegalArgument(f"{context} file '{shown}' is not readable")
    if path.stat().st_size == 0:
        raise IllegalArgument(f"{context} file '{shown}' is empty")


def drawn_before(root: str | None, place: str, options: Options) -> bytes | None:
    """Return the picture of a square, or an overview, that was drawn into a file below *root*; None without one."""
    path = None if root is None else readable_path(f"{root.rstrip('/')}/{place}", options)
    try:
        return path.read_bytes() if path is not None else None
    except (OSError, ValueError):
        return None


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
    transform_of(spec)
