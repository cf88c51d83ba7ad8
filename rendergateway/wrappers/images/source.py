"""The pixels of the image files of tiles, as they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.geometry import Bounds
from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.records.tiles import TileRecord
from rendergateway.wrappers.core.arguments import as_count
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import TileKey
from rendergateway.wrappers.images.options import PictureOptions
from rendergateway.wrappers.images.picture import Picture
from rendergateway.wrappers.images.view import View, image_sources, missing_channel

__all__ = ["address_of", "lost_values", "source_picture", "window_of"]

_BYTE = 255.0
_DEEPER = 256.0
# Share of pixels outside of the window, above which an image counts as lost.
_MOST = 0.95


def address_of(level: MipmapLevel, *, mask: bool) -> Any:
    """
    Return the `ImageAddress` of the image or mask of a level.

    Raises
    ------
    ImageError
        If the level has none.
    """
    from rendergateway.rendering import ImageAddress

    url = level.mask_url if mask else level.image_url
    if url is None:
        raise ImageError(f"the level has no {'mask' if mask else 'image'} URL")
    loader = level.mask_loader_type if mask else level.image_loader_type
    number = level.mask_slice if mask else level.image_slice
    return ImageAddress(url, number=number) if loader is None else ImageAddress(url, loader, number)


def source_picture(tile: Bound[TileKey], record: TileRecord, channel: str | None, level: int, *, mask: bool) -> Picture:
    """Read an image file of a tile; see `TileWrapper.source_image`."""
    what, number = f"tile {record.tile_id!r}", as_count(level, "level", 0)
    levels = _levels(record, channel, what)
    if number not in levels:
        raise ImageError(f"{what} has no level {number}; its levels are {', '.join(map(str, levels)) or 'none'}")
    try:
        address = address_of(levels[number], mask=mask)
    except ImageError as error:
        raise ImageError(f"{what}, level {number}: {error}") from error
    pixels = image_sources(tile.client).image(address)
    height, width = pixels.shape[:2]
    scale = 0.5**number
    box = Bounds(0, 0, width / scale, height / scale)
    view = View(tile.client, "tile", tile.key._asdict(), box, scale, f"the file of {what}", "raw")
    covered = np.ones((height, width), dtype=bool)
    return Picture(pixels, None, [view], PictureOptions(channel=channel), box=box, frame="raw", covered=covered)


def _levels(record: TileRecord, channel: str | None, what: str) -> ImagePyramid:
    if not record.channels and channel is None:
        return record.mipmaps
    for one in record.channels:
        if channel is None or one.name == channel:
            return one.mipmaps
    raise missing_channel(channel or "", {one.name for one in record.channels}, what)


def window_of(record: TileRecord, channel: str | None) -> tuple[float, float]:
    """Return the intensity window of a tile, or of one of its channels."""
    holder: Any = next((one for one in record.channels if one.name == channel), record)
    low, high = holder.min_intensity, holder.max_intensity
    return 0.0 if low is None else float(low), _BYTE if high is None else float(high)


def lost_values(values: npt.NDArray[Any], window: tuple[float, float]) -> str:
    """
    Return why almost all of an image is drawn black or white; empty if it is not.

    Parameters
    ----------
    values : ndarray, shape (H, W)
        uint8, uint16 or float32.
    window : (float, float)
        Values drawn black and white; (0, 0) is the range of *values*.

    Examples
    --------
    >>> lost_values(np.array([[20000, 30000]], dtype=np.uint16), (0, 255))
    'values 20000 … 30000 are drawn white: the intensity window is 0 … 255; set min_intensity and max_intensity'
    >>> lost_values(np.array([[0.1, 0.9]], dtype=np.float32), (0, 255))
    'values 0.1 … 0.9 are drawn black: the intensity window is 0 … 255; set min_intensity and max_intensity'
    >>> lost_values(np.array([[20, 200]], dtype=np.uint8), (0, 255))
    ''
    """
    low, high = window
    if low == high == 0.0 or not values.size:
        return ""
    if values.dtype == np.uint8 and high > _BYTE:
        # The service draws such an image in 16 bits.
        low, high = low / _DEEPER, high / _DEEPER
    least, most = float(values.min()), float(values.max())
    if least == most:
        return ""
    step = (high - low) / _BYTE
    for word, is_lost in (
        ("black", most <= low + step or (values < low).mean() > _MOST),
        ("white", least >= high - step or (values > high).mean() > _MOST),
    ):
        if is_lost:
            return (
                f"values {least:g} … {most:g} are drawn {word}: the intensity window is {window[0]:g} … {window[1]:g}; "
                "set min_intensity and max_intensity"
            )
    return ""
