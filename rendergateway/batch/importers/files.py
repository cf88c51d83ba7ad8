"""Image files of an import: their sizes and pixel types, those that cannot be read, and intensity windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.batch.importers.images import ListedImage
from rendergateway.errors import ImageError
from rendergateway.local_files import file_path
from rendergateway.rendering.images.summary import RGB, ImageSummary, summary_of, summary_of_pixels
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.rendering import Sources
    from rendergateway.wrappers.core.bound import Client

__all__ = ["ReadImages", "read_images", "sampled_rows", "window_of"]

_GREY = 2
# Values per sampled image.
_MOST_VALUES = 2**16
_WHOLE_RANGE = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}


@attrs.frozen
class ReadImages:
    """
    Images that were read.

    Attributes
    ----------
    facts : list of ImageSummary or None
        Size and pixel type of each image; None if it cannot be read.
    problems : dict of int to str
        Row of an image that cannot be read → reason.
    samples : dict of str to list of ndarray
        Pixel type → values of the sampled grey images.
    """

    facts: list[ImageSummary | None] = attrs.field(repr=False)
    problems: dict[int, str]
    samples: dict[str, list[npt.NDArray[Any]]] = attrs.field(repr=False)

    def windows(self, percentiles: tuple[float, float]) -> dict[str, tuple[float, float]]:
        """Return the intensity window per pixel type; RGB images are not changed."""
        return {kind: _window(kind, values, percentiles) for kind, values in self.samples.items()}


def sampled_rows(count: int, most: int) -> frozenset[int]:
    """
    Return at most *most* of the rows 0 … *count* − 1, evenly spaced.

    Examples
    --------
    >>> sorted(sampled_rows(10, 3)), sorted(sampled_rows(2, 8))
    ([0, 4, 9], [0, 1])
    """
    return frozenset(np.linspace(0, count - 1, min(most, count)).astype(int).tolist())


def read_images(client: Client, images: Sequence[ListedImage], *, sample: int, check: str, bulk: Bulk) -> ReadImages:
    """
    Read all images, and values of some of them.

    Parameters
    ----------
    client : Client
        Its image paths map URLs to local files.
    images : sequence of ListedImage
        The images.
    sample : int
        Number of images for the intensity windows.
    check : {'pixels', 'headers'}
        Whether each image is decoded, or, besides those of the sample, its header is read.
    bulk : Bulk
        Threads and progress.
    """
    from rendergateway.rendering import Sources

    opener = image_opener(client)
    # No cache: each file is read once, except for the sample of a rare pixel type.
    reader = _Reader(Sources(opener, cache_bytes=0), opener, check == "pixels")
    chosen = sampled_rows(len(images), sample)
    rows = list(enumerate(images))
    found = mapped(lambda row: reader.read(row[1], row[0] in chosen), rows, bulk, what="Reading images")
    rows_of: dict[str, list[int]] = {}
    for row, (one, _) in enumerate(found):
        if isinstance(one, ImageSummary) and one.kind != RGB:
            rows_of.setdefault(one.kind, []).append(row)
    for kind, of_kind in rows_of.items():
        if not any(found[row][1] is not None for row in of_kind):
            some = [of_kind[place] for place in sampled_rows(len(of_kind), sample)]
            again = mapped(lambda row: reader.read(images[row], True), some, bulk, what=f"Sampling {kind}")
            for row, result in zip(some, again, strict=True):
                found[row] = result
    samples: dict[str, list[npt.NDArray[Any]]] = {}
    for one, values in found:
        if isinstance(one, ImageSummary) and values is not None:
            samples.setdefault(one.kind, []).append(values)
    problems = {row: one for row, (one, _) in enumerate(found) if isinstance(one, str)}
    return ReadImages([None if isinstance(one, str) else one for one, _ in found], problems, samples)


@attrs.frozen
class _Reader:
    """Reads images, or their headers."""

    sources: Sources
    opener: Callable[[str], Any]
    decodes: bool

    def read(self, image: ListedImage, is_sampled: bool) -> tuple[ImageSummary | str, npt.NDArray[Any] | None]:
        """Return the summary of an image, or its problem, and values of a sampled grey one."""
        try:
            known = None if self.decodes or is_sampled else self._summary(image)
            if known is not None:
                return known, None
            pixels = self.sources.image(image.address)
        except ImageError as error:
            return _reason(image, error), None
        # Every n-th value, of an odd n so that it does not fall on the same columns.
        step = max(1, pixels.size // _MOST_VALUES) | 1
        values = pixels.ravel()[::step].copy() if is_sampled and pixels.ndim == _GREY else None
        return summary_of_pixels(pixels), values

    def _summary(self, image: ListedImage) -> ImageSummary | None:
        source = self.opener(image.url)
        return summary_of(source, image.slice_number)


def _reason(image: ListedImage, error: ImageError) -> str:
    """Return the problem of an image with its place in the list and its file, each once."""
    reason = str(error).removeprefix(f"image {image.url!r}: ")
    file = file_path(image.url) or image.url
    words = [image.where, reason] if file in image.where or file in reason else [image.where, file, reason]
    return ": ".join(words)


def _window(kind: str, values: Sequence[npt.NDArray[Any]], percentiles: tuple[float, float]) -> tuple[float, float]:
    together = np.concatenate(values)
    finite = together[np.isfinite(together)] if kind == "float32" else together
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, percentiles))
    if kind in _WHOLE_RANGE:
        low, high = math.floor(low), math.ceil(high)
    if low < high:
        return float(low), float(high)
    # Images of one value.
    return _WHOLE_RANGE.get(kind, (low, low + 1.0))


def window_of(image: ListedImage, kind: str, windows: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the intensity window of an image: that of its list, else that of its pixel type."""
    return image.window or windows.get(kind) or _WHOLE_RANGE["uint8"]
