"""Recorded runs of the real clients: the same exit codes, outputs and states of stacks and matches."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rendergateway.clients.base.scripts import write_scripts
from rendergateway.clients.base.table import CLIENTS
from tests.conftest import ROOT, SHARED

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
GOLDEN = SHARED / "golden-clients"
# Quick ones, of each kind of client; the others with RENDERGATEWAY_FULL_TESTS=1.
SAMPLE = {
    "CopyStackClient/move_to_origin",
    "CoordinateClient/world_to_local",
    "ImportJsonClient/validator_drops_two",
    "ImportMatchClient/gzip_two_files",
    "RenderSectionClient/no_mask_scale_1",
    "TilePairClient/corners_included",
    "TileRemovalClient/keep_box",
    "UnconnectedTileRemovalClient/one_tile",
}
RECORDED = sorted(path.parent.relative_to(GOLDEN).as_posix() for path in GOLDEN.glob("*/*/case.json"))
# Its recorded matches are chance, see docs/java-clients.md.
CHANCE = "PointMatchClient/em_pair_masked"
CASES = [
    pytest.param(case, marks=pytest.mark.xfail(strict=True)) if case == CHANCE else case
    for case in RECORDED
    if FULL or case in SAMPLE
]

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="a script of a POSIX shell"),
    pytest.mark.skipif(not RECORDED, reason="recorded runs (../shared/golden-clients) are not here"),
]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service on loopback that reads the shared images, and those that clients write."""
    folder = tmp_path_factory.mktemp("golden")
    images = ["--images", str(SHARED), "--images", tempfile.gettempdir()]
    program = [sys.executable, "-c", "from rendergateway_command import main; main()"]
    with subprocess.Popen(
        [*program, "serve", "render.db", "--port", "0", "--json", *images],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script that runs clients."""
    return write_scripts(tmp_path_factory.mktemp("scripts")) / "run_ws_client.sh"


@pytest.mark.parametrize("case", CASES)
def test_golden__case(case: str, service: str, script: Path) -> None:
    """A client ends as the real one did, and leaves the same behind."""
    client, _, name = case.partition("/")
    if client not in CLIENTS:
        pytest.skip(f"{client} is not in the table of clients")
    options = ["--base-url", f"{service}/v1", "--script", str(script), "--data", str(SHARED / "data")]

    done = subprocess.run(
        [sys.executable, GOLDEN / "run_cases.py", "check", *options, GOLDEN / client / name],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf"ok +{case} ", done.stdout)


def test_golden__sample_is_recorded() -> None:
    """The sample consists of recorded runs."""
    assert {case for case in SAMPLE if case not in RECORDED} == set()
