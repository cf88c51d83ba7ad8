"""
Objects that were just listed from or opened by name, kept alive for a while.

Objects live as long as something refers to them, and a page that loops twice over sections and their tiles keeps none
in between: without this, the second loop would repeat the requests of the first.
"""

from __future__ import annotations

from collections import deque

from rendergateway.forks import new_lock
from rendergateway.wrappers.core.listing import Listing

__all__ = ["Recent"]

# Enough for any page, and little beside what a script over a whole stack holds anyway.
_LIMIT_BYTES = 32 * 2**20
# What an item of a listing costs beside its text.
_ITEM_BYTES = 150
# Objects opened by name that are kept: a script works on a few stacks at a time.
_NAMED = 16


class Recent:
    """
    The objects whose children were listed last, as long as the listings together are not large.

    Parameters
    ----------
    limit_bytes : int
        About how much the listings may hold; the last one is kept whatever its size.
    """

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept: deque[tuple[object, int]] = deque()
        self._size = 0
        self._named: deque[object] = deque(maxlen=_NAMED)
        self._lock = new_lock()

    def keep_named(self, holder: object) -> None:
        """Keep *holder* alive until `_NAMED` others have been opened by name."""
        named = self._named
        if not named or named[-1] is not holder:
            named.append(holder)

    def keep(self, holder: object, listing: Listing) -> None:
        """Keep *holder* alive, whose children are *listing*; let go of those that were listed longest ago."""
        size = _size_of(listing)
        with self._lock:
            self._kept.append((holder, size))
            self._size += size
            while self._size > self._limit_bytes and len(self._kept) > 1:
                self._size -= self._kept.popleft()[1]


def _size_of(listing: Listing) -> int:
    """Return about how many bytes a listing holds, from its first text: tiles of one section are much alike."""
    first = len(bytes(listing.texts[0])) if listing.texts else 0
    return len(listing.ids) * (_ITEM_BYTES + first)
