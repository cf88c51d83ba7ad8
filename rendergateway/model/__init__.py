"""
JSON text as records: what the objects of the service hold.

Tables and files are loaded when they are first asked for, so that a plain import stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.later import names_from
from rendergateway.model.channels import ChannelRecord, FilterRecord, PathBuilder, channel_selection
from rendergateway.model.coordinates import CoordinateRecord, CoordinateTable
from rendergateway.model.dates import date_text, parse_date
from rendergateway.model.json_text import json_default, to_json
from rendergateway.model.matches import CollectionRecord, MatchRecord
from rendergateway.model.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.record import Record
from rendergateway.model.render_parameters import RenderParameters
from rendergateway.model.resolved import ResolvedTiles
from rendergateway.model.stacks import (
    BoundsRecord,
    NameRecord,
    SectionRecord,
    StackId,
    StackRecord,
    StackStats,
    StackVersion,
)
from rendergateway.model.tiles import Layout, ResolvedTileRecord, TileBoundsRecord, TileRecord
from rendergateway.model.validation import Problem

if TYPE_CHECKING:
    from rendergateway.model.match_table import MatchTable
    from rendergateway.model.tile_files import read_tiles, write_tiles
    from rendergateway.model.tile_limits import TileLimits
    from rendergateway.model.tile_table import TileTable
    from rendergateway.model.transform_changes import read_transform_changes, write_transform_changes

__all__ = [
    "BoundsRecord",
    "ChannelRecord",
    "CollectionRecord",
    "CoordinateRecord",
    "CoordinateTable",
    "FilterRecord",
    "ImagePyramid",
    "Layout",
    "MatchRecord",
    "MatchTable",
    "MipmapLevel",
    "NameRecord",
    "PathBuilder",
    "Problem",
    "Record",
    "RenderParameters",
    "ResolvedTileRecord",
    "ResolvedTiles",
    "SectionRecord",
    "StackId",
    "StackRecord",
    "StackStats",
    "StackVersion",
    "TileBoundsRecord",
    "TileLimits",
    "TileRecord",
    "TileTable",
    "channel_selection",
    "date_text",
    "json_default",
    "parse_date",
    "read_tiles",
    "read_transform_changes",
    "to_json",
    "write_tiles",
    "write_transform_changes",
]

__getattr__ = names_from(
    __name__,
    {
        "MatchTable": "match_table",
        "TileLimits": "tile_limits",
        "TileTable": "tile_table",
        "read_tiles": "tile_files",
        "read_transform_changes": "transform_changes",
        "write_tiles": "tile_files",
        "write_transform_changes": "transform_changes",
    },
)
