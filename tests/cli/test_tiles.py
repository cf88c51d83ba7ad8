"""The commands that change, check and locate tiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, write_transform_changes
from rendergateway.testing import make_stack
from rendergateway.transforms import AffineModel2D
from tests.cli.conftest import Run

STACK = "lab/cortex/montage"
SHIFT = ["--class", "AffineModel2D", "--data", "1,0,0,1,100,0"]


@pytest.fixture
def filled(run: Run) -> Run:
    """Run the command beside a database with two sections of 2 × 2 tiles."""
    with Gateway("embedded:render.db", owner="lab", project="cortex", create=True) as gateway:
        make_stack(gateway, sections=2, rows=2, columns=2)
    return run


def values(run: Run, *words: str) -> Any:
    """The result of a command that must succeed."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def in_stack(name: str, read: Any) -> Any:
    """What a function reads from a stack."""
    with Gateway("embedded:render.db", owner="lab", project="cortex") as gateway:
        return read(gateway.stack(name))


def test_transform__one_for_all(filled: Run) -> None:
    """One transform for the tiles of a section and box, in place, shared under an id."""
    before = in_stack("montage", lambda stack: stack.tile("s1_r0_c0").bounds.min_x)

    changed = values(filled, "transform", STACK, *SHIFT, "--id", "moved", "--z", "1", "--box", "0,0,50,50")

    assert changed == {"stack": STACK, "state": "COMPLETE", "tile_count": 1, "dropped": {}}
    after = in_stack("montage", lambda stack: stack.tile("s1_r0_c0").bounds.min_x)
    # Minima are truncated towards zero.
    assert after == pytest.approx(before + 100, abs=1)
    assert in_stack("montage", lambda stack: "moved" in stack.tile("s1_r0_c0").shared_transforms().ids)


@pytest.mark.parametrize("option", ["--changes", "--layout", "--remove"])
def test_transform__from_files_into_a_stack(filled: Run, option: str) -> None:
    """Transforms of a file, or none, for the tiles of another stack."""
    write_transform_changes("changes.json", {"s1_r0_c0": AffineModel2D([[1.0, 0.0, 7.0], [0.0, 1.0, 8.0]])})
    Path("layout.txt").write_text("1 s1_r0_c0 x 1 0 7 0 1 8\n")
    word = {"--changes": "changes.json", "--layout": "layout.txt", "--remove": "9"}[option]

    changed = values(filled, "transform", STACK, option, word, "--how", "replace-all", "--into", "lab/cortex/done")

    assert changed["stack"] == "lab/cortex/done"
    assert changed["tile_count"] == (8 if option == "--remove" else 1)
    x = in_stack("done", lambda stack: stack.tile("s1_r0_c0").bounds.min_x)
    assert x == (0 if option == "--remove" else 7)


def test_transform__invalid_tiles(filled: Run) -> None:
    """Invalid tiles end the command, or are left out and named."""
    words = ["transform", STACK, *SHIFT, "--z", "1", "--into", "lab/cortex/done", "--limits", "coordinate=..1000"]

    refused = filled(*words)
    left_out = filled(*words, "--drop-invalid")

    assert refused.exit_code == 1
    assert "2 of 4 checked tiles are invalid" in refused.stderr
    assert left_out.exit_code == 0
    assert "tile s1_r0_c1 is left out: max x is" in left_out.stderr
    assert "2 tiles changed" in left_out.stdout


@pytest.mark.parametrize(
    "words",
    [
        [],
        [*SHIFT, "--remove", "1"],
        ["--class", "AffineModel2D"],
        ["--remove", "1", "--id", "moved"],
    ],
)
def test_transform__wrong_arguments(filled: Run, words: list[str]) -> None:
    """Anything but one change is a usage error."""
    assert filled("transform", STACK, *words).exit_code == 2


def test_validate__lists_and_removes(filled: Run) -> None:
    """Invalid tiles are listed with their problems, and deleted on request."""
    listed = filled("validate", STACK, "--limits", "coordinate=..800", "--z", "1")
    removed = values(filled, "validate", STACK, "--limits", "coordinate=..800", "--z", "1", "--remove")
    left = values(filled, "validate", STACK, "--limits", "coordinate=..800", "--max-warp", "10", "--z", "1")

    assert listed.exit_code == 0
    assert listed.stdout.splitlines()[-1] == "3 invalid tiles"
    assert "max x is" in listed.stdout
    assert (removed["deleted"], len(removed["invalid"])) == (True, 3)
    assert left == {"stack": STACK, "invalid": [], "deleted": False}
    assert in_stack("montage", lambda stack: (stack.state, stack.tile_count)) == ("COMPLETE", 5)


def test_coordinates__there_and_back(filled: Run) -> None:
    """World points of a file to tiles, and back; failures are counted."""
    Path("world.json").write_text('[{"world": [20, 20]}, {"world": [-9999, 0]}]')

    there = values(filled, "coordinates", STACK, "world.json", "local.json", "--z", "1")
    back = filled("coordinates", STACK, "local.json", "back.json.gz", "--to-world")

    assert there == {"target": "local.json", "count": 2, "failed": 1}
    assert back.exit_code == 0
    assert back.stdout == "back.json.gz: 2 points, 1 failed\n"
    assert Path("back.json.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_coordinates__folder(filled: Run) -> None:
    """A folder of SWC files needs another stack."""
    Path("swc").mkdir()
    Path("swc/a.swc").write_text("1 2 80 80 40 1 -1\n")
    assert filled("copy", STACK, "lab/cortex/aligned").exit_code == 0

    assert filled("coordinates", STACK, "swc", "out").exit_code == 2
    assert values(filled, "coordinates", STACK, "swc", "out", "--into", "lab/cortex/aligned")["count"] == 1
    assert Path("out/a.swc").exists()


def test_warp__sections(filled: Run) -> None:
    """The chosen sections of a montage are warped into a new stack."""
    warped = values(filled, "warp", STACK, STACK, "lab/cortex/warped", "--z", "1", "--leave-open")

    assert warped == {"stack": "lab/cortex/warped", "state": "LOADING", "tile_count": 4, "dropped": {}}
    assert in_stack("warped", lambda stack: list(stack.sections().ids)) == [1]


@pytest.mark.parametrize(
    ("words", "count", "z_values"),
    [
        (["s1_r0_c0", "--to-z", "9"], 1, [1, 2, 9]),
        (["--file", "z.txt"], 2, [1, 2, 3, 4]),
        (["--z", "1", "--to-z", "0"], 4, [0, 2]),
        (["--divide-by", "3"], 8, [0]),
        (["--section-id", "2.0", "--box", "0,0,50,50", "--to-z", "7"], 1, [1, 2, 7]),
    ],
)
def test_move__in_place(filled: Run, words: list[str], count: int, z_values: list[float]) -> None:
    """Tiles are moved by id, file, section, divisor, section id and box."""
    Path("z.txt").write_text("3 s1_r0_c0\n4 s2_r0_c0\n")

    moved = values(filled, "move", STACK, *words)

    assert moved == {"stack": STACK, "state": "COMPLETE", "moved": count}
    assert in_stack("montage", lambda stack: list(stack.sections().ids)) == z_values


def test_move__copies_and_wrong_arguments(filled: Run) -> None:
    """Copies go into another stack; arguments that exclude each other are usage errors."""
    assert values(filled, "move", STACK, "--divide-by", "2", "--into", "lab/cortex/flat")["moved"] == 8
    assert in_stack("flat", lambda stack: list(stack.sections().ids)) == [0, 1]
    for words in ([], ["--to-z", "1", "--divide-by", "2"], ["a", "--to-z", "1", "--z", "1"], ["a", "--file", "z.txt"]):
        assert filled("move", STACK, *words).exit_code == 2
    assert filled("move", STACK, "nobody", "--to-z", "1").exit_code == 1


def test_load__drops_invalid_tiles(run: Run) -> None:
    """Invalid tiles of a file are left out on request."""
    specs = [{"tileId": name, "z": 1, "width": width, "height": 9} for name, width in (("a", 9), ("b", 900))]
    Path("tiles.json").write_text(json.dumps(specs))
    words = ["load", "tiles.json", "--stack", "lab/cortex/new", "--limits", "size=..100"]

    assert run(*words).exit_code == 1
    loaded = values(run, *words, "--drop-invalid")

    assert loaded["tile_count"] == 1
    assert loaded["dropped"] == {"b": "width is 900, allowed is 0 to 100"}
