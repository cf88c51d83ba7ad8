"""Import directions, and modules loaded by a plain import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "rendergateway"

# Lowest first. A module imports from its own folder and from folders named before it, for types too; folders on one
# line do not import each other. The name of the package means its __init__ and the modules beside its folders.
LEVELS = [
    {"visible_text"},
    {"version", "errors", "lazy", "mutators", "type_hints"},
    {
        "display",
        "extras",
        "forks",
        "hash_order",
        "java_random",
        "large_arrays",
        "local_files",
        "number_text",
        "progress",
    },
    {"extensions"},
    {"geometry"},
    {"endpoints"},
    {"transforms.base"},
    {"transforms.classes"},
    {"transforms.fitting", "transforms.meshes"},
    {"transforms"},
    {"model.records"},
    {"model.tables", "wire"},
    {"model.tile_text"},
    {"model.files"},
    {"model"},
    {"rendering.base"},
    {"rendering.pixels"},
    {"rendering.filters", "rendering.images", "rendering.placement"},
    {"rendering.draw"},
    {"rendering.output"},
    {"rendering"},
    {"alignment"},
    {"configuration"},
    {"transport.credentials", "service.base"},
    {"transport", "service.store"},
    {"wrappers.core", "service.domain"},
    {"wrappers.reading", "service.http"},
    {"wrappers.coordinates", "wrappers.images", "wrappers.editing", "wrappers.matching", "service.handlers", "links"},
    {"wrappers.objects", "service.swagger", "service.start_page"},
    {"service.app"},
    {"service.server"},
    {"service.serve", "service.embedded"},
    {"service"},
    {"wrappers"},
    {"gateway"},
    {""},
    {"batch", "catalogue", "plots"},
    {"demo"},
    {"testing", "clients.base"},
    {"clients"},
    {"cli"},
]
LEVEL_OF = {folder: number for number, folders in enumerate(LEVELS) for folder in folders}
CLIENT = {"catalogue", "configuration", "gateway", "links", "transport", "wrappers"}
# Steps across and up, by name and at run time. A gateway asks for the adapter of an embedded service.
ALLOWED = {
    ("transport.lifecycle", "service.embedded"),
    # Some methods of a transform return other classes: one late import, of transforms.operations.
    ("transforms.classes.transform", "transforms"),
    # A stack asks for long work over many tiles.
    ("wrappers.objects.stack", "batch"),
}
# One door for each outside library.
DOORS = {
    "requests": {"transport", "service/embedded.py"},
    "urllib3": {"transport", "service/embedded.py"},
    "msgspec": {"model", "wire"},
    "simdjson": {"model", "wire"},
    "apsw": {"service/store"},
    "flask": {"catalogue"},
    "werkzeug": {"catalogue/server.py", "service/app.py"},
    "re2": {"service/domain/id_pattern.py"},
    "waitress": {"service/server"},
    "cv2": {"rendering/base/opencv.py", "alignment", "transforms/fitting/ransac.py"},
    "tifffile": {"rendering"},
    "PIL": {"rendering"},
    "isal": {"rendering"},
    "h5py": {"rendering"},
    "mrcfile": {"rendering"},
    "numcodecs": {"rendering"},
    "fsspec": {"rendering"},
    "scipy": {"alignment"},
    "matplotlib": {"plots"},
    "pandas": {"model/tables"},
    "distributed": {"wrappers/matching/runners.py"},
    "rich": {"cli", "demo", "progress.py", "wrappers/core/display.py"},
    "click": {"cli"},
}
HEAVY = {
    "cv2",
    "numpy",
    "flask",
    "scipy",
    "pandas",
    "dask",
    "distributed",
    "matplotlib",
    "werkzeug",
    "waitress",
    "apsw",
    "simdjson",
    "requests",
    "rich",
    "click",
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a module below the package; of the package itself, nothing."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def folder_of(name: str) -> str:
    """The folder, or the module beside the folders, that holds a module to its level."""
    while name not in LEVEL_OF:
        name = name.rpartition(".")[0]
    return name


@cache
def imports_of(path: Path) -> list[str]:
    """Modules that a file imports: at its top, in functions, and for types."""
    return [name for node in ast.walk(ast.parse(path.read_text())) for name in _imported(node)]


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        whole = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if name.removeprefix("rendergateway.") in NAMES else node.module for name in whole)


def own_imports(path: Path) -> set[str]:
    """Modules of the package that a file imports, by their names below it."""
    own = {name for name in imports_of(path) if name.split(".")[0] == "rendergateway"}
    return {name.removeprefix("rendergateway").removeprefix(".") for name in own}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__go_down(path: Path) -> None:
    """A module imports only from folders below its own, never across, for types or at run time."""
    here = folder_of(name_of(path))
    for name in own_imports(path):
        there = folder_of(name)
        if there == here or (name_of(path), there) in ALLOWED:
            continue
        assert LEVEL_OF[there] < LEVEL_OF[here], f"{here or 'rendergateway'} imports {name}"
        halves = {here.split(".")[0], there.split(".")[0]}
        assert not ("service" in halves and halves & CLIENT), f"{here} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports__one_door_for_each_library(path: Path) -> None:
    """An outside library is reached through one part of the package."""
    place = path.relative_to(PACKAGE).as_posix()
    for name in imports_of(path):
        doors = DOORS.get(name.split(".")[0])
        assert doors is None or any(place.startswith(door) for door in doors), f"{place} imports {name}"


def test_doors__exist() -> None:
    """Every door is a folder or a file of the package."""
    assert {door for doors in DOORS.values() for door in doors if not (PACKAGE / door).exists()} == set()


def test_import__stays_light() -> None:
    """A plain import loads nothing heavy, nor the service."""
    code = "import sys, rendergateway; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not HEAVY & {name.split(".")[0] for name in loaded}
    assert not [name for name in loaded if name.startswith(("rendergateway.service", "rendergateway.rendering"))]
