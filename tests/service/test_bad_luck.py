"""Full disks and files that may not be written: a sentence, and all that was acknowledged is still there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rendergateway.service.store import check
from tests.service.conftest import STACK, Service, tile

# A file of this process may not grow beyond what it has: as on a disk that is full.
PROGRAM = """
import json, resource, sys
from tests.service.conftest import STACK, Service, tile
service = Service(f"embedded:{sys.argv[1]}")
service.send("POST", STACK, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
answered = []
for number in range(100):
    tiles = [tile(f"{number:04d}_{n:02d}", z=number, x=n * 100) for n in range(50)]
    answer = service.save(*tiles)
    answered.append((answer.status_code, answer.text))
    if answer.status_code != 201:
        break
print(json.dumps({"answered": answered, "count": len(service.json(f"{STACK}/tileIds"))}))
"""


def _set(service: Service, pragma: str) -> None:
    with service.adapter.application.database.idle() as connection:
        connection.execute(f"PRAGMA {pragma}")


@pytest.mark.parametrize(("pragma", "undone"), [("max_page_count = 1", "max_page_count = 1000000")])
def test_full_database__refused_and_whole(stack: Service, pragma: str, undone: str) -> None:
    """A write for which there is no room is refused as a whole; with room again, all goes on."""
    stack.save(tile("kept"))
    _set(stack, pragma)

    refused = stack.save(*(tile(f"t{number}") for number in range(500)))
    read = stack.json(f"{STACK}/tileIds")
    _set(stack, undone)
    again = stack.save(tile("later"))

    assert refused.status_code == 503
    assert "is full" in refused.text
    assert "nothing of this request was kept" in refused.text
    assert read == ["kept"]
    assert again.status_code == 201
    assert check(stack.adapter.application.database) == []


def test_readonly_database__refused(stack: Service) -> None:
    """A file that may only be read is read, and says so to who would write."""
    stack.save(tile("kept"))
    _set(stack, "query_only = ON")

    refused = stack.save(tile("later"))

    assert refused.status_code == 503
    assert "readonly" in refused.text
    assert stack.json(f"{STACK}/tileIds") == ["kept"]


def test_full_disk__acknowledged_tiles_stay(tmp_path: Path) -> None:
    """When the file cannot grow, the request is refused; what was answered before is there, then and later."""
    path = tmp_path / "render.db"

    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)

    told = json.loads(done.stdout)
    statuses = [status for status, _ in told["answered"]]
    assert statuses[-1] == 503
    assert "could not be written" in told["answered"][-1][1]
    assert told["count"] == 50 * statuses.count(201)
    service = Service(f"embedded:{path}")
    assert len(service.json(f"{STACK}/tileIds")) == told["count"]
    assert check(service.adapter.application.database) == []
    service.adapter.close()
