"""Messages of clients, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Mapping

__all__ = ["say", "say_dropped"]


def say(message: str) -> None:
    """Print a message."""
    print(message, file=sys.stderr, flush=True)


def say_dropped(dropped: Mapping[str, str]) -> None:
    """Print the invalid tiles that were not saved, and why."""
    for tile_id, problem in dropped.items():
        say(f"WARN: tile {tile_id} is invalid and was not saved: {problem}")
