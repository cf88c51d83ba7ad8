"""Fixtures of the command tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rendergateway.cli.commands import commands

Run = Callable[..., Result]

# A command that Ctrl-C interrupts also where the tests were started so that it is ignored: by nohup, in the background.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rendergateway.cli import main; main()",
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with these words, in a folder of its own, with its service in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", "embedded:./render.db")

    def run(*words: str, typed: bytes | None = None) -> Result:
        return CliRunner().invoke(commands, words, input=typed, prog_name="rendergateway")

    return run


def tiles_file(name: str, *tile_ids: str) -> str:
    """Write tile specs of those ids to a file in the present folder; return its name."""
    tiles = [{"tileId": tile_id, "z": 1, "width": 100, "height": 50} for tile_id in tile_ids]
    Path(name).write_text(json.dumps(tiles))
    return name
