"""Iteration order of Java's hash sets and maps of strings, which shows in results of the service and its clients."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["hash_order"]

_LEAST_ROOM = 16


def hash_order(texts: Iterable[str], room: int = _LEAST_ROOM) -> list[str]:
    """
    Return *texts* in the order of Java's ``HashSet``.

    Parameters
    ----------
    texts : iterable of str
        The elements, in the order of their insertion.
    room : int
        Capacity that the set was made with.

    Examples
    --------
    >>> hash_order(["DAPI", "TdTomato"])
    ['TdTomato', 'DAPI']
    """
    items = list(dict.fromkeys(texts))
    room = 1 << max(0, room - 1).bit_length()
    while len(items) > room * 3 // 4:
        room *= 2
    return sorted(items, key=lambda text: _spread(text) & (room - 1))


def _spread(text: str) -> int:
    units = text.encode("utf-16-be", "surrogatepass")
    code = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return code ^ code >> 16
