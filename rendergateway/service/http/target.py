"""Request targets: their raw and decoded paths, and what the web server of the real service refuses by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from rendergateway.service.http.reply import Reply

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["NO_CACHE", "PAGE", "decoded_path", "error_page", "raw_target", "refused_target"]

NO_CACHE = {"Cache-Control": "must-revalidate,no-cache,no-store"}
PAGE = "text/html;charset=iso-8859-1"

# Limit of the request line, and of all headers together, in bytes.
_LONGEST = 8192
_QUOTED_DOTS = re.compile(r"(?i)(?:^|/)\.*%2e(?:\.|%2e)*(?=/|$)")


def error_page(status: int, reason: str) -> Reply:
    """Return an error page of the web server."""
    return Reply(
        f"<h1>Bad Message {status}</h1><pre>reason: {reason}</pre>", status, content_type=PAGE, headers=NO_CACHE
    )


def raw_target(environ: WSGIEnvironment) -> tuple[str, str]:
    """Return path and query of a request as they were sent, without host and fragment."""
    target: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if not target:
        return environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("#")[0].partition("?")
    return path, query


def refused_target(environ: WSGIEnvironment, path: str, query: str) -> Reply | None:
    """Return the refusal of a request that the web server does not pass on; None if it does."""
    if len(environ["REQUEST_METHOD"]) + len(path) + len(query) > _LONGEST:
        return error_page(414, "URI Too Long")
    if sum(len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")) > _LONGEST:
        return error_page(431, "Request Header Fields Too Large")
    if "//" in path:
        return error_page(400, "Ambiguous URI empty segment")
    if _QUOTED_DOTS.search(path):
        return error_page(400, "Ambiguous URI path segment")
    return error_page(400, "Bad Request") if "%00" in path else None


def decoded_path(raw_path: str) -> str:
    """Return the path without parameters and dot segments, with quoted characters decoded."""
    segments = [segment.partition(";")[0] for segment in raw_path.split("/")]
    if "." in segments or ".." in segments:
        segments = _without_dots(segments)
    path = "/".join(segments)
    if "%" not in path and path.isascii():
        return path
    text = unquote_to_bytes(path.encode("latin-1", "replace"))
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _without_dots(segments: list[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            # The first segment is the empty one before the first slash.
            del kept[max(1, len(kept) - 1) :]
        elif segment != ".":
            kept.append(segment)
    return kept
