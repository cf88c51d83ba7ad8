"""Checks of the image and mask files that tiles refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import ImageError
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.row_table import RowTable
from rendergateway.progress import tracking
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.core.bulk import Bulk, in_order
from rendergateway.wrappers.images.source import address_of, lost_values, window_of
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.rendering import Sources

__all__ = ["check_images"]

_GREY = 2


@attrs.frozen
class _Image:
    """One image or mask of one level of a tile."""

    tile: TileRecord
    channel: str | None
    number: int
    level: MipmapLevel
    is_mask: bool

    @property
    def url(self) -> str | None:
        return self.level.mask_url if self.is_mask else self.level.image_url

    @property
    def window(self) -> tuple[float, float] | None:
        """The intensity window; None for masks, and for images that a filter changes before they are drawn."""
        filters = [one.filter_spec for one in self.tile.channels if one.name == self.channel]
        is_filtered = any(one is not None for one in (self.tile.filter_spec, *filters))
        return None if self.is_mask or is_filtered else window_of(self.tile, self.channel)


def check_images(
    client: Client, tiles: Iterable[TileRecord], levels: Sequence[int] | None, bulk: Bulk, what: str
) -> RowTable:
    """Check the image files of tiles; see `StackWrapper.check_images`."""
    from rendergateway.rendering import Sources

    # No cache: each file is read once.
    sources = Sources(image_opener(client), cache_bytes=0)
    images = _images_of(
        tiles, None if levels is None else frozenset(levels if isinstance(levels, Iterable) else [levels])
    )
    names = ("tile_id", "z", "channel", "level", "url", "problem")
    rows: list[tuple[Any, ...]] = []
    pool = ThreadPoolExecutor(bulk.workers, "rendergateway-images")
    try:
        with tracking(bulk.progress, what) as report:
            checked = in_order(pool, lambda image: (image, _problem(image, sources)), images, 2 * bulk.workers)
            for count, (image, problem) in enumerate(checked, 1):
                report(count)
                if problem:
                    tile = image.tile
                    rows.append((tile.tile_id, tile.z, image.channel, image.number, image.url, problem))
    finally:
        pool.shutdown(cancel_futures=True)
    return RowTable({name: [row[place] for row in rows] for place, name in enumerate(names)})


def _images_of(tiles: Iterable[TileRecord], levels: frozenset[int] | None) -> Iterator[_Image]:
    for tile in tiles:
        pyramids = [(channel.name, channel.mipmaps) for channel in tile.channels] or [(None, tile.mipmaps)]
        for channel, pyramid in pyramids:
            for number, level in pyramid.items():
                if levels is None or number in levels:
                    yield _Image(tile, channel, number, level, is_mask=False)
                    if level.mask_url is not None:
                        yield _Image(tile, channel, number, level, is_mask=True)


def _problem(image: _Image, sources: Sources) -> str:
    try:
        pixels = sources.image(address_of(image.level, mask=image.is_mask))
    except ImageError as error:
        # The URL is in another column.
        return str(error).removeprefix(f"image '{image.url}': ")
    height, width = pixels.shape[:2]
    wanted = [side and side / 2**image.number for side in (image.tile.width, image.tile.height)]
    # Programs that make levels truncate or round up odd sizes.
    if any(side is not None and abs(side - found) >= 1 for side, found in zip(wanted, (width, height), strict=True)):
        expected = " × ".join(f"{side:g}" for side in wanted if side is not None)
        return f"expected {expected} pixels, found {width} × {height}"
    window = image.window if pixels.ndim == _GREY else None
    return "" if window is None else lost_values(pixels, window)
