"""Data that pages have prepared for the requests that their scripts make next."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from rendergateway.forks import new_lock

__all__ = ["KeptData"]


class KeptData:
    """
    The data that were last used, by any key, below a total size.

    Parameters
    ----------
    limit_bytes : int
        Approximate total of their ``size``; the last one is kept whatever its size.
    """

    def __init__(self, limit_bytes: int = 64 << 20) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = new_lock()

    def get(self, key: Any) -> Any:
        """Return data; None if they are not kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Any, data: Any) -> None:
        """Keep data, and drop the oldest above the limit."""
        with self._lock:
            self._kept[key] = data
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.size for one in self._kept.values()) > self._limit_bytes:
                self._kept.popitem(last=False)
