"""``rendergateway tree``: the same for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, tiles_file

LONG = "b" * 100


@pytest.fixture
def filled(run: Run) -> Run:
    """A service with one stack of three tiles."""
    run("load", tiles_file("a.json", "[a]", LONG, "c"), "--stack", "lab/cortex/montage")
    return run


def test_tree__stack(filled: Run) -> None:
    """A stack is shown with counts and boxes; ids are not taken for markup, lines are not padded or broken."""
    result = filled("tree", "lab/cortex/montage", "--tiles", "2")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "owner lab",
        "└── project cortex",
        "    └── stack montage  COMPLETE, 1 section, 3 tiles",
        "        ├── bounds x 0…100, y 0…50",
        "        └── section 1.0  3 tiles, x 0…100, y 0…50",
        "            ├── tile [a]  100 × 50, x 0…100, y 0…50",
        f"            ├── tile {LONG}  100 × 50, x 0…100, y 0…50",
        "            └── … 1 more tile",
    ]


def test_tree__json(filled: Run) -> None:
    """The JSON holds the same."""
    owner = json.loads(filled("tree", "lab/cortex/montage", "--json").stdout)

    stack = owner["projects"][0]["stacks"][0]
    assert (stack["stack"], stack["state"], stack["tile_count"]) == ("montage", "COMPLETE", 3)
    assert [tile["tile"] for tile in stack["sections"][0]["tiles"]] == ["[a]", LONG, "c"]


def test_tree__without_a_name(filled: Run) -> None:
    """Without a name all stacks are listed."""
    assert "    └── stack montage  COMPLETE, 1 section, 3 tiles" in filled("tree").stdout


def test_tree__unknown_stack(filled: Run) -> None:
    """An unknown stack is a one-line error."""
    result = filled("tree", "lab/cortex/no")

    sentence = "stack with owner 'lab', project 'cortex', and name 'no' does not exist"
    assert (result.exit_code, result.stderr) == (
        1,
        f"rendergateway: {sentence}; 'rendergateway tree' lists the stacks\n",
    )


def test_tree__does_not_make_a_database(run: Run) -> None:
    """A mistyped database is reported as missing, and not created."""
    result = run("tree", "lab/cortex/no")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"rendergateway: database '{Path.cwd()}/render.db' does not exist; check the path ")
    assert not Path("render.db").exists()


@pytest.mark.parametrize("service", ["", "embedded:"])
def test_tree__nothing_to_read(run: Run, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No service, and a private one that would be empty, are errors."""
    monkeypatch.setenv("RENDERGATEWAY_SERVICE", service)

    assert run("tree").exit_code == 1


def test_tree__real_section(run: Run, shared_data: Path) -> None:
    """A real section is loaded and shown."""
    file = shared_data / "warp-test/20141216_863_montage.2119.json.gz"
    run("load", str(file), "--stack", "flyTEM/FAFB00/montage")

    shown = run("tree", "flyTEM/FAFB00/montage", "--tiles", "1").stdout

    assert "section 2119.0  1227 tiles, x 57…62744, y 31…108261" in shown
    assert "tile 140812133629004029  2560 × 2160, x 124…2639, y 45739…47807" in shown
    assert "transform AffineModel2D  moves (0, 0) to (83.3, 27.9)" in shown
    assert "… 1226 more tiles" in shown


def test_tree__control_characters(run: Run) -> None:
    """Names with control characters are shown escaped, for people and as JSON; a program reads them whole."""
    odd = "a\x1b[31m\x9b2Jb\u202e"
    run("load", tiles_file("a.json", odd), "--stack", "lab/cortex/montage")

    shown = run("tree", "lab/cortex/montage")
    as_json = run("tree", "lab/cortex/montage", "--json")

    assert r"tile a\x1b[31m\x9b2Jb\u202e " in shown.stdout
    assert (shown.stdout + as_json.stdout).replace("\n", "").isprintable()
    assert json.loads(as_json.stdout)["projects"][0]["stacks"][0]["sections"][0]["tiles"][0]["tile"] == odd


def test_command__control_characters_in_errors(run: Run) -> None:
    """Control characters in messages, of the library and of the file system, are escaped."""
    run("load", tiles_file("a.json", "a"), "--stack", "lab/cortex/montage")

    for words in (("tree", "lab/cortex/a\x1b[2J"), ("backup", "render.db", "a\x9b2J/copy.db")):
        result = run(*words)
        assert result.exit_code == 1
        assert r"a\x1b[2J" in result.stderr or r"a\x9b2J" in result.stderr
        assert result.stderr.replace("\n", "").isprintable()
