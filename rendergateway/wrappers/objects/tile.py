"""Tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rendergateway.errors import RecordError
from rendergateway.geometry import Bounds
from rendergateway.later import LaterModule
from rendergateway.model import ChannelRecord, ImagePyramid, Layout, TileRecord
from rendergateway.model.tables.references import references
from rendergateway.model.tables.row_table import RowTable
from rendergateway.transforms import TransformList
from rendergateway.wrappers.core.existing import MayBeMissing
from rendergateway.wrappers.core.freshness import fact
from rendergateway.wrappers.core.keys import SectionKey, TileKey, TransformKey, keys_below
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.object import changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.core.rows import boxes_in_nm
from rendergateway.wrappers.objects.picture_methods import TilePictures
from rendergateway.wrappers.objects.stack import StackWrapper
from rendergateway.wrappers.objects.tile_coordinates import TileCoordinates
from rendergateway.wrappers.reading.splitting import Asked

if TYPE_CHECKING:
    from rendergateway.model import TileTable
    from rendergateway.wrappers.core.collection import Collection
    from rendergateway.wrappers.core.keys import Key
    from rendergateway.wrappers.editing import deletions as removing
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.shared_transform import SharedTransformWrapper
    from rendergateway.wrappers.objects.tile_group import TileGroupWrapper
else:
    removing = LaterModule("rendergateway.wrappers.editing.deletions")

__all__ = ["TileWrapper"]


@add_base
class TileWrapper(MayBeMissing, TileCoordinates, TilePictures):
    """
    One image of a section, and the transforms that place it in the world.

    Notes
    -----
    A tile that comes from a listing is loaded. Another one loads itself, as stored, with one request, ``tile.read``.
    """

    __slots__ = ()
    KIND = "tile"
    RECORD = TileRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("z", "bounds", "width", "height", "layout")

    _key: TileKey

    @property
    def tile_id(self) -> str:
        """Unique within the stack; no request."""
        return self._key.tile_id

    @property
    def stack(self) -> StackWrapper:
        """The stack; no request."""
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
        return stack

    @property
    def section(self) -> SectionWrapper:
        """The section that the tile lies in."""
        section: SectionWrapper = self._parent("section", SectionKey(*self._key.stack_key, self.z))
        return section

    @property
    def parent(self) -> SectionWrapper:
        """The section."""
        return self.section

    # Navigation

    def neighbours(self, *, margin_px: float = 0.0, dz: float = 0.0) -> Collection[TileWrapper]:
        """
        Return the other tiles whose boxes touch that of this one, ordered by id.

        Parameters
        ----------
        margin_px : float
            How much wider this tile's box is taken to be on each side, in world pixels.
        dz : float
            How many sections away they may be.

        Raises
        ------
        RecordError
            If the tile is stored without a box.

        Notes
        -----
        No request now for a loaded tile; one, ``stack.resolved_tiles``, when the collection is first read.
        """
        box = self.bounds
        if box is None:
            raise RecordError(f"tile {self.tile_id!r} has no box: nobody knows what lies beside it")
        around = Bounds(box.min_x - margin_px, box.min_y - margin_px, box.max_x + margin_px, box.max_y + margin_px)
        touching = self.stack._asked_for(Asked((self.z - dz, self.z + dz), around))
        return touching.filter(tile_id=lambda tile_id: tile_id != self.tile_id)

    @property
    def group(self) -> TileGroupWrapper | None:
        """The group of tiles that this one is in; None where it is in none."""
        name = self._obj.group_id
        return None if name is None else self.stack.tile_group(name)

    def shared_transforms(self) -> Collection[SharedTransformWrapper]:
        """Return the shared transforms that this tile refers to, by id; no request for a loaded tile."""

        def load() -> Listing:
            return Listing(sorted(references(self._obj.to_json())), keys_below(TransformKey, *self._key.stack_key))

        transforms: Collection[SharedTransformWrapper] = self._children("transform", "shared transforms", load)
        return transforms

    # Facts

    @fact
    def z(self) -> float:
        """
        The section's position.

        Raises
        ------
        RecordError
            If the tile is stored without one.
        """
        z = self._obj.z
        if z is None:
            raise RecordError(f"tile {self.tile_id!r} has no z")
        return z

    @fact
    def bounds(self) -> Bounds | None:
        """The box in world pixels, as stored: whole numbers, up to a pixel off, None where it has none."""
        return self._obj.bounds

    @fact
    def width(self) -> float | None:
        """Width of the image in local pixels."""
        return self._obj.width

    @fact
    def height(self) -> float | None:
        """Height of the image in local pixels."""
        return self._obj.height

    @fact
    def layout(self) -> Layout:
        """The acquisition facts; empty where there are none."""
        return self._obj.layout or Layout()

    @fact
    def labels(self) -> list[str]:
        """Tags of the tile."""
        return self._obj.labels

    @fact
    def channels(self) -> list[ChannelRecord]:
        """Colours or detectors, in their order; empty for a tile of one image without a name."""
        return self._obj.channels

    @fact
    def mipmaps(self) -> ImagePyramid:
        """The levels of the image, as addresses."""
        return self._obj.mipmaps

    @fact
    def image_url(self) -> str | None:
        """Address of the full-size image."""
        return self.mipmaps[0].image_url if 0 in self.mipmaps else None

    @fact
    def transforms(self) -> TransformList:
        """The transforms from local to world pixels as stored: shared ones are references."""
        return self._obj.transforms

    @property
    def resolved_transforms(self) -> TransformList:
        """
        The transforms with shared ones in the place of their references.

        Notes
        -----
        None for a listed tile; else one request, ``transform.read``, a shared transform of the stack, once.
        """
        if self._gateway is None and not references(self._obj.to_json()):
            # A loose tile without references has all that it needs.
            return self.transforms
        return self.transforms.resolve(self.stack.shared_transforms)

    def matches(self, collection: str | MatchCollectionWrapper) -> Collection[MatchPairWrapper]:
        """
        Return the pairs of this tile in a match collection, with this tile as p.

        Parameters
        ----------
        collection : str or MatchCollectionWrapper
            A collection of the same owner by name, or any.

        Raises
        ------
        RecordError
            When read, if the tile has no section id: that is the group of its matches.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now; one, ``match.with_tile``, when the pairs are first read.
        """
        if isinstance(collection, str):
            collection = self._conn.match_collection(collection, owner=self._key.owner)
        elif not hasattr(collection, "pairs"):
            raise TypeError(f"matches are read from a match collection, or the one of a name, not {collection!r}")
        return collection.pairs(tile=self)

    # Writing

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the tile; the stack must be LOADING.

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
        One request, ``tile.delete``; of a dry run ``stack.tile_specs``.

        Raises
        ------
        StackStateError
            If the stack is not LOADING.
        """
        if dry_run:
            return removing.Plan.of(self.stack, self, None, None).count()
        self._call("tile.delete")
        return None

    # Loading

    @classmethod
    def _table_of(cls, objects: Collection[Any], units: str) -> Any:
        from rendergateway.model import TileTable

        tiles = TileTable(objects.texts)
        return tiles if units == "px" else _table_in_nm(objects, tiles)

    @classmethod
    def _key_of(cls, record: TileRecord | None) -> Key:
        # A loose tile belongs to no stack.
        return TileKey("", "", "", record.tile_id) if record is not None else super()._key_of(record)

    def _fetch(self) -> TileRecord:
        return TileRecord.from_json(self._text("tile.read"))


def _table_in_nm(objects: Collection[Any], tiles: TileTable) -> RowTable:
    columns = dict(tiles.columns("tile_id", "section_id", "z", "image_row", "image_col", "box"))
    boxes = columns.pop("box")
    sides = boxes_in_nm(boxes, objects[0].stack).T if len(objects) else boxes.T
    names = ("min_x_nm", "min_y_nm", "max_x_nm", "max_y_nm")
    return RowTable({**columns, **dict(zip(names, sides, strict=True))})
