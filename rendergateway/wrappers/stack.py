"""Stacks."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from rendergateway.errors import NotFoundError, StackStateError
from rendergateway.geometry import Bounds
from rendergateway.model import SectionRecord, StackRecord, StackStats, StackVersion
from rendergateway.model.slices import Text, cut_list
from rendergateway.wrappers.collection import Collection, Listing
from rendergateway.wrappers.editing import StackEdit
from rendergateway.wrappers.keys import OwnerKey, ProjectKey, SectionKey, StackKey, TileKey
from rendergateway.wrappers.object import ObjectWrapper, changes_data
from rendergateway.wrappers.owner import OwnerWrapper, ProjectWrapper, stack_key
from rendergateway.wrappers.registry import add_base
from rendergateway.wrappers.shared_transforms import SharedTransforms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rendergateway.wrappers.section import SectionWrapper
    from rendergateway.wrappers.tile import TileWrapper

__all__ = ["StackWrapper"]


@add_base
class StackWrapper(ObjectWrapper[StackRecord]):
    """
    One version of the geometry of a dataset: sections of tiles, each with the transforms that place it.

    Notes
    -----
    What the service says of the stack itself (state, version, statistics) comes with any listing of stacks, else with
    one request, ``stack.read``, when first asked for.
    """

    KIND = "stack"
    CHILD_KIND = "section"
    RECORD = StackRecord
    MARSHALLED = ("state", "modified", "resolution_nm", "tile_count", "section_count", "bounds")

    _key: StackKey

    # Names

    @property
    def owner(self) -> OwnerWrapper:
        """The owner; no request."""
        owner: OwnerWrapper = self._wrap("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def project(self) -> ProjectWrapper:
        """The project; no request."""
        project: ProjectWrapper = self._wrap("project", ProjectKey(self._key.owner, self._key.project))
        return project

    @property
    def parent(self) -> ProjectWrapper:
        """The project."""
        return self.project

    # Facts

    @property
    def state(self) -> str:
        """LOADING, COMPLETE, READ_ONLY or OFFLINE."""
        return self._obj.state

    @property
    def modified(self) -> datetime | None:
        """When state or version last changed: aware, UTC."""
        return self._obj.modified

    @property
    def version(self) -> StackVersion:
        """Notes, cycle and resolution of the present version."""
        return self._obj.version or StackVersion()

    @property
    def version_number(self) -> int | None:
        """How often the stack was made or reopened before."""
        return self._obj.version_number

    @property
    def resolution_nm(self) -> tuple[float | None, float | None, float | None]:
        """Nanometres a pixel in x and y, and the thickness of a section; None where nobody said."""
        version = self.version
        return version.resolution_x_nm, version.resolution_y_nm, version.resolution_z_nm

    @property
    def stats(self) -> StackStats | None:
        """What the service counted when the stack became COMPLETE; None while it is LOADING."""
        return self._obj.stats

    @property
    def bounds(self) -> Bounds | None:
        """The box around all tiles, z included; None while the stack is LOADING."""
        stats = self.stats
        return stats.stack_bounds.bounds if stats is not None and stats.stack_bounds is not None else None

    @property
    def tile_count(self) -> int | None:
        """How many tiles; None while the stack is LOADING."""
        return self.stats.tile_count if self.stats is not None else None

    @property
    def section_count(self) -> int | None:
        """How many z layers; None while the stack is LOADING."""
        return self.stats.section_count if self.stats is not None else None

    @property
    def exists(self) -> bool:
        """
        Whether the service knows the stack.

        Notes
        -----
        One request, ``stack.read``, unless the stack is loaded.
        """
        try:
            self.load()
        except NotFoundError:
            return False
        return True

    # Navigation

    def sections(self) -> Collection[SectionWrapper]:
        """
        Return the sections of this stack: its z values, ascending.

        Notes
        -----
        No request now; one, ``stack.z_values``, when the collection is first read.
        """
        sections: Collection[SectionWrapper] = self._children("section", "sections", self._list_sections)
        return sections

    def section(self, z: float) -> SectionWrapper:
        """Return the section at *z*; no request, so that nothing says yet whether it has tiles."""
        section: SectionWrapper = self._wrap("section", SectionKey(*self._key, float(z)))
        return section

    def tile(self, tile_id: str) -> TileWrapper:
        """Return the tile of that id; no request, so that nothing says yet whether it is there."""
        tile: TileWrapper = self._wrap("tile", TileKey(*self._key, tile_id))
        return tile

    def children(self) -> Collection[SectionWrapper]:
        """Return the sections."""
        return self.sections()

    @property
    def shared_transforms(self) -> SharedTransforms:
        """The transforms stored once for many tiles, by id; each is read when first asked for."""
        shared: SharedTransforms = self._remembered("shared transforms", lambda: SharedTransforms(self._call))
        return shared

    # Writing

    @changes_data
    def editing(self, *, batch: int = 5000, complete: bool = True) -> StackEdit:
        """
        Return a context in which tiles are put into this stack.

        Parameters
        ----------
        batch : int
            Tiles a request.
        complete : bool
            Whether the stack becomes COMPLETE when the block ends. After an error it stays LOADING, and the error
            says so.
        """
        return StackEdit(self, batch=batch, complete=complete)

    @changes_data
    def set_state(self, state: str) -> None:
        """
        Change the state.

        Raises
        ------
        StackStateError
            If there is no way from the present state to that one.

        Notes
        -----
        One request, ``stack.set_state``.
        """
        self._call("stack.set_state", state=state)

    @changes_data
    def delete(self) -> None:
        """
        Delete the stack with all its tiles and transforms.

        Notes
        -----
        One request, ``stack.delete``.
        """
        self._call("stack.delete")

    # Loading

    @classmethod
    def _key_of(cls, record: StackRecord | None) -> StackKey:
        return stack_key(record) if record is not None else super()._key_of(record)  # type: ignore[return-value]

    def _fetch(self) -> StackRecord:
        return StackRecord.from_json(self._text("stack.read"))

    def _list_sections(self) -> Listing:
        return Listing([float(z) for z in self._call("stack.z_values")], partial(SectionKey, *self._key))

    def _section_rows(self) -> Mapping[float, list[SectionRecord]]:
        """Rows of the stack's section data by z; empty where they are missing or older than the tiles."""
        rows: Mapping[float, list[SectionRecord]] = self._remembered("section rows", self._read_section_rows)
        return rows

    def _read_section_rows(self) -> Mapping[float, list[SectionRecord]]:
        # While LOADING the service still answers with the rows of the last COMPLETE.
        if self.state == "LOADING":
            return {}
        try:
            answer = self._text("stack.section_data")
        except StackStateError:
            return {}
        return rows_by_z(answer)

    def __repr__(self) -> str:
        state = f" {self._record.state}" if self._record is not None and self._is_fresh else ""
        return f"<{type(self).__name__} {'/'.join(self._key)}{state}>"


def rows_by_z(answer: Text) -> dict[float, list[SectionRecord]]:
    """Sort an answer of section rows by z; a layer may hold several sections."""
    rows: dict[float, list[SectionRecord]] = {}
    for text in cut_list(answer):
        row = SectionRecord.from_json(text)
        rows.setdefault(row.z, []).append(row)
    return rows
