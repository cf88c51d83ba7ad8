"""Content negotiation: media types of endpoints, and the headers of clients."""

from __future__ import annotations

import functools

from rendergateway.endpoints import Endpoint

__all__ = ["JSON", "TEXT", "MalformedHeaderError", "accepts", "produced_by", "takes"]

JSON = "application/json"
TEXT = "text/plain;charset=utf-8"

_CONSUMED = {"json": JSON, "verbatim": JSON, "text": "text/plain"}
_IMAGES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "png16": "image/png",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "tiff16": "image/tiff",
}
# The real service declares JSON here and sends plain text.
_JSON_IN_NAME = frozenset({"stack.default_channel", "hierarchy.warp_field_debug"})


class MalformedHeaderError(Exception):
    """An invalid media type in a header."""


@functools.cache
def produced_by(endpoint: Endpoint) -> str | None:
    """Return the content type of the answers of an endpoint; None if they are empty."""
    if endpoint.answer == "empty":
        return None
    if endpoint.answer == "bytes":
        last = endpoint.path.rpartition("/")[2].removesuffix("-image").rpartition(".")[2]
        return _IMAGES.get(last, "application/octet-stream")
    if endpoint.answer == "text" and endpoint.name not in _JSON_IN_NAME:
        return TEXT
    return JSON


@functools.lru_cache(maxsize=1024)
def accepts(header: str | None, endpoint: Endpoint) -> bool:
    """
    Whether the ``Accept`` header of a client allows the content type of the endpoint.

    Raises
    ------
    MalformedHeaderError
        If the header is not a list of media types.
    """
    produced = produced_by(endpoint)
    if not header or not header.strip():
        return True
    ranges = [_media_type(part) for part in header.split(",")]
    if produced is None:
        return True
    kind, _, detail = produced.partition(";")[0].partition("/")
    return any(one in ("*", kind) and other in ("*", detail) for one, other in ranges)


def takes(header: str | None, endpoint: Endpoint) -> bool:
    """
    Whether the endpoint takes a body of this ``Content-Type``.

    Raises
    ------
    MalformedHeaderError
        If the header is not a media type.
    """
    wanted = _CONSUMED.get(endpoint.body)
    if wanted is None:
        return True
    if not header or not header.strip():
        return False
    return "/".join(_media_type(header)) == wanted


def _media_type(text: str) -> tuple[str, str]:
    kind, slash, detail = text.partition(";")[0].strip().lower().partition("/")
    if kind == "*" and not slash:
        return "*", "*"
    if not kind or not detail:
        raise MalformedHeaderError(text)
    return kind, detail
