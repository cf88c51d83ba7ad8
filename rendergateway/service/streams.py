"""JSON lists and objects that are sent while they are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

__all__ = ["listed"]

_AT_ONCE = 500


def listed(items: Iterable[bytes], opening: bytes = b"[", closing: bytes = b"]") -> Iterator[bytes]:
    """Yield pieces of a JSON list, or of what else stands between *opening* and *closing*."""
    source = iter(items)
    lead = opening
    while chunk := list(itertools.islice(source, _AT_ONCE)):
        yield lead + b",".join(chunk)
        lead = b","
    yield (opening if lead == opening else b"") + closing
