"""A writer that is killed at any time leaves whole requests only."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from rendergateway.service.store import check
from tests.service.conftest import STACK, Service

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
BATCH = 50
PROGRAM = f"""
import sys
from tests.service.conftest import STACK, Service, tile
service = Service(f"embedded:{{sys.argv[1]}}")
service.send("POST", STACK, {{}})
print("ready", flush=True)
for number in range(1000):
    tiles = [tile(f"{{number:04d}}_{{n:02d}}", z=number, x=n * 100) for n in range({BATCH})]
    assert service.save(*tiles).status_code == 201
    print(number, flush=True)
"""


@pytest.mark.parametrize("seed", range(100 if FULL else 3))
def test_killed_writer__whole_requests_only(tmp_path: Path, seed: int) -> None:
    """Every batch is stored completely or not at all, and all acknowledged batches are stored."""
    path = tmp_path / "render.db"
    chance = random.Random(seed)
    wanted, instant_s = chance.randrange(1, 12), chance.uniform(0, 0.03)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(wanted + 1)]
        # Within the following requests, which take about 5 ms each.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(instant_s)
        process.kill()
        acknowledged += process.stdout.readlines()

    service = Service(f"embedded:{path}")
    tile_ids = service.json(f"{STACK}/tileIds")
    batches = {tile_id.partition("_")[0] for tile_id in tile_ids}

    assert len(tile_ids) == BATCH * len(batches)
    assert len(batches) >= len([line for line in acknowledged if line.strip().isdigit()])
    assert check(service.adapter.application.database) == []
    service.adapter.close()
    assert json.dumps(sorted(batches)) == json.dumps([f"{n:04d}" for n in range(len(batches))])
