"""Records of tiles: specification, layout and images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rendergateway.model.records.channels import ChannelRecord, PathBuilder
from rendergateway.model.records.json_slices import Raw, decode, join_object
from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.records.record import Record, list_of, optional, required
from rendergateway.model.records.stacks import BoundsRecord
from rendergateway.transforms import Transform, TransformList

__all__ = ["Layout", "ResolvedTileRecord", "TileBoundsRecord", "TileRecord"]


class Layout(Record):
    """
    The acquisition facts of a tile.

    Attributes
    ----------
    section_id : str or None
        Identity of the slice.
    scope_id, camera_id : str or None
        Microscope and camera.
    image_row, image_col : int or None
        Place in the mosaic.
    stage_x, stage_y, rotation, pixel_size, distance_z : float or None
        As the microscope wrote them; the units are its own.
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
    The box of one tile: the cheap way to list a layer.

    Attributes
    ----------
    tile_id : str
        Unique within the stack.
    section_id : str or None
        What the tile's layout says.
    z : float or None
        The layer.
    """

    tile_id = required("tileId", str)
    section_id = optional("sectionId", str)
    z = optional("z", float)


class TileRecord(BoundsRecord):
    """
    The specification of a tile: where its image is, and the transforms that place it in the world.

    Attributes
    ----------
    tile_id : str
        Unique within a stack.
    z : float or None
        The section.
    min_x, min_y, max_x, max_y : float or None
        Box in world pixels, as stored.
    width, height : float or None
        Size of the image in local pixels.
    mipmaps : ImagePyramid
        The levels of the image.
    transforms : TransformList
        From local to world pixels, as stored: references are kept.
    mesh_cell_size : float
        Local pixels between the points at which the service looks when it derives the box.

    Notes
    -----
    Beside its fields the constructor takes *image_url* and *mask_url*, the first level of a tile with one image.
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
    transforms = optional("transforms", TransformList, TransformList([]))
    mesh_cell_size = optional("meshCellSize", float, 64.0)
    labels = optional("labels", list, [])

    def __init__(self, *, image_url: str | None = None, mask_url: str | None = None, **fields: Any) -> None:
        if image_url is not None or mask_url is not None:
            level = MipmapLevel(image_url=image_url, mask_url=mask_url)
            fields["mipmaps"] = ImagePyramid.from_json(join_object({"0": level.to_json()}))
        super().__init__(**fields)

    @classmethod
    def _written(cls, fields: Mapping[str, Any], what: str) -> dict[str, Raw | bytes]:
        transforms = fields.get("transforms")
        if isinstance(transforms, Iterable) and not isinstance(transforms, Transform):
            fields = {**fields, "transforms": TransformList(transforms)}
        return super()._written(fields, what)

    def __repr__(self) -> str:
        tile_id = self.members.get("tileId")
        return f"<TileRecord {decode(tile_id) if tile_id is not None else 'without id'}>"


class ResolvedTileRecord(TileRecord):
    """
    A tile as the service flattens it: shared transforms stand in the place of their references.

    It is for reading. What is made of it stays of this kind, and is not put into a stack: the tile would lose the link
    to its shared transforms. ``TileRecord.from_json(tile.to_json())`` says that this is meant.
    """
