"""Bodies that were packed by gzip."""

from __future__ import annotations

import zlib

from rendergateway.service.refusals import IllegalArgument, TooLarge

__all__ = ["unpacked"]

_GZIP = 31
_SAID = "the body is said to be compressed by gzip, but"


def unpacked(body: bytes, limit: int) -> bytes:
    """
    Return *body* unpacked.

    Raises
    ------
    IllegalArgument
        If it is not packed by gzip, ends too early, or something follows.
    TooLarge
        If it has more than *limit* bytes unpacked; no more than one beyond these is ever unpacked.
    """
    unpacker = zlib.decompressobj(wbits=_GZIP)
    try:
        text = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise IllegalArgument(f"{_SAID} is not: {error}") from error
    if len(text) > limit:
        raise TooLarge(limit)
    if not unpacker.eof:
        raise IllegalArgument(f"{_SAID} is cut off; send it again")
    if unpacker.unused_data:
        raise IllegalArgument(f"{_SAID} {len(unpacker.unused_data)} bytes of something else follow")
    return text
