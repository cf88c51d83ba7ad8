"""Tile specs from files into a stack: everything is looked at before anything is sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.batch.checks import (
    checked_tile,
    checked_transform,
    has_box,
    no_box,
    references_of,
    self_contained,
)
from rendergateway.errors import BadRequestError, NotFoundError, RecordError
from rendergateway.model import ResolvedTiles
from rendergateway.model.files import FoundSpec, SpecFile, read_specs
from rendergateway.model.slices import Raw, copy_of, decode

if TYPE_CHECKING:
    from rendergateway import StackWrapper

__all__ = ["Loaded", "SpecSet", "gather_specs", "load_files", "load_specs"]


@attrs.frozen
class Loaded:
    """
    What a load did.

    Attributes
    ----------
    tile_count, transform_count : int
        Tiles saved, and shared transforms saved with them.
    z : tuple of float
        The sections that tiles went to, ascending.
    """

    tile_count: int
    transform_count: int
    z: tuple[float, ...]


@attrs.define
class SpecSet:
    """
    The tile specs and shared transforms of several files, checked one by one.

    Attributes
    ----------
    tiles, transforms : dict of str to FoundSpec
        By id, in the order of the files.
    texts : dict of str to JSON text
        What is sent of each tile.
    z : set of float
        Where the tiles lie.
    """

    tiles: dict[str, FoundSpec] = attrs.field(factory=dict)
    transforms: dict[str, FoundSpec] = attrs.field(factory=dict)
    texts: dict[str, bytes | Raw] = attrs.field(factory=dict)
    z: set[float] = attrs.field(factory=set)
    _unknown: set[str] = attrs.field(factory=set)

    def add(self, file: SpecFile, z: float | None = None) -> None:
        """
        Check and add what one file holds.

        Raises
        ------
        RecordError
            If a spec cannot be stored or its id is there already; the message names file and element, or both.
        """
        for found in file.transforms:
            self._add_transform(found)
        for found in file.tiles:
            if found.id in self.tiles:
                raise RecordError(f"tile id {found.id!r} stands twice: {self.tiles[found.id]}, and {found}")
            self.texts[found.id], tile_z = checked_tile(found, z)
            self.z.add(tile_z)
            self.tiles[found.id] = found

    def _add_transform(self, found: FoundSpec) -> None:
        if not checked_transform(found):
            self._unknown.add(found.id)
        first = self.transforms.setdefault(found.id, found)
        if copy_of(first.text) != copy_of(found.text) and decode(first.text) != decode(found.text):
            raise RecordError(f"transform id {found.id!r} stands for two transforms: {first}, and {found}")

    def resolved(self, stack: StackWrapper | None = None) -> ResolvedTiles:
        """
        Return all tiles with the shared transforms that they refer to.

        Parameters
        ----------
        stack : StackWrapper, optional
            May have shared transforms that are in none of the files.

        Raises
        ------
        RecordError
            If there is no tile, a transform that a tile refers to is nowhere, or a box can neither be kept nor derived.
        """
        if not self.tiles:
            raise RecordError("there is no tile spec in these files, so there is nothing to load")
        transforms = self_contained(self.transforms)
        for tile in self.tiles.values():
            names = references_of(tile)
            for name in sorted(names - transforms.keys()):
                transforms[name] = self._of_stack(stack, name, tile)
            if names & self._unknown and not has_box(tile):
                raise no_box(tile)
        return ResolvedTiles(dict(self.texts), transforms)

    def _of_stack(self, stack: StackWrapper | None, transform_id: str, tile: FoundSpec) -> bytes:
        sentence = f"{tile}: tile {tile.id!r} refers to the shared transform {transform_id!r}, which is in no file"
        if stack is None:
            raise RecordError(f"{sentence} that is loaded")
        try:
            return stack.shared_transforms.text(transform_id)
        except NotFoundError as error:
            raise RecordError(f"{sentence} that is loaded, nor in stack {stack}") from error


def gather_specs(paths: Iterable[str | os.PathLike[str]], *, z: float | None = None) -> SpecSet:
    """
    Read and check files of tile specs and shared transforms.

    Parameters
    ----------
    paths : iterable of path
        As `rendergateway.model.files.read_specs` takes them.
    z : float, optional
        For tiles without z.

    Raises
    ------
    RecordError
        If a file or one of its elements is not what it should be, or an id stands twice.
    OSError
        If a file cannot be read.
    """
    specs = SpecSet()
    for path in paths:
        specs.add(read_specs(path), z)
    return specs


def load_specs(
    stack: StackWrapper,
    specs: SpecSet,
    *,
    existing: str = "refuse",
    complete: bool = True,
    batch: int = 5000,
    progress: Callable[[int], object] | None = None,
) -> Loaded:
    """
    Put checked tile specs into a stack, which is made where it is missing.

    Parameters
    ----------
    stack : StackWrapper
        Where they go.
    specs : SpecSet
        As `gather_specs` reads them.
    existing : {'refuse', 'append', 'replace'}
        What to do with a stack that is there: nothing; add, tiles of the same id replaced; empty it first.
    complete : bool
        Whether the stack is COMPLETE in the end; else it is left LOADING.
    batch : int
        Tiles a request.
    progress : callable, optional
        Called with the number of tiles saved so far.

    Raises
    ------
    BadRequestError
        If the stack is there and *existing* does not say what then.
    RecordError
        If there is no tile, or a transform that a tile refers to is nowhere; nothing is stored then.

    Notes
    -----
    Boxes that are there are kept, missing ones are derived by the service.
    """
    if existing not in ("refuse", "append", "replace"):
        raise ValueError(f"a stack that is there is refused, appended to or replaced, not {existing!r}")
    is_there = stack.exists
    if is_there and existing == "refuse":
        raise BadRequestError(
            f"stack {'/'.join(stack._key)} is there already: append to it (--append) or replace what it holds "
            "(--replace)"
        )
    resolved = specs.resolved(stack if is_there and existing == "append" else None)
    if not is_there:
        stack._conn.create_stack(stack.name, owner=stack.owner.name, project=stack.project.name)
    with stack.editing(batch=batch, complete=complete) as edit:
        if is_there and existing == "replace":
            _empty(stack)
        saved = edit.put(resolved, progress=progress)
    return Loaded(saved, _referred_to(resolved), tuple(sorted(specs.z)))


def load_files(
    stack: StackWrapper, paths: Iterable[str | os.PathLike[str]], *, z: float | None = None, **options: Any
) -> Loaded:
    """Put the tile specs of files into a stack: `gather_specs`, then `load_specs` with its *options*."""
    return load_specs(stack, gather_specs(paths, z=z), **options)


def _empty(stack: StackWrapper) -> None:
    for section in stack.sections():
        section.delete()


def _referred_to(resolved: ResolvedTiles) -> int:
    return len(set().union(*(part.transforms for part in resolved.batches(len(resolved)))))
