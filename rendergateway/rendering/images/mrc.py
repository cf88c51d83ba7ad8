"""Sections of MRC stacks, in the order of rows and the pixel types of other images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from rendergateway.errors import ImageError
from rendergateway.extras import needed_for

__all__ = ["MRC_SUFFIXES", "mrc_sections"]

MRC_SUFFIXES = (".mrc", ".mrcs", ".st", ".map", ".rec")
_KINDS = ("int8", "int16", "uint16", "float16", "float32")
# IMOD writes its mark and its flags into the second free part of the header; flag 1 means signed bytes.
_IMOD_MARK, _MARK_AT, _FLAGS_AT = 1146047817, 40, 44


@contextmanager
def mrc_sections(path: str | os.PathLike[str]) -> Iterator[tuple[int, Callable[[int], npt.NDArray[Any]]]]:
    """
    Open an MRC stack.

    Yields
    ------
    count : int
        Number of sections.
    section : callable
        From a number from 0 to the pixels (H, W) of a section, read from the file when called: uint8, int16, uint16 or
        float32, the top row first. Signed bytes are increased by 128.

    Raises
    ------
    MissingExtraError
        If mrcfile is not installed.
    ImageError
        If the file is not an MRC file, is truncated, or has other pixels, such as complex numbers.
    OSError
        If the file cannot be read.

    References
    ----------
    .. [1] A. Cheng et al., "MRC2014: extensions to the MRC format header for electron cryo-microscopy and tomography",
       J. Struct. Biol. 192, 2015.
    .. [2] IMOD, "The MRC image file format used by IMOD": flags of signed bytes.
    """
    with needed_for("reading MRC"):
        import mrcfile
    try:
        file: Any = mrcfile.mmap(path, mode="r")
    except ValueError as error:
        raise ImageError(f"image {os.fspath(path)!r} is not a complete MRC file: {error}") from error
    with file:
        header, stack = file.header, file.data
        if stack.dtype.name not in _KINDS or header.ispg > 1:
            raise ImageError(
                f"image {os.fspath(path)!r} has MRC mode {int(header.mode)} and space group {int(header.ispg)}; only "
                "stacks of grey images are supported"
            )
        stack = stack.reshape(-1, *stack.shape[-2:])
        is_unsigned = _has_unsigned_bytes(header)

        def section(number: int) -> npt.NDArray[Any]:
            # The first row of an MRC section is the lowest one.
            rows = stack[number, ::-1]
            if rows.dtype == np.int8:
                rows = rows.view(np.uint8)
                return np.array(rows if is_unsigned else rows ^ 0x80)
            return np.array(rows, dtype=np.float32 if rows.dtype.kind == "f" else rows.dtype.newbyteorder("="))

        yield len(stack), section


def _has_unsigned_bytes(header: Any) -> bool:
    mark, flags = (
        int(np.frombuffer(header.extra2.tobytes(), header.mode.dtype, 1, place)[0]) for place in (_MARK_AT, _FLAGS_AT)
    )
    return mark == _IMOD_MARK and not flags & 1
