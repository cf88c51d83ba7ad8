"""Each row of the pages for users of other clients, run on our side."""

from __future__ import annotations

import base64
import collections
import concurrent.futures
import contextlib
import datetime
import functools
import io
import json
import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from django.http import JsonResponse

import pytest_rendergateway
from rendergateway import ChannelRecord, Gateway, ImagePyramid, StackWrapper, TileRecord, TileWrapper
from rendergateway.cli.commands import commands
from rendergateway.links import neuroglancer_state
from rendergateway.testing import misbehaving
from rendergateway.transforms import AffineModel2D
from tests.templates.conftest import in_django
from tests.translations.behaviour.blitz import BLITZ
from tests.translations.behaviour.caveclient import CAVECLIENT
from tests.translations.behaviour.mibitracker import MIBITRACKER
from tests.translations.pairs import setup
from tests.translations.running import Service, our_names, raised, value_of

ROOT = Path(__file__).parents[2]
CHECKS = {"from-blitz.md": BLITZ, "from-caveclient.md": CAVECLIENT, "from-mibitracker.md": MIBITRACKER}


class Claim(NamedTuple):
    """One row of a page: the feature there, the code here, and its status."""

    page: str
    there: str
    here: list[str]
    status: str

    @property
    def is_claimed(self) -> bool:
        """Whether the row shows code, or claims behaviour without."""
        return bool(self.here) or self.status in ("works", "otherwise")


def claims() -> Iterator[Claim]:
    """The rows of the pages."""
    for page in CHECKS:
        for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) == 5 and cells[3] not in ("status", "---"):
                yield Claim(page, cells[0], re.findall(r"`([^`]+)`", cells[1]), cells[3])


@pytest.fixture(scope="session")
def database(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the service as a file."""
    path = tmp_path_factory.mktemp("behaviour") / "render.db"
    with service.gateway() as there, Gateway(f"embedded:{path}", owner="lab", project="cortex") as here:
        there.stack("montage").copy_to("montage", gateway=here)
        for collection in there.match_collections():
            collection.copy_to(collection.name, gateway=here)
    return path


@pytest.mark.parametrize("claim", [one for one in claims() if one.is_claimed], ids=lambda claim: claim.there)
def test_behaviour__row(claim: Claim, database: Path, tmp_path: Path) -> None:
    """The code of the row runs, and behaves as the row claims."""
    shutil.copy(database, tmp_path / "render.db")
    used: set[int] = set()

    def code(found: re.Match[str]) -> str:
        used.add(int(found[1]))
        return claim.here[int(found[1]) - 1]

    text = re.sub(r"\$(\d)", code, CHECKS[claim.page][claim.there])
    assert used == set(range(1, len(claim.here) + 1))

    names = {**our_names(), **names_of_a_check()}
    value_of(setup.HERE.replace("localhost:8080", f"embedded:{tmp_path / 'render.db'}"), names)
    names["two_channels"] = functools.partial(two_channels, names["stack"])
    with names["gateway"]:
        value_of(text, names)


def names_of_a_check() -> dict[str, Any]:
    """The names that checks use, besides those of the page for users of renderapi."""
    shown: list[tuple[object, ...]] = []
    return {
        **{name: getattr(misbehaving, name) for name in misbehaving.__all__},
        **{module.__name__: module for module in (contextlib, io, os, pickle, pytest_rendergateway, subprocess, sys)},
        "b64decode": base64.b64decode,
        "neuroglancer_state": neuroglancer_state,
        "Path": Path,
        "Counter": collections.Counter,
        "ThreadPoolExecutor": concurrent.futures.ThreadPoolExecutor,
        "datetime": datetime.datetime,
        "timedelta": datetime.timedelta,
        "timezone": datetime.timezone,
        "JsonResponse": JsonResponse,
        "in_django": in_django,
        "ROOT": ROOT,
        "raised": raised,
        "command": command,
        "write_secret": write_secret,
        "print": lambda *values: shown.append(values),
        "shown": shown,
    }


def two_channels(stack: StackWrapper) -> TileWrapper:
    """Save a tile of two channels, with the images of other tiles; return it."""
    urls = {"DAPI": stack.tile("s1_r0_c0").image_url, "TdTomato": stack.tile("s2_r0_c0").image_url}
    channels = [
        ChannelRecord(name=name, max_intensity=65535, mipmaps=ImagePyramid().with_level(0, image_url=url))
        for name, url in urls.items()
    ]
    record = TileRecord(tile_id="t", z=1, width=512, height=512, channels=channels, transforms=[AffineModel2D()])
    other: StackWrapper = stack._conn.create_stack("two_channels")
    with other.editing() as edit:
        edit.put([record])
    return other.tile("t")


def write_secret(name: str, token: str) -> None:
    """Write a token file that only its owner can read."""
    path = Path(name)
    path.touch(0o600)
    path.write_text(json.dumps({"token": token}))


def command(line: str, typed: str | None = None) -> str:
    """Run a command line; return its output."""
    result = CliRunner().invoke(commands, shlex.split(line)[1:], input=typed)
    assert result.exit_code == 0, result.output
    return result.output


def test_behaviour__a_check_for_each_row() -> None:
    """Each row that claims behaviour has its check, and there are no others."""
    for page, checks in CHECKS.items():
        of_page = [one for one in claims() if one.page == page]
        assert {one.there for one in of_page if one.is_claimed} <= checks.keys() <= {one.there for one in of_page}
        assert all("assert " in check for check in checks.values())
