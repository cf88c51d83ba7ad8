"""The directions of the imports, and what a plain import loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rendergateway"

# Lowest first. A module imports from its own part and from parts named before it; parts on one line know nothing of
# each other.
LEVELS = [
    {"version", "errors", "later"},
    {"extras", "number_text", "progress"},
    {"geometry"},
    {"endpoints"},
    {"transforms"},
    {"model"},
    {"rendering"},
    {"configuration"},
    {"transport", "service"},
    {"wrappers"},
    {"gateway"},
    {"rendergateway"},
    {"batch", "demo"},
    {"testing"},
    {"cli"},
]
CLIENT = {"configuration", "transport", "wrappers", "gateway"}
# The one step across, by name and at run time: a gateway asks for the adapter of an embedded service.
ALLOWED = {("transport/life.py", "service")}
# One door for each outside library.
DOORS = {
    "requests": {"transport", "service/launch.py", "service/embedded.py"},
    "urllib3": {"transport", "service/launch.py", "service/embedded.py"},
    "msgspec": {"model"},
    "simdjson": {"model"},
    "sqlite3": {"service/store"},
    "werkzeug": {"service/app.py"},
    "waitress": {"service/launch.py", "service/server.py"},
    "cv2": {"rendering/opencv.py", "transforms/ransac.py"},
    "tifffile": {"rendering"},
    "PIL": {"rendering"},
    "isal": {"rendering"},
    "h5py": {"rendering"},
    "zarr": {"rendering"},
    "numcodecs": {"rendering"},
    "fsspec": {"rendering"},
    "pandas": {"model/frames.py"},
    "rich": {"cli", "demo", "progress.py", "wrappers/display.py"},
    "click": {"cli"},
}
HEAVY = {"cv2", "pandas", "dask", "werkzeug", "waitress", "sqlite3", "simdjson", "requests", "rich", "click"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(name: str) -> str:
    return name.split(".")[1] if "." in name else name


def imports_of(path: Path) -> Iterator[str]:
    """Modules that a file imports, also inside functions, but for those that only types need."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "rendergateway":
                yield from (f"rendergateway.{alias.name}" for alias in node.names if alias.name in SUBMODULES)
                yield from ("rendergateway" for alias in node.names if alias.name not in SUBMODULES)
            else:
                yield node.module


SUBMODULES = {path.stem for path in PACKAGE.iterdir()}


def level(part: str) -> int:
    return next(number for number, parts in enumerate(LEVELS) if part in parts)


def own_part(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return "rendergateway" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__go_down(path: Path) -> None:
    """A module imports only from levels below its own, never across."""
    here = own_part(path)
    for name in imports_of(path):
        if name.split(".")[0] != "rendergateway":
            continue
        there = part_of(name)
        if there == here or (path.relative_to(PACKAGE).as_posix(), there) in ALLOWED:
            continue
        assert level(there) < level(here), f"{here} imports {name}"
        assert not (here == "service" and there in CLIENT), f"service imports {name}"
        assert not (here in CLIENT and there == "service"), f"{here} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__one_door_for_each_library(path: Path) -> None:
    """An outside library is reached through one part of the package."""
    place = path.relative_to(PACKAGE).as_posix()
    for name in imports_of(path):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or any(place.startswith(door) for door in doors), f"{place} imports {name}"


def test_import__stays_light() -> None:
    """A plain import loads nothing heavy, nor the service."""
    code = "import sys, rendergateway; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not HEAVY & {name.split(".")[0] for name in loaded}
    assert not [name for name in loaded if name.startswith(("rendergateway.service", "rendergateway.rendering"))]
