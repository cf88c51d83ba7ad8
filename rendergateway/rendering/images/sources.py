"""Image sources: opening, decoding and downsampling of images, with a cache."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.large_arrays import LARGE, large_array
from rendergateway.local_files import LocalFile, file_path
from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.base.recipe import ImageAddress, Level
from rendergateway.rendering.base.threads import fetched, read
from rendergateway.rendering.images.levels import halved
from rendergateway.rendering.images.loaders import FILE_LOADERS, LOADERS, loader_of
from rendergateway.rendering.images.locations import Files, ImageOpener, Opener, files_of, state_of
from rendergateway.rendering.images.volumes import VOLUME_LOADERS
from rendergateway.rendering.pixels.patches import ShapeCache

__all__ = ["BegunImage", "Sources"]

Pixels = npt.NDArray[Any]
_Keyed: TypeAlias = tuple[Hashable, Pixels]

_MIB = 2**20


@attrs.frozen(eq=False)
class BegunImage:
    """An image that is being read, with the errors of `Sources.image`."""

    url: str
    _pending: Future[_Keyed]
    _cache: ByteCache[_Keyed]

    def __call__(self) -> Pixels:
        """Wait for the image."""
        return self._keyed()[1]

    def derived(self, name: Hashable, make: Callable[[Pixels], Pixels]) -> Pixels:
        """Wait for the image, and return what *make* makes of it; cached by *name* and the version of the image."""
        key, pixels = self._keyed()
        return self._cache.get((key, name), lambda: ((key, name), _frozen(make(pixels))))[1]

    def _keyed(self) -> _Keyed:
        try:
            return self._pending.result()
        except ImageError as error:
            raise ImageError(f"image '{self.url}': {error}") from error


class Sources:
    """
    Opens, decodes and downsamples images, and caches the most recently used ones.

    Thread-safe. A file that changed is read again.

    Parameters
    ----------
    opener : callable, optional
        From a URL to a file or its bytes; by default local files only (`ImageOpener`).
    cache_bytes : int
        Size limit of the cache of decoded images.
    shape_bytes : int
        Size limit of the cache of the shapes of images on the canvas.

    Attributes
    ----------
    shapes : ByteCache
        The cache of shapes.
    """

    def __init__(
        self, opener: Opener | Files | None = None, *, cache_bytes: int = 256 * _MIB, shape_bytes: int = 128 * _MIB
    ) -> None:
        self._open: Files = files_of(opener or ImageOpener())
        # With their keys, for the keys of images made of them.
        self._images: ByteCache[_Keyed] = ByteCache(cache_bytes, lambda image: image[1].nbytes)
        self.shapes: ShapeCache = ByteCache(shape_bytes, lambda shape: shape.nbytes)

    @property
    def cached_bytes(self) -> int:
        """Total size of cached images and shapes in bytes."""
        return self._images.bytes + self.shapes.bytes

    def clear(self) -> None:
        """Clear the caches."""
        self._images.clear()
        self.shapes.clear()

    def image(self, address: ImageAddress, halvings: int = 0) -> Pixels:
        """
        Return an image, downsampled *halvings* times.

        Returns
        -------
        ndarray, shape (H, W) or (H, W, 3)
            uint8, uint16 or float32; read-only.

        Raises
        ------
        ImageError
            If it cannot be read; the message includes its URL.
        """
        return self.begin(address, halvings)()

    def begin(self, address: ImageAddress, halvings: int = 0) -> BegunImage:
        """Start reading an image in another thread."""
        pending: Future[_Keyed]
        try:
            pending = self._begun(address, halvings)
        except ImageError as error:
            pending = Future()
            pending.set_exception(error)
        return BegunImage(address.url, pending, self._images)

    def _begun(self, address: ImageAddress, halvings: int) -> Future[_Keyed]:
        if _is_remote(address.url):
            return fetched(lambda: self._reading(address, halvings).result())
        return self._reading(address, halvings)

    def _reading(self, address: ImageAddress, halvings: int) -> Future[_Keyed]:
        stamp, make = self._how(address)
        key = address, stamp, halvings
        return self._images.begin(key, lambda: (key, _frozen(halved(make(), halvings))), read)

    def _how(self, address: ImageAddress) -> tuple[Hashable, Callable[[], Pixels]]:
        """Return a cache key for the current version of an image, and a function that reads it."""
        load = loader_of(address)
        opened = functools.cache(self._open)
        return (LOADERS.get(address.loader), _version(address, opened)), lambda: load(address, opened)

    def has(self, level: Level) -> bool:
        """Whether the image file of a level and, if it has one, its mask file exist."""
        return all(self._exists(address) for address in (level.image, level.mask) if address is not None)

    def _exists(self, address: ImageAddress) -> bool:
        try:
            source = self._open(address.url)
            return isinstance(source, bytes) or source.state().st_size > 0
        except (ImageError, OSError):
            return False


def _is_remote(url: str) -> bool:
    return file_path(url) is None and not url.startswith("mask:")


def _version(address: ImageAddress, opened: Files) -> Hashable:
    """Return what changes with the file of an image; None for masks, and for what only a lab's loader opens."""
    url = address.url if address.loader in FILE_LOADERS else address.url.partition("?")[0]
    is_file = address.loader in FILE_LOADERS | VOLUME_LOADERS or file_path(url) is not None
    if not is_file or url.startswith("mask:"):
        return None
    source = opened(url)
    return hash(source) if isinstance(source, bytes) else _stamp(source)


def _stamp(file: LocalFile) -> Hashable:
    state = state_of(file)
    return file.path, state.st_mtime_ns, state.st_size


def _frozen(pixels: Pixels) -> Pixels:
    """Return pixels for the cache: read-only, and not a view of a larger array."""
    if pixels.nbytes >= LARGE:
        own = large_array(pixels.shape, pixels.dtype)
        np.copyto(own, pixels)
    else:
        own = pixels if pixels.base is None else pixels.copy()
    own.setflags(write=False)
    return own
