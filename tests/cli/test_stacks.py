"""``rendergateway stack``, ``copy``, ``remove``, ``clusters`` and ``matches``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rendergateway import Gateway, MatchRecord, StackWrapper, TileTable
from tests.cli.conftest import Run

STACK = "lab/cortex/montage"


@pytest.fixture
def gateway(run: Run) -> Iterator[Gateway]:
    """A gateway to the database of the command."""
    with Gateway("embedded:./render.db", owner="lab", project="cortex", create=True) as gateway:
        yield gateway


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Tiles a to d in a row in sections 1 and 2, d without a match."""
    stack = gateway.create_stack("montage", resolution_nm=(4, 4, 40))
    names = [f"{name}{z}" for z in (1, 2) for name in "abcd"]
    tiles = TileTable.from_columns(
        tile_id=names,
        z=[int(name[1]) for name in names],
        width=100,
        height=80,
        section_id=[f"{name[1]}.0" for name in names],
        image_row=0,
        image_col=["abcd".index(name[0]) for name in names],
        translation=[[100 + 90 * "abcd".index(name[0]), 0] for name in names],
    )
    with stack.editing() as edit:
        edit.put(tiles)
    ids = [(f"{z}.0", one, other) for z in (1, 2) for one, other in ((f"a{z}", f"b{z}"), (f"b{z}", f"c{z}"))]
    gateway.match_collection("dmesh").put(
        [MatchRecord(p_group=g, p_id=p, q_group=g, q_id=q, p=[[0, 1]], q=[[2, 3]]) for g, p, q in ids]
    )
    return stack


def tiles_of(name: str) -> list[str]:
    """The tiles of a stack, read by a gateway of its own."""
    with Gateway("embedded:./render.db") as gateway:
        return [tile_id for section in gateway.stack(name).sections() for tile_id in section.tiles().ids]


def test_stack__life(run: Run, stack: StackWrapper) -> None:
    """Stacks are created, cloned, renamed, opened and deleted; each prints the stack and its state."""
    assert run("stack", "create", "lab/cortex/new", "--resolution", "4,4,35", "--notes", "first").stdout == (
        "lab/cortex/new LOADING\n"
    )
    assert (
        run("stack", "clone", STACK, "lab/tests/copy", "--z", "1", "--complete").stdout == "lab/tests/copy COMPLETE\n"
    )
    assert run("stack", "rename", "lab/tests/copy", "lab/p/one").stdout == "lab/p/one COMPLETE\n"
    assert tiles_of("lab/p/one") == ["a1", "b1", "c1", "d1"]
    assert run("stack", "state", "lab/p/one", "loading").stdout == "lab/p/one LOADING\n"
    assert run("stack", "delete", "lab/p/one", "--z", "1", "--dry-run").stdout == "lab/p/one: 4 tiles to delete\n"
    assert json.loads(run("stack", "delete", "lab/p/one", "--json").stdout) == {
        "stack": "lab/p/one", "tile_count": 4, "deleted": True
    }  # fmt: skip
    assert run("stack", "delete", "lab/p/one").exit_code == 1
    assert run("stack", "clone", STACK, "other/p/s").exit_code == 2
    assert "'rendergateway load' adds to it" in run("stack", "create", STACK).stderr


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ([], ["a1", "b1", "c1", "d1", "a2", "b2", "c2", "d2"]),
        (["--z", "2", "--box", "0,0,150,50"], ["a2"]),
        (["--ids", "ids.json", "--without", "more.json"], ["b1"]),
        (["--z", "1", "--without-cell", "0,0", "--without-cell", "0,2"], ["b1", "d1"]),
        (["--only-in", "lab/cortex/few"], ["a1", "a2"]),
        (["--not-in", "lab/cortex/few", "--z", "..1"], ["b1", "c1", "d1"]),
    ],
)
def test_copy__selections(run: Run, stack: StackWrapper, words: list[str], kept: list[str]) -> None:
    """Options select the tiles of the copy."""
    Path("ids.json").write_text('["a1", "b1"]')
    Path("more.json").write_text('["a1"]')
    stack.copy_to("few", edit=lambda tiles: tiles[tiles.image_col == 0])

    result = run("copy", STACK, "lab/tests/copy", *words)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("lab/tests/copy COMPLETE: ")
    assert tiles_of("lab/tests/copy") == kept


def test_copy__changes_and_existing(run: Run, stack: StackWrapper) -> None:
    """Tiles are moved; an existing stack needs --append or --replace."""
    assert run("copy", STACK, "lab/cortex/copy", "--to-origin", "--add-to-z", "1", "--leave-open").exit_code == 0
    with Gateway("embedded:./render.db") as gateway:
        copy = gateway.stack("lab/cortex/copy")
        assert (copy.state, copy.sections().ids) == ("LOADING", [2.0, 3.0])
        assert tuple(copy.tile("a1").bounds or ()) == (10, 10, 110, 90)

    assert "exists" in run("copy", STACK, "lab/cortex/copy").stderr
    assert run("copy", STACK, "lab/cortex/copy", "--append", "--z", "1").exit_code == 0
    assert run("copy", STACK, "lab/cortex/copy", "--replace", "--z", "2", "--ids", ids_file("a2")).exit_code == 0
    assert tiles_of("lab/cortex/copy") == ["a1", "b1", "c1", "d1", "a2", "b2", "c2", "d2"]
    with Gateway("embedded:./render.db") as gateway:
        assert {one.z: len(one.tiles()) for one in gateway.stack("lab/cortex/copy").sections()} == {1: 4, 2: 1, 3: 3}
    for words in (
        ["--append", "--replace"],
        ["--to-origin", "--in-grid"],
        ["--split-sections", "2", "--add-to-z", "1"],
    ):
        assert run("copy", STACK, "lab/cortex/other", *words).exit_code == 2


def ids_file(*ids: str) -> str:
    Path("some.json").write_text(json.dumps(ids))
    return "some.json"


def test_remove__ways(run: Run, stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles are deleted by id, file, box, matches or because they are hidden; a dry run lists them."""
    with stack.editing() as edit:
        edit.put([stack.tile("b1")._obj.evolve(tile_id="b1_again")])
    assert run("remove", STACK, "--hidden", "--dry-run").stdout == "b1\n1 tile to delete\n"
    assert run("remove", STACK, "--hidden", "--z", "2").stdout == "0 tiles deleted\n"
    assert run("remove", STACK, "b1_again").stdout == "b1_again\n1 tile deleted\n"
    assert run("remove", STACK, "--ids", ids_file("c2", "lost")).exit_code == 0
    assert run("remove", STACK, "--outside", "0,0,250,50", "--z", "2").stdout == "d2\n1 tile deleted\n"
    words = ["--unconnected", "lab/dmesh", "--move-to", "lab/cortex/lost", "--json"]
    assert json.loads(run("remove", STACK, *words).stdout) == {
        "stack": STACK, "tile_ids": ["d1"], "deleted": True
    }  # fmt: skip
    assert (tiles_of(STACK), tiles_of("lab/cortex/lost")) == (["a1", "b1", "c1", "a2", "b2"], ["d1"])
    for words in ([], ["a1", "--hidden"]):
        assert "pass one of TILE…" in run("remove", STACK, *words).stderr


def test_clusters__counted_and_split(run: Run, stack: StackWrapper) -> None:
    """Clusters are counted, and split into layers."""
    assert (
        run("clusters", STACK, "lab/dmesh").stdout
        == "       3  a1 …\n       3  a2 …\n2 clusters, 2 tiles without a match\n"
    )
    values = json.loads(run("clusters", STACK, "lab/dmesh", "--z", "1", "--within-sections", "--json").stdout)
    assert values == {"stack": STACK, "sizes": [3], "first_tiles": ["a1"], "unmatched": ["d1"]}

    words = ["--split-to", "lab/p/apart", "--layers-per-z", "4", "--removed-to", "left", "--z", "1"]
    assert run("clusters", STACK, "lab/dmesh", *words).stdout == "lab/p/apart: 1 layer; 1 tile left out\n"
    assert (tiles_of("lab/p/apart"), tiles_of("lab/p/left")) == (["a1", "b1", "c1"], ["d1"])
    words = ["--split-to", "lab/p/again", "--overlaps", "pictures", "--json"]
    values = json.loads(run("clusters", STACK, "lab/dmesh", *words).stdout)
    assert (values["layers"], values["files"]) == ({"1.0": [40.0], "2.0": [80.0]}, [])
    assert run("clusters", STACK, "lab/dmesh", "--overlaps", "pictures").exit_code == 2
    assert "has no section that --z selects" in run("clusters", STACK, "lab/dmesh", "--z", "9..").stderr


def test_matches__files_copies_and_counts(run: Run, stack: StackWrapper, gateway: Gateway) -> None:
    """Matches are loaded from files, copied group by group, and counted."""
    Path("a.json").write_bytes(gateway.match_collection("dmesh").table().to_json())

    assert run("matches", "load", "a.json", "--into", "lab/new").stdout == "lab/new: 4 pairs\n"
    assert "duplicate match pair" in run("matches", "load", "a.json", "a.json", "--into", "lab/new").stderr
    assert run("matches", "load", "a.json", "a.json", "--into", "lab/new", "--last-wins").exit_code == 0
    assert run("matches", "copy", "lab/new", "other/copy", "--group", "1.0").stdout == "other/copy: copied\n"
    assert "exists" in run("matches", "copy", "lab/new", "other/copy").stderr
    assert run("matches", "copy", "lab/new", "other/copy", "--replace-groups").exit_code == 0
    assert run("matches", "count", "other/copy", "--group", "1.0").stdout == "other/copy: counted\n"
    assert run("matches", "copy", "lab/new", "lab/new").exit_code == 2
    assert "needs its owner" in run("matches", "count", "new").stderr
    assert "must be [owner/]collection" in run("matches", "count", "a/b/c").stderr
    assert len(gateway.using(owner="other").match_collection("copy").pairs()) == 4
