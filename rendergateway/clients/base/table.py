"""The clients: the one table of their class names and modules."""

from __future__ import annotations

import importlib
from typing import cast

from rendergateway.clients.base.options import Client
from rendergateway.errors import CommandError

__all__ = ["ALIASES", "CLIENTS", "client_class"]

# Class name -> module below rendergateway.clients, which has a class of that name.
CLIENTS = {
    "CopyMatchClient": "matches.copy_match",
    "ImportMatchClient": "matches.import_match",
    "UpdateMatchCountsClient": "matches.update_match_counts",
    "ClusterCountClient": "stacks.cluster_count",
    "CopyStackClient": "stacks.copy_stack",
    "DeltaStackClient": "stacks.delta_stack",
    "SplitClusterClient": "stacks.split_cluster",
    "ArgbRenderer": "images.argb_renderer",
    "BoxClient": "images.box",
    "MipmapClient": "images.mipmap",
    "RenderSectionClient": "images.render_section",
    "RenderTilesClient": "images.render_tiles",
    "TilePairClient": "matching.tile_pair",
    "PointMatchClient": "matching.point_match",
    "SIFTPointMatchClient": "matching.sift_point_match",
    "MultiStagePointMatchClient": "matching.multi_stage_point_match",
    "RansacFilterClient": "matching.ransac_filter",
    "FeatureClient": "matching.feature",
    "StackClient": "stacks.stack",
    "TileRemovalClient": "stacks.tile_removal",
    "UnconnectedTileRemovalClient": "stacks.unconnected_tile_removal",
    "CoordinateClient": "tiles.coordinates",
    "ImportJsonClient": "tiles.import_json",
    "ImportMETClient": "tiles.import_met",
    "ImportTileZValuesClient": "tiles.import_tile_z_values",
    "ImportTransformChangesClient": "tiles.import_transform_changes",
    "SectionUpdateClient": "tiles.section_update",
    "TransformRemovalClient": "tiles.transform_removal",
    "TransformSectionClient": "tiles.transform_section",
    "ValidateTilesClient": "tiles.validate_tiles",
    "WarpTransformClient": "tiles.warp_transform",
}
# Other class names of the same client.
ALIASES = {"Render": "ArgbRenderer"}


def client_class(name: str) -> type[Client]:
    """
    Return a client by the name of its Java class, with or without the package.

    Raises
    ------
    CommandError
        If it is not in the table.
    """
    simple = name.rpartition(".")[2]
    simple = ALIASES.get(simple, simple)
    if simple not in CLIENTS:
        raise CommandError(f"unknown client class: got {name!r}; available are {', '.join(sorted(CLIENTS))}")
    module = importlib.import_module(f"rendergateway.clients.{CLIENTS[simple]}")
    return cast("type[Client]", getattr(module, simple))
