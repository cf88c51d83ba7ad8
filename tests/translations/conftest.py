"""A service with a small stack, its matches and its images."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from rendergateway import MatchRecord, ResolvedTiles
from rendergateway.testing import make_stack
from tests.translations.running import Contents, Service

PROGRAM = """
import sys
from rendergateway.service.serve import serve
serve(sys.argv[1], port=0, images=sys.argv[2:], on_request=lambda line: None)
"""


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in a process of its own: owner lab, project cortex."""
    folder = tmp_path_factory.mktemp("translations")
    words = [sys.executable, "-c", PROGRAM, str(folder / "render.db"), str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        service = Service(process.stdout.readline().split("/")[2])
        try:
            with service.gateway() as gateway:
                stack = make_stack(gateway, rows=1, matches="dmesh", images=folder)
                collection = gateway.match_collection("dmesh")
                gateway.match_collection("by_hand").put(collection.pairs(within=stack.section(1)))
                # The groups differ by side.
                other = MatchRecord(p_group="0.0", p_id="a", q_group="4.0", q_id="b", p=[[1, 2]], q=[[3, 4]])
                collection.put([other])
            yield service
        finally:
            process.kill()


@pytest.fixture(scope="session")
def copied(service: Service) -> Callable[[str], Service]:
    """Returns the service with a copy of stack and matches for an owner of that name."""
    with service.gateway() as gateway:
        tiles = ResolvedTiles.from_json(
            gateway.call_raw("stack.resolved_tiles", **gateway.stack("montage")._key._asdict())
        )
        matches = gateway.match_collection("dmesh").table()

    def copied(owner: str) -> Service:
        copy = Service(service.address, owner)
        with copy.gateway() as gateway:
            with gateway.create_stack("montage", resolution_nm=(4, 4, 40)).editing() as edit:
                edit.put(tiles)
            gateway.match_collection("dmesh").put(matches)
        return copy

    return copied


@pytest.fixture(scope="session")
def before(copied: Callable[[str], Service]) -> Contents:
    """What a copy contains before anything is written."""
    return Contents(copied("before"))


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Code of the pages writes files into a folder of its own, and its environment is dropped."""
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ):
        yield
