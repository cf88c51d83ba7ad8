"""JSON text as records: what the objects of the service hold."""

from rendergateway.model.channels import ChannelRecord, FilterRecord, PathBuilder, channel_selection
from rendergateway.model.coordinates import CoordinateRecord
from rendergateway.model.dates import date_text, parse_date
from rendergateway.model.json_text import json_default, to_json
from rendergateway.model.match_table import MatchTable
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
from rendergateway.model.tile_files import read_tiles, write_tiles
from rendergateway.model.tile_table import TileTable
from rendergateway.model.tiles import Layout, TileBoundsRecord, TileRecord
from rendergateway.model.validation import Problem

__all__ = [
    "BoundsRecord",
    "ChannelRecord",
    "CollectionRecord",
    "CoordinateRecord",
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
    "ResolvedTiles",
    "SectionRecord",
    "StackId",
    "StackRecord",
    "StackStats",
    "StackVersion",
    "TileBoundsRecord",
    "TileRecord",
    "TileTable",
    "channel_selection",
    "date_text",
    "json_default",
    "parse_date",
    "read_tiles",
    "to_json",
    "write_tiles",
]
