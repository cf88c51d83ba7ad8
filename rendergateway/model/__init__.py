"""
Records, tables and files of the JSON objects of render-ws.

Everything is imported on first use, so that a plain import stays light. Imports its folders and ``lazy``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.lazy import names_from

if TYPE_CHECKING:
    from rendergateway.model.files.layouts import read_layout, read_tile_z_values
    from rendergateway.model.files.tiles import read_tiles, write_tiles
    from rendergateway.model.files.transform_changes import read_transform_changes, write_transform_changes
    from rendergateway.model.records.channels import ChannelRecord, FilterRecord, PathBuilder, channel_selection
    from rendergateway.model.records.dates import date_text, parse_date
    from rendergateway.model.records.matches import CollectionRecord, MatchRecord
    from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
    from rendergateway.model.records.record import Record
    from rendergateway.model.records.render_parameters import RenderParameters
    from rendergateway.model.records.stacks import (
        BoundsRecord,
        NameRecord,
        SectionRecord,
        StackId,
        StackRecord,
        StackStats,
        StackVersion,
    )
    from rendergateway.model.records.tiles import Layout, ResolvedTileRecord, TileBoundsRecord, TileRecord
    from rendergateway.model.records.validation import Problem
    from rendergateway.model.tables.coordinates import CoordinateRecord, CoordinateTable
    from rendergateway.model.tables.json_text import json_default, to_json
    from rendergateway.model.tables.match_table import MatchTable
    from rendergateway.model.tables.resolved import ResolvedTiles
    from rendergateway.model.tables.tile_table import TileTable
    from rendergateway.model.tile_text.limits import TileLimits
    from rendergateway.model.tile_text.tile_checks import TileChecks
    from rendergateway.model.tile_text.validators import TileValidator
    from rendergateway.model.tile_text.warp_limits import WarpLimits

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
    "TileChecks",
    "TileLimits",
    "TileRecord",
    "TileTable",
    "TileValidator",
    "WarpLimits",
    "channel_selection",
    "date_text",
    "json_default",
    "parse_date",
    "read_layout",
    "read_tile_z_values",
    "read_tiles",
    "read_transform_changes",
    "to_json",
    "write_tiles",
    "write_transform_changes",
]

_NAMES = {
    "files.layouts": ["read_layout", "read_tile_z_values"],
    "files.tiles": ["read_tiles", "write_tiles"],
    "files.transform_changes": ["read_transform_changes", "write_transform_changes"],
    "records.channels": ["ChannelRecord", "FilterRecord", "PathBuilder", "channel_selection"],
    "records.dates": ["date_text", "parse_date"],
    "records.matches": ["CollectionRecord", "MatchRecord"],
    "records.pyramid": ["ImagePyramid", "MipmapLevel"],
    "records.record": ["Record"],
    "records.render_parameters": ["RenderParameters"],
    "records.stacks": [
        "BoundsRecord",
        "NameRecord",
        "SectionRecord",
        "StackId",
        "StackRecord",
        "StackStats",
        "StackVersion",
    ],
    "records.tiles": ["Layout", "ResolvedTileRecord", "TileBoundsRecord", "TileRecord"],
    "records.validation": ["Problem"],
    "tables.coordinates": ["CoordinateRecord", "CoordinateTable"],
    "tables.json_text": ["json_default", "to_json"],
    "tables.match_table": ["MatchTable"],
    "tables.resolved": ["ResolvedTiles"],
    "tables.tile_table": ["TileTable"],
    "tile_text.limits": ["TileLimits"],
    "tile_text.tile_checks": ["TileChecks"],
    "tile_text.validators": ["TileValidator"],
    "tile_text.warp_limits": ["WarpLimits"],
}

if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report missing names.
    __getattr__, __dir__ = names_from(__name__, {name: module for module, names in _NAMES.items() for name in names})
