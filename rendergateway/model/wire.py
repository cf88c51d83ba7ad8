"""
The objects that travel between client and service, as the service writes them.

`decode_body` reads what a client sent: strictly first, then as leniently as the real service. `encode` writes the
canonical text: members in the service's order, nulls left out, unknown members dropped, defaults filled.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.lenient import decode_leniently, parse
from rendergateway.model.wire_base import Wire
from rendergateway.model.wire_depth import DEEPEST, check_depth
from rendergateway.model.wire_matches import (
    CanvasMatches,
    CollectionMetaData,
    ConsensusSet,
    Matches,
    PairQuestion,
    PairResiduals,
    SentPair,
)
from rendergateway.model.wire_stacks import (
    Box,
    CollectionName,
    Cycle,
    Hierarchy,
    LayerGaps,
    PathBuilder,
    StackMetaData,
    StackName,
    StackStats,
    StackVersion,
    State,
    as_stored,
)
from rendergateway.model.wire_tiles import (
    Channel,
    Coordinates,
    Filter,
    LastTransform,
    Layout,
    Level,
    RenderParameters,
    ResolvedTiles,
    SectionData,
    SentTiles,
    TileBounds,
    TileSpec,
)
from rendergateway.model.wire_transforms import (
    Interpolated,
    Leaf,
    MetaData,
    Reference,
    Spec,
    SpecList,
    flatten,
    is_flat,
    references,
)
from rendergateway.number_text import double_text

__all__ = [
    "DEEPEST",
    "Box",
    "CanvasMatches",
    "Channel",
    "CollectionMetaData",
    "CollectionName",
    "ConsensusSet",
    "Coordinates",
    "Cycle",
    "Filter",
    "Hierarchy",
    "Interpolated",
    "LastTransform",
    "LayerGaps",
    "Layout",
    "Leaf",
    "Level",
    "Matches",
    "MetaData",
    "PairQuestion",
    "PairResiduals",
    "PathBuilder",
    "Reference",
    "RenderParameters",
    "ResolvedTiles",
    "SectionData",
    "SentPair",
    "SentTiles",
    "Spec",
    "SpecList",
    "StackMetaData",
    "StackName",
    "StackStats",
    "StackVersion",
    "State",
    "TileBounds",
    "TileSpec",
    "Wire",
    "as_stored",
    "decode_body",
    "decode_stored",
    "encode",
    "encode_numbers",
    "flatten",
    "is_flat",
    "json_list",
    "json_number",
    "parse",
    "references",
]

_encoder = msgspec.json.Encoder()


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode_body(text: bytes, kind: Any, deepest: int = DEEPEST) -> Any:
    """
    Return what a client sent as *kind*; None where it is empty or ``null``.

    Raises
    ------
    RecordError
        If the real service would refuse it, or it is nested deeper than *deepest* levels.
    """
    check_depth(text, deepest)
    return decode_stored(text, kind)


def decode_stored(text: bytes | msgspec.Raw, kind: Any) -> Any:
    """Return text that `encode` wrote as *kind*; numbers that are not finite stand in it as text."""
    if not text:
        return None
    try:
        return _decoder(kind).decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decode_leniently(bytes(text), kind)
    except RecursionError as error:
        raise RecordError("JSON is nested too deep") from error


def encode(value: Any) -> bytes:
    """Return the canonical text of *value*."""
    return _encoder.encode(value)


def encode_numbers(value: Wire) -> bytes:
    """Return the canonical text of *value*, whose own numbers may be not finite: those are written as text."""
    text = encode(value)
    if b":null" not in text:
        return text
    numbers = {name: member for name in value.__struct_fields__ if isinstance(member := getattr(value, name), float)}
    return encode(msgspec.structs.replace(value, **{name: json_number(one) for name, one in numbers.items()}))


def json_number(number: float) -> float:
    """Return *number* as JSON can hold it: what is not finite as text, like the service."""
    # The text stands where a number is declared: only `encode` looks at it.
    return number if math.isfinite(number) else double_text(number)  # type: ignore[return-value]


def json_list(items: Iterable[bytes]) -> bytes:
    """Return a JSON array of items that are text already."""
    return b"[%b]" % b",".join(items)
