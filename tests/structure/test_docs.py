"""The pages that are made from tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_docs__made_from_the_tables() -> None:
    """The page of endpoints and aliases says what the tables say."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
