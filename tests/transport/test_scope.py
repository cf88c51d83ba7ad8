"""Working directory, threads and processes do not change what a gateway does."""

from __future__ import annotations

import multiprocessing.context
import os
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, NotFoundError, UnplannedRequestError, without_requests
from rendergateway.testing import make_stack
from rendergateway.wrappers.core.bulk import read_ahead


def count_tiles(section: Any) -> int:
    return len(section.tiles())


def _read_ahead(sections: Any) -> list[int]:
    with read_ahead(sections, count_tiles, 2) as counts:
        return list(counts)


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """A gateway with a relative path, whose folder is no longer the working directory."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    gateway = Gateway("embedded:./render%20me.db?tile_limit=9", owner="lab", project="cortex")
    os.chdir("elsewhere")
    return gateway


def test_embedded__in_the_folder_of_its_beginning(moved: Gateway, tmp_path: Path) -> None:
    """The relative path of a database is resolved when the gateway is built."""
    assert moved.server == f"embedded:{tmp_path}/render%20me.db?tile_limit=9"
    make_stack(moved)

    with get_context("spawn").Pool(1) as pool:
        assert pool.map(count_tiles, list(moved.stack("montage").sections())) == [4, 4, 4]
    assert [path.name for path in tmp_path.rglob("*.db")] == ["render me.db"]
    assert moved.stack("montage") == Gateway(f"embedded:{tmp_path}/../{tmp_path.name}/render me.db?tile_limit=9").stack(
        "lab/cortex/montage"
    )
    moved.close()


def test_image_paths__in_the_folder_of_their_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative prefixes of images are resolved when the gateway is built; URLs are kept."""
    monkeypatch.chdir(tmp_path)
    gateway = Gateway("localhost:1", image_paths={"/a/": "mine/", "/b/": "/mnt/", "/c/": "s3://bucket/"})

    assert gateway.image_paths == {"/a/": f"{tmp_path}/mine/", "/b/": "/mnt/", "/c/": "s3://bucket/"}


@pytest.mark.parametrize("way", ["map", "prefetch", "processes", "spawned", "read_ahead", "put"])
def test_without_requests__in_threads_and_processes(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are refused in the threads and processes that work for the block, as in a loop."""
    if way == "spawned":
        # A forked process inherits the blocks of its parent.
        monkeypatch.setattr(multiprocessing.context._default_context, "_actual_context", get_context("spawn"))
    with Gateway(f"embedded:{tmp_path}/render.db", owner="lab", project="cortex", progress=False) as gateway:
        stack = make_stack(gateway)
        sections = stack.sections().load()
        tiles = sections[0].tiles().load()
        work: dict[str, Callable[[], Any]] = {
            "map": lambda: sections.map(count_tiles),
            "prefetch": sections.prefetch,
            "processes": lambda: sections.map(count_tiles, processes=1),
            "spawned": lambda: sections.map(count_tiles, processes=1),
            "read_ahead": lambda: _read_ahead(sections),
            "put": lambda: stack.editing().put([one._obj.evolve(transforms=[]) for one in tiles]),
        }

        with gateway.counting() as requests, without_requests(), pytest.raises(UnplannedRequestError):
            work[way]()

    assert requests == []


def test_embedded__reading_creates_no_database(tmp_path: Path) -> None:
    """A missing database is an error of what reads it, and is created by what begins a stack or a collection."""
    path = tmp_path / "new.db"
    with Gateway(f"embedded:{path}", owner="lab", project="cortex", progress=False) as gateway:
        assert gateway.version_info()["service"] == "rendergateway"
        stack = gateway.stack("montage")
        reads: list[Callable[[], Any]] = [
            lambda: gateway.owners().ids,
            lambda: gateway.stacks().ids,
            lambda: gateway.stack("montage").state,
            lambda: stack.section(1).tiles().ids,
            lambda: gateway.match_collection("m").pairs().ids,
            lambda: stack.set_state("LOADING"),
            stack.delete,
        ]
        for read in reads:
            with pytest.raises(NotFoundError, match=f"database {path} does not exist; check the path, or create it"):
                read()
        assert not stack.exists
        assert list(tmp_path.iterdir()) == []

        assert make_stack(gateway, matches="m").tile_count == 12
        assert stack.exists


@pytest.mark.parametrize("way", ["create_stack", "copy_to", "match.save", "create=True"])
def test_embedded__created(way: str, tmp_path: Path) -> None:
    """The first stack, the first matches and create=True create the database."""
    path = tmp_path / "new.db"
    with (
        Gateway("embedded:", owner="lab", project="cortex", progress=False) as source,
        Gateway(f"embedded:{path}", owner="lab", project="cortex", create=way == "create=True") as gateway,
    ):
        begin: dict[str, Callable[[], Any]] = {
            "create_stack": lambda: gateway.create_stack("s", exist_ok=True),
            "copy_to": lambda: make_stack(source).copy_to("copy", gateway=gateway),
            "match.save": lambda: (
                make_stack(source, matches="m") and source.match_collection("m").copy_to("m", gateway=gateway)
            ),
            "create=True": lambda: gateway.owners().ids,
        }
        begin[way]()
        assert path.exists()
        assert gateway.owners().ids == (["lab"] if way in ("create_stack", "copy_to") else [])
