"""Point matches on the wire."""

from __future__ import annotations

from rendergateway.model.wire_base import Wire
from rendergateway.model.wire_stacks import CollectionName

__all__ = ["CanvasMatches", "CollectionMetaData", "ConsensusSet", "Matches"]


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
