"""Access to the image files of tiles, and their validation (contract, 10.5)."""

from __future__ import annotations

import functools
import os
import stat
from pathlib import Path

from rendergateway.local_files import LocalFile, file_path
from rendergateway.rendering.images.loaders import FILE_LOADERS
from rendergateway.rendering.images.volumes import VOLUME_LOADERS
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, NullPointer
from rendergateway.service.domain.tile_transforms import transform_of
from rendergateway.wire import Level, Spec, TileSpec, references

__all__ = ["check_files", "check_tile", "check_transform", "local_file", "prerendered"]

_NO_FOLDERS = "; this service reads no images: serve with --images FOLDER, the folder that contains it"


def local_file(url: str, options: Options) -> LocalFile | None:
    """Return the local file at *url*, which may be below the image folders only; None if it is not a local file."""
    named = file_path(url)
    if named is None:
        return None
    # Relative paths stay relative in messages: clients must not learn the working directory.
    return LocalFile(os.path.normpath(named) if named else "", _roots(options.images))


@functools.lru_cache(maxsize=8)
def _roots(images: tuple[Path, ...] | None) -> tuple[str, ...] | None:
    return None if images is None else tuple(map(os.path.realpath, images))


def check_files(tile: TileSpec | None, options: Options) -> None:
    """
    Refuse a tile with unusable image or mask files.

    Raises
    ------
    IllegalArgument
        If the tile has no image, or a file is missing, empty or unreadable.
    """
    if tile is None:
        raise NullPointer
    names = [channel and channel.name for channel in tile.channels or [None]]
    for name, levels in zip(names, tile.pyramids, strict=True):
        if not levels:
            named = f"tile '{'null' if tile.tileId is None else tile.tileId}'"
            named = named if name is None else f"channel '{name}' of {named}"
            raise IllegalArgument(f"{named} does not contain any mipmapLevel elements")
        for level in levels.values():
            _check_level(level or Level(), options)


def _check_level(level: Level, options: Options) -> None:
    if level.imageUrl is None:
        raise IllegalArgument("no imageUrl specified")
    _check_file("imageUrl", level.imageUrl, level.imageLoaderType, options)
    if level.maskUrl is not None:
        _check_file("maskUrl", level.maskUrl, level.maskLoaderType, options)


def _check_file(context: str, url: str, loader: str | None, options: Options) -> None:
    if loader is not None and loader not in FILE_LOADERS | VOLUME_LOADERS:
        # A mask has no file; the URL of an unknown loader, or a lab's, may be of any form.
        return
    # The URL of a volume has the slice as its query, and its path may be a folder.
    volume = loader in VOLUME_LOADERS
    file = local_file(url.partition("?")[0] if volume else url, options)
    if file is None:
        return
    try:
        state = file.state()
        if stat.S_ISDIR(state.st_mode) and not volume:
            raise IsADirectoryError
    except OSError as error:
        hint = "" if options.images is None or options.images else _NO_FOLDERS
        raise IllegalArgument(f"cannot find {context} file '{file}'{hint}") from error
    if not os.access(file, os.R_OK):
        raise IllegalArgument(f"{context} file '{file}' is not readable")
    if state.st_size == 0:
        raise IllegalArgument(f"{context} file '{file}' is empty")


def prerendered(root: str | None, place: str, options: Options) -> bytes | None:
    """Return a pre-rendered square or overview from a file below *root*; None if there is none."""
    file = None if root is None else local_file(f"{root.rstrip('/')}/{place}", options)
    try:
        return file.read() if file is not None else None
    except OSError:
        return None


def check_tile(tile: TileSpec | None, options: Options) -> None:
    """Refuse a tile with unusable files or transforms."""
    check_files(tile, options)
    if tile is not None and tile.transforms is not None:
        check_transform(tile.transforms)


def check_transform(spec: Spec) -> None:
    """Refuse a transform that is unresolved, malformed or of an unknown class."""
    left = ["null" if name is None else name for name in references(spec)]
    if left:
        name = "null" if spec.id is None else spec.id
        raise IllegalArgument(f"spec '{name}' has the following unresolved references: [{', '.join(left)}]")
    transform_of(spec)
