"""JSON text as records: what the objects of the service hold."""

from rendergateway.model.dates import date_text, parse_date
from rendergateway.model.matches import CollectionRecord, MatchRecord
from rendergateway.model.record import Record
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
from rendergateway.model.tiles import ImagePyramid, Layout, MipmapLevel, TileRecord

__all__ = [
    "BoundsRecord",
    "CollectionRecord",
    "ImagePyramid",
    "Layout",
    "MatchRecord",
    "MipmapLevel",
    "NameRecord",
    "Record",
    "ResolvedTiles",
    "SectionRecord",
    "StackId",
    "StackRecord",
    "StackStats",
    "StackVersion",
    "TileRecord",
    "date_text",
    "parse_date",
]
