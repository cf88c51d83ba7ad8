"""Records of render parameters: the full description of a rendered image."""

from __future__ import annotations

from rendergateway.model.records.channels import FilterRecord, PathBuilder
from rendergateway.model.records.record import Record, list_of, optional
from rendergateway.model.records.tiles import TileRecord

__all__ = ["RenderParameters"]


class RenderParameters(Record):
    """
    Render parameters: the tiles, region, scale and options of a rendered image.

    Attributes
    ----------
    x, y, width, height : float or None
        Region in world pixels.
    scale : float or None
        Image pixels per world pixel.
    mesh_cell_size, min_mesh_cell_size : float or None
        Spacing of the rendering mesh in local pixels.
    min_intensity, max_intensity : float or None
        Intensity window.
    background_rgb : int or None
        Background colour, 0xRRGGBB.
    filters : list of FilterRecord
        In order of application.
    tiles : list of TileRecord
        In drawing order; transforms are flattened.
    """

    x = optional("x", float)
    y = optional("y", float)
    width = optional("width", float)
    height = optional("height", float)
    scale = optional("scale", float)
    mesh_cell_size = optional("meshCellSize", float)
    min_mesh_cell_size = optional("minMeshCellSize", float)
    area_offset = optional("areaOffset", bool)
    min_intensity = optional("minIntensity", float)
    max_intensity = optional("maxIntensity", float)
    convert_to_gray = optional("convertToGray", bool)
    quality = optional("quality", float)
    thread_count = optional("numberOfThreads", int)
    skip_interpolation = optional("skipInterpolation", bool)
    binary_mask = optional("binaryMask", bool)
    exclude_mask = optional("excludeMask", bool)
    do_filter = optional("doFilter", bool)
    filter_list_name = optional("filterListName", str)
    filters = list_of("filterSpecs", FilterRecord)
    background_rgb = optional("backgroundRGBColor", int)
    fill_with_noise = optional("fillWithNoise", bool)
    channels = optional("channels", str)
    path_builder = optional("mipmapPathBuilder", PathBuilder)
    tiles = list_of("tileSpecs", TileRecord)
