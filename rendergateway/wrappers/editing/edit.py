"""Writing into a stack: LOADING while the block runs, COMPLETE after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy.typing as npt

from rendergateway.errors import NotFoundError
from rendergateway.model.records.json_slices import Text
from rendergateway.model.tile_text.edits import with_group
from rendergateway.progress import Progress, tracking
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.arguments import as_name
from rendergateway.wrappers.editing import deletions as removing
from rendergateway.wrappers.editing import transform_edits as applying
from rendergateway.wrappers.editing.saving import TileSaving
from rendergateway.wrappers.editing.sources import (
    SourcedTile,
    TileSource,
    is_ids,
    is_whole,
    shared_text,
    shared_texts,
    texts_of,
)
from rendergateway.wrappers.reading.layers import Sections, StoredTiles

if TYPE_CHECKING:
    from rendergateway.model.files.specs import SpecSource
    from rendergateway.model.tile_text.limits import TileLimits
    from rendergateway.wrappers.editing.deletions import Removal, Tiles
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["StackEdit"]


class StackEdit(TileSaving):
    """
    A context in which tiles of a stack are put, changed and deleted.

    Entering makes a COMPLETE stack LOADING; leaving makes it COMPLETE again. After an error it stays LOADING, and a
    note on the error says so.

    Parameters are those of `TileSaving`.

    Notes
    -----
    Entering makes one request, ``stack.read``, and ``stack.set_state`` (or ``stack.create``, for a next version) where
    the stack is to be opened. Leaving makes ``stack.read`` and ``stack.set_state``.

    Raises
    ------
    StaleStackError
        On entering, if others changed the stack since it was read here; on leaving, if they did meanwhile.
    StackStateError
        On entering, if the stack is READ_ONLY or OFFLINE.
    """

    # Putting

    def put(
        self,
        tiles: TileSource,
        *,
        transforms: Mapping[str, Transform | Text] | None = None,
        boxes: str = "keep",
        validate: TileLimits | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Save tiles, those that are there already as a whole, with the shared transforms that they refer to.

        Parameters
        ----------
        tiles : TileTable, ResolvedTiles, Collection or iterable of TileRecord or TileWrapper
            What to save. Tiles of another stack, or another server, bring the transforms that they refer to. All is
            looked at before the first is sent, but for an iterator: of that a few batches are in memory.
        transforms : mapping of str to Transform or JSON text, optional
            More shared transforms, by id.
        boxes : {'keep', 'service', 'here'}
            Whether boxes that are there are kept, missing ones derived by the service; or all are derived, by the
            service or here.
        validate : TileLimits, optional
            What the boxes must keep; those that are not kept are derived here for that.
        progress : None, bool or callable, optional
            As for the whole edit, for this call.

        Returns
        -------
        int
            How many tiles were saved.

        Raises
        ------
        RecordError
            If two tiles have one id, a transform that a tile refers to is nowhere or another one than this stack's of
            that id, or a box is beyond the limits or cannot be derived; nothing is saved then, of an iterator nothing
            more.
        StackStateError
            If the stack is not LOADING.

        Notes
        -----
        One ``stack.save_tiles`` a batch of tiles with boxes and of tiles without; ``transform.read`` once for each
        shared transform, of this stack and of the one that tiles come from.
        """
        if is_whole(tiles):
            ready = self.checked(tiles, transforms=transforms, boxes=boxes, validate=validate)
            return self.save(ready, progress=progress)
        batches = self.batches(boxes=boxes, limits=validate, given=shared_texts(transforms))
        return self.save(batches.of(texts_of(tiles)), progress=progress)

    def load(
        self,
        files: SpecSource | Iterable[SpecSource],
        *,
        transforms: SpecSource | Iterable[SpecSource] = (),
        z: float | None = None,
        boxes: str = "keep",
        validate: TileLimits | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Save the tiles of files: arrays of tile specs, resolved tiles, arrays of shared transforms, plain or gzipped.

        Parameters
        ----------
        files : path, bytes or binary file, or iterable of these
            Go together: tiles find their shared transforms in any of them, and in this stack.
        transforms : the same, optional
            Files of shared transforms only.
        z : float, optional
            For tiles without z.
        boxes, validate, progress
            As in `put`.

        Returns
        -------
        int
            How many tiles were saved.

        Raises
        ------
        RecordError
            If something in a file cannot be stored; the message names file and element, and nothing is saved.
        OSError
            If a file cannot be read.
        """
        from rendergateway.model.files.spec_set import gather_specs

        specs = gather_specs(files, transforms=transforms, z=z)
        resolved = specs.resolved(self._stored.transforms.text, where=f"stack {self.stack}")
        return self.put(resolved, boxes=boxes, validate=validate, progress=progress)

    # Changing

    def apply(
        self,
        changes: Transform | Mapping[str, Transform] | tuple[Sequence[str], npt.ArrayLike],
        *,
        how: str = "append",
        source: StackWrapper | None = None,
        sections: Sections | None = None,
        shared_id: str | None = None,
        boxes: str = "service",
        validate: TileLimits | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Change the transforms of tiles, and save the tiles in this stack.

        Parameters
        ----------
        changes : Transform, mapping of str to Transform, or (ids, array of shape (N, 2, 3))
            One transform for all tiles of the sections; or one a tile, by tile id; or affine matrices beside tile ids.
        how : str
            ``append`` it behind the tile's transforms, ``prepend`` it, ``insert_before_last``, ``replace_last``,
            ``replace_all``, or ``concatenate_last``: one affine, the last one followed by the new one, takes the place
            of the last.
        source : StackWrapper, optional
            Where the tiles are read; this stack unless given. Tiles that are not named are not copied.
        sections : z, SectionWrapper or iterable of these, optional
            Which sections are meant; all of the source unless given. With one transform a tile: where the tiles lie,
            which saves looking for them.
        shared_id : str, optional
            Store the one transform once under this id; the tiles refer to it.
        boxes, validate, progress
            As in `put`.

        Returns
        -------
        int
            How many tiles were changed.

        Raises
        ------
        NotFoundError
            If a tile that is named is not in the source.
        RecordError
            As in `put`; also if a transform is to be concatenated that is not affine, or a tile is named twice.
        ValueError
            If *how* is none of these, or a shared transform is given for one tile each.

        Notes
        -----
        The tiles are read anew: a ``section.resolved_tiles`` a section, and for tiles named by id a ``tile.read`` a
        section. With one transform a tile, nothing is saved before all are changed; one transform for all goes from
        section to section.
        """
        change = applying.Change.of(changes, how, shared_id)
        tiles = change.tiles(self._stored if source in (None, self.stack) else StoredTiles(source), sections)
        batches = self.batches(boxes=boxes, limits=validate, given=change.given)
        found = batches.of(tiles)
        return self.save(list(found) if change.is_by_tile else found, progress=progress)

    def set_shared_transform(self, shared_id: str, transform: Transform, *, progress: Progress = None) -> int:
        """
        Change a shared transform, and derive the boxes of all tiles that refer to it.

        Parameters
        ----------
        shared_id : str
            Its id; kept.
        transform : Transform
            What takes its place.
        progress : None, bool or callable, optional
            As in `put`.

        Returns
        -------
        int
            How many tiles refer to it.

        Raises
        ------
        NotFoundError
            If no tile of the stack refers to it: a service stores shared transforms with tiles only.

        Notes
        -----
        A ``section.resolved_tiles`` for each section of the stack; the tiles concerned are saved, their boxes derived
        by the service.
        """
        text = shared_text(shared_id, transform)
        batches = self.batches(boxes="service", given={shared_id: text}, may_change=True)
        count = self.save(batches.of(applying.referring(self._stored, shared_id)), progress=progress)
        if not count:
            raise NotFoundError(f"no tile of {self._words} refers to a shared transform {shared_id!r}")
        return count

    def set_group(self, name: str | None, tiles: TileSource | Sequence[str]) -> int:
        """
        Give tiles a group: a name under which the service draws and lists them together.

        Parameters
        ----------
        name : str or None
            Not empty; None takes tiles out of their group.
        tiles : sequence of str, or what `put` takes
            Tiles of this stack; those named by id are read.

        Returns
        -------
        int
            How many tiles have the group now.

        Notes
        -----
        Tiles are saved as a whole, as `put` does, with the boxes that they have.
        """
        if name is not None:
            as_name(name, "tile group")
        found = self._named(tiles) if is_ids(tiles) else texts_of(tiles)  # type: ignore[arg-type]
        grouped = ((with_group(text, name), lookup) for text, lookup in found)
        return self.save(list(self.batches().of(grouped)))

    def _named(self, tile_ids: Sequence[str]) -> Iterator[SourcedTile]:
        return ((text, None) for _, text in self._stored.named(tile_ids))

    # Deleting

    def delete(
        self,
        tiles: Tiles | None = None,
        *,
        sections: Sections | None = None,
        section_ids: Iterable[str] | str | None = None,
        dry_run: bool = False,
    ) -> Removal | None:
        """
        Delete tiles: single ones, whole sections, or those that carry a section id.

        Parameters
        ----------
        tiles : str, TileWrapper, TileRecord or iterable of these, optional
            By id.
        sections : z, SectionWrapper or iterable of these, optional
            Whole layers.
        section_ids : str or iterable of str, optional
            All tiles whose layouts say so.
        dry_run : bool
            Whether only to look what would go.

        Returns
        -------
        Removal or None
            What would go, of a dry run.

        Notes
        -----
        One request each: ``tile.delete``, ``section.delete``, ``section_id.delete``. A dry run asks
        ``stack.tile_specs`` for each batch of tiles, ``section.tile_bounds`` and ``section_id.tile_bounds``. Tiles
        that are not there are as good as gone. Shared transforms stay.
        """
        plan = removing.Plan.of(self.stack, tiles, sections, section_ids)
        if dry_run:
            return plan.count(self.batch)
        # A function is told of tiles that are saved.
        progress = self._progress if not callable(self._progress) else False
        with tracking(progress, "Deleting") as tell:
            self._sending(tell).run(plan.requests())
        return None
