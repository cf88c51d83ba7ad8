"""The clients: the one table of their class names, modules, and the commands and calls that do the same."""

from __future__ import annotations

import importlib
from typing import NamedTuple, cast

from rendergateway.clients.base.options import Client
from rendergateway.errors import CommandError

__all__ = ["ALIASES", "CLIENTS", "ClientRow", "client_class"]


class ClientRow(NamedTuple):
    """
    One client.

    Attributes
    ----------
    module : str
        Module below ``rendergateway.clients``, which has a class of the client's name.
    command : str
        Command of ``rendergateway`` that does the same.
    calls : tuple of str
        Calls of the library that do the same.
    """

    module: str
    command: str
    calls: tuple[str, ...]


# By the name of the Java class; docs/java-clients.md is made from this table.
CLIENTS = {
    "ImportJsonClient": ClientRow("tiles.import_json", "load", ("edit.load(files, together=False)",)),
    "ImportMETClient": ClientRow(
        "tiles.import_met", "transform --layout", ("edit.apply(read_layout(file), source=stack)",)
    ),
    "ImportTransformChangesClient": ClientRow(
        "tiles.import_transform_changes",
        "transform --changes",
        ("edit.apply(read_transform_changes(file), source=stack)",),
    ),
    "TransformSectionClient": ClientRow(
        "tiles.transform_section", "transform --class", ("edit.apply(transform, sections=[1, 2])",)
    ),
    "TransformRemovalClient": ClientRow(
        "tiles.transform_removal", "transform --remove", ("stack.remove_transforms(1)",)
    ),
    "ValidateTilesClient": ClientRow("tiles.validate_tiles", "validate", ("stack.validate(TileLimits(…))",)),
    "WarpTransformClient": ClientRow("tiles.warp_transform", "warp", ("stack.warp_to(name, aligned)",)),
    "CoordinateClient": ClientRow(
        "tiles.coordinates",
        "coordinates",
        (
            "stack.locate(points, z)",
            "map_coordinate_file(…)",
            "map_swc_folder(…)",
        ),
    ),
    "ImportTileZValuesClient": ClientRow("tiles.import_tile_z_values", "move --file", ("edit.move(z, tile_ids)",)),
    "SectionUpdateClient": ClientRow("tiles.section_update", "move --to-z", ("edit.move(z, sections=[1, 2])",)),
    "StackClient": ClientRow(
        "stacks.stack",
        "stack",
        (
            "gateway.create_stack(name)",
            "stack.clone_to(name)",
            "stack.rename(name)",
            "stack.set_state(state)",
            "stack.delete()",
        ),
    ),
    "CopyStackClient": ClientRow(
        "stacks.copy_stack", "copy", ("stack.copy_to(name, keep=TileSelection(…), change=TileChanges(…))",)
    ),
    "DeltaStackClient": ClientRow(
        "stacks.delta_stack", "copy --not-in", ("stack.copy_to(name, keep=TileSelection(not_in=[…]))",)
    ),
    "TileRemovalClient": ClientRow(
        "stacks.tile_removal",
        "remove",
        (
            "edit.delete(tile_ids)",
            "section.hidden_tile_ids()",
            "section.tile_ids_outside(box)",
        ),
    ),
    "UnconnectedTileRemovalClient": ClientRow(
        "stacks.unconnected_tile_removal", "remove --unconnected", ("stack.remove_unconnected(matches)",)
    ),
    "SplitClusterClient": ClientRow(
        "stacks.split_cluster", "clusters --split-to", ("stack.split_clusters(name, matches)",)
    ),
    "ClusterCountClient": ClientRow("stacks.cluster_count", "clusters", ("stack.clusters(matches)",)),
    "TilePairClient": ClientRow("matching.tile_pair", "pairs", ("stack.tile_pairs(…).write(path)",)),
    "PointMatchClient": ClientRow("matching.point_match", "match --urls", ("matches.derive(url_pairs(…))",)),
    "SIFTPointMatchClient": ClientRow("matching.sift_point_match", "match", ("matches.derive(files)",)),
    "MultiStagePointMatchClient": ClientRow(
        "matching.multi_stage_point_match", "match --stages", ("matches.derive(files, stages)",)
    ),
    "FeatureClient": ClientRow("matching.feature", "features", ("describe_files(…)",)),
    "RansacFilterClient": ClientRow("matching.ransac_filter", "matches filter", ("filter_file(source, target, rule)",)),
    "ImportMatchClient": ClientRow("matching.import_match", "matches load", ("matches.put_files(files)",)),
    "CopyMatchClient": ClientRow("matching.copy_match", "matches copy", ("matches.copy_to(name)",)),
    "UpdateMatchCountsClient": ClientRow("matching.update_match_counts", "matches count", ("matches.update_counts()",)),
    "RenderSectionClient": ClientRow(
        "images.render_section",
        "export",
        (
            "stack.export(folder)",
            "section.image().save(path)",
        ),
    ),
    "RenderTilesClient": ClientRow(
        "images.render_tiles",
        "render",
        (
            "stack.render_tiles(folder)",
            "stack.rasterize_to(name, folder)",
        ),
    ),
    "BoxClient": ClientRow("images.box", "boxes", ("stack.render_boxes(folder)",)),
    "MipmapClient": ClientRow(
        "images.mipmap",
        "mipmaps",
        (
            "stack.write_mipmaps(folder)",
            "stack.remove_mipmaps(folder)",
        ),
    ),
    "ArgbRenderer": ClientRow("images.argb_renderer", "render --recipe", ("gateway.render(recipe)",)),
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
    module = importlib.import_module(f"rendergateway.clients.{CLIENTS[simple].module}")
    return cast("type[Client]", getattr(module, simple))
