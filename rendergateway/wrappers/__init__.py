"""
Wrappers of the objects of the service.

``core`` defines what an object and a collection are, ``objects`` the nouns; the folders between them are features:
reading, coordinates, images, editing and matching, which take a key and a client rather than wrappers.
"""

from typing import TYPE_CHECKING

from rendergateway.lazy import names_from
from rendergateway.wrappers.core.blitz import GATEWAY_ALIASES, add_aliases
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import Registry, declare_bases, refresh_wrappers

if TYPE_CHECKING:
    from rendergateway.wrappers.editing.cluster_edits import ClusterSplit
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.editing.edit import StackEdit
    from rendergateway.wrappers.editing.tile_changes import TileChanges
    from rendergateway.wrappers.editing.tile_selection import Cells, TileSelection
    from rendergateway.wrappers.editing.warping import Warped
    from rendergateway.wrappers.images.options import PictureOptions
    from rendergateway.wrappers.images.picture import Picture
    from rendergateway.wrappers.images.windows import Window
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper, MergedMatches
    from rendergateway.wrappers.objects.match_group import MatchGroupWrapper
    from rendergateway.wrappers.objects.match_pair import MatchPairWrapper
    from rendergateway.wrappers.objects.owner import OwnerWrapper, ProjectWrapper
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.shared_transform import SharedTransformWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper
    from rendergateway.wrappers.objects.tile_group import TileGroupWrapper

__all__ = [
    "GATEWAY_ALIASES",
    "Cells",
    "ClusterSplit",
    "Collection",
    "MatchCollectionWrapper",
    "MatchGroupWrapper",
    "MatchPairWrapper",
    "MergedMatches",
    "ObjectWrapper",
    "OwnerWrapper",
    "Picture",
    "PictureOptions",
    "ProjectWrapper",
    "Registry",
    "Removal",
    "SectionWrapper",
    "SharedTransformWrapper",
    "StackEdit",
    "StackWrapper",
    "TileChanges",
    "TileGroupWrapper",
    "TileSelection",
    "TileWrapper",
    "Warped",
    "Window",
    "add_aliases",
    "refresh_wrappers",
]

# Kind → module of ``objects`` with its class: a gateway imports those of the objects that it opens.
declare_bases(
    {
        "match_collection": "match_collection",
        "match_group": "match_group",
        "match_pair": "match_pair",
        "owner": "owner",
        "project": "owner",
        "section": "section",
        "stack": "stack",
        "tile": "tile",
        "tile_group": "tile_group",
        "transform": "shared_transform",
    }
)

if not TYPE_CHECKING:
    # Hidden from type checkers, so that they report missing names.
    __getattr__, __dir__ = names_from(
        __name__,
        {
            "Cells": "editing.tile_selection",
            "ClusterSplit": "editing.cluster_edits",
            "MatchCollectionWrapper": "objects.match_collection",
            "MatchGroupWrapper": "objects.match_group",
            "MatchPairWrapper": "objects.match_pair",
            "MergedMatches": "objects.match_collection",
            "OwnerWrapper": "objects.owner",
            "Picture": "images.picture",
            "PictureOptions": "images.options",
            "ProjectWrapper": "objects.owner",
            "Removal": "editing.deletions",
            "SectionWrapper": "objects.section",
            "SharedTransformWrapper": "objects.shared_transform",
            "StackEdit": "editing.edit",
            "StackWrapper": "objects.stack",
            "TileChanges": "editing.tile_changes",
            "TileGroupWrapper": "objects.tile_group",
            "TileSelection": "editing.tile_selection",
            "TileWrapper": "objects.tile",
            "Warped": "editing.warping",
            "Window": "images.windows",
        },
    )
