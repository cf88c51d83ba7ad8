"""The uploaded distributions are complete, without stray files, and testable; run with scripts/test --extras."""

from __future__ import annotations

import re
import shutil
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from tests.packaging.conftest import Distributions, environment, run, tracked_files
from tests.packaging.places import ROOT

pytestmark = pytest.mark.installs

# Files useful only in a clone.
OF_A_CLONE = {".ci/run", ".gitignore"}
MADE = r"PKG-INFO|rendergateway\.egg-info/[\w-]+\.(txt)|rendergateway\.egg-info/PKG-INFO"


def test_sdist__is_the_project(unpacked: Path) -> None:
    """The source distribution has every file of the project, docs, tests, changelog and licence too, and no other."""
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}

    assert {name for name in files if not re.fullmatch(MADE, name)} == {*tracked_files()} - OF_A_CLONE


def test_wheel__is_the_package(distributions: Distributions) -> None:
    """The wheel has the package, the plugin of pytest, the console script and the licence, and nothing else."""
    with zipfile.ZipFile(distributions.wheel) as archive:
        files = set(archive.namelist())
    about = {name for name in files if name.split("/")[0].endswith(".dist-info")}

    package = {name for name in tracked_files() if name.startswith("rendergateway/")}
    assert files - about == package | {"pytest_rendergateway.py", "rendergateway_command.py"}
    assert {Path(name).name for name in about} == {
        "LICENSE", "METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt"
    }  # fmt: skip


def test_description__reads_without_the_project(distributions: Distributions) -> None:
    """The description is README with the changelog; no link of it leads to a file that is not there."""
    with zipfile.ZipFile(distributions.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
    text = str(metadata.get_payload())

    assert metadata["Description-Content-Type"] == "text/markdown"
    assert not re.findall(r"\]\((?!https?://)[^)]*\)", text)
    assert "# rendergateway" in text
    assert (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").strip() in text
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_sdist__is_installed_and_tested(distributions: Distributions, unpacked: Path, tmp_path: Path) -> None:
    """The tests in the source distribution pass against its installation."""
    copy = tmp_path / "project"
    shutil.copytree(unpacked, copy)
    group = f"{copy / 'pyproject.toml'}:test"
    python = environment(tmp_path / "venv", f"{distributions.sdist}[all]", "--group", group)
    # Test the installed package alone.
    shutil.rmtree(copy / "rendergateway")
    for name in ("pytest_rendergateway.py", "rendergateway_command.py"):
        (copy / name).unlink()

    said = run(python, "-I", "-m", "pytest", "-q", "--rootdir", copy, "tests/cli", "tests/batch", "README.md", cwd=copy)

    assert re.search(r"^\d+ passed", said, re.MULTILINE)
