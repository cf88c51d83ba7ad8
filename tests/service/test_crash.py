"""A writing client that dies at any instant leaves the state before or after a request, never one between."""

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
    """Every batch is there as a whole or not at all, and those that were answered are there."""
    path = tmp_path / "render.db"
    chance = random.Random(seed)
    wanted, instant_s = chance.randrange(1, 12), chance.uniform(0, 0.03)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answered = [process.stdout.readline() for _ in range(wanted + 1)]
        # Somewhere within the requests that follow: one takes about 5 ms.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(instant_s)
        process.kill()
        answered += process.stdout.readlines()

    service = Service(f"embedded:{path}")
    tile_ids = service.json(f"{STACK}/tileIds")
    batches = {tile_id.partition("_")[0] for tile_id in tile_ids}

    assert len(tile_ids) == BATCH * len(batches)
    assert len(batches) >= len([line for line in answered if line.strip().isdigit()])
    assert check(service.adapter.application.database) == []
    service.adapter.close()
    assert json.dumps(sorted(batches)) == json.dumps([f"{n:04d}" for n in range(len(batches))])
