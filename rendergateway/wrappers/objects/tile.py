"""Tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from rendergateway import transforms
from rendergateway.errors import CoordinateError, NotInvertibleError, RecordError, TransformError
from rendergateway.geometry import Bounds, FloatArray, as_points, boxes_under
from rendergateway.model.records.channels import ChannelRecord
from rendergateway.model.records.pyramid import ImagePyramid
from rendergateway.model.records.tiles import Layout, TileRecord
from rendergateway.model.tables.references import references
from rendergateway.model.tables.row_table import RowTable
from rendergateway.transforms import Transform, TransformList
from rendergateway.wrappers.core.arguments import as_number
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.epochs import fact
from rendergateway.wrappers.core.keys import CollectionKey, Key, SectionKey, TileKey, TransformKey, keys_below
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.object import ObjectWrapper, changes_data
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.core.rows import boxes_in_nm
from rendergateway.wrappers.matching.pairs import PairReading
from rendergateway.wrappers.objects.stack import StackWrapper
from rendergateway.wrappers.reading.splitting import TileQuery

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.model.records.render_parameters import RenderParameters
    from rendergateway.model.tables.tile_table import TileTable
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.images.options import PictureKeywords, PictureOptions
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.images.view import View
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.shared_transform import SharedTransformWrapper
    from rendergateway.wrappers.objects.tile_group import TileGroupWrapper

__all__ = ["TileWrapper"]

_THUMBNAIL_PX = 128


@add_base
class TileWrapper(ObjectWrapper[TileRecord]):
    """
    One image of a section, and the transforms that place it in the world.

    Notes
    -----
    A tile of a listing is loaded. Another one loads itself, as stored, with one request, ``tile.read``.
    """

    __slots__ = ()
    KIND = "tile"
    RECORD = TileRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("z", "bounds", "width", "height", "layout")

    _key: TileKey

    @property
    def tile_id(self) -> str:
        """Unique within the stack. No request."""
        return self._key.tile_id

    @property
    def stack(self) -> StackWrapper:
        """The stack. No request."""
        return self._stack

    @property
    def _stack(self) -> StackWrapper:
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
        return stack

    @property
    def section(self) -> SectionWrapper:
        """The section of the tile."""
        return self._section

    @property
    def parent(self) -> SectionWrapper:
        """The section."""
        return self._section

    @property
    def _section(self) -> SectionWrapper:
        section: SectionWrapper = self._parent("section", SectionKey(*self._key.stack_key, self._z))
        return section

    # Facts

    @fact
    def z(self) -> float:
        """
        Position of the section.

        Raises
        ------
        RecordError
            If the tile is stored without z.
        """
        return self._z

    @property
    def _z(self) -> float:
        known = self._held[1].get("z")
        z = known if known is not None and not self._held[0].is_over else self._obj.z
        if z is None:
            raise RecordError(f"tile {self._key.tile_id!r} has no z")
        return float(z)

    @fact
    def bounds(self) -> Bounds | None:
        """Bounding box in world pixels, as stored: whole numbers, up to a pixel off; None if it is missing."""
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
        """The acquisition metadata; empty if it is missing."""
        return self._obj.layout or Layout()

    @property
    def labels(self) -> list[str]:
        """Tags of the tile."""
        return self._obj.labels

    @property
    def channels(self) -> list[ChannelRecord]:
        """Colours or detectors, in order; empty for a tile with one unnamed image."""
        return self._obj.channels

    @fact
    def mipmaps(self) -> ImagePyramid:
        """The levels of the image, as URLs."""
        return self._obj.mipmaps

    @fact
    def image_url(self) -> str | None:
        """URL of the full-size image."""
        mipmaps = self._obj.mipmaps
        return mipmaps[0].image_url if 0 in mipmaps else None

    @fact
    def transforms(self) -> TransformList:
        """The transforms from local to world pixels as stored: shared ones are references."""
        return self._obj.transforms

    @property
    def resolved_transforms(self) -> TransformList:
        """
        The transforms from local to world pixels, with shared ones resolved.

        Notes
        -----
        None for a listed tile; else one request, ``transform.read``, per shared transform of the stack, once.
        """
        return self._resolved_transforms

    @property
    def _resolved_transforms(self) -> TransformList:
        record = self._obj
        if self._gateway is None and not references(record.to_json()):
            # A detached tile without references is complete.
            return record.transforms
        return record.transforms.resolve(self._stack._shared_transforms)

    # Navigation

    def neighbours(self, *, margin_px: float = 0.0, dz: float = 0.0) -> Collection[TileWrapper]:
        """
        Return the other tiles whose bounding boxes touch that of this one, ordered by id.

        Parameters
        ----------
        margin_px : float
            Margin around this tile's box, in world pixels.
        dz : float
            Maximum distance in sections.

        Raises
        ------
        RecordError
            If the tile is stored without a bounding box.

        Notes
        -----
        No request now for a loaded tile; one, ``stack.resolved_tiles``, when the collection is first read.
        """
        margin_px, dz = as_number(margin_px, "margin_px"), as_number(dz, "dz")
        tile_id = self._key.tile_id

        def around() -> TileQuery:
            box, z = self._obj.bounds, self._z
            if box is None:
                raise RecordError(f"tile {tile_id!r} has no bounding box, so its neighbours are unknown")
            wide = Bounds(box.min_x - margin_px, box.min_y - margin_px, box.max_x + margin_px, box.max_y + margin_px)
            return TileQuery((z - dz, z + dz), wide)

        def load() -> Listing:
            touching = self._stack._reader.query_listing(around())
            return touching.chosen(place for place, other in enumerate(touching.ids) if other != tile_id)

        around()
        what = f"neighbours within {margin_px:g} pixels and {dz:g} sections"
        neighbours: Collection[TileWrapper] = self._selection("tile", what, load)
        return neighbours

    @property
    def group(self) -> TileGroupWrapper | None:
        """The tile group; None if it is in none."""
        name = self._obj.group_id
        return None if name is None else StackWrapper.tile_group(self._stack, name)

    def shared_transforms(self) -> Collection[SharedTransformWrapper]:
        """Return the shared transforms that this tile refers to, ordered by id; no request for a loaded tile."""

        def load() -> Listing:
            return Listing(sorted(references(self._obj.to_json())), keys_below(TransformKey, *self._key.stack_key))

        transforms: Collection[SharedTransformWrapper] = self._children("transform", "shared transforms", load)
        return transforms

    def matches(self, collection: str | MatchCollectionWrapper) -> Collection[MatchPairWrapper]:
        """
        Return the pairs of this tile in a match collection, with this tile as p.

        Parameters
        ----------
        collection : str or MatchCollectionWrapper
            A collection, or the name of one of the same owner.

        Raises
        ------
        RecordError
            When read, if the tile has no section id, the group of its matches.
        NotFoundError
            When read, if the collection does not exist.

        Notes
        -----
        No request now; one, ``match.with_tile``, when the pairs are first read.
        """
        found: Any = collection
        if isinstance(collection, str):
            found = self._conn.objects.opened("match_collection", CollectionKey(self._key.owner, collection))
        elif not isinstance(collection, PairReading):
            raise TypeError(f"matches() takes a match collection or the name of one, got {collection!r}")
        pairs: Collection[MatchPairWrapper] = PairReading.pairs(found, tile=self)
        return pairs

    # Coordinates

    def world_from_local(self, points: npt.ArrayLike, *, compute: str = "local", frame: str = "raw") -> FloatArray:
        """
        Transform points of the image into the world.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in local pixels; they may be outside of the image.
        compute : {'local', 'service'}
            Where the points are transformed.
        frame : {'raw', 'lens_corrected', 'before:LABEL', 'after:LABEL'}
            Frame of the local pixels, see `TransformList.split_at`; the service has raw ones only.

        Returns
        -------
        ndarray, same shape
            x, y in world pixels.

        Raises
        ------
        TransformError
            If a transform of the tile cannot be applied, or none has the label of the frame; a `CoordinateError` if
            its parameters are not finite, and from the service.

        Notes
        -----
        Locally: as `resolved_transforms`. By the service: one request, ``coordinate.batch_world_from_local``, per
        25 000 points.
        """
        from rendergateway.wrappers.coordinates import locate

        if locate.is_computed_here(compute, frame=frame):
            transforms = self._from(frame)
            if not transforms.is_finite:
                raise CoordinateError(f"tile {self._key.tile_id!r} has transforms with parameters that are not finite")
            return transforms.apply(points)
        stack = self._bound.at(self._key.stack_key)
        table = locate.world_from_local(stack, self._key.tile_id, points, compute).raise_errors()
        return table.xy.reshape(np.shape(points))

    def _from(self, frame: str) -> TransformList:
        """Return the transforms from a frame into the world."""
        return self._resolved_transforms.flattened().split_at(frame)[1]

    def local_from_world(
        self, points: npt.ArrayLike, *, compute: str = "local", method: str = "exact", frame: str = "raw"
    ) -> FloatArray:
        """
        Transform points of the world into the image.

        Parameters
        ----------
        points : array_like, shape (..., 2)
            x, y in world pixels.
        compute : {'local', 'service'}
            Where the points are transformed; the service has only the mesh method.
        method : {'exact', 'mesh'}
            *exact* inverts the transforms themselves, wherever the point is. *mesh* returns the results of the service:
            up to some pixels off if a tile is strongly deformed, and none outside of 0 … width − 1 and 0 … height − 1,
            outside of the stored box or in a mirrored tile.
        frame : {'raw', 'lens_corrected', 'before:LABEL', 'after:LABEL'}
            Frame of the result, see `TransformList.split_at`; the mesh method has raw pixels only.

        Returns
        -------
        ndarray, same shape
            x, y in local pixels.

        Raises
        ------
        NotInvertibleError
            If a point has no place in the tile; from the service a `CoordinateError`.
        TransformError
            If a transform of the tile cannot be applied, its size is missing (by mesh), or no transform has the label
            of the frame.

        Notes
        -----
        Locally: as `resolved_transforms`. By the service: ``stack.tile_specs``, for z of the tile, and one
        ``coordinate.batch_local_from_world`` per 25 000 points.
        """
        from rendergateway.wrappers.coordinates import locate

        if not locate.is_computed_here(compute, method, frame):
            stack = self._bound.at(self._key.stack_key)
            table = locate.local_from_world(stack, self._key.tile_id, points, compute, method).raise_errors()
            return table.xy.reshape(np.shape(points))
        if method == "exact":
            return self._from(frame).inverse().apply(points)
        world = as_points(points)
        flat, box = world.reshape(-1, 2), np.array([list(self._obj.bounds or (np.nan,) * 4)])
        outside = np.setdiff1d(np.arange(len(flat)), boxes_under(flat, box)[0])
        if len(outside):
            raise NotInvertibleError(locate.outside_box(flat[outside[0]], self._key.tile_id))
        return self._mesh_inverse().apply(world)

    def _mesh_inverse(self) -> Transform:
        record = self._obj
        if not len(record.transforms):
            return record.transforms
        if record.width is None or record.height is None:
            raise TransformError(f"tile {self._key.tile_id!r} has no width or height, which its mesh requires")
        return transforms.mesh_inverse(self._resolved_transforms, record.width, record.height, record.mesh_cell_size)

    # Pictures

    def image(self, frame: str = "world", *, scale: float = 1.0, **options: Unpack[PictureKeywords]) -> Picture:
        """
        Draw the tile.

        Parameters
        ----------
        frame : {'world', 'raw', 'lens_corrected', 'before:LABEL', 'after:LABEL'}
            With all transforms, as stored in the file, after its lens correction, as for matching, or with the
            transforms before or up to the last one of a label, see `TransformList.split_at`.
        scale : float
            Picture pixels per pixel of the frame.
        **options
            Those of `PictureOptions`: channel, channels, intensity, filter, mask, background, max_tiles, dtype,
            compute and seamless.

        Returns
        -------
        Picture
            The whole tile; ``picture.box`` and ``picture.frame_from_pixels`` locate it in the frame. As drawn by the
            service, its last row and column are not covered, and at smaller scales often the first.

        Raises
        ------
        ImageError
            If the picture would have no pixels or too many, or cannot be drawn locally.
        MissingChannelError
            If the tile has no such channel.
        ServiceError
            If the service refuses; its message names the file.
        RecordError
            If the tile is stored without the bounding box or the size that the frame requires.

        Notes
        -----
        One request for a loaded tile, ``tile.png`` or, in 16 bits, ``tile.tiff16``; for each of *channels* one. If it
        is drawn locally ``tile.render_parameters``; with custom background or filters both that and ``recipe.png``.
        Frames other than *world* and *raw* need `resolved_transforms`.
        """
        from rendergateway.wrappers.images.render import tile_picture

        return tile_picture(self._view(frame, scale), self._obj, _options(options))

    def source_image(self, channel: str | None = None, *, level: int = 0, mask: bool = False) -> Picture:
        """
        Read an image file of the tile: its own pixels, all of them, in the type of the file.

        The file is opened by this process, at the path that ``Gateway(image_paths=…)`` maps to. ``image("raw")`` is the
        same image as drawn by the service: with the intensity window and the filters of the tile, without its last row
        and column.

        Parameters
        ----------
        channel : str, optional
            Default: the first.
        level : int
            Listed mipmap level, 0 for full size.
        mask : bool
            Whether to read the mask instead.

        Returns
        -------
        Picture
            uint8, uint16 or float32 values.

        Raises
        ------
        ImageError
            If the tile has no such level, image or mask, or the file cannot be read.
        MissingChannelError
            If the tile has no such channel.

        Notes
        -----
        No request for a loaded tile.
        """
        from rendergateway.wrappers.images.source import source_picture

        return source_picture(self._bound, self._obj, channel, level, mask=mask)

    def thumbnail(self, width: int = _THUMBNAIL_PX, **options: Unpack[PictureKeywords]) -> Picture:
        """
        Draw the tile in the world, *width* pixels wide, in 8 bits by default.

        Notes
        -----
        Parameters, errors and requests as `image`.
        """
        options.setdefault("dtype", "uint8")
        return self.image(scale=self._thumbnail_scale(width), **options)

    def render_parameters(
        self, frame: str = "world", *, scale: float = 1.0, **options: Unpack[PictureKeywords]
    ) -> RenderParameters:
        """
        Return the recipe of a picture of the tile, to be changed with ``evolve`` and drawn with ``gateway.render``.

        Notes
        -----
        Parameters as `image`. One request for a loaded tile, ``tile.render_parameters``.
        """
        chosen = _options(options)
        return self._view(frame, scale).parameters(chosen)

    def url(
        self, format: str = "png", *, frame: str = "world", scale: float = 1.0, **options: Unpack[PictureKeywords]
    ) -> str:
        """
        Return the URL of a picture of the tile, for web pages; it changes when the stack does.

        Parameters
        ----------
        format : {'png', 'jpg', 'tif'}
            Format of the answer.
        frame, scale, **options
            As for `image`.

        Returns
        -------
        str
            For an embedded service only the path, to be forwarded by the server of the page.

        Raises
        ------
        ImageError
            If the format is unknown, or the picture would have no pixels or too many.
        TypeError
            If the service alone cannot draw it.

        Notes
        -----
        No request if tile and stack are loaded; else ``tile.read``, and ``stack.read`` once for all tiles.
        """
        from rendergateway.wrappers.images.render import url_of

        chosen = _options(options)
        return url_of(self._view(frame, scale), self._stack._obj.modified, format, chosen)

    @property
    def thumbnail_url(self) -> str:
        """The URL of a JPEG 128 pixels wide, for web pages; requests as `url`."""
        return self.url("jpg", scale=self._thumbnail_scale(_THUMBNAIL_PX))

    def _view(self, frame: str, scale: float) -> View:
        from rendergateway.wrappers.images.render import tile_view

        return tile_view(self._bound, self._obj, lambda: self._resolved_transforms, frame, scale)

    def _thumbnail_scale(self, width: int) -> float:
        from rendergateway.wrappers.images.render import thumbnail_scale

        return thumbnail_scale(self._view("world", 1.0).box, width)

    # Links

    def link(self, viewer: str, *, host: str | None = None) -> str:
        """
        Return the address of the tile in a viewer; parameters and errors are those of `StackWrapper.link`.

        Notes
        -----
        ``stack.read`` once per stack and, for a tile that is not loaded, ``tile.read`` for neuroglancer and CATMAID;
        else none.
        """
        from rendergateway import links

        return links.link(
            viewer, self._stack._linked("tile", self._key, lambda: links.centre_of(self._obj.bounds, self._z)), host
        )

    # Writing

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the tile; the stack must be LOADING.

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
        One request, ``tile.delete``; for a dry run ``stack.tile_specs``.
        """
        if dry_run:
            from rendergateway.wrappers.editing.deletions import Deletion

            return Deletion(self._stack._bound, tile_ids=[self._key.tile_id]).count()
        self._bound.call("tile.delete")
        return None

    # Loading

    @classmethod
    def _table_of(cls, objects: Collection[Any], units: str) -> Any:
        from rendergateway.model.tables.tile_table import TileTable

        # All tiles of a collection are in one stack.
        stack = objects._conn.objects.wrap("stack", objects[0]._key.stack_key) if len(objects) else None
        tiles = TileTable(objects.texts, shared=stack and stack._shared_text)
        return tiles if units == "px" else _table_in_nm(objects, tiles)

    @classmethod
    def _key_of(cls, record: TileRecord | None) -> Key:
        # A detached tile belongs to no stack.
        return TileKey("", "", "", record.tile_id) if record is not None else super()._key_of(record)

    def _fetch(self) -> TileRecord:
        return TileRecord.from_json(self._bound.fetch("tile.read"))


def _options(options: Any) -> PictureOptions:
    from rendergateway.wrappers.images.options import PictureOptions

    return PictureOptions(**options)


def _table_in_nm(objects: Collection[Any], tiles: TileTable) -> RowTable:
    columns = dict(tiles.columns("tile_id", "section_id", "z", "image_row", "image_col", "box"))
    boxes = columns.pop("box")
    sides = boxes_in_nm(boxes, objects[0]._stack).T if len(objects) else boxes.T
    names = ("min_x_nm", "min_y_nm", "max_x_nm", "max_y_nm")
    return RowTable({**columns, **dict(zip(names, sides, strict=True))})
