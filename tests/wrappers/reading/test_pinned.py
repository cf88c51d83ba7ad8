"""A stack that must not change while it is read."""

from __future__ import annotations

import pickle

import pytest

from rendergateway import (
    ClosedGatewayError,
    ConfigurationError,
    Gateway,
    StackStateError,
    StackWrapper,
    StaleStackError,
)
from tests.wrappers.conftest import tile


def test_pinned__looks_after_each_request(stack: StackWrapper, gateway: Gateway) -> None:
    """Each request of the stack's objects is followed by a look at its version."""
    with stack.pinned() as fixed, fixed._conn.counting() as requests:
        areas = [section.bounds.area for section in fixed.sections() if section.bounds]

    assert len(areas) == 3
    assert requests == [
        *["stack.z_values", "stack.read"],
        *["stack.section_data", "stack.read"],
    ]


def test_pinned__is_counted(stack: StackWrapper, gateway: Gateway) -> None:
    """Requests of a pinned stack, and the looks at its version, are counted where the gateway's are."""
    with gateway.counting() as requests, stack.pinned() as fixed:
        assert len(fixed.section(1).tiles()) == 2

    assert requests == ["stack.read", "section.resolved_tiles", "stack.read"]


def test_pinned__changed_meanwhile(stack: StackWrapper, gateway: Gateway) -> None:
    """Each request after a change raises an error that names both versions."""
    with stack.pinned() as fixed:
        assert len(fixed.section(1).tiles()) == 2
        with stack.editing() as edit:
            edit.put([tile("new", 1, 500)])
        for read in (lambda: len(fixed.section(2).tiles()), lambda: fixed.reload(), lambda: fixed.tile("t1_0").z):
            with pytest.raises(
                StaleStackError, match=r"montage changed while it was pinned: version 0 .* now version 1"
            ):
                read()

    assert len(stack.section(1).tiles()) == 3


def test_pinned__deleted_meanwhile(stack: StackWrapper) -> None:
    """A stack that is made anew is another one."""
    with stack.pinned() as fixed:
        stack.rename("elsewhere")
        with pytest.raises(Exception, match="does not exist"):
            fixed.sections().load()


def test_pinned__other_stacks_are_free(stack: StackWrapper, gateway: Gateway) -> None:
    """Reads of other stacks are not checked."""
    other = gateway.create_stack("other")
    with stack.pinned() as fixed, fixed._conn.counting() as requests:
        assert sorted(fixed.project.stacks().ids) == ["montage", "other"]
        fixed._conn.stack("other").reload()
    assert requests == ["project.stacks", "stack.read"]
    assert other.state == "LOADING"


def test_pinned__what_was_read_before_is_read_again(stack: StackWrapper, gateway: Gateway) -> None:
    """Data read before the stack was pinned is not reused for it."""
    tiles = stack.section(1).tiles().load()

    with stack.pinned() as fixed, fixed._conn.counting() as requests:
        held = fixed.section(1).tiles()
        assert held.ids == tiles.ids

    assert "section.resolved_tiles" in requests
    assert fixed == stack


def test_pinned__ends_with_the_block(stack: StackWrapper) -> None:
    """After the block, loaded data stays; new reads raise."""
    with stack.pinned() as fixed:
        tiles = fixed.section(1).tiles().load()

    assert tiles[0].z == 1
    with pytest.raises(ClosedGatewayError):
        fixed.section(2).tiles().load()
    assert len(stack.section(2).tiles()) == 2


def test_pinned__loading(gateway: Gateway) -> None:
    """The tiles of a LOADING stack change without a trace, so that it cannot be held."""
    with pytest.raises(StackStateError, match="change without a trace"), gateway.create_stack("open").pinned():
        pass


def test_pinned__does_not_travel(stack: StackWrapper) -> None:
    """A pinned stack cannot be pickled: another process would not check it."""
    with stack.pinned() as fixed, pytest.raises(ConfigurationError, match="pin it in the other process"):
        pickle.dumps(fixed)
