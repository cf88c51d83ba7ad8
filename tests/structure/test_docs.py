"""The pages that are made from tables, the commands that README names, and the examples as a reader pastes them."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rendergateway import TileRecord
from rendergateway.cli.commands import commands
from rendergateway.model.records.json_slices import encode
from rendergateway.transforms import AffineModel2D, TransformReference

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def pasted(page: Path) -> str:
    """The Python blocks of a page on their own lines, except for skipped ones; all other lines are empty."""
    lines, is_code, is_skipped = [], False, False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("<!--- skip: next"):
            is_skipped = True
        is_fence = line.startswith("```")
        if is_fence:
            is_code = line == "```python" and not is_skipped
            is_skipped = is_skipped and line.startswith("```python")
        lines.append(line if is_code and not is_fence else "")
    return "\n".join(lines) + "\n"


def test_docs__made_from_the_tables() -> None:
    """The generated pages are up to date with their tables."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def readme_commands() -> list[list[str]]:
    """The words of each command in README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


def test_readme__commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts exist, and each subcommand accepts the arguments README shows."""
    tile = TileRecord(tile_id="a", z=1, width=9, height=9, transforms=[TransformReference("lens")])
    (tmp_path / "tiles.json.gz").write_bytes(gzip.compress(b"[" + tile.to_json() + b"]"))
    (tmp_path / "transforms.json").write_bytes(encode([AffineModel2D().evolve(id="lens").to_spec()]))
    monkeypatch.chdir(tmp_path)
    ran = []

    for program, *words in readme_commands():
        if program.startswith("scripts/"):
            assert os.access(ROOT / program, os.X_OK)
        elif program == "rendergateway":
            # A service would run until it is stopped.
            given = [*words, "--help"] if words[0] == "serve" else words
            result = CliRunner().invoke(commands, given)
            assert result.exit_code == 0, result.output
            ran.append(words[0])

    assert ran == ["load", "tree", "serve"]


@pytest.mark.parametrize("page", [page for page in PAGES if pasted(page).strip()], ids=lambda page: page.name)
def test_docs__run_from_the_first_block(page: Path, tmp_path: Path) -> None:
    """The blocks of a page, pasted in order into a new interpreter, run without names or files from elsewhere."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}

    # As in an interactive session there is no file of the main module; line numbers are those of the page.
    done = subprocess.run(
        [sys.executable, "-c", pasted(page)], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )

    assert done.returncode == 0, done.stderr
