"""StackClient: state and life of stacks."""

from __future__ import annotations

import pytest

from rendergateway import Gateway, NotFoundError, StackWrapper
from tests.clients.stacks.conftest import Run, layout, tile


def test_create__version(run: Run, gateway: Gateway) -> None:
    """All metadata of the version are stored; a second CREATE is a new version that inherits nothing."""
    words = "--versionNotes first --cycleNumber 3 --cycleStepNumber 2 --stackResolutionX 4 --stackResolutionY 5"
    more = "--stackResolutionZ 35 --materializedBoxRootPath /boxes --alignmentQuality 0.5 --defaultChannelName DAPI"

    assert run("StackClient", "--stack", "new", "--action", "CREATE", *words.split(), *more.split()).code == 0

    stack = gateway.stack("new")
    version = stack.version
    assert (version.notes, version.cycle_number, version.cycle_step_number) == ("first", 3, 2)
    assert (stack.resolution_nm, version.box_root_path) == ((4, 5, 35), "/boxes")
    assert (version.alignment_quality, version.default_channel, stack.state) == (0.5, "DAPI", "LOADING")
    assert run("StackClient", "--stack", "new", "--action", "create").code == 0
    stack.reload()
    assert stack.resolution_nm == (None, None, None)


def test_clone__sections(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """A clone has only its own metadata; sections that do not exist are ignored, as by the service."""
    ended = run(
        "StackClient", "--stack", "acquire", "--action", "CLONE", "--cloneResultStack", "copy", "--cloneResultProject",
        "tests", "--stackResolutionZ", 7, "--zValues", "2", "9.0",
    )  # fmt: skip

    copy = gateway.stack("copy", project="tests")
    assert ended.code == 0
    assert (layout(copy), copy.resolution_nm, copy.state) == ({2.0: ["t2_0", "t2_1"]}, (None, None, 7), "LOADING")


@pytest.mark.parametrize(
    ("action", "option"), [("CLONE", "--cloneResultStack"), ("RENAME", "--renamedStack"), ("SET_STATE", "--stackState")]
)
def test_action__missing_value(run: Run, stack: StackWrapper, action: str, option: str) -> None:
    """An action names the option that it needs."""
    ended = run("StackClient", "--stack", "acquire", "--action", action)

    assert (ended.code, ended.err) == (1, f"ERROR: missing {option} value\n")


def test_delete__sections_and_section_id(run: Run, stack: StackWrapper) -> None:
    """Layers and one section id are deleted, not the layer of the section id."""
    with stack.editing(complete=False) as edit:
        edit.put([tile("merged", 2.0, 900.0, section_id="again"), tile("third", 3.0, 0.0)])

    words = ["--stack", "acquire", "--action", "DELETE"]
    assert run("StackClient", *words, "--zValues", 1, "--sectionId", "again").code == 0
    assert layout(stack) == {2.0: ["t2_0", "t2_1"], 3.0: ["third"]}

    assert run("StackClient", *words, "--sectionId", "3.0").code == 0
    assert layout(stack) == {2.0: ["t2_0", "t2_1"]}

    assert run("StackClient", *words).code == 0
    with pytest.raises(NotFoundError):
        stack.reload()


def test_delete__bad_z(run: Run, stack: StackWrapper) -> None:
    """Nothing is deleted if a z is not a number."""
    ended = run("StackClient", "--stack", "acquire", "--action", "DELETE", "--zValues", "1", "x")

    assert (ended.code, ended.err) == (1, "ERROR: --zValues must be numbers: got 1, x\n")
    assert layout(stack) == {1.0: ["t1_0", "t1_1", "t1_2"], 2.0: ["t2_0", "t2_1"]}


def test_state__offline(run: Run, stack: StackWrapper) -> None:
    """OFFLINE drops the tiles."""
    assert run("StackClient", "--stack", "acquire", "--action", "SET_STATE", "--stackState", "OFFLINE").code == 0

    stack.reload()
    assert (stack.state, stack.section(1).tile_count) == ("OFFLINE", 0)


def test_rename__owner_and_project(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """A stack moves to another owner and project."""
    words = ["--renamedOwner", "other", "--renamedProject", "p", "--renamedStack", "s"]

    assert run("StackClient", "--stack", "acquire", "--action", "RENAME", *words).code == 0

    assert gateway.stack("other/p/s").tile_count == 5
