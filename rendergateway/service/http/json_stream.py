"""Streamed JSON lists and objects."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

__all__ = ["json_stream"]

_AT_ONCE = 500


def json_stream(
    items: Iterable[bytes], opening: bytes = b"[", closing: bytes = b"]", *, at_once: int = _AT_ONCE
) -> Iterator[bytes]:
    """Yield a JSON list, or another text enclosed in *opening* and *closing*, in pieces of *at_once* items."""
    source = iter(items)
    lead = opening
    while chunk := list(itertools.islice(source, at_once)):
        yield lead + b",".join(chunk)
        lead = b","
    yield (opening if lead == opening else b"") + closing
