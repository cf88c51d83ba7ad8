"""
Objects for the stacks, sections, tiles and point matches of render-ws.

What is not named here is reached where it lives: coordinate transforms and their fits in ``rendergateway.transforms``.
"""

from typing import TYPE_CHECKING, Any

from rendergateway import model
from rendergateway.errors import (
    AddressError,
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ClosedGatewayError,
    CommandError,
    ConfigurationError,
    ConnectionFailedError,
    ConversionError,
    CredentialsError,
    FitError,
    ImageError,
    MultipleFoundError,
    NotFoundError,
    NotInvertibleError,
    RecordError,
    RegistrationError,
    RenderGatewayError,
    RequestError,
    ServerError,
    ServiceError,
    StackStateError,
    StaleStackError,
    StoreError,
    TimedOutError,
    TransformError,
)
from rendergateway.gateway import Gateway
from rendergateway.geometry import Bounds
from rendergateway.model import (
    ChannelRecord,
    CoordinateRecord,
    FilterRecord,
    ImagePyramid,
    Layout,
    MatchRecord,
    MipmapLevel,
    PathBuilder,
    RenderParameters,
    ResolvedTiles,
    TileRecord,
    json_default,
    to_json,
)
from rendergateway.transport import BearerToken, Retries
from rendergateway.version import __version__
from rendergateway.wrappers import (
    Collection,
    MatchCollectionWrapper,
    MatchPairWrapper,
    ObjectWrapper,
    OwnerWrapper,
    ProjectWrapper,
    Registry,
    SectionWrapper,
    StackEdit,
    StackWrapper,
    TileWrapper,
)
from rendergateway.wrappers import refresh_wrappers as refreshWrappers  # noqa: N812

if TYPE_CHECKING:
    from rendergateway.model import MatchTable, TileTable, read_tiles, write_tiles

__all__ = [
    "AddressError",
    "AnswerError",
    "AuthenticationError",
    "BadRequestError",
    "BearerToken",
    "Bounds",
    "ChannelRecord",
    "ClosedGatewayError",
    "Collection",
    "CommandError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ConversionError",
    "CoordinateRecord",
    "CredentialsError",
    "FilterRecord",
    "FitError",
    "Gateway",
    "ImageError",
    "ImagePyramid",
    "Layout",
    "MatchCollectionWrapper",
    "MatchPairWrapper",
    "MatchRecord",
    "MatchTable",
    "MipmapLevel",
    "MultipleFoundError",
    "NotFoundError",
    "NotInvertibleError",
    "ObjectWrapper",
    "OwnerWrapper",
    "PathBuilder",
    "ProjectWrapper",
    "RecordError",
    "RegistrationError",
    "Registry",
    "RenderGatewayError",
    "RenderParameters",
    "RequestError",
    "ResolvedTiles",
    "Retries",
    "SectionWrapper",
    "ServerError",
    "ServiceError",
    "StackEdit",
    "StackStateError",
    "StackWrapper",
    "StaleStackError",
    "StoreError",
    "TileRecord",
    "TileTable",
    "TileWrapper",
    "TimedOutError",
    "TransformError",
    "__version__",
    "json_default",
    "read_tiles",
    "refreshWrappers",
    "to_json",
    "write_tiles",
]

_LATER = ("MatchTable", "TileTable", "read_tiles", "write_tiles")


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(model, name)
