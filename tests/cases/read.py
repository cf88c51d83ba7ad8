"""The texts of the case files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FILES", "case", "case_file"]

FILES = Path(__file__).parent / "files"


def case(name: str) -> bytes:
    """Return the text of a case file, with the folder of the files in the place of its marker."""
    return (FILES / name).read_bytes().replace(b"{CASES}", str(FILES).encode())


def case_file(name: str, folder: Path) -> Path:
    """Write a case file into *folder*, with the folder of the files in the place of its marker."""
    path = folder / name
    path.write_bytes(case(name))
    return path
