"""The tutorial: its commands on its own images, and its length. Its Python is run with the other pages."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from rendergateway import Gateway
from rendergateway.cli.commands import commands

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(heading: str, language: str) -> list[str]:
    """Return the lines of the blocks of a section, without comments and empty lines."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return [line for block in found for line in block.splitlines() if line.strip() and not line.startswith("#")]


def test_tutorial__ten_lines_and_six_commands() -> None:
    """From images to pictures it takes ten lines of Python or six commands."""
    assert len(blocks("Ten lines", "python")) == 10
    assert len(blocks("Six commands", "sh")) == 6


def test_tutorial__commands_align_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands, run in order on the images of the page, end with smaller residuals and two pictures."""
    monkeypatch.chdir(tmp_path)
    kept = (line for line in blocks("Your images", "python") if "chdir" not in line and "temporary" not in line.lower())
    subprocess.run([sys.executable, "-c", "\n".join(kept)], check=True)
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "embedded:render.db")

    for line in blocks("Six commands", "sh"):
        result = CliRunner().invoke(commands, shlex.split(line)[1:], prog_name="rendergateway")
        assert result.exit_code == 0, result.output

    with Gateway("embedded:render.db", owner="lab", project="cortex") as gateway:
        matches = gateway.match_collection("points", frame="lens_corrected")
        beside = next(pair for pair in matches.pairs() if (pair.p_id, pair.q_id) == ("s1_r0_c0", "s1_r0_c1"))
        assert beside.p[:, 0].min() >= 512 - 100
        before, after = (gateway.stack(name).residuals(matches).total.mean_px for name in ("raw", "aligned"))
    assert after < 1 < 4 < before
    for name in ("residuals.png", "seam.png"):
        assert np.ptp(np.asarray(cv2.imread(name))) > 200
