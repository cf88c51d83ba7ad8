"""Plain or gzipped files, detected by content."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from rendergateway.errors import RecordError

__all__ = ["opened", "unpacked"]

_MAGIC = b"\x1f\x8b"


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """
    Open a file for reading, decompressed if it is gzipped.

    Raises
    ------
    RecordError
        On entry or while reading, if the gzip data is truncated or corrupt; the message names the file.
    OSError
        If the file cannot be read.
    """
    with Path(path).open("rb") as plain, _errors_of(os.fspath(path)):
        is_gzip = plain.read(len(_MAGIC)) == _MAGIC
        plain.seek(0)
        yield cast("BinaryIO", gzip.open(plain)) if is_gzip else plain  # noqa: SIM115


def unpacked(content: bytes, name: str) -> bytes:
    """
    Return *content*, decompressed if it is gzipped.

    Raises
    ------
    RecordError
        If the gzip data is truncated or corrupt; the message starts with *name*.
    """
    if not content.startswith(_MAGIC):
        return content
    with _errors_of(name):
        return gzip.decompress(content)


@contextmanager
def _errors_of(name: str) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise RecordError(f"{name} is cut short: its gzip data ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise RecordError(f"{name} has broken gzip data: {error}") from error
