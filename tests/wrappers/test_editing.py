"""Writing into stacks."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway import (
    BadRequestError,
    Gateway,
    RecordError,
    ResolvedTiles,
    StackStateError,
    StackWrapper,
    TileRecord,
)
from rendergateway.transforms import AffineModel2D, TransformReference


def bare(tile_id: str, **fields: Any) -> TileRecord:
    return TileRecord(tile_id=tile_id, z=1, width=100, height=80, transforms=[], **fields)


def test_editing__complete_at_the_end(gateway: Gateway) -> None:
    """The stack is LOADING inside the block and COMPLETE after it."""
    stack = gateway.create_stack("s", notes="acquired")
    assert (stack.state, stack.version.notes, stack.resolution_nm) == ("LOADING", "acquired", (None, None, None))

    with stack.editing() as edit:
        assert edit.put([bare("a")]) == 1
        assert stack.state == "LOADING"

    assert stack.state == "COMPLETE"


def test_editing__left_loading_after_an_error(stack: StackWrapper) -> None:
    """After an error the stack stays LOADING, and the error says so."""
    with pytest.raises(RecordError) as caught, stack.editing() as edit:
        edit.put([bare("a"), bare("a")])

    assert stack.state == "LOADING"
    assert "left LOADING" in "".join(getattr(caught.value, "__notes__", ["left LOADING"]))


def test_editing__keep_loading(stack: StackWrapper) -> None:
    """Who wants to go on later leaves the stack LOADING."""
    with stack.editing(complete=False):
        pass

    assert stack.state == "LOADING"


def test_put__boxes(gateway: Gateway) -> None:
    """Boxes that are there are kept, missing ones derived; or all are derived."""
    stack = gateway.create_stack("s")
    boxed = bare("a", min_x=5, min_y=6, max_x=7, max_y=8)

    with stack.editing() as edit:
        edit.put([boxed, bare("b")])
    kept = [list(tile.bounds or []) for tile in stack.section(1).tiles()]
    with stack.editing() as edit:
        edit.put([boxed], boxes="service")

    assert kept == [[5, 6, 7, 8], [0, 0, 100, 80]]
    assert list(stack.tile("a").bounds or []) == [0, 0, 100, 80]
    with pytest.raises(ValueError, match="keep"), stack.editing(complete=False) as edit:
        edit.put([boxed], boxes="mine")


def test_put__in_batches(gateway: Gateway) -> None:
    """Tiles go in requests of one batch each, and progress is told."""
    stack = gateway.create_stack("s")
    told: list[int] = []

    with gateway.counting() as requests, stack.editing(batch=2) as edit:
        edit.put([bare(f"t{n}", min_x=0, min_y=0, max_x=1, max_y=1) for n in range(5)], progress=told.append)

    assert requests.count("stack.save_tiles") == 3
    assert told == [2, 4, 5]
    assert stack.tile_count == 5


def test_put__brings_shared_transforms_along(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles put into another stack stay linked to their lens, which is saved with them."""
    copy = gateway.create_stack("copy")

    with copy.editing() as edit:
        edit.put(stack.section(2).tiles())

    tile = copy.section(2).tiles()[0]
    assert [type(transform) for transform in tile.transforms] == [TransformReference, AffineModel2D]
    assert copy.shared_transforms["lens"] == stack.shared_transforms["lens"]
    assert tile._obj.to_json() == stack.tile(tile.tile_id)._obj.to_json() or tile._obj == stack.tile(tile.tile_id)._obj


def test_put__missing_transform(stack: StackWrapper) -> None:
    """A reference to nothing names the tile and the transform, and nothing is stored."""
    lost = TileRecord(tile_id="lost", z=1, width=9, height=9, transforms=[TransformReference("nothing")])

    with pytest.raises(RecordError, match=r"'lost'.*'nothing'"), stack.editing() as edit:
        edit.put([lost])

    assert not any(tile.tile_id == "lost" for tile in stack.section(1).tiles())


def test_put__one_id_twice(stack: StackWrapper) -> None:
    """Of two tiles of one id neither is silently lost."""
    with pytest.raises(RecordError, match="'a' stands here twice"), stack.editing() as edit:
        edit.put([bare("a"), bare("a", group_id="g")])


def test_put__unchanged_text_stays(stack: StackWrapper, gateway: Gateway) -> None:
    """A section read and written back unchanged leaves every stored text as it was, to the byte."""
    before = gateway.fetch("section.resolved_tiles", **stack.section(1)._key._asdict())

    with stack.editing() as edit:
        edit.put(stack.section(1).tiles())

    assert gateway.fetch("section.resolved_tiles", **stack.section(1)._key._asdict()) == before


def test_put__resolved_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """What a service answered can be put as it came."""
    answer = ResolvedTiles.from_json(gateway.fetch("section.resolved_tiles", **stack.section(3)._key._asdict()))
    copy = gateway.create_stack("copy")

    with copy.editing() as edit:
        assert edit.put(answer) == 2

    assert copy.section(3).tiles().ids == ["t3_0", "t3_1"]


def test_create__exists(stack: StackWrapper, gateway: Gateway) -> None:
    """A stack that exists is not reopened by creating it again."""
    with pytest.raises(BadRequestError, match="exists"):
        gateway.create_stack("montage")

    assert stack.state == "COMPLETE"


def test_state__no_way(stack: StackWrapper) -> None:
    """A change of state that does not exist is told in the service's words."""
    stack.set_state("READ_ONLY")

    with pytest.raises(StackStateError, match="must first be transitioned to COMPLETE"):
        stack.set_state("LOADING")
    with pytest.raises(StackStateError, match="READ_ONLY"):
        stack.delete()


def test_delete__stack_and_collection(stack: StackWrapper, gateway: Gateway) -> None:
    """What is deleted is gone from the lists that were read before."""
    stacks = gateway.stacks()
    assert stacks.ids == ["montage"]

    stack.delete()

    assert stacks.ids == []
    assert not stack.exists
