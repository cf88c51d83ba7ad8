"""JSON lists and objects that are sent while they are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

__all__ = ["listed"]

_AT_ONCE = 500


def listed(
    items: Iterable[bytes], opening: bytes = b"[", closing: bytes = b"]", *, at_once: int = _AT_ONCE
) -> Iterator[bytes]:
    """Yield pieces of a JSON list, or of what else stands between *opening* and *closing*, *at_once* items a piece."""
    source = iter(items)
    lead = opening
    while chunk := list(itertools.islice(source, at_once)):
        yield lead + b",".join(chunk)
        lead = b","
    yield (opening if lead == opening else b"") + closing
