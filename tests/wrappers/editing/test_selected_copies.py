"""Copies of some tiles, and copies that move tiles."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway import (
    BadRequestError,
    Cells,
    Gateway,
    Layout,
    NotFoundError,
    RecordError,
    StackWrapper,
    TileChanges,
    TileRecord,
    TileSelection,
)
from rendergateway.model.records.stacks import SectionRecord
from tests.wrappers.conftest import LENS, tile


def ids_of(stack: StackWrapper) -> list[str]:
    return [tile_id for section in stack.sections() for tile_id in section.tiles().ids]


# Selections


@pytest.mark.parametrize(
    ("criteria", "kept"),
    [
        ({"box": (0, 0, 50, 50)}, ["t1_0", "t2_0", "t3_0"]),
        ({"box": (500, 0, 501, 1)}, []),
        # The boxes end at x = 101 and begin at y = 2.
        ({"box": (101, 0, 102, 2)}, ["t1_0", "t1_1", "t2_0", "t2_1", "t3_0", "t3_1"]),
        ({"ids": ["t2_1", "t3_0", "lost"]}, ["t2_1", "t3_0"]),
        ({"ids": []}, []),
        ({"without": ["t1_0", "t1_1", "t2_0"]}, ["t2_1", "t3_0", "t3_1"]),
        ({"without_cells": Cells([(0, 0), (7, 1)])}, ["t1_1", "t2_1", "t3_1"]),
        ({"without_cells": [Cells([(0, 0)], min_z=2, max_z=2)]}, ["t1_0", "t1_1", "t2_1", "t3_0", "t3_1"]),
        ({"box": (0, 0, 50, 50), "without": ["t1_0"]}, ["t2_0", "t3_0"]),
    ],
)
def test_keep__criteria(stack: StackWrapper, criteria: dict[str, Any], kept: list[str]) -> None:
    """Tiles that meet all criteria are copied as they are; sections without any are not there."""
    copy = stack.copy_to("part", keep=TileSelection(**criteria), complete=False)

    assert ids_of(copy) == kept
    if kept:
        assert copy.tile(kept[-1])._obj.to_json() == stack.tile(kept[-1])._obj.to_json()


def test_keep__tiles_of_other_stacks(stack: StackWrapper, gateway: Gateway) -> None:
    """Per section the first stack with tiles in it decides; all tiles are kept if none has any."""
    first = stack.copy_to("first", keep=TileSelection(ids=["t1_0"]))
    second = stack.copy_to("second", keep=TileSelection(ids=["t1_1", "t2_1"]))

    assert ids_of(stack.copy_to("both", keep=TileSelection(only_in=[first, second]))) == [
        "t1_0",
        "t2_1",
        "t3_0",
        "t3_1",
    ]
    assert ids_of(stack.copy_to("delta", keep=TileSelection(not_in=[first, second]))) == ["t2_0", "t3_0", "t3_1"]
    with pytest.raises(NotFoundError, match="lost"):
        stack.copy_to("none", keep=TileSelection(not_in=gateway.stack("lost")))


def test_selection__wrong_values() -> None:
    """A single id, cells that are not pairs, and stacks that are none are errors of the caller."""
    with pytest.raises(TypeError, match="pass one id in a list"):
        TileSelection(ids="t1_0")
    with pytest.raises(TypeError, match="pairs"):
        Cells([(1, 2, 3)])
    with pytest.raises(TypeError, match="stack must be"):
        TileSelection(only_in=["montage"])


# Changes


def test_change__z(stack: StackWrapper) -> None:
    """Tiles move by a number of sections; boxes and transforms stay."""
    copy = stack.copy_to("moved", change=TileChanges(add_to_z=0.5))

    assert copy.sections().ids == [1.5, 2.5, 3.5]
    assert copy.tile("t1_0").bounds == stack.tile("t1_0").bounds


def test_change__split_sections(gateway: Gateway) -> None:
    """Section ids of a layer, ordered by text, get layers of their own; the sections of the copy are thinner."""
    stack = gateway.create_stack("merged", resolution_nm=(4, 4, 40))
    names = {"a": "9", "b": "10", "c": "9"}
    with stack.editing() as edit:
        edit.put([tile(name, 2.0, 0, section_id=name_of) for name, name_of in names.items()], transforms={"lens": LENS})

    copy = stack.copy_to("apart", change=TileChanges(split_sections=10))

    assert {one.tile_id: one.z for one in copy.tiles()} == {"a": 21.0, "b": 20.0, "c": 21.0}
    assert (copy.resolution_nm, stack.resolution_nm) == ((4, 4, 4), (4, 4, 40))
    with pytest.raises(RecordError, match="2 sections exist for z 2"):
        stack.copy_to("too_many", change=TileChanges(split_sections=1))
    assert not gateway.stack("too_many").exists


def test_change__order_of_sections(stack: StackWrapper) -> None:
    """Section ids are ordered as text, in whatever order the service lists them."""
    rows = [SectionRecord(section_id=name, z=3.0) for name in ("9", "10", "1")]

    prepared = TileChanges(split_sections=3).prepared(stack._obj, lambda: rows)

    assert prepared.z_of == {(3.0, "1"): 9.0, (3.0, "10"): 10.0, (3.0, "9"): 11.0}


def test_change__to_origin(stack: StackWrapper, gateway: Gateway) -> None:
    """One shared transform after all others moves the bounds to (10, 10); a stack that is there stays."""
    with stack.editing() as edit:
        edit.put([tile("far", 4.0, -500.0)], transforms={"lens": LENS})
    box = stack.bounds
    assert box is not None

    copy = stack.copy_to("moved", change=TileChanges(to_origin=True))

    assert copy.bounds is not None
    assert tuple(copy.bounds)[:2] == (10, 10)
    assert (copy.bounds.width, copy.bounds.height) == (box.width, box.height)
    spec = copy.tile("far").transforms[-1].to_spec()
    assert spec["refId"].startswith("MOVE_STACK_")
    assert copy.shared_transforms.text(spec["refId"]).count(b'"1 0 0 1 509.0 8.0"') == 1
    again = copy.copy_to("again", change=TileChanges(to_origin=True))
    assert again.tile("far").transforms == copy.tile("far").transforms
    gateway.create_stack("empty")
    with pytest.raises(BadRequestError, match="has no bounds"):
        gateway.stack("empty").copy_to("none", change=TileChanges(to_origin=True))


def test_change__at_stage(gateway: Gateway) -> None:
    """The last transform becomes a translation to the stage position, the box follows; a tile without one is named."""
    stack = gateway.create_stack("raw")
    placed = tile("a", 1.0, 5.0).evolve(layout=Layout(section_id="1.0", stage_x=1000.25, stage_y=2000))
    with stack.editing() as edit:
        edit.put([placed, tile("b", 2.0, 5.0)], transforms={"lens": LENS})

    copy = stack.copy_to("stage", sections=1, change=TileChanges(at_stage=True))

    last = copy.tile("a").transforms[-1].to_spec()
    assert (last["dataString"], len(copy.tile("a").transforms)) == ("1 0 0 1 1000.25 2000.0", 2)
    assert tuple(copy.tile("a").bounds or ()) == (1001, 2002, 1101, 2082)
    with pytest.raises(RecordError, match="tile 'b' has no stage position"):
        stack.copy_to("none", change=TileChanges(at_stage=True))


def test_change__in_grid(gateway: Gateway) -> None:
    """Tiles of a section lie in rows, ordered by id, below the highest tile of the row before."""
    stack = gateway.create_stack("raw")
    sizes = {"e": (100, 50), "a": (10, 20), "b": (30, 200), "c": (5, 5), "d": (7, 7)}
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=name, z=1, width=w, height=h) for name, (w, h) in sizes.items()])

    copy = stack.copy_to("review", change=TileChanges(in_grid=True))

    corners = {one.tile_id: tuple(one.bounds or ())[:2] for one in copy.tiles()}
    assert corners == {"a": (0, 0), "b": (110, 0), "c": (240, 0), "d": (0, 300), "e": (107, 300)}
    assert [one.to_spec()["dataString"] for one in copy.tile("e").transforms] == ["107 300"]


@pytest.mark.parametrize(
    "changes", [{"to_origin": True, "at_stage": True}, {"split_sections": 2, "add_to_z": 1}, {"split_sections": 0}]
)
def test_changes__exclude_each_other(changes: dict[str, Any]) -> None:
    """Changes of the same property exclude each other."""
    with pytest.raises(ValueError, match=r"exclude|split_sections"):
        TileChanges(**changes)


# Existing stacks


def test_existing__append_and_replace(stack: StackWrapper) -> None:
    """Tiles are added to a stack, or its sections replaced; the other sections stay, and the metadata it has."""
    other = stack.copy_to("other", edit=lambda tiles: tiles.evolve(tile_id=[f"old_{one}" for one in tiles.tile_id]))
    other.update(resolution_nm=(1, 1, 1))

    stack.copy_to("other", sections=1, keep=TileSelection(ids=["t1_0"]), existing="append")
    stack.copy_to("other", sections=2, keep=TileSelection(ids=["t2_0"]), existing="replace")

    assert ids_of(other) == ["old_t1_0", "old_t1_1", "t1_0", "t2_0", "old_t3_0", "old_t3_1"]
    assert (other.state, other.resolution_nm) == ("COMPLETE", (1, 1, 1))


def test_existing__replaced_sections(stack: StackWrapper) -> None:
    """Sections that tiles move to are replaced, those that they leave are kept; a selection of none empties one."""
    other = stack.copy_to("other", edit=lambda tiles: tiles.evolve(tile_id=[f"old_{one}" for one in tiles.tile_id]))

    stack.copy_to("other", sections=1, change=TileChanges(add_to_z=1), existing="replace")
    stack.copy_to("other", sections=3, keep=TileSelection(ids=[]), existing="replace")

    assert ids_of(other) == ["old_t1_0", "old_t1_1", "t1_0", "t1_1"]


def test_existing__sections_joined(stack: StackWrapper) -> None:
    """A section that tiles of several sections move to is emptied once."""
    other = stack.copy_to("other", edit=lambda tiles: tiles.evolve(tile_id=[f"old_{one}" for one in tiles.tile_id]))

    stack.copy_to("other", edit=lambda tiles: tiles.evolve(z=1), existing="replace", workers=1)

    assert other.section(1).tiles().ids == sorted(ids_of(stack))


def test_existing__missing_metadata(stack: StackWrapper, gateway: Gateway) -> None:
    """A stack without resolution gets that of the source."""
    gateway.create_stack("bare")

    assert stack.copy_to("bare", existing="append").resolution_nm == (4, 4, 40)


def test_existing__failed(stack: StackWrapper) -> None:
    """A section whose tiles cannot be changed is not emptied; the note is that the copy may be repeated."""
    with stack.editing() as edit:
        edit.put([one._obj.evolve(layout=Layout(stage_x=0, stage_y=0)) for one in stack.section(1).tiles()])
    other = stack.copy_to("other")

    with pytest.raises(RecordError, match="no stage position") as caught:
        stack.copy_to("other", change=TileChanges(at_stage=True), existing="replace", workers=1)

    assert caught.value.__notes__[-1] == "1 of 3 sections were copied; the same copy may be repeated"
    assert ids_of(other) == ids_of(stack)


def test_existing__refused(stack: StackWrapper) -> None:
    """A stack is not copied onto itself, nor resumed into another; treatments are named."""
    with pytest.raises(BadRequestError, match="onto itself"):
        stack.copy_to("montage", existing="append")
    with pytest.raises(ValueError, match="resume=True"):
        stack.copy_to("other", existing="replace", resume=True)
    with pytest.raises(ValueError, match="'refuse', 'append', 'replace': got 'all'"):
        stack.copy_to("other", existing="all")


def test_hidden__of_a_section(stack: StackWrapper) -> None:
    """Hidden tiles, and those outside of a box, are listed with one request each."""
    with stack.editing() as edit:
        edit.put([tile("t1_00", 1.0, 0), tile("t1_2", 1.0, 90)], transforms={"lens": LENS})
    section = stack.section(1)

    with stack._conn.counting() as requests:
        found = section.hidden_tile_ids(), section.tile_ids_outside((0, 0, 50, 50))

    assert found == (["t1_0", "t1_1"], ["t1_1", "t1_2"])
    assert requests == ["section.tile_bounds"] * 2
