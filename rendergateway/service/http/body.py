"""Request bodies: read in one piece within the size limit, and decompressed if sent with gzip."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING

from rendergateway.service.base.refusals import IllegalArgument, TooLarge

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["body_of", "check_length"]

_GZIP = 31
_PIECE = 2**20
_COMPRESSED_PIECE = 2**16


def check_length(environ: WSGIEnvironment, limit: int) -> int | None:
    """
    Return the ``Content-Length`` of a request; None without one.

    Raises
    ------
    IllegalArgument
        If it is not a number.
    TooLarge
        If it is above *limit*.
    """
    declared = environ.get("CONTENT_LENGTH")
    if not declared:
        return None
    if not (declared.isdecimal() and declared.isascii()):
        raise IllegalArgument(f"invalid Content-Length: got {declared!r}")
    # A number of more digits than the limit need not be converted.
    if len(declared.lstrip("0")) > len(str(limit)) or int(declared) > limit:
        raise TooLarge(limit)
    return int(declared)


def body_of(environ: WSGIEnvironment, limit: int) -> bytes:
    """
    Return the body of a request, decompressed.

    Raises
    ------
    IllegalArgument
        If it is shorter than its Content-Length, or its gzip data are invalid or incomplete.
    TooLarge
        If it has more than *limit* bytes, compressed or decompressed. A larger Content-Length is refused unread.
    """
    length, source = check_length(environ, limit), environ["wsgi.input"]
    if length is not None:
        body = _declared(source, length)
    else:
        # Without a length, a body exists only if the server marks its end.
        body = source.read(limit + 1) if environ.get("wsgi.input_terminated") else b""
    if len(body) > limit:
        raise TooLarge(limit)
    compressed = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() == "gzip"
    return _decompressed(body, limit) if compressed else body


def _declared(source: IO[bytes], length: int) -> bytes:
    # In one piece: joining pieces would need twice the memory of a large body.
    body = source.read(length)
    while len(body) < length:
        more = source.read(length - len(body))
        if not more:
            raise IllegalArgument(f"request body incomplete: got {len(body)} of {length} bytes; send it again")
        body += more
    return body


def _decompressed(body: bytes, limit: int) -> bytes:
    """Return *body* decompressed; stop at most one piece beyond *limit*."""
    decompressor, text, position = zlib.decompressobj(wbits=_GZIP), io.BytesIO(), 0
    while position < len(body) and not decompressor.eof:
        try:
            rest = body[position : position + _COMPRESSED_PIECE]
            while rest and not decompressor.eof:
                text.write(decompressor.decompress(rest, _PIECE))
                if text.tell() > limit:
                    raise TooLarge(limit)
                rest = decompressor.unconsumed_tail
        except zlib.error as error:
            raise IllegalArgument(f"invalid gzip data in the request body: {error}") from error
        position += _COMPRESSED_PIECE
    text.write(decompressor.flush())
    if not decompressor.eof:
        raise IllegalArgument("incomplete gzip data in the request body; send it again")
    more = len(decompressor.unused_data) + max(0, len(body) - position)
    if more:
        raise IllegalArgument(f"invalid gzip data in the request body: {more} extra bytes at its end")
    return text.getvalue()
