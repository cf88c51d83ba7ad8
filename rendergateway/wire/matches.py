"""Wire objects of point matches and match collections."""

# Attributes have the names of the JSON members.
# ruff: noqa: N815

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from rendergateway.wire.base import Wire
from rendergateway.wire.stacks import CollectionName, StackName

__all__ = [
    "CanvasMatches",
    "CollectionMetaData",
    "ConsensusSet",
    "Matches",
    "PairQuestion",
    "PairResiduals",
    "SentPair",
]

# Matches without digits, dots, signs and blanks, if all numbers are written without exponents.
_PLAIN = re.compile(rb'\{"p":\[\[,*\](?:,\[,*\])*\],"q":\[\[,*\](?:,\[,*\])*\],"w":\[,*\]\}')
_NAMES = [b"p", b"q", b"w"]
_BLANKS_AND_SIGNS = b" \t\r\n-"
_TO_ZEROS = bytes.maketrans(b"0123456789", b"0" * 10)
# Longer integers are not exact in a double: they are encoded again.
_TOO_LONG = b"0" * 16


class ConsensusSet(Wire):
    """Index of one of several match sets of a pair, and the original ids."""

    index: int | None = None
    originalPId: str | None = None
    originalQId: str | None = None


class Matches(Wire):
    """Points by dimension, and their weights; lengths are not checked."""

    p: list[list[float] | None] | None = None
    q: list[list[float] | None] | None = None
    w: list[float] | None = None


_matches = msgspec.json.Decoder(Matches | None)


class CanvasMatches(Wire):
    """The matches of two canvases."""

    pGroupId: str | None = None
    pId: str | None = None
    qGroupId: str | None = None
    qId: str | None = None
    consensusSetData: ConsensusSet | None = None
    matches: Matches | None = None
    matchCount: int | None = None


class SentPair(Wire):
    """
    The matches of two canvases to be stored, with points and weights as text.

    Most texts are stored unchanged, after a check that creates no Python object per number.
    """

    pGroupId: str | None = None
    pId: str | None = None
    qGroupId: str | None = None
    qId: str | None = None
    consensusSetData: ConsensusSet | None = None
    matches: Raw = Raw()

    def __post_init__(self) -> None:
        text = bytes(self.matches)
        if text and not _is_plain(text):
            matches = _matches.decode(text)
            self.matches = Raw() if matches is None else Raw(msgspec.json.encode(matches))

    @classmethod
    def of(cls, pair: CanvasMatches) -> SentPair:
        """Return *pair* with its matches encoded as text."""
        sent = cls(
            pGroupId=pair.pGroupId,
            pId=pair.pId,
            qGroupId=pair.qGroupId,
            qId=pair.qId,
            consensusSetData=pair.consensusSetData,
        )
        if pair.matches is not None:
            sent.matches = Raw(msgspec.json.encode(pair.matches))
        return sent

    def counted(self) -> int | None:
        """Return the number of weights; None if there are matches without a list of weights."""
        text = bytes(self.matches)
        if not text:
            return 0
        if text.rfind(b'"w"') < 0:
            return None
        weights = text[text.rindex(b"[") + 1 : text.rindex(b"]")].strip()
        return weights.count(b",") + 1 if weights else 0

    def details(self, *, swapped: bool) -> bytes:
        """Return the JSON of the matches, optionally with the sides swapped; empty without matches."""
        text = bytes(self.matches)
        if not swapped or not text:
            return text
        if _is_plain(text):
            before, after = text.split(b'"q"')
            after, weights = after.split(b'"w"')
            return b'{"p":%b,"q":%b,"w"%b' % (_lists(after), _lists(before), weights)
        matches = msgspec.json.decode(text)
        turned = {"p": matches.get("q"), "q": matches.get("p"), "w": matches.get("w")}
        return msgspec.json.encode({name: value for name, value in turned.items() if value is not None})


def _is_plain(text: bytes) -> bool:
    """Return whether matches are canonical, except for blanks and integers without a dot."""
    shape = text.translate(_TO_ZEROS, _BLANKS_AND_SIGNS)
    return (
        _PLAIN.fullmatch(shape.translate(None, b"0.")) is not None
        and text.split(b'"')[1::2] == _NAMES
        and b"," + _TOO_LONG not in shape
        and b"[" + _TOO_LONG not in shape
    )


def _lists(text: bytes) -> bytes:
    return text[text.index(b"[") : text.rindex(b"]") + 1]


class CollectionMetaData(Wire):
    """A collection and its number of pairs."""

    collectionId: CollectionName
    pairCount: int


class PairQuestion(Wire):
    """Request for the residuals of two tiles, with the collection of their matches."""

    pTileId: str | None = None
    qTileId: str | None = None
    matchRenderStackId: StackName | None = None
    matchCollectionId: CollectionName | None = None
    includeDetails: bool | None = None


class PairResiduals(Wire):
    """Residuals of the matches of two tiles, in world pixels."""

    alignedStackId: StackName
    inputData: PairQuestion
    medianDistance: float
    meanDistance: float
    maxDistance: float
    rootMeanSquareError: float
    distanceList: list[float] | None = None
