"""
Comparison of answers with those of the real service.

It excludes values that another implementation cannot reproduce: times, generated ids, build information, messages of
Java and of the database, and orders that the contract leaves undefined.
"""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any
from urllib.parse import urlsplit

import attrs
import numpy as np

__all__ = ["ComparedAnswer", "difference"]

# All exceptions to equality.
MASKED_MEMBERS = {"lastModifiedTimestamp"}
UNORDERED_MEMBERS = {"labels"}
UNREPEATABLE_PATHS = re.compile(r"/(likelyUniqueId|versionInfo|serverProperties|swagger\.json|imageProcessorCache.*)$")
UNORDERED_LISTS = re.compile(r"/(owners|projects|matchCollections|matchCollectionOwners|tileBounds|stacks|stackIds)/?$")
FOREIGN_MESSAGES = re.compile(
    r"Bulk write|Command failed|E11000|org\.janelia|com\.(mongodb|fasterxml)|java\.|failed to retrieve \{|"
    r"configuration file|/render-server/|Cannot (invoke|deserialize)|Unrecognized|Unexpected|No content to map|"
    r"dimension \(width|Java heap|^-?\d+$|out of bounds|aggregat(e|ion) (query|pipeline)|\$(match|group|project)"
)
NUMBER_TOLERANCE = 1e-9
PIXEL_TOLERANCE = {"image/jpeg": 4}
PIXEL_TOLERANCE_OF_DEPTH = {np.dtype(np.uint8): 1}
PIXEL_TOLERANCE_ELSE = 257


@attrs.frozen
class ComparedAnswer:
    """Status, headers in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The content type in lower case, without spaces."""
        return self.headers.get("content-type", "").replace(" ", "").lower()


def difference(got: ComparedAnswer, wanted: ComparedAnswer, uri: str) -> str | None:
    """Return how *got* differs from the recorded answer; None if they are equal."""
    if got.status != wanted.status:
        return f"status {got.status} for {wanted.status}: {got.body[:160]!r} for {wanted.body[:160]!r}"
    path = urlsplit(uri).path
    found = _headers(got.headers, wanted.headers) or _kind(got, wanted)
    if found or UNREPEATABLE_PATHS.search(path):
        return found
    if wanted.kind.startswith("image/") or wanted.kind == "application/octet-stream":
        return _image(got.body, wanted.body, wanted.kind)
    if wanted.kind.startswith("application/json"):
        return _json(got.body, wanted.body, path)
    return None if wanted.kind.startswith("text/html") else _text(got.body, wanted.body)


def _words(text: bytes | str) -> list[bytes]:
    text = text.encode() if isinstance(text, str) else text
    return sorted(re.split(rb"[\s,\[\]]+", text.strip()))


def _headers(got: dict[str, str], wanted: dict[str, str]) -> str | None:
    if "location" in wanted and urlsplit(got.get("location", "")).path != urlsplit(wanted["location"]).path:
        return f"Location {got.get('location')!r} for {wanted['location']!r}"
    for name in ("allow", "cache-control"):
        if name in wanted and _words(got.get(name, "")) != _words(wanted[name]):
            return f"{name} {got.get(name)!r} for {wanted[name]!r}"
    return "no ETag" if "etag" in wanted and "etag" not in got else None


def _kind(got: ComparedAnswer, wanted: ComparedAnswer) -> str | None:
    if not wanted.body or got.kind == wanted.kind:
        return None
    if wanted.kind.startswith("text/html") and got.kind.startswith("text/"):
        return None
    return f"content type {got.kind!r} for {wanted.kind!r}"


def _text(got: bytes, wanted: bytes) -> str | None:
    if FOREIGN_MESSAGES.search(wanted.decode("utf-8", "replace")):
        return None if got.strip() else "an error without a message"
    if _words(got) == _words(wanted):
        return None
    return f"text {got[:200]!r} for {wanted[:200]!r}"


def _json(got: bytes, wanted: bytes, path: str) -> str | None:
    try:
        wanted_value = json.loads(wanted) if wanted else None
    except ValueError:  # The real service sometimes declares JSON and sends plain text.
        return None if got == wanted else f"text {got[:150]!r} for {wanted[:150]!r}"
    try:
        got_value = json.loads(got) if got else None
    except ValueError:
        return f"not JSON: {got[:150]!r}"
    if UNORDERED_LISTS.search(path) and isinstance(got_value, list) and isinstance(wanted_value, list):
        got_value, wanted_value = (sorted(value, key=_sortable) for value in (got_value, wanted_value))
    return _value(got_value, wanted_value, "$")


def _sortable(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _value(got: Any, wanted: Any, place: str) -> str | None:
    if isinstance(wanted, bool) or isinstance(got, bool) or wanted is None or got is None:
        return None if got is wanted else f"{place}: {got!r} for {wanted!r}"
    if isinstance(wanted, (int, float)) and isinstance(got, (int, float)):
        near = math.isclose(got, wanted, rel_tol=NUMBER_TOLERANCE, abs_tol=NUMBER_TOLERANCE)
        return None if near or got == wanted else f"{place}: {got!r} for {wanted!r}"
    if type(got) is not type(wanted):
        return f"{place}: {type(got).__name__} for {type(wanted).__name__}"
    if isinstance(wanted, dict):
        return _object(got, wanted, place)
    if isinstance(wanted, list):
        return _list(got, wanted, place)
    return None if got == wanted else f"{place}: {got!r:.150} for {wanted!r:.150}"


def _object(got: dict[str, Any], wanted: dict[str, Any], place: str) -> str | None:
    got_names, wanted_names = set(got) - MASKED_MEMBERS, set(wanted) - MASKED_MEMBERS
    if got_names != wanted_names:
        return f"{place}: missing {sorted(wanted_names - got_names)[:4]} extra {sorted(got_names - wanted_names)[:4]}"
    for name in sorted(wanted_names):
        one, other = got[name], wanted[name]
        if name in UNORDERED_MEMBERS:
            one, other = sorted(map(str, one)), sorted(map(str, other))
        if found := _value(one, other, f"{place}.{name}"):
            return found
    return None


def _list(got: list[Any], wanted: list[Any], place: str) -> str | None:
    if len(got) != len(wanted):
        return f"{place}: {len(got)} items for {len(wanted)}"
    differences = (_value(one, other, f"{place}[{n}]") for n, (one, other) in enumerate(zip(got, wanted, strict=True)))
    return next(filter(None, differences), None)


def _image(got: bytes, wanted: bytes, kind: str) -> str | None:
    if kind == "application/octet-stream":
        return None if got == wanted else f"raw bytes differ ({len(got)} for {len(wanted)})"
    one, other = _pixels(got), _pixels(wanted)
    if other is None:  # Other programs cannot read a few TIFFs of the real service.
        return None
    if one is None:
        return f"not an image: {got[:60]!r}"
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"image {one.shape} {one.dtype} for {other.shape} {other.dtype}"
    limit = PIXEL_TOLERANCE.get(kind) or PIXEL_TOLERANCE_OF_DEPTH.get(one.dtype, PIXEL_TOLERANCE_ELSE)
    far = np.abs(one.astype(np.int64) - other.astype(np.int64)) > limit
    return f"image: {far.mean():.2%} of values differ by more than {limit}" if far.any() else None


def _pixels(data: bytes) -> Any:
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(data)))
    except OSError:
        return None
