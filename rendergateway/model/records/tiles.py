"""Records of tile specifications, layouts and tile bounds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rendergateway.model.records.channels import ChannelRecord, FilterRecord, PathBuilder
from rendergateway.model.records.json_slices import Raw, copy_of, decode, join_object
from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.records.record import Record, list_of, optional, required
from rendergateway.model.records.stacks import BoundsRecord
from rendergateway.transforms import Transform, TransformList
from rendergateway.type_hints import resolvable_hints
from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BOX_SIDES", "BOX_SOURCES", "Layout", "ResolvedTileRecord", "TileBoundsRecord", "TileRecord"]

# Fields of a tile's bounding box, and those that it is derived from.
BOX_SIDES = ("min_x", "min_y", "max_x", "max_y")
BOX_SOURCES = ("transforms", "width", "height", "mesh_cell_size")
_SIDES = frozenset(BOX_SIDES)
_SPACES = b" \t\r\n"


class Layout(Record):
    """
    Acquisition metadata of a tile.

    Attributes
    ----------
    section_id : str or None
        Id of the section (slice).
    scope_id, camera_id : str or None
        Microscope and camera.
    image_row, image_col : int or None
        Row and column in the mosaic.
    stage_x, stage_y, rotation, pixel_size, distance_z : float or None
        As recorded by the microscope, in its units.
    """

    section_id = optional("sectionId", str)
    scope_id = optional("temca", str)
    camera_id = optional("camera", str)
    image_row = optional("imageRow", int)
    image_col = optional("imageCol", int)
    stage_x = optional("stageX", float)
    stage_y = optional("stageY", float)
    rotation = optional("rotation", float)
    pixel_size = optional("pixelsize", float)
    distance_z = optional("distanceZ", float)


class TileBoundsRecord(BoundsRecord):
    """
    The bounding box of one tile: the cheapest way to list a section.

    Attributes
    ----------
    tile_id : str
        Unique within the stack.
    section_id : str or None
        Section id in the tile's layout.
    z : float or None
        Section position.
    """

    tile_id = required("tileId", str)
    section_id = optional("sectionId", str)
    z = optional("z", float)


@resolvable_hints
class TileRecord(BoundsRecord):
    """
    The specification of a tile: its image and the transforms that place it in the world.

    Attributes
    ----------
    tile_id : str
        Unique within a stack.
    z : float or None
        Section position.
    min_x, min_y, max_x, max_y : float or None
        Bounding box in world pixels, as stored.
    width, height : float or None
        Size of the image in local pixels.
    mipmaps : ImagePyramid
        Mipmap levels of the image.
    filter_spec : FilterRecord or None
        Filter applied to the image when it is loaded, by newer services and locally; channels have their own.
    transforms : TransformList
        From local to world pixels, as stored; references are not resolved.
    mesh_cell_size : float
        Spacing in local pixels of the points that the service samples to derive the bounding box.

    Notes
    -----
    The constructor also takes *image_url* and *mask_url*: mipmap level 0 of a tile with one image.
    """

    tile_id = required("tileId", str)
    layout = optional("layout", Layout)
    group_id = optional("groupId", str)
    z = optional("z", float)
    width = optional("width", float)
    height = optional("height", float)
    min_intensity = optional("minIntensity", float)
    max_intensity = optional("maxIntensity", float)
    mipmaps = optional("mipmapLevels", ImagePyramid, ImagePyramid())
    channels = list_of("channels", ChannelRecord)
    path_builder = optional("mipmapPathBuilder", PathBuilder)
    filter_spec = optional("filterSpec", FilterRecord)
    transforms = optional("transforms", TransformList, TransformList([]))
    mesh_cell_size = optional("meshCellSize", float, 64.0)
    labels = optional("labels", list, [])

    def __init__(
        self,
        *,
        image_url: str | os.PathLike[str] | None = None,
        mask_url: str | os.PathLike[str] | None = None,
        **fields: Any,
    ) -> None:
        if image_url is not None or mask_url is not None:
            level = MipmapLevel(image_url=image_url, mask_url=mask_url)
            fields["mipmaps"] = ImagePyramid.from_json(join_object({"0": level.to_json()}))
        super().__init__(**fields)

    @classmethod
    def _written(cls, fields: Mapping[str, Any], what: object) -> dict[str, Raw | bytes]:
        transforms = fields.get("transforms")
        if isinstance(transforms, Iterable) and not isinstance(transforms, Transform):
            fields = {**fields, "transforms": TransformList(transforms)}
        return super()._written(fields, what)

    def evolve(self, **changes: Any) -> Self:
        """
        Return a copy with some fields changed; None removes a member. The text of other members is preserved.

        The bounding box is derived from *transforms*, *width*, *height* and *mesh_cell_size*: if one of them changes
        and no side of the box is given, the box is removed. ``edit.put`` derives missing boxes.

        Raises
        ------
        RecordError
            If a value has the wrong type, or a number is not finite.
        TypeError
            If a keyword is not a field of this record.

        Examples
        --------
        >>> tile = TileRecord(tile_id="a", width=10, min_x=0, min_y=0, max_x=10, max_y=5)
        >>> tile.evolve(z=7).bounds is None, tile.evolve(width=20).bounds is None
        (False, True)
        """
        new = self._changed(changes)
        if _SIDES.isdisjoint(changes) and any(name in changes and self._differs(new, name) for name in BOX_SOURCES):
            for side in BOX_SIDES:
                new._cut.pop(self.FIELDS[side].wire_name, None)
        return new

    def _differs(self, other: Self, field: str) -> bool:
        name = self.FIELDS[field].wire_name
        mine, theirs = copy_of(self._cut.get(name, b"null")), copy_of(other._cut.get(name, b"null"))
        if mine == theirs:
            return False
        # Decoding is slow: equal transforms that are encoded again have as many bytes without spaces.
        if field == "transforms" and len(mine.translate(None, _SPACES)) != len(theirs.translate(None, _SPACES)):
            return True
        return bool(decode(mine) != decode(theirs))

    @property
    def _label(self) -> str:
        tile_id = self.members.get("tileId")
        return visible(f"<TileRecord {decode(tile_id) if tile_id is not None else 'without id'}>")


class ResolvedTileRecord(TileRecord):
    """
    A tile whose references to shared transforms were replaced by the transforms.

    Read only: it cannot be put into a stack, because the tile would lose its link to the shared transforms. Convert
    explicitly with ``TileRecord.from_json(tile.to_json())``.
    """
