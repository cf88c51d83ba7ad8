"""
The table of HTTP endpoints: the transport builds URLs from it, the service routes by it, the docs list it.

Columns: name, method, path below ``/v1``, body, answer, effect, tier, query values; see `Endpoint`.
"""

# The table is wider than the line limit.
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from rendergateway.endpoints.endpoint import Endpoint

__all__ = ["ENDPOINTS"]

_PREFIXES = {
    "<owner>": "/owner/{owner}",
    "<project>": "/owner/{owner}/project/{project}",
    "<stack>": "/owner/{owner}/project/{project}/stack/{stack}",
    "<collection>": "/owner/{owner}/matchCollection/{collection}",
}

# Query values shared by many endpoints. A star marks a repeatable value.
_LOOK = (
    "scale:number minIntensity:number maxIntensity:number binaryMask:bool excludeMask:bool convertToGray:bool "
    "fillWithNoise:bool filter:bool filterListName:text channels:text"
)
_QUERIES = {
    "z_range": "minZ:number maxZ:number",
    "details": "excludeMatchDetails:bool mergeCollection*:text",
    "look": _LOOK,
    "draw": f"{_LOOK} maxTileSpecsToRender:int",
    "neighbors": f"{_LOOK} widthFactor:number heightFactor:number",
    "tile_look": (
        f"{_LOOK} x:int y:int width:int height:int normalizeForMatching:bool excludeTransformsAfterLast*:text "
        "excludeFirstTransformAndAllAfter*:text excludeAllTransforms:bool"
    ),
}

_TABLE = """
# Service information.
service.filters                     GET    /namedFilterSpecLists                                      none     object read    common
service.properties                  GET    /serverProperties                                          none     object read    rare
service.version                     GET    /versionInfo                                               none     object read    common
service.clear_image_cache           DELETE /imageProcessorCache/allEntries                            none     empty  change  rare
service.unique_id                   GET    /likelyUniqueId                                            none     text   read    core

# Owners, projects, stacks.
owner.list                          GET    /owners                                                    none     list   read    core
project.list                        GET    <owner>/projects                                           none     list   read    core
stack.ids                           GET    <owner>/stackIds                                           none     list   read    core
project.stack_ids                   GET    <project>/stackIds                                         none     list   read    core
stack.list                          GET    <owner>/stacks                                             none     list   read    core
project.stacks                      GET    <project>/stacks                                           none     list   read    core
stack.read                          GET    <stack>                                                    none     object read    core
stack.rename                        PUT    <stack>/stackId                                            json     empty  change  core
stack.clone                         PUT    <stack>/cloneTo/{to_stack}                                 json     empty  change  core   z*:number toProject:text skipTransforms:bool
stack.create                        POST   <stack>                                                    json     empty  change  core
stack.delete                        DELETE <stack>                                                    none     empty  change  core
stack.resolution                    GET    <stack>/resolutionValues                                   none     list   read    common
stack.set_resolution                PUT    <stack>/resolutionValues                                   json     empty  replace common
stack.clear_resolution              DELETE <stack>/resolutionValues                                   none     empty  change  rare
stack.box_root                      GET    <stack>/materializedBoxRootPath                            none     text   read    rare
stack.set_box_root                  PUT    <stack>/materializedBoxRootPath                            text     empty  replace rare
stack.clear_box_root                DELETE <stack>/materializedBoxRootPath                            none     empty  change  rare
stack.path_builder                  GET    <stack>/mipmapPathBuilder                                  none     object read    common
stack.set_path_builder              PUT    <stack>/mipmapPathBuilder                                  json     empty  replace common
stack.clear_path_builder            DELETE <stack>/mipmapPathBuilder                                  none     empty  change  common
stack.default_channel               GET    <stack>/defaultChannel                                     none     text   read    common
stack.set_default_channel           PUT    <stack>/defaultChannel                                     verbatim empty  replace common
stack.clear_default_channel         DELETE <stack>/defaultChannel                                     none     empty  change  common
stack.cycle                         GET    <stack>/cycle                                              none     object read    rare
stack.set_cycle                     PUT    <stack>/cycle                                              json     empty  replace rare
stack.clear_cycle                   DELETE <stack>/cycle                                              none     empty  change  rare
stack.set_state                     PUT    <stack>/state/{state}                                      none     empty  change  core
stack.bounds                        GET    <stack>/bounds                                             none     object read    core
stack.tile_ids                      GET    <stack>/tileIds                                            none     list   read    core   minZ:number maxZ:number matchPattern:text
stack.tile_specs                    PUT    <stack>/tile-specs-with-ids                                json     list   read    common
stack.pair_residuals                POST   <stack>/pairResidualCalculation                            json     object read    rare
stack.layout_file                   GET    <stack>/layoutFile                                         none     text   read    common minZ:number maxZ:number format:layout
stack.layout_file_of_range          GET    <stack>/zRange/{min_z},{max_z}/layoutFile                  none     text   read    common format:layout
stack.z_values                      GET    <stack>/zValues                                            none     list   read    core   z_range
stack.section_data                  GET    <stack>/sectionData                                        none     list   read    core   z_range
stack.reordered_section_data        GET    <stack>/reorderedSectionData                               none     list   read    rare   z_range
stack.merged_z_values               GET    <stack>/mergedZValues                                      none     list   read    rare   z_range
stack.mergeable_data                GET    <stack>/mergeableData                                      none     text   read    rare   z_range
stack.mergeable_z_values            GET    <stack>/mergeableZValues                                   none     list   read    rare   z_range
stack.resolved_tiles                GET    <stack>/resolvedTiles                                      none     object read    common minZ:number maxZ:number groupId:text minX:number maxX:number minY:number maxY:number
stack.save_tiles                    PUT    <stack>/resolvedTiles                                      json     empty  replace core   deriveData:bool

# Sections: z layers of a stack.
section.delete                      DELETE <stack>/z/{z}                                              none     empty  replace core
section.jpeg                        GET    <stack>/z/{z}/jpeg-image                                   none     bytes  read    core   draw
section.png                         GET    <stack>/z/{z}/png-image                                    none     bytes  read    core   draw
section.tiff                        GET    <stack>/z/{z}/tiff-image                                   none     bytes  read    core   draw
section.clustered_tile_bounds       GET    <stack>/z/{z}/clusteredTileBoundsForCollection/{collection} none     list   read    common matchOwner:text
section.layout_file                 GET    <stack>/z/{z}/layoutFile                                   none     text   read    common format:layout
section.bounds                      GET    <stack>/z/{z}/bounds                                       none     object read    core
section.section_data                GET    <stack>/z/{z}/sectionData                                  none     list   read    common
section.tile_bounds                 GET    <stack>/z/{z}/tileBounds                                   none     list   read    core
section.take_tiles                  PUT    <stack>/z/{z}/tileIds                                      json     empty  replace common
section.resolved_tiles              GET    <stack>/z/{z}/resolvedTiles                                none     object read    core
section.save_tiles                  PUT    <stack>/z/{z}/resolvedTiles                                json     empty  replace common deriveData:bool
section.tile_specs                  GET    <stack>/z/{z}/tile-specs                                   none     list   read    core
section.last_transforms             GET    <stack>/z/{z}/last-tile-transforms                         none     list   read    common
section.render_parameters           GET    <stack>/z/{z}/render-parameters                            none     object read    core   look

# Sections by section id.
section_id.delete                   DELETE <stack>/section/{section_id}                               none     empty  replace common
section_id.z                        GET    <stack>/section/{section_id}/z                             none     scalar read    core
section_id.set_z                    PUT    <stack>/section/{section_id}/z                             json     empty  replace common
section_id.tile_bounds              GET    <stack>/section/{section_id}/tileBounds                    none     list   read    common

# Tiles and shared transforms.
tile.read                           GET    <stack>/tile/{tile_id}                                     none     object read    core
tile.delete                         DELETE <stack>/tile/{tile_id}                                     none     empty  replace core
tile.render_parameters              GET    <stack>/tile/{tile_id}/render-parameters                   none     object read    core   tile_look
tile.validate                       GET    <stack>/tile/{tile_id}/validation-info                     none     empty  read    rare
tile.source_render_parameters       GET    <stack>/tile/{tile_id}/source/scale/{scale}/render-parameters none     object read    rare   look
tile.mask_render_parameters         GET    <stack>/tile/{tile_id}/mask/scale/{scale}/render-parameters none     object read    rare   look
tile.neighbors_render_parameters    GET    <stack>/tile/{tile_id}/withNeighbors/render-parameters     none     object read    common neighbors
transform.read                      GET    <stack>/transform/{transform_id}                           none     object read    core
tile.jpeg                           GET    <stack>/tile/{tile_id}/jpeg-image                          none     bytes  read    core   tile_look
tile.png                            GET    <stack>/tile/{tile_id}/png-image                           none     bytes  read    core   tile_look
tile.tiff                           GET    <stack>/tile/{tile_id}/tiff-image                          none     bytes  read    core   tile_look
tile.tiff16                         GET    <stack>/tile/{tile_id}/tiff16-image                        none     bytes  read    core   tile_look
tile.source_jpeg                    GET    <stack>/tile/{tile_id}/source/jpeg-image                   none     bytes  read    common look
tile.source_png                     GET    <stack>/tile/{tile_id}/source/png-image                    none     bytes  read    common look
tile.source_tiff                    GET    <stack>/tile/{tile_id}/source/tiff-image                   none     bytes  read    common look
tile.mask_jpeg                      GET    <stack>/tile/{tile_id}/mask/jpeg-image                     none     bytes  read    common look
tile.mask_png                       GET    <stack>/tile/{tile_id}/mask/png-image                      none     bytes  read    common look
tile.mask_tiff                      GET    <stack>/tile/{tile_id}/mask/tiff-image                     none     bytes  read    common look
tile.neighbors_jpeg                 GET    <stack>/tile/{tile_id}/withNeighbors/jpeg-image            none     bytes  read    common neighbors boundingBoxesOnly:bool

# Boxes of a section, and of one group of tiles in it.
box.jpeg                            GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/jpeg-image none     bytes  read    core   draw
box.png                             GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/png-image none     bytes  read    core   draw
box.tiff                            GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/tiff-image none     bytes  read    core   draw
box.tiff16                          GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/tiff16-image none     bytes  read    core   draw
box.png16                           GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/png16-image none     bytes  read    common draw
box.raw16                           GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/raw16-image none     bytes  read    rare   draw
box.raw                             GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/raw-image none     bytes  read    rare   draw
group_box.jpeg                      GET    <stack>/group/{group}/z/{z}/box/{x},{y},{width},{height},{scale}/jpeg-image none     bytes  read    common draw
group_box.png                       GET    <stack>/group/{group}/z/{z}/box/{x},{y},{width},{height},{scale}/png-image none     bytes  read    common draw
group_box.tiff                      GET    <stack>/group/{group}/z/{z}/box/{x},{y},{width},{height},{scale}/tiff-image none     bytes  read    common draw
box.tile_count                      GET    <stack>/z/{z}/box/{x},{y},{width},{height}/tile-count      none     scalar read    common
box.render_parameters               GET    <stack>/z/{z}/box/{x},{y},{width},{height},{scale}/render-parameters none     object read    core   look
group_box.render_parameters         GET    <stack>/group/{group}/z/{z}/box/{x},{y},{width},{height},{scale}/render-parameters none     object read    common look

# The same endpoints under names for other viewers.
dvid.jpeg                           GET    <stack>/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/jpg none     bytes  read    rare   draw
dvid.png                            GET    <stack>/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/png none     bytes  read    rare   draw
dvid.tiff                           GET    <stack>/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/tif none     bytes  read    rare   draw
group_dvid.jpeg                     GET    <stack>/group/{group}/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/jpg none     bytes  read    rare   draw
group_dvid.png                      GET    <stack>/group/{group}/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/png none     bytes  read    rare   draw
group_dvid.tiff                     GET    <stack>/group/{group}/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/tif none     bytes  read    rare   draw
large_data.jpeg                     GET    <stack>/largeDataTileSource/{width}/{height}/{level}/{z}/{row}/{column}.jpg none     bytes  read    rare   draw
large_data.overview_jpeg            GET    <stack>/largeDataTileSource/{width}/{height}/small/{z}.jpg none     bytes  read    rare   draw maxOverviewWidthAndHeight:int translateOrigin:bool
large_data.png                      GET    <stack>/largeDataTileSource/{width}/{height}/{level}/{z}/{row}/{column}.png none     bytes  read    rare   draw
large_data.overview_png             GET    <stack>/largeDataTileSource/{width}/{height}/small/{z}.png none     bytes  read    rare   draw maxOverviewWidthAndHeight:int translateOrigin:bool
dvid.tile_count                     GET    <stack>/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/tile-count none     scalar read    rare
dvid.render_parameters              GET    <stack>/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/render-parameters none     object read    rare   look
group_dvid.render_parameters        GET    <stack>/group/{group}/dvid/imagetile/raw/xy/{width}_{height}/{x}_{y}_{z}/render-parameters none     object read    rare   look

# Images and validation of posted JSON.
recipe.jpeg                         PUT    <owner>/jpeg-image                                         json     bytes  read    core
recipe.png                          PUT    <owner>/png-image                                          json     bytes  read    core
recipe.tiff                         PUT    <owner>/tiff-image                                         json     bytes  read    core
validate.render_parameters          PUT    <owner>/validate-json/render                               any      text   read    common
validate.tile                       PUT    <owner>/validate-json/tile                                 any      text   read    common
validate.tiles                      PUT    <owner>/validate-json/tile-array                           any      text   read    common
validate.transform                  PUT    <owner>/validate-json/transform                            any      text   read    common
validate.transforms                 PUT    <owner>/validate-json/transform-array                      any      text   read    common

# Coordinates.
coordinate.section_tile_ids         PUT    <stack>/z/{z}/tileIdsForCoordinates                        json     list   read    common
coordinate.tile_ids                 PUT    <stack>/tileIdsForCoordinates                              json     list   read    common
coordinate.posted_world_from_local  PUT    <owner>/local-to-world-coordinates/{x},{y}                 json     list   read    rare
coordinate.posted_local_from_world  PUT    <owner>/world-to-local-coordinates/{x},{y}                 json     list   read    rare   meshCellSize:number
coordinate.world_from_local         GET    <stack>/tile/{tile_id}/local-to-world-coordinates/{x},{y}  none     object read    core
coordinate.batch_world_from_local   PUT    <stack>/local-to-world-coordinates                         json     list   read    common
coordinate.section_world_from_local PUT    <stack>/z/{z}/local-to-world-coordinates                   json     list   read    core
coordinate.local_from_world         GET    <stack>/z/{z}/world-to-local-coordinates/{x},{y}           none     list   read    core
coordinate.mapped_to_stack          GET    <stack>/z/{z}/world-coordinates/{x},{y}/mapped-to-stack/{to_stack} none     object read    common toOwner:text toProject:text
coordinate.batch_local_from_world   PUT    <stack>/world-to-local-coordinates                         json     list   read    common
coordinate.section_local_from_world PUT    <stack>/z/{z}/world-to-local-coordinates                   json     list   read    core

# Point matches.
match.owners                        GET    /matchCollectionOwners                                     none     list   read    core
match.collections                   GET    <owner>/matchCollections                                   none     list   read    core
match.p_group_ids                   GET    <collection>/pGroupIds                                     none     list   read    core
match.multi_consensus_p_group_ids   GET    <collection>/multiConsensusPGroupIds                       none     list   read    common
match.multi_consensus_group_ids     GET    <collection>/multiConsensusGroupIds                        none     list   read    common
match.q_group_ids                   GET    <collection>/qGroupIds                                     none     list   read    core
match.group_ids                     GET    <collection>/groupIds                                      none     list   read    core
match.with_p_group                  GET    <collection>/pGroup/{p_group}/matches                      none     list   read    core   details
match.within_group                  GET    <collection>/group/{group}/matchesWithinGroup              none     list   read    core   details
match.outside_group                 GET    <collection>/group/{group}/matchesOutsideGroup             none     list   read    core   details
match.between_groups                GET    <collection>/group/{p_group}/matchesWith/{q_group}         none     list   read    core   details
match.between_tiles                 GET    <collection>/group/{p_group}/id/{p_id}/matchesWith/{q_group}/id/{q_id} none     list   read    core   mergeCollection*:text
match.from_tile_to_group            GET    <collection>/group/{p_group}/id/{p_id}/matchesWith/{q_group} none     list   read    common details
match.with_tile                     GET    <collection>/group/{group}/id/{id}                         none     list   read    core   mergeCollection*:text
match.delete_with_tile              DELETE <collection>/group/{group}/id/{id}                         none     empty  change  common
match.delete_between_tiles          DELETE <collection>/group/{p_group}/id/{p_id}/matchesWith/{q_group}/id/{q_id} none     empty  change  common
match.delete_between_groups         DELETE <collection>/group/{p_group}/matchesWith/{q_group}         none     empty  change  core
match.delete_with_p_group           DELETE <collection>/pGroup/{p_group}/matches                      none     empty  change  common
match.delete_outside_group          DELETE <collection>/group/{group}/matchesOutsideGroup             none     empty  change  common
match.save                          PUT    <collection>/matches                                       json     empty  replace core
match.counts                        GET    <collection>/pGroup/{p_group}/matchCounts                  none     list   read    common
match.update_counts                 PUT    <collection>/pGroup/{p_group}/matchCounts                  none     empty  replace common
match.delete                        DELETE <collection>                                               none     empty  change  core
match.rename                        PUT    <collection>/collectionId                                  json     empty  change  common
trial.read                          GET    <owner>/matchTrial/{trial_id}                              none     object read    rare
trial.run                           POST   <owner>/matchTrial                                         json     object change  rare
trial.delete                        DELETE <owner>/matchTrial/{trial_id}                              none     empty  change  rare

# Hierarchical alignment.
hierarchy.delete_tier               DELETE <project>/tierData                                         none     text   change  rare
hierarchy.missing_layers            GET    <stack>/missingTierMatchLayers                             none     list   read    rare
hierarchy.project_missing_layers    GET    <project>/missingTierMatchLayers                           none     list   read    rare
hierarchy.read                      GET    <stack>/hierarchicalData                                   none     object read    rare
hierarchy.save                      PUT    <stack>/hierarchicalData                                   json     empty  replace common
hierarchy.delete                    DELETE <stack>/hierarchicalData                                   none     empty  change  rare
hierarchy.warp_field                GET    <project>/z/{z}/affineWarpFieldTransform                   none     object read    rare   consensusRows:int consensusColumns:int consensusBuildMethod:method
hierarchy.warp_field_debug          GET    <project>/z/{z}/affineWarpFieldTransformDebug              none     text   read    rare   consensusRows:int consensusColumns:int consensusBuildMethod:method
"""


def _read_table(table: str) -> Iterator[Endpoint]:
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        name, method, path, body, answer, effect, tier, *query = line.split()
        prefix, rest = path[: path.find(">") + 1], path[path.find(">") + 1 :]
        query_text = " ".join(_QUERIES.get(word, word) for word in query)
        yield Endpoint(name, method, _PREFIXES.get(prefix, "") + rest, body, answer, effect, tier, query_text)


ENDPOINTS: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in _read_table(_TABLE)}
