"""Copies of a stack: made by its service, or layer by layer to another name, project, owner or service."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeAlias

import attrs

from rendergateway.errors import (
    BadRequestError,
    NotFoundError,
    RenderGatewayError,
    StackStateError,
    StaleStackError,
    add_note,
)
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.stacks import StackRecord, StackVersion
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.edits import without_stale_box
from rendergateway.model.tile_text.outlines import outline_of
from rendergateway.number_text import double_text
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.bulk import Bulk, read_ahead
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.editing.batches import Batch, Batches
from rendergateway.wrappers.editing.derived import fill_metadata
from rendergateway.wrappers.editing.edit import StackEdit
from rendergateway.wrappers.editing.tile_changes import PreparedChanges
from rendergateway.wrappers.editing.tile_selection import TileSelection
from rendergateway.wrappers.editing.versions import new_version, still_exists
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms
from rendergateway.wrappers.reading.snapshot import place_in_time
from rendergateway.wrappers.reading.z_values import listed_z_values, z_values_of

__all__ = [
    "EXISTING",
    "Copy",
    "check_existing",
    "check_resumable",
    "clone",
    "create_like",
    "deleted_on_exit",
    "existing_z_values",
    "open_target",
    "temporary_name",
]

# z of a layer, and some of its tiles.
Piece: TypeAlias = tuple[float, ResolvedTiles]
# Treatments of an existing target: an error; its tiles are kept; its tiles in the layers that are saved are deleted.
EXISTING = ("refuse", "append", "replace")
# Characters; the service refuses request lines and headers of 8 kB together, and credentials may be long.
_LONGEST_QUERY = 4000


def existing_z_values(source: Bound[StackKey], sections: Any) -> list[float] | None:
    """
    Return z of the sections to copy, None for all; a service ignores missing ones, so they are refused.

    Raises
    ------
    NotFoundError
        If the stack does not have one of them.
    ValueError, TypeError
        As for `z_values_of`.

    Notes
    -----
    One request, ``stack.z_values``, if sections are given.
    """
    if sections is None:
        return None
    wanted, existing = z_values_of(source, sections), set(z_values_of(source, None))
    missing = [f"{z:g}" for z in wanted if z not in existing]
    if missing:
        raise NotFoundError(f"stack {source} has no section at z {', '.join(missing)}")
    return wanted


def create_like(version: StackVersion, target: Bound[StackKey], *, notes: str | None = None) -> None:
    """
    Create an empty stack with the metadata of *version*: resolution, cycle, channel, notes.

    Raises
    ------
    BadRequestError
        If the target exists.
    """
    _check_missing(target)
    target.call("stack.create", body=new_version(notes, None, of=version))


def open_target(version: StackVersion, target: Bound[StackKey], existing: str) -> None:
    """
    Create the stack of a copy, or fill in the metadata that an existing one lacks: resolution and mipmap locations.

    Parameters
    ----------
    version : StackVersion
        Metadata of the copy.
    target : Bound
        The stack.
    existing : str
        One of `EXISTING`.

    Raises
    ------
    BadRequestError
        If the stack exists and must not.
    """
    if existing == "refuse" or not still_exists(target):
        create_like(version, target)
    else:
        fill_metadata(target, StackRecord.from_json(target.fetch("stack.read")), version)


def _check_missing(target: Bound[StackKey]) -> None:
    if still_exists(target):
        raise BadRequestError(f"stack {target} exists; delete it, or use another name")


def check_existing(existing: str, source: Bound[StackKey], target: Bound[StackKey], *, resume: bool) -> None:
    """
    Check the treatment of an existing target.

    Raises
    ------
    ValueError
        If it is unknown, or combined with *resume*.
    BadRequestError
        If a stack would be copied onto itself.
    """
    if existing not in EXISTING:
        raise ValueError(f"existing must be {', '.join(map(repr, EXISTING))}: got {existing!r}")
    if resume and existing != "refuse":
        raise ValueError(f"resume=True continues a copy to a new stack; leave out existing={existing!r}")
    if existing != "refuse" and (source.key, source.client.service_id) == (target.key, target.client.service_id):
        raise BadRequestError(f"stack {source} cannot be copied onto itself; stack.editing() changes its tiles")


def check_resumable(target: Bound[StackKey]) -> None:
    """
    Check that an interrupted copy exists.

    Raises
    ------
    NotFoundError
        If it does not.
    BadRequestError
        If it is not LOADING: the copy was completed, or the stack is not a copy.
    """
    state = StackRecord.from_json(target.fetch("stack.read")).state
    if state != "LOADING":
        raise BadRequestError(
            f"stack {target} is {state}, and an interrupted copy is LOADING; delete it, or use another name"
        )


def clone(
    source: Bound[StackKey],
    target: Bound[StackKey],
    version: Callable[[], StackVersion],
    *,
    sections: Any,
    complete: bool,
    transforms: bool,
    notes: str | None,
) -> None:
    """Let the service copy a stack, whose *version* is read after the checks; see `StackWrapper.clone_to`."""
    if source.key.owner != target.key.owner:
        raise ValueError(
            f"a service clones within one owner, got {source.key.owner} and {target.key.owner}; use copy_to()"
        )
    z_values = existing_z_values(source, sections)
    _check_missing(target)
    body = new_version(notes, None, of=version())
    for number, part in enumerate(_parts_of_query(z_values)):
        try:
            source.call(
                "stack.clone",
                to_stack=target.key.stack,
                to_project=target.key.project,
                z=part,
                # The first part copies all shared transforms; the service refuses to copy them twice.
                skip_transforms=number > 0 or not transforms,
                body=body,
            )
        except RenderGatewayError as error:
            if number:
                add_note(error, f"stack {target} is incomplete; delete it before another attempt")
            raise
    if complete:
        target.call("stack.set_state", state="COMPLETE")


def _parts_of_query(z_values: list[float] | None) -> list[list[float] | None]:
    """Divide the layers of a clone among requests, because they are in the query, and URLs are limited in length."""
    if z_values is None:
        return [None]
    texts, parts, start, length = [f"z={double_text(z)}&" for z in z_values], [], 0, 0
    for place, text in enumerate(texts):
        length += len(text)
        if length > _LONGEST_QUERY:
            parts.append(z_values[start:place])
            start, length = place, len(text)
    return [*parts, z_values[start:]]


# Temporary stacks


def temporary_name(stem: str) -> str:
    """Return a unique name."""
    return f"{stem}_temporary_{os.urandom(8).hex()}"


@contextlib.contextmanager
def deleted_on_exit(stack: Bound[StackKey]) -> Iterator[None]:
    """
    Delete *stack* when the block ends, also after an error or Ctrl-C.

    Raises
    ------
    RenderGatewayError
        If it cannot be deleted; after an error in the block, that error has a note about it.
    """
    try:
        yield
    except BaseException as error:
        try:
            _delete(stack)
        except RenderGatewayError as failure:
            add_note(error, f"the temporary stack {stack} could not be deleted: {failure}")
        raise
    _delete(stack)


def _delete(stack: Bound[StackKey]) -> None:
    try:
        stack.call("stack.delete")
    except StackStateError:
        # A READ_ONLY stack is made COMPLETE first.
        stack.call("stack.set_state", state="COMPLETE")
        stack.call("stack.delete")


# Copies through this process


@attrs.define
class Copy:
    """
    A copy of tiles from one stack to another, of any service: layer by layer, a few in memory.

    Attributes
    ----------
    source, target : Bound
        The stacks.
    pieces : callable
        From z to the tiles of a layer of the source, in pieces.
    count : callable
        From a stack and z to the number of tiles of a layer.
    sections : sequence of float, optional
        The layers. Default: all.
    selection : TileSelection, optional
        The tiles. Default: all.
    changes : PreparedChanges, optional
        Changes of the tiles.
    edit : callable, optional
        From the table of a layer to the table that is saved.
    boxes : str
        As for `StackEdit.put`.
    existing : str
        One of `EXISTING`: how the tiles of the target are treated.
    is_resumable : bool
        Whether a note on an error describes how to resume.
    """

    source: Bound[StackKey]
    target: Bound[StackKey]
    pieces: Callable[[float], Iterator[ResolvedTiles]]
    count: Callable[[Bound[StackKey], float], int]
    sections: Sequence[float] | None = None
    selection: TileSelection | None = None
    changes: PreparedChanges | None = None
    edit: Callable[[TileTable], TileTable] | None = None
    boxes: str = "keep"
    existing: str = "refuse"
    is_resumable: bool = True
    _done: int = 0
    _skipped: int = 0
    _emptied: set[float] = attrs.field(factory=set)

    @property
    def _keeps_tiles(self) -> bool:
        """Whether all tiles are saved as they are."""
        return self.selection is None and self.changes is None and self.edit is None

    @property
    def _moves_z(self) -> bool:
        """Whether tiles may change their layers."""
        return self.edit is not None or (self.changes is not None and self.changes.changes.moves_z)

    def run(self, *, bulk: Bulk, complete: bool, resume: bool, patience_s: float) -> None:
        """
        Copy the layers; see `StackWrapper.copy_to`.

        Raises
        ------
        StaleStackError
            If the source was changed meanwhile.
        """
        before = self._read_source()
        z_values = z_values_of(self.source, self.sections)
        target = StackEdit(self.target, known=None, bulk=bulk, complete=complete, patience_s=patience_s)
        try:
            with target as edit:
                if resume:
                    z_values = self._remaining(z_values)
                with read_ahead(z_values, self._read, bulk.workers) as layers:
                    pieces = self._pieces_of(zip(z_values, layers, strict=True))
                    edit.save(self._batches(edit, pieces), total=self._total(before))
                self._check_source(before)
        except BaseException as error:
            if self.is_resumable:
                add_note(error, self._how_to_resume(len(z_values)))
            raise

    def _total(self, source: StackRecord) -> int | None:
        if self.sections is not None or self.selection is not None or self._skipped or source.stats is None:
            return None
        return source.stats.tile_count

    def _read(self, z: float) -> Iterable[ResolvedTiles]:
        """Return a layer; the first piece is read now, ahead of its use, and more as they are reached."""
        pieces = self.pieces(z)
        first = next(pieces, None)
        return chain([] if first is None else [first], pieces)

    def _batches(self, edit: StackEdit, pieces: Iterator[Piece]) -> Iterator[Batch]:
        if self._keeps_tiles and self.boxes == "keep":
            return _as_read(self._in_empty_layers(pieces), edit.batch)
        # The target is new, or part of a copy of this source: its shared transforms are the source's.
        given = {} if self.changes is None else self.changes.shared
        batches = edit.batches(boxes=self.boxes, given=given, may_change=True, allow_nan=True)
        return (batch for z, piece in pieces if len(piece) for batch in self._edited(z, piece, batches))

    def _pieces_of(self, layers: Iterable[tuple[float, Iterable[ResolvedTiles]]]) -> Iterator[Piece]:
        for z, layer in layers:
            yield from ((z, piece) for piece in layer)
            self._done += 1

    def _in_empty_layers(self, pieces: Iterable[Piece]) -> Iterator[ResolvedTiles]:
        for z, piece in pieces:
            self._empty([z])
            yield piece

    def _empty(self, z_values: Iterable[float]) -> None:
        """Delete the old tiles of layers that are replaced, before any new one is saved there."""
        for z in z_values:
            if self.existing == "replace" and z not in self._emptied:
                self.target.call("section.delete", z=z)
                self._emptied.add(z)

    def _edited(self, z: float, piece: ResolvedTiles, batches: Batches) -> Iterator[Batch]:
        tiles = TileTable(list(piece.tiles.values()))
        if self.selection is not None:
            tiles = self.selection.of(tiles, z)
        old = list(tiles.texts)
        new = tiles if self.changes is None else self.changes.of(tiles, z)
        if self.edit is not None:
            new = self.edit(new)
        if not isinstance(new, TileTable):
            raise TypeError(f"edit must return a TileTable, got {new!r}")
        self._empty([*([] if self._moves_z else [z]), *dict.fromkeys(new.z.tolist())])
        texts = _without_stale_boxes(piece, old, new.texts) if self.boxes == "keep" else new.texts

        shared = SharedTransforms(self.source.fetch)
        shared.add(piece.transforms)
        yield from batches.of((text, shared.text) for text in texts)

    # Resuming, and changes of the source

    def _remaining(self, z_values: Sequence[float]) -> list[float]:
        """Return the layers that are missing or incomplete in the target; all, if tiles are selected or changed."""
        if not self._keeps_tiles:
            return list(z_values)
        existing = set(listed_z_values(self.target))
        left = [z for z in z_values if z not in existing or self.count(self.target, z) != self.count(self.source, z)]
        self._skipped = len(z_values) - len(left)
        return left

    def _read_source(self) -> StackRecord:
        return StackRecord.from_json(self.source.fetch("stack.read"))

    def _check_source(self, before: StackRecord) -> None:
        if place_in_time(self._read_source()) != place_in_time(before):
            raise StaleStackError(
                f"stack {self.source} was changed by others while it was copied: stack {self.target} has parts of both "
                "states"
            )

    def _how_to_resume(self, count: int) -> str:
        done = f"{self._done} of {count} sections were copied"
        if self.existing != "refuse":
            return f"{done}; the same copy may be repeated"
        return f"{done}; the same copy_to() with resume=True continues, or delete stack {self.target.key.stack}"


def _as_read(pieces: Iterable[ResolvedTiles], size: int) -> Iterator[Batch]:
    """Yield tiles as read, small layers together, without decoding them."""
    ahead = ResolvedTiles()
    for piece in pieces:
        ahead.tiles.update(piece.tiles)
        ahead.transforms.update(piece.transforms)
        while len(ahead) >= size:
            first, ahead = _split(ahead, size)
            yield Batch(first, derives_boxes=False)
    if len(ahead):
        yield Batch(ahead, derives_boxes=False)


def _split(tiles: ResolvedTiles, size: int) -> tuple[ResolvedTiles, ResolvedTiles]:
    items = iter(tiles.tiles.items())
    first = dict(islice(items, size))
    return ResolvedTiles(first, dict(tiles.transforms)), ResolvedTiles(dict(items), dict(tiles.transforms))


def _without_stale_boxes(old: ResolvedTiles, before: Sequence[Text], texts: Sequence[Text]) -> Iterator[Text]:
    """
    Yield changed tiles, without their bounding box if it no longer fits, so that it is derived.

    *before* are the tiles that were changed, those of *old* that were selected.
    """
    for row, text in enumerate(texts):
        # A renamed tile is still in its row, unless rows were added or removed.
        former = old.tiles.get(outline_of(text).tile_id) or (before[row] if len(texts) == len(before) else None)
        yield text if former is None else without_stale_box(former, text)
