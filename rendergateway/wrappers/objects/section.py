"""Sections: the z layers of a stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

import numpy as np
import numpy.typing as npt

from rendergateway.geometry import Bounds, FloatArray, box_of
from rendergateway.later import LaterModule
from rendergateway.model import CoordinateTable, ResolvedTiles, SectionRecord
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.tiles import ResolvedTileRecord
from rendergateway.number_text import double_text
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.keys import SectionKey
from rendergateway.wrappers.core.labels import LabelledSection
from rendergateway.wrappers.core.object import changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.objects.picture_methods import SectionPictures
from rendergateway.wrappers.objects.stack import StackWrapper, rows_by_z
from rendergateway.wrappers.reading.tiles import pieces_in_turn, read_layer, tile_listing

if TYPE_CHECKING:
    from rendergateway.wrappers.coordinates import locate as locating
    from rendergateway.wrappers.editing import deletions as removing
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.objects.tile import TileWrapper
else:
    locating = LaterModule("rendergateway.wrappers.coordinates.locate")
    removing = LaterModule("rendergateway.wrappers.editing.deletions")

__all__ = ["SectionWrapper"]


@add_base
class SectionWrapper(LabelledSection, SectionPictures):
    """One section of a stack: all tiles of one z."""

    __slots__ = ()
    KIND = "section"
    CHILD_KIND = "tile"
    RECORD = SectionRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("z", "section_ids", "tile_count", "bounds")

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
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
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
    def section_id(self) -> str | None:
        """The one section id of this layer; None where it has none or several. Requests as `section_ids`."""
        ids = self.section_ids
        return ids[0] if len(ids) == 1 else None

    @property
    def tile_count(self) -> int:
        """
        How many tiles this layer has.

        Notes
        -----
        As `section_ids`; a layer whose tiles carry no section id is counted with ``section.tile_bounds``.
        """
        rows = self._rows
        return sum(row.tile_count for row in rows) if rows else len(self._tile_boxes)

    @property
    def bounds(self) -> Bounds | None:
        """
        The box around all tiles of this layer; None where it has none.

        Notes
        -----
        As `tile_count`.
        """
        rows = self._rows
        if not rows:
            return _box_around(self._tile_boxes)
        boxes = [box for box in (row.bounds for row in rows) if box is not None]
        return box_of(boxes) if boxes else None

    # Navigation

    @overload
    def tiles(self, *, resolved: Literal[False] = False) -> Collection[TileWrapper]: ...
    @overload
    def tiles(self, *, resolved: Literal[True]) -> Sequence[ResolvedTileRecord]: ...
    def tiles(self, *, resolved: bool = False) -> Collection[TileWrapper] | Sequence[ResolvedTileRecord]:
        """
        Return the tiles of this section, ordered by id, with the shared transforms that they refer to.

        Parameters
        ----------
        resolved : bool
            Whether to return records instead, in which the shared transforms stand in the place of their references,
            as the service flattens them. They are for reading: put into a stack, they would lose their links.

        Notes
        -----
        No request now; one, ``section.resolved_tiles``, when the collection is first read. Of records one,
        ``section.tile_specs``, now. Where that finds nothing, another, ``stack.read``, tells an empty layer from a
        stack that is not there.

        Raises
        ------
        NotFoundError
            When the collection is read, if the stack does not exist.
        """
        if resolved:
            return tuple(map(ResolvedTileRecord.from_json, self._resolved_texts()))
        tiles: Collection[TileWrapper] = self._children("tile", "tiles", self._list_tiles)
        return tiles

    def iter_tiles(self, *, batch: int | None = None) -> Iterator[TileWrapper]:
        """
        Yield the tiles of this section in bounded memory.

        Parameters
        ----------
        batch : int, optional
            Maximum number of tiles in memory; a larger section is read in pieces, each ordered by id. Overlapping
            tiles may come together, however many they are. Default: 20 000 if the tile count is known, else one
            answer of the service (at most 50 001 tiles).

        Notes
        -----
        ``stack.read`` and ``stack.section_data`` once per stack; with *batch* also what `tile_count` needs. Then
        ``section.resolved_tiles`` or, for a larger section, ``section.bounds`` and per piece ``stack.resolved_tiles``
        and some ``box.tile_count``.
        """
        for piece in self._pieces(batch):
            listing = tile_listing(self.stack, piece, {"z": self.z})
            tiles: Collection[TileWrapper] = Collection(
                self._conn,
                "tile",
                lambda listing=listing: listing,  # type: ignore[misc]
                scope=self._scope,
                what=f"tiles of {self!r}",
                above=self,
            )
            yield from tiles

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
        place = sections.index(sections.get(self.z)) + step
        return sections[place] if 0 <= place < len(sections) else None

    # Coordinates

    def locate(self, points: npt.ArrayLike, *, where: str = "here", method: str = "mesh") -> CoordinateTable:
        """
        Find the tiles under points of the world.

        Parameters
        ----------
        points : array_like, shape (N, 2)
            x, y in world pixels.
        where : {'here', 'service'}
            Computed here, or asked of the service, which knows only the mesh.
        method : {'mesh', 'exact'}
            *mesh* is the service's rule: a tile whose stored box holds the point lies under it if the point is in a
            triangle of its mesh, which ends one pixel before the image does and knows no mirrored tiles. *exact*
            inverts the transforms themselves; a tile lies under a point that comes out within its width and height.

        Returns
        -------
        CoordinateTable
            A row for each tile under each point, x and y in its local pixels, ordered by point and tile id. The last
            tile of a point is *visible*: it is drawn on top. A point that lies in no tile is one row that says why.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        Here: as `tiles`. From the service: one request, ``coordinate.section_local_from_world``, for each 25 000
        points, and ``stack.read`` if none of them lies in a tile.
        """
        return locating.locate(self, points, where, method)

    # Writing

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the tiles of this layer; the stack must be LOADING.

        Parameters
        ----------
        dry_run : bool
            Whether only to look what would go.

        Returns
        -------
        Removal or None
            What would go, of a dry run.

        Notes
        -----
        One request, ``section.delete``; of a dry run ``section.tile_bounds``.

        Raises
        ------
        StackStateError
            If the stack is not LOADING.
        """
        if dry_run:
            return removing.Plan.of(self.stack, None, self, None).count()
        self._call("section.delete")
        return None

    # Loading

    @classmethod
    def _key_of(cls, record: SectionRecord | None) -> SectionKey:
        # A loose section belongs to no stack.
        return SectionKey("", "", "", record.z) if record is not None else super()._key_of(record)  # type: ignore[return-value]

    @property
    def _rows(self) -> Sequence[SectionRecord]:
        if self._gateway is None:
            return [self._obj]
        known = self._known_rows
        return self._remembered("rows", self._read_rows) if known is None else known

    @property
    def _known_rows(self) -> Sequence[SectionRecord] | None:
        """The section data that are known without a request for this section alone."""
        own: Sequence[SectionRecord] | None = self._recalled("rows")
        return self.stack._section_rows().get(self.z) if own is None else own

    def _carried(self) -> dict[Any, Any]:
        of_stack = self.stack._recalled("section rows") or {}
        rows = self._recalled("rows") or of_stack.get(self.z)
        known = {"rows": rows, "tile boxes": self._recalled("tile boxes")}
        return {name: value for name, value in known.items() if value is not None}

    def _read_rows(self) -> Sequence[SectionRecord]:
        answer = self.stack._unless_missing(lambda: self._text("section.section_data"), b"[]")
        return rows_by_z(answer).get(self.z, [])

    @property
    def _tile_boxes(self) -> FloatArray:
        """Boxes of all tiles, (N, 4); NaN where a side is not known."""
        boxes: FloatArray = self._remembered("tile boxes", self._read_tile_boxes)
        return boxes

    def _read_tile_boxes(self) -> FloatArray:
        from rendergateway.model.tables.tile_table import TileTable

        answer = self.stack._unless_missing(lambda: self._text("section.tile_bounds"), b"[]")
        return TileTable(cut_list(answer)).box

    def _resolved_texts(self) -> Sequence[Text]:
        return cut_list(self.stack._unless_missing(lambda: self._text("section.tile_specs"), b"[]"))

    def _list_tiles(self) -> Listing:
        return tile_listing(self.stack, read_layer(self.stack, self.z), {"z": self.z})

    def _pieces(self, most: int | None) -> Iterator[ResolvedTiles]:
        if most is None:
            # To ask for the count of each section would double the requests.
            rows = self._known_rows
            count = sum(row.tile_count for row in rows) if rows else None
            return pieces_in_turn(self.stack, self.z, count)
        return pieces_in_turn(self.stack, self.z, self.tile_count, most)

    def _fetch(self) -> SectionRecord:
        box = self.bounds
        sides = {} if box is None else {"min_x": box.min_x, "min_y": box.min_y, "max_x": box.max_x, "max_y": box.max_y}
        return SectionRecord(z=self.z, tile_count=self.tile_count, **sides)


def _box_around(boxes: FloatArray) -> Bounds | None:
    known = boxes[~np.isnan(boxes).any(axis=1)]
    return Bounds(*known[:, :2].min(axis=0), *known[:, 2:].max(axis=0)) if len(known) else None
