"""How fast this machine is now, beside the one on which the real service was measured."""

from __future__ import annotations

import json

from benchmarks.service import bare_insert, seconds, tile

__all__ = ["machine_scale"]

# There a bare insert of a tile's row took 7.6 microseconds, its JSON read and written 16.
_THERE_US = 7.6 + 16.0


def machine_scale(folder: str) -> float:
    """Return how many times as long work takes here as it took there."""
    text = json.dumps(tile(5, boxed=True))
    rows = [(str(n), 1.0, 0.0, 0.0, 1.0, 1.0, text.encode()) for n in range(100_000)]
    insert = bare_insert(folder, rows, "calibration") / len(rows)
    turn = seconds(lambda: [json.dumps(json.loads(text)) for _ in range(10_000)], 3) / 10_000
    return (insert + turn) * 1e6 / _THERE_US
