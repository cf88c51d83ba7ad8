"""The pages that are made from tables, and the commands that README names."""

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


def test_docs__made_from_the_tables() -> None:
    """The page of endpoints and aliases says what the tables say."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def readme_commands() -> list[list[str]]:
    """The words of each command in README's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.splitlines() if line.strip()]


def test_readme__commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts are there, and each verb of the command takes what README gives it."""
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
