"""Wire objects of stacks: names, versions, statistics and metadata."""

# Attributes have the names of the JSON members.
# ruff: noqa: N815

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Raw, UnsetType

from rendergateway.wire.base import DateText, Int32, Wire

__all__ = [
    "Box",
    "CollectionName",
    "Cycle",
    "Hierarchy",
    "LayerGaps",
    "PathBuilderJson",
    "StackMetaData",
    "StackName",
    "StackStatsJson",
    "StackVersionJson",
    "State",
    "as_stored",
]

State = Literal["LOADING", "COMPLETE", "READ_ONLY", "OFFLINE"]


class StackName(Wire):
    """Owner, project and stack in a request body, all optional."""

    owner: str | None = None
    project: str | None = None
    stack: str | None = None


class CollectionName(Wire):
    """Owner and name of a match collection in a request body."""

    owner: str | None = None
    name: str | None = None


class Box(Wire):
    """Bounds in world pixels and sections."""

    minX: float | None = None
    minY: float | None = None
    minZ: float | None = None
    maxX: float | None = None
    maxY: float | None = None
    maxZ: float | None = None


class PathBuilderJson(Wire):
    """Rule for the URLs of missing mipmap levels."""

    rootPath: str | None = None
    numberOfLevels: Int32 | None = None
    extension: str | None = None
    imageMipmapPatternString: str | None = None


class Cycle(Wire):
    """Cycle and step of a stack in the alignment process."""

    number: Int32 | None = None
    stepNumber: Int32 | None = None


class StackVersionJson(Wire):
    """Metadata of a stack version; every member is optional."""

    createTimestamp: DateText | None = None
    versionNotes: str | None = None
    cycleNumber: Int32 | None = None
    cycleStepNumber: Int32 | None = None
    stackResolutionX: float | None = None
    stackResolutionY: float | None = None
    stackResolutionZ: float | None = None
    materializedBoxRootPath: str | None = None
    mipmapPathBuilder: PathBuilderJson | None = None
    alignmentQuality: float | None = None
    defaultChannel: str | None = None


class StackStatsJson(Wire):
    """Statistics computed when a stack becomes COMPLETE."""

    stackBounds: Box | None = None
    sectionCount: int | None = None
    nonIntegralSectionCount: int | None = None
    tileCount: int | None = None
    transformCount: int | None = None
    minTileWidth: int | None = None
    maxTileWidth: int | None = None
    minTileHeight: int | None = None
    maxTileHeight: int | None = None
    channelNames: list[str] | None = None


class Hierarchy(Wire):
    """Position of a stack in a hierarchical alignment."""

    roughTilesStackId: StackName | None = None
    parentTierStackId: StackName | None = None
    alignedStackId: StackName | None = None
    warpTilesStackId: StackName | None = None
    tier: Int32 | None = None
    tierRow: Int32 | None = None
    tierColumn: Int32 | None = None
    totalTierRowCount: Int32 | None = None
    totalTierColumnCount: Int32 | None = None
    scale: float | None = None
    fullScaleBounds: Box | None = None
    matchCollectionId: CollectionName | None = None
    savedMatchPairCount: int | None = None
    splitGroupIds: list[str] | None = None
    alignmentQuality: float | None = None


class StackMetaData(Wire):
    """All metadata of a stack; members stored as text are sent unchanged."""

    stackId: StackName
    state: State
    lastModifiedTimestamp: str
    currentVersionNumber: int
    currentVersion: Raw | UnsetType
    stats: Raw | UnsetType = UNSET
    hierarchicalData: Raw | UnsetType = UNSET


def as_stored(text: bytes | None) -> Raw | UnsetType:
    """Return canonical *text* as a member of another object; unset for None."""
    return UNSET if text is None else Raw(text)


class LayerGaps(Wire):
    """The sections of a stack that have no matches yet."""

    stackId: StackName
    zValues: list[float]
