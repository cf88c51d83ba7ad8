"""Sections: the z layers of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from rendergateway.errors import BadRequestError
from rendergateway.geometry import Bounds, FloatArray, box_of
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.stacks import SectionRecord
from rendergateway.model.records.tiles import ResolvedTileRecord, TileBoundsRecord
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.number_text import double_text
from rendergateway.wrappers.core import labels
from rendergateway.wrappers.core.arguments import Box, as_box
from rendergateway.wrappers.core.collection import Collection, streamed
from rendergateway.wrappers.core.keys import SectionKey
from rendergateway.wrappers.core.object import ObjectWrapper, changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.objects.stack import StackWrapper, rows_by_z
from rendergateway.wrappers.reading.splitting import is_too_broad
from rendergateway.wrappers.reading.z_values import unless_missing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.model.records.render_parameters import RenderParameters
    from rendergateway.model.tables.coordinates import CoordinateTable
    from rendergateway.model.tables.tile_table import TileTable
    from rendergateway.wrappers.coordinates.locate import SectionTiles
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.images.options import PictureKeywords, PictureOptions
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.images.view import View
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["SectionWrapper"]

_THUMBNAIL_PX = 128


@add_base
class SectionWrapper(ObjectWrapper[SectionRecord]):
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
        return double_text(self._key.z)

    @property
    def stack(self) -> StackWrapper:
        """The stack. No request."""
        return self._stack

    @property
    def _stack(self) -> StackWrapper:
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
        return stack

    @property
    def parent(self) -> StackWrapper:
        """The stack."""
        return self._stack

    @property
    def exists(self) -> bool:
        """
        Whether the section has tiles.

        Notes
        -----
        As `tile_count`.
        """
        return self._tile_count > 0

    # Facts

    @property
    def section_ids(self) -> list[str]:
        """
        The section ids in the layouts of the tiles; usually one.

        Notes
        -----
        From ``stack.section_data``, once for all sections of the stack; from ``section.section_data`` if the stack is
        LOADING, was never COMPLETE, or lacks this z.
        """
        return self._section_ids

    @property
    def _section_ids(self) -> list[str]:
        return [row.section_id for row in self._rows if row.section_id is not None]

    @property
    def section_id(self) -> str | None:
        """The only section id; None if there are none or several. Requests as `section_ids`."""
        ids = self._section_ids
        return ids[0] if len(ids) == 1 else None

    @property
    def tile_count(self) -> int:
        """
        Number of tiles.

        Notes
        -----
        As `section_ids`; if the tiles have no section id, ``section.tile_bounds``.
        """
        return self._tile_count

    @property
    def _tile_count(self) -> int:
        rows = self._rows
        return sum(row.tile_count for row in rows) if rows else len(self._tile_boxes)

    @property
    def bounds(self) -> Bounds | None:
        """
        Bounding box of all tiles; None if there are none.

        Notes
        -----
        As `tile_count`.
        """
        return self._bounds

    @property
    def _bounds(self) -> Bounds | None:
        rows = self._rows
        if not rows:
            return _box_around(self._tile_boxes)
        boxes = [box for box in (row.bounds for row in rows) if box is not None]
        return box_of(boxes) if boxes else None

    @property
    def z_label(self) -> str:
        """Z for display: ``5`` for 5.0, ``5.5`` for 5.5."""
        return labels.plain_number(self._key.z)

    @property
    def sort_key(self) -> tuple[str | int, ...]:
        """Natural sort key of the section ids, or of z if there are none. Requests as `section_ids`."""
        ids = sorted(map(labels.natural_order, self.section_ids))
        return ids[0] if ids else labels.natural_order(self.name)

    # Navigation

    def tiles(self) -> Collection[TileWrapper]:
        """
        Return the tiles of this section, ordered by id, with the shared transforms that they refer to.

        Raises
        ------
        NotFoundError
            When the collection is read, if the stack does not exist.

        Notes
        -----
        No request now; one, ``section.resolved_tiles``, when the collection is first read. If that finds nothing,
        ``stack.read`` distinguishes an empty section from a missing stack.
        """
        return self._tiles()

    def _tiles(self) -> Collection[TileWrapper]:
        z = self._key.z
        tiles: Collection[TileWrapper] = self._children("tile", "tiles", lambda: self._stack._reader.layer_listing(z))
        return tiles

    def resolved_tiles(self) -> Sequence[ResolvedTileRecord]:
        """
        Return the tiles as records with shared transforms resolved, as the service flattens them.

        They are for reading: saved into a stack, they would lose their links to the shared transforms.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        One request, ``section.tile_specs``, now. For a section too large for one answer also ``section.tile_bounds``
        and, per 50 000 tiles, ``stack.tile_specs``.
        """
        return tuple(map(ResolvedTileRecord.from_json, unless_missing(self._stack._bound, self._flattened, [])))

    def _flattened(self) -> Iterable[Text]:
        from rendergateway.wrappers.coordinates import locate

        try:
            return cut_list(self._bound.fetch("section.tile_specs"))
        except BadRequestError as error:
            if not is_too_broad(error):
                raise
        rows = map(TileBoundsRecord.from_json, cut_list(self._bound.fetch("section.tile_bounds")))
        return locate.flattened(self._stack._bound, sorted(row.tile_id for row in rows))

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
        return self._iter_tiles(batch)

    def _iter_tiles(self, batch: int | None) -> Iterator[TileWrapper]:
        reader, known = self._stack._reader, {"z": self._key.z}
        listings = (reader.listing(piece, known) for piece in self._pieces(batch))
        return streamed(self._conn, "tile", listings, scope=self._scope, above=self)

    def children(self) -> Collection[TileWrapper]:
        """Return the tiles."""
        return self.tiles()

    @property
    def next(self) -> SectionWrapper | None:
        """The next section; None at the end. One request, ``stack.z_values``, once per stack."""
        return self._neighbour(+1)

    @property
    def previous(self) -> SectionWrapper | None:
        """The previous section; None at the start. One request, ``stack.z_values``, once per stack."""
        return self._neighbour(-1)

    def _neighbour(self, step: int) -> SectionWrapper | None:
        sections = StackWrapper.sections(self._stack)
        place = sections.index(sections.get(self._key.z)) + step
        return sections[place] if 0 <= place < len(sections) else None

    # Coordinates

    def locate(self, points: npt.ArrayLike, *, compute: str = "local", method: str = "mesh") -> CoordinateTable:
        """
        Find the tiles under points of the world.

        Parameters
        ----------
        points : array_like, shape (N, 2)
            x, y in world pixels.
        compute : {'local', 'service'}
            Where the points are transformed; the service has only the mesh method.
        method : {'mesh', 'exact'}
            *mesh* is the rule of the service: a tile whose stored bounding box contains the point is under it if the
            point is in a triangle of its mesh, which ends one pixel before the image does and excludes mirrored tiles.
            *exact* inverts the transforms themselves; a tile is under a point that maps to within its width and height.

        Returns
        -------
        CoordinateTable
            One row per tile under each point, x and y in its local pixels, ordered by point and tile id. The last tile
            of a point is *visible*: it is drawn on top. A point in no tile is one row with an error.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        Locally: as `tiles`. By the service: one request, ``coordinate.section_local_from_world``, per 25 000 points,
        and ``stack.read`` if none of them is in a tile.
        """
        from rendergateway.wrappers.coordinates import locate

        return locate.locate(self._bound, points, self._located_tiles, compute, method)

    def _located_tiles(self) -> SectionTiles:
        from rendergateway.wrappers.coordinates.locate import SectionTiles

        def make() -> SectionTiles:
            return SectionTiles.of(self._tiles().texts, self._stack._shared_transforms)

        tiles: SectionTiles = self._remembered("located tiles", make)
        return tiles

    def hidden_tile_ids(self) -> list[str]:
        """
        Return the ids of the tiles that are invisible: covered completely by tiles that are drawn over them.

        Tiles are drawn in the order of their ids; a tile without area is invisible.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        One request, ``section.tile_bounds``.
        """
        from rendergateway.alignment.obscured import obscured

        tiles = self._listed_boxes()
        ids: list[str] = tiles.tile_id[obscured(tiles.box, tiles.tile_id)].tolist()
        return ids

    def tile_ids_outside(self, box: Box) -> list[str]:
        """
        Return the ids of the tiles whose bounding boxes do not touch a box.

        Parameters
        ----------
        box : Bounds or (float, float, float, float)
            World pixels.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        One request, ``section.tile_bounds``.
        """
        from rendergateway.wrappers.editing.tile_selection import TileSelection

        tiles = self._listed_boxes()
        inside = set(TileSelection(box=box).of(tiles, self._key.z).tile_id)
        return [tile_id for tile_id in tiles.tile_id if tile_id not in inside]

    def _listed_boxes(self) -> TileTable:
        """Read ids and bounding boxes of all tiles."""
        from rendergateway.model.tables.tile_table import TileTable

        return TileTable(cut_list(self._listed_text("section.tile_bounds")))

    # Pictures

    def image(self, box: Box | None = None, *, scale: float = 1.0, **options: Unpack[PictureKeywords]) -> Picture:
        """
        Draw a box of the section, or all of it.

        Parameters
        ----------
        box : Bounds or (float, float, float, float), optional
            World pixels; fractional widths and heights are rounded up. Default: the bounds of the section.
        scale : float
            Picture pixels per world pixel.
        **options
            Those of `PictureOptions`: channel, channels, intensity, filter, mask, background, max_tiles, dtype,
            compute and seamless.

        Raises
        ------
        ImageError
            If the section or the box is empty, the picture would have no pixels or too many, shows more tiles than the
            limit, or cannot be drawn locally.
        MissingChannelError
            If no tile has the channel.
        ServiceError
            If the service refuses; its message names tile and file.
        TypeError, ValueError
            If *box* is not a Bounds, or empty.

        Notes
        -----
        One request, ``box.png`` or, in 16 bits, ``box.png16``; for each of *channels* one. Without *box* what `bounds`
        needs. If it is drawn locally, or empty, ``box.render_parameters``; with custom background or filters both that
        and ``recipe.png``.
        """
        return self._picture(box, scale, _options(options))

    def _picture(self, box: Box | None, scale: float, options: PictureOptions) -> Picture:
        from rendergateway.wrappers.images.picture import drawn

        return drawn(self._view(box, scale), options)

    def thumbnail(self, width: int = _THUMBNAIL_PX, **options: Unpack[PictureKeywords]) -> Picture:
        """
        Draw the whole section, *width* pixels wide.

        Notes
        -----
        Parameters, errors and requests as `image`.
        """
        return self.image(scale=self._thumbnail_scale(width), **options)

    def render_parameters(
        self, box: Box | None = None, *, scale: float = 1.0, **options: Unpack[PictureKeywords]
    ) -> RenderParameters:
        """
        Return the recipe of a picture of the section, to be changed with ``evolve`` and drawn with ``gateway.render``.

        Notes
        -----
        Parameters as `image`. One request, ``box.render_parameters``; without *box* what `bounds` needs.
        """
        chosen = _options(options)
        return self._view(box, scale).parameters(chosen)

    def url(
        self,
        format: str = "png",
        *,
        box: Box | None = None,
        scale: float = 1.0,
        **options: Unpack[PictureKeywords],
    ) -> str:
        """
        Return the URL of a picture of the section, for web pages; it changes when the stack does.

        Parameters
        ----------
        format : {'png', 'jpg', 'tif'}
            Format of the answer.
        box, scale, **options
            As for `image`.

        Returns
        -------
        str
            See `TileWrapper.url`.

        Notes
        -----
        No request if the stack is loaded, and *box* is given or `bounds` is known.
        """
        from rendergateway.wrappers.images.render import url_of

        chosen = _options(options)
        return url_of(self._view(box, scale), self._stack._obj.modified, format, chosen)

    @property
    def thumbnail_url(self) -> str:
        """The URL of a JPEG 128 pixels wide, for web pages; requests as `url`."""
        return self.url("jpg", scale=self._thumbnail_scale(_THUMBNAIL_PX))

    def _view(self, box: Box | None, scale: float) -> View:
        from rendergateway.wrappers.images.render import section_view

        return section_view(self._bound, self._bounds if box is None else as_box(box), scale)

    def _thumbnail_scale(self, width: int) -> float:
        from rendergateway.wrappers.images.render import section_box, thumbnail_scale

        return thumbnail_scale(section_box(self._bound, self._bounds), width)

    # Links

    def link(self, viewer: str, *, host: str | None = None) -> str:
        """
        Return the address of the section in a viewer; parameters and errors are those of `StackWrapper.link`.

        Notes
        -----
        ``stack.read`` once per stack for neuroglancer and CATMAID, else none.
        """
        from rendergateway import links

        stack = self._stack
        return links.link(
            viewer, stack._linked("section", self._key, lambda: links.centre_of(stack._bounds, self._key.z)), host
        )

    # Writing

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the tiles of this section; the stack must be LOADING.

        Parameters
        ----------
        dry_run : bool
            Only count what would be deleted.

        Returns
        -------
        Removal or None
            The counts of a dry run.

        Raises
        ------
        StackStateError
            If the stack is not LOADING.

        Notes
        -----
        One request, ``section.delete``; for a dry run ``section.tile_bounds``.
        """
        if dry_run:
            from rendergateway.wrappers.editing.deletions import Deletion

            return Deletion(self._stack._bound, z_values=[self._key.z]).count()
        self._bound.call("section.delete")
        return None

    # Loading

    @classmethod
    def _key_of(cls, record: SectionRecord | None) -> SectionKey:
        # A detached section belongs to no stack.
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
        return self._stack._section_rows().get(self._key.z) if own is None else own

    def _carried(self) -> dict[Any, Any]:
        of_stack = self._stack._recalled("section rows") or {}
        rows = self._recalled("rows") or of_stack.get(self._key.z)
        known = {"rows": rows, "tile boxes": self._recalled("tile boxes")}
        return {name: value for name, value in known.items() if value is not None}

    def _read_rows(self) -> Sequence[SectionRecord]:
        return rows_by_z(self._listed_text("section.section_data")).get(self._key.z, [])

    @property
    def _tile_boxes(self) -> FloatArray:
        """Bounding boxes of all tiles, shape (N, 4); NaN if a side is missing."""
        boxes: FloatArray = self._remembered("tile boxes", self._read_tile_boxes)
        return boxes

    def _read_tile_boxes(self) -> FloatArray:
        return self._listed_boxes().box

    def _listed_text(self, endpoint: str) -> Text:
        return unless_missing(self._stack._bound, lambda: self._bound.fetch(endpoint), b"[]")

    def _pieces(self, batch: int | None) -> Iterator[ResolvedTiles]:
        if batch is None:
            # Requesting the count of each section would double the requests.
            rows = self._known_rows
            count = sum(row.tile_count for row in rows) if rows else None
        else:
            count = self._tile_count
        return self._stack._reader.pieces(self._key.z, count, batch)

    def _fetch(self) -> SectionRecord:
        box = self._bounds
        sides = {} if box is None else {"min_x": box.min_x, "min_y": box.min_y, "max_x": box.max_x, "max_y": box.max_y}
        return SectionRecord(z=self._key.z, tile_count=self._tile_count, **sides)


def _options(options: Any) -> PictureOptions:
    from rendergateway.wrappers.images.options import PictureOptions

    return PictureOptions(**options)


def _box_around(boxes: FloatArray) -> Bounds | None:
    known = boxes[~np.isnan(boxes).any(axis=1)]
    return Bounds(*known[:, :2].min(axis=0), *known[:, 2:].max(axis=0)) if len(known) else None
