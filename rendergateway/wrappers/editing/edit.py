"""Editing a stack: LOADING within the block, COMPLETE after it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from rendergateway.display import plural
from rendergateway.errors import (
    ClosedGatewayError,
    ConnectionFailedError,
    NotFoundError,
    RecordError,
    RenderGatewayError,
    StaleStackError,
    TimedOutError,
    add_note,
)
from rendergateway.model.records.json_slices import Text
from rendergateway.model.records.stacks import StackRecord, StackVersion
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tile_text.edits import with_group
from rendergateway.progress import Progress, tracking
from rendergateway.transforms import Transform
from rendergateway.transport.blocks import single_attempt
from rendergateway.type_hints import resolvable_hints
from rendergateway.visible_text import visible
from rendergateway.wrappers.core.arguments import Box, as_box, as_name
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.bulk import Bulk
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.editing.batches import Batch, Batches, Validate
from rendergateway.wrappers.editing.deletions import Deletion, Removal, Tiles, named_ids
from rendergateway.wrappers.editing.sources import (
    SourcedTile,
    TileSource,
    is_ids,
    is_whole,
    listed,
    shared_text,
    shared_texts,
    texts_of,
)
from rendergateway.wrappers.editing.transform_edits import Change, referring
from rendergateway.wrappers.editing.upload import Uploader
from rendergateway.wrappers.reading.snapshot import place_in_time
from rendergateway.wrappers.reading.tiles import StackReader

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.model.files.spec_set import SpecSet
    from rendergateway.model.files.specs import SpecSource
    from rendergateway.wrappers.editing.moves import NewZ

__all__ = ["StackEdit"]

_log = logging.getLogger("rendergateway")


@resolvable_hints
class StackEdit:
    """
    A context that saves, changes and deletes tiles of a stack.

    Entering makes a COMPLETE stack LOADING; leaving makes it COMPLETE again. After an error it stays LOADING if it was
    written to; a note on the error reports the state.

    Parameters
    ----------
    stack : Bound
        The stack.
    known : StackRecord, optional
        The stack as it was last read; a stack that changed since is refused.
    bulk : Bulk
        Concurrent requests, tiles per request and progress.
    complete : bool
        Whether the stack becomes COMPLETE when the block ends without an error.
    patience_s : float
        How long to wait for an unreachable service; then unconfirmed batches are sent again.
    version : StackVersion, optional
        The next version of the stack; without one a COMPLETE stack keeps its version.

    Attributes
    ----------
    saved : int
        Tiles saved in the block so far.
    dropped : dict of str to str
        Reason for each invalid tile that was not saved, by id.

    Raises
    ------
    StaleStackError
        On entering, if the stack was changed by others since it was read; on leaving, if it was meanwhile.
    StackStateError
        On entering, if the stack is READ_ONLY or OFFLINE.

    Notes
    -----
    Entering makes one request, ``stack.read``, and ``stack.set_state`` (or ``stack.create``, for a next version) if the
    stack has to be opened. Leaving makes ``stack.read`` and ``stack.set_state``, after an error ``stack.read`` and, if
    nothing was written, ``stack.set_state``. A stack has a counter and a time of
    its openings; so concurrent edits are detected, but not what others save in a stack that stays LOADING.
    """

    def __init__(
        self,
        stack: Bound[StackKey],
        *,
        known: StackRecord | None,
        bulk: Bulk,
        complete: bool = True,
        patience_s: float = 60.0,
        version: StackVersion | None = None,
    ) -> None:
        self.saved = 0
        self.dropped: dict[str, str] = {}
        self.batch = bulk.batch
        self._stack = stack
        self._known = known
        self._bulk = bulk
        self._complete = complete
        self._patience_s = patience_s
        self._version = version
        self._number = 0
        # Number of writes to the stack when it was opened; None if this edit has not opened it.
        self._writes_before: int | None = None
        self._remarks: list[str] = []
        self._reader = StackReader.fresh(stack)

    @property
    def stack(self) -> Any:
        """The stack that is edited, a `StackWrapper`."""
        return self._stack.client.objects.wrap("stack", self._stack.key)

    def __repr__(self) -> str:
        return f"<StackEdit of {self._words}, {plural(self.saved, 'tile')} saved>"

    # Opening and closing

    def remark(self, sentence: str) -> None:
        """Add a sentence to the note on an error in the block."""
        self._remarks.append(sentence)

    def __enter__(self) -> Self:
        known, found = self._known, self._read_stack()
        if known is not None and place_in_time(known) != place_in_time(found):
            raise StaleStackError(
                f"{self._words} was changed by others since it was read: it was {_described(known)}, and is "
                f"{_described(found)}; look at it after stack.reload(), or edit it as it is now: editing(reload=True)"
            )
        self._number = found.version_number or 0
        if self._version is not None:
            _log.info("%s, %s, is opened for its next version", visible(self._words), found.state)
            self._stack.call("stack.create", body=self._version)
            self._number += 1
        elif found.state != "LOADING":
            self._stack.call("stack.set_state", state="LOADING")
            self._number += 1
            self._writes_before = self._writes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            add_note(error, self._after(error))
        elif self._complete:
            try:
                self._finish()
            except Exception as failure:
                add_note(failure, self._after(failure))
                raise

    def _finish(self) -> None:
        now = self._read_stack()
        if (now.version_number or 0) != self._number:
            raise StaleStackError(
                f"{self._words} was reopened or recreated by others during this edit: expected version "
                f"{self._number}, found {_described(now)}; it was not completed"
            )
        if now.state != "COMPLETE":
            self._stack.call("stack.set_state", state="COMPLETE")

    def _read_stack(self) -> StackRecord:
        """Read the stack from the service, ignoring caches."""
        return StackRecord.from_json(self._stack.fetch("stack.read"))

    @property
    def _writes(self) -> int:
        """Number of writes to the stack through this gateway, by whatever object."""
        return self._stack.client.objects.epoch(self._stack.key).writes

    def _after(self, error: BaseException) -> str:
        """Complete the stack again if nothing was written; return a sentence about its state after an error."""
        state, done = "was left LOADING", f"the {self.saved} tiles put before this error are stored"
        if not isinstance(error, ConnectionFailedError | TimedOutError | ClosedGatewayError):
            with contextlib.suppress(RenderGatewayError), single_attempt():
                state = self._ended(is_interrupted=not isinstance(error, Exception))
        sentences = [f"stack {self._stack.key.stack} {state}", done if self.saved else "no tile was put"]
        return "; ".join([*sentences, *self._remarks])

    def _ended(self, *, is_interrupted: bool) -> str:
        if self._writes_before == self._writes:
            with contextlib.suppress(StaleStackError):
                self._finish()
                return "is COMPLETE again"
        # After Ctrl-C no more requests are made than are needed.
        state = "LOADING" if is_interrupted else self._read_stack().state
        return "was left LOADING" if state == "LOADING" else f"is {state}"

    @property
    def _words(self) -> str:
        return f"stack {self._stack}"

    # Putting

    def put(
        self,
        tiles: TileSource,
        *,
        transforms: Mapping[str, Transform | Text] | None = None,
        boxes: str = "keep",
        validate: Validate = None,
        invalid: str = "raise",
        allow_nan: bool = False,
        progress: Progress = None,
    ) -> int:
        """
        Save tiles with the shared transforms that they refer to; existing tiles are replaced as a whole.

        Parameters
        ----------
        tiles : TileTable, ResolvedTiles, Collection or iterable of TileRecord or TileWrapper
            The tiles. Tiles of another stack, or another service, include the transforms that they refer to. All are
            checked before the first is sent, except for an iterator: only a few of its batches are in memory.
        transforms : mapping of str to Transform or JSON text, optional
            More shared transforms, by id.
        boxes : {'keep', 'service', 'local'}
            Keep bounding boxes and let the service derive missing ones; or derive all, by the service or locally.
        validate : TileLimits, WarpLimits, TileChecks, or iterable of these, optional
            Checks of the tiles; missing bounding boxes are derived locally for them.
        invalid : {'raise', 'drop'}
            What happens to tiles that *validate* rejects; dropped ones are not saved, but added to `dropped`.
        allow_nan : bool
            Whether numbers that are not finite, as of a diverged solve, are allowed. Such a tile is stored and found in
            no picture: the service derives a box at 2147483647.
        progress : bool or callable, optional
            Default: that of the edit.

        Returns
        -------
        int
            Number of tiles saved.

        Raises
        ------
        RecordError
            If a tile id is duplicate, a number is not finite, a shared transform is missing or differs from the
            stack's, a bounding box cannot be derived, or a tile is invalid. Then nothing is saved, or nothing more of
            an iterator.
        StackStateError
            If the stack is not LOADING.

        Notes
        -----
        One ``stack.save_tiles`` per batch of tiles with boxes and of tiles without; ``transform.read`` once for each
        shared transform of this stack and of the one that tiles come from.
        """
        if is_whole(tiles):
            ready = self.checked(
                tiles, transforms=transforms, boxes=boxes, validate=validate, invalid=invalid, allow_nan=allow_nan
            )
            return self.save(ready, progress=progress)
        given = shared_texts(transforms)
        batches = self.batches(boxes=boxes, validate=validate, invalid=invalid, given=given, allow_nan=allow_nan)
        return self.save(batches.of(texts_of(tiles)), progress=progress)

    def load(
        self,
        files: SpecSource | Iterable[SpecSource],
        *,
        transforms: SpecSource | Iterable[SpecSource] = (),
        z: float | None = None,
        together: bool = True,
        boxes: str = "keep",
        validate: Validate = None,
        invalid: str = "raise",
        allow_nan: bool = False,
        progress: Progress = None,
    ) -> int:
        """
        Save the tiles of files: arrays of tile specs, resolved tiles, arrays of shared transforms, plain or gzipped.

        Parameters
        ----------
        files : path, bytes or binary file, or iterable of these
            Tiles may refer to shared transforms in any of them, and in this stack.
        transforms : the same, optional
            Files of shared transforms only.
        z : float, optional
            For tiles without z.
        together : bool
            Whether the files are one set, which is checked before anything is saved. If not, each file is a set of its
            own that is checked and saved before the next one is read, in bounded memory; the last of several tiles of
            one id counts.
        boxes, validate, invalid, allow_nan, progress
            As for `put`.

        Returns
        -------
        int
            Number of tiles saved.

        Raises
        ------
        RecordError
            If an element of a file cannot be stored, or all its tiles are invalid; the message names file and element.
            Nothing is saved, or only earlier files unless *together*.
        OSError
            If a file cannot be read.
        """
        from rendergateway.wrappers.editing.files import disjoint_runs, sets_of_files

        def ready(specs: SpecSet) -> list[Batch]:
            resolved = specs.resolved(self._reader.shared.text, where=f"stack {self._stack.key.stack}")
            batches = self.checked(resolved, boxes=boxes, validate=validate, invalid=invalid, allow_nan=allow_nan)
            if not batches:
                raise RecordError(f"no tile of {next(iter(specs.tiles.values())).file} is valid; nothing to save")
            return batches

        sets = sets_of_files(files, transforms, z, together=together, allow_nan=allow_nan)
        runs = map(ready, sets) if together else disjoint_runs((set(specs.tiles), ready(specs)) for specs in sets)
        return sum(self.save(batches, progress=progress) for batches in runs)

    def checked(
        self,
        tiles: TileSource,
        *,
        transforms: Mapping[str, Transform | Text] | None = None,
        boxes: str = "keep",
        validate: Validate = None,
        invalid: str = "raise",
        may_change: bool = False,
        allow_nan: bool = False,
    ) -> list[Batch]:
        """
        Check tiles as `put` does, and return them ready for `save`; the stack need not be open.

        Parameters
        ----------
        tiles, transforms, boxes, validate, invalid, allow_nan
            As for `put`.
        may_change : bool
            Whether shared transforms may replace existing ones of the same ids.

        Raises
        ------
        RecordError
            As for `put`.
        """
        given = shared_texts(transforms)
        if isinstance(tiles, ResolvedTiles):
            given = {**tiles.transforms, **given}
        batches = self.batches(
            boxes=boxes,
            validate=validate,
            invalid=invalid,
            given=given,
            may_change=may_change,
            allow_nan=allow_nan,
        )
        return list(batches.of(texts_of(tiles)))

    def batches(
        self,
        *,
        boxes: str = "keep",
        validate: Validate = None,
        invalid: str = "raise",
        given: Mapping[str, Text] | None = None,
        may_change: bool = False,
        allow_nan: bool = False,
    ) -> Batches:
        """Return what splits tiles into batches for this stack."""
        return Batches(
            size=self.batch,
            dropped=self.dropped,
            stored=self._reader.shared.text,
            boxes=boxes,
            validate=validate,
            invalid=invalid,
            given=given,
            may_change=may_change,
            allow_nan=allow_nan,
        )

    def save(self, batches: Iterable[Batch], *, total: int | None = None, progress: Progress = None) -> int:
        """Send batches as they come; return the number of tiles saved. *total* is for the progress bar."""
        if total is None and isinstance(batches, list):
            total = sum(len(batch.tiles) for batch in batches)
        with tracking(self._bulk.progress if progress is None else progress, "Saving tiles", total) as report:
            uploader = self._uploader(report)
            try:
                return uploader.run(partial(self._send, batch) for batch in batches)
            finally:
                self.saved += uploader.acknowledged

    def _send(self, batch: Batch) -> int:
        self._stack.call("stack.save_tiles", body=batch.tiles.to_json(), derive_data=batch.derives_boxes)
        # The values just stored need not be read.
        self._reader.shared.add(batch.tiles.transforms)
        return len(batch.tiles)

    def _uploader(self, report: Callable[[int], object]) -> Uploader:
        is_there = partial(self._stack.client.call, "service.version")
        return Uploader(workers=self._bulk.workers, is_there=is_there, patience_s=self._patience_s, report=report)

    # Changing

    def apply(
        self,
        changes: Transform | Mapping[str, Transform] | tuple[Sequence[str], npt.ArrayLike],
        *,
        how: str = "append",
        source: ObjectWrapper[StackRecord] | None = None,
        sections: Any = None,
        box: Box | None = None,
        shared_id: str | None = None,
        boxes: str = "service",
        validate: Validate = None,
        invalid: str = "raise",
        allow_nan: bool = False,
        progress: Progress = None,
    ) -> int:
        """
        Change the transforms of tiles, and save the tiles in this stack.

        Parameters
        ----------
        changes : Transform, mapping of str to Transform, or (ids, array of shape (N, 2, 3))
            One transform for all tiles of the sections; or one per tile id; or affine matrices beside tile ids.
        how : str
            ``append`` it to the tile's transforms, ``prepend`` it, ``insert_before_last``, ``replace_last``,
            ``replace_all``, or ``concatenate_last``: the last transform is replaced by one affine, itself followed by
            the new one.
        source : StackWrapper, optional
            The stack to read the tiles from. Default: this stack. Other tiles are not copied.
        sections : z, SectionWrapper or iterable of these, optional
            The sections. Default: all of the source. With one transform per tile: where the tiles are, which saves
            looking them up.
        box : Bounds or (float, float, float, float), optional
            Only tiles whose stored bounding boxes touch this one, in world pixels; not with one transform per tile.
        shared_id : str, optional
            Store the transform once under this id; the tiles refer to it.
        boxes, validate, invalid, allow_nan, progress
            As for `put`.

        Returns
        -------
        int
            Number of tiles changed.

        Raises
        ------
        NotFoundError
            If a tile or a section is not in the source.
        RecordError
            As for `put`; also if a transform to concatenate is not affine, or a tile id is duplicate.
        ValueError
            If *how* is unknown, or *shared_id* or *box* is given with one transform per tile.

        Notes
        -----
        Tiles are read from the service: ``section.resolved_tiles`` per section, and for tile ids ``tile.read`` per
        section. With one transform per tile, nothing is saved before all tiles are changed; one transform for all is
        applied section by section.
        """
        change = Change.of(changes, how, shared_id)
        batches = self.batches(boxes=boxes, validate=validate, invalid=invalid, given=change.given, allow_nan=allow_nan)
        return self._change(change, batches, source, sections, box, progress)

    def remove_transforms(
        self,
        count: int = 1,
        *,
        source: ObjectWrapper[StackRecord] | None = None,
        sections: Any = None,
        box: Box | None = None,
        boxes: str = "service",
        validate: Validate = None,
        invalid: str = "raise",
        allow_nan: bool = False,
        progress: Progress = None,
    ) -> int:
        """
        Remove the last transforms of tiles, and save the tiles in this stack.

        Parameters
        ----------
        count : int
            How many of each tile, 0 or more; a nested list or a reference counts as one. A tile that has fewer loses
            all.
        source, sections, box, boxes, validate, invalid, allow_nan, progress
            As for `apply`.

        Returns
        -------
        int
            Number of tiles changed.

        Raises
        ------
        NotFoundError, RecordError
            As for `apply`.

        Notes
        -----
        As `apply` with one transform for all.
        """
        batches = self.batches(boxes=boxes, validate=validate, invalid=invalid, allow_nan=allow_nan)
        return self._change(Change.removing(count), batches, source, sections, box, progress)

    def _change(
        self,
        change: Change,
        batches: Batches,
        source: ObjectWrapper[StackRecord] | None,
        sections: Any,
        box: Box | None,
        progress: Progress,
    ) -> int:
        reader = self._reader if source is None or source._bound == self._stack else StackReader.fresh(source._bound)
        found = batches.of(change.tiles(reader, sections, as_box(box)))
        return self.save(list(found) if change.is_by_tile else found, progress=progress)

    def set_shared_transform(self, shared_id: str, transform: Transform, *, progress: Progress = None) -> int:
        """
        Replace a shared transform, and derive the bounding boxes of all tiles that refer to it.

        Parameters
        ----------
        shared_id : str
            Its id.
        transform : Transform
            The new transform.
        progress : bool or callable, optional
            As for `put`.

        Returns
        -------
        int
            Number of tiles that refer to it.

        Raises
        ------
        NotFoundError
            If no tile of the stack refers to it: a service stores shared transforms only with tiles.

        Notes
        -----
        A ``section.resolved_tiles`` per section of the stack; the tiles that refer to it are saved, their boxes derived
        by the service.
        """
        text = shared_text(shared_id, transform)
        batches = self.batches(boxes="service", given={shared_id: text}, may_change=True, allow_nan=True)
        count = self.save(batches.of(referring(self._reader, shared_id)), progress=progress)
        if not count:
            raise NotFoundError(f"no tile of {self._words} refers to a shared transform {shared_id!r}")
        return count

    def set_group(self, name: str | None, tiles: TileSource | Iterable[str]) -> int:
        """
        Move tiles to a tile group, a name that the service draws and lists tiles by.

        Parameters
        ----------
        name : str or None
            Not empty; None removes tiles from their group.
        tiles : iterable of str, or what `put` takes
            Tiles of this stack; ids are read first.

        Returns
        -------
        int
            Number of tiles moved.

        Notes
        -----
        Tiles are saved as a whole, as `put` does, with their bounding boxes.
        """
        if name is not None:
            as_name(name, "tile group")
        given = listed(tiles)
        found = self._named(list(map(str, given))) if is_ids(given) else texts_of(given)
        grouped = ((with_group(text, name), lookup) for text, lookup in found)
        return self.save(list(self.batches(allow_nan=True).of(grouped)))

    def _named(self, tile_ids: Sequence[str]) -> Iterator[SourcedTile]:
        return ((text, None) for _, text in self._reader.named(tile_ids))

    # Moving

    def move(
        self,
        z: NewZ,
        tiles: Tiles | None = None,
        *,
        sections: Any = None,
        section_ids: Iterable[str] | str | None = None,
        box: Box | None = None,
        source: ObjectWrapper[StackRecord] | None = None,
        missing: str = "raise",
        progress: Progress = None,
    ) -> int:
        """
        Move tiles to another section: single ones, or those of sections.

        Parameters
        ----------
        z : float or callable
            The new z; with sections also a function of the old one, like ``lambda z: z // 3``.
        tiles : str, TileWrapper, TileRecord or iterable of these, optional
            By id; not with the other criteria.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        section_ids : str or iterable of str, optional
            Only tiles with these section ids in their layouts.
        box : Bounds or (float, float, float, float), optional
            Only tiles whose stored bounding boxes touch this one, in world pixels.
        source : StackWrapper, optional
            Save copies of its tiles in this stack. Default: tiles of this stack.
        missing : {'raise', 'skip'}
            Whether a missing one of *tiles* is an error; nothing is moved then.
        progress : bool or callable, optional
            As for `put`.

        Returns
        -------
        int
            Number of tiles; with ``missing="skip"`` of those that were named.

        Raises
        ------
        NotFoundError
            If there are no such tiles.
        TypeError
            If the criteria cannot be combined.

        Notes
        -----
        ``section.tile_bounds`` per section, or ``stack.tile_specs`` for *tiles*; then ``section.take_tiles`` per batch.
        With *source*, tiles are read and saved as by `apply`.
        """
        from rendergateway.wrappers.editing.moves import Move

        reader = self._reader if source is None or source._bound == self._stack else StackReader.fresh(source._bound)
        if tiles is None:
            ids = [section_ids] if isinstance(section_ids, str) else section_ids
            move = Move.of_sections(reader.stack, z, sections, ids, as_box(box))
        elif (sections, section_ids, box, source) != (None, None, None, None):
            raise TypeError("tiles= cannot be combined with sections=, section_ids=, box= or source=")
        else:
            move = Move.named(self._stack, z, named_ids(tiles), missing=missing)
        if reader is not self._reader:
            return self.save(self.batches(allow_nan=True).of(move.copies(reader)), progress=progress)
        with tracking(self._bulk.progress if progress is None else progress, "Moving tiles") as report:
            uploader = self._uploader(report)
            try:
                return uploader.run(move.requests(self._stack, self.batch))
            finally:
                if uploader.acknowledged:
                    self.remark(f"{uploader.acknowledged} tiles were moved")

    # Deleting

    def delete(
        self,
        tiles: Tiles | None = None,
        *,
        sections: Any = None,
        section_ids: Iterable[str] | str | None = None,
        dry_run: bool = False,
    ) -> Removal | None:
        """
        Delete single tiles, whole sections, or the tiles with a section id.

        Parameters
        ----------
        tiles : str, TileWrapper, TileRecord or iterable of these, optional
            By id.
        sections : z, SectionWrapper or iterable of these, optional
            Whole layers.
        section_ids : str or iterable of str, optional
            All tiles with this section id in their layouts.
        dry_run : bool
            Only count what would be deleted.

        Returns
        -------
        Removal or None
            The counts of a dry run.

        Notes
        -----
        One request each: ``tile.delete``, ``section.delete``, ``section_id.delete``. A dry run makes
        ``stack.tile_specs`` per batch of tiles, ``section.tile_bounds`` and ``section_id.tile_bounds``. Deleting a
        missing tile is a no-op. Shared transforms are kept.
        """
        deletion = Deletion.of(self._stack, tiles, sections, section_ids)
        if dry_run:
            return deletion.count(self.batch)
        # A progress function counts saved tiles.
        progress = self._bulk.progress if not callable(self._bulk.progress) else False
        with tracking(progress, "Deleting") as report:
            self._uploader(report).run(deletion.requests())
        return None


def _described(record: StackRecord) -> str:
    return f"{record.state}, version {record.version_number} of {record.modified}"
