"""The tile specs and shared transforms of several files, checked as a whole before upload."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable

import attrs

from rendergateway.errors import NotFoundError, RecordError
from rendergateway.model.files.spec_checks import (
    checked_tile,
    checked_transform,
    has_box,
    no_box,
    references_of,
    self_contained,
)
from rendergateway.model.files.specs import FoundSpec, SpecFile, SpecSource, read_specs
from rendergateway.model.records.json_slices import Raw, Text, copy_of, decode
from rendergateway.model.tables.resolved import ResolvedTiles

__all__ = ["SpecSet", "gather_specs", "listed_sources"]


@attrs.define
class SpecSet:
    """
    The tile specs and shared transforms of several files, checked one by one.

    Attributes
    ----------
    tiles, transforms : dict of str to FoundSpec
        By id, in the order of the files.
    texts : dict of str to JSON text
        Text of each tile, ready for upload.
    z : set of float
        Sections of the tiles.
    allow_nan : bool
        Whether numbers that are not finite are allowed.
    """

    tiles: dict[str, FoundSpec] = attrs.field(factory=dict)
    transforms: dict[str, FoundSpec] = attrs.field(factory=dict)
    texts: dict[str, bytes | Raw] = attrs.field(factory=dict)
    z: set[float] = attrs.field(factory=set)
    allow_nan: bool = False
    # Shared transform → a class of it that cannot be applied.
    _unknown: dict[str, str] = attrs.field(factory=dict)

    def add(self, file: SpecFile, z: float | None = None) -> None:
        """
        Check and add the specs of one file.

        Raises
        ------
        RecordError
            If a spec is invalid or its id is a duplicate; the message names file and element, or both elements.
        """
        for found in file.transforms:
            self._add_transform(found)
        for found in file.tiles:
            if found.id in self.tiles:
                raise RecordError(f"duplicate tile id {found.id!r}: {self.tiles[found.id]}, and {found}")
            self.texts[found.id], tile_z = checked_tile(found, z, allow_nan=self.allow_nan)
            self.z.add(tile_z)
            self.tiles[found.id] = found

    def _add_transform(self, found: FoundSpec) -> None:
        if unknown := checked_transform(found, allow_nan=self.allow_nan):
            self._unknown[found.id] = unknown[0]
        first = self.transforms.setdefault(found.id, found)
        if copy_of(first.text) != copy_of(found.text) and decode(first.text) != decode(found.text):
            raise RecordError(f"duplicate transform id {found.id!r} with different transforms: {first}, and {found}")

    def resolved(self, stored: Callable[[str], Text] | None = None, *, where: str = "") -> ResolvedTiles:
        """
        Return all tiles with the shared transforms they refer to.

        Parameters
        ----------
        stored : callable, optional
            Returns the text of a shared transform that is in none of the files, by id; raises NotFoundError if it is
            missing.
        where : str
            Description of *stored*, for error messages.

        Raises
        ------
        RecordError
            If there is no tile, a shared transform is missing, or a bounding box is missing and cannot be derived.
        """
        if not self.tiles:
            raise RecordError("the files contain no tile spec to load")
        transforms = self_contained(self.transforms)
        for tile in self.tiles.values():
            names = references_of(tile)
            missing = [name for name in sorted(names) if name not in transforms]
            transforms |= _stored(stored, where, missing, tile)
            if (unknown := names & self._unknown.keys()) and not has_box(tile):
                raise no_box(tile, self._unknown[min(unknown)])
        return ResolvedTiles(dict(self.texts), transforms)


def _stored(
    stored: Callable[[str], Text] | None, where: str, transform_ids: list[str], tile: FoundSpec
) -> dict[str, bytes | Raw]:
    found: dict[str, bytes | Raw] = {}
    if stored is not None:
        for transform_id in transform_ids:
            with contextlib.suppress(NotFoundError):
                found[transform_id] = copy_of(stored(transform_id))
    missing = ", ".join(name for name in transform_ids if name not in found)
    if missing:
        there = f", nor in {where}" if stored is not None else ""
        raise RecordError(
            f"{tile}: tile {tile.id} requires the following transform ids [{missing}], which are in no file that is "
            f"loaded{there}"
        )
    return found


def gather_specs(
    sources: SpecSource | Iterable[SpecSource],
    *,
    transforms: SpecSource | Iterable[SpecSource] = (),
    z: float | None = None,
    allow_nan: bool = False,
) -> SpecSet:
    """
    Read and check files of tile specs and shared transforms.

    Parameters
    ----------
    sources : path, bytes or binary file, or iterable of these
        As for `rendergateway.model.files.specs.read_specs`.
    transforms : the same, optional
        Files of shared transforms only.
    z : float, optional
        Default for tiles without z.
    allow_nan : bool
        Whether numbers that are not finite are allowed.

    Raises
    ------
    RecordError
        If a file or element is invalid, or an id is a duplicate.
    OSError
        If a file cannot be read.
    """
    specs = SpecSet(allow_nan=allow_nan)
    for source in listed_sources(transforms):
        specs.add(_without_tiles(read_specs(source)))
    for source in listed_sources(sources):
        specs.add(read_specs(source), z)
    return specs


def listed_sources(sources: SpecSource | Iterable[SpecSource]) -> list[SpecSource]:
    """
    Return one source or several as a list.

    Raises
    ------
    TypeError
        If it is neither.
    """
    # An open file is an iterable of its lines.
    if isinstance(sources, str | os.PathLike | bytes | SpecFile) or hasattr(sources, "read"):
        return [sources]  # type: ignore[list-item]
    if not isinstance(sources, Iterable):
        raise TypeError(f"files are paths, bytes or open binary files, or an iterable of these: got {sources!r}")
    return list(sources)


def _without_tiles(file: SpecFile) -> SpecFile:
    if file.tiles:
        raise RecordError(f"{file.tiles[0]} is a tile spec; expected a file of shared transforms: got {file.name}")
    return file
