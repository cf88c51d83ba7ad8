"""Objects of the service, by kind."""

from typing import TYPE_CHECKING

from rendergateway.later import names_from
from rendergateway.wrappers.aliases import GATEWAY_ALIASES, OBJECT_ALIASES, add_aliases
from rendergateway.wrappers.collection import Collection
from rendergateway.wrappers.match_collection import MatchCollectionWrapper
from rendergateway.wrappers.match_group import MatchGroupWrapper
from rendergateway.wrappers.match_pair import MatchPairWrapper
from rendergateway.wrappers.object import ObjectWrapper
from rendergateway.wrappers.owner import OwnerWrapper, ProjectWrapper
from rendergateway.wrappers.registry import Registry, refresh_wrappers
from rendergateway.wrappers.section import SectionWrapper
from rendergateway.wrappers.shared_transform import SharedTransformWrapper
from rendergateway.wrappers.stack import StackWrapper
from rendergateway.wrappers.tile import TileWrapper
from rendergateway.wrappers.tile_group import TileGroupWrapper

if TYPE_CHECKING:
    from rendergateway.wrappers.editing import StackEdit
    from rendergateway.wrappers.merged_matches import MergedMatches
    from rendergateway.wrappers.picture_options import PictureOptions
    from rendergateway.wrappers.pictures import Picture
    from rendergateway.wrappers.removing import Removal
    from rendergateway.wrappers.windows import Window

__all__ = [
    "GATEWAY_ALIASES",
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
    "TileGroupWrapper",
    "TileWrapper",
    "Window",
    "add_aliases",
    "refresh_wrappers",
]

__getattr__ = names_from(
    __name__,
    {
        "MergedMatches": "merged_matches",
        "Picture": "pictures",
        "PictureOptions": "picture_options",
        "Removal": "removing",
        "StackEdit": "editing",
        "Window": "windows",
    },
)

add_aliases(ObjectWrapper, OBJECT_ALIASES)
