"""CopyStackClient and DeltaStackClient: tiles of one stack in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper
from tests.clients.stacks.conftest import Run, layout, tile

COPY = ["--fromStack", "acquire", "--toStack", "copy"]
ALL = {1.0: ["t1_0", "t1_1", "t1_2"], 2.0: ["t2_0", "t2_1"]}


def test_copy__all_sections(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Without z all sections are copied; the target has the resolution, its notes, and is LOADING."""
    assert run("CopyStackClient", *COPY, "--toOwner", "other", "--toProject", "p").code == 0

    copy = gateway.stack("other/p/copy")
    assert (layout(copy), copy.state, copy.resolution_nm) == (ALL, "LOADING", (4, 4, 40))
    assert copy.version.notes is not None
    assert copy.version.notes.startswith("derived from ")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--minX", 0, "--maxX", 150, "--minY", 0, "--maxY", 50], {1.0: ["t1_0"], 2.0: ["t2_0"]}),
        (["--excludedTileIds", "t1_0", "t2_1"], {1.0: ["t1_1", "t1_2"], 2.0: ["t2_0"]}),
        (["--excludedCell", "1,0", "2,1"], {1.0: ["t1_1", "t1_2"], 2.0: ["t2_0"]}),
        (["--excludedCell", "1,0", "2,1", "--minZForExcludedCells", 2], {1.0: ALL[1.0], 2.0: ["t2_0"]}),
        (["--excludedCell", "1,0", "2,1", "--maxZForExcludedCells", 1.5], {1.0: ["t1_1", "t1_2"], 2.0: ALL[2.0]}),
        (["--excludeTileIdsMissingFromStacks", "first", "second"], {1.0: ["t1_2"], 2.0: ["t2_0"]}),
        (["--z", 2, "--addToZ", 0.5], {2.5: ALL[2.0]}),
        (["--z", 1, "--excludedTileIds", "t1_0", "t1_1", "t1_2"], {}),
    ],
)
def test_copy__filters(
    run: Run, gateway: Gateway, stack: StackWrapper, words: list[Any], kept: dict[float, Any]
) -> None:
    """Tiles are chosen by box, id, cell and the tiles of other stacks."""
    with gateway.create_stack("first").editing() as edit:
        edit.put([tile("t1_2", 1.0, 0), tile("elsewhere", 1.0, 0)])
    with gateway.create_stack("second").editing() as edit:
        edit.put([tile("t1_0", 1.0, 0), tile("t2_0", 2.0, 0)])

    assert run("CopyStackClient", *COPY, *words).code == 0

    assert layout(gateway.stack("copy")) == kept


def test_copy__filters_of_files(run: Run, gateway: Gateway, stack: StackWrapper, tmp_path: Path) -> None:
    """Ids and cells come from files; the file of cells replaces the options."""
    (tmp_path / "ids.json").write_text(json.dumps(["t1_0", "t1_1", "t2_0"]))
    (tmp_path / "cells.json").write_text(json.dumps([{"cellIds": ["1,0"], "minZ": 1, "maxZ": 1}, {"cellIds": ["9,9"]}]))
    words = ["--includedTileIdsJson", tmp_path / "ids.json", "--excludedCellsJson", tmp_path / "cells.json"]

    assert run("CopyStackClient", *COPY, *words, "--excludedCell", "2,0").code == 0

    assert layout(gateway.stack("copy")) == {1.0: ["t1_1"], 2.0: ["t2_0"]}


def test_copy__stage(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """The last transform is the stage position, and the box follows."""
    assert (
        run("CopyStackClient", *COPY, "--z", 1, "--replaceLastTransformWithStage", "--completeToStackAfterCopy").code
        == 0
    )

    copy = gateway.stack("copy")
    assert (copy.state, tuple(copy.tile("t1_1").bounds or ())) == ("COMPLETE", (200, 500, 300, 580))
    assert copy.tile("t1_1").transforms[-1].to_spec()["dataString"] == "1 0 0 1 200.0 500.0"


def test_copy__existing_sections(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """The sections that are copied are replaced, unless they are kept; the others stay."""
    for words, found in ([], {1.0: ALL[1.0], 2.0: ["old"]}), (["--keepExisting"], {1.0: ALL[1.0], 2.0: ["old"]}):
        with gateway.create_stack("copy", exist_ok=True).editing() as edit:
            edit.put([tile("old", 2.0, 0)])
        assert run("CopyStackClient", *COPY, "--z", 1, *words).code == 0
        assert layout(gateway.stack("copy")) == found
    assert run("CopyStackClient", *COPY, "--z", 2, "--keepExisting").code == 0
    assert layout(gateway.stack("copy"))[2.0] == ["old", "t2_0", "t2_1"]
    assert run("CopyStackClient", *COPY, "--z", 2).code == 0
    assert layout(gateway.stack("copy")) == ALL


def test_copy__split_sections(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Section ids get layers of their own, up to a number of them."""
    with stack.editing() as edit:
        edit.put([tile("again", 2.0, 0.0, section_id="10"), tile("more", 2.0, 0.0, section_id="3")])
    words = ["--z", 2, "--splitMergedSections", "--maxSectionsPerOriginalZ"]

    assert run("CopyStackClient", *COPY, *words, 4).code == 0
    copy = gateway.stack("copy")
    assert (layout(copy), copy.resolution_nm) == ({8.0: ["again"], 9.0: ALL[2.0], 10.0: ["more"]}, (4, 4, 10))

    ended = run("CopyStackClient", "--fromStack", "acquire", "--toStack", "less", *words, 2)
    assert (ended.code, "3 sections exist for z 2" in ended.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--minX", "1"], "since one or more of minX (1.0), maxX (null), minY (null), maxY (null) is specified"),
        (["--moveToOrigin", "--replaceLastTransformWithStage"], "please choose either --moveToOrigin or"),
        (["--addToZ", "1", "--splitMergedSections"], "--addToZ may not be specified when --splitMergedSections"),
        (["--splitMergedSections", "--maxSectionsPerOriginalZ", "0"], "--maxSectionsPerOriginalZ must be specified"),
        (["--excludedCell", "1,x"], "invalid cell value: got '1,x'"),
        (["--includedTileIdsJson", "lost.json"], "lost.json (No such file or directory)"),
        (["--excludedCellsJson", "lost.json"], "lost.json (No such file or directory)"),
    ],
)
def test_copy__bad_options(run: Run, gateway: Gateway, stack: StackWrapper, words: list[str], sentence: str) -> None:
    """Options that cannot be followed are reported before the target is created."""
    ended = run("CopyStackClient", *COPY, *words)

    assert (ended.code, sentence in ended.err) == (1, True), ended.err
    assert not gateway.stack("copy").exists


@pytest.mark.parametrize("content", ["{}", '[{"cellIds": ["1"]}]', '[{"cellIds": 3}]', "[1]"])
def test_copy__bad_file_of_cells(run: Run, stack: StackWrapper, tmp_path: Path, content: str) -> None:
    """The error names the file."""
    (tmp_path / "cells.json").write_text(content)

    ended = run("CopyStackClient", *COPY, "--excludedCellsJson", tmp_path / "cells.json")

    assert (ended.code, "cells.json is not a JSON array of excluded cells" in ended.err) == (1, True), ended.err


def test_copy__bounds_are_needed(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """A stack that is LOADING has no bounds, or no section data, and no target is created."""
    with gateway.create_stack("open").editing(complete=False) as edit:
        edit.put([tile("a", 1.0, 0)])
    for words, sentence in (
        (["--moveToOrigin"], "has no bounds"),
        (["--splitMergedSections"], "section data not aggregated"),
    ):
        ended = run("CopyStackClient", "--fromStack", "open", "--toStack", "copy", *words)
        assert (ended.code, sentence in ended.err) == (1, True), ended.err
    assert not gateway.stack("copy").exists


def test_copy__read_only_target(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """A READ_ONLY stack is not written to."""
    stack.copy_to("copy").set_state("READ_ONLY")

    ended = run("CopyStackClient", *COPY)

    assert (ended.code, ended.err) == (1, "ERROR: copy stack state is READ_ONLY and cannot be changed\n")


def test_delta__tiles_of_no_other_stack(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Tiles of the named stacks are left out, and a section without others; what the target has stays."""
    stack.copy_to("montage", edit=lambda tiles: tiles[tiles.tile_id != "t1_1"])
    with gateway.create_stack("copy").editing() as edit:
        edit.put([tile("old", 1.0, 0)])

    assert run("DeltaStackClient", *COPY, "--excludeTileIdsInStacks", "montage", "--completeToStackAfterCopy").code == 0

    copy = gateway.stack("copy")
    assert (layout(copy), copy.state) == ({1.0: ["old", "t1_1"]}, "COMPLETE")
    ended = run("DeltaStackClient", *COPY, "--excludeTileIdsInStacks", "lost")
    assert (ended.code, "'lost'" in ended.err or "lost" in ended.err) == (1, True)


def test_delta__consolidated(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """The tiles of a section lie in a grid, 100 pixels apart, each with one translation."""
    stack.copy_to("montage", sections=2)

    assert run("DeltaStackClient", *COPY, "--excludeTileIdsInStacks", "montage", "--consolidateForReview").code == 0

    copy = gateway.stack("copy")
    assert [tuple(one.bounds or ()) for one in copy.section(1).tiles()] == [
        (0, 0, 100, 80), (200, 0, 300, 80), (0, 180, 100, 260)
    ]  # fmt: skip
    assert copy.tile("t1_2").transforms[0].to_spec()["dataString"] == "0 180"
