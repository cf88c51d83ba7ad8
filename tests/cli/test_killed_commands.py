"""Commands that write, killed at any time: no data is lost, and no file is taken for a whole one."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rendergateway.errors import StoreError
from rendergateway.service.store import Database, check
from tests.service.conftest import STACK, Service, tile

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
KEPT, LOADED = 3000, 4000
COMMANDS = {
    "load": ["load", "tiles.json", "--stack", "lab/tissue/loaded", "--service", "embedded:./render.db", "--append"],
    "replace": ["load", "tiles.json", "--stack", "lab/tissue/old", "--service", "embedded:./render.db", "--replace"],
    "compact": ["compact", "render.db"],
    "backup": ["backup", "render.db", "copy.db"],
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database, space to be reclaimed in it, and a file of tiles."""
    folder = tmp_path_factory.mktemp("filled")
    service = Service(f"embedded:{folder}/render.db")
    for name, count in (("raw", KEPT), ("old", 500), ("gone", 3000)):
        stack = STACK.replace("raw", name)
        service.send("POST", stack, {})
        service.save(*(tile(f"k{number:05d}", 1, number * 100.0) for number in range(count)), stack=stack)
    service.send("DELETE", STACK.replace("raw", "gone"))
    service.adapter.close()
    (folder / "tiles.json").write_text(
        json.dumps([tile(f"l{number:05d}", 2, minX=0, minY=0, maxX=1, maxY=1) for number in range(LOADED)])
    )
    return folder


def _start(command: str, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "rendergateway.cli", *COMMANDS[command]]
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _tile_ids(path: Path, stack: str = STACK) -> list[str]:
    service = Service(f"embedded:{path}")
    ids: list[str] = service.json(f"{stack}/tileIds")
    service.adapter.close()
    return ids


def _problems(path: Path) -> list[str]:
    database = Database(path, create=False)
    found = check(database)
    database.close()
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_command__nothing_lost(filled: Path, tmp_path: Path, command: str) -> None:
    """After a kill at any time, the database is whole, other data are kept, a backup is complete or missing."""
    chance, began, times_s = random.Random(command), 0.0, 3.0
    for number in range(51 if FULL else 2):
        folder = tmp_path / f"{number}"
        shutil.copytree(filled, folder)
        began = time.monotonic()
        with _start(command, folder) as process:
            # The first is not killed: its time is the span of the others.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(120 if number == 0 else chance.uniform(0.3, 1.0) * times_s)
            process.kill()
            assert process.stderr is not None
            errors = process.stderr.read()
        if number == 0:
            times_s = time.monotonic() - began
            assert process.returncode == 0, errors

        assert _problems(folder / "render.db") == []
        assert len(_tile_ids(folder / "render.db")) == KEPT
        if command == "replace":
            # The old tiles are deleted once the new ones are stored.
            ids = _tile_ids(folder / "render.db", STACK.replace("raw", "old"))
            assert len([one for one in ids if one[0] == "k"]) == 500 or len(ids) == LOADED
        if (folder / "copy.db").exists():
            assert _problems(folder / "copy.db") == []
            assert len(_tile_ids(folder / "copy.db")) == KEPT
        for partial in folder.glob("*.partial"):
            with contextlib.suppress(StoreError):
                Database(partial, create=False).close()
        shutil.rmtree(folder)
