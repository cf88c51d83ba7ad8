"""Stacks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rendergateway.errors import ImageError, NotFoundError, StackStateError
from rendergateway.geometry import Bounds
from rendergateway.model.records.channels import PathBuilder
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.stacks import SectionRecord, StackRecord, StackStats, StackVersion
from rendergateway.number_text import double_text
from rendergateway.progress import Progress, tracking
from rendergateway.visible_text import visible
from rendergateway.wrappers.core import labels
from rendergateway.wrappers.core.arguments import (
    Box,
    ZRange,
    as_box,
    as_client,
    as_count,
    as_name,
    as_names,
    as_part,
    as_state,
    as_z,
    as_z_range,
    check_kind,
    check_new_name,
    kind_of,
)
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.epochs import fact
from rendergateway.wrappers.core.keys import (
    Key,
    OwnerKey,
    ProjectKey,
    SectionKey,
    StackKey,
    TileGroupKey,
    TileKey,
    TransformKey,
    keys_below,
)
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.object import ObjectWrapper, changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.editing.versions import KEEP, check_names, new_version, update_one
from rendergateway.wrappers.objects.owner import OwnerWrapper, ProjectWrapper, stack_key
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms, TransformCache
from rendergateway.wrappers.reading.snapshot import StackVersionCheck
from rendergateway.wrappers.reading.z_values import listed_z_values, unless_missing, z_values_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Unpack

    from rendergateway.alignment.clusters import Clusters
    from rendergateway.alignment.solve_options import SolveKeywords
    from rendergateway.batch.residuals import StackResiduals
    from rendergateway.batch.solve import Solved
    from rendergateway.links import Target
    from rendergateway.model.records.render_parameters import RenderParameters
    from rendergateway.model.records.tiles import TileRecord
    from rendergateway.model.tables.coordinates import CoordinateTable
    from rendergateway.model.tables.row_table import RowTable
    from rendergateway.model.tables.tile_table import TileTable
    from rendergateway.model.tile_text.validators import TileValidator
    from rendergateway.wrappers.core.bound import Client
    from rendergateway.wrappers.core.bulk import Bulk
    from rendergateway.wrappers.editing.batches import Validate
    from rendergateway.wrappers.editing.cluster_edits import ClusterSplit
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.editing.edit import StackEdit
    from rendergateway.wrappers.editing.tile_changes import TileChanges
    from rendergateway.wrappers.editing.tile_selection import TileSelection
    from rendergateway.wrappers.editing.warping import Warped
    from rendergateway.wrappers.images.boxes import BoxFiles
    from rendergateway.wrappers.images.export import Exported
    from rendergateway.wrappers.images.mipmaps import MipmapFiles
    from rendergateway.wrappers.images.options import PictureKeywords, PictureOptions
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.matching.clusters import ClusterReader
    from rendergateway.wrappers.matching.pairs import PairReading
    from rendergateway.wrappers.matching.tile_pairs import TilePairs
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.shared_transform import SharedTransformWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper
    from rendergateway.wrappers.objects.tile_group import TileGroupWrapper
    from rendergateway.wrappers.reading.splitting import TileQuery
    from rendergateway.wrappers.reading.tiles import StackReader

__all__ = ["StackWrapper", "rows_by_z"]


@add_base
class StackWrapper(ObjectWrapper[StackRecord]):
    """
    One version of the geometry of a dataset: sections of tiles, each with the transforms that place it.

    Notes
    -----
    State, version and statistics are included in any listing of stacks, else read with one request, ``stack.read``.
    Methods with *workers*, *batch* and *progress* use the defaults of the gateway, see `Bulk`.
    """

    __slots__ = ()
    KIND = "stack"
    CHILD_KIND = "section"
    RECORD = StackRecord
    MARSHALLED: ClassVar[Sequence[str]] = (
        "state",
        "modified",
        "resolution_nm",
        "tile_count",
        "section_count",
        "bounds",
    )

    _key: StackKey

    # Names

    @property
    def owner(self) -> OwnerWrapper:
        """The owner. No request."""
        owner: OwnerWrapper = self._parent("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def project(self) -> ProjectWrapper:
        """The project. No request."""
        return self._project

    @property
    def _project(self) -> ProjectWrapper:
        project: ProjectWrapper = self._parent("project", ProjectKey(self._key.owner, self._key.project))
        return project

    @property
    def parent(self) -> ProjectWrapper:
        """The project."""
        return self._project

    def __repr__(self) -> str:
        state = f" {self._record.state}" if self._record is not None and not self._held[0].is_over else ""
        return visible(f"<{type(self).__name__} {'/'.join(self._key)}{state}>")

    # Facts

    @fact
    def state(self) -> str:
        """LOADING, COMPLETE, READ_ONLY or OFFLINE."""
        return self._obj.state

    @fact
    def modified(self) -> datetime | None:
        """Time of the last change of state or version, in UTC with time zone."""
        return self._obj.modified

    @fact
    def version(self) -> StackVersion:
        """Notes, cycle and resolution of the current version."""
        return self._version

    @property
    def _version(self) -> StackVersion:
        return self._obj.version or StackVersion()

    @fact
    def version_number(self) -> int | None:
        """Version counter, incremented on creation and each reopening."""
        return self._obj.version_number

    @fact
    def resolution_nm(self) -> tuple[float | None, float | None, float | None]:
        """Nanometres per pixel (x, y) and section thickness; None if not set."""
        return self._resolution_nm

    @property
    def _resolution_nm(self) -> tuple[float | None, float | None, float | None]:
        version = self._version
        return version.resolution_x_nm, version.resolution_y_nm, version.resolution_z_nm

    @fact
    def stats(self) -> StackStats | None:
        """Statistics made when the stack became COMPLETE; None while it is LOADING."""
        return self._obj.stats

    @fact
    def bounds(self) -> Bounds | None:
        """Bounding box of all tiles, with z; None while the stack is LOADING."""
        return self._bounds

    @property
    def _bounds(self) -> Bounds | None:
        stats = self._obj.stats
        return stats.stack_bounds.bounds if stats is not None and stats.stack_bounds is not None else None

    @fact
    def tile_count(self) -> int | None:
        """Number of tiles; None while the stack is LOADING."""
        stats = self._obj.stats
        return stats.tile_count if stats is not None else None

    @fact
    def section_count(self) -> int | None:
        """Number of sections; None while the stack is LOADING."""
        stats = self._obj.stats
        return stats.section_count if stats is not None else None

    @property
    def state_label(self) -> str:
        """The state for display: ``Complete``, ``Read only``. Requests as `state`."""
        return labels.state_label(self.state)

    @property
    def css_class(self) -> str:
        """CSS classes for kind and state: ``stack read-only``. Requests as `state`."""
        return labels.css_class(self.KIND, self.state)

    @property
    def resolution_text(self) -> str | None:
        """The resolution for display, ``4 × 4 × 40 nm``; None if it is not set. Requests as `resolution_nm`."""
        return labels.resolution_text(self.resolution_nm)

    # Sections and tiles

    def sections(self, z: ZRange = None) -> Collection[SectionWrapper]:
        """
        Return the sections of this stack, ordered by z.

        Parameters
        ----------
        z : (float, float) or float, optional
            First and last z, both included; None for an open end. Default: all.

        Notes
        -----
        No request now; one, ``stack.z_values``, when the collection is first read.
        """
        low, high = as_z_range(z)
        values = {name: value for name, value in (("min_z", low), ("max_z", high)) if value is not None}

        def load() -> Listing:
            z_values = listed_z_values(self._bound, **values)
            return Listing(z_values, keys_below(SectionKey, *self._key))

        cached = self._children if z is None else self._selection
        sections: Collection[SectionWrapper] = cached("section", f"sections{_z_words(low, high)}", load)
        return sections

    def section(self, z: float | None = None, *, section_id: str | None = None) -> SectionWrapper:
        """
        Return a section.

        Parameters
        ----------
        z : float, optional
            Its position.
        section_id : str, optional
            Section id in the layouts of its tiles; if they are in several layers, one of them.

        Raises
        ------
        NotFoundError
            If no tile has that section id, or the first one has no z.
        TypeError
            If both or none are given, or *z* is not a number.
        ValueError
            If *z* is not finite.

        Notes
        -----
        By *z* no request; existence is not checked. By *section_id* one, ``section_id.z``, once.
        """
        if (z is None) == (section_id is None):
            raise TypeError("pass z or section_id=, one of them")
        if z is None:
            name = as_name(section_id, "section id")
            z = self._remembered(("z of", name), lambda: self._bound.call("section_id.z", section_id=name))
            if z is None:
                raise NotFoundError(f"section {name!r} has no z: that of its first tile is missing")
        return self._section(as_z(z))

    def _section(self, z: float) -> SectionWrapper:
        section: SectionWrapper = self._child("section", SectionKey(*self._key, z))
        return section

    def tiles(
        self,
        *,
        z: ZRange = None,
        box: Box | None = None,
        section_id: str | None = None,
        pattern: str | None = None,
    ) -> Collection[TileWrapper]:
        """
        Return tiles of this stack, ordered by id. Default: all.

        Parameters
        ----------
        z : float or (float, float), optional
            A section, or first and last z; None for an open end.
        box : Bounds or (float, float, float, float), optional
            Tiles whose bounding boxes touch this one, in world pixels.
        section_id : str, optional
            Tiles with this section id in their layouts; not with other criteria.
        pattern : str, optional
            Regular expression of the service, searched in the ids; not with *box*.

        Raises
        ------
        TypeError
            If the criteria cannot be combined, or are of wrong types.
        ValueError
            If *z* is not finite, or *box* is empty.
        NotFoundError
            When the collection is read, if the stack does not exist.

        Notes
        -----
        No request now. When the collection is first read: for one section ``section.resolved_tiles``; by *box*, for a
        range of z or the whole stack ``stack.resolved_tiles``; by *section_id* ``section_id.tile_bounds`` and
        ``section.resolved_tiles``; by *pattern* ``stack.tile_ids``, and each tile loads itself (``prefetch`` loads
        all). Queries that are too broad for the service are split. If nothing is found, ``stack.read`` distinguishes an
        empty result from a missing stack.
        """
        from rendergateway.wrappers.reading.splitting import TileQuery

        low, high = as_z_range(z)
        within = as_box(box)
        if section_id is not None:
            if z is not None or box is not None or pattern is not None:
                raise TypeError("section_id= cannot be combined with other criteria; use filter() on its result")
            name = as_name(section_id, "section id")
            return self._tiles(f"with section id {name}", lambda: self._reader.section_id_listing(name))
        if pattern is not None:
            if box is not None:
                raise TypeError("the service cannot combine pattern= and box=; use filter() on the result of one")
            what = f"matching {pattern!r}{_z_words(low, high)}"
            return self._tiles(what, lambda: self._reader.pattern_listing(pattern, (low, high)))
        if box is None and low is not None and low == high:
            return self._section(low)._tiles()
        return self._query(TileQuery((low, high), within))

    def _query(self, query: TileQuery) -> Collection[TileWrapper]:
        box = "" if query.box is None else f"in {tuple(query.box)}"
        return self._tiles(f"{box}{_z_words(*query.z)}", lambda: self._reader.query_listing(query))

    def _tiles(self, what: str, load: Callable[[], Listing]) -> Collection[TileWrapper]:
        tiles: Collection[TileWrapper] = self._selection("tile", f"tiles {what.strip()}".strip(), load)
        return tiles

    def iter_tiles(self, *, z: ZRange = None, batch: int | None = None) -> Iterator[TileWrapper]:
        """
        Yield the tiles of any number of sections, section by section, in bounded memory.

        Parameters
        ----------
        z : (float, float) or float, optional
            As for `sections`.
        batch : int, optional
            As for `SectionWrapper.iter_tiles`.

        Notes
        -----
        ``stack.z_values``; then per section as `SectionWrapper.iter_tiles`.
        """
        for section in StackWrapper.sections(self, z):
            yield from section._iter_tiles(batch)

    def tile(self, tile_id: str) -> TileWrapper:
        """Return the tile with that id. No request; existence is not checked."""
        return self._tile(as_name(tile_id, "tile"))

    def _tile(self, tile_id: str) -> TileWrapper:
        tile: TileWrapper = self._child("tile", TileKey(*self._key, tile_id))
        return tile

    def tile_group(self, name: str) -> TileGroupWrapper:
        """Return the tile group of that name. No request; existence is not checked."""
        group: TileGroupWrapper = self._child("tile_group", TileGroupKey(*self._key, as_name(name, "tile group")))
        return group

    def tile_groups(self) -> Collection[TileGroupWrapper]:
        """
        Return the tile groups of this stack, ordered by name.

        Notes
        -----
        The service does not list groups: when the collection is first read, all tiles are, as by `iter_tiles`.
        """

        def load() -> Listing:
            pieces = (piece for section in StackWrapper.sections(self) for piece in section._pieces(None))
            return Listing(self._reader.group_names(pieces), keys_below(TileGroupKey, *self._key))

        groups: Collection[TileGroupWrapper] = self._children("tile_group", "tile groups", load)
        return groups

    def shared_transform(self, transform_id: str) -> SharedTransformWrapper:
        """Return the shared transform with that id. No request; existence is not checked."""
        key = TransformKey(*self._key, as_name(transform_id, "shared transform"))
        transform: SharedTransformWrapper = self._child("transform", key)
        return transform

    @property
    def shared_transforms(self) -> SharedTransforms:
        """The transforms stored once for many tiles, by id; each is read on first use, and again after a write."""
        return self._shared_transforms

    @property
    def _shared_transforms(self) -> SharedTransforms:
        return SharedTransforms(self._bound.fetch, self._transform_cache)

    def _transform_cache(self) -> TransformCache:
        cache: TransformCache = self._remembered("shared transforms", TransformCache)
        return cache

    def _shared_text(self, transform_id: str) -> bytes:
        # The transforms are those of the present epoch, whenever this method was bound.
        return self._shared_transforms.text(transform_id)

    def children(self) -> Collection[SectionWrapper]:
        """Return the sections."""
        return self.sections()

    @property
    def _reader(self) -> StackReader:
        from rendergateway.wrappers.reading.tiles import StackReader

        # The cache of now: what a request returns that was made before a write is not kept after it.
        cache = self._transform_cache()
        return StackReader(self._bound, SharedTransforms(self._bound.fetch, lambda: cache))

    # Coordinates

    def world_from_local(
        self, tile_ids: str | Sequence[str], points: npt.ArrayLike, *, compute: str = "local", frame: str = "raw"
    ) -> CoordinateTable:
        """
        Transform points of many tiles into the world.

        Parameters
        ----------
        tile_ids : sequence of str, or str
            The tile of each point, or of all.
        points : array_like, shape (N, 2)
            x, y in local pixels of the tiles.
        compute, frame
            As for `TileWrapper.world_from_local`.

        Returns
        -------
        CoordinateTable
            One row per point, in order: x and y in world pixels, z of the tile, or the error.

        Raises
        ------
        NotFoundError
            If the stack does not exist.
        ValueError
            If the numbers of tile ids and points differ.

        Notes
        -----
        Locally: one request, ``stack.tile_specs``, per 50 000 tiles. By the service:
        ``coordinate.batch_world_from_local`` per 25 000 points. If all points failed, ``stack.read``.
        """
        from rendergateway.wrappers.coordinates import locate

        return locate.world_from_local(self._bound, tile_ids, points, compute, frame)

    def local_from_world(
        self,
        tile_ids: str | Sequence[str],
        points: npt.ArrayLike,
        *,
        compute: str = "local",
        method: str = "exact",
        frame: str = "raw",
    ) -> CoordinateTable:
        """
        Transform points of the world, each into its named tile; `SectionWrapper.locate` finds the tiles.

        Parameters
        ----------
        tile_ids : sequence of str, or str
            The tile of each point, or of all.
        points : array_like, shape (N, 2)
            x, y in world pixels.
        compute, method, frame
            As for `TileWrapper.local_from_world`.

        Returns
        -------
        CoordinateTable
            One row per point, in order: x and y in local pixels of its tile, or the error.

        Raises
        ------
        NotFoundError
            If the stack does not exist.
        ValueError
            If the numbers of tile ids and points differ.

        Notes
        -----
        One request, ``stack.tile_specs``, per 50 000 tiles. By the service also
        ``coordinate.batch_local_from_world`` per 25 000 points. If all points failed, ``stack.read``.
        """
        from rendergateway.wrappers.coordinates import locate

        return locate.local_from_world(self._bound, tile_ids, points, compute, method, frame)

    def locate(
        self, points: npt.ArrayLike, z: npt.ArrayLike, *, compute: str = "local", method: str = "mesh"
    ) -> CoordinateTable:
        """
        Find the tiles under points of the world, in any sections.

        Parameters
        ----------
        points : array_like, shape (N, 2)
            x, y in world pixels.
        z : float or array_like, shape (N,)
            The section of all points, or of each.
        compute, method
            As for `SectionWrapper.locate`, which lists all tiles of its section.

        Returns
        -------
        CoordinateTable
            As from `SectionWrapper.locate`.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        Locally: ``coordinate.tile_ids`` per 25 000 points and ``stack.tile_specs`` per 50 000 tiles. By the service:
        ``coordinate.batch_local_from_world`` per 25 000 points. If all points failed, ``stack.read``.
        """
        from rendergateway.wrappers.coordinates import locate

        return locate.locate_in_stack(self._bound, points, z, compute, method)

    def world_from(
        self,
        other: StackWrapper | SectionWrapper,
        points: npt.ArrayLike,
        *,
        z: npt.ArrayLike | None = None,
        compute: str = "local",
    ) -> CoordinateTable:
        """
        Transform points of another stack's world into the world of this one, through the tiles that show them there.

        Parameters
        ----------
        other : SectionWrapper or StackWrapper
            The origin of the points; it may belong to another project, owner or service.
        points : array_like, shape (N, 2)
            x, y in world pixels of *other*.
        z : float or array_like, shape (N,)
            With a stack: the section of all points, or of each.
        compute : {'local', 'service'}
            Where the points are transformed.

        Returns
        -------
        CoordinateTable
            One row per point, in order: the tile that shows it, x, y and z in this stack, or the error.

        Raises
        ------
        NotFoundError
            If a stack does not exist.
        TypeError
            If there is no z, or one with a section.

        Notes
        -----
        `SectionWrapper.locate` or `locate`, then `world_from_local`.
        """
        from rendergateway.geometry import as_points
        from rendergateway.wrappers.coordinates import locate

        own_z = other._key.z if kind_of(other) == "section" else None  # type: ignore[union-attr]
        if own_z is None:
            check_kind(other, "stack", "other")
        given = own_z if z is None else z
        if given is None or (own_z is not None and z is not None):
            raise TypeError("pass a section, or a stack and z=, the section of all points or of each")
        if own_z is not None:
            located = locate.locate(other._bound, points, other._located_tiles, compute)  # type: ignore[union-attr]
        else:
            located = locate.locate_in_stack(other._bound, points, given, compute)
        return locate.through_tiles(self._bound, located, len(as_points(points).reshape(-1, 2)), compute)

    # Editing

    @changes_data
    def editing(
        self,
        *,
        workers: int | None = None,
        batch: int | None = None,
        complete: bool = True,
        reload: bool = False,
        progress: Progress = None,
        patience_s: float = 60.0,
    ) -> StackEdit:
        """
        Return a context for saving, changing and deleting tiles of this stack.

        Parameters
        ----------
        workers, batch, progress : optional
            Concurrent requests, tiles per request, and progress.
        complete : bool
            Whether the stack becomes COMPLETE when the block ends. After an error it stays LOADING if anything was
            written; a note on the error reports the state.
        reload : bool
            Edit the stack as it is on entering, whatever others changed since it was read.
        patience_s : float
            How long to wait for an unreachable service; then unconfirmed batches are sent again.

        Raises
        ------
        StaleStackError
            On entering, if others changed the stack since it was read, unless it is reloaded; on leaving, if they did
            meanwhile.

        Notes
        -----
        As `StackEdit`.
        """
        bulk = self._bulk(workers, batch, progress)
        return self._edit(bulk, reload=reload, complete=complete, patience_s=patience_s)

    def _edit(self, bulk: Bulk, *, reload: bool = False, **options: Any) -> StackEdit:
        from rendergateway.wrappers.editing.edit import StackEdit

        is_known = self._held[0].writes == self._current_epoch.writes
        return StackEdit(self._bound, known=self._record if is_known and not reload else None, bulk=bulk, **options)

    def _bulk(self, workers: int | None, batch: int | None, progress: Progress) -> Bulk:
        bulk: Bulk = self._conn.bulk.with_given(workers=workers, batch=batch, progress=progress)
        return bulk

    @changes_data
    def new_version(
        self,
        *,
        notes: str | None = None,
        resolution_nm: Sequence[float | None] | None = None,
        cycle: tuple[int, int] | None = None,
        workers: int | None = None,
        batch: int | None = None,
        complete: bool = True,
        progress: Progress = None,
        patience_s: float = 60.0,
    ) -> StackEdit:
        """
        Return a context for editing the next version of the stack; entering it reopens the stack.

        Tiles and transforms are kept. Statistics and hierarchical data are dropped; the log records the reopening.

        Parameters
        ----------
        notes : str, optional
            Free text.
        resolution_nm, cycle : optional
            As for `update`. Default: those of the current version.
        workers, batch, complete, progress, patience_s
            As for `editing`.

        Raises
        ------
        StackStateError
            On entering, if the stack is READ_ONLY.

        Notes
        -----
        As `editing`, with ``stack.create`` instead of the first ``stack.set_state``; that request is made once, even if
        it fails.
        """
        version = new_version(notes, resolution_nm, cycle, of=self._version)
        bulk = self._bulk(workers, batch, progress)
        return self._edit(bulk, complete=complete, patience_s=patience_s, version=version)

    @changes_data
    def set_state(self, state: str) -> None:
        """
        Change the state.

        Parameters
        ----------
        state : str
            LOADING, COMPLETE, READ_ONLY or OFFLINE. OFFLINE deletes all tiles and transforms for good; the metadata is
            kept.

        Raises
        ------
        ValueError
            If the state is unknown.
        StackStateError
            If the present state does not allow it.

        Notes
        -----
        One request, ``stack.set_state``.
        """
        self._bound.call("stack.set_state", state=as_state(state))

    @changes_data
    def reopen(self) -> None:
        """
        Make the stack LOADING, so that tiles can be saved, and leave it so; `editing` does it for a block.

        Raises
        ------
        StackStateError
            If it is READ_ONLY.

        Notes
        -----
        ``stack.read`` and, unless it is LOADING, ``stack.set_state``.
        """
        from rendergateway.wrappers.editing.derived import open_for_writing

        open_for_writing(self._bound)

    @changes_data
    def remove_transforms(
        self,
        count: int = 1,
        *,
        to: str | None = None,
        sections: Any = None,
        validate: Validate = None,
        invalid: str = "raise",
        complete: bool = True,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> int:
        """
        Remove the last transforms of tiles, in place or into another stack.

        Parameters
        ----------
        count : int
            How many of each tile; see `StackEdit.remove_transforms`.
        to : str, optional
            ``[[owner/]project/]stack``, created if it is missing, see `derived_stack`. Default: this stack.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all. Other tiles are not copied.
        validate, invalid
            As for `StackEdit.put`.
        complete, workers, batch, progress
            As for `editing`.

        Returns
        -------
        int
            Number of tiles changed.

        Notes
        -----
        As `editing` and `StackEdit.remove_transforms`; with *to* also `derived_stack`.
        """
        target = self if to is None else self._derived(to)
        with target._edit(self._bulk(workers, batch, progress), reload=True, complete=complete) as edit:
            return edit.remove_transforms(count, source=self, sections=sections, validate=validate, invalid=invalid)

    @changes_data
    def update(
        self,
        *,
        resolution_nm: Sequence[float | None] | None = KEEP,
        cycle: tuple[int, int] | None = KEEP,
        default_channel: str | None = KEEP,
        box_root_path: str | None = KEEP,
        path_builder: PathBuilder | None = KEEP,
        **others: Any,
    ) -> None:
        """
        Update metadata of the current version in place; the state is kept.

        Parameters
        ----------
        resolution_nm : (float, float, float) or None
            Nanometres per pixel in x and y, and section thickness; None clears it.
        cycle : (int, int) or None
            Number and step of the processing cycle.
        default_channel : str or None
            The channel that is drawn by default.
        box_root_path : str or None
            Folder of materialised boxes.
        path_builder : PathBuilder or None
            Location of the mipmap levels.

        Raises
        ------
        TypeError
            If another field is given. Notes belong to a version: `new_version` begins another.
        StackStateError
            If the stack is READ_ONLY.

        Notes
        -----
        One request per field: ``stack.set_resolution``, ``stack.set_cycle``, … or, for None,
        ``stack.clear_resolution``, …
        """
        check_names(others)
        given = {
            "resolution_nm": resolution_nm,
            "cycle": cycle,
            "default_channel": default_channel,
            "box_root_path": box_root_path,
            "path_builder": path_builder,
        }
        for name, value in given.items():
            if value is not KEEP:
                update_one(self._bound, name, value)

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the stack with all its tiles and transforms.

        Parameters
        ----------
        dry_run : bool
            Only count what would be deleted.

        Returns
        -------
        Removal or None
            The counts of a dry run.

        Notes
        -----
        One request, ``stack.delete``. A dry run makes ``stack.read`` and, if the stack is LOADING,
        ``stack.tile_ids`` and ``stack.z_values``.
        """
        if dry_run:
            from rendergateway.wrappers.editing.deletions import count_stack

            return count_stack(self._bound)
        self._bound.call("stack.delete")
        return None

    @changes_data
    def rename(self, name: str, *, owner: str | None = None, project: str | None = None) -> StackWrapper:
        """
        Rename the stack, or move it to another project or owner; return the renamed stack.

        Tiles, state, version and statistics are kept; hierarchical data is dropped.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Default: those of this stack.

        Raises
        ------
        BadRequestError
            If a stack of that name exists, or the name has no URL.
        StackStateError
            If the stack is READ_ONLY or OFFLINE.

        Notes
        -----
        One request, ``stack.rename``. This object keeps the old name, which no longer exists.
        """
        renamed = self._sibling(name, owner, project)
        check_new_name(renamed._key._asdict())
        self._bound.call("stack.rename", body=renamed._key._asdict())
        return renamed

    # Copies

    @changes_data
    def clone_to(
        self,
        name: str,
        *,
        project: str | None = None,
        sections: Any = None,
        complete: bool = False,
        transforms: bool = True,
        notes: str | None = None,
    ) -> StackWrapper:
        """
        Let the service copy the stack, or some sections of it, within the same owner; metadata is copied too.

        Parameters
        ----------
        name : str
            ``[project/]stack``.
        project : str, optional
            Default: that of this stack.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all. Shared transforms are always copied all.
        complete : bool
            Whether the copy becomes COMPLETE, instead of LOADING.
        transforms : bool
            Whether shared transforms are copied; without them, tiles that refer to them cannot be read until they are
            saved.
        notes : str, optional
            Free text instead of that of this version.

        Returns
        -------
        StackWrapper
            The copy.

        Raises
        ------
        BadRequestError
            If a stack of that name exists.
        NotFoundError
            If a section does not exist.
        ValueError
            If the owner differs: `copy_to` copies between owners.

        Notes
        -----
        ``stack.read`` of both, ``stack.clone``, and ``stack.set_state`` if it becomes COMPLETE; first
        ``stack.z_values`` if sections are given, and a ``stack.clone`` for every few hundred of them.
        """
        from rendergateway.wrappers.editing.copying import clone

        target = self._sibling(name, None, project)
        clone(
            self._bound,
            target._bound,
            lambda: self._version,
            sections=sections,
            complete=complete,
            transforms=transforms,
            notes=notes,
        )
        return target

    @changes_data
    def copy_to(
        self,
        name: str,
        *,
        owner: str | None = None,
        project: str | None = None,
        gateway: Client | None = None,
        tiles: bool = True,
        sections: Any = None,
        keep: TileSelection | None = None,
        change: TileChanges | None = None,
        edit: Callable[[TileTable], TileTable] | None = None,
        existing: str = "refuse",
        boxes: str = "keep",
        complete: bool = True,
        resume: bool = False,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
        patience_s: float = 60.0,
    ) -> StackWrapper:
        """
        Copy the stack through this process: to another owner or service, in part or with changes.

        Sections are read, changed and saved one after another; about *workers* of them are in memory. Tiles stay linked
        to their shared transforms, which are copied, and metadata is copied too.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Default: those of this stack.
        gateway : Gateway, optional
            To the service of the copy. Default: this one.
        tiles : bool
            Whether tiles are copied; else the new stack is empty, and LOADING.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        keep : TileSelection, optional
            Which tiles: in a box, by ids, cells of the mosaic or other stacks. Default: all.
        change : TileChanges, optional
            Changes of z and place. Default: none.
        edit : callable, optional
            Other changes: called, after *change*, with the `TileTable` of each section, or of pieces of a section of
            more than 20 000 tiles; returns the table that is saved.
        existing : {'refuse', 'append', 'replace'}
            Treatment of an existing stack: an error; its tiles are kept, except for those of equal ids; or its tiles in
            the sections that are saved are deleted first.
        boxes : {'keep', 'service', 'local'}
            As for `StackEdit.put`. A kept box is derived if the tile's transforms or size changed, but not its box.
        complete : bool
            Whether the copy becomes COMPLETE, instead of LOADING.
        resume : bool
            Continue an interrupted copy: sections with the same tile count are skipped; with *keep*, *change* or *edit*
            all are saved again. Tiles with the same id are replaced.
        workers, batch, progress, patience_s
            As for `editing`.

        Returns
        -------
        StackWrapper
            The copy, of the other gateway if one is given.

        Raises
        ------
        BadRequestError
            If a stack of that name exists and *existing* is ``refuse``; if it is this stack; with *resume*, if it is
            not LOADING; if the bounds or section data that *change* needs are missing.
        NotFoundError
            If a section does not exist.
        StaleStackError
            If this stack was changed by others meanwhile; the copy is left LOADING.
        RecordError
            If *edit* returned duplicate tile ids, or a tile cannot be changed.

        Notes
        -----
        After an error, and after Ctrl-C, the copy is left LOADING and a note on the error describes how to resume. Per
        section one ``section.resolved_tiles`` from the source and per batch one ``stack.save_tiles`` to the target,
        small sections together, and one ``section.delete`` to replace it; before and after, ``stack.read``,
        ``stack.z_values`` and ``stack.section_data`` of the source, ``stack.read``, ``stack.create`` and
        ``stack.set_state`` of the target.
        """
        from rendergateway.wrappers.editing import copying
        from rendergateway.wrappers.editing.batches import check_boxes

        target = self._sibling(name, owner, project, gateway)
        check_boxes(boxes)
        copying.check_existing(existing, self._bound, target._bound, resume=resume)
        bulk = self._bulk(workers, batch, progress)
        z_values = copying.existing_z_values(self._bound, sections)
        changes = None if change is None else change.prepared(self._obj, self._section_data)
        if resume:
            copying.check_resumable(target._bound)
        else:
            version = self._version if change is None else change.version(self._version)
            copying.open_target(version, target._bound, existing)
        if tiles:
            stacks = {self._bound: self, target._bound: target}
            in_pieces = change is None or not change.in_grid
            copy = copying.Copy(
                self._bound,
                target._bound,
                pieces=lambda z: self._section(z)._pieces(None) if in_pieces else iter([self._reader.layer(z)]),
                count=lambda stack, z: stacks[stack]._section(z)._tile_count,
                sections=z_values,
                selection=keep,
                changes=changes,
                edit=edit,
                boxes=boxes,
                existing=existing,
            )
            copy.run(bulk=bulk, complete=complete, resume=resume, patience_s=patience_s)
        return target

    def _section_data(self) -> list[SectionRecord]:
        """Read the section data, which a stack has from its first COMPLETE on."""
        return [row for rows in rows_by_z(self._bound.fetch("stack.section_data")).values() for row in rows]

    # Clusters of matched tiles

    def clusters(
        self, matches: PairReading[Any], sections: Any = None, *, between_groups: bool = True, progress: Progress = None
    ) -> Clusters:
        """
        Group the tiles of some sections by their matches.

        Parameters
        ----------
        matches : MatchCollectionWrapper or MergedMatches
            The matches; a pair counts if both tiles are in the sections.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        between_groups : bool
            Whether matches of tiles of different sections count; without them each section has clusters of its own.
        progress : bool or callable, optional
            As for `editing`; counts sections.

        Returns
        -------
        Clusters
            Connected tiles, largest cluster first, and tiles without a match.

        Raises
        ------
        NotFoundError
            If the stack, a section or the match collection does not exist.

        Notes
        -----
        Per section ``section.tile_bounds``, and per section id ``match.with_p_group`` or, with *between_groups* false,
        ``match.within_group``; before, ``stack.z_values`` and ``stack.section_data``.
        """
        z_values = self._existing_z_values(sections)
        with tracking(
            self._conn.bulk.with_given(progress=progress).progress, "Reading clusters", len(z_values)
        ) as report:
            return self._cluster_reader(matches, between_groups).clusters(z_values, report)

    def _existing_z_values(self, sections: Any) -> list[float]:
        from rendergateway.wrappers.editing.copying import existing_z_values

        return existing_z_values(self._bound, sections) or listed_z_values(self._bound)

    def _cluster_reader(self, matches: Any, between_groups: bool) -> ClusterReader:
        from rendergateway.wrappers.matching.clusters import ClusterReader

        if not hasattr(matches, "_pair_source"):
            raise TypeError(
                f"matches must be a match collection, got {matches!r}; gateway.match_collection(name) opens it"
            )
        return ClusterReader(
            self._bound, matches._pair_source, lambda z: self._section(z)._section_ids, between_groups=between_groups
        )

    def _clusters_by_z(
        self, matches: Any, sections: Any, between_groups: bool, progress: Progress
    ) -> dict[float, Clusters]:
        """Return the clusters of each section by itself."""
        reader, z_values = self._cluster_reader(matches, between_groups), self._existing_z_values(sections)
        found: dict[float, Clusters] = {}
        with tracking(
            self._conn.bulk.with_given(progress=progress).progress, "Reading clusters", len(z_values)
        ) as report:
            for z in z_values:
                found[z] = reader.clusters([z])
                report(len(found))
        return found

    @changes_data
    def remove_unconnected(
        self,
        matches: PairReading[Any],
        *,
        sections: Any = None,
        max_size: int | None = None,
        fraction: float | None = None,
        between_groups: bool = True,
        keep: StackWrapper | None = None,
        move_to: str | None = None,
        dry_run: bool = False,
        complete: bool = True,
        workers: int | None = None,
        progress: Progress = None,
    ) -> dict[float, list[str]]:
        """
        Delete the tiles of each section that matches do not connect to its largest cluster.

        Parameters
        ----------
        matches, between_groups
            As for `clusters`; each section is judged by itself.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        max_size : int, optional
            Clusters other than the largest one are deleted too, if they have at most this many tiles.
        fraction : float, optional
            The same as a fraction of the largest cluster, rounded up; *max_size* takes precedence.
        keep : StackWrapper, optional
            Tiles that this stack has in the same section are kept, with their whole clusters.
        move_to : str, optional
            ``[[owner/]project/]stack``, where the deleted tiles are saved first; it is created if it is missing.
        dry_run : bool
            Delete nothing.
        complete : bool
            Whether the stacks that change become COMPLETE.
        workers, progress
            As for `editing`.

        Returns
        -------
        dict of float to list of str
            By z, the ids of the unconnected tiles. A section of unconnected tiles only is left as it is.

        Raises
        ------
        NotFoundError
            If a stack, a section or the match collection does not exist.
        StackStateError
            If the stack is READ_ONLY.

        Notes
        -----
        The requests of `clusters`; then those of `StackEdit.put` for *move_to* and of `StackEdit.delete`. Nothing is
        deleted before all deleted tiles are saved.
        """
        from rendergateway.wrappers.editing.cluster_edits import save_layers_in, unconnected_tiles

        kept = None if keep is None else check_kind(keep, "stack", "keep")._bound
        clusters = self._clusters_by_z(matches, sections, between_groups, progress)
        found = unconnected_tiles(clusters, max_size, fraction, kept)
        if found and not dry_run:
            bulk = self._bulk(workers, None, progress)
            if move_to is not None:
                with self._derived(move_to)._edit(bulk, complete=complete) as edit:
                    save_layers_in(edit, self._bound, found)
            with self._edit(bulk, complete=complete) as edit:
                edit.delete([tile_id for ids in found.values() for tile_id in ids])
        return found

    @changes_data
    def split_clusters(
        self,
        name: str | None,
        matches: PairReading[Any],
        *,
        owner: str | None = None,
        project: str | None = None,
        layers_per_z: int = 40,
        sections: Any = None,
        max_size: int | None = None,
        fraction: float | None = None,
        between_groups: bool = True,
        removed_to: str | None = None,
        existing: str = "refuse",
        complete: bool = True,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> ClusterSplit:
        """
        Copy each cluster of a section to a layer of its own.

        The clusters of z, largest first, get the layers z · *layers_per_z* and those after it, and z as their tile
        group; the section thickness of a new copy is divided by *layers_per_z*. Tiles without a match, and those of
        small clusters, are not copied.

        Parameters
        ----------
        name : str or None
            The copy, ``[[owner/]project/]stack``. With *existing* other than ``refuse`` it may be this stack, whose
            tiles then move. None copies nothing.
        matches, sections, max_size, fraction, between_groups
            As for `remove_unconnected`.
        owner, project : str, optional
            Default: those of this stack.
        layers_per_z : int
            Most clusters of a section.
        removed_to : str, optional
            A stack of the owner and project of the copy, for the tiles that are not copied; it is created if it is
            missing.
        existing, complete, workers, batch, progress
            As for `copy_to`.

        Returns
        -------
        ClusterSplit
            The copy, the layers of each section, and the tiles that were not copied.

        Raises
        ------
        RecordError
            If no tiles of a section are connected, or it has too many clusters; nothing is copied then.
        BadRequestError, NotFoundError
            As for `copy_to` and `clusters`.

        Notes
        -----
        The requests of `clusters` and `copy_to`.
        """
        from rendergateway.wrappers.editing.cluster_edits import ClusterLayers, ClusterSplit, save_layers_in
        from rendergateway.wrappers.editing.copying import check_existing, open_target
        from rendergateway.wrappers.editing.derived import with_thinner_sections

        target = self._sibling(name or self._key.stack, owner, project)
        is_in_place = name is not None and target._key == self._key and existing != "refuse"
        if name is not None and not is_in_place:
            check_existing(existing, self._bound, target._bound, resume=False)
        split = ClusterLayers.of(
            self._clusters_by_z(matches, sections, between_groups, progress),
            as_count(layers_per_z, "layers_per_z"), max_size, fraction,
        )  # fmt: skip
        bulk = self._bulk(workers, batch, progress)
        if name is not None and not is_in_place:
            open_target(with_thinner_sections(self._version, layers_per_z), target._bound, existing)
        if removed_to is not None and split.removed:
            removed = self._derived("/".join(target._sibling(removed_to, None, None)._key))
            with removed._edit(bulk, complete=complete) as edit:
                save_layers_in(edit, self._bound, split.removed)
        if is_in_place:
            with self._edit(bulk, complete=complete) as edit:
                save_layers_in(edit, self._bound, split.tile_ids, split.moved)
                edit.delete([tile_id for ids in split.removed.values() for tile_id in ids])
        elif name is not None:
            StackWrapper.copy_to(
                self, "/".join(target._key), sections=list(split.layers), edit=split.moved,
                existing="replace" if existing == "replace" else "append",
                complete=complete, workers=workers, batch=batch, progress=progress,
            )  # fmt: skip
        return ClusterSplit(target, split.layers, split.clusters, split.removed)

    @changes_data
    def warp_to(
        self,
        name: str,
        aligned: StackWrapper,
        *,
        owner: str | None = None,
        project: str | None = None,
        sections: Any = None,
        common_only: bool = False,
        matches: PairReading[Any] | None = None,
        max_size: int | None = None,
        fraction: float | None = None,
        between_groups: bool = False,
        validate: Validate = None,
        invalid: str = "raise",
        complete: bool = True,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> Warped:
        """
        Warp a montage so that its tile centres are where those of an aligned stack are, and save it as another stack.

        A thin-plate spline per section, with the id ``3.0_TPS`` for z = 3, is appended to the transforms of its tiles.

        Parameters
        ----------
        name : str
            The warped stack, ``[[owner/]project/]stack``, derived from this one if it is missing, see `derived_stack`.
        aligned : StackWrapper
            The stack with the same tiles; three of them at least in each section, not on one line.
        owner, project : str, optional
            Default: those of this stack.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        common_only : bool
            Whether tiles that are not in the aligned stack are left out, instead of warped like the others.
        matches : MatchCollectionWrapper or MergedMatches, optional
            Fit one spline per cluster of matched tiles, with ids ``3.0_cluster_0_TPS`` and so on.
        max_size, fraction, between_groups
            As for `clusters` and `remove_unconnected`: tiles of small clusters are left out, and those without a match.
        validate, invalid
            As for `StackEdit.put`.
        complete, workers, batch, progress
            As for `editing`.

        Returns
        -------
        Warped
            The stack, and the tiles that were left out.

        Raises
        ------
        FitError
            If the centres of a section do not determine a spline.
        NotFoundError
            If a stack or a section does not exist.
        RecordError
            If the stacks have no tile in common in a section, or none of its tiles is left.

        Notes
        -----
        Requests of `derived_stack` and `editing`; per section ``section.resolved_tiles`` of both stacks and
        ``stack.save_tiles`` per batch; with *matches* those of `clusters`.
        """
        from rendergateway.wrappers.editing.warping import Warp, Warped, save_warped
        from rendergateway.wrappers.reading.tiles import StackReader

        check_kind(aligned, "stack", "aligned")
        z_values = z_values_of(self._bound, sections)

        def clusters(z: float) -> list[tuple[str, ...]]:
            found = self._cluster_reader(matches, between_groups).clusters([z])
            small = found.small(max_size, fraction)
            return [part for part in found.connected if part not in small]

        target = self._derived(name, owner, project)
        readers = (StackReader.fresh(self._bound), StackReader.fresh(aligned._bound))
        warp = Warp(*readers, common_only, None if matches is None else clusters)
        with target._edit(self._bulk(workers, batch, progress), reload=True, complete=complete) as edit:
            saved = save_warped(edit, warp, z_values, validate=validate, invalid=invalid)
        return Warped(target, saved, edit.dropped)

    @changes_data
    def derived_stack(
        self, name: str, *, owner: str | None = None, project: str | None = None, layers_per_z: int = 1
    ) -> StackWrapper:
        """
        Return a stack for results of this one: created if it is missing, LOADING.

        Resolution and mipmap paths are copied if it has none; its tiles are kept.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Default: those of this stack.
        layers_per_z : int
            Number of layers that a section is divided into; the section thickness is divided by it.

        Raises
        ------
        StackStateError
            If the stack exists and is READ_ONLY.

        Notes
        -----
        ``stack.read`` of both; ``stack.create``, or as needed ``stack.set_resolution``,
        ``stack.set_path_builder`` and ``stack.set_state``.

        Examples
        --------
        ::

            with stack.derived_stack("straight").editing() as edit:
                edit.apply(transform, source=stack)
        """
        return self._derived(name, owner, project, layers_per_z)

    def _derived(
        self, name: str, owner: str | None = None, project: str | None = None, layers_per_z: int = 1
    ) -> StackWrapper:
        from rendergateway.wrappers.editing.derived import open_derived

        target = self._sibling(name, owner, project)
        open_derived(self._bound, target._bound, as_count(layers_per_z, "layers_per_z"))
        return target

    @changes_data
    @contextlib.contextmanager
    def temporary(self, *, notes: str | None = "temporary") -> Iterator[StackWrapper]:
        """
        Create an empty stack with the same metadata; it is deleted on exit, also after an error.

        Parameters
        ----------
        notes : str, optional
            Free text.

        Notes
        -----
        ``stack.read``, ``stack.create`` and, on exit, ``stack.delete``.
        """
        from rendergateway.wrappers.editing.copying import create_like, deleted_on_exit, temporary_name

        target = self._sibling(temporary_name(self._key.stack), None, None)
        with deleted_on_exit(target._bound):
            create_like(self._version, target._bound, notes=notes)
            yield target

    @contextlib.contextmanager
    def pinned(self) -> Iterator[StackWrapper]:
        """
        Yield this stack for reading that must not mix versions.

        Version and time of change are checked after each request for the stack, by any of its objects. These objects
        end with the block: loaded values stay readable, nothing else is read.

        Raises
        ------
        StackStateError
            On entering, if the stack is LOADING: its tiles change without a trace.
        StaleStackError
            From the first request after a change.

        Notes
        -----
        One request, ``stack.read``, on entering, and one after each other request.
        """
        check = StackVersionCheck.begin(self._bound)
        view = self._conn.pinned(check)
        try:
            yield view.objects.wrap("stack", self._key, check.record)
        finally:
            view.close()

    def _sibling(
        self, name: str, owner: str | None, project: str | None, gateway: Client | None = None
    ) -> StackWrapper:
        """Return a stack by name; owner and project default to those of this one."""
        *above, stack = as_names(name, "owner", "project", "stack")
        named_project = above.pop() if above else as_part(project, "project")
        named_owner = above.pop() if above else as_part(owner, "owner")
        key = StackKey(named_owner or self._key.owner, named_project or self._key.project, stack)
        client = self._conn if gateway is None else as_client(gateway)
        sibling: StackWrapper = client.objects.opened("stack", key)
        return sibling

    # Matching

    def tile_pairs(
        self,
        *,
        z: ZRange = None,
        sections: Sequence[Any] | None = None,
        z_distance: int = 2,
        radius_factor: float = 0.9,
        radius_px: float | None = None,
        corners: bool = False,
        obscured: bool = False,
        same_layer: bool = True,
        same_section: bool = True,
        without_position: str | None = None,
        by_row_and_column: bool = False,
        box: Box | None = None,
        only_in: str | StackWrapper | None = None,
        near: Iterable[str] | None = None,
        exclude: MatchCollectionWrapper | None = None,
        min_matches: int = 0,
        base: str | StackWrapper | None = None,
    ) -> TilePairs:
        """
        Return the pairs of tiles that may overlap, to be matched.

        A tile is paired with each tile whose bounding box is at most a radius away from the center of its own, in its
        layer and in those above it.

        Parameters
        ----------
        z : (float, float) or float, optional
            First and last z. Default: all.
        sections : sequence of float or SectionWrapper, optional
            Only these layers.
        z_distance : int
            Largest difference of z, >= 0; 0 pairs the tiles of each layer only.
        radius_factor : float
            The radius, as a multiple of the longer side of the tile's box.
        radius_px : float, optional
            The radius in world pixels, in place of the factor.
        corners : bool
            Whether to keep neighbours whose centers are outside of the box of the tile in both x and y.
        obscured : bool
            Whether to keep tiles that tiles with greater ids, which are drawn over them, cover completely.
        same_layer, same_section : bool
            Whether to pair tiles of equal z, and of equal section id.
        without_position : {'TOP', 'BOTTOM', 'LEFT', 'RIGHT'}, optional
            Leave out pairs of a layer if either tile has that position relative to the other: ``'LEFT'`` and
            ``'RIGHT'`` both leave out the horizontal ones.
        by_row_and_column : bool
            Place the tiles by row and column of their layouts instead of their boxes; *z_distance* must be 0, and
            *obscured*, *box* and *only_in* have no effect.
        box : Bounds or (float, float, float, float), optional
            Only tiles that touch this box, in world pixels.
        only_in : StackWrapper or str, optional
            Only tiles whose ids this stack has in the same layer.
        near : iterable of str, optional
            Only pairs of these tiles with their neighbours.
        exclude : MatchCollectionWrapper, optional
            Leave out the pairs that it has; the stack must be COMPLETE.
        min_matches : int
            Leave out only pairs with more matches than this; 0: all pairs of *exclude*.
        base : StackWrapper or str, optional
            The stack that the URLs of a pair file name. Default: this one.

        Returns
        -------
        TilePairs
            Lazy: iterate it, ``write`` it to files, or get columns by ``table``.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type or value.
        NotFoundError
            When read, if there is no layer in the range, or a stack or match collection does not exist.
        RecordError
            When read, if a tile has no section id, which is the match group of its tiles.

        Notes
        -----
        No request now; see `TilePairs`.
        """
        from rendergateway.wrappers.matching.tile_pairs import PairQuery, TilePairs, checked_rule

        if exclude is not None:
            check_kind(exclude, "match_collection", "exclude")
        named = {name: self._named(one) for name, one in (("only_in", only_in), ("base", base)) if one is not None}
        query = PairQuery(
            rule=checked_rule(
                radius_factor,
                radius_px,
                corners=corners,
                same_section=same_section,
                without_position=without_position,
            ),
            z_distance=z_distance,
            same_layer=same_layer,
            obscured=obscured,
            by_row_and_column=by_row_and_column,
            z=None if sections is None else z_values_of(self._bound, sections),
            z_range=as_z_range(z),
            box=as_box(box),
            only_in=named["only_in"]._bound if "only_in" in named else None,
            near=None if near is None else frozenset([near] if isinstance(near, str) else near),
            stored=None if exclude is None else exclude._bound,
            stored_above=as_count(min_matches, "min_matches", None),
            base=named["base"]._key if "base" in named else None,
        )
        return TilePairs(self._bound, query)

    def _named(self, stack: str | StackWrapper) -> StackWrapper:
        """Return a stack, passed as itself or as ``[[owner/]project/]stack`` beside this one."""
        if isinstance(stack, str):
            return self._sibling(stack, None, None)
        check_kind(stack, "stack", "a stack")
        return stack

    # Alignment

    @changes_data
    def solve(
        self,
        matches: PairReading[Any],
        to: str,
        *,
        mode: str = "montage",
        z: ZRange = None,
        how: str = "replace_last",
        template: StackWrapper | None = None,
        fixed: Any = (),
        fixed_sections: Any = None,
        unconnected: str = "keep",
        unknown_tiles: str = "refuse",
        owner: str | None = None,
        project: str | None = None,
        boxes: str = "service",
        complete: bool = True,
        processes: int | None = None,
        dask: Any = None,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
        **options: Unpack[SolveKeywords],
    ) -> Solved:
        """
        Solve the transforms of the tiles from point matches, and write the result as a new stack.

        The solved transforms minimize the weighted squared residuals of the matches, plus the squared distance of their
        parameters from a template. This stack stays as it is.

        Parameters
        ----------
        matches : MatchCollectionWrapper or MergedMatches
            The matches, with a frame: ``gateway.match_collection(name, frame="raw")``. Groups are section ids.
        to : str
            The new stack, ``[[owner/]project/]stack``.
        mode : {'montage', '3d'}
            Each section alone, or all sections together.
        z : (float, float) or float, optional
            Only these sections; only they are in the new stack.
        how : {'replace_last', 'append'}
            The solved transform replaces the last transform of each tile, or is appended to them. All others, and
            shared ones, are kept.
        template : StackWrapper, optional
            A stack of the same tiles whose last transforms are the template. Default: this stack; with *append* the
            identity.
        fixed : str, tile or iterable of these
            Tiles that keep their template.
        fixed_sections : z, SectionWrapper or iterable of these, optional
            Sections whose tiles do.
        unconnected : {'keep', 'drop_unmatched', 'drop'}
            Tiles without matches, and those outside of the largest cluster of tiles that matches connect: all are kept,
            those without matches are left out of the new stack, or all are.
        unknown_tiles : {'refuse', 'skip'}
            Treatment of matches that name tiles missing in their section.
        owner, project : str, optional
            Of the new stack. Default: those of this stack.
        boxes, complete
            As for `copy_to`.
        processes : int, optional
            Number of processes for the sections of a montage; the service must be reachable from them. Default: this
            one, which also solves a *3d* system.
        dask : distributed.Client or str, optional
            A client of a Dask cluster, or the address of its scheduler: its workers solve the sections of a montage.
        workers, batch, progress
            As for `editing`; progress in sections, then in tiles.
        **options
            Those of `SolveOptions`: *model*, *default_lambda*, *translation_factor*, *outliers_px*, …

        Returns
        -------
        Solved
            The new stack, residuals before and after, and tiles that matches do not connect.

        Raises
        ------
        SolveError
            If no usable matches are left, the system is singular, a tile has a transform that cannot be replaced, or
            the solve diverged. Nothing is written.
        NotFoundError
            If there are no sections, or a tile of *matches*, *fixed* or *template* is missing.
        BadRequestError
            If the new stack exists.
        ConfigurationError
            If the frame of *matches* is not set; `MissingExtraError` without scipy.
        StaleStackError
            If this stack was changed by others meanwhile.

        Notes
        -----
        Per section ``section.resolved_tiles``, and per section id ``match.within_group`` (3d: ``match.with_p_group``);
        then as `copy_to`. Nothing is written before all sections are solved. After an error while writing, and after
        Ctrl-C, the new stack is deleted.
        """
        from rendergateway.alignment.solve_options import SolveOptions
        from rendergateway.batch.solve import solve_stack
        from rendergateway.batch.solve_systems import SolvePlan, as_fixed

        plan = SolvePlan(
            mode=mode,
            how=how,
            template=template if template is None else check_kind(template, "stack", "template"),
            fixed=as_fixed(fixed),
            fixed_z=frozenset(() if fixed_sections is None else z_values_of(self._bound, fixed_sections)),
            unconnected=unconnected,
            unknown_tiles=unknown_tiles,
            options=SolveOptions(**options),
        )
        return solve_stack(
            self,
            matches,
            self._sibling(to, owner, project),
            plan,
            z=z,
            boxes=boxes,
            complete=complete,
            bulk=self._bulk(workers, batch, progress),
            processes=processes,
            dask=dask,
        )

    def residuals(
        self,
        matches: PairReading[Any],
        *,
        z: ZRange = None,
        workers: int | None = None,
        progress: Progress = None,
    ) -> StackResiduals:
        """
        Return the distances of the two points of matches in the world, per pair, tile and section.

        Parameters
        ----------
        matches : MatchCollectionWrapper or MergedMatches
            The matches, with a frame. Groups are section ids.
        z : (float, float) or float, optional
            Only matches between tiles of these sections.
        workers, progress : optional
            Concurrent requests, and progress in sections.

        Returns
        -------
        StackResiduals
            Tables *pairs*, *tiles* and *sections*, in pixels, and *total*.

        Raises
        ------
        ConfigurationError
            If the frame of *matches* is not set.
        NotFoundError
            If there are no sections, or the collection does not exist.
        TransformError
            If a transform of a tile cannot be applied.

        Notes
        -----
        ``stack.z_values``, per section ``section.resolved_tiles``, and per section id ``match.with_p_group``.
        """
        from rendergateway.batch.residuals import residuals_of_stack

        return residuals_of_stack(self, matches, z, self._bulk(workers, None, progress))

    # Pictures

    def cross_section(
        self,
        axis: str = "xz",
        *,
        at: float,
        z: ZRange = None,
        box: Box | None = None,
        scale: float = 1.0,
        workers: int | None = None,
        progress: Progress = None,
        **options: Unpack[PictureKeywords],
    ) -> Picture:
        """
        Draw a cross section: one row of pixels per section, ordered by z.

        Parameters
        ----------
        axis : {'xz', 'yz'}
            The axis along the columns; rows are sections. Missing z values have no row.
        at : float
            Position on the other axis, in world pixels: y for xz, x for yz.
        z : (float, float) or float, optional
            Only these sections.
        box : Bounds or (float, float, float, float), optional
            The range along the axis. Default: the bounds of the stack.
        scale : float
            Picture pixels per world pixel, along the axis.
        workers, progress : optional
            Concurrent requests, and progress.
        **options
            Those of `PictureOptions` except *channels*.

        Raises
        ------
        ImageError
            If there are no sections or bounds, and as `SectionWrapper.image`.

        Notes
        -----
        ``stack.z_values`` and, without *box*, ``stack.read``; then one request per section, as `SectionWrapper.image`.
        """
        from rendergateway.wrappers.images.options import PictureOptions
        from rendergateway.wrappers.images.render import cross_section

        return cross_section(
            self._bound,
            StackWrapper.sections(self, z).ids,
            self._bounds if box is None else as_box(box),
            axis=axis,
            at=at,
            scale=scale,
            options=PictureOptions(**options),
            bulk=self._bulk(workers, None, progress),
        )

    @changes_data
    def export(
        self,
        to: str | os.PathLike[str],
        *,
        format: str = "png",
        scale: float = 1.0,
        z: ZRange = None,
        box: Box | None = None,
        mode: str | None = None,
        overwrite: bool = False,
        workers: int | None = None,
        progress: Progress = None,
        **options: Unpack[PictureKeywords],
    ) -> Exported:
        """
        Write whole sections, or a box of each, to files: ``00003.0.png`` for z = 3.

        Files are written atomically. Files of an earlier export are kept unless the stack or the options have changed
        since (changes of image files are not noticed); an interrupted export is resumed.

        Parameters
        ----------
        to : str or Path
            Folder; created if it does not exist.
        format : {'png', 'jpg', 'tif'}
            Format of the files.
        scale : float
            Picture pixels per world pixel.
        z : (float, float) or float, optional
            Only these sections.
        box : Bounds or (float, float, float, float), optional
            The same box of each section: ``stack.bounds`` for pictures in registration. Default: each section whole.
        mode : {'grey', 'rgb'}, optional
            As of `Picture.save`.
        overwrite : bool
            Whether existing files are written again in any case, as those of a LOADING stack are.
        workers, progress : optional
            Concurrent pictures, and progress.
        **options
            Those of `PictureOptions`.

        Returns
        -------
        Exported
            The files, and how many of them were written.

        Raises
        ------
        ImageError
            If the format is unknown, a file was not made by an export of this stack and *overwrite* is false, and as
            `SectionWrapper.image`; files written before are kept.

        Notes
        -----
        ``stack.read``, ``stack.z_values``; then per section that is drawn as `SectionWrapper.image`.
        """
        from rendergateway.wrappers.images.export import export
        from rendergateway.wrappers.images.options import PictureOptions

        chosen, box = PictureOptions(**options), as_box(box)
        return export(
            self._bound,
            to,
            lambda: StackWrapper.sections(self, z).ids,
            lambda z: self._section(z)._picture(box, scale, chosen),
            kind=format,
            mode=mode,
            look={"scale": scale, "box": box, "options": chosen, "mode": mode},
            overwrite=overwrite,
            bulk=self._bulk(workers, None, progress),
        )

    @changes_data
    def render_boxes(
        self,
        to: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        sections: Any = None,
        levels: int = 0,
        format: str = "png",
        mode: str | None = "grey",
        overview: int = 0,
        index: bool = False,
        labels: bool = False,
        overwrite: bool = False,
        part: tuple[int, int] | None = None,
        workers: int | None = None,
        progress: Progress = None,
        **options: Unpack[PictureKeywords],
    ) -> BoxFiles:
        """
        Write boxes of sections as files for a viewer: ``LEVEL/Z/ROW/COLUMN.png``, the layout of CATMAID.

        The grid begins at the origin of the world: tiles left of or above it are cut, and the result names their
        sections. Level 0 has full resolution, each level above it half of that below. Boxes without tiles have no file;
        viewers show ``empty.png`` in their place. Files are written atomically, and existing ones are kept, so that an
        interrupted run is resumed.

        Parameters
        ----------
        to : str or Path
            Folder of the levels; created if it does not exist.
        width, height : int
            Size of each box in pixels.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        levels : int
            The highest level.
        format : {'png', 'jpg', 'tif'}
            Format of the files.
        mode : {'grey', 'rgb'}, optional
            As of `Picture.save`; labels have 16-bit grey values in any case.
        overview : int
            Width of one picture per section, ``small/Z.png``, of the lowest level with a single box; 0 for none.
        index : bool
            Whether the paths of the boxes are listed in ``0/iGrid/Z.iGrid``.
        labels : bool
            Draw each tile in one value of its own instead of its image, 65535 outside of tiles.
        overwrite : bool
            Whether existing files are drawn again, as after a change of the stack.
        part : (int, int), optional
            ``(2, 5)`` for the second of five jobs that share each section. Default: all of it.
        workers, progress : optional
            Concurrent boxes, and progress in boxes of one section and level.
        **options
            Those of `PictureOptions`.

        Returns
        -------
        BoxFiles
            The folder, the number of files, and how many of them were written.

        Raises
        ------
        ImageError
            If the format is unknown, a section has no tiles, two sections have the same whole z, an overview is to be
            written and the stack has no bounds, and as `SectionWrapper.image`; files written before are kept.
        ValueError
            If a number is out of range, or options do not fit boxes: ``intensity="auto"``, several colours in grey.

        Notes
        -----
        ``stack.read``, without *sections* ``stack.z_values``; per section its bounds and ``section.tile_bounds``; then
        per box that is drawn as `SectionWrapper.image`, and for labels ``box.render_parameters``.
        """
        from rendergateway.wrappers.images.boxes import (
            BoxLayout,
            BoxSection,
            box_drawer,
            render_boxes,
            with_own_folders,
        )
        from rendergateway.wrappers.images.options import PictureOptions

        chosen = PictureOptions(**options)
        if chosen.channels is not None and mode == "grey" and not labels:
            raise ValueError("channels= are composed in colour; pass mode='rgb'")
        layout = BoxLayout(
            Path(to), width, height, levels, format, mode, overview, index, labels, overwrite, part
        )  # fmt: skip

        def boxes_of(z: float) -> BoxSection:
            section = self._section(z)
            ids = (lambda: section._tiles().ids) if labels else None
            draw = box_drawer(self._conn, lambda box: section._view(box, 1.0), chosen, ids)
            return BoxSection(z, section._bounds, lambda: section._tile_boxes, draw)

        z_values = with_own_folders(z_values_of(self._bound, sections))
        bounds = self._bounds if overview else None
        return render_boxes(layout, map(boxes_of, z_values), bounds, self._bulk(workers, None, progress), str(self))

    @changes_data
    def render_tiles(
        self,
        to: str | os.PathLike[str],
        *,
        tiles: Iterable[str | TileWrapper] | None = None,
        sections: Any = None,
        scale: float = 1.0,
        format: str = "png",
        masks: bool = False,
        overwrite: bool = False,
        workers: int | None = None,
        progress: Progress = None,
        **options: Unpack[PictureKeywords],
    ) -> list[Path]:
        """
        Write pictures of tiles, each alone in its bounding box: ``000/1/123/TILE_ID.png`` for z = 123.

        Files are written atomically, and existing ones are kept, so that an interrupted run is resumed.

        Parameters
        ----------
        to : str or Path
            Folder; created if it does not exist.
        tiles : iterable of str or TileWrapper, optional
            These tiles.
        sections : z, SectionWrapper or iterable of these, optional
            The tiles of these sections. Default: all, unless *tiles* are given.
        scale : float
            Picture pixels per world pixel.
        format : {'png', 'jpg', 'tif'}
            Format of the files.
        masks : bool
            Whether the masks are drawn instead of the images.
        overwrite : bool
            Whether existing files are drawn again, as after a change of the stack.
        workers, progress : optional
            Concurrent pictures, and progress.
        **options
            Those of `PictureOptions`; the pictures are drawn by this process.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        ImageError
            If there are no tiles, the format is unknown, a tile id is not a file name, and as `TileWrapper.image`;
            files written before are kept.

        Notes
        -----
        Per section as `SectionWrapper.tiles`, for each of *tiles* ``tile.read``; then per picture that is drawn
        ``tile.render_parameters``.
        """
        from rendergateway.wrappers.images.tile_files import TileFiles, write_tiles

        chosen = _drawn_here(options)
        files = TileFiles(Path(to).absolute(), format, chosen, masks, overwrite)

        bulk = self._bulk(workers, None, progress)

        def groups() -> Iterator[Iterable[TileWrapper]]:
            if tiles is not None:
                yield (self._tile(tile if isinstance(tile, str) else tile._key.tile_id) for tile in tiles)
            if sections is not None or tiles is None:
                yield from (self._section(z)._tiles() for z in z_values_of(self._bound, sections))

        def recipe_of(tile: TileWrapper) -> Callable[[], RenderParameters]:
            return lambda: tile._view("world", scale).parameters(chosen)

        return [
            path
            for group in groups()
            for path in write_tiles(
                self._conn, files, [(tile._obj, recipe_of(tile)) for tile in group], bulk, str(self)
            )
        ]

    @changes_data
    def rasterize_to(
        self,
        name: str,
        to: str | os.PathLike[str],
        *,
        sections: Any = None,
        keep: int = 1,
        format: str = "png",
        masks: bool = False,
        overwrite: bool = False,
        complete: bool = True,
        workers: int | None = None,
        progress: Progress = None,
        **options: Unpack[PictureKeywords],
    ) -> StackWrapper:
        """
        Copy the stack with tiles whose images are pictures: drawn with all transforms but the last ones.

        The tiles of the copy have these last transforms, and are at the same place. Files are as those of
        `render_tiles`, at full resolution; masks are beside them, in ``TILE_ID.mask.png``.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``; created if it does not exist, otherwise its tiles of the same ids are replaced.
        to : str or Path
            Folder of the pictures.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        keep : int
            Number of the last transforms, which are not drawn.
        format, masks, overwrite
            As for `render_tiles`.
        complete : bool
            Whether the copy becomes COMPLETE, instead of LOADING.
        workers, progress : optional
            Concurrent pictures, and progress.
        **options
            Those of `PictureOptions`; the pictures are drawn by this process.

        Returns
        -------
        StackWrapper
            The copy.

        Raises
        ------
        TransformError
            If a tile has fewer transforms, or its last one is not affine.
        ImageError, RecordError
            If a tile has several channels, no size or no bounding box, and as `render_tiles`.

        Notes
        -----
        Nothing is saved before all pictures are drawn. Per section as `SectionWrapper.tiles`, per picture that is drawn
        ``tile.render_parameters``; then ``stack.create`` if the copy does not exist, and as `editing`.
        """
        from rendergateway.wrappers.core.bulk import mapped
        from rendergateway.wrappers.editing import copying
        from rendergateway.wrappers.images.tile_files import TileFiles, rasterized

        chosen, bulk = _drawn_here(options), self._bulk(workers, None, progress)
        files = TileFiles(Path(to).absolute(), format, chosen, masks, overwrite)
        target = self._sibling(name, None, None, None)
        count = as_count(keep, "keep", 0)

        def drawn(tile: TileWrapper) -> TileRecord:
            transforms = tile._resolved_transforms.flattened()
            recipe = lambda: tile._view("world", 1.0).parameters(chosen)  # noqa: E731
            return rasterized(self._conn, files, tile._obj, transforms, recipe, count)

        z_values = z_values_of(self._bound, sections)
        records = [
            record
            for z in z_values
            for record in mapped(drawn, list(self._section(z)._tiles()), bulk, what=f"Drawing tiles of {self} z {z:g}")
        ]
        if not target._exists:
            copying.create_like(self._version, target._bound)
        # The rule is for the images of this stack.
        if target._version.path_builder is not None:
            StackWrapper.update(target, path_builder=None)
        with target._edit(bulk, reload=True, complete=complete) as edit:
            edit.put(records)
        return target

    @changes_data
    def write_mipmaps(
        self,
        to: str | os.PathLike[str],
        *,
        sections: Any = None,
        levels: int = 6,
        first_level: int = 1,
        format: str = "tif",
        overwrite: bool = False,
        part: tuple[int, int] | None = None,
        workers: int | None = None,
        progress: Progress = None,
    ) -> MipmapFiles:
        """
        Write the images and masks of tiles at reduced sizes, and store the rule for missing levels.

        Level n has half the resolution of level n − 1: truncated means of 2 × 2 pixels. Level 2 of ``/data/a.png`` is
        ``FOLDER/2/data/a.png.tif``. Files have 8 bits if the intensity window of the tile ends below 256, else 16; they
        are written atomically, and existing ones are kept, so that an interrupted run is resumed. Images are read by
        this process, at the paths that ``Gateway(image_paths=…)`` maps to.

        Parameters
        ----------
        to : str or Path
            Folder of the levels; the service must see it under the same path.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        levels : int
            The highest level.
        first_level : int
            The first level that is written.
        format : {'tif', 'png', 'jpg'}
            Format of the files.
        overwrite : bool
            Whether existing files are written again.
        part : (int, int), optional
            ``(2, 5)`` for the second of five jobs that share the tiles of each section. Default: all of them.
        workers, progress : optional
            Concurrent images, and progress in images of one section.

        Returns
        -------
        MipmapFiles
            The folder, the number of files, how many of them were written, and whether the stack uses them: a rule for
            other files is not replaced; `update` does that.

        Raises
        ------
        ImageError
            If the format is unknown, or an image cannot be read; files written before are kept, and the rule is not
            stored.
        ValueError
            If a number is out of range.

        Notes
        -----
        ``stack.read``, without *sections* ``stack.z_values``, per section as `SectionWrapper.tiles`; at last
        ``stack.set_path_builder``.
        """
        from rendergateway.wrappers.images.mipmaps import MipmapFiles, MipmapLayout, grown_rule, write_mipmaps

        layout, bulk = MipmapLayout(to, first_level, levels, format), self._bulk(workers, None, progress)
        count = written = 0
        for what, tiles in self._tiles_of_parts(sections, part):
            found = write_mipmaps(self._conn, layout, tiles, overwrite=overwrite, bulk=bulk, what=what)
            count, written = count + found[0], written + found[1]
        # Read again: others may have changed it.
        current = StackRecord.from_json(self._bound.fetch("stack.read")).version
        rule, is_used = grown_rule(None if current is None else current.path_builder, layout.rule)
        if rule is not None:
            StackWrapper.update(self, path_builder=rule)
        return MipmapFiles(layout.folder, count, written, is_used)

    @changes_data
    def remove_mipmaps(
        self,
        to: str | os.PathLike[str],
        *,
        sections: Any = None,
        levels: int = 6,
        first_level: int = 1,
        format: str = "tif",
        part: tuple[int, int] | None = None,
    ) -> int:
        """
        Delete the files of `write_mipmaps`, with the same parameters; return their number.

        The rule of the stack is kept: without the files, images are reduced when they are drawn.

        Notes
        -----
        Without *sections* ``stack.z_values``; per section as `SectionWrapper.tiles`.
        """
        from rendergateway.wrappers.images.mipmaps import MipmapLayout, remove_mipmaps

        layout = MipmapLayout(to, first_level, levels, format)
        return sum(remove_mipmaps(layout, tiles) for _, tiles in self._tiles_of_parts(sections, part))

    def _tiles_of_parts(
        self, sections: Any, part: tuple[int, int] | None
    ) -> Iterator[tuple[str, Iterator[TileRecord]]]:
        """Yield a name and the tiles of sections, or of one of several parts of each."""
        from rendergateway.wrappers.images.grid import checked_part, share_of

        chosen = checked_part(part)
        for z in z_values_of(self._bound, sections):
            tiles = self._section(z)._tiles()
            share = share_of(len(tiles), chosen)
            if not len(tiles):
                raise ImageError(f"stack {self} does not contain any tiles with a z value of {double_text(z)}")
            yield f"{self} z {z:g}", (tile._obj for tile in tiles[share.start : share.stop])

    def check_images(
        self,
        z: ZRange = None,
        *,
        levels: Sequence[int] | None = None,
        workers: int | None = None,
        progress: Progress = None,
    ) -> RowTable:
        """
        Check the image and mask files of tiles: which are missing, unreadable, of another size, or drawn all black or
        white because their values lie outside of the intensity window.

        They are opened by this process, at the paths that ``Gateway(image_paths=…)`` maps to, and decoded.

        Parameters
        ----------
        z : (float, float) or float, optional
            Only these sections.
        levels : sequence of int, optional
            Only these mipmap levels, 0 for full size. Default: all.
        workers, progress : optional
            Concurrent files, and progress in files.

        Returns
        -------
        RowTable
            One row per problem: *tile_id*, *z*, *channel*, *level*, *url*, *problem*. Empty if there are none.

        Notes
        -----
        As `iter_tiles`.
        """
        from rendergateway.wrappers.images.checks import check_images

        tiles = (tile._obj for tile in StackWrapper.iter_tiles(self, z=z))
        bulk = self._bulk(workers, None, progress)
        return check_images(self._conn, tiles, levels, bulk, f"Checking images of {self}")

    def check_boxes(self, z: ZRange = None, *, tolerance_px: float = 1.0, progress: Progress = None) -> RowTable:
        """
        Check the stored bounding boxes of tiles: which are missing, or differ from those that the service would derive.

        The service finds the tiles of boxes and pictures by their stored boxes. ``edit.put(tiles, boxes="service")``
        corrects them.

        Parameters
        ----------
        z : (float, float) or float, optional
            Only these sections.
        tolerance_px : float
            Allowed difference of each side, in world pixels: boxes stored by old versions of the service are one pixel
            smaller.
        progress : optional
            Progress in tiles.

        Returns
        -------
        RowTable
            One row per problem: *tile_id*, *z*, *off_px*, the largest difference (NaN if unknown), and *problem*. Empty
            if there are none.

        Notes
        -----
        As `iter_tiles`.
        """
        from rendergateway.wrappers.coordinates.box_checks import check_boxes

        pieces = (piece for section in StackWrapper.sections(self, z) for piece in section._pieces(None))
        progress = self._bulk(None, None, progress).progress
        return check_boxes(pieces, tolerance_px, progress, f"Checking boxes of {self}")

    def validate(self, *validators: TileValidator, sections: Any = None, progress: Progress = None) -> RowTable:
        """
        Check the tiles as they are stored.

        Parameters
        ----------
        *validators : TileLimits, WarpLimits, TileChecks or another `TileValidator`
            Default: ``TileChecks()``.
        sections : z, SectionWrapper or iterable of these, optional
            Default: all.
        progress : optional
            Progress in tiles.

        Returns
        -------
        RowTable
            One row per invalid tile: *tile_id*, *z* and *problem*, the first one found. Empty if there are none;
            ``edit.delete(found.tile_id)`` deletes them.

        Raises
        ------
        NotFoundError
            If a section does not exist.
        TypeError
            If something is not a validator.

        Notes
        -----
        As `iter_tiles`.
        """
        from rendergateway.model.tile_text.tile_checks import TileChecks
        from rendergateway.model.tile_text.validators import listed_validators
        from rendergateway.wrappers.editing.validation import validate

        return validate(
            listed_validators(validators or TileChecks()),
            z_values_of(self._bound, sections),
            lambda z: self._section(z)._pieces(None),
            self._bulk(None, None, progress).progress,
            f"Validating tiles of {self}",
        )

    # Links

    def link(self, viewer: str, *, host: str | None = None, at: Sequence[float] | None = None) -> str:
        """
        Return the address of the stack in a viewer.

        Parameters
        ----------
        viewer : {'neuroglancer', 'catmaid', 'ndviz', 'dashboard', 'json'}
            *dashboard* is a page of render itself, *json* the raw answer of the service.
        host : str, optional
            Address of the viewer. Default: the public neuroglancer, for *dashboard* the host of the service; the others
            need it.
        at : (float, float, float), optional
            x, y in world pixels and z to centre on. Default: the middle of the stack.

        Raises
        ------
        ConfigurationError
            If the viewer needs *host*, or the service has no address for browsers: pass ``Gateway(public_url=…)``.
        RecordError
            If the viewer needs the resolution or the bounds of the stack, and they are not set.
        ValueError
            If the viewer is unknown.

        Notes
        -----
        Requests as `bounds` for neuroglancer and CATMAID, else none.
        """
        from rendergateway import links

        place = None if at is None else links.as_position(at)
        return links.link(
            viewer, self._linked("stack", self._key, lambda: place or links.centre_of(self._bounds)), host
        )

    def _linked(self, kind: str, key: Key, position: Callable[[], tuple[float, float, float] | None]) -> Target:
        """Return the stack, or a part of it with *key*, as the target of a link."""
        from rendergateway.links import Target

        return Target(kind, self._conn.image_base_url, key._asdict(), lambda: self._resolution_nm, position)

    # Loading

    @classmethod
    def _key_of(cls, record: StackRecord | None) -> StackKey:
        return stack_key(record) if record is not None else super()._key_of(record)  # type: ignore[return-value]

    def _fetch(self) -> StackRecord:
        return StackRecord.from_json(self._bound.fetch("stack.read"))

    def _section_rows(self) -> Mapping[float, list[SectionRecord]]:
        """Section data by z; empty if they are missing or older than the tiles."""
        rows: Mapping[float, list[SectionRecord]] = self._remembered("section rows", self._read_section_rows)
        return rows

    def _read_section_rows(self) -> Mapping[float, list[SectionRecord]]:
        # While LOADING the service still returns the rows of the last COMPLETE; an OFFLINE stack has none.
        if self._obj.state in ("LOADING", "OFFLINE"):
            return {}
        try:
            return rows_by_z(unless_missing(self._bound, lambda: self._bound.fetch("stack.section_data"), b"[]"))
        except StackStateError:
            return {}


def _drawn_here(options: Any) -> PictureOptions:
    """Return the options of pictures that this process draws."""
    from rendergateway.wrappers.images.options import PictureOptions

    return PictureOptions(**{**options, "compute": "local"})


def rows_by_z(answer: Text) -> dict[float, list[SectionRecord]]:
    """Return an answer of section rows by z; a layer may have several sections."""
    rows: dict[float, list[SectionRecord]] = {}
    for text in cut_list(answer):
        row = SectionRecord.from_json(text)
        rows.setdefault(row.z, []).append(row)
    return rows


def _z_words(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if low == high:
        return f" at z {low:g}"
    return f" of z {'' if low is None else f'{low:g}'}…{'' if high is None else f'{high:g}'}"
