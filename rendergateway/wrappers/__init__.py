"""Objects of the service, by kind."""

from rendergateway.wrappers.aliases import GATEWAY_ALIASES, OBJECT_ALIASES, add_aliases
from rendergateway.wrappers.collection import Collection
from rendergateway.wrappers.editing import StackEdit
from rendergateway.wrappers.match_collection import MatchCollectionWrapper
from rendergateway.wrappers.match_group import MatchGroupWrapper
from rendergateway.wrappers.match_pair import MatchPairWrapper
from rendergateway.wrappers.merged_matches import MergedMatches
from rendergateway.wrappers.object import ObjectWrapper
from rendergateway.wrappers.owner import OwnerWrapper, ProjectWrapper
from rendergateway.wrappers.registry import Registry, refresh_wrappers
from rendergateway.wrappers.removing import Removal
from rendergateway.wrappers.section import SectionWrapper
from rendergateway.wrappers.shared_transform import SharedTransformWrapper
from rendergateway.wrappers.stack import StackWrapper
from rendergateway.wrappers.tile import TileWrapper
from rendergateway.wrappers.tile_group import TileGroupWrapper

__all__ = [
    "GATEWAY_ALIASES",
    "Collection",
    "MatchCollectionWrapper",
    "MatchGroupWrapper",
    "MatchPairWrapper",
    "MergedMatches",
    "ObjectWrapper",
    "OwnerWrapper",
    "ProjectWrapper",
    "Registry",
    "Removal",
    "SectionWrapper",
    "SharedTransformWrapper",
    "StackEdit",
    "StackWrapper",
    "TileGroupWrapper",
    "TileWrapper",
    "add_aliases",
    "refresh_wrappers",
]

add_aliases(ObjectWrapper, OBJECT_ALIASES)
