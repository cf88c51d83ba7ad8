"""
The JSON objects that render-ws stores and sends: strict and lenient decoding, canonical encoding.

`decode_body` decodes a request body strictly, then as leniently as the real service. `encode` returns the canonical
text: members in the service's order, without nulls and unknown members, with defaults. A class that shares its name
with a record ends in ``Json``. Imports ``model.records``.
"""

from __future__ import annotations

from rendergateway.wire.base import Wire
from rendergateway.wire.codec import decode_body, decode_stored, encode, encode_numbers, json_list, json_number
from rendergateway.wire.depth import DEEPEST
from rendergateway.wire.lenient import parse
from rendergateway.wire.matches import (
    CanvasMatches,
    CollectionMetaData,
    ConsensusSet,
    Matches,
    PairQuestion,
    PairResiduals,
    SentPair,
)
from rendergateway.wire.stacks import (
    Box,
    CollectionName,
    Cycle,
    Hierarchy,
    LayerGaps,
    PathBuilderJson,
    StackMetaData,
    StackName,
    StackStatsJson,
    StackVersionJson,
    State,
    as_stored,
)
from rendergateway.wire.tiles import (
    Channel,
    Coordinates,
    Filter,
    FilterListsJson,
    LastTransform,
    LayoutJson,
    Level,
    RenderParametersJson,
    ResolvedTilesJson,
    SectionData,
    SentTiles,
    TileBounds,
    TileSpec,
)
from rendergateway.wire.transforms import (
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
    "FilterListsJson",
    "Hierarchy",
    "Interpolated",
    "LastTransform",
    "LayerGaps",
    "LayoutJson",
    "Leaf",
    "Level",
    "Matches",
    "MetaData",
    "PairQuestion",
    "PairResiduals",
    "PathBuilderJson",
    "Reference",
    "RenderParametersJson",
    "ResolvedTilesJson",
    "SectionData",
    "SentPair",
    "SentTiles",
    "Spec",
    "SpecList",
    "StackMetaData",
    "StackName",
    "StackStatsJson",
    "StackVersionJson",
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
