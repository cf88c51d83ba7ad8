"""Mipmap levels of the images and masks of tiles, as files below one folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import ImageError
from rendergateway.model.records.channels import PathBuilder
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.tiles import TileRecord
from rendergateway.wrappers.core.arguments import as_count
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.images.picture import checked_kind
from rendergateway.wrappers.images.source import address_of, window_of
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.rendering import Sources

__all__ = ["MipmapFiles", "MipmapLayout", "grown_rule", "remove_mipmaps", "write_mipmaps"]


@attrs.frozen
class MipmapFiles:
    """
    The result of writing mipmap levels.

    Attributes
    ----------
    folder : Path
        The folder of the levels.
    count : int
        Number of files of the tiles.
    written : int
        Number of files that were written; the others existed.
    is_used : bool
        Whether the stack's rule for missing levels names these files now. It is not changed if it names others.
    """

    folder: Path
    count: int
    written: int
    is_used: bool


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).absolute()


@attrs.frozen
class MipmapLayout:
    """
    Which levels there are, and where.

    Attributes
    ----------
    folder : Path
        Absolute; level 2 of ``/data/a.png`` is ``FOLDER/2/data/a.png.tif``.
    first, last : int
        The levels, from 1.
    extension : str
        ``tif``, ``png`` or ``jpg``.
    """

    folder: Path = attrs.field(converter=_absolute)
    first: int
    last: int
    extension: str

    def __attrs_post_init__(self) -> None:
        if as_count(self.first, "first level") > as_count(self.last, "last level"):
            raise ValueError(f"levels must be 1 <= first <= last: got {self.first} and {self.last}")
        checked_kind(f"a.{self.extension}")

    @property
    def rule(self) -> PathBuilder:
        """The rule of a stack with these files."""
        return PathBuilder(root_path=f"{self.folder}/", level_count=self.last, extension=self.extension)

    def paths(self, level: MipmapLevel, *, mask: bool, listed: Iterable[int]) -> dict[int, Path]:
        """Return the file of each level of an image or mask, without the levels that the tile lists itself."""
        from rendergateway.rendering import Level, PathRule

        rule, address = PathRule(f"{self.folder}/", self.last, self.extension), address_of(level, mask=mask)
        numbers = [number for number in range(self.first, self.last + 1) if number not in listed]
        found = {number: rule.derived(number, Level(address))[1].image for number in numbers}
        paths = {number: Path(one.url) for number, one in found.items() if one is not None}
        if any(".." in path.parts for path in paths.values()):
            raise ImageError(
                f"image '{address.url}' would have its levels outside of {self.folder}: its path contains .."
            )
        return paths


@attrs.frozen(eq=False)
class _Job:
    """The levels of one image or mask."""

    what: str
    address: Any
    window: tuple[float, float]
    paths: dict[int, Path]

    def missing(self, *, overwrite: bool) -> dict[int, Path]:
        """Return the files to write."""
        return {number: path for number, path in self.paths.items() if overwrite or not path.exists()}


def write_mipmaps(
    client: Client, layout: MipmapLayout, tiles: Iterable[TileRecord], *, overwrite: bool, bulk: Bulk, what: str
) -> tuple[int, int]:
    """Write the levels of tiles; return the number of files, and of those that were written now."""
    from rendergateway.rendering import Sources

    # No cache: each file is read once.
    sources = Sources(image_opener(client), cache_bytes=0)
    jobs = _jobs(layout, tiles)
    written = mapped(lambda job: _write(job, sources, overwrite=overwrite), jobs, bulk, what=f"Mipmaps of {what}")
    return sum(len(job.paths) for job in jobs), sum(written)


def remove_mipmaps(layout: MipmapLayout, tiles: Iterable[TileRecord]) -> int:
    """Delete the levels of tiles; return the number of files."""
    count = 0
    for job in _jobs(layout, tiles):
        for path in job.paths.values():
            if path.exists():
                path.unlink()
                count += 1
    return count


def _jobs(layout: MipmapLayout, tiles: Iterable[TileRecord]) -> list[_Job]:
    """Return the images and masks of tiles; one that several tiles share is written once."""
    found: dict[Any, _Job] = {}
    for tile in tiles:
        for job in _jobs_of(layout, tile):
            found.setdefault((job.address, tuple(job.paths)), job)
    return list(found.values())


def _jobs_of(layout: MipmapLayout, tile: TileRecord) -> Iterator[_Job]:
    pyramids = [(channel.name, channel.mipmaps) for channel in tile.channels] or [(None, tile.mipmaps)]
    for name, pyramid in pyramids:
        what = f"tile {tile.tile_id!r}" if name is None else f"channel {name!r} of tile {tile.tile_id!r}"
        number = next(iter(pyramid), None)
        if number is None or pyramid[number].image_url is None:
            raise ImageError(f"{what} has no image")
        level, window = pyramid[number], window_of(tile, name)
        for mask in (False, True) if level.mask_url is not None else (False,):
            paths = layout.paths(level, mask=mask, listed=pyramid)
            yield _Job(what, address_of(level, mask=mask), window, paths)


def _write(job: _Job, sources: Sources, *, overwrite: bool) -> int:
    from rendergateway.rendering.images.levels import halved
    from rendergateway.rendering.output.encoding import file_bytes, write_whole
    from rendergateway.rendering.pixels.intensity import grey_in_depth

    missing = job.missing(overwrite=overwrite)
    if not missing:
        return 0
    try:
        pixels = sources.image(job.address)
    except ImageError as error:
        raise ImageError(f"{job.what}: {error}") from error
    done = 0
    for number in sorted(missing):
        pixels, done = halved(pixels, number - done), number
        if not pixels.size:
            raise ImageError(f"{job.what}: level {number} has no pixels; write fewer levels")
        path = missing[number]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, file_bytes(grey_in_depth(pixels, job.window), None, checked_kind(path)))
    return len(missing)


def grown_rule(current: PathBuilder | None, new: PathBuilder) -> tuple[PathBuilder | None, bool]:
    """
    Return the rule to store, if it must change, and whether the stack uses the files of the new one.

    A rule for other files is kept; one for the same files is replaced by one with more levels.
    """
    if current is None:
        return new, True
    if (current.root_path, current.extension) != (new.root_path, new.extension):
        return None, False
    return (new if (new.level_count or 0) > (current.level_count or 0) else None), True
