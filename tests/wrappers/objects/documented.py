"""The tables of docs/objects.md, as checked by the tests."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs" / "objects.md"


def table_below(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its header."""
    lines = iter(DOCS.read_text().split(f"## {heading}\n", 1)[1].splitlines())
    rows = []
    for line in lines:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]
