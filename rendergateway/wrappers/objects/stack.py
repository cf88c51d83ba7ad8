"""Stacks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import numpy.typing as npt

from rendergateway.errors import StackStateError
from rendergateway.geometry import Bounds
from rendergateway.later import LaterModule
from rendergateway.model import CoordinateTable, SectionRecord, StackRecord, StackStats, StackVersion
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.wrappers.core.existing import MayBeMissing
from rendergateway.wrappers.core.freshness import fact
from rendergateway.wrappers.core.keys import OwnerKey, ProjectKey, StackKey
from rendergateway.wrappers.core.labels import LabelledStack
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.objects.owner import OwnerWrapper, ProjectWrapper, stack_key
from rendergateway.wrappers.objects.stack_changes import StackChanges
from rendergateway.wrappers.objects.stack_parts import StackParts
from rendergateway.wrappers.objects.stack_pictures import StackPictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rendergateway.wrappers.coordinates import locate as locating
    from rendergateway.wrappers.objects.section import SectionWrapper
else:
    locating = LaterModule("rendergateway.wrappers.coordinates.locate")

__all__ = ["StackWrapper"]


@add_base
class StackWrapper(LabelledStack, MayBeMissing, StackChanges, StackPictures, StackParts):
    """
    One version of the geometry of a dataset: sections of tiles, each with the transforms that place it.

    Notes
    -----
    What the service says of the stack itself (state, version, statistics) comes with any listing of stacks, else with
    one request, ``stack.read``, when first asked for.
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
        """The owner; no request."""
        owner: OwnerWrapper = self._parent("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def project(self) -> ProjectWrapper:
        """The project; no request."""
        project: ProjectWrapper = self._parent("project", ProjectKey(self._key.owner, self._key.project))
        return project

    @property
    def parent(self) -> ProjectWrapper:
        """The project."""
        return self.project

    # Facts

    @fact
    def state(self) -> str:
        """LOADING, COMPLETE, READ_ONLY or OFFLINE."""
        return self._obj.state

    @fact
    def modified(self) -> datetime | None:
        """When state or version last changed: aware, UTC."""
        return self._obj.modified

    @fact
    def version(self) -> StackVersion:
        """Notes, cycle and resolution of the present version."""
        return self._obj.version or StackVersion()

    @fact
    def version_number(self) -> int | None:
        """How often the stack was made or reopened before."""
        return self._obj.version_number

    @fact
    def resolution_nm(self) -> tuple[float | None, float | None, float | None]:
        """Nanometres a pixel in x and y, and the thickness of a section; None where nobody said."""
        version = self.version
        return version.resolution_x_nm, version.resolution_y_nm, version.resolution_z_nm

    @fact
    def stats(self) -> StackStats | None:
        """What the service counted when the stack became COMPLETE; None while it is LOADING."""
        return self._obj.stats

    @fact
    def bounds(self) -> Bounds | None:
        """The box around all tiles, z included; None while the stack is LOADING."""
        stats = self.stats
        return stats.stack_bounds.bounds if stats is not None and stats.stack_bounds is not None else None

    @fact
    def tile_count(self) -> int | None:
        """How many tiles; None while the stack is LOADING."""
        return self.stats.tile_count if self.stats is not None else None

    @fact
    def section_count(self) -> int | None:
        """How many z layers; None while the stack is LOADING."""
        return self.stats.section_count if self.stats is not None else None

    # Coordinates

    def world_from_local(
        self, tile_ids: str | Sequence[str], points: npt.ArrayLike, *, where: str = "here"
    ) -> CoordinateTable:
        """
        Carry points of many tiles into the world.

        Parameters
        ----------
        tile_ids : sequence of str, or str
            The tile of each point, or of all.
        points : array_like, shape (N, 2)
            x, y in local pixels of the tiles.
        where : {'here', 'service'}
            Computed here, or asked of the service.

        Returns
        -------
        CoordinateTable
            A row a point, in the order given: x and y in world pixels, the tile's z, or the reason why not.

        Raises
        ------
        NotFoundError
            If the stack does not exist.
        ValueError
            If there are not as many tile ids as points.

        Notes
        -----
        Here: one request, ``stack.tile_specs``, for each 50 000 tiles. From the service:
        ``coordinate.batch_world_from_local`` for each 25 000 points. If no point could be carried, ``stack.read``.
        """
        return locating.world_from_local(self, tile_ids, points, where)

    def local_from_world(
        self, tile_ids: str | Sequence[str], points: npt.ArrayLike, *, where: str = "here", method: str = "exact"
    ) -> CoordinateTable:
        """
        Carry points of the world, each into the tile that is named with it; `SectionWrapper.locate` finds the tiles.

        Parameters
        ----------
        tile_ids : sequence of str, or str
            The tile of each point, or of all.
        points : array_like, shape (N, 2)
            x, y in world pixels.
        where, method
            As for `TileWrapper.local_from_world`.

        Returns
        -------
        CoordinateTable
            A row a point, in the order given: x and y in local pixels of its tile, or the reason why not.

        Raises
        ------
        NotFoundError
            If the stack does not exist.
        ValueError
            If there are not as many tile ids as points.

        Notes
        -----
        One request, ``stack.tile_specs``, for each 50 000 tiles. From the service another,
        ``coordinate.batch_local_from_world``, for each 25 000 points. If no point could be carried, ``stack.read``.
        """
        return locating.local_from_world(self, tile_ids, points, where, method)

    def world_from(
        self,
        other: StackWrapper | SectionWrapper,
        points: npt.ArrayLike,
        *,
        z: npt.ArrayLike | None = None,
        where: str = "here",
    ) -> CoordinateTable:
        """
        Carry points of another stack's world into that of this one, through the tiles that show them there.

        Parameters
        ----------
        other : SectionWrapper or StackWrapper
            Where the points lie; it may belong to another project, owner or service.
        points : array_like, shape (N, 2)
            x, y in world pixels of *other*.
        z : float or array_like, shape (N,)
            With a stack: the section of all points, or of each.
        where : {'here', 'service'}
            Computed here, or asked of the services.

        Returns
        -------
        CoordinateTable
            A row a point, in the order given: the tile that shows it, x, y and z in this stack, or the reason why not.

        Raises
        ------
        NotFoundError
            If a stack does not exist.
        TypeError
            If there is no z, or one with a section.

        Notes
        -----
        For each section `SectionWrapper.locate`, then `world_from_local`.
        """
        return locating.world_from(self, other, points, z, where)

    # Loading

    @classmethod
    def _key_of(cls, record: StackRecord | None) -> StackKey:
        return stack_key(record) if record is not None else super()._key_of(record)  # type: ignore[return-value]

    def _fetch(self) -> StackRecord:
        return StackRecord.from_json(self._text("stack.read"))

    def _section_rows(self) -> Mapping[float, list[SectionRecord]]:
        """Rows of the stack's section data by z; empty where they are missing or older than the tiles."""
        rows: Mapping[float, list[SectionRecord]] = self._remembered("section rows", self._read_section_rows)
        return rows

    def _read_section_rows(self) -> Mapping[float, list[SectionRecord]]:
        # While LOADING the service still answers with the rows of the last COMPLETE; an OFFLINE stack has none.
        if self.state in ("LOADING", "OFFLINE"):
            return {}
        try:
            return rows_by_z(self._unless_missing(lambda: self._text("stack.section_data"), b"[]"))
        except StackStateError:
            return {}

    def __repr__(self) -> str:
        state = f" {self._record.state}" if self._record is not None and self.is_loaded else ""
        return f"<{type(self).__name__} {'/'.join(self._key)}{state}>"


def rows_by_z(answer: Text) -> dict[float, list[SectionRecord]]:
    """Sort an answer of section rows by z; a layer may hold several sections."""
    rows: dict[float, list[SectionRecord]] = {}
    for text in cut_list(answer):
        row = SectionRecord.from_json(text)
        rows.setdefault(row.z, []).append(row)
    return rows
