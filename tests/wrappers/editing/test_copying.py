"""Stacks copied: by the service, through this process, to another server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rendergateway import (
    BadRequestError,
    ConnectionFailedError,
    Gateway,
    NotFoundError,
    RecordError,
    Retries,
    StackWrapper,
    StaleStackError,
    TileTable,
)
from rendergateway.transforms import AffineModel2D, TransformReference
from tests.wrappers.conftest import LENS, tile
from tests.wrappers.editing.breaking import BreakingService, served


def texts_of(stack: StackWrapper) -> dict[str, bytes]:
    """The text of each tile."""
    return {one.tile_id: one._obj.to_json() for section in stack.sections() for one in section.tiles()}


@pytest.fixture
def stack(stack: StackWrapper) -> StackWrapper:
    """The stack of three sections, with a cycle and notes."""
    stack.update(cycle=(2, 1))
    return stack


# By the service


def test_clone__sections_and_facts(stack: StackWrapper, gateway: Gateway) -> None:
    """Chosen sections go to another project; resolution and cycle go along."""
    with gateway.counting() as requests:
        copy = stack.clone_to("part", project="tests", sections=[1, stack.section(3)], complete=True)

    assert requests == ["stack.z_values", "stack.read", "stack.read", "stack.clone", "stack.set_state"]
    assert (copy.project.name, copy.state, copy.sections().ids) == ("tests", "COMPLETE", [1, 3])
    assert (copy.resolution_nm, copy.version.cycle_number) == ((4, 4, 40), 2)
    assert copy.tile("t1_0").resolved_transforms == stack.tile("t1_0").resolved_transforms


def test_clone__open_and_without_transforms(stack: StackWrapper) -> None:
    """A clone is LOADING by default; shared transforms are optional."""
    copy = stack.clone_to("open", transforms=False, notes="without lens")

    assert (copy.state, copy.version.notes) == ("LOADING", "without lens")
    assert copy.tile("t1_0").transforms[0] == TransformReference("lens")
    with pytest.raises(NotFoundError):
        _ = copy.shared_transforms["lens"]


def test_clone__refused(stack: StackWrapper, gateway: Gateway) -> None:
    """An existing target, another owner and an empty list of sections are refused."""
    gateway.create_stack("taken")

    with pytest.raises(BadRequestError, match="exists"):
        stack.clone_to("taken")
    with pytest.raises(ValueError, match="copy_to"):
        stack.clone_to("other/p/s")
    with pytest.raises(ValueError, match="sections= is empty; leave it out"):
        stack.clone_to("new", sections=[])
    with pytest.raises(NotFoundError):
        gateway.stack("none").clone_to("new")
    assert gateway.stacks().ids.count("new") == 0


@pytest.mark.parametrize("verb", ["clone_to", "copy_to"])
def test_copies__sections_of_an_iterator(stack: StackWrapper, verb: str) -> None:
    """Sections may come from a one-shot iterator."""
    copy = getattr(stack, verb)("new", sections=iter([3, 1]), complete=True)

    assert copy.sections().ids == [1, 3]


@pytest.mark.parametrize("verb", ["clone_to", "copy_to"])
def test_copies__sections_that_are_not_there(stack: StackWrapper, gateway: Gateway, verb: str) -> None:
    """A missing section is an error, and no stack is created."""
    with gateway.counting() as requests, pytest.raises(NotFoundError, match=r"has no section at z 99, 7\.5"):
        getattr(stack, verb)("new", sections=[1, 99, 7.5])

    assert requests == ["stack.z_values"]
    assert "new" not in gateway.stacks().ids


# Through this process


def test_copy__as_it_is(stack: StackWrapper, gateway: Gateway) -> None:
    """A copy has byte-identical tiles, the shared transforms, and the version metadata."""
    copy = stack.copy_to("copy", owner="other", project="p", workers=1)

    assert texts_of(copy) == texts_of(stack)
    assert copy.shared_transforms["lens"] == stack.shared_transforms["lens"]
    assert (copy.owner.name, copy.state, copy.resolution_nm, copy.version.cycle_number) == (
        "other", "COMPLETE", (4, 4, 40), 2,
    )  # fmt: skip


def test_copy__requests(stack: StackWrapper, gateway: Gateway) -> None:
    """One read per layer; small layers are saved together."""
    stack.load()

    with gateway.counting() as requests:
        stack.copy_to("copy", workers=1)

    assert requests == [
        *["stack.read", "stack.create"],  # the copy, which must not be there
        *["stack.read", "stack.z_values"],  # the source
        "stack.read",  # the copy is LOADING
        *["stack.section_data", *["section.resolved_tiles"] * 3],
        "stack.save_tiles",
        "stack.read",  # the source is as it was
        *["stack.read", "stack.set_state"],
    ]


def test_copy__to_another_server(stack: StackWrapper, tmp_path: Path) -> None:
    """A copy to another gateway's server belongs to that gateway."""
    with Gateway(f"embedded:{tmp_path / 'other.db'}", owner="there", project="p") as other:
        copy = stack.copy_to("there/p/copy", gateway=other)

        assert copy._conn is other
        assert texts_of(copy) == texts_of(stack)
        assert copy.tile("t1_0").resolved_transforms == stack.tile("t1_0").resolved_transforms


def test_copy__some_sections_in_batches(stack: StackWrapper, gateway: Gateway) -> None:
    """Chosen sections, a batch a request."""
    with gateway.counting() as requests:
        copy = stack.copy_to("copy", sections=stack.sections(z=(2, 3)), batch=1, complete=False)

    assert copy.state == "LOADING"
    assert requests.count("stack.save_tiles") == 4
    assert copy.sections().ids == [2, 3]


def test_copy__with_changes(stack: StackWrapper, gateway: Gateway) -> None:
    """A function edits the table of each layer before saving; tiles stay linked to their lens."""
    copy = stack.copy_to("shifted", edit=lambda tiles: tiles.evolve(z=tiles.z + 100))

    assert copy.sections().ids == [101, 102, 103]
    assert copy.section(101).tiles()[0].transforms == stack.tile("t1_0").transforms
    assert copy.tile("t1_0").bounds == stack.tile("t1_0").bounds
    assert copy.shared_transforms["lens"].evolve(id=None) == LENS


def test_copy__boxes_follow_changed_transforms(stack: StackWrapper) -> None:
    """If the function moves tiles but keeps their boxes, the boxes are derived anew."""

    def moved(tiles: TileTable) -> TileTable:
        affines = tiles.last_affine.copy()
        affines[:, :, 2] += 1000
        return tiles.evolve(last_affine=affines, tile_id=[f"{name}_moved" for name in tiles.tile_id])

    copy = stack.copy_to("moved", edit=moved)

    assert list(copy.tile("t1_0_moved").bounds or ()) == [1001, 1002, 1101, 1082]


def test_copy__boxes_of_renamed_texts(stack: StackWrapper) -> None:
    """A tile that is renamed in its JSON, and moved with its old box, is compared with the tile of the same row."""

    def moved(tiles: TileTable) -> TileTable:
        changed = []
        for tile in tiles:
            members = tile.to_dict()
            members["tileId"] += "_moved"
            members["transforms"]["specList"][-1]["dataString"] = "1 0 0 1 1000 0"
            changed.append(json.dumps(members))
        return TileTable(changed)

    copy = stack.copy_to("moved", edit=moved)

    tile = copy.tile("t1_0_moved")
    assert tile.bounds is not None
    assert tile.bounds.min_x >= 1000


def test_copy__tiles_left_out(stack: StackWrapper) -> None:
    """The function may leave tiles out, a whole layer too."""
    copy = stack.copy_to("part", edit=lambda tiles: tiles[(tiles.z == 2) & (tiles.tile_id == "t2_1")], boxes="local")

    assert list(texts_of(copy)) == ["t2_1"]


def test_copy__ids_that_fall_together(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles of different layers that get the same id are refused."""
    with pytest.raises(RecordError, match="duplicate tile id 'a'") as caught:
        stack.copy_to("copy", edit=lambda tiles: tiles[:1].evolve(tile_id=["a"]))

    assert vars(caught.value)["__notes__"][1].startswith("1 of 3 sections were copied; the same copy_to")
    assert gateway.stack("copy").state == "LOADING"


def test_copy__no_table(stack: StackWrapper) -> None:
    """A function that does not return a table is refused."""
    with pytest.raises(TypeError, match="edit must return a TileTable, got None"):
        stack.copy_to("copy", edit=lambda tiles: None)  # type: ignore[arg-type,return-value]


def test_copy__without_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """An empty stack with the same metadata."""
    with gateway.counting() as requests:
        copy = stack.copy_to("empty", tiles=False)

    assert requests == ["stack.read", "stack.read", "stack.create"]
    assert (copy.state, copy.resolution_nm, len(copy.sections())) == ("LOADING", (4, 4, 40), 0)


def test_copy__a_stack_that_is_there(stack: StackWrapper, gateway: Gateway) -> None:
    """An existing stack is neither replaced nor added to."""
    gateway.create_stack("taken")
    with pytest.raises(BadRequestError, match="exists; delete it, or use another name"):
        stack.copy_to("taken")
    with pytest.raises(BadRequestError, match="exists"):
        stack.copy_to("montage")
    with pytest.raises(NotFoundError):
        stack.copy_to("none", resume=True)
    with pytest.raises(BadRequestError, match="is COMPLETE"):
        stack.copy_to("montage", resume=True)


def test_copy__source_changed_meanwhile(stack: StackWrapper, gateway: Gateway) -> None:
    """A source that changes while it is copied is seen; the copy stays open."""
    theirs = gateway.using().stack("montage")
    changed: list[int] = []

    def change(tiles: TileTable) -> TileTable:
        if not changed:
            changed.append(1)
            with theirs.editing() as edit:
                edit.put([tile("new", 3, 500)])
        return tiles

    with pytest.raises(StaleStackError, match="changed by others while it was copied"):
        stack.copy_to("copy", edit=change, workers=1)

    assert gateway.stack("copy").state == "LOADING"


# Breaking off, and going on


@pytest.fixture
def service(tmp_path: Path) -> BreakingService:
    return BreakingService(tmp_path / "there.db")


@pytest.fixture
def there(service: BreakingService) -> Iterator[Gateway]:
    """A gateway to another server, over a socket."""
    with served(service) as address, Gateway(address, owner="o", project="p", retries=Retries(total=0)) as gateway:
        yield gateway


def test_copy__goes_on(stack: StackWrapper, service: BreakingService, there: Gateway) -> None:
    """A copy that failed is left LOADING, names the remedy, and is resumed without repeating complete sections."""
    # The first batch of the second section is stored, its second one is not.
    service.breaks = ["ok", "ok", "ok"] + ["before"] * 6
    where: dict[str, Any] = {"owner": "o", "project": "p", "gateway": there, "workers": 1, "batch": 1}

    with pytest.raises(ConnectionFailedError) as caught:
        stack.copy_to("copy", **where)

    notes = vars(caught.value)["__notes__"]
    assert notes[0] == "stack copy was left LOADING; the 3 tiles put before this error are stored"
    assert "the same copy_to() with resume=True continues, or delete stack copy" in notes[1]
    copy = there.stack("copy")
    assert (copy.state, sorted(texts_of(copy))) == ("LOADING", ["t1_0", "t1_1", "t2_0"])

    service.saves = 0
    assert stack.copy_to("copy", resume=True, **where) is copy

    assert service.saves == 4
    assert texts_of(copy) == texts_of(stack)
    assert (copy.state, copy.tile_count) == ("COMPLETE", 6)


def test_copy__interrupted(stack: StackWrapper, gateway: Gateway) -> None:
    """Ctrl-C leaves a copy that can be resumed, also with edits."""

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    def shift(tiles: TileTable) -> TileTable:
        return tiles.evolve(z=tiles.z + 10)

    with pytest.raises(KeyboardInterrupt):
        stack.copy_to("copy", edit=shift, progress=interrupt)
    copy = stack.copy_to("copy", edit=shift, resume=True)

    assert copy.sections().ids == [11, 12, 13]
    assert copy.tile_count == 6


def test_copy__large_layers_in_pieces(stack: StackWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer of many tiles is read in pieces, so that it is never held as a whole."""
    monkeypatch.setattr("rendergateway.wrappers.reading.tiles.MAX_IN_MEMORY", 1)

    copy = stack.copy_to("copy")

    assert texts_of(copy) == texts_of(stack)


def test_copy__nothing_to_copy(gateway: Gateway) -> None:
    """An empty stack cannot be completed, as the service has it; left open it is copied."""
    empty = gateway.create_stack("empty")

    assert empty.copy_to("copy", complete=False).state == "LOADING"
    assert AffineModel2D() == AffineModel2D()


def test_copy_to__edit_raises_and_its_threads_end(stack: StackWrapper) -> None:
    """A failing edit ends its reading threads at once, not when it is garbage-collected."""

    def fails(tiles: TileTable) -> TileTable:
        raise ValueError("no")

    before = set(threading.enumerate())
    # The traceback, which this name keeps, refers to everything that was in use.
    with pytest.raises(ValueError, match="no") as kept:
        stack.copy_to("copy", edit=fails)

    assert set(threading.enumerate()) <= before
    assert kept.tb is not None
