"""Wire objects of tiles: specifications, sections, bounds, coordinates and render parameters."""

# Attributes have the names of the JSON members.
# ruff: noqa: N815

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import Raw

from rendergateway.wire.base import Int32, Wire, always
from rendergateway.wire.stacks import PathBuilderJson
from rendergateway.wire.transforms import Interpolated, Leaf, Reference, SpecList

__all__ = [
    "Channel",
    "Coordinates",
    "Filter",
    "LastTransform",
    "LayoutJson",
    "Level",
    "RenderParametersJson",
    "ResolvedTilesJson",
    "SectionData",
    "SentTiles",
    "TileBounds",
    "TileSpec",
]


class LayoutJson(Wire):
    """Acquisition metadata of a tile."""

    sectionId: str | None = None
    temca: str | None = None
    camera: str | None = None
    imageRow: Int32 | None = None
    imageCol: Int32 | None = None
    stageX: float | None = None
    stageY: float | None = None
    rotation: float | None = None
    pixelsize: float | None = None
    distanceZ: float | None = None


class Level(Wire):
    """Image and mask of one mipmap level."""

    imageUrl: str | None = None
    imageLoaderType: str | None = None
    imageSliceNumber: Int32 | None = None
    maskUrl: str | None = None
    maskLoaderType: str | None = None
    maskSliceNumber: Int32 | None = None


class Filter(Wire):
    """One filter: of a list, or of a tile or channel."""

    className: str | None = None
    parameters: dict[str, str] | None = None


class Channel(Wire):
    """One channel of a tile."""

    name: str | None = None
    minIntensity: float = always(0.0)
    maxIntensity: float = always(255.0)
    mipmapLevels: dict[Int32, Level | None] = always(dict)
    mipmapPathBuilder: PathBuilderJson | None = None
    filterSpec: Filter | None = None


class NoTransforms(Wire, tag_field="type", tag="\0"):
    """Makes the type of `SpecList` mandatory: msgspec decodes a class without alternatives even if untagged."""


# Users of a tile see a list.
if TYPE_CHECKING:
    OuterList: TypeAlias = SpecList
else:
    OuterList = SpecList | NoTransforms


class TileSpec(Wire):
    """A tile: its image and the transforms that place it."""

    tileId: str | None = None
    layout: LayoutJson | None = None
    groupId: str | None = None
    z: float | None = None
    minX: float | None = None
    minY: float | None = None
    maxX: float | None = None
    maxY: float | None = None
    width: float | None = None
    height: float | None = None
    minIntensity: float | None = None
    maxIntensity: float | None = None
    mipmapLevels: dict[Int32, Level | None] = always(dict)
    channels: list[Channel | None] | None = None
    mipmapPathBuilder: PathBuilderJson | None = None
    filterSpec: Filter | None = None
    transforms: OuterList | None = always(SpecList)
    meshCellSize: float = always(64.0)
    labels: list[str] | None = None

    @property
    def section_id(self) -> str | None:
        """Section id of the layout."""
        return self.layout.sectionId if self.layout else None

    @property
    def pyramids(self) -> list[dict[Int32, Level | None]]:
        """Mipmap levels per channel; without channels, those of the tile."""
        if self.channels:
            return [(channel and channel.mipmapLevels) or {} for channel in self.channels]
        return [self.mipmapLevels or {}]

    def tidy(self) -> None:
        """Sort mipmap levels numerically, and drop repeated labels."""
        if self.labels:
            self.labels = list(dict.fromkeys(self.labels))
        if self.channels or len(self.mipmapLevels or ()) > 1:
            for holder in (self, *(self.channels or ())):
                if holder is not None and holder.mipmapLevels:
                    holder.mipmapLevels = dict(sorted(holder.mipmapLevels.items()))


class ResolvedTilesJson(Wire):
    """Tiles and the shared transforms they refer to."""

    transformIdToSpecMap: dict[str, Leaf | SpecList | Reference | Interpolated | None] | None = None
    tileIdToSpecMap: dict[str, TileSpec | None] | None = None


# Strict decoding leaves tiles as text; lenient decoding produces objects.
if TYPE_CHECKING:
    SentTile: TypeAlias = Raw | TileSpec | None
else:
    SentTile = Raw


class SentTiles(Wire):
    """Resolved tiles to be stored, whose tiles are decoded one by one."""

    transformIdToSpecMap: dict[str, Leaf | SpecList | Reference | Interpolated | None] | None = None
    tileIdToSpecMap: dict[str, SentTile] | None = None

    @classmethod
    def of(cls, tiles: ResolvedTilesJson) -> SentTiles:
        """Return *tiles*, which are already decoded."""
        return cls(transformIdToSpecMap=tiles.transformIdToSpecMap, tileIdToSpecMap=dict(tiles.tileIdToSpecMap or {}))


class SectionData(Wire):
    """Number and bounding box of the tiles with one section id at one z."""

    sectionId: str | None
    z: float | None
    tileCount: int
    minX: float | None
    maxX: float | None
    minY: float | None
    maxY: float | None


class TileBounds(Wire):
    """Bounding box of a tile."""

    minX: float | None = None
    minY: float | None = None
    maxX: float | None = None
    maxY: float | None = None
    tileId: str | None = None
    sectionId: str | None = None
    z: float | None = None


class LastTransform(Wire):
    """The last transform of a tile."""

    tileId: str | None
    lastTransform: Leaf | SpecList | Reference | Interpolated | None = None


class Coordinates(Wire):
    """A point of a tile in local or world pixels, or the reason why it could not be mapped."""

    tileId: str | None = None
    visible: bool | None = None
    local: list[float] | None = None
    world: list[float] | None = None
    error: str | None = None


class FilterListsJson(Wire):
    """The named filter lists of a service."""

    namedFilterSpecLists: dict[str, list[Filter | None]] | None = None


class RenderParametersJson(Wire):
    """Full description of a rendered image."""

    tileSpecUrl: str | None = None
    in_: str | None = msgspec.field(default=None, name="in")
    out: str | None = None
    meshCellSize: float = always(64.0)
    minMeshCellSize: float = always(0.0)
    x: float = always(0.0)
    y: float = always(0.0)
    width: Int32 = always(256)
    height: Int32 = always(256)
    scale: float = always(1.0)
    areaOffset: bool = always(False)
    minIntensity: float | None = None
    maxIntensity: float | None = None
    convertToGray: bool = always(False)
    quality: float = always(0.85)
    numberOfThreads: Int32 = always(1)
    skipInterpolation: bool = always(False)
    binaryMask: bool = always(False)
    excludeMask: bool = always(False)
    parametersUrl: str | None = None
    doFilter: bool = always(False)
    backgroundRGBColor: Int32 | None = None
    addWarpFieldDebugOverlay: bool = always(False)
    fillWithNoise: bool = always(False)
    channels: str | None = None
    mipmapPathBuilder: PathBuilderJson | None = None
    filterSpecs: list[Filter | None] | None = None
    tileSpecs: list[TileSpec | None] = always(list)
    minBoundsMinX: float | None = None
    minBoundsMinY: float | None = None
    minBoundsMaxX: float | None = None
    minBoundsMaxY: float | None = None
    minBoundsMeshCellSize: float = always(64.0)
