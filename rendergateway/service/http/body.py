"""The body of a request: read once, in one piece, within its limit, and unpacked where gzip packed it."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING

from rendergateway.service.base.refusals import IllegalArgument, TooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["body_of"]

_GZIP = 31
_PIECE = 2**20
_PACKED_PIECE = 2**16
_SAID = "the body is said to be compressed by gzip, but"


def body_of(environ: WSGIEnvironment, limit: int) -> bytes:
    """
    Return the body of a request, unpacked.

    Raises
    ------
    IllegalArgument
        If it ends before the length that it was said to have, or is said to be packed by gzip and is not, or not whole.
    TooLarge
        If it has more than *limit* bytes, packed or unpacked. One that says so itself is not read at all.
    """
    declared, source = environ.get("CONTENT_LENGTH"), environ["wsgi.input"]
    if declared:
        if not declared.isdecimal():
            raise IllegalArgument(f"the Content-Length {declared!r} is no number of bytes")
        body = _declared(source, int(declared), limit)
    else:
        # Without a length, there is only a body where the server says that it ends by itself.
        body = source.read(limit + 1) if environ.get("wsgi.input_terminated") else b""
    if len(body) > limit:
        raise TooLarge(limit)
    packed = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() == "gzip"
    return _unpacked(body, limit) if packed else body


def _declared(source: IO[bytes], length: int, limit: int) -> bytes:
    if length > limit:
        raise TooLarge(limit)
    # In one piece: putting pieces together would hold a large body twice.
    body = source.read(length)
    while len(body) < length:
        more = source.read(length - len(body))
        if not more:
            raise IllegalArgument(f"the body ended after {len(body)} of {length} bytes; send it again")
        body += more
    return body


def _unpacked(body: bytes, limit: int) -> bytes:
    """Return *body* unpacked; no more than a piece beyond *limit* is ever unpacked."""
    unpacker, text, position = zlib.decompressobj(wbits=_GZIP), io.BytesIO(), 0
    while position < len(body) and not unpacker.eof:
        try:
            rest = body[position : position + _PACKED_PIECE]
            while rest and not unpacker.eof:
                text.write(unpacker.decompress(rest, _PIECE))
                if text.tell() > limit:
                    raise TooLarge(limit)
                rest = unpacker.unconsumed_tail
        except zlib.error as error:
            raise IllegalArgument(f"{_SAID} is not: {error}") from error
        position += _PACKED_PIECE
    text.write(unpacker.flush())
    if not unpacker.eof:
        raise IllegalArgument(f"{_SAID} is cut off; send it again")
    more = len(unpacker.unused_data) + max(0, len(body) - position)
    if more:
        raise IllegalArgument(f"{_SAID} {more} bytes of something else follow")
    return text.getvalue()
