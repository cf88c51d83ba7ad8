"""The extra of each module of the package: the only table, and queries on it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MODULES", "OPTIONAL", "PACKAGE", "ROOT", "extra_of", "name_of", "place_of", "with_its_parts"]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rendergateway"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Folder or file -> the extra without which it is of no use; everything else works with the core alone.
BELONGS = {
    "catalogue": "catalogue",
    "cli": "cli",
    "service": "service",
}
# An extra that includes another.
INCLUDES = {
    "catalogue": {"cli"},
    "service": {"cli"},
    "viewer": {"cli"},
    "all": {"alignment", "catalogue", "cli", "dask", "plots", "remote", "service", "tables", "viewer", "volumes"},
}
# Libraries that may be missing without an error: zlib is used instead, no bar is shown, rich itself is the caller.
OPTIONAL = {
    ("rendering/output/png.py", "isal"),
    ("progress.py", "rich"),
    ("wrappers/core/display.py", "rich"),
}


def place_of(path: Path) -> str:
    """Return a module's path within the package."""
    return path.relative_to(PACKAGE).as_posix()


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def extra_of(place: str) -> str:
    """Return the extra that a module belongs to; empty for the core."""
    return next((extra for part, extra in BELONGS.items() if place == part or place.startswith(f"{part}/")), "")


def with_its_parts(extra: str) -> set[str]:
    """Return an extra, those it includes, and the core."""
    return {"", extra, *INCLUDES.get(extra, ())}
