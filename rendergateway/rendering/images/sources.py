"""Images of tiles, decoded once: from addresses to arrays at the level that is drawn."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.base.recipe import ImageAddress, Level
from rendergateway.rendering.base.threads import fetched, read
from rendergateway.rendering.images.decoding import MOST_IMAGE_PIXELS, decoded
from rendergateway.rendering.images.levels import halved
from rendergateway.rendering.images.locations import ImageOpener, Opener, file_path
from rendergateway.rendering.images.volumes import VOLUME_LOADERS, volume_slice
from rendergateway.rendering.pixels.patches import MapCache, Maps

__all__ = ["Sources"]

Pixels = npt.NDArray[Any]

_MASK_OF_BOX = re.compile(
    r"mask://outside-box\?minX=(\d+)&minY=(\d+)&maxX=(\d+)&maxY=(\d+)&width=(\d+)&height=(\d+)(?:.*&level=(\d+))?.*"
)
_MIB = 2**20
# Images of so many bytes are kept in memory straight from the system; of smaller ones there may be too many for that.
_OWN_MEMORY = _MIB
_COMPOSITE = "IMAGEJ_COMPOSITE"


def _bytes_of_maps(maps: Maps) -> int:
    # A part that was cut out of a larger array keeps the whole of it.
    return sum((part.base if isinstance(part.base, np.ndarray) else part).nbytes for part in maps)


class Sources:
    """
    Opens, decodes and halves images, and keeps those used last.

    One of these may serve all threads. A file that changed is read again.

    Parameters
    ----------
    opener : callable, optional
        From an address to a file or its bytes; without one, files of this machine (`ImageOpener`).
    cache_bytes : int
        Most bytes of decoded images that are kept.
    map_bytes : int
        Most bytes of the maps that curved transforms lead to that are kept.

    Attributes
    ----------
    maps : ByteCache
        Those maps.
    """

    def __init__(
        self, opener: Opener | None = None, *, cache_bytes: int = 256 * _MIB, map_bytes: int = 128 * _MIB
    ) -> None:
        self._open: Opener = opener or ImageOpener()
        self._images: ByteCache[Pixels] = ByteCache(cache_bytes, lambda pixels: pixels.nbytes)
        self.maps: MapCache = ByteCache(map_bytes, _bytes_of_maps)

    @property
    def cached_bytes(self) -> int:
        """Bytes of images and maps that are kept now."""
        return self._images.bytes + self.maps.bytes

    def clear(self) -> None:
        """Forget what is kept."""
        self._images.clear()
        self.maps.clear()

    def image(self, address: ImageAddress, halvings: int = 0) -> Pixels:
        """
        Return an image, halved so many times.

        Returns
        -------
        ndarray, shape (H, W) or (H, W, 3)
            uint8, uint16 or float32; read-only.

        Raises
        ------
        ImageError
            If it cannot be had; the message names its address.
        """
        return self.begin(address, halvings)()

    def begin(self, address: ImageAddress, halvings: int = 0) -> Callable[[], Pixels]:
        """Begin to read an image, in another thread; return what waits for it, and fails as `image` does."""
        pending: Future[Pixels]
        try:
            pending = self._begun(address, halvings)
        except ImageError as error:
            pending = Future()
            pending.set_exception(error)

        def wait() -> Pixels:
            try:
                return pending.result()
            except ImageError as error:
                raise ImageError(f"image '{address.url}': {error}") from error

        return wait

    def _begun(self, address: ImageAddress, halvings: int) -> Future[Pixels]:
        if _is_elsewhere(address.url):
            return fetched(lambda: self._reading(address, halvings).result())
        return self._reading(address, halvings)

    def _reading(self, address: ImageAddress, halvings: int) -> Future[Pixels]:
        stamp, make = self._how(address)
        return self._images.begin((address, stamp, halvings), lambda: _frozen(halved(make(), halvings)), read)

    def _how(self, address: ImageAddress) -> tuple[Hashable, Callable[[], Pixels]]:
        """Return what tells this state of an image from others, and what reads it."""
        if address.url.startswith("mask:"):
            return None, lambda: _mask_of_box(address.url)
        if address.loader == _COMPOSITE:
            raise ImageError(f"loader {_COMPOSITE}, which colours and adds up channels, is not built: store it as RGB")
        volume = address.loader in VOLUME_LOADERS
        url, _, query = address.url.partition("?") if volume else (address.url, "", "")
        source = self._open(url)
        if isinstance(source, bytes):
            if volume:
                raise ImageError(f"loader {address.loader} reads volumes of this machine only")
            return hash(source), lambda: decoded(source, address.number)
        if volume:
            return _stamp(source), lambda: volume_slice(source, query, address.loader)
        return _stamp(source), lambda: decoded(source, address.number)

    def has(self, level: Level) -> bool:
        """Return whether the files of a level are there: the image and, where it names one, the mask."""
        return all(self._is_there(address) for address in (level.image, level.mask) if address is not None)

    def _is_there(self, address: ImageAddress) -> bool:
        try:
            source = self._open(address.url)
            return isinstance(source, bytes) or source.stat().st_size > 0
        except (ImageError, OSError, ValueError):
            return False


def _is_elsewhere(url: str) -> bool:
    return file_path(url) is None and not url.startswith("mask:")


def _stamp(path: Path) -> Hashable:
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        raise ImageError(f"there is no file {str(path)!r}") from error
    return str(path), state.st_mtime_ns, state.st_size


def _frozen(pixels: Pixels) -> Pixels:
    """Return pixels as they are kept: read-only, and without holding the memory of anything else."""
    if pixels.nbytes >= _OWN_MEMORY:
        # Between images that come and go the allocator's memory fills with holes, which it does not give back.
        own = np.frombuffer(mmap.mmap(-1, pixels.nbytes), dtype=pixels.dtype).reshape(pixels.shape)
        np.copyto(own, pixels)
    else:
        own = pixels if pixels.base is None else pixels.copy()
    own.setflags(write=False)
    return own


def _mask_of_box(url: str) -> Pixels:
    """Return a mask that is 255 within a box and 0 outside of it."""
    found = _MASK_OF_BOX.fullmatch(url)
    if found is None:
        raise ImageError("masks are written mask://outside-box?minX=0&minY=0&maxX=9&maxY=9&width=10&height=10")
    min_x, min_y, max_x, max_y, width, height = map(int, found.groups()[:6])
    if width * height > MOST_IMAGE_PIXELS:
        raise ImageError(f"it is {width} × {height} pixels large; at most {MOST_IMAGE_PIXELS} are made")
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[min_y:max_y, min_x:max_x] = 255
    return halved(mask, int(found[7] or 0))
