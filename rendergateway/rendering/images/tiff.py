"""
TIFF: one image of a file, as stored.

tifffile reads the tags. Compressed data are unpacked by libtiff, through Pillow: it reads a file of our own with the
data of one image and the tags needed, so that neither other tags nor the data decide how much memory is used.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.extras import needed_for
from rendergateway.rendering.images.headers import MOST_IMAGE_BYTES, check_size

__all__ = ["SIGNATURES", "tiff_image", "tiff_layout"]

Pixels = npt.NDArray[Any]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Tags are read within these bytes; each read counts as at least some.
_MOST_TAG_BYTES, _READ_COST = 2**26, 64
_NONE, _WHITE_IS_ZERO, _BLACK_IS_ZERO, _YCBCR, _SEPARATE = 1, 0, 1, 6, 2
# Their data are bytes, whichever pixels these mean: LZW, deflate, PackBits, LZMA, Zstandard.
_BYTEWISE = {5, 8, 32946, 32773, 34925, 50000}
# Fax and JPEG know about pixels; these are the tags that they need.
_PIXELWISE = {2, 3, 4, 7}
_PIXELWISE_TAGS = (266, 292, 293, 347, 530)
_HORIZONTAL, _FLOATING = 2, 3
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_IMAGES = re.compile(r"^images=(\d+(?:\.\d*)?)\n", re.MULTILINE)


def tiff_image(file: BinaryIO, number: int | None) -> Pixels:
    """
    Return one image of a TIFF file.

    Parameters
    ----------
    file : file object
        Opened for reading, at any position.
    number : int, optional
        Which image, counted from 1: of the directories of the file or, in an uncompressed stack of ImageJ, of the
        images that follow each other from the first one. None: the first.

    Returns
    -------
    ndarray, shape (H, W), (H, W, S) or (S, H, W)
        The stored values.

    Raises
    ------
    ImageError
        If the file is malformed or truncated, has no such image, or the image is too large or of an unsupported kind.
    """
    page, index = _found(file, number)
    try:
        return page.read(file, index)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(f"TIFF cannot be read: {error}") from error


def tiff_layout(file: BinaryIO, number: int | None) -> tuple[int, int, int, np.dtype[Any], int]:
    """
    Return width, height, samples per pixel, type of the samples, and the end of the data of one image of a TIFF file.

    Parameters and errors are those of `tiff_image`; the data are not read.
    """
    page, index = _found(file, number)
    ends = [offset + count for offset, count in zip(page.offsets, page.counts, strict=False)]
    size = page.width * page.height * page.samples * page.dtype.itemsize
    return page.width, page.height, page.samples, page.dtype, max(ends, default=0) + index * size


def _found(file: BinaryIO, number: int | None) -> tuple[_Page, int]:
    """Return the tags of an image, and how many images without tags of their own precede it."""
    with needed_for("reading TIFF"):
        import tifffile

    index = 0 if number is None else number - 1
    file.seek(0)
    try:
        with tifffile.TiffFile(cast("BinaryIO", _TagReader(file))) as found:
            first = _page(found, 0)
            count = 1 if number is None else _stacked(first)
            if count == 1:
                return _Page.of(_page(found, index), found.byteorder), 0
            if not 0 <= index < count:
                raise ImageError(f"TIFF has no image {number}: {number} out of 1-{count} range")
            return _Page.of(first, found.byteorder), index
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # tifffile raises many types of errors
        raise ImageError(f"TIFF cannot be read: {error}") from error


def _page(file: Any, index: int) -> Any:
    try:
        if index >= 0:
            return file.pages[index]
    except IndexError:
        pass
    raise ImageError(f"TIFF has no image {index + 1}: it has {len(file.pages)} images")


def _stacked(page: Any) -> int:
    """Return the number of images that follow the first one without directories of their own, as ImageJ writes them."""
    description = str(page.tags.valueof(270, ""))
    found = _IMAGES.search(description)
    if not description.startswith("ImageJ") or found is None or page.compression != _NONE or 274 in page.tags:
        return 1
    return int(float(found[1]))


class _TagReader:
    """A file for tifffile, which reads as much as the tags demand."""

    name = "image"

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = _MOST_TAG_BYTES

    def read(self, size: int = -1) -> bytes:
        self._left -= max(_READ_COST, size)
        if size < 0 or self._left < 0:
            raise ImageError(f"TIFF tags too large: the limit is {_MOST_TAG_BYTES} bytes")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@attrs.frozen
class _Page:
    """One image: its tags, and the places of its data; *planes* of *rows* rows of *row_bytes* bytes, in *segments*."""

    width: int
    height: int
    samples: int
    planes: int
    bits: int
    dtype: np.dtype[Any]
    compression: int
    predictor: int
    fill_order: int
    photometric: int
    # Width and height of tiles, or the width of the image and the rows of a strip.
    segment: tuple[int, int]
    tiled: bool
    offsets: Sequence[int]
    counts: Sequence[int]
    extra: dict[int, Any]

    @classmethod
    def of(cls, page: Any, byte_order: str) -> _Page:
        """Return the checked tags of a page of tifffile."""
        samples, bits = int(page.samplesperpixel), page.bitspersample
        if page.dtype is None or not isinstance(bits, int) or bits not in (1, 2, 4, 8 * page.dtype.itemsize):
            raise ImageError(f"TIFF pixels not supported: got {bits} bits of sample format {page.sampleformat}")
        if page.imagedepth != 1:
            raise ImageError(f"TIFF volumes are not supported: got a depth of {page.imagedepth}; store a stack")
        width, height = int(page.imagewidth), int(page.imagelength)
        check_size(width, height, samples * max(1, bits // 8))
        tiled = bool(page.is_tiled)
        segment = (int(page.tilewidth), int(page.tilelength)) if tiled else (width, min(int(page.rowsperstrip), height))
        return cls(
            width,
            height,
            samples,
            samples if page.planarconfig == _SEPARATE and samples > 1 else 1,
            bits,
            np.dtype(np.uint8) if bits < 8 else np.dtype(page.dtype).newbyteorder(">" if byte_order == ">" else "<"),
            int(page.compression),
            int(page.predictor),
            int(page.fillorder),
            int(page.photometric),
            segment,
            tiled,
            page.dataoffsets,
            page.databytecounts,
            {tag: page.tags[tag].value for tag in _PIXELWISE_TAGS if tag in page.tags},
        )

    def read(self, file: BinaryIO, index: int = 0) -> Pixels:
        """Return the pixels; of a stack without directories, those of the image *index* after this one."""
        across, down = -(-self.width // self.segment[0]), -(-self.height // self.segment[1])
        wanted = across * down * self.planes
        if not wanted or len(self.offsets) < wanted or len(self.counts) < wanted:
            raise ImageError(f"TIFF is truncated: it has {len(self.offsets)} of {wanted} strips or tiles")
        if self.compression in _PIXELWISE:
            return self._pixelwise(file, wanted)
        if self.compression != _NONE and self.compression not in _BYTEWISE:
            raise ImageError(f"TIFF compression not supported: got {self.compression}; use LZW, deflate or none")
        if self.photometric == _YCBCR:
            raise ImageError("TIFF of YCbCr pixels is supported with JPEG compression only; store RGB")
        # Strips end at the last row, tiles are whole.
        wide, high = (across * self.segment[0], down * self.segment[1]) if self.tiled else (self.width, self.height)
        row_bytes = -(-wide * (1 if self.planes > 1 else self.samples) * self.bits // 8)
        if row_bytes * high * self.planes > MOST_IMAGE_BYTES:
            raise ImageError(f"TIFF tiles too large: got {self.segment[0]} × {self.segment[1]} pixels")
        planes = []
        for plane in range(self.planes):
            some = slice(plane * across * down, (plane + 1) * across * down)
            if self.compression == _NONE and self.fill_order == 1 and not self.tiled:
                rows = self._stored(file, some, row_bytes, index)
            else:
                rows = self._unpacked(file, some, row_bytes, high, across)
            planes.append(self._values(rows, wide)[: self.height, : self.width])
        return planes[0] if self.planes == 1 else np.stack(planes)

    def _stored(self, file: BinaryIO, some: slice, row_bytes: int, index: int) -> npt.NDArray[np.uint8]:
        """Return the bytes of rows that are stored without compression."""
        rows = np.empty(self.height * row_bytes, dtype=np.uint8)
        whole = self.segment[1] * row_bytes
        for strip, offset in enumerate(self.offsets[some]):
            part = rows[strip * whole : (strip + 1) * whole]
            file.seek(offset + index * len(rows))
            if file.readinto(part) != len(part):  # type: ignore[attr-defined]
                raise ImageError("TIFF is truncated: pixels are missing")
        return rows.reshape(self.height, row_bytes)

    def _unpacked(self, file: BinaryIO, some: slice, row_bytes: int, high: int, across: int) -> npt.NDArray[np.uint8]:
        """Return the bytes of rows as libtiff unpacks them: as those of a grey image, whatever they mean."""
        width = row_bytes // across if self.tiled else row_bytes
        tags = {258: 8, 262: _BLACK_IS_ZERO, 266: self.fill_order, 277: 1}
        return self._through_pillow(file, some, (row_bytes, high), (width, self.segment[1]), tags, "L")

    def _pixelwise(self, file: BinaryIO, wanted: int) -> Pixels:
        """Return the pixels that libtiff decodes from JPEG or fax."""
        if self.bits not in (1, 8) or self.samples not in (1, 3) or self.planes > 1:
            raise ImageError(f"TIFF compression {self.compression} is supported for 8-bit grey or RGB images only")
        photometric = _BLACK_IS_ZERO if self.photometric == _WHITE_IS_ZERO else self.photometric
        tags = {258: self.bits, 262: photometric, 277: self.samples, **self.extra}
        mode = "RGB" if self.samples == 3 else "1" if self.bits == 1 else "L"
        size, segment = (self.width, self.height), self.segment
        pixels = self._through_pillow(file, slice(wanted), size, segment, tags, mode)
        return pixels * np.uint8(255) if self.bits == 1 else pixels

    def _through_pillow(
        self,
        file: BinaryIO,
        some: slice,
        size: tuple[int, int],
        segment: tuple[int, int],
        tags: dict[int, Any],
        mode: str,
    ) -> npt.NDArray[np.uint8]:
        with needed_for("reading compressed TIFF"):
            from PIL import Image

        data = []
        left = 2 * size[0] * size[1] * max(1, self.samples) + 2**16
        for offset, count in zip(self.offsets[some], self.counts[some], strict=True):
            left -= count
            if left < 0:
                raise ImageError("TIFF is malformed: its compressed data are larger than its pixels")
            file.seek(offset)
            data.append(file.read(count))
            if len(data[-1]) != count:
                raise ImageError("TIFF is truncated: pixels are missing")
        places = {322: segment[0], 323: segment[1]} if self.tiled else {278: segment[1]}
        tags = {256: size[0], 257: size[1], 259: self.compression, **tags, **places}
        # The modes of Pillow include "I;16" and others that the tags could select.
        with Image.open(io.BytesIO(_file_of(tags, data, tiled=self.tiled)), formats=("TIFF",)) as image:
            if image.size != size or image.mode != mode:
                raise ImageError(f"TIFF cannot be decoded: its tags describe an image of mode {image.mode}")
            return np.array(image, dtype=np.uint8)

    def _values(self, rows: npt.NDArray[np.uint8], wide: int) -> Pixels:
        """Return the numbers (H, W) or (H, W, S) that rows of bytes mean."""
        samples = 1 if self.planes > 1 else self.samples
        if self.bits < 8:
            return _few_bits(rows, self.bits)[:, : wide * samples].reshape((len(rows), wide, samples)).squeeze(2)
        if self.predictor == _FLOATING:
            rows = _undone_floating(rows, self.dtype.itemsize, samples, self.segment[0])
            values: Pixels = rows.view(self.dtype.newbyteorder(">"))
        else:
            values = rows.view(self.dtype)
        values = values.reshape(len(rows), wide, samples).astype(self.dtype.newbyteorder("="), copy=False)
        if self.predictor == _HORIZONTAL:
            for left in range(0, wide, self.segment[0]):
                part = values[:, left : left + self.segment[0]]
                np.cumsum(part, axis=1, dtype=values.dtype, out=part)
        return values[..., 0] if samples == 1 else values


def _few_bits(rows: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Return the samples of 1, 2 or 4 bits, one per byte; those of 1 bit are 0 and 255."""
    if bits == 1:
        return np.unpackbits(rows, axis=1) * np.uint8(255)
    parts = [rows >> shift & (2**bits - 1) for shift in range(8 - bits, -1, -bits)]
    return np.stack(parts, axis=-1).reshape(len(rows), -1)


def _undone_floating(rows: npt.NDArray[np.uint8], size: int, samples: int, part: int) -> npt.NDArray[np.uint8]:
    """Undo the floating-point predictor: differences of bytes, which are sorted by significance in each row."""
    whole = part * samples * size
    undone = np.empty_like(rows)
    for left in range(0, rows.shape[1], whole):
        some = rows[:, left : left + whole].reshape(len(rows), -1, samples)
        some = np.cumsum(some, axis=1, dtype=np.uint8).reshape(len(rows), size, -1)
        undone[:, left : left + whole] = np.moveaxis(some, 1, 2).reshape(len(rows), -1)
    return undone


def _file_of(tags: dict[int, Any], data: Sequence[bytes], *, tiled: bool) -> bytes:
    """Return a TIFF file of one image."""
    places, sizes = (324, 325) if tiled else (273, 279)
    count = len(data)
    entries = {
        places: (_LONG, b""),
        sizes: (_LONG, struct.pack(f"<{count}I", *map(len, data))),
    }
    for tag, value in tags.items():
        if isinstance(value, bytes):
            entries[tag] = _UNDEFINED, value
        elif isinstance(value, (tuple, list)):
            entries[tag] = _SHORT, struct.pack(f"<{len(value)}H", *value)
        else:
            entries[tag] = _LONG, struct.pack("<I", value)
    if 258 in tags and tags.get(277, 1) > 1:
        entries[258] = _SHORT, struct.pack("<H", tags[258]) * tags[277]
    long_end = 8 + 2 + 12 * len(entries) + 4
    entries[places] = _LONG, bytes(4 * count)
    start = long_end + sum(len(value) for _, value in entries.values() if len(value) > 4)
    offsets = np.cumsum([start, *map(len, data)])[:-1]
    entries[places] = _LONG, offsets.astype("<u4").tobytes()
    directory, values = [], []
    at = long_end
    for tag, (kind, value) in sorted(entries.items()):
        size = {_SHORT: 2, _LONG: 4, _UNDEFINED: 1}[kind]
        if len(value) > 4:
            directory.append(struct.pack("<HHII", tag, kind, len(value) // size, at))
            values.append(value)
            at += len(value)
        else:
            directory.append(struct.pack("<HHI", tag, kind, len(value) // size) + value.ljust(4, b"\0"))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return b"".join([head, *directory, bytes(4), *values, *data])
