"""Records of image channels, mipmap path builders and filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rendergateway.errors import RecordError
from rendergateway.model.records.pyramid import ImagePyramid
from rendergateway.model.records.record import Member, Record, optional, required

__all__ = ["ChannelRecord", "FilterRecord", "PathBuilder", "channel_selection"]


class PathBuilder(Record):
    """
    Rule that derives the URLs of missing mipmap levels from the URL of level 0.

    Attributes
    ----------
    root_path : str or None
        Folder of the mipmap levels, with a trailing slash.
    level_count : int or None
        Highest level; levels above it use it.
    extension : str or None
        File name extension, without the dot.
    image_pattern : str or None
        Regular expression with two groups; the level is inserted between them.
    """

    root_path = optional("rootPath", str)
    level_count = optional("numberOfLevels", int)
    extension = optional("extension", str)
    image_pattern = optional("imageMipmapPatternString", str)


class FilterRecord(Record):
    """
    One image filter, of the render parameters or of a tile.

    Attributes
    ----------
    class_name : str
        Full Java class name in ``org.janelia.alignment.filter``.
    parameters : dict of str to str
        Parameters by the names that the class uses.
    """

    class_name = required("className", str)
    parameters: Member[dict[str, Any] | None] = optional("parameters", dict)


class ChannelRecord(Record):
    """
    One colour or detector of a tile.

    Attributes
    ----------
    name : str or None
        Name that selects the channel for rendering.
    min_intensity, max_intensity : float or None
        Grey levels rendered as black and white; the service defaults to 0 and 255.
    mipmaps : ImagePyramid
        Mipmap levels of the channel's image.
    path_builder : PathBuilder or None
        Rule for missing mipmap levels.
    filter_spec : FilterRecord or None
        Filter applied to the channel's image when it is loaded, by newer services and locally.
    """

    name = optional("name", str)
    min_intensity = optional("minIntensity", float)
    max_intensity = optional("maxIntensity", float)
    mipmaps = optional("mipmapLevels", ImagePyramid, ImagePyramid())
    path_builder = optional("mipmapPathBuilder", PathBuilder)
    filter_spec = optional("filterSpec", FilterRecord)


def channel_selection(weights: Mapping[str, float]) -> str:
    """
    Return the query text that selects channels for rendering.

    Parameters
    ----------
    weights : mapping of str to float
        Weight per channel; a single channel of weight 1 is its name alone.

    Raises
    ------
    RecordError
        If a name contains ``__``, the separator of names and weights.

    Examples
    --------
    >>> channel_selection({"DAPI": 0.9, "TdTomato": 0.1})
    'DAPI__0.9__TdTomato__0.1'
    """
    for name in weights:
        if "__" in name:
            raise RecordError(f"channel {name!r} cannot be selected by name: __ separates names from weights")
    if list(weights.values()) == [1]:
        return next(iter(weights))
    return "__".join(f"{name}__{float(weight)}" for name, weight in weights.items())
