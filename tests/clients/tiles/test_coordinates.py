"""The client of coordinates: JSON files and SWC folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper
from rendergateway.transforms import AffineModel2D
from tests.clients.stacks.conftest import Run, tile

SWC = "# made by hand\n1 2 600 120 41 1.5 -1\n 2 2 99999 120 80 1.5 1\r\nno node\n"


@pytest.fixture
def aligned(gateway: Gateway, stack: StackWrapper) -> StackWrapper:
    """The tiles of the stack, shifted by (1000, 2000), with larger pixels."""
    aligned = stack.derived_stack("aligned")
    with aligned.editing() as edit:
        edit.apply(AffineModel2D([[1.0, 0.0, 1000.0], [0.0, 1.0, 2000.0]]), source=stack)
    aligned.update(resolution_nm=(8, 8, 40))
    return aligned


def mapped(run: Run, folder: Path, items: Any, *words: Any) -> Any:
    """The result of the client for a file of points."""
    source, target = folder / "from.json", folder / "to.json"
    source.write_text(json.dumps(items))
    ended = run("CoordinateClient", "--stack", "acquire", *words, "--fromJson", source, "--toJson", target)
    assert ended.code == 0, ended.err
    return json.loads(target.read_bytes())


def test_world_to_local(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Points have the tiles under them, the last one visible, or the sentence of the service's own client."""
    points = [{"world": [150, 40]}, {"world": [199.5, 40]}, {"world": [-5, 1]}]

    found = mapped(run, tmp_path, points, "--z", "1")

    assert found == [
        [{"tileId": "t1_0", "visible": True, "local": pytest.approx([50.0, 20.0, 1.0])}],
        [
            {
                "tileId": "t1_0",
                "world": [199.5, 40.0],
                "error": "world coordinate (199.5, 40.0) found in tile id(s) [t1_0] cannot be inverted",
            }
        ],
        [{"error": "no tile specifications found in layer 1.0 of stack acquire for [-5.0, 1.0]"}],
    ]


def test_world_to_local__each_with_its_z(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """Without --z, points have their own."""
    found = mapped(run, tmp_path, [{"world": [150, 40, 2]}, {"world": [1, 1, 3]}], "--numberOfThreads", "3")

    assert found[0][0]["tileId"] == "t2_0"
    assert found[1] == [{"error": "no tile specifications found in stack acquire for [1.0, 1.0, 3.0]"}]


def test_world_to_local__overlapping_tiles(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """All tiles under a point are listed by id, and the last one is visible."""
    with stack.editing() as edit:
        edit.put([tile("t1_9", 1.0, 120.0)])

    (found,) = mapped(run, tmp_path, [{"world": [150, 40]}], "--z", "1")

    assert [(one["tileId"], one.get("visible")) for one in found] == [("t1_0", None), ("t1_9", True)]


def test_local_to_world(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """The visible element counts, without a check of bounds; each failure keeps its element and has an error."""
    points = [
        [{"tileId": "t1_0", "local": [1, 2]}, {"tileId": "t1_1", "local": [500, 2], "visible": True}],
        [{"tileId": "nobody", "local": [1, 1]}],
        [{"local": [1, 1]}],
        [{"tileId": "t1_0"}],
        [{"tileId": "t1_0", "local": [1]}],
        [],
    ]

    found = mapped(run, tmp_path, points, "--localToWorld", "--z", "1")

    assert found == [
        {"tileId": "t1_1", "world": [700.0, 22.0, 1.0]},
        {
            "tileId": "nobody",
            "local": [1.0, 1.0],
            "error": "tileId nobody cannot be found in layer 1.0 of stack acquire",
        },
        {"local": [1.0, 1.0], "error": "tileId is missing"},
        {"tileId": "t1_0", "error": "local values are missing"},
        {"tileId": "t1_0", "local": [1.0], "error": "local values must include both x and y"},
        {"error": "coordinates are missing"},
    ]


def test_round_trip(run: Run, aligned: StackWrapper, tmp_path: Path) -> None:
    """World points are mapped to the world of another stack through their tiles."""
    found = mapped(run, tmp_path, [{"world": [150, 40, 1]}, {"world": [-5, 1, 1]}], "--toStack", "aligned")

    assert found == [{"tileId": "t1_0", "world": [1150.0, 2040.0, 1.0]}, {"error": "tileId is missing"}]


def test_swc__folder(run: Run, aligned: StackWrapper, tmp_path: Path) -> None:
    """Nodes are mapped in nanometres, keep their distance from the section, and failures are listed."""
    source, target = tmp_path / "swc", tmp_path / "out" / "swc"
    source.mkdir()
    (source / "a.swc").write_bytes(SWC.encode())
    (source / "notes.txt").write_text("ignored")

    words = ["--stack", "acquire", "--toStack", "aligned", "--fromSwcDirectory", source, "--toSwcDirectory", target]
    ended = run("CoordinateClient", *words)

    assert ended.code == 0
    assert "1 of 2 points could not be mapped" in ended.err
    assert (target / "a.swc").read_bytes().decode() == (
        "# made by hand\n1 2 9200.0 16240.0 41.0 1.5 -1\n 2 2 -999 -999 -999 1.5 1\r\nno node\n"
    )
    assert (target / "failed_mappings.txt").read_text() == f"{source / 'a.swc'}:  2 2 99999 120 80 1.5 1\n"
    assert sorted(path.name for path in target.iterdir()) == ["a.swc", "failed_mappings.txt"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "must specify input location with either --fromJson or --fromSwcDirectory"),
        (["--localToWorld"], "--localToWorld mapping requires --fromJson"),
        (["--fromJson", "a.json"], "must specify output location with --toJson"),
        (["--fromJson", "none.json", "--toJson", "b.json"], "none.json (No such file or directory)"),
        (["--fromSwcDirectory", "none"], "must specify output location with --toSwcDirectory"),
        (["--fromSwcDirectory", "none", "--toSwcDirectory", "b"], "none must be a readable directory"),
        (["--fromSwcDirectory", ".", "--toSwcDirectory", "b"], "--toStack must be specified for SWC mapping"),
    ],
)
def test_bad_options(
    run: Run, stack: StackWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    """Missing options and files end with code 1 and a sentence, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())

    ended = run("CoordinateClient", "--stack", "acquire", *words)

    assert ended.code == 1
    assert sentence in ended.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", ['{"world": [1, 2]}', "[[1, 2]]", "no JSON", '[{"world": [1]}]'])
def test_bad_files(run: Run, stack: StackWrapper, tmp_path: Path, content: str) -> None:
    """A file of something else, or with an incomplete point, writes no result."""
    source, target = tmp_path / "from.json", tmp_path / "to.json"
    source.write_text(content)

    ended = run("CoordinateClient", "--stack", "acquire", "--fromJson", source, "--toJson", target)

    assert ended.code == 1
    assert ended.err.startswith("ERROR: ")
    assert not target.exists()
