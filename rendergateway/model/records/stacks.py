"""Records of stacks, sections, bounds and names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rendergateway.geometry import Bounds
from rendergateway.model.records.channels import PathBuilder
from rendergateway.model.records.record import Member, Record, optional, required

__all__ = ["BoundsRecord", "NameRecord", "SectionRecord", "StackId", "StackRecord", "StackStats", "StackVersion"]


class BoundsRecord(Record):
    """
    A bounding box as stored by the service.

    Attributes
    ----------
    min_x, min_y, max_x, max_y, min_z, max_z : float or None
        World pixels; z counted in sections.
    """

    min_x = optional("minX", float)
    min_y = optional("minY", float)
    min_z = optional("minZ", float)
    max_x = optional("maxX", float)
    max_y = optional("maxY", float)
    max_z = optional("maxZ", float)

    @property
    def bounds(self) -> Bounds | None:
        """The bounding box; None if a side in x or y is missing."""
        if self.min_x is None or self.min_y is None or self.max_x is None or self.max_y is None:
            return None
        return Bounds(self.min_x, self.min_y, self.max_x, self.max_y, self.min_z, self.max_z)


class NameRecord(Record):
    """An owner or a project, which consists of a name only."""

    name = required("name", str)


class StackId(Record):
    """Owner, project and name of a stack."""

    owner = required("owner", str)
    project = required("project", str)
    name = required("stack", str)


class StackVersion(Record):
    """
    Metadata of one stack version.

    Attributes
    ----------
    created : datetime or None
        Aware, UTC.
    notes : str or None
        Free text.
    cycle_number, cycle_step_number : int or None
        Position in the processing of the dataset.
    resolution_x_nm, resolution_y_nm, resolution_z_nm : float or None
        Nanometres per pixel at scale 1; in z, section thickness.
    path_builder : PathBuilder or None
        Rule for missing mipmap levels of tiles without their own.
    default_channel : str or None
        Name of the channel rendered by default.
    """

    created = optional("createTimestamp", datetime)
    notes = optional("versionNotes", str)
    cycle_number = optional("cycleNumber", int)
    cycle_step_number = optional("cycleStepNumber", int)
    resolution_x_nm = optional("stackResolutionX", float)
    resolution_y_nm = optional("stackResolutionY", float)
    resolution_z_nm = optional("stackResolutionZ", float)
    box_root_path = optional("materializedBoxRootPath", str)
    path_builder = optional("mipmapPathBuilder", PathBuilder)
    alignment_quality = optional("alignmentQuality", float)
    default_channel = optional("defaultChannel", str)


class StackStats(Record):
    """Statistics computed when the stack became COMPLETE."""

    stack_bounds = optional("stackBounds", BoundsRecord)
    section_count = optional("sectionCount", int)
    fractional_section_count = optional("nonIntegralSectionCount", int)
    tile_count = optional("tileCount", int)
    transform_count = optional("transformCount", int)
    min_tile_width = optional("minTileWidth", int)
    max_tile_width = optional("maxTileWidth", int)
    min_tile_height = optional("minTileHeight", int)
    max_tile_height = optional("maxTileHeight", int)
    channel_names = optional("channelNames", list, [])


class StackRecord(Record):
    """
    State, version and statistics of a stack.

    Attributes
    ----------
    state : str
        LOADING, COMPLETE, READ_ONLY or OFFLINE.
    modified : datetime or None
        Aware, UTC; updated by changes of state and version, not of tiles.
    stats : StackStats or None
        None while LOADING.
    """

    stack_id = required("stackId", StackId)
    state = required("state", str)
    modified = optional("lastModifiedTimestamp", datetime)
    version_number = optional("currentVersionNumber", int)
    version = optional("currentVersion", StackVersion)
    stats = optional("stats", StackStats)
    hierarchical_data: Member[dict[str, Any] | None] = optional("hierarchicalData", dict)


class SectionRecord(BoundsRecord):
    """
    Section data: the tiles with one section id at one z.

    Attributes
    ----------
    section_id : str or None
        Section id in the layouts of the tiles.
    z : float
        Position in the stack.
    tile_count : int
        Number of tiles.
    """

    section_id = optional("sectionId", str)
    z = required("z", float)
    tile_count = optional("tileCount", int, 0)
