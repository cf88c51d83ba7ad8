"""Clients that warp montages and move tiles to other sections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper
from rendergateway.transforms import AffineModel2D
from tests.clients.stacks.conftest import Run, layout, tile
from tests.conftest import SHARED

CLOCKWISE = AffineModel2D([[0.0, -1.0, 900.0], [1.0, 0.0, 50.0]])


@pytest.fixture
def montage(gateway: Gateway) -> StackWrapper:
    """Five tiles on a cross in section 1."""
    montage = gateway.create_stack("montage")
    tiles = [tile(name, 1.0, x).evolve(transforms=[AffineModel2D([[1, 0, x], [0, 1, y]])]) for name, x, y in _CROSS]
    with montage.editing() as edit:
        edit.put(tiles)
    return montage


_CROSS = [("a", 0, 0), ("b", 300, 0), ("c", 0, 300), ("d", 300, 300), ("e", 150, 170)]


@pytest.fixture
def aligned(montage: StackWrapper) -> StackWrapper:
    """All but one of them, turned."""
    aligned = montage.derived_stack("aligned")
    with aligned.editing() as edit:
        edit.apply({name: CLOCKWISE for name, *_ in _CROSS[:4]}, source=montage)
    return aligned


def test_warp__follows_the_aligned_stack(run: Run, gateway: Gateway, aligned: StackWrapper) -> None:
    """Tiles, also those that are not aligned, get one spline that maps the centres."""
    words = ["--stack", "montage", "--alignStack", "aligned", "--targetStack", "warped", "--completeTargetStack"]

    ended = run("WarpTransformClient", *words, "1")

    warped = gateway.stack("warped")
    assert ended.code == 0
    assert warped.state == "COMPLETE"
    assert layout(warped) == {1: ["a", "b", "c", "d", "e"]}
    assert list(warped.tile("e").shared_transforms().ids) == ["1.0_TPS"]
    centre = [50, 40]
    for name in "abcd":
        goal = aligned.tile(name).world_from_local(centre)
        assert warped.tile(name).world_from_local(centre).tolist() == pytest.approx(goal.tolist(), abs=1e-6)


def test_warp__common_tiles_only(run: Run, gateway: Gateway, aligned: StackWrapper) -> None:
    """Tiles that are not in both stacks are left out and named."""
    words = ["--stack", "montage", "--alignStack", "aligned", "--targetStack", "warped"]

    ended = run("WarpTransformClient", *words, "--excludeTilesNotInBothStacks", "1")

    assert ended.code == 0
    assert "tile e is invalid and was not saved: not in the aligned stack" in ended.err
    assert layout(gateway.stack("warped")) == {1: ["a", "b", "c", "d"]}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["2"], "does not contain any matching z values"), (["x"], 'For input string: "x"')],
)
def test_warp__bad_sections(run: Run, aligned: StackWrapper, words: list[str], sentence: str) -> None:
    """Sections that are missing or no numbers end with code 1."""
    ended = run("WarpTransformClient", "--stack", "montage", "--alignStack", "aligned", "--targetStack", "w", *words)

    assert ended.code == 1
    assert sentence in ended.err


def test_warp__equals_the_recorded_one(run: Run, gateway: Gateway) -> None:
    """The parameters of the spline are those of the real client to the last digit."""
    folder = SHARED / "golden-clients"
    if not folder.is_dir():
        pytest.skip("recorded clients (../shared/golden-clients) are not here")
    for name in ("montage", "align"):
        with gateway.create_stack(name).editing() as edit:
            edit.load(folder / "fixtures" / f"example_1_{name}.json", boxes="service")
    recorded = next((folder / "WarpTransformClient/example_1/state").glob("*tps_resolvedTiles.json"))

    words = ["--stack", "montage", "--alignStack", "align", "--targetStack", "tps"]
    ended = run("WarpTransformClient", *words, "3407", "3408")

    assert ended.code == 0
    wanted = json.loads(recorded.read_bytes())["transformIdToSpecMap"]
    for z in ("3407.0", "3408.0"):
        found = gateway.stack("tps").shared_transform(f"{z}_TPS").value.to_spec()
        assert found["dataString"] == wanted[f"{z}_TPS"]["dataString"]


def test_z_values__from_a_file(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """The tiles of a file are moved; short lines and unknown tiles are skipped."""
    path = tmp_path / "z.txt"
    path.write_text("7 t1_0\n\n8.5 t1_1\n7 nobody\n")

    ended = run("ImportTileZValuesClient", "--stack", "acquire", "--dataFile", path)

    assert ended.code == 0
    assert layout(stack) == {1: ["t1_2"], 2: ["t2_0", "t2_1"], 7: ["t1_0"], 8.5: ["t1_1"]}
    assert stack.state == "LOADING"


@pytest.mark.parametrize(("text", "sentence"), [("", "No tile information found"), ("x t1_0", "z value from line 1")])
def test_z_values__bad_files(run: Run, stack: StackWrapper, tmp_path: Path, text: str, sentence: str) -> None:
    """A file without tiles, or with a z that is not a number, changes nothing."""
    path = tmp_path / "z.txt"
    path.write_text(text)

    ended = run("ImportTileZValuesClient", "--stack", "acquire", "--dataFile", path)

    assert ended.code == 1
    assert sentence in ended.err
    assert layout(stack).keys() == {1, 2}


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["--sectionId", "1.0", "--z", "5"], {2: 2, 5: 3}),
        (["--fromZ", "2", "9", "--z", "5"], {1: 3, 5: 2}),
        (["--flattenAllLayers", "--z", "1"], {1: 5}),
        (["--flattenByDivisor", "2"], {0: 3, 1: 2}),
        (
            ["--fromZ", "1", "--z", "5", "--minX", "0", "--minY", "0", "--maxX", "150", "--maxY", "99"],
            {1: 2, 2: 2, 5: 1},
        ),
    ],
)
def test_section_update__in_place(run: Run, stack: StackWrapper, words: list[Any], counts: dict[float, int]) -> None:
    """The chosen tiles are moved, and all others stay."""
    ended = run("SectionUpdateClient", "--stack", "acquire", *words)

    assert ended.code == 0
    assert {z: len(ids) for z, ids in layout(stack).items()} == counts
    assert stack.state == "LOADING"


def test_section_update__into_another_stack(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Moved copies are saved in a derived stack, whose section thickness is set; the source is not changed."""
    words = ["--stack", "acquire", "--targetStack", "flat", "--flattenByDivisor", "2", "--stackResolutionZ", "80"]

    ended = run("SectionUpdateClient", *words, "--completeTargetStack")

    flat = gateway.stack("flat")
    assert ended.code == 0
    assert {z: len(ids) for z, ids in layout(flat).items()} == {0: 3, 1: 2}
    assert (flat.state, list(flat.resolution_nm)) == ("COMPLETE", [4, 4, 80])
    assert layout(stack).keys() == {1, 2}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--sectionId", "1.0"], "must specify either --z or --flattenByDivisor"),
        (["--sectionId", "9.0", "--z", "5"], "No matching section ids or z values were found in acquire"),
        (["--z", "5"], "No matching section ids or z values were found in acquire"),
    ],
)
def test_section_update__bad_input(run: Run, stack: StackWrapper, words: list[str], sentence: str) -> None:
    """Without a target or a matching section nothing changes."""
    ended = run("SectionUpdateClient", "--stack", "acquire", *words)

    assert ended.code == 1
    assert sentence in ended.err
    assert stack.reload().state == "COMPLETE"
