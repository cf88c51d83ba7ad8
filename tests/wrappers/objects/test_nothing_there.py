"""Missing and empty: an unknown stack is an error, an empty one is empty, whatever status the service returns."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway import Bounds, Gateway, NotFoundError, StackWrapper
from tests.wrappers.objects.documented import table_below

# Calls on a whole stack, and calls that select nothing.
WHOLE = ("stack.sections()", "stack.tiles()", "stack.tile_groups()", "list(stack.iter_tiles())")
CHOSEN = (
    "stack.sections(z=(9, None))",
    "stack.section(9).tiles()",
    "stack.section(9).section_ids",
    "stack.section(9).tile_count",
    "stack.section(9).bounds",
    "list(stack.section(9).iter_tiles())",
    "stack.tiles(z=9)",
    "stack.tiles(z=(8, 9))",
    "stack.tiles(box=Bounds(1e6, 0, 2e6, 9))",
    "stack.tiles(z=1, box=Bounds(1e6, 0, 2e6, 9))",
    'stack.tiles(section_id="9.0")',
    'stack.tiles(pattern="nothing")',
    'stack.tile_group("nothing").tiles()',
)
# One thing by name is there or not.
NAMED = (
    'stack.section(section_id="9.0")',
    'stack.tile("nothing").load()',
    'stack.shared_transform("nothing").load()',
    'stack.tile("nothing").neighbours()',
)
# Owners and projects are parts of names: they exist only in names of stacks and collections.
ABOVE = (
    'gateway.owner("nobody").projects()',
    'gateway.owner("nobody").stacks()',
    'gateway.owner("nobody").match_collections()',
    'gateway.project("nothing").stacks()',
    'gateway.stacks(owner="nobody", project="nothing")',
)


def evaluated(call: str, stack: StackWrapper) -> Any:
    return eval(call, {"stack": stack, "gateway": stack._conn, "Bounds": Bounds})


@pytest.mark.parametrize("call", [*WHOLE, *CHOSEN, *NAMED, "stack.load()", "stack.state", "stack.bounds"])
@pytest.mark.parametrize("name", ["nobody/nothing/nowhere", "lab/nothing/nowhere", "lab/cortex/nowhere"])
def test_unknown_stack(call: str, name: str, stack: StackWrapper, gateway: Gateway) -> None:
    """Any read of an unknown stack is an error, whether owner, project or stack is unknown."""
    with pytest.raises(NotFoundError):
        _ = len(found) if hasattr(found := evaluated(call, gateway.stack(name)), "__len__") else found


@pytest.mark.parametrize("call", ABOVE)
def test_unknown_names_above(call: str, stack: StackWrapper) -> None:
    """Names without stacks have none."""
    assert len(evaluated(call, stack)) == 0


@pytest.mark.parametrize("call", [*WHOLE, *CHOSEN])
@pytest.mark.parametrize("state", ["LOADING", "OFFLINE"])
def test_stack_without_tiles(call: str, state: str, gateway: Gateway, stack: StackWrapper) -> None:
    """A stack that has no tiles, because it never had or went OFFLINE, is empty."""
    if state == "LOADING":
        stack = gateway.create_stack("bare")
    else:
        stack.set_state("OFFLINE")

    assert not evaluated(call, stack)


@pytest.mark.parametrize("call", CHOSEN)
@pytest.mark.parametrize("state", ["COMPLETE", "LOADING", "READ_ONLY"])
def test_nothing_of_that_kind(call: str, state: str, stack: StackWrapper) -> None:
    """If a stack has tiles but none requested, the result is empty, in every state."""
    stack.set_state(state)

    assert not evaluated(call, stack)


@pytest.mark.parametrize("call", WHOLE[:2])
@pytest.mark.parametrize("state", ["COMPLETE", "LOADING", "READ_ONLY"])
def test_tiles_are_there(call: str, state: str, stack: StackWrapper) -> None:
    """Tiles are listed in every state that has tiles."""
    stack.set_state(state)

    assert len(evaluated(call, stack)) in (3, 6)


@pytest.mark.parametrize("call", NAMED)
def test_one_thing_that_is_not_there(call: str, stack: StackWrapper) -> None:
    """A missing object asked for by name is an error."""
    with pytest.raises(NotFoundError):
        evaluated(call, stack)


def test_reopened_stack__rows_are_live(stack: StackWrapper, gateway: Gateway) -> None:
    """The section rows of a stack that was reopened are those of its tiles now, not of the last COMPLETE."""
    assert [section.tile_count for section in stack.sections()] == [2, 2, 2]
    stack.set_state("LOADING")
    stack.section(1).delete()
    with stack.editing(complete=False) as edit:
        edit.put([stack.tile("t2_0")._obj.evolve(tile_id="more")])

    rows = [(section.z, section.tile_count, section.section_ids) for section in stack.sections()]

    assert rows == [(2.0, 3, ["2.0"]), (3.0, 2, ["3.0"])]
    assert stack.section(1).tile_count == 0


def test_the_docs_show_the_same() -> None:
    """The table of docs/objects.md lists the calls tested, and their results."""
    rows = {call.strip("`"): tuple(cells) for call, *cells in table_below("Nothing there")}

    error, empty = "`NotFoundError`", "empty"
    assert rows == {
        **dict.fromkeys(WHOLE, (error, empty, "all there are")),
        **dict.fromkeys(CHOSEN, (error, empty, empty)),
        **dict.fromkeys(NAMED, (error, error, error)),
        **dict.fromkeys(ABOVE, (empty, "", "")),
    }
