"""Each third-party library is declared in the core, or in the extra of the module that imports it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rendergateway.extras import EXTRAS
from tests.packaging.places import BELONGS, INCLUDES, MODULES, OPTIONAL, PACKAGE, ROOT, extra_of, place_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TESTS = sorted([*(ROOT / "tests").rglob("*.py"), ROOT / "conftest.py", ROOT / "pytest_rendergateway.py"])


class Import(NamedTuple):
    """One executed import: whether it is inside a function, and inside ``with needed_for(…)``."""

    module: str
    is_late: bool
    is_guarded: bool

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]


@cache
def imports_of(path: Path) -> list[Import]:
    """The imports of a file, but for those that only types need."""
    return list(_imports(ast.parse(path.read_text(encoding="utf-8")), is_late=False, is_guarded=False))


def _imports(node: ast.AST, *, is_late: bool, is_guarded: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, is_late, is_guarded) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield Import(node.module, is_late, is_guarded)
        # An imported name may be a module.
        yield from (Import(f"{node.module}.{alias.name}", is_late, is_guarded) for alias in node.names)
    is_late = is_late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    is_guarded = is_guarded or (isinstance(node, ast.With) and "needed_for(" in ast.unparse(node.items[0]))
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        node.body = []
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, is_late=is_late, is_guarded=is_guarded)


def outside_imports(path: Path) -> Iterator[Import]:
    # In the standard library from Python 3.11 on.
    inside = sys.stdlib_module_names | {"tomllib", "rendergateway", "pytest_rendergateway", "tests", "_typeshed"}
    return (one for one in imports_of(path) if one.library not in inside)


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def libraries(requirements: list[Any]) -> set[str]:
    """Import names of the distributions of requirements."""
    names = {re.match(r"[\w-]+", text).group() for text in requirements if isinstance(text, str)}  # type: ignore[union-attr]
    # Those for other versions of Python are not installed; they are named as they are imported.
    return {library for name in names - {"rendergateway"} for library in _libraries_of(name)}


@cache
def _libraries_of(distribution: str) -> set[str]:
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return {distribution}
    return {file.parts[0].removesuffix(".py") for file in files if file.suffix in (".py", ".pyi")} - {".."}


@cache
def core() -> set[str]:
    return libraries(project()["project"]["dependencies"])


def extras() -> dict[str, list[str]]:
    declared: dict[str, list[str]] = project()["project"]["optional-dependencies"]
    return declared


def test_table__same_as_declared() -> None:
    """The table of the package has each library of each extra, and nothing that no extra installs."""
    for extra, requirements in extras().items():
        of_extra = {library for library in libraries(requirements) if library in EXTRAS}
        listed = {library for library, one in EXTRAS.items() if one == extra}
        assert listed <= of_extra, extra
        # A library of two extras is in the table once.
        assert not [library for library in of_extra - listed if library not in libraries(extras()[EXTRAS[library]])]
        for requirement in requirements:
            if not requirement.startswith("rendergateway"):
                assert libraries([requirement]) & of_extra, f"no library of {requirement} is in the table"


def test_table__extras_that_bring_others() -> None:
    """pyproject.toml and the tests agree on which extras include others; ``all`` includes all."""
    brought = {
        extra: set(re.findall(r"\w+", inner.group(1)))
        for extra, requirements in extras().items()
        if (inner := re.search(r"rendergateway\[([\w,]+)\]", " ".join(requirements)))
    }

    assert brought == INCLUDES
    assert brought["all"] == set(extras()) - {"all"}


def test_table__parts_are_there() -> None:
    """Each part of the package that belongs to an extra is there."""
    assert not [part for part in (*BELONGS, *(place for place, _ in OPTIONAL)) if not (PACKAGE / part).exists()]


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_module__imports_what_is_declared(path: Path) -> None:
    """Imported libraries belong to the core, or to the module's extra, which the error names if it is missing."""
    place = place_of(path)
    extra = extra_of(place)
    for one in outside_imports(path):
        if one.library in core() or (place, one.library) in OPTIONAL:
            continue
        assert one.library in EXTRAS, f"{one.library} is declared neither in the core nor in an extra"
        needed = EXTRAS[one.library]
        assert one.is_late or needed == extra, f"{one.library} is imported by a module that is not of {needed}"
        # Without click, the command fails before any of its modules is imported.
        assert one.is_guarded or extra == needed == "cli", f"{one.library} is imported outside of needed_for()"


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_module__loads_none_of_an_extra(path: Path) -> None:
    """With a module of the core, or of an extra, no module is loaded that belongs to another."""
    own = extra_of(place_of(path))
    for one in imports_of(path):
        if one.is_late or one.library != "rendergateway":
            continue
        there = one.module.removeprefix("rendergateway").strip(".").replace(".", "/")
        needed = next((extra_of(place) for place in (there, f"{there}.py") if extra_of(place)), "")
        assert needed in {"", own, *INCLUDES.get(own, ())}, f"{one.module} belongs to {needed}"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests__import_what_is_declared(path: Path) -> None:
    """Test imports are declared by the project, one of its extras or the test group."""
    declared = core() | set(EXTRAS) | libraries(project()["dependency-groups"]["test"])
    # Tests without a package of their own import each other by their plain names.
    declared |= {sibling.stem for sibling in path.parent.glob("*.py")}

    assert not [one.module for one in outside_imports(path) if one.library not in declared]
