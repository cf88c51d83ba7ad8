"""Objects of the service, by kind."""

from rendergateway.wrappers.aliases import GATEWAY_ALIASES, OBJECT_ALIASES, add_aliases
from rendergateway.wrappers.collection import Collection
from rendergateway.wrappers.editing import StackEdit
from rendergateway.wrappers.match_collection import MatchCollectionWrapper, MatchPairWrapper
from rendergateway.wrappers.object import ObjectWrapper
from rendergateway.wrappers.owner import OwnerWrapper, ProjectWrapper
from rendergateway.wrappers.registry import Registry, refresh_wrappers
from rendergateway.wrappers.section import SectionWrapper
from rendergateway.wrappers.stack import StackWrapper
from rendergateway.wrappers.tile import TileWrapper

__all__ = [
    "GATEWAY_ALIASES",
    "Collection",
    "MatchCollectionWrapper",
    "MatchPairWrapper",
    "ObjectWrapper",
    "OwnerWrapper",
    "ProjectWrapper",
    "Registry",
    "SectionWrapper",
    "StackEdit",
    "StackWrapper",
    "TileWrapper",
    "add_aliases",
    "refresh_wrappers",
]

add_aliases(ObjectWrapper, OBJECT_ALIASES)
