"""Point matches on the wire."""

# Members are called as they are on the wire.
# ruff: noqa: N815

from __future__ import annotations

from rendergateway.model.wire_base import Wire
from rendergateway.model.wire_stacks import CollectionName, StackName

__all__ = ["CanvasMatches", "CollectionMetaData", "ConsensusSet", "Matches", "PairQuestion", "PairResiduals"]


class ConsensusSet(Wire):
    """Which of several sets of matches of one pair this is."""

    index: int | None = None
    originalPId: str | None = None
    originalQId: str | None = None


class Matches(Wire):
    """Points by dimension, and their weights; lengths are not verified."""

    p: list[list[float] | None] | None = None
    q: list[list[float] | None] | None = None
    w: list[float] | None = None


class CanvasMatches(Wire):
    """The matches of two canvases."""

    pGroupId: str | None = None
    pId: str | None = None
    qGroupId: str | None = None
    qId: str | None = None
    consensusSetData: ConsensusSet | None = None
    matches: Matches | None = None
    matchCount: int | None = None

    @property
    def key(self) -> tuple[str | None, str | None, str | None, str | None]:
        """What identifies the pair."""
        return self.pGroupId, self.qGroupId, self.pId, self.qId

    @property
    def is_complete(self) -> bool:
        """Whether both sides are named."""
        return None not in self.key


class CollectionMetaData(Wire):
    """A collection and how many pairs it holds."""

    collectionId: CollectionName
    pairCount: int


class PairQuestion(Wire):
    """Of which two tiles the residuals are asked for, and where their matches are."""

    pTileId: str | None = None
    qTileId: str | None = None
    matchRenderStackId: StackName | None = None
    matchCollectionId: CollectionName | None = None
    includeDetails: bool | None = None


class PairResiduals(Wire):
    """How far apart the matching points of two tiles lie, in world pixels."""

    alignedStackId: StackName
    inputData: PairQuestion
    medianDistance: float
    meanDistance: float
    maxDistance: float
    rootMeanSquareError: float
    distanceList: list[float] | None = None
