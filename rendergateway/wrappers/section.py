"""Sections: the z layers of a stack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from rendergateway.errors import NotFoundError
from rendergateway.geometry import Bounds, box_of
from rendergateway.model import BoundsRecord, ResolvedTiles, SectionRecord
from rendergateway.model.slices import cut_list
from rendergateway.number_text import double_text
from rendergateway.wrappers.collection import Collection, Listing
from rendergateway.wrappers.keys import SectionKey, TileKey
from rendergateway.wrappers.object import ObjectWrapper, changes_data
from rendergateway.wrappers.registry import add_base
from rendergateway.wrappers.stack import StackWrapper, rows_by_z

if TYPE_CHECKING:
    from rendergateway.wrappers.tile import TileWrapper

__all__ = ["SectionWrapper"]


@add_base
class SectionWrapper(ObjectWrapper[SectionRecord]):
    """One section of a stack: all tiles of one z."""

    KIND = "section"
    CHILD_KIND = "tile"
    RECORD = SectionRecord
    MARSHALLED = ("z", "section_ids", "tile_count", "bounds")

    _key: SectionKey

    @property
    def z(self) -> float:
        """Position in the stack, counted in sections."""
        return self._key.z

    @property
    def name(self) -> str:
        """Z as the service writes it."""
        return double_text(self.z)

    @property
    def stack(self) -> StackWrapper:
        """The stack; no request."""
        stack: StackWrapper = self._wrap("stack", self._key.stack_key)
        return stack

    @property
    def parent(self) -> StackWrapper:
        """The stack."""
        return self.stack

    # Facts

    @property
    def section_ids(self) -> list[str]:
        """
        The section ids that tiles of this layer carry; usually one.

        Notes
        -----
        From ``stack.section_data``, once for all sections of the stack; from ``section.section_data`` where the stack
        is LOADING, was never COMPLETE, or lacks this z.
        """
        return [row.section_id for row in self._rows if row.section_id is not None]

    @property
    def tile_count(self) -> int:
        """
        How many tiles this layer has.

        Notes
        -----
        As `section_ids`; a layer whose tiles carry no section id is counted with ``section.tile_bounds``.
        """
        return sum(row.tile_count for row in self._rows) if self._rows else len(self._tile_boxes)

    @property
    def bounds(self) -> Bounds | None:
        """
        The box around all tiles of this layer; None where it has none.

        Notes
        -----
        As `tile_count`.
        """
        boxes = [row.bounds for row in self._rows or self._tile_boxes]
        return box_of([box for box in boxes if box is not None]) if boxes else None

    # Navigation

    def tiles(self) -> Collection[TileWrapper]:
        """
        Return the tiles of this section, ordered by id, with the shared transforms that they refer to.

        Notes
        -----
        No request now; one, ``section.resolved_tiles``, when the collection is first read. Where that finds nothing,
        another, ``stack.read``, tells an empty layer from a stack that is not there.

        Raises
        ------
        NotFoundError
            When the collection is read, if the stack does not exist.
        """
        tiles: Collection[TileWrapper] = self._children("tile", "tiles", self._list_tiles)
        return tiles

    def children(self) -> Collection[TileWrapper]:
        """Return the tiles."""
        return self.tiles()

    @property
    def next(self) -> SectionWrapper | None:
        """The section after this one; None at the end."""
        return self._neighbour(+1)

    @property
    def previous(self) -> SectionWrapper | None:
        """The section before this one; None at the start."""
        return self._neighbour(-1)

    def _neighbour(self, step: int) -> SectionWrapper | None:
        sections = self.stack.sections()
        place = sections.ids.index(sections.get(self.z).z) + step
        return sections[place] if 0 <= place < len(sections) else None

    # Writing

    @changes_data
    def delete(self) -> None:
        """
        Delete the tiles of this layer; the stack must be LOADING.

        Notes
        -----
        One request, ``section.delete``.

        Raises
        ------
        StackStateError
            If the stack is not LOADING.
        """
        self._call("section.delete")

    # Loading

    @property
    def _rows(self) -> Sequence[SectionRecord]:
        own: Sequence[SectionRecord] | None = self.stack._section_rows().get(self.z)
        if own is None:
            own = self._remembered("rows", self._read_rows)
        return own

    def _read_rows(self) -> Sequence[SectionRecord]:
        return rows_by_z(self._text("section.section_data")).get(self.z, [])

    @property
    def _tile_boxes(self) -> Sequence[BoundsRecord]:
        boxes: Sequence[BoundsRecord] = self._remembered("tile boxes", self._read_tile_boxes)
        return boxes

    def _read_tile_boxes(self) -> Sequence[BoundsRecord]:
        return [BoundsRecord.from_json(text) for text in cut_list(self._text("section.tile_bounds"))]

    def _list_tiles(self) -> Listing:
        try:
            resolved = ResolvedTiles.from_json(self._text("section.resolved_tiles"))
        except NotFoundError:
            self.stack.reload()
            resolved = ResolvedTiles()
        self.stack.shared_transforms.add(resolved.transforms)
        ids = sorted(resolved.tiles)
        return Listing(ids, partial(TileKey, *self._key.stack_key), [resolved.tiles[tile_id] for tile_id in ids])

    def _fetch(self) -> SectionRecord:
        box = self.bounds
        sides = {} if box is None else {"min_x": box.min_x, "min_y": box.min_y, "max_x": box.max_x, "max_y": box.max_y}
        return SectionRecord(z=self.z, tile_count=self.tile_count, **sides)
