"""Image files of an import: their sizes and pixel types, those that cannot be read, and intensity windows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.batch.importers.images import ImageFacts, ListedImage
from rendergateway.errors import ImageError
from rendergateway.rendering.images.locations import file_path
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.rendering import Sources
    from rendergateway.wrappers.core.bound import Client

__all__ = ["RGB", "ReadImages", "read_images", "sampled_rows", "window_of"]

RGB = "RGB"
# Values per sampled image.
_MOST_VALUES = 2**16
_WHOLE_RANGE = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}


@attrs.frozen
class ReadImages:
    """
    Images that were read.

    Attributes
    ----------
    facts : list of ImageFacts or None
        Size and pixel type of each image; None if it cannot be read.
    problems : dict of int to str
        Row of an image that cannot be read → reason.
    samples : dict of str to list of ndarray
        Pixel type → values of the sampled grey images.
    """

    facts: list[ImageFacts | None] = attrs.field(repr=False)
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


def read_images(client: Client, images: Sequence[ListedImage], sample: int, bulk: Bulk) -> ReadImages:
    """
    Read all images, and values of some of them.

    Parameters
    ----------
    client : Client
        Its image paths map URLs to local files.
    images : sequence of ListedImage
        The images; each is decoded once.
    sample : int
        Number of images for the intensity windows.
    bulk : Bulk
        Threads and progress.
    """
    from rendergateway.rendering import Sources

    # No cache: each file is read once, except for the sample of a rare pixel type.
    sources = Sources(image_opener(client), cache_bytes=0)
    chosen = sampled_rows(len(images), sample)
    rows = list(enumerate(images))
    found = mapped(lambda row: _read(row[1], sources, row[0] in chosen), rows, bulk, what="Reading images")
    samples: dict[str, list[npt.NDArray[Any]]] = {}
    rows_of: dict[str, list[int]] = {}
    for row, (one, values) in enumerate(found):
        if isinstance(one, ImageFacts) and one.kind != RGB:
            rows_of.setdefault(one.kind, []).append(row)
            if values is not None:
                samples.setdefault(one.kind, []).append(values)
    for kind in rows_of.keys() - samples.keys():
        some = [images[rows_of[kind][place]] for place in sampled_rows(len(rows_of[kind]), sample)]
        again = mapped(lambda image: _read(image, sources, True)[1], some, bulk, what=f"Sampling {kind}")
        samples[kind] = [values for values in again if values is not None]
    problems = {row: one for row, (one, _) in enumerate(found) if isinstance(one, str)}
    return ReadImages([None if isinstance(one, str) else one for one, _ in found], problems, samples)


def _read(image: ListedImage, sources: Sources, is_sampled: bool) -> tuple[ImageFacts | str, npt.NDArray[Any] | None]:
    try:
        pixels = sources.image(image.address)
    except ImageError as error:
        return _reason(image, error), None
    height, width = pixels.shape[:2]
    if pixels.ndim > 2:
        return ImageFacts(width, height, RGB), None
    # Every n-th value, of an odd n so that it does not fall on the same columns.
    step = max(1, pixels.size // _MOST_VALUES) | 1
    values = pixels.ravel()[::step].copy() if is_sampled else None
    return ImageFacts(width, height, str(pixels.dtype)), values


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
