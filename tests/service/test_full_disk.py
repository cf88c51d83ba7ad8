"""Full disks and read-only files: refusals with a message, and no loss of acknowledged data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rendergateway.service.store import check
from tests.service.conftest import STACK, Service, tile

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))

# Limits the file size of this process, like a full disk.
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
    """A write without space is refused and rolled back; with space again, writes succeed."""
    stack.save(tile("kept"))
    _set(stack, pragma)

    refused = stack.save(*(tile(f"t{number}") for number in range(500)))
    read = stack.json(f"{STACK}/tileIds")
    _set(stack, undone)
    again = stack.save(tile("later"))

    assert refused.status_code == 503
    assert "is full" in refused.text
    assert "the request was rolled back" in refused.text
    assert read == ["kept"]
    assert again.status_code == 201
    assert check(stack.adapter.application.database) == []


def test_readonly_database__refused(stack: Service) -> None:
    """A read-only file can be read; writes are refused with a message."""
    stack.save(tile("kept"))
    _set(stack, "query_only = ON")

    refused = stack.save(tile("later"))

    assert refused.status_code == 503
    assert "readonly" in refused.text
    assert stack.json(f"{STACK}/tileIds") == ["kept"]


def test_full_disk__acknowledged_tiles_stay(tmp_path: Path) -> None:
    """If the file cannot grow, the request is refused, and all acknowledged tiles remain stored."""
    path = tmp_path / "render.db"

    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)

    report = json.loads(done.stdout)
    statuses = [status for status, _ in report["answered"]]
    assert statuses[-1] == 503
    assert "could not be written" in report["answered"][-1][1]
    assert report["count"] == 50 * statuses.count(201)
    service = Service(f"embedded:{path}")
    assert len(service.json(f"{STACK}/tileIds")) == report["count"]
    assert check(service.adapter.application.database) == []
    service.adapter.close()


Mount = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Mount]]:
    """A separate file system of 2 MB, and a function that remounts it with other options."""
    if not FULL:
        pytest.skip("mounts a file system: set RENDERGATEWAY_FULL_TESTS=1")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting not permitted: {mounted.stderr.decode().strip()}")

    def mount(options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)

    yield folder, mount
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_file_system__goes_on_with_room(disk: tuple[Path, Mount]) -> None:
    """On a full disk saves are refused and reading works; with more space, saving works again."""
    folder, mount = disk
    service = Service(f"embedded:{folder}/render.db")
    service.send("POST", STACK, {})
    saved, refused = 0, ""
    for number in range(1000):
        answer = service.save(*(tile(f"{number:04d}_{n:02d}", z=number, x=n * 100) for n in range(50)))
        if answer.status_code != 201:
            refused = f"{answer.status_code} {answer.text}"
            break
        saved += 50

    assert refused.startswith("503 ")
    assert "is full; the request was rolled back" in refused
    assert len(service.json(f"{STACK}/tileIds")) == saved
    assert check(service.adapter.application.database) == []
    mount("size=20m")
    assert service.save(tile("later")).status_code == 201
    assert len(service.json(f"{STACK}/tileIds")) == saved + 1
    service.adapter.close()


def test_read_only_file_system__says_so(disk: tuple[Path, Mount]) -> None:
    """A database on a read-only file system is read, writes are refused; it is intact once it is writable again."""
    folder, mount = disk
    service = Service(f"embedded:{folder}/render.db")
    service.send("POST", STACK, {})
    service.save(tile("kept"))
    service.adapter.close()

    mount("ro")
    service = Service(f"embedded:{folder}/render.db")
    assert service.json(f"{STACK}/tileIds") == ["kept"]
    assert service.save(tile("later")).status_code == 503
    service.adapter.close()
    mount("rw")

    service = Service(f"embedded:{folder}/render.db")
    assert service.json(f"{STACK}/tileIds") == ["kept"]
    service.adapter.close()
