"""A stack copied: by its service, or layer by layer to another name, project, owner or server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import attrs

from rendergateway.errors import BadRequestError, NotFoundError, StaleStackError, add_note
from rendergateway.model import ResolvedTiles, StackRecord
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tile_text.edits import without_stale_box
from rendergateway.progress import Progress
from rendergateway.wrappers.editing.batches import Batch, Batches
from rendergateway.wrappers.editing.edit import StackEdit
from rendergateway.wrappers.editing.sending import read_ahead
from rendergateway.wrappers.editing.versions import is_there, new_version
from rendergateway.wrappers.reading.layers import Sections, z_values_of
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms

if TYPE_CHECKING:
    from rendergateway.model import TileTable
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["Copy", "check_resumable", "chosen_z", "clone", "make_like"]


def chosen_z(source: StackWrapper, sections: Sections | None) -> list[float] | None:
    """
    Return the z of the sections that are to be copied, None for all: of others a service copies nothing, in silence.

    Raises
    ------
    NotFoundError
        If it does not have one of them.
    ValueError, TypeError
        As `z_values_of`.

    Notes
    -----
    One request, ``stack.z_values``, where sections are given.
    """
    if sections is None:
        return None
    wanted, there = z_values_of(source, sections), set(z_values_of(source, None))
    missing = [f"{z:g}" for z in wanted if z not in there]
    if missing:
        raise NotFoundError(f"{source!r} has no section at z {', '.join(missing)}; nothing was copied")
    return wanted


def make_like(source: StackWrapper, target: StackWrapper, *, notes: str | None = None) -> StackWrapper:
    """
    Make an empty stack of which the same is said as of another: resolution, cycle, channel, notes.

    Raises
    ------
    BadRequestError
        If the stack is there already.
    """
    if is_there(target):
        raise BadRequestError(f"{target!r} exists; delete it to make room, or give another name")
    target._call("stack.create", body=new_version(notes, None, of=source.version))
    return target


def check_resumable(target: StackWrapper) -> None:
    """
    Look whether a copy that broke off is there.

    Raises
    ------
    NotFoundError
        If it is not.
    BadRequestError
        If it is not LOADING: the copy came to its end, or this is no copy.
    """
    if target.reload().state != "LOADING":
        raise BadRequestError(
            f"{target!r} is {target.state}: a copy that broke off is LOADING. Delete it, or give another name"
        )


def clone(
    source: StackWrapper,
    target: StackWrapper,
    *,
    sections: Sections | None,
    complete: bool,
    transforms: bool,
    notes: str | None,
) -> StackWrapper:
    """Let the service copy a stack; see `StackChanges.clone_to`."""
    if source._key.owner != target._key.owner:
        raise ValueError(f"a service clones for one owner; copy_to copies from {source._key.owner} to another")
    z_values = chosen_z(source, sections)
    if is_there(target):
        raise BadRequestError(f"{target!r} exists; delete it to make room, or give another name")
    source._call(
        "stack.clone",
        to_stack=target.name,
        to_project=target._key.project,
        z=z_values,
        skip_transforms=not transforms,
        body=new_version(notes, None, of=source.version),
    )
    if complete:
        target._call("stack.set_state", state="COMPLETE")
    return target


@attrs.define
class Copy:
    """
    Tiles on their way from one stack to another, of whatever server: one layer after the other, a few in memory.

    Attributes
    ----------
    source, target : StackWrapper
        From where to where.
    sections : sequence of float, optional
        The z of the layers; all unless given.
    edit : callable, optional
        Makes of the table of a layer the one that is saved.
    boxes : str
        As in `StackEdit.put`.
    """

    source: StackWrapper
    target: StackWrapper
    sections: Sequence[float] | None = None
    edit: Callable[[TileTable], TileTable] | None = None
    boxes: str = "keep"
    _done: int = 0
    _skipped: int = 0

    def run(
        self, *, workers: int, batch: int, complete: bool, resume: bool, progress: Progress, patience_s: float
    ) -> None:
        """
        Copy the layers; see `StackChanges.copy_to`.

        Raises
        ------
        StaleStackError
            If the source was changed meanwhile.
        """
        before = self._version_of_source()
        z_values = z_values_of(self.source, self.sections)
        target = self.target.editing(
            workers=workers, batch=batch, complete=complete, progress=progress, patience_s=patience_s
        )
        try:
            with target as edit:
                if resume:
                    z_values = self._left(z_values)
                layers = read_ahead(z_values, self._read, workers)
                edit.save(self._batches(edit, layers), total=self._total())
                self._check_source(before)
        except BaseException as error:
            add_note(error, self._how_to_go_on(len(z_values)))
            raise

    def _total(self) -> int | None:
        return self.source.tile_count if self.sections is None and not self._skipped else None

    def _read(self, z: float) -> Iterable[ResolvedTiles]:
        """Return a layer; a large one is read in pieces when they are reached."""
        pieces = self.source.section(z)._pieces(None)
        # The first piece is read here, ahead of its use; more are read as they are reached.
        first = next(pieces, None)
        return chain([] if first is None else [first], pieces)

    def _batches(self, edit: StackEdit, layers: Iterable[Iterable[ResolvedTiles]]) -> Iterator[Batch]:
        pieces = self._pieces(layers)
        if self.edit is None and self.boxes == "keep":
            return _as_read(pieces, edit.batch)
        # The target is new, or half a copy of this source: its shared transforms are the source's.
        cutting = edit.batches(boxes=self.boxes, may_change=True)
        return (batch for piece in pieces if len(piece) for batch in self._edited(piece, cutting))

    def _pieces(self, layers: Iterable[Iterable[ResolvedTiles]]) -> Iterator[ResolvedTiles]:
        for layer in layers:
            yield from layer
            self._done += 1

    def _edited(self, piece: ResolvedTiles, cutting: Batches) -> Iterator[Batch]:
        from rendergateway.model.tables.tile_table import TileTable

        old = list(piece.tiles.values())
        new = TileTable(old) if self.edit is None else self.edit(TileTable(old))
        if not isinstance(new, TileTable):
            raise TypeError(f"edit is given a TileTable and returns one, not {new!r}")
        texts = _with_right_boxes(piece, new.texts) if self.boxes == "keep" else new.texts

        shared = SharedTransforms(self.source._text)
        shared.add(piece.transforms)
        yield from cutting.of((text, shared.text) for text in texts)

    # Going on, and the source

    def _left(self, z_values: Sequence[float]) -> list[float]:
        """Return the layers that are not there as a whole; of a copy with changes, all."""
        if self.edit is not None:
            return list(z_values)
        there = {float(z) for z in self.target._call("stack.z_values")}
        left = [z for z in z_values if z not in there or self._count(self.target, z) != self._count(self.source, z)]
        self._skipped = len(z_values) - len(left)
        return left

    @staticmethod
    def _count(stack: StackWrapper, z: float) -> int:
        return stack.section(z).tile_count

    def _version_of_source(self) -> tuple[object, ...]:
        record = StackRecord.from_json(self.source._text("stack.read"))
        return record.version_number, record.modified

    def _check_source(self, before: tuple[object, ...]) -> None:
        if self._version_of_source() != before:
            raise StaleStackError(
                f"{self.source!r} was changed by others while it was copied: {self.target!r} holds parts of both states"
            )

    def _how_to_go_on(self, count: int) -> str:
        return (
            f"{self._done} of {count} sections were read and handed on; the same copy_to with resume=True goes on, or "
            f"delete stack {self.target}"
        )


def _as_read(pieces: Iterable[ResolvedTiles], size: int) -> Iterator[Batch]:
    """Hand tiles on as they were read, small layers together: nothing in them is looked at."""
    ahead = ResolvedTiles()
    for piece in pieces:
        ahead.tiles.update(piece.tiles)
        ahead.transforms.update(piece.transforms)
        while len(ahead) >= size:
            first, ahead = _parted(ahead, size)
            yield Batch(first, derives_boxes=False)
    if len(ahead):
        yield Batch(ahead, derives_boxes=False)


def _parted(tiles: ResolvedTiles, size: int) -> tuple[ResolvedTiles, ResolvedTiles]:
    items = iter(tiles.tiles.items())
    first = dict(islice(items, size))
    return ResolvedTiles(first, dict(tiles.transforms)), ResolvedTiles(dict(items), dict(tiles.transforms))


def _with_right_boxes(old: ResolvedTiles, texts: Sequence[Text]) -> Iterator[Text]:
    """Yield changed tiles; without their box where it no longer fits, so that it is derived."""
    from rendergateway.model.tile_text.outlines import outline_of

    before = list(old.tiles.values())
    for row, text in enumerate(texts):
        # A tile that was renamed is still in its row, unless rows were added or left out.
        former = old.tiles.get(outline_of(text).tile_id) or (before[row] if len(texts) == len(before) else None)
        yield text if former is None else without_stale_box(former, text)
