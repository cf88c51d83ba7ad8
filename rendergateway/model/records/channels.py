"""Records of channels, path builders and filters: how images become what is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from rendergateway.errors import RecordError
from rendergateway.model.records.pyramid import ImagePyramid
from rendergateway.model.records.record import Record, optional, required

__all__ = ["ChannelRecord", "FilterRecord", "PathBuilder", "channel_selection"]


class PathBuilder(Record):
    """
    How addresses of missing mipmap levels follow from that of level 0.

    Attributes
    ----------
    root_path : str or None
        Where the levels lie; ends in a slash.
    level_count : int or None
        Levels above this one use this one.
    extension : str or None
        Of the files, without a dot.
    image_pattern : str or None
        Regular expression of two groups, between which the level is put.
    """

    root_path = optional("rootPath", str)
    level_count = optional("numberOfLevels", int)
    extension = optional("extension", str)
    image_pattern = optional("imageMipmapPatternString", str)


class ChannelRecord(Record):
    """
    One colour or detector of a tile.

    Attributes
    ----------
    name : str or None
        As it is asked for when drawing.
    min_intensity, max_intensity : float or None
        Grey levels drawn black and white; the service takes 0 and 255 where they are missing.
    mipmaps : ImagePyramid
        The levels of the channel's image.
    path_builder : PathBuilder or None
        How missing levels are found.
    """

    name = optional("name", str)
    min_intensity = optional("minIntensity", float)
    max_intensity = optional("maxIntensity", float)
    mipmaps = optional("mipmapLevels", ImagePyramid, ImagePyramid())
    path_builder = optional("mipmapPathBuilder", PathBuilder)


class FilterRecord(Record):
    """
    One filter of a drawing recipe.

    Attributes
    ----------
    class_name : str
        Full Java class name, of ``org.janelia.alignment.filter``.
    parameters : dict of str to str
        As the class names them.
    """

    class_name = required("className", str)
    parameters = optional("parameters", dict)


def channel_selection(weights: Mapping[str, float]) -> str:
    """
    Return the text that selects channels for drawing.

    Parameters
    ----------
    weights : mapping of str to float
        Share of each channel; a single channel of weight 1 is just its name.

    Raises
    ------
    RecordError
        If a name holds ``__``, which stands between names and weights.

    Examples
    --------
    >>> channel_selection({"DAPI": 0.9, "TdTomato": 0.1})
    'DAPI__0.9__TdTomato__0.1'
    """
    for name in weights:
        if "__" in name:
            raise RecordError(f"channel {name!r} cannot be selected by name: __ separates names and weights")
    if list(weights.values()) == [1]:
        return next(iter(weights))
    return "__".join(f"{name}__{float(weight)}" for name, weight in weights.items())
